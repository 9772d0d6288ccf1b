import { createHash } from 'node:crypto';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { convertedColumn } from './conversion.ts';
import { type Column, columnTypes, type Field, innerType, sequenceOf, tableOf } from './field.ts';

type Database = Kysely<RegistryTables>;

export const tableRef = (registryId: string) => sql.id('reg', tableOf(registryId));
const run = (db: Database, statement: RawBuilder<unknown>): Promise<unknown> => statement.execute(db);

/** The table of a new registry: what every record has, whatever its fields. */
export async function createTable(db: Database, registryId: string): Promise<void> {
  await run(db, sql`create sequence if not exists ${sql.id('reg', sequenceOf(registryId))}`);
  await run(
    db,
    sql`
    create table if not exists ${tableRef(registryId)} (
      uuid uuid primary key,
      no text not null,
      row_version integer not null default 1,
      state text not null default 'active',
      schema_version text not null,
      created_at timestamptz not null,
      modified_at timestamptz not null
    )`,
  );
  await run(
    db,
    sql`create unique index if not exists ${sql.id(`n_${registryId}`)} on ${tableRef(registryId)} (no)`,
  );
  await run(db, sql`select reg.raise_wall(${registryId}::bigint)`);
}

export async function dropTable(db: Database, registryId: string): Promise<void> {
  await run(db, sql`drop table if exists ${tableRef(registryId)}`);
  await run(db, sql`drop sequence if exists ${sql.id('reg', sequenceOf(registryId))}`);
}

/** Adds columns. None has a default that would be written to every row, so none takes time. */
export async function addColumns(
  db: Database,
  registryId: string,
  columns: readonly Column[],
): Promise<void> {
  if (columns.length === 0) return;
  const added = columns.map(
    ({ column, type }) => sql`add column if not exists ${sql.id(column)} ${sql.raw(columnTypes[type])}`,
  );
  await run(db, sql`alter table ${tableRef(registryId)} ${sql.join(added)}`);
}

/** An index that a registry needs. */
export interface WantedIndex {
  readonly name: string;
  readonly unique: boolean;
  readonly on: RawBuilder<unknown>;
}

/** Words of the searchable fields, unaccented case aside: what full-text search looks at. */
export const wordsOf = (fields: readonly Field[]): RawBuilder<unknown> =>
  sql`to_tsvector('simple', ${sql.join(
    fields.map((field) => sql`coalesce(${sql.id(field.column)}, '')`),
    sql` || ' ' || `,
  )})`;

const longestName = 63;

/** Names of indexes say what they are on; where that is too long for a name, a digest tells them apart. */
function indexName(start: string, columns: readonly string[]): string {
  const name = `${start}_${columns.join('_')}`;
  if (name.length <= longestName) return name;
  return `${name.slice(0, 40)}_${createHash('sha256').update(name).digest('hex').slice(0, 20)}`;
}

export const wordsIndex = (registryId: string, fields: readonly Field[]): string =>
  indexName(
    `w_${registryId}`,
    fields.map(({ column }) => column.slice(2)),
  );

const coordinateOf = (field: Pick<Field, 'column'>, place: number): RawBuilder<unknown> =>
  sql`((${sql.id(field.column)} -> 'coordinates' ->> ${sql.lit(place)})::float8)`;
/** The coordinates of a GeoPoint. */
export const longitudeOf = (field: Pick<Field, 'column'>): RawBuilder<unknown> => coordinateOf(field, 0);
export const latitudeOf = (field: Pick<Field, 'column'>): RawBuilder<unknown> => coordinateOf(field, 1);

/** What a search by a field looks at. */
function searched(field: Field): RawBuilder<unknown> {
  if (field.geometry === 'GeoPoint') return sql`(${latitudeOf(field)}, ${longitudeOf(field)})`;
  if (field.type === 'json') return sql`using gin (${sql.id(field.column)} jsonb_path_ops)`;
  return sql`(${sql.id(field.hash ?? field.column)}, uuid)`;
}

/** The indexes that fields ask for. A unique one leaves deleted records out. */
export function indexesFor(
  registryId: string,
  fields: readonly Field[],
  uniques: readonly (readonly number[])[],
): WantedIndex[] {
  const active = sql`where state <> 'deleted'`;
  const suffix = (field: Field): string => field.column.slice(2);
  const byId = new Map(fields.map((field) => [field.id, field]));
  const wanted: WantedIndex[] = fields
    .filter((field) => field.unique || field.primaryKey || field.indexed)
    .map((field) => {
      const unique = field.unique || field.primaryKey;
      return {
        name: `${unique ? 'u' : 'i'}_${registryId}_${suffix(field)}`,
        unique,
        on: unique ? sql`(${sql.id(field.hash ?? field.column)}) ${active}` : searched(field),
      };
    });
  for (const set of uniques) {
    const members = set.flatMap((id) => byId.get(id) ?? []);
    wanted.push({
      name: indexName(`x_${registryId}`, members.map(suffix)),
      unique: true,
      on: sql`(${sql.join(members.map((field) => sql.id(field.column)))}) ${active}`,
    });
  }
  const searchable = fields.filter((field) => field.searchable);
  if (searchable.length > 0)
    wanted.push({
      name: wordsIndex(registryId, searchable),
      unique: false,
      on: sql`using gin (${wordsOf(searchable)})`,
    });
  return wanted;
}

/**
 * Makes the indexes that are not there. `concurrently`: beside readers and writers, outside any transaction; what an
 * interrupted attempt left half made is made anew.
 */
export async function ensureIndexes(
  db: Database,
  registryId: string,
  wanted: readonly WantedIndex[],
  concurrently: boolean,
): Promise<void> {
  const { rows } = await sql<{ name: string; valid: boolean }>`
    select c.relname as name, i.indisvalid as valid
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    where i.indrelid = ${`reg.${tableOf(registryId)}`}::regclass`.execute(db);
  const valid = new Map(rows.map((row) => [row.name, row.valid]));
  const beside = concurrently ? sql`concurrently` : sql``;
  for (const { name, unique, on } of wanted) {
    if (valid.get(name)) continue;
    if (valid.get(name) === false) await run(db, sql`drop index ${beside} ${sql.id('reg', name)}`);
    await run(
      db,
      sql`create ${unique ? sql`unique` : sql``} index ${beside} ${sql.id(name)} on ${tableRef(registryId)} ${on}`,
    );
  }
}

const backfillBatch = 5000;

/** Fills a column from another one of the same field, a batch a transaction; rows written meanwhile have it already. */
export async function backfill(
  db: Database,
  registryId: string,
  from: Column,
  to: Column,
  onBatch: (rows: number) => void = () => undefined,
): Promise<void> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const { rows } = await sql<{ last: string | null; seen: string }>`
      with batch as (
        select uuid
        from ${tableRef(registryId)}
        where uuid > ${after}::uuid
        order by uuid
        limit ${backfillBatch}
      ), filled as (
        update ${tableRef(registryId)} r
        set ${sql.id(to.column)} = ${convertedColumn(sql.ref(`r.${from.column}`), innerType(from), innerType(to))}
        from batch
        where r.uuid = batch.uuid
          and r.${sql.id(to.column)} is null
          and r.${sql.id(from.column)} is not null
      )
      select (select uuid from batch order by uuid desc limit 1) as last, (select count(*) from batch) as seen`.execute(
      db,
    );
    const [row] = rows;
    if (!row || row.last === null) return;
    after = row.last;
    onBatch(Number(row.seen));
  }
}
