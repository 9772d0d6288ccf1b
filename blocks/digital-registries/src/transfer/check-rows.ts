import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Granted } from '../access/access.ts';
import { fieldsOf } from '../records/links.ts';
import { table, visible } from '../records/statement.ts';
import { convertedColumn } from '../schema/conversion.ts';
import { type Field, tableOf } from '../schema/field.ts';
import { targetOf } from '../schema/publish.ts';
import { tableRef } from '../schema/table.ts';
import type { RegistryTables } from '../tables.ts';
import type { ImportRow } from './imports.ts';
import { breaksRule } from './shape.ts';
import { stageOf } from './stage.ts';

type Db = Kysely<RegistryTables>;
type Trx = Transaction<RegistryTables>;

/** A question to the stage; its answers are faults: row, field, detail. */
export type Check = RawBuilder<{ row: string; field: string; detail: string }>;

const join = (fields: readonly Pick<Field, 'column'>[], one: string, other: string): RawBuilder<unknown> =>
  sql.join(
    fields.map(({ column }) => sql`${sql.ref(`${one}.${column}`)} = ${sql.ref(`${other}.${column}`)}`),
    sql` and `,
  );

/** Records that a row of the stage may change: what the caller can see, by the fields it is found by. */
export const matchable = (granted: Granted): RawBuilder<unknown> =>
  sql`(select * from ${table(granted.registry)} where state = 'active' and ${visible(granted)})`;

export const keysOf = (row: ImportRow, { registry }: Granted): Field[] =>
  row.upsert_by.flatMap((name) => registry.fields.find((field) => field.name === name) ?? []);

export const sameKey = (row: ImportRow, granted: Granted, one: string, other: string): RawBuilder<unknown> =>
  join(keysOf(row, granted), one, other);

const nameOf = (fields: readonly Field[]): string => fields.map(({ name }) => name).join(' + ');

/** Fields that must be unique, alone or together, as far as an import fills all of them. */
export async function uniquesOf(db: Db, { registry }: Granted): Promise<Field[][]> {
  const { rows } = await sql<{ columns: string[] }>`
    select array_agg(a.attname::text order by k.place) as columns
    from pg_index i
    join pg_class c on c.oid = i.indexrelid
    cross join unnest(i.indkey::smallint[]) with ordinality k(attnum, place)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = ${`reg.${tableOf(registry.id)}`}::regclass
      and i.indisunique
      and not i.indisprimary
      and c.relname <> ${`n_${registry.id}`}
    group by i.indexrelid`.execute(db);
  return rows.flatMap(({ columns }) => {
    const fields = columns.flatMap((name) => registry.fields.find(({ column }) => column === name) ?? []);
    return fields.length === columns.length ? [fields] : [];
  });
}

/** Rows of the file that say the same where none may. */
export const twiceInFile = (row: ImportRow, fields: readonly Field[]): Check => {
  const columns = sql.join(fields.map(({ column }) => sql.id(column)));
  const given = sql.join(
    fields.map(({ column }) => sql`${sql.id(column)} is not null`),
    sql` and `,
  );
  return sql`
    with twice as (
      select ${columns}, min(row) as first
      from ${stageOf(row.id)}
      where ${given}
      group by ${columns}
      having count(*) > 1
    )
    select s.row, ${nameOf(fields)}::text as field, 'is in row ' || d.first || ' too' as detail
    from ${stageOf(row.id)} s
    join twice d on ${join(fields, 's', 'd')}
    where s.row <> d.first`;
};

/** Rows that say what a record of the registry says already, other than the one they change. */
export function inRegistry(
  row: ImportRow,
  granted: Granted,
  fields: readonly Field[],
  of: RawBuilder<unknown> = sql`true`,
): Check {
  const own =
    row.upsert_by.length === 0
      ? sql`true`
      : sql`not exists (select from ${matchable(granted)} m where m.uuid = t.uuid and ${sameKey(row, granted, 'm', 's')})`;
  return sql`
    select s.row, ${nameOf(fields)}::text as field, 'is in the registry already' as detail
    from ${stageOf(row.id)} s
    where ${of}
      and exists (
        select
        from ${table(granted.registry)} t
        where ${join(fields, 't', 's')} and t.state <> 'deleted' and ${own}
      )`;
}

interface StagedLink {
  readonly field: Field;
  readonly target: RawBuilder<unknown>;
  readonly code: string;
  /** The column there. */
  readonly column: RawBuilder<unknown>;
  /** What a row of the stage looks for in it. */
  readonly sought: RawBuilder<unknown>;
}

/** Strict links of a registry. */
export async function linksOf(trx: Trx, { registry }: Granted): Promise<StagedLink[]> {
  const links: StagedLink[] = [];
  for (const field of registry.fields)
    for (const link of field.links.filter(({ kind }) => kind === 'strict')) {
      const target = await targetOf(trx, registry.owner, link.registry);
      const named = target && (await fieldsOf(trx, target.id)).find(({ id }) => id === link.field);
      if (!target || !named) continue;
      const own = sql.ref(`s.${field.column}`);
      links.push({
        field,
        target: tableRef(target.id),
        code: target.code,
        column: sql.ref(`t.${named.column}`),
        sought: named.type === field.type ? own : convertedColumn(own, field.type, named.type),
      });
    }
  return links;
}

