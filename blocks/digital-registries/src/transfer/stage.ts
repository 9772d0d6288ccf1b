import { type Kysely, type RawBuilder, sql } from 'kysely';
import { columnTypes, type Field } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';
import type { ShapedRow } from './shape.ts';

type Db = Kysely<RegistryTables>;

const nameOf = (importId: string): string => `i_${importId.replaceAll('-', '')}`;
/** The rows of an import that can become records, until it is over. */
export const stageOf = (importId: string): RawBuilder<unknown> => sql.id('stage', nameOf(importId));

/**
 * Makes the table in which an import is gathered. Unlogged: should the server fall, it is empty and the file is read
 * again.
 */
export async function createStage(db: Db, importId: string, fields: readonly Field[]): Promise<void> {
  const columns = fields.map(({ column, type }) => sql`${sql.id(column)} ${sql.raw(columnTypes[type])}`);
  await sql`
    create unlogged table if not exists ${stageOf(importId)} (
      row bigint not null,
      uuid uuid not null,
      -- Its running number, where a trigger needed one.
      no text,
      given jsonb,
      lacking integer[],
      ${sql.join(columns)}
    )`.execute(db);
}

export const dropStage = (db: Db, importId: string): Promise<unknown> =>
  sql`drop table if exists ${stageOf(importId)}`.execute(db);

/** Whether the rows are there that were gathered. */
export async function stageHolds(db: Db, importId: string): Promise<boolean> {
  const { rows } = await sql<{ there: boolean }>`
    select to_regclass(${`stage.${nameOf(importId)}`}) is not null as there`.execute(db);
  if (!rows[0]?.there) return false;
  const held = await sql<{ some: boolean }>`select exists (select from ${stageOf(importId)}) as some`.execute(
    db,
  );
  return held.rows[0]?.some ?? false;
}

export const copyInto = (importId: string, fields: readonly Field[]): string =>
  `copy stage.${nameOf(importId)} (${['row', 'uuid', 'no', 'given', 'lacking', ...fields.map(({ column }) => column)].join(', ')}) from stdin`;

const special = /[\\\t\n\r]/;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
const copied = (text: string | null): string =>
  text === null
    ? '\\N'
    : special.test(text)
      ? text.replaceAll(/[\\\t\n\r]/g, (one) => escapes[one] as string)
      : text;

/** A line of COPY. `given` only where a row may change a record. */
export const copyLine = (uuid: string, no: string | null, upsert: boolean, row: ShapedRow): string =>
  `${row.row}\t${uuid}\t${copied(no)}\t${upsert ? copied(JSON.stringify(Object.fromEntries(row.given))) : '\\N'}\t${
    row.lacking.length > 0 ? `{${row.lacking.join(',')}}` : '\\N'
  }\t${row.columns.map(copied).join('\t')}\n`;
