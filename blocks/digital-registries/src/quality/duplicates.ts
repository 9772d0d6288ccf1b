import { Problem } from '@govstack/platform';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import { logRead, type SubjectHash } from '../history/read-log.ts';
import { inTime } from '../history/search-log.ts';
import { type Content, type Row, refuse, toColumn, valuesOf } from '../records/content.ts';
import { subjectsOf, subjectsOfQuery } from '../records/read.ts';
import { columnRef, inWordsOfTheRequest, table, visible } from '../records/statement.ts';
import type { Registry } from '../schema/catalogue.ts';
import { columnTypes } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';
import type { DuplicateRule } from './rules.ts';

type Db = Kysely<RegistryTables>;

export interface Candidate {
  readonly record: string;
  readonly number: string;
  readonly score: number;
  /** Ids of the fields that agree. */
  readonly fields: number[];
}

/** Records with the same or a like value that are looked at, for each rule. */
const mostLooked = 500;
/** From which likeness on names are looked at at all. */
const trigramThreshold = 0.4;

const of = (alias: string, rule: DuplicateRule) => sql`${sql.id(alias)}.${columnRef(rule.field)}`;

/** Records that a rule alone would take for the same or nearly so, by its index. */
function block(from: RawBuilder<unknown>, rule: DuplicateRule): RawBuilder<unknown> | undefined {
  const [mine, theirs] = [of('b', rule), of('t', rule)];
  const like = {
    exact: sql`${theirs} = ${mine}`,
    phonetic: sql`reg.sounds(${theirs}) && reg.sounds(${mine})`,
    trigram: sql`${theirs} % ${mine}`,
    date: undefined,
  }[rule.method];
  return like && sql`(select t.* from ${from} t where ${like} and t.uuid <> b.uuid limit ${mostLooked})`;
}

/** 0 to 1, null when one of the two says nothing. */
function likeness(rule: DuplicateRule): RawBuilder<unknown> {
  const [mine, theirs] = [of('b', rule), of('t', rule)];
  switch (rule.method) {
    case 'exact':
      return sql`(${mine} = ${theirs})::integer`;
    case 'phonetic':
      return sql`reg.alike(reg.sounds(${mine}), reg.sounds(${theirs}))`;
    case 'trigram':
      return sql`similarity(${mine}, ${theirs})`;
    case 'date':
      return sql`greatest(0, 1 - abs(${mine}::date - ${theirs}::date)::double precision / ${rule.tolerance + 1}::double precision)`;
  }
}

/**
 * Pairs of `b` (rows with the columns of the registry) and records that score as duplicates. What one of the two does
 * not say counts half its weight, against it. `after`: only records behind it, so that each pair comes once.
 */
export function pairsOf(
  registry: Registry,
  rules: readonly DuplicateRule[],
  threshold: number,
  b: RawBuilder<unknown>,
  rows: RawBuilder<unknown>,
  once: boolean,
): RawBuilder<unknown> {
  const from = sql`(select * from ${table(registry)} where state = 'active' and ${rows})`;
  const blocks = rules.flatMap((rule) => block(from, rule) ?? []);
  const each = rules.map((rule, index) => sql`${likeness(rule)} as ${sql.id(`s${index}`)}`);
  const column = (index: number) => sql.id(`s${index}`);
  const weight = (rule: DuplicateRule) => sql`${rule.weight}::double precision`;
  const sum = sql.join(
    rules.map((rule, index) => sql`coalesce(${column(index)}, 0) * ${weight(rule)}`),
    sql` + `,
  );
  const all = sql.join(
    rules.map(
      (rule, index) =>
        sql`case when ${column(index)} is null then ${weight(rule)} / 2 else ${weight(rule)} end`,
    ),
    sql` + `,
  );
  const agreeing = sql.join(
    rules.map((rule, index) => sql`case when ${column(index)} >= 0.5 then ${rule.field.id}::integer end`),
  );
  return sql`
    select b.uuid as sought, t.uuid as record, t.no as number, scored.score, scored.fields
    from ${b} b
    cross join lateral (
      select distinct on (t.uuid) t.*
      from (${sql.join(blocks, sql` union all `)}) t
      ${once ? sql`where t.uuid > b.uuid` : sql``}
    ) t
    cross join lateral (
      select (${sum}) / (${all}) as score, array_remove(array[${agreeing}], null) as fields
      from (select ${sql.join(each)}) likenesses
    ) scored
    where scored.score >= ${threshold}::double precision`;
}

