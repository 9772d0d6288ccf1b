/**
 * What a registry costs on top of its table: each operation of the Data API over HTTP (rights, validation, history with
 * digests, read log) beside a minimal Fastify handler with one hand-written prepared statement on the same table, in one
 * process on one PostgreSQL with durable commits, in turning order. Then a field is added and published while records
 * are written, and the chain of changes is verified.
 *
 *   node_modules/.bin/node blocks/digital-registries/bench/records.ts [RECORDS] [SECONDS A CELL] [CONNECTIONS] [ONLY OPERATIONS NAMED SO]
 */
import { cpus } from 'node:os';
import { fill, record, schema, villageOf } from './records/registry.ts';
import { startBench } from './records/start.ts';

const [records = 100_000, seconds = 5, connections = 16] = process.argv.slice(2, 5).map(Number);
const only = process.argv[5] ?? '';
const { send, block, answer, database, admin, publish, stop } = await startBench(connections);
const data = (code: string, method: string, path: string, body: unknown) =>
  block('registry-data-v1', method, `/data/${code}/1.0/${path}`, body);

for (const [code, personal] of [
  ['plain', false],
  ['personal', true],
] as const)
  await publish(code, schema(personal));
const tables = { plain: 'reg.r_1', personal: 'reg.r_2' };
const started = performance.now();
for (let from = 1; from <= records; from += 100_000) {
  const to = Math.min(records, from + 99_999);
  await database.pool.query(fill(tables.plain, 'P', from, to));
  if (from === 1) await database.pool.query(fill(tables.personal, 'Q', from, to));
}
await database.pool.query(`vacuum (analyze) ${tables.plain}`);
await database.pool.query(`vacuum (analyze) ${tables.personal}`);
console.log(
  `${records} records of 20 fields in ${((performance.now() - started) / 1000).toFixed(0)} s, ${cpus().length} × ${cpus()[0]?.model}, ${connections} connections`,
);
const { plainUrl, personalUrl } = await answer<{ plainUrl: string; personalUrl: string }>({ tables });
const rss = async (): Promise<number> => (await answer<{ rss: number }>({ rss: true })).rss / 1_048_576;
const rssBefore = await rss();

interface Figures {
  readonly perSecond: number;
  readonly median: number;
  readonly p95: number;
}

async function measure(work: () => Promise<unknown>, inFlight: number): Promise<Figures> {
  const warmUntil = performance.now() + 500;
  const until = warmUntil + seconds * 1000;
  const times: number[] = [];
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (;;) {
        const before = performance.now();
        if (before > until) return;
        await work();
        if (before > warmUntil) times.push(performance.now() - before);
      }
    }),
  );
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { perSecond: times.length / seconds, median: at(0.5), p95: at(0.95) };
}

let made = records;
const next = (): number => (made += 1);
const some = (): number => 1 + Math.floor(Math.random() * records);
const early = (): number => 1 + Math.floor(Math.random() * Math.min(records, 100_000));
const query = (content: object) => ({ query: { content } });

interface Row {
  readonly name: string;
  readonly floor: () => Promise<unknown>;
  readonly block: () => Promise<unknown>;
  /** Records an operation. */
  readonly each?: number;
}
const rows: readonly Row[] = [
  {
    name: 'create',
    floor: () => send(`${plainUrl}/create`, 'POST', { content: record(next()) }),
    block: () => data('plain', 'POST', 'create', { write: { content: record(next()) } }),
  },
  {
    name: 'read by key',
    floor: () => send(`${plainUrl}/read`, 'POST', { id: `N${some()}` }),
    block: () => data('plain', 'POST', 'read', query({ nationalId: `N${some()}` })),
  },
  {
    name: 'read by key, personal (both write a read log)',
    floor: () => send(`${personalUrl}/read`, 'POST', { id: `N${early()}` }),
    block: () => data('personal', 'POST', 'read', query({ nationalId: `N${early()}` })),
  },
  {
    name: 'exists',
    floor: () => send(`${plainUrl}/exists`, 'POST', { id: `N${some()}` }),
    block: () => data('plain', 'POST', 'exists', query({ nationalId: `N${some()}` })),
  },
  {
    name: 'update',
    floor: () => send(`${plainUrl}/update`, 'POST', { id: `N${some()}`, note: `note ${next()}` }),
    block: () =>
      data('plain', 'PUT', 'update', {
        ...query({ nationalId: `N${some()}` }),
        write: { content: { note: `note ${next()}` } },
      }),
  },
  {
    name: 'page of 50, filtered and sorted',
    floor: () => send(`${plainUrl}/page`, 'POST', { village: villageOf(some()) }),
    block: () =>
      data('plain', 'POST', 'search', {
        ...query({ village: villageOf(some()) }),
        order: { field: 'birthDate' },
        pageSize: 50,
      }),
  },
  {
    name: 'page of 50, full text',
    floor: () => send(`${plainUrl}/words`, 'POST', { words: `Family${some() % 50_000}` }),
    block: () => data('plain', 'POST', 'search', { words: `Family${some() % 50_000}`, pageSize: 50 }),
  },
  {
    name: 'bulk create, 500 at a time (records)',
    each: 500,
    floor: () =>
      send(`${plainUrl}/bulk`, 'POST', { entries: Array.from({ length: 500 }, () => record(next())) }),
    block: () =>
      data('plain', 'POST', 'createEntries', {
        write: Array.from({ length: 500 }, () => ({ content: record(next()) })),
      }),
  },
];

