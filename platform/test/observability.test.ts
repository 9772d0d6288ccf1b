import {
  type AnyBlock,
  createLogger,
  defineBlock,
  defineOperation,
  defineSurface,
  implement,
  Type,
} from '@govstack/platform';
import { jsonResponse, startTestNode, type TestNode } from '@govstack/platform/testing';
import { type Span, trace } from '@opentelemetry/api';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { notes, notesBlock } from './fixtures/notes-block/notes.ts';

/** On a busy machine; a condition that holds is seen at once. */
const soon = { timeout: 15_000 };

const neighbour = 'TEST/COM/BANK/rail/leaky-v1';

/** Operations that fail in the ways in which errors of libraries carry data. */
const leaky = defineSurface({
  name: 'leaky-v1',
  title: 'Leaky',
  version: '1.0.0',
  operations: {
    fail: defineOperation({
      id: 'fail',
      method: 'POST',
      path: '/fail/{how}',
      summary: 'Fail with the given text',
      access: { caller: 'application' },
      params: Type.Object({ how: Type.String() }),
      query: Type.Object({ name: Type.Optional(Type.String()) }),
      body: Type.Object({ text: Type.String() }),
      responses: { 204: null },
    }),
  },
});

let activeSpan: Span | undefined;
const leakyBlock: AnyBlock = defineBlock({
  name: 'leaky',
  title: 'Leaky',
  version: '0.1.0',
  surfaces: [leaky],
  config: Type.Object({}),
  async start(ctx) {
    const db = ctx.database();
    await sql`create table person (number text constraint person_number_key unique, born date)`.execute(db);
    const client = ctx.mediation.client(leaky, neighbour);
    return {
      surfaces: [
        implement(leaky, {
          async fail({ params, body: { text } }) {
            activeSpan = trace.getActiveSpan();
            if (params.how === 'cast') await sql`select ${text}::uuid`.execute(db);
            if (params.how === 'date')
              await sql`insert into person (born) values (${text}::date)`.execute(db);
            if (params.how === 'unique')
              await sql`insert into person (number) values (${text}), (${text})`.execute(db);
            if (params.how === 'json') JSON.parse(text);
            if (params.how === 'neighbour') await client.fail({ params: { how: 'x' }, body: { text } });
            if (params.how === 'logged')
              ctx.log.info({
                body: text,
                token: text,
                person: { password: text },
                headers: { cookie: text },
              });
            return { status: 204 };
          },
        }),
      ],
    };
  },
});

interface Line {
  readonly time: string;
  readonly level: number;
  readonly msg: string;
  readonly security?: string;
  readonly actor?: string;
  readonly correlationId?: string;
  readonly traceparent?: string;
  readonly operation?: string;
}

let written: string[] = [];
const lines = (): Line[] => written.map((line) => JSON.parse(line) as Line);

let node: TestNode;
let url: string;

beforeAll(async () => {
  node = await startTestNode({
    blocks: [{ block: notesBlock }, { block: leakyBlock }],
    node: { log: createLogger('trace', { write: (line) => void written.push(line) }), processMetrics: true },
    providers: {
      [neighbour]: async (request) =>
        jsonResponse(409, { title: 'Conflict', detail: `known: ${JSON.parse(String(request.body)).text}` }),
    },
  });
  url = await node.listen({ port: 0, all: 'notes' });
});
afterAll(() => node.stop());
beforeEach(() => {
  written = [];
});