/** Rows that lead to a record that is not there. */
export const leadNowhere = (
  row: ImportRow,
  link: StagedLink,
  of: RawBuilder<unknown> = sql`true`,
): Check => sql`
  select s.row, ${link.field.name}::text as field, ${`leads to a record of ${link.code} that is not there`}::text as detail
  from ${stageOf(row.id)} s
  where ${of}
    and ${sql.ref(`s.${link.field.column}`)} is not null
    and not exists (select from ${link.target} t where t.state = 'active' and ${link.column} = ${link.sought})`;

/** Rows with a key that their code list does not have in force. */
const notCoded = (row: ImportRow, owner: string, field: Field): Check => {
  const column = sql.ref(`s.${field.column}`);
  const keys = field.list ? sql`jsonb_array_elements_text(${column})` : sql`(values (${column}::text))`;
  return sql`
    select s.row, ${field.name}::text as field, ${`is not a key of ${field.catalogue} that is in force`}::text as detail
    from ${stageOf(row.id)} s
    where ${column} is not null
      and exists (
        select
        from ${keys} k(key)
        where not exists (
          select
          from code_list l
          join code_item i on i.list_id = l.id
          where l.owner = ${owner} and l.code = ${field.catalogue ?? ''} and i.key = k.key
            and (i.valid_from is null or i.valid_from <= current_date)
            and (i.valid_to is null or i.valid_to >= current_date)
        )
      )`;
};

/** Rows that find more than one record to change, or none and are no whole record. */
function ofUpserts(row: ImportRow, granted: Granted): Check[] {
  const keys = keysOf(row, granted);
  const found = sql`${matchable(granted)} m on ${sameKey(row, granted, 'm', 's')}`;
  return [
    sql`
      select s.row, ${nameOf(keys)}::text as field, 'more than one record matches' as detail
      from ${stageOf(row.id)} s
      join ${found}
      group by s.row
      having count(*) > 1`,
    ...granted.registry.fields
      .filter(({ required }) => required)
      .map(
        (field): Check => sql`
          select s.row, ${field.name}::text as field, 'is required' as detail
          from ${stageOf(row.id)} s
          left join ${found}
          where ${field.id} = any(s.lacking) and m.uuid is null`,
      ),
    sql`
      select s.row, '' as field, 'breaks a rule between the fields of a record' as detail
      from ${stageOf(row.id)} s
      left join ${found}
      where ${breaksRule} = any(s.lacking) and m.uuid is null`,
  ];
}

/** Puts the answers of a check on record. */
export const putFaults = (trx: Trx, row: ImportRow, check: Check): Promise<unknown> =>
  sql`
  insert into transfer_fault (import_id, row, field, detail)
  select ${row.id}::uuid, c.row, c.field, c.detail
  from (${check}) c
  order by c.row`.execute(trx);

/** Rows that nothing is wrong with. */
export const faultless = (row: ImportRow): RawBuilder<unknown> =>
  sql`not exists (select from transfer_fault f where f.import_id = ${row.id}::uuid and f.row = s.row)`;

/** Checks what can only be seen of all rows together, and beside the registry. */
export async function checkRows(trx: Trx, row: ImportRow, granted: Granted): Promise<void> {
  await sql`set local work_mem = '64MB'`.execute(trx);
  await sql`create unique index if not exists ${sql.id(`i_${row.id.replaceAll('-', '')}_row`)} on ${stageOf(row.id)} (row)`.execute(
    trx,
  );
  await sql`analyze ${stageOf(row.id)}`.execute(trx);
  for (const fields of await uniquesOf(trx, granted)) {
    await putFaults(trx, row, twiceInFile(row, fields));
    await putFaults(trx, row, inRegistry(row, granted, fields));
  }
  for (const link of await linksOf(trx, granted)) await putFaults(trx, row, leadNowhere(row, link));
  for (const field of granted.registry.fields)
    if (field.catalogue !== undefined)
      await putFaults(trx, row, notCoded(row, granted.registry.owner, field));
  if (row.upsert_by.length === 0) return;
  await putFaults(trx, row, twiceInFile(row, keysOf(row, granted)));
  for (const check of ofUpserts(row, granted)) await putFaults(trx, row, check);
}

/** Counts rows and faults anew. */
export const countFaults = (trx: Trx, row: ImportRow): Promise<unknown> =>
  sql`
  update transfer_import
  set faults = c.faults, rows_faulty = c.rows
  from (
    select count(*) as faults, count(distinct row) as rows
    from transfer_fault
    where import_id = ${row.id}::uuid
  ) c
  where id = ${row.id}::uuid`.execute(trx);
