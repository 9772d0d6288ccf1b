import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { connect } from '@govstack/platform';
import { testAdminUrl } from '@govstack/platform/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { WorkflowTables } from '../../src/tables.ts';
import { expectedCalls, instances } from './process.ts';

const program = fileURLToPath(new URL('./engine-process.ts', import.meta.url));
const databasePrefix = `t${randomBytes(5).toString('hex')}_`;
const secret = randomBytes(32);

interface Effect {
  readonly case: string;
  readonly step: string;
  readonly effect: string;
}

/** The other side: does what it is asked once per idempotency key, and now and then fails before or after. */
const effects = new Map<string, Effect>();
const attempts = new Map<string, number>();
let onRequest: (count: number, moment: 'before' | 'after' | 'answered') => void = () => undefined;
let requests = 0;

const read = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const send = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  if (request.url?.includes('/getOpenAPI')) {
    send(200, { openapi: '3.1.0', paths: { '/act': { post: { operationId: 'act' } } } });
    return;
  }
  if (request.url?.startsWith('/node/events')) {
    await read(request);
    response.writeHead(202).end();
    return;
  }
  const body = JSON.parse(await read(request)) as { case: string; step: string; item?: number };
  const key = request.headers['idempotency-key'] as string;
  requests += 1;
  const count = requests;
  onRequest(count, 'before');
  attempts.set(key, (attempts.get(key) ?? 0) + 1);
  if (count % 7 === 0) {
    send(503, {});
    return;
  }
  const step = body.item === undefined ? body.step : `${body.step} ${body.item}`;
  const effect = effects.get(key) ?? { case: body.case, step, effect: `${body.case}/${step}` };
  effects.set(key, effect);
  onRequest(count, 'after');
  if (count % 11 === 0) {
    send(500, {});
    return;
  }
  send(200, { effect: effect.effect });
  onRequest(count, 'answered');
}

let server: Server;
let calleeUrl: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  calleeUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  for (const child of living) child.kill('SIGKILL');
  server.closeAllConnections();
  server.close();
});

const living = new Set<ChildProcess>();

const begin = (more: Readonly<Record<string, string>> = {}): ChildProcess => {
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ADMIN_URL: testAdminUrl(),
      DATABASE_PREFIX: databasePrefix,
      SECRET: secret.toString('hex'),
      CALLEE_URL: calleeUrl,
      ...more,
    },
  });
  living.add(child);
  child.on('exit', () => living.delete(child));
  return child;
};

const gone = (child: ChildProcess): Promise<{ code: number | null; signal: string | null }> =>
  new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));

type Death =
  | { readonly by: 'statement'; readonly at: number; readonly after: boolean }
  | {
      readonly by: 'call';
      readonly at: number;
      readonly moment: 'before' | 'after' | 'answered';
      readonly ms: number;
    };

const death: fc.Arbitrary<Death> = fc.oneof(
  fc.record({
    by: fc.constant('statement' as const),
    at: fc.integer({ min: 1, max: 160 }),
    after: fc.boolean(),
  }),
  fc.record({
    by: fc.constant('call' as const),
    at: fc.integer({ min: 1, max: 12 }),
    moment: fc.constantFrom('before' as const, 'after' as const, 'answered' as const),
    ms: fc.integer({ min: 0, max: 6 }),
  }),
);

/** Lets the engine live until its death comes; one that finishes its work before may go in peace. */
async function live(one: Death): Promise<void> {
  if (one.by === 'statement') {
    await gone(begin({ DIE_AT: String(one.at), DIE_AFTER: String(one.after) }));
    return;
  }
  const child = begin();
  const from = requests;
  onRequest = (count, moment) => {
    if (count < from + one.at || moment !== one.moment) return;
    onRequest = () => undefined;
    if (one.ms === 0) child.kill('SIGKILL');
    else setTimeout(() => child.kill('SIGKILL'), one.ms);
  };
  await gone(child);
  onRequest = () => undefined;
}

it('completes every instance once, with every effect once, however often the engine is killed', async () => {
  const seed = Number(process.env.CRASH_SEED ?? randomBytes(4).readUInt32BE());
  const deaths = fc.sample(death, { seed, numRuns: 8 });
  for (const one of deaths) await live(one);
  const last = await gone(begin());
  expect(last, `seed ${seed}`).toEqual({ code: 0, signal: null });

  const cases = Array.from({ length: instances }, (_, n) => `case-${n}`);
  const happened = [...effects.values()].map((one) => `${one.case} ${one.step}`).sort();
  const expected = cases.flatMap((one) => expectedCalls.map((step) => `${one} ${step}`)).sort();
  expect(happened, `seed ${seed}`).toEqual(expected);
  expect([...attempts.values()].some((times) => times > 1)).toBe(true);

  const url = new URL(testAdminUrl());
  url.pathname = `/${databasePrefix}workflow`;
  const { db, close } = connect<WorkflowTables>(url.href);
  try {
    const rows = await db.selectFrom('instance').select(['business_key', 'status']).execute();
    expect(rows.map((row) => row.business_key).sort()).toEqual([...cases].sort());
    expect(new Set(rows.map((row) => row.status))).toEqual(new Set(['completed']));
    const scopes = await db.selectFrom('scope').select(['kind', 'variables']).execute();
    expect(scopes).toHaveLength(instances);
    for (const { variables } of scopes) {
      const list = variables as { effects: string[]; n: number; m: number };
      expect(list.effects).toEqual([1, 2, 3].map((item) => `case-${list.n}/each ${item}`));
      expect(list.m).toBe(list.n + 1);
    }
    for (const table of ['token', 'job', 'subscription'] as const) {
      expect(await db.selectFrom(table).select('id').execute()).toEqual([]);
    }
    expect(await db.selectFrom('incident').select('id').execute()).toEqual([]);
    const history = await db.selectFrom('history').select('entries').execute();
    const passes = history
      .flatMap((row) => row.entries)
      .filter(
        (entry) =>
          entry.event === 'completed' && ['join', 'sum', 'pause', 'sub', 'e'].includes(entry.elementId),
      );
    expect(passes).toHaveLength(5 * instances);
  } finally {
    await close();
  }
}, 120_000);
