import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configurationType } from '../src/global-configuration/document.ts';
import { EchoRecord } from './fixtures/echo-block.ts';
import { eventually } from './fixtures/instance.ts';
import { certifyKeyOf, startServer, type TestServer } from './fixtures/two-servers.ts';

const ours = { mediator: 'T/GOV/DGA/mediator', provider: 'T/GOV/MOH/echo', server: 'T/GOV/DGA/ss1' };
const theirs = { mediator: 'U/GOV/ICT/mediator', consumer: 'U/GOV/TAX/service', server: 'U/GOV/ICT/ss1' };
const echoService = `${ours.provider}/echo-v1`;

type Published = Record<string, unknown> & { servers: { clients: string[] }[] };

/** The centre of the other instance as ours sees it: signs what the real one publishes, or something else. */
interface Relay {
  readonly anchor: { instance: string; urls: string[]; keys: Record<string, unknown>[] };
  /** What is made of the real configuration; undefined: nothing is published. */
  publish: ((configuration: Published) => Published) | undefined;
  /** Signs with a key that is not in the anchor. */
  forging: boolean;
  stop(): Promise<void>;
}

async function startRelay(real: () => string): Promise<Relay> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const stranger = await generateKeyPair('ES256');
  const server = createServer(async (_request, response) => {
    if (!relay.publish) return response.writeHead(503).end();
    const signed = await (await fetch(`${real()}/configuration/U`)).text();
    const { configuration } = JSON.parse(Buffer.from(signed.split('.')[1] as string, 'base64url').toString());
    const document = await new SignJWT({ configuration: relay.publish(configuration) })
      .setProtectedHeader({ alg: 'ES256', typ: configurationType, kid: 'relay' })
      .sign(relay.forging ? stranger.privateKey : privateKey);
    response.end(document);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/configuration`;
  const relay: Relay = {
    anchor: { instance: 'U', urls: [url], keys: [{ ...(await exportJWK(publicKey)), kid: 'relay' }] },
    publish: undefined,
    forging: false,
    stop: () => new Promise((done) => server.close(() => done())),
  };
  return relay;
}

const asPublished = (configuration: Published): Published => configuration;
const governedBy = (instance: string, governance: string) => ({ bootstrap: { instance, governance } });

let first: TestServer;
let second: TestServer;
let relay: Relay;
const record = new EchoRecord();

beforeAll(async () => {
  relay = await startRelay(() => second.url);
  first = await startServer(ours.mediator, 'ss1', { partners: [relay.anchor] }, record);
  const anchor = (await first.centre.getAnchor({})).body;
  second = await startServer(theirs.mediator, 'ss1', {
    ...governedBy('U', theirs.mediator),
    partners: [anchor],
  });
  relay.publish = asPublished;

  for (const [server, members, applications] of [
    [first, ['T/GOV/DGA', 'T/GOV/MOH'], [ours.provider]],
    [second, ['U/GOV/ICT', 'U/GOV/TAX'], [theirs.consumer]],
  ] as const) {
    for (const member of members)
      await server.admin.putMember({ params: { member }, body: { name: member } });
    for (const application of applications)
      await server.admin.putApplication({ params: { application }, body: { name: application } });
  }
  await first.admin.putService({
    params: { service: echoService },
    body: { title: 'Echo', target: 'local:echo/echo-v1', timeoutMs: 5000 },
  });
  const register = async (server: TestServer, id: string, clients: string[]) => {
    const { certificate } = await certifyKeyOf(server, server, 'authentication');
    await server.centre.putServer({
      params: { server: id },
      body: { address: `https://127.0.0.1:${server.port}`, certificates: [certificate], clients },
    });
  };
  await register(first, ours.server, [ours.provider, ours.mediator]);
  await register(second, theirs.server, [theirs.consumer, theirs.mediator]);
});
afterAll(async () => {
  await second?.node.stop();
  await first?.node.stop();
  await relay?.stop();
});

const ask = () =>
  second.node.mediator.exchange({
    client: theirs.consumer,
    service: echoService,
    method: 'POST',
    path: '/say/across',
    headers: { 'content-type': 'application/json' },
    body: '{"text":"hello"}',
  });
const errorNow = async (): Promise<string | undefined> => (await ask()).headers['x-road-error'];
const grantAcross = () =>
  first.admin.putRight({ params: { service: echoService, subject: theirs.consumer }, body: {} });

