import { createPrivateKey } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { callerVerifier, createClient, httpMediator, reservePort } from '@govstack/platform';
import { decodeJwt, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echo } from './fixtures/echo-block.ts';
import {
  consumer,
  consumerKey,
  echoService,
  engine,
  eventually,
  grant,
  type Instance,
  provider,
  startInstance,
  under,
} from './fixtures/instance.ts';

let instance: Instance;
let url: string;
let foreign: Server;
const foreignService = `${provider}/foreign-v1`;

interface Received {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}
const received: Received[] = [];
const answerBytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

beforeAll(async () => {
  instance = await startInstance();
  await grant(instance);
  url = await instance.node.listen({ port: 0 });
  foreign = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ request, body: Buffer.concat(chunks) });
      if (request.url?.includes('/hang')) return;
      if (request.url?.includes('/redirect'))
        return response.writeHead(302, { location: 'http://elsewhere.test/' }).end();
      response
        .writeHead(
          418,
          [
            ['Content-Type', 'application/octet-stream'],
            ['X-Own', 'kept'],
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'b=2'],
            ['X-Road-Error', 'Server.Forged'],
            ['Connection', 'x-hop'],
            ['X-Hop', 'dropped'],
          ].flat(),
        )
        .end(answerBytes);
    });
  });
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  await instance.admin.putService({
    params: { service: foreignService },
    body: { title: 'Foreign', target: targetAt('/base'), timeoutMs: 1000 },
  });
  await instance.admin.putRight({ params: { service: foreignService, subject: consumer }, body: {} });
});
afterAll(async () => {
  foreign.closeAllConnections();
  foreign.close();
  await instance.node.stop();
});

const targetAt = (path: string): string =>
  `http://127.0.0.1:${(foreign.address() as AddressInfo).port}${path}`;

const clientHeaders = async () => ({
  'x-road-client': consumer,
  'x-govstack-client-assertion': await instance.assertion(),
});

const post = (path: string, headers: Record<string, string>, body = '{"text":"hi"}') =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });

/** Sends what `fetch` would tidy up: the target and headers exactly as given. */
const sendRaw = (
  path: string,
  options: { method?: string; headers: Record<string, string | string[]>; body?: Buffer },
): Promise<{ status: number; headers: IncomingMessage['headers']; raw: string[]; body: Buffer }> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const request = httpRequest(
      { hostname, port, path, method: options.method ?? 'GET', headers: options.headers },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            raw: response.rawHeaders,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });

