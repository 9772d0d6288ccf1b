import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { digitalRegistries } from '@govstack/digital-registries';
import { registryData, registryDatabase } from '@govstack/digital-registries/api';
import { informationMediator } from '@govstack/information-mediator';
import { mediatorAdmin, mediatorCentre, mediatorKeys } from '@govstack/information-mediator/api';
import { type Client, type createClient, type ReservedPort, reservePort } from '@govstack/platform';
import { startTestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const centre = 'T/GOV/DGA/mediator';
const other = 'T/GOV/MSP/mediator';
const registries = 'T/GOV/CRA/registries';
const programme = 'T/GOV/MSP/cash-transfer';
const data = `${registries}/${registryData.name}`;

/** Carries a connection to a server and keeps what passed, as somebody on the way could. */
async function listenOnTheWay(to: number): Promise<{ server: Server; port: number; heard: Buffer[] }> {
  const heard: Buffer[] = [];
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => heard.push(bytes));
      from.on('error', () => into.destroy());
      from.pipe(into);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port, heard };
}

/** What a server says to somebody who takes its certificate as it is and has none. */
const answerWithoutCertificate = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
    socket.once('error', reject);
    socket.once('data', (bytes) => resolve(bytes.toString()));
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  });

const freed = async ({ holder, port }: ReservedPort): Promise<number> => {
  await new Promise<void>((resolve) => holder.close(() => resolve()));
  return port;
};

async function startServer(own: string, code: string, settings: object, withRegistries: boolean) {
  const listen = await reservePort(0);
  const port = await freed(await reservePort(0));
  const url = `http://127.0.0.1:${listen.port}`;
  const node = await startTestNode({
    blocks: [
      {
        block: informationMediator,
        application: own,
        config: {
          bootstrap: { instance: 'T', governance: own },
          publicUrl: url,
          audiences: [url],
          server: { code, port },
          ocspRefreshSeconds: 0,
          configurationRefreshSeconds: 1,
          ...settings,
        },
      },
      ...(withRegistries ? [{ block: digitalRegistries, application: registries }] : []),
    ],
    node: { secret: randomBytes(32) },
  });
  await node.listen({ port: listen });
  const client = <S extends Parameters<typeof createClient>[0]>(surface: S): Client<S['operations']> =>
    node.client(surface, { as: own, service: `${own}/${surface.name}` }) as Client<S['operations']>;
  return {
    node,
    port,
    admin: client(mediatorAdmin),
    centre: client(mediatorCentre),
    keys: client(mediatorKeys),
  };
}
type SecurityServer = Awaited<ReturnType<typeof startServer>>;

/** Has the centre certify a key that a server has made, and the server take the certificate over. */
async function certify(server: SecurityServer, use: 'signing' | 'authentication', member?: string) {
  const { request } = (await server.keys.createRequest({ body: { use, ...(member ? { member } : {}) } }))
    .body;
  const { certificate } = (await first.centre.issueCertificate({ body: { request, use } })).body;
  await server.keys.importCertificate({ body: { certificate } });
  return certificate;
}

let first: SecurityServer;
let second: SecurityServer;
let way: Awaited<ReturnType<typeof listenOnTheWay>>;
beforeAll(async () => {
  first = await startServer(centre, 'ss1', {}, true);
  way = await listenOnTheWay(first.port);
  for (const member of ['T/GOV/DGA', 'T/GOV/CRA', 'T/GOV/MSP'])
    await first.admin.putMember({ params: { member }, body: { name: member } });
  for (const application of [registries, programme, other])
    await first.admin.putApplication({ params: { application }, body: { name: application } });
  for (const [name, subject] of [
    [registryData.name, programme],
    [registryDatabase.name, registries],
  ] as const) {
    const params = { service: `${registries}/${name}` };
    const target = `local:digital-registries/${name}`;
    await first.admin.putService({ params, body: { title: name, target } });
    await first.admin.putRight({ params: { ...params, subject }, body: {} });
  }
  await first.centre.putServer({
    params: { server: 'T/GOV/DGA/ss1' },
    body: {
      address: `https://127.0.0.1:${way.port}`,
      certificates: [await certify(first, 'authentication')],
      clients: [registries, centre],
    },
  });
  const anchor = (await first.centre.getAnchor({})).body;
  second = await startServer(other, 'ss2', { anchor }, false);
  const authentication = await certify(second, 'authentication');
  await certify(second, 'signing', 'T/GOV/MSP');
  await second.admin.putApplication({ params: { application: programme }, body: { name: programme } });
  await first.centre.putServer({
    params: { server: 'T/GOV/MSP/ss2' },
    body: {
      address: `https://127.0.0.1:${second.port}`,
      certificates: [authentication],
      clients: [programme, other],
    },
  });
});
afterAll(async () => {
  await second?.node.stop();
  await first?.node.stop();
  way?.server.close();
});

describe('a registry that another agency reads from its own server', () => {
  it('[REG-6.1-15-b] sends records over the network encrypted, and to servers that prove themselves only', async () => {
    const database = first.node.client(registryDatabase, {
      as: registries,
      service: `${registries}/${registryDatabase.name}`,
    });
    await database.modifyRegistry({
      body: {
        groupName: 'Civil registration',
        catalogName: 'Persons',
        code: 'persons',
        schema: { type: 'object', properties: { Name: { type: 'string', id: 1, unique: true } } },
      },
    });
    await database.putAccess({
      params: { code: 'persons' },
      body: { application: programme, methods: ['read', 'create'], fields: ['Name'] },
    });
    const reader = second.node.client(registryData, { as: programme, service: data });
    const params = { registryName: 'persons', versionNumber: '1.0' };
    const name = 'Euphrosyne-Wilhelmina';
    // The second server learns of the first from the signed configuration, which it fetches every second.
    await vi.waitFor(() => reader.createRecord({ params, body: { write: { content: { Name: name } } } }), {
      timeout: 30_000,
      interval: 100,
    });
    const { body } = await reader.readRecord({
      params,
      headers: {},
      body: { query: { content: { Name: name } } },
    });
    expect(body.content).toEqual({ Name: name });

    const heard = Buffer.concat(way.heard);
    expect(heard.length).toBeGreaterThan(name.length);
    for (const word of [name, 'persons', 'HTTP/1.1', 'content']) expect(heard.includes(word)).toBe(false);
    // Whoever has no certificate of a server is not heard, encrypted or not.
    await expect(fetch(`http://127.0.0.1:${way.port}/`)).rejects.toThrow();
    expect(await answerWithoutCertificate(way.port)).toMatch(/^HTTP\/1\.1 403 /);
  });
});