export const withThreshold = (trx: Db): Promise<unknown> =>
  sql`select set_config('pg_trgm.similarity_threshold', ${String(trigramThreshold)}, true)`.execute(trx);

const nobody = '00000000-0000-0000-0000-000000000000';

/** Records that may be about the same as one that is to be created (REG-4.1-b); asking is like asking whether they exist. */
export async function findDuplicates(
  db: Db,
  granted: Granted,
  reader: Reader,
  content: Content,
  limit: number,
  hash: SubjectHash,
): Promise<Candidate[]> {
  const { registry, fields } = granted;
  const defects: Parameters<typeof valuesOf>[4] = [];
  const values = valuesOf(fields, content, '/content', false, defects);
  refuse(defects);
  // A field that the reader does not see compares nothing for them.
  const rules = registry.duplicates?.rules.filter(
    ({ field }) => fields.some(({ id }) => id === field.id) && (values.get(field.id) ?? null) !== null,
  );
  const names = Object.keys(content);
  if (!registry.duplicates || !rules?.some(({ method }) => method !== 'date')) {
    await logRead(db, granted, reader, 'exists', names, [], () => subjectsOfQuery(granted, content, hash));
    return [];
  }
  const sought = [...new Map(rules.map(({ field }) => [field.id, field])).values()];
  const said = sought.map(
    (field) =>
      sql`${toColumn(field.type, values.get(field.id))}::${sql.raw(columnTypes[field.type])} as ${columnRef(field)}`,
  );
  const b = sql`(select ${sql.join([sql`${nobody}::uuid as uuid`, ...said])})`;
  const { threshold } = registry.duplicates;
  const found = await inWordsOfTheRequest(
    registry.current,
    inTime(db, async (trx) => {
      await withThreshold(trx);
      const { rows } = await sql<Candidate & { row: Row }>`
        select found.record, found.number, found.score, found.fields, to_jsonb(r) as row
        from (${pairsOf(registry, rules, threshold, b, visible(granted), false)}) found
        join ${table(registry)} r on r.uuid = found.record
        order by score desc, record
        limit ${limit}`.execute(trx);
      return rows;
    }),
  );
  const subjects = () => [
    ...subjectsOfQuery(granted, content, hash),
    ...subjectsOf(
      granted,
      found.map(({ row }) => row),
      hash,
    ),
  ];
  await logRead(
    db,
    granted,
    reader,
    'exists',
    names,
    found.map(({ record }) => record),
    subjects,
  );
  return found.map(({ row: _, ...candidate }) => candidate);
}

/**
 * Refuses new records that look like ones there are, or like each other, where the registry says so. Those who create at
 * the same time wait for each other, so that none slips in beside.
 */
export async function refuseDuplicates(trx: Db, registry: Registry, uuids: readonly string[]): Promise<void> {
  if (registry.duplicates?.action !== 'refuse') return;
  const { rules, threshold } = registry.duplicates;
  await withThreshold(trx);
  const b = sql`(select * from ${table(registry)} where uuid = any(${[...uuids]}::uuid[]))`;
  const { rows } = await sql<{ candidates: number }>`
    select count(distinct record)::integer as candidates
    from (${pairsOf(registry, rules, threshold, b, sql`true`, false)}) found`.execute(trx);
  const candidates = rows[0]?.candidates ?? 0;
  if (candidates > 0)
    throw new Problem(409, `The registry may hold this already: ${candidates} records look the same`, {
      type: 'urn:govstack:registries:possible-duplicate',
    });
}

/** Taken before records of a registry that refuses duplicates are written. */
export async function awaitTurn(trx: Db, registry: Registry): Promise<void> {
  if (registry.duplicates?.action === 'refuse')
    await sql`select pg_advisory_xact_lock(hashtextextended(${`duplicates/${registry.id}`}, 0))`.execute(trx);
}
