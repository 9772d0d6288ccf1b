import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mediatorGateway, mediatorMonitoring } from '../src/api/operations.ts';
import {
  consumer,
  echoService,
  engine,
  eventually,
  governance,
  type Instance,
  own,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

const service = `${provider}/remote-v1`;
const openapi = {
  openapi: '3.0.3',
  info: { title: 'Remote', version: '1.0.0' },
  paths: {
    '/things/{id}': {
      post: {
        parameters: [{ name: 'kind', in: 'query', required: true, schema: { type: 'string' } }],
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
        },
        responses: {
          '200': {
            description: 'ok',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
          },
        },
      },
      get: { responses: { '200': { description: 'ok' } } },
    },
  },
  components: {
    schemas: {
      Thing: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string' }, note: { type: 'string', nullable: true } },
      },
    },
  },
};

/** A provider elsewhere. */
interface Upstream {
  readonly url: string;
  readonly asked: { readonly url: string; readonly headers: IncomingHttpHeaders }[];
  answer: { status: number; body: string };
  stop(): Promise<void>;
}

async function startUpstream(): Promise<Upstream> {
  const asked: Upstream['asked'] = [];
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    if (request.url !== '/health') asked.push({ url: request.url ?? '', headers: request.headers });
    response
      .writeHead(upstream.answer.status, { 'content-type': 'application/json' })
      .end(upstream.answer.body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const upstream: Upstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: { status: 200, body: '{"name":"a"}' },
    stop: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
  return upstream;
}

let instance: Instance;
let otherNode: Instance;
let upstreams: [Upstream, Upstream];
beforeAll(async () => {
  upstreams = [await startUpstream(), await startUpstream()];
  instance = await startInstance();
  otherNode = await startInstance({ databasePrefix: instance.node.databasePrefix });
  await instance.admin.putService({
    params: { service },
    body: { title: 'Remote', target: upstreams[0].url, openapi },
  });
  for (const subject of [consumer, engine])
    await instance.admin.putRight({ params: { service, subject }, body: {} });
});
afterAll(async () => {
  await otherNode.node.stop();
  await instance.node.stop();
  for (const upstream of upstreams) await upstream.stop();
});
beforeEach(() => {
  for (const upstream of upstreams) {
    upstream.asked.length = 0;
    upstream.answer = { status: 200, body: '{"name":"a"}' };
  }
});
afterEach(() => gateway().deletePolicy({ params: { service } }));

const gateway = (as = governance) =>
  instance.node.client(mediatorGateway, { as, service: `${own}/mediator-gateway-v1` });
type Policy = Parameters<ReturnType<typeof gateway>['putPolicy']>[0]['body'];
const put = (body: Policy) => gateway().putPolicy({ params: { service }, body });

interface Asked {
  readonly as?: string;
  readonly node?: Instance;
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}
const ask = async ({
  as = consumer,
  node = instance,
  method = 'POST',
  path = '/things/1?kind=x',
  body = '{"name":"a"}',
  headers = { 'content-type': 'application/json' },
}: Asked = {}) => {
  const answer = await node.node.mediator.exchange({
    client: as,
    service,
    method,
    path,
    headers: method === 'GET' ? {} : headers,
    ...(method === 'GET' ? {} : { body }),
  });
  return {
    status: answer.status,
    error: answer.headers['x-road-error'],
    headers: answer.headers,
    body: answer.body,
  };
};
const times = (count: number, asked: Asked = {}) =>
  Promise.all(Array.from({ length: count }, () => ask(asked)));
const passed = (answers: readonly { status: number }[]): number =>
  answers.filter(({ status }) => status === 200).length;

describe('limits', () => {
  it('let so many through and no more, however many come at once; the answer says what is left and when there is more', async () => {
    await put({ limits: [{ requests: 5, per: 'minute' }] });
    const answers = await times(20);
    expect(passed(answers)).toBe(5);
    expect(upstreams[0].asked).toHaveLength(5);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.error).toBe('Server.ServerProxy.TooManyRequests');
    expect(refused?.headers['ratelimit-remaining']).toBe('0');
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(answers.find(({ status }) => status === 200)?.headers['ratelimit-limit']).toBe('5');
    // Others have a bucket of their own.
    expect((await ask({ as: engine })).status).toBe(200);
  });

  it('of a refused request there is evidence too', async () => {
    await put({ limits: [{ requests: 1, per: 'minute' }] });
    const [, refused] = [await ask(), await ask()];
    const params = { exchangeId: refused.headers['x-road-request-id'] as string };
    expect((await instance.log.getExchange({ params })).body).toMatchObject({
      error: 'Server.ServerProxy.TooManyRequests',
      status: 429,
      verified: true,
    });
  });

  it('of a day are counted for all nodes together', async () => {
    await put({ limits: [{ requests: 6, per: 'day' }] });
    await eventually(async () => (await ask({ node: otherNode })).headers['ratelimit-limit']).toBe('6');
    const answers = await Promise.all([times(6), times(6, { node: otherNode })]);
    const { rows } = await sql<{ count: string }>`select sum(count) as count from gateway_count`.execute(
      instance.db,
    );
    expect(Number(rows[0]?.count)).toBe(6);
    expect(passed(answers.flat())).toBeLessThan(6);
  });

  it('can be for one consumer, method or path', async () => {
    await put({
      limits: [
        { requests: 1, per: 'hour', method: 'get', path: '/things/*' },
        { requests: 2, per: 'hour', consumer: engine },
      ],
    });
    expect(passed(await times(3, { method: 'GET' }))).toBe(1);
    expect(passed(await times(3))).toBe(3);
    expect(passed(await times(3, { as: engine }))).toBe(2);
  });
});

