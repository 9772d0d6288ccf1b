import { generateKeyPairSync, hash, type KeyObject, randomUUID, sign } from 'node:crypto';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { reservePort } from '@govstack/platform';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readConfiguration } from '../src/global-configuration/document.ts';
import { eventually } from './fixtures/instance.ts';
import {
  certify,
  consumer,
  echoService,
  startServer,
  startTwoServers,
  type TwoServers,
} from './fixtures/two-servers.ts';

/** Everything a server needs to speak the protocol between servers, written here from its description. */
interface Rogue {
  readonly id: string;
  readonly tls: { readonly cert: string; readonly key: string };
  /** Signing keys with certificates, by member. */
  readonly signers: ReadonlyMap<
    string,
    { readonly key: KeyObject; readonly keyId: string; readonly certificate: Buffer }
  >;
}

let servers: TwoServers;
let rogue: Rogue;
let hostile: Server;
/** What the hostile provider's server answers. */
let answerAs: (envelope: Envelope, asked: Buffer) => { envelope?: object; body: Buffer; never?: boolean };

interface Envelope {
  readonly exchangeId: string;
  readonly messageId: string;
  readonly client: string;
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly headers: [string, string][];
}

const rogueServer = 'T/GOV/MSP/rogue';
const hostileService = 'T/GOV/MSP/hostile/echo-v1';
const sha512 = (...parts: (Buffer | string)[]): Buffer =>
  hash('sha512', Buffer.concat(parts.map((part) => Buffer.from(part as string))), 'buffer');
const messageHash = (head: string, body: Buffer): Buffer =>
  body.length === 0 ? sha512(head) : sha512(sha512(head), sha512(body));

function signed(member: string, head: string, body: Buffer, by: string = member): object {
  const signer = rogue.signers.get(by);
  if (!signer) throw new Error(`no key of ${by}`);
  const root = hash('sha256', Buffer.concat([Uint8Array.of(0), messageHash(head, body)]), 'buffer');
  const value = sign('sha256', Buffer.concat([Buffer.from('govstack-message-v1\0'), root]), {
    key: signer.key,
    dsaEncoding: 'ieee-p1363',
  });
  return {
    signer: member,
    keyId: signer.keyId,
    value: value.toString('base64'),
    hashChain: '',
    certificate: signer.certificate.toString('base64'),
  };
}