describe('a client over HTTP', () => {
  const path = `/r1/${echoService}/say/http`;

  it('[IM-6.3-a][IM-6.3-c][IM-8.1-a] calls a service under its identifier', async () => {
    const answer = await post(path, await clientHeaders());
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ text: 'hi', caller: consumer, service: echoService });
    expect(answer.headers.get('x-road-service')).toBe(echoService);
    expect(answer.headers.get('x-road-client')).toBe(consumer);
    expect(answer.headers.get('x-road-error')).toBeNull();
    expect(Buffer.from(answer.headers.get('x-road-request-hash') ?? '', 'base64')).toHaveLength(64);
  });

  it('[CFR-SEC-3] proves who it is: a client header alone, or a bad assertion, is refused', async () => {
    const client = { 'x-road-client': consumer };
    const withAssertion = (assertion: string) =>
      post(path, { ...client, 'x-govstack-client-assertion': assertion });
    expect((await post(path, {})).headers.get('x-road-error')).toBe('Client.MissingHeader');
    const alone = await post(path, client);
    expect([alone.status, alone.headers.get('x-road-error')]).toEqual([
      401,
      'Client.SslAuthenticationFailed',
    ]);
    const good = await instance.assertion();
    const [head, payload, signature] = good.split('.') as [string, string, string];
    const forgedClaims = Buffer.from(
      JSON.stringify({ ...decodeJwt(good), iss: engine, sub: engine }),
    ).toString('base64url');
    expect((await withAssertion('a.b.c')).status).toBe(401);
    expect((await withAssertion(`${head}.${forgedClaims}.${signature}`)).status).toBe(401);
    expect((await withAssertion(`${head}.${payload}.${'A'.repeat(86)}`)).status).toBe(401);
    expect((await withAssertion(await instance.assertion({ audience: 'https://other.test' }))).status).toBe(
      401,
    );
    expect((await withAssertion(await instance.assertion({ application: provider }))).status).toBe(401);
    expect(instance.record.said.filter((said) => said === 'http')).toHaveLength(1);
  });

  it('[CFR-SEC-3] an assertion counts once, on whichever node and after a restart, and for a minute', async () => {
    const assertion = await instance.assertion();
    const headers = { 'x-road-client': consumer, 'x-govstack-client-assertion': assertion };
    const both = await Promise.all([post(path, headers), post(path, headers)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
    const other = await startInstance({ databasePrefix: instance.node.databasePrefix });
    try {
      const otherUrl = await other.node.listen({ port: 0 });
      const replay = await fetch(`${otherUrl}${path}`, { method: 'POST', headers, body: '{}' });
      expect(replay.status).toBe(401);
    } finally {
      await other.node.stop();
    }
    const old = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', typ: 'client-assertion+jwt' })
      .setIssuer(consumer)
      .setSubject(consumer)
      .setAudience('https://mediator.test')
      .setJti('old')
      .setIssuedAt(Math.floor(Date.now() / 1000) - 120)
      .setExpirationTime('1h')
      .sign(createPrivateKey({ key: consumerKey, format: 'jwk' }));
    const stale = await post(path, { 'x-road-client': consumer, 'x-govstack-client-assertion': old });
    expect(stale.status).toBe(401);
  });

  it('the client headers of all generations are understood and must agree', async () => {
    const assertion = async () => ({ 'x-govstack-client-assertion': await instance.assertion() });
    for (const name of ['x-road-client', 'x-govstack-client', 'information-mediator-client'])
      expect((await post(path, { [name]: consumer, ...(await assertion()) })).status).toBe(200);
    const two = await post(path, {
      'x-road-client': consumer,
      'x-govstack-client': provider,
      ...(await assertion()),
    });
    expect(two.headers.get('x-road-error')).toBe('Client.BadRequest');
    const foreignClient = await post(path, { 'x-road-client': engine, ...(await assertion()) });
    expect(foreignClient.headers.get('x-road-error')).toBe('Server.ClientProxy.AccessDenied');
  });

  it('through the typed client and the mediator port of another process', async () => {
    const reserved = await reservePort(0);
    const address = `http://localhost:${reserved.port}`;
    const named = await startInstance({
      databasePrefix: instance.node.databasePrefix,
      settings: { audiences: [address] },
    });
    const remote = httpMediator({ url: address, keys: new Map([[consumer, consumerKey as JWK]]) });
    try {
      await named.node.listen({ port: reserved });
      const client = createClient(echo, { client: consumer, service: echoService }, (request) =>
        remote.exchange(request),
      );
      const answer = await under('case-remote', () =>
        client.say({ params: { what: 'ünïcode' }, headers: {}, body: { text: 'ä' } }),
      );
      expect(answer.body).toMatchObject({ text: 'ä', caller: consumer });
      expect(answer.body.headers['x-correlation-id']).toBe('case-remote');
      expect(answer.headers['x-correlation-id']).toBe('case-remote');
    } finally {
      await remote.close();
      await named.node.stop();
    }
  });

  it.each([
    ['too few parts', '/r1/T/GOV/MOH/echo'],
    ['an empty part', '/r1/T/GOV//echo/echo-v1/x'],
    ['an encoded slash in a part', '/r1/T/GOV/MOH%2Fecho/x/echo-v1/x'],
    ['a line break in a part', '/r1/T/GOV/MOH/echo/echo-v1%0d%0aX-Evil:1/x'],
    ['a character no identifier has', '/r1/T/GOV/MOH/e;cho/echo-v1/x'],
  ])('an address with %s is refused as the client’s mistake', async (_what, target) => {
    const answer = await sendRaw(target, { headers: await clientHeaders() });
    expect(answer.status).toBe(400);
    expect(answer.headers['x-road-error']).toBe('Client.BadRequest');
  });

  it('a body above the limit is refused before it is forwarded, and the limit is said', async () => {
    const small = await startInstance({
      databasePrefix: instance.node.databasePrefix,
      settings: { bodyLimit: 2048 },
    });
    try {
      const smallUrl = await small.node.listen({ port: 0 });
      const answer = await fetch(`${smallUrl}/r1/${foreignService}/big`, {
        method: 'POST',
        headers: await clientHeaders(),
        body: Buffer.alloc(4096),
      });
      expect(answer.status).toBe(413);
      expect(((await answer.json()) as { message: string }).message).toContain('2048');
      expect(received.some(({ request }) => request.url?.endsWith('/big'))).toBe(false);
    } finally {
      await small.node.stop();
    }
  });
});