describe('upstreams', () => {
  it('share the requests by their weights', async () => {
    await put({ upstreams: [{ url: upstreams[0].url, weight: 3 }, { url: upstreams[1].url }] });
    expect(passed(await times(200))).toBe(200);
    const [first, second] = upstreams.map(({ asked }) => asked.length) as [number, number];
    expect(first + second).toBe(200);
    expect(second).toBeGreaterThan(20);
    expect(first).toBeGreaterThan(second);
  });

  it('one that fails again and again is asked no more, nothing is sent twice, and it is tried again after a while', async () => {
    await put({
      upstreams: upstreams.map(({ url }) => ({ url })),
      circuit: { failures: 3, openSeconds: 1 },
    });
    upstreams[0].answer = { status: 503, body: '{}' };
    const answers = [];
    for (let count = 0; count < 40; count += 1) answers.push(await ask());
    expect(answers.length).toBe(upstreams[0].asked.length + upstreams[1].asked.length);
    expect(answers.filter(({ status }) => status === 503).length).toBe(upstreams[0].asked.length);
    expect(upstreams[0].asked.length).toBeLessThan(10);
    const state = async () => (await gateway().listPolicies({ query: {} })).body.items[0]?.upstreams;
    expect(await state()).toMatchObject([{ open: true }, { open: false }]);
    upstreams[0].answer = { status: 200, body: '{"name":"a"}' };
    await eventually(async () => {
      await ask();
      return (await state())?.map(({ failures }) => failures);
    }).toEqual([0, 0]);
  });

  it('when all are out of order the caller is told at once, and when to come back', async () => {
    await put({ circuit: { failures: 2, openSeconds: 60 } });
    upstreams[0].answer = { status: 500, body: '{}' };
    for (const _ of [1, 2]) expect((await ask()).status).toBe(500);
    const refused = await ask();
    expect(refused).toMatchObject({ status: 503, error: 'Server.ServerProxy.ServiceFailed.CircuitOpen' });
    expect(refused.headers['retry-after']).toBe('60');
    expect(upstreams[0].asked).toHaveLength(2);
  });

  it('one whose health check fails is left out', async () => {
    upstreams[1].answer = { status: 500, body: '{}' };
    await put({
      upstreams: upstreams.map(({ url }) => ({ url })),
      health: { path: '/health', seconds: 1 },
      circuit: { failures: 1000, openSeconds: 1 },
    });
    await eventually(async () => {
      await ask();
      return (await gateway().listPolicies({ query: {} })).body.items[0]?.upstreams.map(
        ({ healthy }) => healthy,
      );
    }).toEqual([true, false]);
    expect(passed(await times(20))).toBe(20);
  });

  it.each([
    'http://169.254.169.254/',
    'http://example.org',
    'local:echo/echo-v1',
    'ftp://a',
  ])('%s is none', async (url) => {
    expect((await refusal(put({ upstreams: [{ url }] }))).status).toBe(400);
  });
});