const pem = (text: string): Buffer => Buffer.from(text.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');
const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const headOf = (first: string, headers: readonly (readonly [string, string])[]): string =>
  `${first}\r\n${headers.map(([name, value]) => `${name}:${value}\r\n`).join('')}`;

beforeAll(async () => {
  servers = await startTwoServers({ server: { code: 'ss2', port: await freePort(), timeoutMs: 1500 } });
  const { first } = servers;
  const hostilePort = await freePort();
  const key = newKey();
  const authentication = await certify(first, rogueServer, key, 'authentication');
  const signers = new Map();
  for (const member of ['T/GOV/MSP', 'T/GOV/MOH']) {
    const own = newKey();
    const { keyId, certificate } = await certify(first, member, own, 'signing');
    signers.set(member, { key: own, keyId, certificate: pem(certificate) });
  }
  rogue = {
    id: rogueServer,
    tls: { cert: authentication.certificate, key: key.export({ type: 'pkcs8', format: 'pem' }) as string },
    signers,
  };
  await first.admin.putApplication({
    params: { application: 'T/GOV/MSP/hostile' },
    body: { name: 'Hostile' },
  });
  await first.centre.putServer({
    params: { server: rogueServer },
    body: {
      address: `https://127.0.0.1:${hostilePort}`,
      certificates: [authentication.certificate],
      clients: ['T/GOV/MSP/hostile'],
    },
  });
  hostile = createServer({
    ...rogue.tls,
    requestCert: true,
    rejectUnauthorized: false,
    maxHeaderSize: 98_304,
  });
  hostile.on('request', (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const envelope = JSON.parse(
        Buffer.from(request.headers['x-govstack-envelope'] as string, 'base64url').toString(),
      ) as Envelope;
      const { envelope: answer, body, never } = answerAs(envelope, Buffer.concat(chunks));
      if (never) return;
      response.writeHead(200, {
        ...(answer
          ? { 'x-govstack-envelope': Buffer.from(JSON.stringify(answer)).toString('base64url') }
          : {}),
        'content-length': body.length,
      });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => hostile.listen(hostilePort, '127.0.0.1', resolve));
  await vi.waitFor(
    async () => {
      answerAs = () => ({ body: Buffer.from('nothing') });
      expect((await ask()).headers['x-road-error']).toBe('Server.ClientProxy.InconsistentResponse');
    },
    { timeout: 30_000, interval: 50 },
  );
});
afterAll(async () => {
  hostile?.closeAllConnections();
  hostile?.close();
  await servers?.stop();
});

async function freePort(): Promise<number> {
  const reserved = await reservePort(0);
  await new Promise<void>((resolve) => reserved.holder.close(() => resolve()));
  return reserved.port;
}

/** The second server asks the hostile one. */
const ask = (headers: Record<string, string> = {}) =>
  servers.second.node.mediator.exchange({
    client: consumer,
    service: hostileService,
    method: 'POST',
    path: '/x',
    headers,
    body: 'asked',
  });

describe('a server that asks', () => {
  const body = Buffer.from('{"text":"hello"}');
  const client = 'T/GOV/MSP/hostile';

  function envelopeOf(changes: Partial<Record<string, unknown>> = {}) {
    const exchangeId = randomUUID();
    const headers: [string, string][] = [
      ['content-type', 'application/json'],
      ['X-Road-Client', client],
      ['X-Road-Id', exchangeId],
      ['X-Road-Request-Id', exchangeId],
    ];
    const head = headOf(`POST\r\n/r1/${echoService}/say/rogue`, headers);
    return {
      exchangeId,
      messageId: exchangeId,
      client,
      service: echoService,
      method: 'POST',
      path: '/say/rogue',
      correlationId: 'rogue',
      traceId: '',
      headers,
      signature: signed('T/GOV/MSP', head, body),
      ...changes,
    };
  }

  const send = (
    envelope: object,
    sent: Buffer = body,
    tls: Partial<Rogue['tls']> = rogue.tls,
  ): Promise<{ status: number; error: string; transport: string }> =>
    new Promise((resolve, reject) => {
      const request = httpsRequest(
        {
          host: '127.0.0.1',
          port: servers.first.port,
          method: 'POST',
          path: '/peer/v1/exchanges',
          rejectUnauthorized: false,
          agent: false,
          ...tls,
          maxHeaderSize: 98_304,
          headers: {
            'x-govstack-envelope': Buffer.from(JSON.stringify(envelope)).toString('base64url'),
            'content-length': sent.length,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const given = response.headers['x-govstack-envelope'] as string | undefined;
            const answer = given
              ? (JSON.parse(Buffer.from(given, 'base64url').toString()) as {
                  status: number;
                  headers: [string, string][];
                })
              : undefined;
            resolve({
              status: answer?.status ?? response.statusCode ?? 0,
              error: answer?.headers.find(([name]) => name === 'X-Road-Error')?.[1] ?? '',
              transport: answer ? '' : Buffer.concat(chunks).toString(),
            });
          });
        },
      );
      request.on('error', reject);
      request.end(sent);
    });

  beforeAll(async () => {
    await servers.first.admin.putRight({ params: { service: echoService, subject: client }, body: {} });
  });
  const called = () => servers.record.said.filter((what) => what === 'rogue').length;

  it('is served when everything is as it should be, and once only', async () => {
    const envelope = envelopeOf();
    expect(await send(envelope)).toMatchObject({ status: 200, error: '' });
    const count = called();
    const again = await send(envelope);
    expect(again.transport).toContain('providerLoggingFailed');
    expect(called()).toBe(count);
  });

  it.each<[string, () => object, Buffer | undefined, string]>([
    [
      'a body other than the signed one',
      () => envelopeOf(),
      Buffer.from('{"text":"hellO"}'),
      'InvalidSignatureValue',
    ],
    [
      'a header other than the signed one',
      () => {
        const envelope = envelopeOf();
        return {
          ...envelope,
          headers: envelope.headers.map(([name, value]) => [
            name,
            name === 'content-type' ? 'text/plain' : value,
          ]),
        };
      },
      undefined,
      'InvalidSignatureValue',
    ],
    [
      'a path other than the signed one',
      () => envelopeOf({ path: '/say/rogue?x=1' }),
      undefined,
      'InvalidSignatureValue',
    ],
    [
      'a client other than the signed one',
      () => envelopeOf({ client: 'T/GOV/MSP/service' }),
      undefined,
      'InvalidSignatureValue',
    ],
    [
      'a signature of nobody',
      () => {
        const envelope = envelopeOf();
        return {
          ...envelope,
          signature: { ...envelope.signature, value: Buffer.alloc(64, 1).toString('base64') },
        };
      },
      undefined,
      'InvalidSignatureValue',
    ],
    [
      'another member’s key under the client’s name',
      () => {
        const envelope = envelopeOf();
        const head = headOf(`POST\r\n/r1/${echoService}/say/rogue`, envelope.headers);
        return { ...envelope, signature: signed('T/GOV/MSP', head, body, 'T/GOV/MOH') };
      },
      undefined,
      'InvalidCertPath',
    ],
    [
      'a signature of another member',
      () => {
        const envelope = envelopeOf();
        const head = headOf(`POST\r\n/r1/${echoService}/say/rogue`, envelope.headers);
        return { ...envelope, signature: signed('T/GOV/MOH', head, body) };
      },
      undefined,
      'InvalidCertPath',
    ],
  ])('[IM-9.1-c] with %s is refused before anything is called', async (_what, envelope, sent, error) => {
    const count = called();
    expect((await send(envelope(), sent)).error).toBe(`Server.ServerProxy.${error}`);
    expect(called()).toBe(count);
  });

  it('[IM-9.1-a] without a registered certificate is refused, whatever it signs', async () => {
    const stranger = newKey();
    const { certificate } = await certify(servers.first, 'T/GOV/MSP/stranger', stranger, 'authentication');
    const key = stranger.export({ type: 'pkcs8', format: 'pem' }) as string;
    for (const tls of [
      { cert: certificate, key },
      { cert: undefined, key: undefined },
    ])
      expect((await send(envelopeOf(), body, tls)).transport).toContain('serverNotAuthenticated');
  });

  it('for a client of another server is refused', async () => {
    const envelope = envelopeOf();
    const headers = envelope.headers.map(([name, value]): [string, string] => [
      name,
      name === 'X-Road-Client' ? consumer : value,
    ]);
    const head = headOf(`POST\r\n/r1/${echoService}/say/rogue`, headers);
    const signature = signed('T/GOV/MSP', head, body);
    expect((await send({ ...envelope, client: consumer, headers, signature })).error).toBe(
      'Server.ServerProxy.AccessDenied',
    );
  });
});

describe('a server that answers', () => {
  const answer = (
    { exchangeId, messageId, client, service, method, path, headers: asked }: Envelope,
    body: Buffer,
    changes: { headers?: Record<string, string>; signer?: string; by?: string; sent?: Buffer } = {},
  ) => {
    const requestHash = messageHash(
      headOf(`${method}\r\n/r1/${service}${path}`, asked),
      Buffer.from('asked'),
    );
    const headers = Object.entries({
      'X-Road-Id': messageId,
      'X-Road-Client': client,
      'X-Road-Service': service,
      'X-Road-Request-Id': exchangeId,
      'X-Road-Request-Hash': requestHash.toString('base64'),
      ...changes.headers,
    });
    const signature = signed(changes.signer ?? 'T/GOV/MSP', headOf('200', headers), body, changes.by);
    return { envelope: { status: 200, headers, signature }, body: changes.sent ?? body };
  };
  const body = Buffer.from('answered');
  const errorOf = async () => (await ask()).headers['x-road-error'];

  it('is believed when everything is as it should be', async () => {
    answerAs = (envelope) => answer(envelope, body);
    const given = await ask();
    expect([given.status, given.body.toString(), given.headers['x-road-error']]).toEqual([
      200,
      'answered',
      undefined,
    ]);
  });

  it('[IM-9.1-d] is not, and nothing of it reaches the consumer, when anything is not', async () => {
    const secret = Buffer.from('tampered');
    const cases: [string, typeof answerAs][] = [
      ['InvalidSignatureValue', (envelope) => answer(envelope, body, { sent: secret })],
      ['InvalidCertPath', (envelope) => answer(envelope, secret, { by: 'T/GOV/MOH' })],
      ['InvalidSignatureValue', (envelope) => answer(envelope, secret, { signer: 'T/GOV/MOH' })],
      ['InconsistentResponse', (envelope) => answer(envelope, secret, { headers: { 'X-Road-Id': 'other' } })],
      [
        'InconsistentResponse',
        (envelope) => answer(envelope, secret, { headers: { 'X-Road-Request-Hash': 'AA==' } }),
      ],
      ['InconsistentResponse', () => ({ body: secret })],
    ];
    for (const [error, way] of cases) {
      answerAs = way;
      const given = await ask();
      expect(given.headers['x-road-error']).toBe(`Server.ClientProxy.${error}`);
      expect(given.body.toString()).not.toContain('tampered');
    }
  });

  it('not in time, or not at all, is told apart, and is asked once only', async () => {
    let asked = 0;
    answerAs = () => {
      asked += 1;
      return { body, never: true };
    };
    expect(await errorOf()).toBe('Server.ClientProxy.NetworkError.Timeout');
    expect(asked).toBe(1);
    hostile.closeAllConnections();
    await new Promise((resolve) => hostile.close(resolve));
    expect(await errorOf()).toBe('Server.ClientProxy.NetworkError');
  });
});

describe('the configuration of the instance', () => {
  it('[IM-9.1-a] that has expired stops every exchange; a tampered one is not taken over', async () => {
    const centre = await startServer('T/GOV/DGA/mediator', 'ss1', { configurationLifetimeSeconds: 3 });
    const published = async (): Promise<string> => (await fetch(`${centre.url}/configuration/T`)).text();
    let document = await published();
    const files: HttpServer = createHttpServer((_request, response) => response.end(document));
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(files.address() as AddressInfo).port}/`;
    const anchor = { ...(await centre.centre.getAnchor({})).body, urls: [url] };
    const server = await startServer('T/GOV/MSP/mediator', 'ss2', { anchor });
    const error = async () => {
      const { headers } = await server.node.mediator.exchange({
        client: 'T/GOV/MSP/mediator',
        service: 'T/GOV/MSP/mediator/listMethods',
        method: 'GET',
        path: '/',
        headers: {},
      });
      return headers['x-road-error'];
    };
    try {
      await centre.admin.putMember({ params: { member: 'T/GOV/NEW' }, body: { name: 'New' } });
      const newer = async () => {
        document = await published();
      };
      await newer();
      await eventually(error).toBeUndefined();
      // The centre falls silent: what it last said expires.
      await eventually(error).toBe('Server.ClientProxy.OutdatedGlobalConf');
      const [head, payload, signature] = (await published()).split('.') as [string, string, string];
      const forged = JSON.parse(Buffer.from(payload, 'base64url').toString());
      forged.configuration.expiresAt = '2099-01-01T00:00:00.000Z';
      document = `${head}.${Buffer.from(JSON.stringify(forged)).toString('base64url')}.${signature}`;
      await eventually(error).toBe('Server.ClientProxy.OutdatedGlobalConf');
      await newer();
      await eventually(error).toBeUndefined();
    } finally {
      files.closeAllConnections();
      files.close();
      await server.node.stop();
      await centre.node.stop();
    }
  });

  it('[IM-9.1-a] is believed from its own centre only, for its own instance, and never an older one', async () => {
    const { first } = servers;
    const document = await (await fetch(`${first.url}/configuration/T`)).text();
    const { body: anchor } = await first.centre.getAnchor({});
    const now = new Date();
    const read = await readConfiguration(document, anchor, 1, now);
    expect(read.servers.map(({ id }) => id)).toContain(rogueServer);
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
    const keys = anchor.keys.map(({ kid }) => ({ ...other, kid }));
    const later = new Date(now.getTime() + 3_600_000);
    for (const [why, version, trusted, at] of [
      ['older', read.version + 1, anchor, now],
      ['another instance', 1, { ...anchor, instance: 'U' }, now],
      ['not signed', 1, { ...anchor, keys }, now],
      ['expired', 1, anchor, later],
    ] as const)
      await expect(readConfiguration(document, trusted, version, at)).rejects.toThrow(why);
    expect((await fetch(`${first.url}/configuration/U`)).status).toBe(404);
  });
});