describe('a provider over HTTP', () => {
  it('[IM-4-a][IM-6.3-d] method, path, query, headers, body and answer pass byte for byte', async () => {
    received.length = 0;
    const path = '/a%2Fb/./c;v=1/%E2%82%AC/\'(x)?q=%20+&q&empty=&utf=%C3%A9&odd=[1]{2}|"';
    const answer = await sendRaw(`/r1/${foreignService}${path}`, {
      method: 'PATCH',
      headers: {
        ...(await clientHeaders()),
        'Content-Type': 'text/plain; charset=iso-8859-1',
        'X-MiXed': 'Case',
        Authorization: 'Bearer person',
        Accept: '*/*',
      },
      body: answerBytes,
    });
    expect(answer.status).toBe(418);
    expect(answer.body.equals(answerBytes)).toBe(true);
    expect(answer.headers['content-type']).toBe('application/octet-stream');
    expect(answer.headers['x-own']).toBe('kept');
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    const [{ request, body }] = received as [Received];
    expect(request.url).toBe(`/base${path}`);
    expect(request.method).toBe('PATCH');
    expect(body.equals(answerBytes)).toBe(true);
    expect(request.rawHeaders).toEqual(expect.arrayContaining(['X-MiXed', 'Case']));
    expect(request.headers).toMatchObject({
      'content-type': 'text/plain; charset=iso-8859-1',
      authorization: 'Bearer person',
      'x-road-client': consumer,
    });
  });

  it('[IM-6.3-a] any HTTP method, with and without a body', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
      received.length = 0;
      const withBody = ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method);
      const answer = await sendRaw(`/r1/${foreignService}/any`, {
        method,
        headers: { ...(await clientHeaders()), ...(withBody ? { 'content-length': '1' } : {}) },
        ...(withBody ? { body: Buffer.from('x') } : {}),
      });
      expect(answer.status).toBe(418);
      expect(received.map(({ request, body }) => [request.method, body.toString()])).toEqual([
        [method, withBody ? 'x' : ''],
      ]);
    }
  });

  it('headers of the hop, and those only the mediator may set, do not pass', async () => {
    received.length = 0;
    const answer = await sendRaw(`/r1/${foreignService}/headers`, {
      headers: {
        ...(await clientHeaders()),
        Connection: 'keep-alive, X-Secret-Hop',
        'X-Secret-Hop': 'x',
        TE: 'trailers',
        'User-Agent': 'test',
        'X-GovStack-Caller': 'forged',
        'X-Road-Request-Id': 'forged',
        'X-Road-Request-Hash': 'forged',
        'X-Road-Id': 'my-own-id',
      },
    });
    const [{ request }] = received as [Received];
    for (const name of [
      'x-secret-hop',
      'te',
      'user-agent',
      'x-govstack-client-assertion',
      'x-road-request-hash',
    ])
      expect(request.headers[name]).toBeUndefined();
    expect(request.headers['x-road-request-id']).not.toBe('forged');
    expect(request.headers['x-road-id']).toBe('my-own-id');
    expect(answer.headers['x-road-id']).toBe('my-own-id');
    expect(answer.headers['x-road-request-id']).toBe(request.headers['x-road-request-id']);
    expect(answer.headers['x-hop']).toBeUndefined();
    expect(answer.headers['x-road-error']).toBeUndefined();
  });

  it('learns who calls from a token that only this mediator can make', async () => {
    received.length = 0;
    await sendRaw(`/r1/${foreignService}/caller`, {
      headers: { ...(await clientHeaders()), 'X-GovStack-Caller': 'forged' },
    });
    const token = received[0]?.request.headers['x-govstack-caller'] as string;
    const { keys } = (await (await fetch(`${url}/node/jwks`)).json()) as { keys: JWK[] };
    expect(keys.every((key) => key.d === undefined)).toBe(true);
    const caller = await callerVerifier(keys)(token, 'exchange-1');
    expect(caller).toMatchObject({ application: consumer, service: foreignService });
    expect(decodeJwt(token).aud).toBe(provider);
  });

  it('a redirect is passed on, not followed', async () => {
    const answer = await sendRaw(`/r1/${foreignService}/redirect`, { headers: await clientHeaders() });
    expect(answer.status).toBe(302);
    expect(answer.headers.location).toBe('http://elsewhere.test/');
  });

  it('that cannot be reached, or does not answer in time, is told apart, and is asked once only', async () => {
    received.length = 0;
    const late = await sendRaw(`/r1/${foreignService}/hang`, { headers: await clientHeaders() });
    expect(late.status).toBe(504);
    expect(late.headers['x-road-error']).toBe('Server.ServerProxy.ServiceFailed.Timeout');
    expect(received).toHaveLength(1);
    const service = `${provider}/gone-v1`;
    await instance.admin.putService({
      params: { service },
      body: { title: 'Gone', target: 'http://127.0.0.1:1' },
    });
    await instance.admin.putRight({ params: { service, subject: consumer }, body: {} });
    const gone = await sendRaw(`/r1/${service}/`, { headers: await clientHeaders() });
    expect(gone.status).toBe(503);
    expect(gone.headers['x-road-error']).toBe('Server.ServerProxy.ServiceFailed.NetworkError');
  });

  it('replaces a local block by another product with one change of the directory', async () => {
    received.length = 0;
    const params = { service: echoService };
    await instance.admin.putService({ params, body: { title: 'Echo', target: targetAt('') } });
    const answer = await post(`/r1/${echoService}/say/replaced`, await clientHeaders());
    expect(answer.status).toBe(418);
    expect(received[0]?.request.url).toBe('/say/replaced');
    await instance.admin.putService({ params, body: { title: 'Echo', target: 'local:echo/echo-v1' } });
    expect((await post(`/r1/${echoService}/say/back`, await clientHeaders())).status).toBe(200);
  });
});