describe('validation', () => {
  const bad = { body: '{"name":"secret-5","note":7}' };
  it('[IM-4-a] is off unless it is asked for', async () => {
    await put({});
    expect((await ask(bad)).status).toBe(200);
  });

  it('blocks requests that do not match the description; says where, not what', async () => {
    await put({ validation: { requests: 'block' } });
    const refused = await ask(bad);
    expect(refused).toMatchObject({ status: 400, error: 'Client.BadRequest.NotAsDescribed' });
    expect(refused.body.toString()).toContain('/note');
    expect(refused.body.toString()).not.toContain('secret-5');
    expect((await ask({ path: '/things/1' })).body.toString()).toContain('kind');
    expect((await ask({ path: '/other' })).status).toBe(400);
    expect((await ask({ body: '{' })).status).toBe(400);
    expect(upstreams[0].asked).toHaveLength(0);
    expect((await ask({ body: '{"name":"a","note":null}' })).status).toBe(200);
  });

  it('reports without holding anything up', async () => {
    await put({ validation: { requests: 'report', responses: 'report' } });
    upstreams[0].answer = { status: 200, body: '{"wrong":true}' };
    expect((await ask(bad)).status).toBe(200);
    const monitoring = instance.node.client(mediatorMonitoring, {
      as: governance,
      service: `${own}/mediator-monitoring-v1`,
    });
    const metrics = String((await monitoring.getPrometheusMetrics({})).body);
    for (const message of ['request', 'response'])
      expect(metrics).toContain(
        `govstack_gateway_mismatches_total{service="${service}",message="${message}"`,
      );
  });

  it('blocks answers that do not match', async () => {
    await put({ validation: { responses: 'block' } });
    upstreams[0].answer = { status: 200, body: '{"wrong":true}' };
    const refused = await ask();
    expect(refused).toMatchObject({ status: 502, error: 'Server.ServerProxy.ServiceFailed.NotAsDescribed' });
    upstreams[0].answer = { status: 418, body: '{}' };
    expect((await ask()).status).toBe(502);
  });
});

describe('a credential', () => {
  const set = (
    credential: Parameters<ReturnType<typeof gateway>['putCredential']>[0]['body']['credential'],
  ) => gateway().putCredential({ params: { service }, body: { credential } });

  it('is shown to the provider in place of what the client sent, kept sealed, never given back', async () => {
    await set({ kind: 'header', name: 'X-Api-Key', value: 'k-123' });
    await ask({ headers: { 'content-type': 'application/json', 'x-api-key': 'forged' } });
    expect(upstreams[0].asked.at(-1)?.headers['x-api-key']).toBe('k-123');
    expect(JSON.stringify((await gateway().listPolicies({ query: {} })).body)).not.toContain('k-123');
    const { rows } = await sql<{
      text: string;
    }>`select encode(credential, 'escape') as text from gateway_policy`.execute(instance.db);
    expect(rows[0]?.text).not.toContain('k-123');
    await set(null);
    await ask();
    expect(upstreams[0].asked.at(-1)?.headers['x-api-key']).toBeUndefined();
  });

  it('can be a token of the provider’s authorisation server, fetched once and used until it expires', async () => {
    upstreams[1].answer = {
      status: 200,
      body: '{"access_token":"t-1","token_type":"Bearer","expires_in":3600}',
    };
    await set({
      kind: 'client-credentials',
      tokenUrl: `${upstreams[1].url}/token`,
      clientId: 'mediator',
      clientSecret: 's3cret',
    });
    await ask();
    await ask();
    expect(upstreams[0].asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer t-1',
      'Bearer t-1',
    ]);
    expect(upstreams[1].asked).toHaveLength(1);
  });

  it('that cannot be had refuses the request', async () => {
    upstreams[1].answer = { status: 401, body: '{}' };
    await set({
      kind: 'client-credentials',
      tokenUrl: `${upstreams[1].url}/token`,
      clientId: 'a',
      clientSecret: 'b',
    });
    expect((await ask()).error).toBe('Server.ServerProxy.ServiceFailed.NetworkError');
    expect(upstreams[0].asked).toHaveLength(0);
  });
});

describe('policies', () => {
  it('[IM-6.1-b] are set by who administers the provider, never for the mediator itself', async () => {
    await instance.admin.putRight({
      params: { service: `${own}/mediator-gateway-v1`, subject: engine },
      body: {},
    });
    const person = (agency: string) => instance.node.token({ id: 'a', roles: ['administrator'], agency });
    const as = async (agency: string) =>
      gateway(engine).putPolicy({ params: { service }, body: {}, personToken: await person(agency) });
    expect((await as('T/GOV/MOH')).status).toBe(204);
    expect((await refusal(as('T/GOV/MSP'))).status).toBe(403);
    const ownService = { params: { service: `${own}/mediator-log-v1` }, body: {} };
    expect((await refusal(gateway().putPolicy(ownService))).status).toBe(403);
    const none = { params: { service: `${provider}/none` }, body: {} };
    expect((await refusal(gateway().putPolicy(none))).status).toBe(400);
    const breaker = { params: { service: echoService }, body: { circuit: { failures: 1, openSeconds: 1 } } };
    expect((await refusal(gateway().putPolicy(breaker))).status).toBe(400);
  });
});
