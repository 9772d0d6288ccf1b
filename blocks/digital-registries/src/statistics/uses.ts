import { applicationOf, type Witness } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import type { RegistryTables } from '../tables.ts';

type Db = Kysely<RegistryTables>;

/** Upper ends of the buckets of times, in milliseconds; one more is for all above. */
const bounds = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000] as const;

type Outcome = 'ok' | 'refused' | 'failed';

interface Count {
  readonly key: readonly [
    day: string,
    owner: string,
    registry: string,
    surface: string,
    operation: string,
    application: string,
    outcome: Outcome,
  ];
  calls: number;
  totalMs: number;
  readonly buckets: number[];
}

const outcomeOf = (status: number): Outcome => (status < 400 ? 'ok' : status < 500 ? 'refused' : 'failed');

const flushMs = 10_000;
/** More kinds of calls than this within a flush are counted together. */
const mostKinds = 10_000;

/** Counts uses of the APIs in memory and adds them up in the database now and then: no row per call (DRS-12). */
export interface UseCounter {
  readonly witness: Witness;
  /** Brings what was counted to the database. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export function countUses(db: Db, log: Logger, now: () => Date): UseCounter {
  let counts = new Map<string, Count>();
  let writing: Promise<void> = Promise.resolve();

  function count(parts: Count['key'], ms: number): void {
    const known = counts.size < mostKinds || counts.has(JSON.stringify(parts));
    const [day, , , , , , outcome] = parts;
    const key: Count['key'] = known ? parts : [day, '', '', '', '', '', outcome];
    const name = JSON.stringify(key);
    const found = counts.get(name) ?? { key, calls: 0, totalMs: 0, buckets: [...bounds.map(() => 0), 0] };
    counts.set(name, found);
    found.calls += 1;
    found.totalMs += ms;
    const bucket = bounds.findIndex((bound) => ms <= bound);
    const index = bucket < 0 ? bounds.length : bucket;
    found.buckets[index] = (found.buckets[index] as number) + 1;
  }

  async function write(batch: readonly Count[]): Promise<void> {
    if (batch.length === 0) return;
    const column = (index: number) => batch.map(({ key }) => key[index] as string);
    await sql`
      insert into api_use (day, owner, registry, surface, operation, application, outcome, calls, total_ms, buckets)
      select day, owner, registry, surface, operation, application, outcome, calls, total_ms, string_to_array(buckets, ',')::bigint[]
      from unnest(${column(0)}::date[], ${column(1)}::text[], ${column(2)}::text[], ${column(3)}::text[],
        ${column(4)}::text[], ${column(5)}::text[], ${column(6)}::text[], ${batch.map(({ calls }) => calls)}::bigint[],
        ${batch.map(({ totalMs }) => totalMs)}::double precision[], ${batch.map(({ buckets }) => buckets.join(','))}::text[])
        as c(day, owner, registry, surface, operation, application, outcome, calls, total_ms, buckets)
      order by owner, day, registry, surface, operation, application, outcome
      on conflict on constraint api_use_pkey do update
      set calls = api_use.calls + excluded.calls,
        total_ms = api_use.total_ms + excluded.total_ms,
        buckets = (
          select array_agg(a + b order by n)
          from unnest(api_use.buckets, excluded.buckets) with ordinality as both_of(a, b, n)
        )`.execute(db);
  }

  function flush(): Promise<void> {
    writing = writing.then(async () => {
      const batch = counts;
      counts = new Map();
      try {
        await write([...batch.values()]);
      } catch (error) {
        log.warn({ err: error }, 'uses could not be counted');
      }
    });
    return writing;
  }

  const timer = setInterval(() => void flush(), flushMs);
  timer.unref();
  return {
    async witness({ surface, operation, caller, params }) {
      const began = performance.now();
      return async (status) => {
        // What was refused may name anything at all; only what is there is told apart.
        const registry = status < 400 ? (params.registryName ?? params.code ?? '').toLowerCase() : '';
        count(
          [
            now().toISOString().slice(0, 10),
            applicationOf(caller.service),
            registry,
            surface,
            operation.id,
            caller.application,
            outcomeOf(status),
          ],
          performance.now() - began,
        );
      };
    },
    flush,
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}

export type UseDimension = 'day' | 'registry' | 'surface' | 'operation' | 'application' | 'outcome';

export interface UsesQuery {
  readonly from?: string;
  readonly to?: string;
  readonly registry?: string;
  readonly application?: string;
  readonly operation?: string;
  readonly searches?: boolean;
  readonly by?: readonly UseDimension[];
}

export interface Uses {
  readonly group: Record<string, string>;
  readonly calls: number;
  readonly refused: number;
  readonly failed: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** Within the bucket in which it lies, as if times in it were spread evenly. */
export function percentile(buckets: readonly number[], share: number): number {
  const all = buckets.reduce((sum, one) => sum + one, 0);
  if (all === 0) return 0;
  let left = all * share;
  for (const [index, count] of buckets.entries()) {
    if (left <= count && count > 0) {
      const low = index === 0 ? 0 : (bounds[index - 1] as number);
      const high = bounds[index] ?? low;
      return Math.round((low + ((high - low) * left) / count) * 10) / 10;
    }
    left -= count;
  }
  return bounds.at(-1) as number;
}

/** Operations by which records are sought. */
const searching = '^(list|search|find)(Record|Duplicate)|^search$|^readRecord$|^recordExists$';
const mostRows = 5000;

/** Uses of the APIs of an owner, the latest days first. The default is the last 31 days. */
export async function usesOf(db: Db, owner: string, query: UsesQuery, now: Date): Promise<Uses[]> {
  const by = query.by ?? [];
  const from = query.from ?? new Date(now.getTime() - 31 * 86_400_000).toISOString().slice(0, 10);
  const columns = by.map((one) => (one === 'day' ? sql`day::text as day` : sql`${sql.id(one)}`));
  const keys = by.map((_, index) => sql.raw(String(index + 1)));
  const conditions = [
    sql`owner = ${owner}`,
    sql`day >= ${from}::date`,
    ...(query.to === undefined ? [] : [sql`day <= ${query.to}::date`]),
    ...(query.registry === undefined ? [] : [sql`registry = ${query.registry.toLowerCase()}`]),
    ...(query.application === undefined ? [] : [sql`application = ${query.application}`]),
    ...(query.operation === undefined ? [] : [sql`operation = ${query.operation}`]),
    ...(query.searches ? [sql`operation ~ ${searching}`] : []),
  ];
  const sums = bounds.map((_, index) => sql`sum(buckets[${sql.raw(String(index + 1))}])`);
  const { rows } = await sql<Record<string, string> & { buckets: string[] }>`
    select ${sql.join([
      ...columns,
      sql`coalesce(sum(calls), 0) as calls`,
      sql`coalesce(sum(calls) filter (where outcome = 'refused'), 0) as refused`,
      sql`coalesce(sum(calls) filter (where outcome = 'failed'), 0) as failed`,
      sql`coalesce(sum(total_ms), 0) as total_ms`,
      sql`array[${sql.join([...sums, sql`sum(buckets[${sql.raw(String(bounds.length + 1))}])`])}] as buckets`,
    ])}
    from api_use
    where ${sql.join(conditions, sql` and `)}
    ${keys.length > 0 ? sql`group by ${sql.join(keys)} order by ${sql.join(keys.map((key, index) => (by[index] === 'day' ? sql`${key} desc` : key)))}` : sql``}
    limit ${mostRows}`.execute(db);
  return rows.map((row) => {
    const calls = Number(row.calls);
    const buckets = row.buckets.map(Number);
    return {
      group: Object.fromEntries(by.map((one) => [one, row[one] as string])),
      calls,
      refused: Number(row.refused),
      failed: Number(row.failed),
      meanMs: calls === 0 ? 0 : Math.round((Number(row.total_ms) / calls) * 10) / 10,
      p50Ms: percentile(buckets, 0.5),
      p95Ms: percentile(buckets, 0.95),
    };
  });
}