describe('the log', () => {
  it('is one JSON object a line with its time in UTC', async () => {
    await node.client(notes).listNotes({ query: {} });
    await fetch(`${url}/nowhere`);
    expect(written.length).toBeGreaterThan(1);
    for (const line of lines()) expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('[CFR-SEC-7] marks every refusal with what it was, who it was and under which trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const headers = { 'x-correlation-id': 'case-9', traceparent };
    await fetch(`${url}/notes-v1/notes`, { headers });
    const forged = { ...headers, 'x-govstack-caller': 'forged.token.here' };
    await fetch(`${url}/notes-v1/notes`, { headers: forged });
    const api = node.client(notes, { as: 'TEST/GOV/MSP/reader' });
    const officer = await node.token({ id: 'p', roles: ['officer'] });
    for (const personToken of [null, 'not.a.token', officer])
      await expect(api.removeNotes({ personToken })).rejects.toThrow();
    const refusals = lines().filter(({ security }) => security !== undefined);
    expect(refusals.map(({ security, actor, operation }) => [security, actor, operation])).toEqual([
      ['caller-missing-or-forged', undefined, 'listNotes'],
      ['caller-missing-or-forged', undefined, 'listNotes'],
      ['person-missing', 'TEST/GOV/MSP/reader', 'removeNotes'],
      ['person-token-invalid', 'TEST/GOV/MSP/reader', 'removeNotes'],
      ['person-lacks-role', 'TEST/GOV/MSP/reader', 'removeNotes'],
    ]);
    expect(refusals[0]).toMatchObject({ correlationId: 'case-9', traceparent });
    for (const refusal of refusals) {
      expect(refusal.level).toBeGreaterThanOrEqual(40);
      expect(refusal.correlationId).toBeTruthy();
      expect(refusal.traceparent).toBeTruthy();
    }
  });

  it('[CFR-SEC-16] holds nothing of what was sent, whether it was served, refused or failed', async () => {
    const secret = 'Marker4711';
    const id = '018f4e3e-4711-7000-8000-47114711abcd';
    const personToken = await node.token({ id: secret, roles: ['officer'] });
    const api = node.client(notes);
    await api.writeNote({ body: { text: secret }, idempotencyKey: secret });
    await expect(api.writeNote({ body: { text: secret, [secret]: 1 } as never })).rejects.toThrow();
    await expect(api.readNote({ params: { id } })).rejects.toThrow();
    await expect(api.removeNotes({ personToken })).rejects.toThrow();
    for (const path of [
      `/notes-v1/notes?limit=${secret}`,
      `/${secret}?q=${secret}`,
      `/%zz${secret}`,
      `/health/ready?${secret}`,
    ])
      await fetch(`${url}${path}`, { headers: { cookie: `a=${secret}`, authorization: `Bearer ${secret}` } });
    await fetch(`${url}/notes-v1/notes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"${secret}"`,
    });
    for (const how of ['cast', 'date', 'unique', 'json', 'neighbour', 'logged'])
      await node
        .client(leaky)
        .fail({ params: { how }, query: { name: secret }, body: { text: secret } })
        .catch((error: Error) => expect(String(error), how).not.toContain(secret));
    const failed = lines().filter(({ msg }) => msg === 'failed');
    expect(failed).toHaveLength(5);
    for (const line of written) {
      expect(line).not.toContain(secret);
      expect(line).not.toContain(id);
      expect(line).not.toContain(personToken.slice(0, 40));
    }
    // What is left must still lead to the fault.
    expect(written.join('')).toContain('person_number_key');
    expect(written.join('')).toContain('22P02');
    expect(written.join('')).toContain(neighbour);
  });
});

describe('what a refusal tells outside', () => {
  it('[CFR-SEC-16] is no path, whatever was asked for', async () => {
    for (const path of ['/%zz', '/nowhere/at/all', '/notes-v1/notes/x/y', '/notes-v1/notes?limit=zzz']) {
      const answer = await fetch(`${url}${path}`);
      expect(answer.headers.get('content-type'), path).toContain('application/problem+json');
      const body = await answer.text();
      expect(body, path).not.toMatch(/zz|nowhere|notes-v1|\.ts|node_modules/);
    }
  });
});

