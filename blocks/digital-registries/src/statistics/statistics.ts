import { badRequest } from '@govstack/platform';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import { logRead, type SubjectHash } from '../history/read-log.ts';
import { inTime } from '../history/search-log.ts';
import { type Filter, filterCondition } from '../records/list.ts';
import { subjectsOfQuery } from '../records/read.ts';
import { inWordsOfTheRequest, table, visible } from '../records/statement.ts';
import type { RegistryTables } from '../tables.ts';
import { type CompiledDimension, compileDimension, type Dimension } from './dimension.ts';

type Db = Kysely<RegistryTables>;

export type Measure = 'records' | 'created' | 'changed' | 'deleted' | 'fields-changed';

export interface StatisticsQuery {
  readonly measure: Measure;
  readonly by?: readonly Dimension[];
  readonly filter?: readonly Filter[];
  readonly from?: string;
  readonly to?: string;
  /** Count, whatever planner and samples could tell. */
  readonly exact?: boolean;
}

type Told = string | number | boolean | null;

export interface Statistics {
  readonly names: readonly string[];
  readonly total: number | null;
  readonly approximate: boolean;
  readonly truncated: boolean;
  readonly suppressed: number;
  readonly groups: readonly { readonly group: Record<string, Told>; readonly count: number | null }[];
}

const mostGroups = 1000;
/** So many records are counted; of more the planner is asked. */
const counted = 100_000;
/** So many are grouped; of more a sample of about `counted`. */
const grouped = 1_000_000;
/** Of registries with personal data others are not told smaller groups. */
const smallest = 5;
const defaultPeriodMs = 366 * 86_400_000;

const actions = {
  created: 'create',
  changed: 'update',
  deleted: 'delete',
  'fields-changed': 'update',
} as const;