const table: Record<string, object> = {};
for (const [index, row] of rows.filter(({ name }) => name.includes(only)).entries()) {
  const inFlight = row.each ? 4 : connections;
  const order = index % 2 === 0 ? (['floor', 'block'] as const) : (['block', 'floor'] as const);
  const seen: Partial<Record<'floor' | 'block', Figures>> = {};
  for (const one of order) {
    await admin.pool.query('checkpoint');
    seen[one] = await measure(row[one], inFlight);
  }
  const { floor, block: own } = seen as Record<'floor' | 'block', Figures>;
  const each = row.each ?? 1;
  table[row.name] = {
    'floor /s': Math.round(floor.perSecond * each),
    'block /s': Math.round(own.perSecond * each),
    share: `${Math.round((100 * own.perSecond) / floor.perSecond)} %`,
    'floor p95 ms': Number(floor.p95.toFixed(1)),
    'block median ms': Number(own.median.toFixed(1)),
    'block p95 ms': Number(own.p95.toFixed(1)),
  };
}
console.table(table);

if (only === '') await measureRest();

await stop();

async function measureRest(): Promise<void> {
  // One at a time: what a single client waits for the first page of each indexed filter.
  const first: Record<string, object> = {};
  for (const [name, body] of [
    ['nationalId =', () => query({ nationalId: `N${some()}` })],
    ['village =', () => query({ village: villageOf(some()) })],
    [
      'familyName starts with',
      () => ({
        filter: [{ field: 'familyName', operator: 'startsWith', value: `Family${some() % 50_000}` }],
      }),
    ],
    [
      'birthDate ≥, by birth date',
      () => ({
        filter: [{ field: 'birthDate', operator: 'ge', value: '1990-01-01' }],
        order: { field: 'birthDate' },
      }),
    ],
    ['all, newest first', () => ({ order: { descending: true } })],
  ] as const) {
    const { median, p95 } = await measure(
      () => data('plain', 'POST', 'search', { ...body(), pageSize: 50 }),
      1,
    );
    first[name] = { 'median ms': Number(median.toFixed(1)), 'p95 ms': Number(p95.toFixed(1)) };
  }
  console.log('first page of 50, one client');
  console.table(first);

  // A field is added and published while records are written: how long it takes, and how long a writer waits at most.
  const grown = schema(false) as { properties: Record<string, object> };
  grown.properties.email = { type: 'string', id: 21, maxLength: 200, filterable: true };
  let publishing = true;
  let longest = 0;
  let written = 0;
  const writers = Array.from({ length: 4 }, async () => {
    while (publishing) {
      const before = performance.now();
      await data('plain', 'POST', 'create', { write: { content: record(next()) } });
      written += 1;
      longest = Math.max(longest, performance.now() - before);
    }
  });
  const beforePublish = performance.now();
  await publish('plain', grown);
  const took = performance.now() - beforePublish;
  publishing = false;
  await Promise.all(writers);
  console.log(
    `publish of an added, indexed field: ${(took / 1000).toFixed(2)} s, ${written} records written meanwhile, the longest waited ${longest.toFixed(0)} ms`,
  );

  const beforeVerify = performance.now();
  const verified = (await block('registry-database-v1', 'GET', '/changes/verification', undefined)) as {
    changes: number;
    brokenAt: string | null;
  };
  console.log(
    `chain: ${verified.changes} changes verified in ${((performance.now() - beforeVerify) / 1000).toFixed(1)} s, broken at ${verified.brokenAt ?? 'none'}; server memory ${rssBefore.toFixed(0)} → ${(await rss()).toFixed(0)} MiB`,
  );
}
