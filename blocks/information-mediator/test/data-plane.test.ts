import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { reservePort } from '@govstack/platform';
import { selfSigned } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  consumer,
  engine,
  grant,
  type Instance,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

const service = `${provider}/files-v1`;
const folder = mkdtempSync(join(tmpdir(), 'mediator-test-'));
const inFolder = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};
const server = selfSigned('mediator.test');
const application = selfSigned('service');
const stranger = selfSigned('service');

let instance: Instance;
let url: string;
let tlsPort: number;
let files: Server;
const received: { url: string; size: number; digest: string }[] = [];

/** `size` bytes, the same every time, never in memory at once. */
const large = (size: number): Readable =>
  Readable.from(
    (function* () {
      const chunk = Buffer.alloc(65_536, 'govstack');
      for (let sent = 0; sent < size; sent += chunk.length)
        yield chunk.subarray(0, Math.min(chunk.length, size - sent));
    })(),
  );
const digestOf = async (source: Readable): Promise<{ size: number; digest: string }> => {
  const hash = createHash('sha512');
  let size = 0;
  for await (const chunk of source) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return { size, digest: hash.digest('base64') };
};

beforeAll(async () => {
  const reserved = await reservePort(0);
  tlsPort = reserved.port;
  await new Promise<void>((resolve) => reserved.holder.close(() => resolve()));
  instance = await startInstance({
    settings: {
      keepBodyLimit: 8 * 1024 * 1024,
      clientListener: {
        host: '127.0.0.1',
        port: tlsPort,
        certificateFile: inFolder('server.pem', server.certificate),
        keyFile: inFolder('server.key', server.key),
      },
    },
  });
  await grant(instance);
  url = await instance.node.listen({ port: 0 });
  files = createServer(async (request, response) => {
    received.push({ url: request.url ?? '', ...(await digestOf(request)) });
    const size = Number(new URL(request.url ?? '', 'http://files').searchParams.get('answer') ?? 2);
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
    large(size).pipe(response);
  });
  await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
  await instance.admin.putService({
    params: { service },
    body: {
      title: 'Files',
      target: `http://127.0.0.1:${(files.address() as AddressInfo).port}`,
      timeoutMs: 60_000,
    },
  });
  await instance.admin.putRight({ params: { service, subject: consumer }, body: {} });
});
afterAll(async () => {
  files.closeAllConnections();
  files.close();
  await instance.node.stop();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly size: number;
  readonly digest: string;
}

const send = async (
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: Readable; length?: number } = {},
): Promise<Answer> => {
  const { hostname, port } = new URL(url);
  const headers = {
    'x-road-client': consumer,
    'x-govstack-client-assertion': await instance.assertion(),
    ...(options.length === undefined ? {} : { 'content-length': String(options.length) }),
    ...options.headers,
  };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest({ hostname, port, path, method: options.method ?? 'POST', headers }, resolve);
    request.on('error', reject);
    if (options.body) options.body.pipe(request);
    else request.end();
  });
  return { status: answer.statusCode ?? 0, headers: answer.headers, ...(await digestOf(answer)) };
};

const evidenceOf = async (answer: Answer) =>
  (
    await instance.log.getExchange({
      params: { exchangeId: answer.headers['x-road-request-id'] as string },
    })
  ).body;