async function estimate(db: Db, from: RawBuilder<unknown>): Promise<number> {
  const { rows } = await sql<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>`
    explain (format json) select 1 from ${from}`.execute(db);
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

interface Source {
  readonly from: RawBuilder<unknown>;
  readonly factor: number;
}

/** The records that are counted, or a sample of them. */
async function recordsFrom(
  db: Db,
  granted: Granted,
  conditions: readonly RawBuilder<unknown>[],
  exact: boolean,
): Promise<Source> {
  const where = sql.join([sql`state = 'active'`, visible(granted), ...conditions], sql` and `);
  const of = (sample: RawBuilder<unknown>) =>
    sql`(select * from ${table(granted.registry)} ${sample} where ${where}) t`;
  const all = of(sql``);
  const size = exact ? 0 : await estimate(db, all);
  if (size <= grouped) return { from: all, factor: 1 };
  const percent = (counted / size) * 100;
  return { from: of(sql`tablesample system (${percent}) repeatable (1)`), factor: 100 / percent };
}

/** What happened to the records in a period. */
function changesFrom(
  granted: Granted,
  { measure, from, to }: StatisticsQuery,
  conditions: readonly RawBuilder<unknown>[],
): Source {
  const action = actions[measure as keyof typeof actions];
  const since =
    from ?? new Date((to === undefined ? Date.now() : Date.parse(to)) - defaultPeriodMs).toISOString();
  const ids = granted.fields.map(({ id }) => String(id));
  const fields =
    measure === 'fields-changed'
      ? sql`
        join change_content k on k.seq = l.seq
        cross join lateral (
          select coalesce(b.key, a.key) as changed_field
          from json_each_text(k.before) b
          full join json_each_text(k.after) a on a.key = b.key
          where b.value is distinct from a.value and coalesce(b.key, a.key) = any(${ids}::text[])
        ) changed`
      : sql``;
  return {
    factor: 1,
    from: sql`change_log l
      join (
        select *
        from ${table(granted.registry)}
        where ${sql.join([visible(granted), ...conditions], sql` and `)}
      ) t on t.uuid = l.record
      ${fields}
      where l.registry_id = ${granted.registry.id}::bigint and l.action = ${action}
        and l.at >= ${since}::timestamptz ${to === undefined ? sql`` : sql`and l.at < ${to}::timestamptz`}`,
  };
}

/** Groups too small to be told, and, where one alone could be worked out from the others, the next smallest. */
function tooSmall(counts: readonly number[]): Set<number> {
  const order = counts.map((count, index) => ({ count, index })).sort((a, b) => a.count - b.count);
  const small = order.filter(({ count }) => count < smallest);
  const hidden = small.length === 1 ? order.slice(0, 2) : small;
  return new Set(hidden.map(({ index }) => index));
}

/** Puts on record that persons are sought by what a filter says of them. */
async function logFilters(
  db: Db,
  granted: Granted,
  reader: Reader,
  filters: readonly Filter[],
  hash: SubjectHash,
): Promise<void> {
  const equal = filters.filter(({ operator }) => operator === 'eq' || operator === 'in');
  const content = Object.fromEntries(equal.map(({ field, value }) => [field, value]));
  const names = filters.map(({ field }) => field);
  await logRead(db, granted, reader, 'exists', names, [], () => subjectsOfQuery(granted, content, hash));
}

/** Counts over what a reader may list (DRS-26, DRS-36). Ends after ten seconds. */
export async function statisticsOf(
  db: Db,
  granted: Granted,
  reader: Reader,
  query: StatisticsQuery,
  hash: SubjectHash,
): Promise<Statistics> {
  const { measure, by = [], filter = [], from, to, exact = false } = query;
  const ofRecords = measure === 'records';
  if (from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to))
    throw badRequest('The period ends before it begins', [
      { in: 'body', pointer: '/to', detail: 'is not after from' },
    ]);
  const happened = ofRecords ? sql`created_at` : sql`l.at`;
  const dimensions = by.map((one, index) => compileDimension(granted.fields, one, index, happened));
  if (new Set(dimensions.map(({ name }) => name)).size < dimensions.length)
    throw badRequest('The breakdown names a dimension twice');
  const element: CompiledDimension = {
    name: 'field',
    expression: sql`changed_field`,
    told: (value) => granted.fields.find(({ id }) => String(id) === value)?.name ?? null,
  };
  const every = measure === 'fields-changed' ? [element, ...dimensions] : dimensions;
  const conditions = [
    ...filter.map((one) => filterCondition(granted.fields, one)),
    ...(ofRecords && from !== undefined ? [sql`created_at >= ${from}::timestamptz`] : []),
    ...(ofRecords && to !== undefined ? [sql`created_at < ${to}::timestamptz`] : []),
  ];
  await logFilters(db, granted, reader, filter, hash);
  const hides = granted.foreign && granted.registry.current.some(({ personal }) => personal);

  return inWordsOfTheRequest(
    granted.registry.current,
    inTime(db, async (trx): Promise<Statistics> => {
      const source = ofRecords
        ? await recordsFrom(trx, granted, conditions, exact)
        : changesFrom(granted, query, conditions);
      const base = { names: every.map(({ name }) => name), truncated: false, suppressed: 0 };
      if (ofRecords && every.length === 0 && !exact) {
        const size = await estimate(trx, (await recordsFrom(trx, granted, conditions, true)).from);
        if (size > counted)
          return { ...base, total: size, approximate: true, groups: [{ group: {}, count: size }] };
      }
      const columns = every.map(({ expression }, index) => sql`${expression} as ${sql.id(`d${index}`)}`);
      const keys = every.map((_, index) => sql.raw(String(index + 1)));
      const { rows } = await sql<Record<string, unknown> & { n: string; total: string }>`
        select ${sql.join([...columns, sql`count(*) as n`, sql`sum(count(*)) over () as total`])}
        from ${source.from}
        ${keys.length > 0 ? sql`group by ${sql.join(keys)}` : sql``}
        order by n desc
        limit ${mostGroups + 1}`.execute(trx);
      const shown = rows.slice(0, mostGroups);
      const counts = shown.map(({ n }) => Math.round(Number(n) * source.factor));
      const hidden = hides ? tooSmall(counts) : new Set<number>();
      const groups = shown.map((row, index) => ({
        group: Object.fromEntries(every.map(({ name, told }, at) => [name, told(row[`d${at}`] ?? null)])),
        count: hidden.has(index) ? null : (counts[index] as number),
      }));
      const total = Math.round(Number(rows[0]?.total ?? 0) * source.factor);
      return {
        ...base,
        total: hidden.size > 0 || (hides && total < smallest) ? null : total,
        approximate: source.factor !== 1,
        truncated: rows.length > mostGroups,
        suppressed: hidden.size,
        groups: inOrder(groups, base.names),
      };
    }),
  );
}

/** By the values of the dimensions, what has none last; so that a series reads in its order. */
function inOrder<T extends { readonly group: Record<string, Told> }>(
  groups: readonly T[],
  names: readonly string[],
): T[] {
  const compare = (one: Told | undefined, other: Told | undefined): number => {
    if (one === other) return 0;
    if (one === null || one === undefined) return 1;
    if (other === null || other === undefined) return -1;
    return one < other ? -1 : 1;
  };
  return [...groups].sort((a, b) => {
    for (const name of names) {
      const order = compare(a.group[name], b.group[name]);
      if (order !== 0) return order;
    }
    return 0;
  });
}