describe('time', () => {
  it('a local provider that does not answer is given up on, told so, and stopped', async () => {
    const params = { service: echoService };
    const body = { title: 'Echo', target: 'local:echo/echo-v1' };
    await instance.admin.putService({ params, body: { ...body, timeoutMs: 200 } });
    const { aborted } = instance.record;
    const answer = await sendRaw(`/r1/${echoService}/wait`, { headers: await clientHeaders() });
    expect([answer.status, answer.headers['x-road-error']]).toEqual([
      504,
      'Server.ServerProxy.ServiceFailed.Timeout',
    ]);
    await eventually(() => instance.record.aborted).toBe(aborted + 1);
    await instance.admin.putService({ params, body: { ...body, timeoutMs: 20_000 } });
  });

  it('a client that hangs up stops the provider, and the log says so', async () => {
    const { aborted, waiting } = instance.record;
    const hangUp = new AbortController();
    const call = fetch(`${url}/r1/${echoService}/wait`, {
      headers: { ...(await clientHeaders()), 'x-correlation-id': 'hung-up' },
      signal: hangUp.signal,
    });
    await eventually(() => instance.record.waiting).toBe(waiting + 1);
    hangUp.abort();
    await expect(call).rejects.toThrow();
    await eventually(() => instance.record.aborted).toBe(aborted + 1);
    await eventually(async () => {
      const { body } = await instance.log.listExchanges({ query: { correlationId: 'hung-up' } });
      return body.exchanges[0]?.error;
    }).toBe('Client.Aborted');
  });

  it('a deadline of the calling side travels, in memory too', async () => {
    const { aborted } = instance.record;
    await expect(instance.echoAs().wait({ timeout: 200 })).rejects.toMatchObject({
      mediatorError: 'Server.ServerProxy.ServiceFailed.Timeout',
    });
    await eventually(() => instance.record.aborted).toBe(aborted + 1);
  });
});
