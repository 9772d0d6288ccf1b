import { type Kysely, sql } from 'kysely';
import { contentOf, type Row, valuesOf } from '../records/content.ts';
import { columnRef, table } from '../records/statement.ts';
import type { Catalogue, Registry } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';

type Db = Kysely<RegistryTables>;

export interface FieldQuality {
  readonly field: string;
  readonly fieldId: number;
  readonly filled: number;
  readonly invalid: number;
  readonly duplicates: number | null;
  readonly distinct: number | null;
}

/** How complete, valid, unique and fresh the records of a registry are. */
export interface Quality {
  readonly day: string;
  readonly records: number;
  readonly sampled: number | null;
  readonly stale: number;
  readonly openDuplicates: number;
  readonly fields: readonly FieldQuality[];
}

/** So many records are looked at one by one; of more a sample of about as many. */
const mostLooked = 20_000;
const page = 2000;
/** Of so many records the values are told apart. */
const mostDistinct = 1_000_000;
const staleDays = 365;
const longestMs = 60_000;

/** Counts values of a sample that today's schema does not take, by field name. */
async function invalidValues(
  db: Db,
  registry: Registry,
  records: number,
): Promise<{ looked: number; invalid: Map<string, number> }> {
  const share = (mostLooked / Math.max(records, 1)) * 100;
  const sample = share < 100 ? sql`tablesample bernoulli (${share}) repeatable (1)` : sql``;
  const invalid = new Map<string, number>();
  let looked = 0;
  for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
    const { rows } = await sql<Row>`
      select *
      from ${table(registry)} ${sample}
      where state = 'active' and uuid > ${after}::uuid
      order by uuid
      limit ${page}`.execute(db);
    for (const row of rows) {
      const defects: Parameters<typeof valuesOf>[4] = [];
      for (const field of registry.fields) {
        defects.length = 0;
        valuesOf([field], contentOf([field], row), '', false, defects);
        if (defects.length > 0) invalid.set(field.name, (invalid.get(field.name) ?? 0) + 1);
      }
    }
    looked += rows.length;
    if (rows.length < page || looked >= 2 * mostLooked) return { looked, invalid };
    after = rows.at(-1)?.uuid as string;
  }
}

/** Measures a registry today and keeps it as today's row. */
export async function measureQuality(db: Db, registry: Registry, now: Date): Promise<Quality> {
  const day = now.toISOString().slice(0, 10);
  const quality = await db.transaction().execute(async (trx): Promise<Quality> => {
    await sql`select set_config('statement_timeout', ${String(longestMs)}, true)`.execute(trx);
    const stale = new Date(now.getTime() - staleDays * 86_400_000).toISOString();
    const filled = registry.fields.map(
      (field, index) => sql`count(${columnRef(field)}) as ${sql.id(`f${index}`)}`,
    );
    const counts = await sql<Record<string, string>>`
      select ${sql.join([
        sql`count(*) as records`,
        sql`count(*) filter (where modified_at < ${stale}::timestamptz) as stale`,
        ...filled,
      ])}
      from ${table(registry)}
      where state = 'active'`.execute(trx);
    const row = counts.rows[0] as Record<string, string>;
    const records = Number(row.records);
    const distinct = new Map<number, number>();
    if (records <= mostDistinct)
      for (const field of registry.fields) {
        if (field.type === 'json' || field.type === 'file') continue;
        const { rows } = await sql<{ n: string }>`
          select count(distinct ${columnRef(field)}) as n
          from ${table(registry)}
          where state = 'active'`.execute(trx);
        distinct.set(field.id, Number(rows[0]?.n));
      }
    const open = await sql<{ n: string }>`
      select count(*) as n
      from duplicate_pair
      where registry_id = ${registry.id}::bigint and state = 'open'`.execute(trx);
    const { looked, invalid } = await invalidValues(trx, registry, records);
    return {
      day,
      records,
      sampled: looked < records ? looked : null,
      stale: Number(row.stale),
      openDuplicates: Number(open.rows[0]?.n),
      fields: registry.fields.map((field, index) => {
        const said = Number(row[`f${index}`]);
        const apart = distinct.get(field.id);
        return {
          field: field.name,
          fieldId: field.id,
          filled: said,
          invalid: invalid.get(field.name) ?? 0,
          duplicates: apart === undefined ? null : said - apart,
          distinct: apart ?? null,
        };
      }),
    };
  });
  await sql`
    insert into quality_day (registry_id, day, measured)
    values (${registry.id}::bigint, ${day}::date, ${JSON.stringify(quality)}::jsonb)
    on conflict on constraint quality_day_pkey do update
    set measured = excluded.measured`.execute(db);
  return quality;
}

/** Day by day, newest first. */
export async function qualityDays(db: Db, registry: Registry, days: number): Promise<Quality[]> {
  const { rows } = await sql<{ measured: Quality }>`
    select measured
    from quality_day
    where registry_id = ${registry.id}::bigint
    order by day desc
    limit ${days}`.execute(db);
  return rows.map(({ measured }) => measured);
}

/** Measures every registry that has no row of today yet. What fails with one does not keep the others waiting. */
export async function measureAll(
  db: Db,
  catalogue: Catalogue,
  now: Date,
  signal: AbortSignal,
  onFailure: (error: unknown, code: string) => void,
): Promise<void> {
  const { rows } = await sql<{ owner: string; code: string }>`
    select r.owner, r.code
    from registry r
    where r.state = 'published'
      and not exists (
        select from quality_day q
        where q.registry_id = r.id and q.day = ${now.toISOString().slice(0, 10)}::date
      )
    order by r.id`.execute(db);
  for (const { owner, code } of rows) {
    signal.throwIfAborted();
    try {
      await measureQuality(db, (await catalogue.find(owner, code, 'latest')).registry, now);
    } catch (error) {
      onFailure(error, code);
    }
  }
}