describe('large bodies', () => {
  it('[IM-4-a][IM-6.3-d] pass both ways byte for byte, with full evidence and flat memory', async () => {
    const size = 192 * 1024 * 1024;
    let peak = 0;
    const before = process.memoryUsage().arrayBuffers;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
    }, 5);
    const answer = await send(`/r1/${service}/put?answer=${size}`, { body: large(size), length: size });
    clearInterval(watch);
    const expected = await digestOf(large(size));
    expect(answer).toMatchObject({ status: 200, ...expected });
    expect(received.at(-1)).toMatchObject(expected);
    // Twice `size` went through; what was ever in memory at once is windows of it, some of them not yet collected.
    expect(peak).toBeLessThan(size * 0.75);
    const { request, response, verified } = await evidenceOf(answer);
    expect(verified).toBe(true);
    expect([request.bodyDigest, request.bodySize]).toEqual([expected.digest, size]);
    expect([response?.bodyDigest, response?.bodySize]).toEqual([expected.digest, size]);
  });

  it('[IM-6.6-a] are kept in sealed parts up to the limit', async () => {
    const size = 5 * 1024 * 1024 + 17;
    const answer = await send(`/r1/${service}/keep`, { body: large(size), length: size });
    const parts = await instance.db
      .selectFrom('message_body')
      .select(['kind', 'part', 'contents'])
      .where('exchange_id', '=', answer.headers['x-road-request-id'] as string)
      .orderBy('part')
      .execute();
    expect(parts.map(({ kind, part }) => [kind, part])).toEqual(
      Array.from({ length: 6 }, (_, part) => ['request', part]),
    );
    expect(parts.some(({ contents }) => contents.includes('govstack'))).toBe(false);
  });

  it('of unknown length are received to their end, and refused as soon as there is too much', async () => {
    const size = 3 * 1024 * 1024;
    const answer = await send(`/r1/${service}/chunked`, { body: large(size) });
    expect([answer.status, received.at(-1)?.size]).toEqual([200, size]);
    const small = await startInstance({
      databasePrefix: instance.node.databasePrefix,
      settings: { bodyLimit: 2 * 1024 * 1024 },
    });
    try {
      const main = url;
      url = await small.node.listen({ port: 0 });
      const count = received.length;
      const refused = await send(`/r1/${service}/chunked`, { body: large(size) }).finally(() => {
        url = main;
      });
      expect([refused.status, refused.headers['x-road-error']]).toEqual([413, 'Client.BadRequest']);
      expect(received).toHaveLength(count);
      const unusable = await small.node.mediator.exchange({
        client: consumer,
        service,
        method: 'GET',
        path: `/?answer=${size}`,
        headers: {},
      });
      expect(unusable.headers['x-road-error']).toBe('Server.ServerProxy.ServiceFailed.HttpError');
    } finally {
      await small.node.stop();
    }
  });

  it('that break off leave neither a call nor a file', async () => {
    const { hostname, port } = new URL(url);
    const count = received.length;
    const assertion = await instance.assertion();
    const socket = connect(Number(port), hostname === 'localhost' ? '127.0.0.1' : hostname);
    socket.write(
      [
        `POST /r1/${service}/broken HTTP/1.1`,
        'Host: mediator.test',
        `X-Road-Client: ${consumer}`,
        `X-GovStack-Client-Assertion: ${assertion}`,
        'Content-Length: 5000000',
        '',
        'only this',
      ].join('\r\n'),
    );
    await new Promise<void>((resolve) => socket.end(() => resolve()));
    await new Promise<void>((resolve) => socket.once('close', () => resolve()).resume());
    expect(received).toHaveLength(count);
  });
});