describe('the trace', () => {
  it('[CFR-ARC-13] of a request is taken over, answered and passed on as a new span of the same trace', async () => {
    const sent = node.exchanges.length;
    const answer = await node.localProviders.dispatch(
      'leaky',
      'leaky-v1',
      {
        method: 'POST',
        path: '/fail/neighbour',
        headers: {
          'content-type': 'application/json',
          'x-correlation-id': 'case-10',
          traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        },
        body: '{"text":"x"}',
      },
      {
        application: 'TEST/GOV/MSP/a',
        service: 'TEST/GOV/BLOCKS/leaky/leaky-v1',
        operator: undefined,
        exchangeId: '1',
      },
    );
    expect(answer?.headers['x-correlation-id']).toBe('case-10');
    const passedOn = node.exchanges[sent]?.headers;
    expect(passedOn?.['x-correlation-id']).toBe('case-10');
    expect(passedOn?.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    expect(passedOn?.traceparent).not.toContain('b7ad6b7169203331');
  });

  it('begins here when none, or something else, is given', async () => {
    for (const given of [undefined, '', 'a b', 'x'.repeat(200), '<script>']) {
      const headers = given === undefined ? {} : { 'x-correlation-id': given, traceparent: given };
      const answer = await fetch(`${url}/health/live`, { headers });
      expect(answer.headers.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('is recorded by nobody unless a tracing backend is registered, and then by operation', async () => {
    const ask = () => node.client(leaky).fail({ params: { how: 'well' }, query: {}, body: { text: 'x' } });
    await ask();
    expect(activeSpan?.isRecording() ?? false).toBe(false);
    const spans: string[] = [];
    const none = trace.getTracer('none').startSpan('none');
    trace.setGlobalTracerProvider({
      getTracer: () => ({
        startSpan: () => none,
        startActiveSpan: (name: string, ...rest: unknown[]) => {
          spans.push(name);
          return (rest.at(-1) as (span: Span) => never)(none);
        },
      }),
    });
    try {
      await ask();
    } finally {
      trace.disable();
    }
    expect(spans).toEqual(['leaky-v1.fail']);
  });
});

describe('the metrics', () => {
  const metric = async (pattern: RegExp): Promise<number> => {
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    return Number(pattern.exec(await answer.text())?.[1] ?? 0);
  };

  it('[CFR-ARC-15] count requests by block, operation and status with their time, and refusals', async () => {
    const served =
      /^govstack_request_duration_seconds_count\{block="notes",operation="listNotes",status="200"\} (\d+)/m;
    const refused = /^govstack_refusals_total\{block="notes",status="401"\} (\d+)/m;
    const before = [await metric(served), await metric(refused)] as const;
    await node.client(notes).listNotes({ query: {} });
    await fetch(`${url}/notes-v1/notes`);
    await expect.poll(() => metric(served), soon).toBe(before[0] + 1);
    await expect.poll(() => metric(refused), soon).toBe(before[1] + 1);
    expect(await metric(/^process_cpu_seconds_total (\S+)/m)).toBeGreaterThan(0);
  });

  it('are given to callers on this machine, unless the node is told otherwise', async () => {
    const from = (server: typeof node, remoteAddress: string, headers = {}) =>
      server.server('notes').inject({ url: '/metrics', remoteAddress, headers });
    expect((await from(node, '127.0.0.1')).statusCode).toBe(200);
    expect((await from(node, '::ffff:127.0.0.1')).statusCode).toBe(200);
    for (const refused of [
      await from(node, '203.0.113.9'),
      await from(node, '::ffff:203.0.113.9'),
      await from(node, '127.0.0.1', { 'x-forwarded-for': '203.0.113.9' }),
      await from(node, '::1', { forwarded: 'for=203.0.113.9' }),
    ]) {
      expect(refused.statusCode).toBe(403);
      expect(refused.body).not.toContain('govstack_request_duration_seconds');
    }
    const open = await startTestNode({ blocks: [{ block: notesBlock }], node: { metricsAnywhere: true } });
    expect((await from(open, '203.0.113.9')).statusCode).toBe(200);
    await open.stop();
  });

  it('do not grow with what strangers ask for', async () => {
    for (let n = 0; n < 5; n += 1) await fetch(`${url}/stranger-${n}/${n}?x=${n}`);
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).not.toContain('stranger');
    expect(text).toContain('operation="unmatched"');
  });
});