describe('two instances', () => {
  it('[IM-4-d] exchange through each other’s servers, under the rights of the provider, signed under their own authorities', async () => {
    await eventually(errorNow).toBe('Server.ServerProxy.AccessDenied');
    await grantAcross();
    const answer = await ask();
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ text: 'hello', caller: theirs.consumer });
    const params = { exchangeId: answer.headers['x-road-request-id'] as string };
    for (const server of [first, second]) {
      const { body } = await server.log.getExchange({ params });
      expect(body.verified).toBe(true);
      expect([body.request.signer, body.response?.signer]).toEqual(['U/GOV/TAX', 'T/GOV/MOH']);
    }
  });

  it.each([
    'instanceId',
    'xRoadInstance',
  ])('[IM-8.2.1-a] listClients names the clients of the other instance, asked for by %s', async (parameter) => {
    const clients = async (query: string): Promise<string[]> => {
      const { member } = (await (await fetch(`${first.url}/listClients${query}`)).json()) as {
        member: { id: { instanceId: string; memberCode: string; applicationCode?: string } }[];
      };
      return member.map(({ id }) => [id.instanceId, id.memberCode, id.applicationCode].join('/'));
    };
    expect(await clients(`?${parameter}=U`)).toEqual(expect.arrayContaining(['U/TAX/', 'U/TAX/service']));
    expect((await clients(`?${parameter}=U`)).every((id) => id.startsWith('U/'))).toBe(true);
    expect((await clients('')).every((id) => id.startsWith('T/'))).toBe(true);
    expect(await clients(`?${parameter}=X`)).toEqual([]);
  });

  it('[IM-4-d] one that has not been let in is not spoken with', async () => {
    const stranger = await startServer('V/GOV/ICT/mediator', 'ss1', {
      ...governedBy('V', 'V/GOV/ICT/mediator'),
      partners: [(await first.centre.getAnchor({})).body],
    });
    try {
      const { certificate } = await certifyKeyOf(stranger, stranger, 'authentication');
      await stranger.centre.putServer({
        params: { server: 'V/GOV/ICT/ss1' },
        body: {
          address: `https://127.0.0.1:${stranger.port}`,
          certificates: [certificate],
          clients: ['V/GOV/ICT/mediator'],
        },
      });
      const said = record.said.length;
      const answer = await stranger.node.mediator.exchange({
        client: 'V/GOV/ICT/mediator',
        service: echoService,
        method: 'GET',
        path: '/wait',
        headers: {},
      });
      expect(answer.headers['x-road-error']).toMatch(/NetworkError|SslAuthenticationFailed/);
      expect(record.said).toHaveLength(said);
    } finally {
      await stranger.node.stop();
    }
  });

  it('[IM-4-d] a partner’s centre cannot claim members and applications of this instance', async () => {
    relay.publish = (configuration) => ({
      ...configuration,
      version: Number(configuration.version) + 1000,
      servers: configuration.servers.map((server) => ({
        ...server,
        clients: [...server.clients, ours.provider],
      })),
    });
    await eventually(async () => {
      const { rows } = await sql<{ version: string }>`select version from received_configuration`.execute(
        first.db,
      );
      return Number(rows[0]?.version);
    }).toBeGreaterThan(1000);
    await first.admin.putRight({ params: { service: echoService, subject: ours.mediator }, body: {} });
    const answer = await first.node.mediator.exchange({
      client: ours.mediator,
      service: echoService,
      method: 'POST',
      path: '/say/at%20home',
      headers: { 'content-type': 'application/json' },
      body: '{"text":"hello"}',
    });
    expect(answer.status).toBe(200);
    expect(record.said.at(-1)).toBe('at home');
    expect((await ask()).status).toBe(200);
  });

  it('[IM-4-d] a partner is spoken with until its configuration expires; one that its centre has not signed changes nothing', async () => {
    const soon = new Date(Date.now() + 3000).toISOString();
    relay.publish = (configuration) => ({ ...configuration, version: 10_000, expiresAt: soon });
    await eventually(async () => {
      const { rows } = await sql<{ version: string }>`select version from received_configuration`.execute(
        first.db,
      );
      return rows[0]?.version;
    }).toBe('10000');
    expect((await ask()).status).toBe(200);
    relay.forging = true;
    relay.publish = (configuration) => ({ ...configuration, version: 20_000 });
    await eventually(errorNow).toMatch(/SslAuthenticationFailed/);
    relay.forging = false;
    await eventually(async () => (await ask()).status).toBe(200);
  });
});