describe('an application over TLS', () => {
  const overTls = (
    headers: Record<string, string>,
    identity?: { certificate: string; key: string },
    path = `/r1/${service}/tls`,
  ): Promise<{ status: number; error: string | undefined }> =>
    new Promise((resolve, reject) => {
      const request = httpsRequest(
        {
          host: '127.0.0.1',
          port: tlsPort,
          path,
          headers,
          ca: server.certificate,
          checkServerIdentity: () => undefined,
          ...(identity ? { cert: identity.certificate, key: identity.key } : {}),
          agent: false,
        },
        (response) => {
          response.resume();
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              error: response.headers['x-road-error'] as string | undefined,
            }),
          );
        },
      );
      request.on('error', reject);
      request.end();
    });
  const asConsumer = { 'x-road-client': consumer };
  const set = (body: Record<string, unknown>) =>
    instance.admin.putApplication({ params: { application: consumer }, body: { name: 'Service', ...body } });
  const refused = { status: 401, error: 'Client.SslAuthenticationFailed' };

  it('[IM-6.3-b][IM-7.2.2-a] proves itself by a certificate that the directory holds', async () => {
    await set({ tlsCertificates: [application.certificate] });
    expect(await overTls(asConsumer, application)).toEqual({ status: 200, error: undefined });
    expect(await overTls(asConsumer, stranger)).toEqual(refused);
    expect(await overTls(asConsumer)).toEqual(refused);
    // Its certificate does not make it somebody else.
    expect((await overTls({ 'x-road-client': engine }, application)).error).toBe(
      'Server.ClientProxy.AccessDenied',
    );
    await set({ tlsCertificates: [] });
    expect(await overTls(asConsumer, application)).toEqual(refused);
  });

  it('[IM-7.2.2-a] the connection type decides whether the header is believed', async () => {
    await set({ connection: 'https-noauth' });
    expect((await overTls(asConsumer)).status).toBe(200);
    const plain = () => fetch(`${url}/r1/${service}/plain`, { headers: asConsumer });
    expect((await plain()).status).toBe(401);
    await set({ connection: 'http' });
    expect((await plain()).status).toBe(200);
    await set({ connection: 'https' });
    expect((await plain()).status).toBe(401);
    expect(await overTls(asConsumer)).toEqual(refused);
  });

  it('[IM-4-b] finds the exchange interface there and nothing else', async () => {
    for (const path of ['/health/ready', '/metrics', '/mediator-admin-v1/members', '/'])
      expect((await overTls(asConsumer, undefined, path)).status).toBe(404);
  });

  it('what is not a certificate is refused and nothing is changed', async () => {
    const failed = await refusal(set({ name: 'Renamed', tlsCertificates: ['-----BEGIN CERTIFICATE-----'] }));
    expect([failed.status, failed.problem?.errors?.[0]?.pointer]).toEqual([400, '/tlsCertificates/0']);
    const { items } = (await instance.admin.listApplications({ query: {} })).body;
    expect(items.find(({ id }) => id === consumer)).toMatchObject({ name: 'Service', connection: 'https' });
  });
});

describe('maintenance mode', () => {
  it('no service is called, callers are told why, evidence is kept, and it can be ended', async () => {
    await instance.admin.putMaintenance({ body: { notice: 'Back at 22:00' } });
    const count = received.length;
    const answer = await send(`/r1/${service}/down`);
    expect([answer.status, answer.headers['x-road-error']]).toEqual([
      503,
      'Server.ServerProxy.MaintenanceMode',
    ]);
    expect(received).toHaveLength(count);
    expect((await evidenceOf(answer)).error).toBe('Server.ServerProxy.MaintenanceMode');
    await instance.admin.putMaintenance({ body: { notice: null } });
    expect((await send(`/r1/${service}/up`)).status).toBe(200);
  });
});

describe('names of errors', () => {
  it.each([
    ['camel-case', 'Server.ServerProxy.ServiceFailed.NetworkError', 'Client.MissingHeader'],
    ['snake-case', 'server.serverproxy.service_failed.network_error', 'client.missing_header'],
  ])('in %s, with X-Road’s statuses when strict HTTP is off', async (errorCodes, server, client) => {
    const other = await startInstance({
      databasePrefix: instance.node.databasePrefix,
      settings: { errorCodes, strictHttp: false },
    });
    try {
      const gone = `${provider}/gone-v1`;
      await other.admin.putService({
        params: { service: gone },
        body: { title: 'Gone', target: 'http://127.0.0.1:1' },
      });
      await other.admin.putRight({ params: { service: gone, subject: consumer }, body: {} });
      const answer = await other.node.mediator.exchange({
        client: consumer,
        service: gone,
        method: 'GET',
        path: '/',
        headers: {},
      });
      expect([
        answer.status,
        answer.headers['x-road-error'],
        JSON.parse(answer.body.toString()).type,
      ]).toEqual([500, server, server]);
      const nobody = await fetch(`${await other.node.listen({ port: 0 })}/r1/${gone}/`);
      expect([nobody.status, nobody.headers.get('x-road-error')]).toEqual([400, client]);
    } finally {
      await other.node.stop();
    }
  });
});
