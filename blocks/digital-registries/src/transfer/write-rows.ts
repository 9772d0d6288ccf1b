import { Problem } from '@govstack/platform';
import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import { logCreated } from '../history/change-log.ts';
import { columnsFor, fromColumn, type Row, type Values } from '../records/content.ts';
import { nextNumber, StaleRegistry, table, unchanged } from '../records/statement.ts';
import { change, registryNumber, same } from '../records/write.ts';
import { convertedColumn } from '../schema/conversion.ts';
import { namesIndex } from '../schema/triggers.ts';
import type { RegistryTables } from '../tables.ts';
import {
  type Check,
  faultless,
  inRegistry,
  leadNowhere,
  linksOf,
  matchable,
  putFaults,
  sameKey,
  uniquesOf,
} from './check-rows.ts';
import type { ImportRow } from './imports.ts';
import { type Fault, faultOf } from './shape.ts';
import { stageOf } from './stage.ts';

type Trx = Transaction<RegistryTables>;

export interface Written {
  readonly created: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly faulty: number;
}

/** Holds the records that rows lead to until the end; those that are gone meanwhile make faults. */
async function holdLinked(
  trx: Trx,
  row: ImportRow,
  granted: Granted,
  of: RawBuilder<unknown>,
): Promise<void> {
  for (const link of await linksOf(trx, granted)) {
    const { rows } = await sql<{ gone: boolean }>`
      with wanted as (
        select distinct ${link.sought} as value
        from ${stageOf(row.id)} s
        where ${of} and ${sql.ref(`s.${link.field.column}`)} is not null
      ), held as (
        select ${link.column} as value
        from ${link.target} t
        where t.state = 'active' and ${link.column} in (select value from wanted)
        for share of t
      )
      select exists (select value from wanted except select value from held) as gone`.execute(trx);
    if (rows[0]?.gone) await putFaults(trx, row, leadNowhere(row, link, of));
  }
}

/** Creates the records of a chunk in one statement, with their history. Answers them. */
async function create(
  trx: Trx,
  row: ImportRow,
  { registry }: Granted,
  reader: Reader,
  of: RawBuilder<unknown>,
): Promise<{ wanted: number; created: number }> {
  const now = new Date();
  const at = now.toISOString();
  const numbered = registry.fields.some(({ triggers }) => namesIndex(triggers));
  const columns = registry.fields.flatMap((field) =>
    columnsFor(registry, field).map(({ column }) => ({
      name: sql.id(column.column),
      value:
        column.type === field.type || column.type === 'sealed'
          ? sql.ref(`p.${field.column}`)
          : convertedColumn(sql.ref(`p.${field.column}`), field.type, column.type),
    })),
  );
  const { rows } = await sql<{ wanted: string; created: string }>`
    with picked as materialized (
      select s.*
      from ${stageOf(row.id)} s
      where ${of} and ${faultless(row)}
      order by s.row
    ), written as (
      insert into ${table(registry)} (uuid, no, schema_version, created_at, modified_at, ${sql.join(columns.map(({ name }) => name))})
      select p.uuid, ${registryNumber(registry, now, numbered ? sql`p.no` : nextNumber(registry))},
        ${registry.version}, ${at}::timestamptz, ${at}::timestamptz, ${sql.join(columns.map(({ value }) => value))}
      from picked p
      where ${unchanged(registry)}
      on conflict do nothing
      returning *
    ), ${logCreated(registry, reader, at)}
    select (select count(*) from picked) as wanted, count(*) as created
    from logged`.execute(trx);
  const { wanted = '0', created = '0' } = rows[0] ?? {};
  return { wanted: Number(wanted), created: Number(created) };
}

/** What of a row's values a record does not have yet; what it may not be given makes faults. */
function changesOf(
  row: number,
  { registry }: Granted,
  given: Values,
  found: Row,
): { write: Values; faults: Fault[] } {
  const write: Values = new Map();
  const faults: Fault[] = [];
  for (const field of registry.fields) {
    const value = given.get(field.id);
    if (value === undefined || same(fromColumn(field.type, found[field.column]), value)) continue;
    if (field.readOnly) faults.push(faultOf(row, field, 'cannot be changed', value));
    else if (field.required && value === null) faults.push(faultOf(row, field, 'is required', null));
    write.set(field.id, value);
  }
  return { write, faults };
}

interface Match {
  readonly row: number;
  readonly found: Row;
  readonly write: Values;
}

/** Rows that change a record, with the record, locked when it is to be written; and what stands in the way. */
export async function matchesOf(
  trx: Trx,
  row: ImportRow,
  granted: Granted,
  of: RawBuilder<unknown>,
  lock: boolean,
): Promise<{ matches: Match[]; faults: Fault[] }> {
  const matched = await sql<{ row: string; uuid: string; given: Record<string, unknown> }>`
    select s.row, m.uuid, s.given
    from ${stageOf(row.id)} s
    join ${matchable(granted)} m on ${sameKey(row, granted, 'm', 's')}
    where ${of} and ${faultless(row)}
    order by m.uuid`.execute(trx);
  const records = await sql<Row>`
    select *
    from ${table(granted.registry)}
    where uuid = any(${matched.rows.map(({ uuid }) => uuid)}::uuid[]) and state = 'active'
    order by uuid
    ${lock ? sql`for update` : sql``}`.execute(trx);
  const byUuid = new Map(records.rows.map((one) => [one.uuid, one]));
  const matches: Match[] = [];
  const faults: Fault[] = [];
  const rows = new Set<number>();
  for (const { row: number, uuid, given } of matched.rows) {
    const found = byUuid.get(uuid);
    const at = Number(number);
    if (!found || rows.has(at)) {
      faults.push({
        row: at,
        field: '',
        detail: found ? 'more than one record matches' : 'its record is gone',
        value: null,
      });
      continue;
    }
    rows.add(at);
    const values = new Map(Object.entries(given).map(([id, value]) => [Number(id), value]));
    const { write, faults: refused } = changesOf(at, granted, values, found);
    faults.push(...refused);
    if (refused.length === 0) matches.push({ row: at, found, write });
  }
  return { matches, faults };
}

/** Puts faults on record. */
export async function addFaults(trx: Trx, row: ImportRow, faults: readonly Fault[]): Promise<void> {
  if (faults.length === 0) return;
  await trx
    .insertInto('transfer_fault')
    .values(faults.map((fault) => ({ import_id: row.id, ...fault, row: String(fault.row) })))
    .execute();
}

/** Changes records, together if that is possible; else one by one, and those that cannot be changed make faults. */
async function applyChanges(
  trx: Trx,
  granted: Granted,
  reader: Reader,
  matches: readonly Match[],
): Promise<{ changed: string[]; faults: Fault[] }> {
  const faults: Fault[] = [];
  const changed: string[] = [];
  async function attempt(some: readonly Match[]): Promise<void> {
    if (some.length === 0) return;
    const writes = new Map(some.map(({ found, write }) => [found.uuid, write]));
    await sql`savepoint changes`.execute(trx);
    try {
      const rows = some.map(({ found }) => found);
      const after = await change(trx, granted, reader, rows, ({ uuid }) => writes.get(uuid) as Values);
      for (const [index, row] of after.entries())
        if (row.row_version !== rows[index]?.row_version) changed.push(row.uuid);
      await sql`release savepoint changes`.execute(trx);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await sql`rollback to savepoint changes`.execute(trx);
      const [only, second] = some;
      if (!second)
        faults.push({
          row: only?.row ?? 0,
          field: '',
          detail: error.errors?.[0]?.detail ?? error.message,
          value: null,
        });
      else {
        const half = some.length >> 1;
        await attempt(some.slice(0, half));
        await attempt(some.slice(half));
      }
    }
  }
  await attempt(matches);
  return { changed, faults };
}

/**
 * Writes the rows of a chunk, `from` excluded, `to` included: those that find a record change it, the others create one.
 * Rows that can no longer be written make faults, which are on record when this comes back.
 */
export async function writeChunk(
  trx: Trx,
  row: ImportRow,
  granted: Granted,
  reader: Reader,
  from: number,
  to: number,
): Promise<Written> {
  const { registry } = granted;
  const ofChunk = sql`s.row > ${from}::bigint and s.row <= ${to}::bigint`;
  // A chunk and its history in memory, several times over.
  await sql`set local work_mem = '64MB'`.execute(trx);
  await holdLinked(trx, row, granted, ofChunk);
  let changed: readonly string[] = [];
  let rest = ofChunk;
  let unchangedRows = 0;
  let faulty = 0;
  if (row.upsert_by.length > 0) {
    const { matches, faults } = await matchesOf(trx, row, granted, ofChunk, true);
    const applied = await applyChanges(trx, granted, reader, matches);
    await addFaults(trx, row, [...faults, ...applied.faults]);
    faulty += new Set([...faults, ...applied.faults].map((fault) => fault.row)).size;
    changed = applied.changed;
    unchangedRows = matches.length - applied.changed.length - applied.faults.length;
    rest = sql`${ofChunk} and s.row <> all(${matches.map((match) => match.row)}::bigint[])`;
  }
  const { wanted, created } = await create(trx, row, granted, reader, rest);
  if (created < wanted) {
    const { rows } = await sql<{ still: boolean }>`select ${unchanged(registry)} as still`.execute(trx);
    if (!rows[0]?.still) throw new StaleRegistry();
    // Somebody wrote the same meanwhile.
    const left = sql`${rest} and ${faultless(row)}
      and not exists (select from ${table(registry)} w where w.uuid = s.uuid)`;
    for (const fields of await uniquesOf(trx, granted))
      await putFaults(trx, row, inRegistry(row, granted, fields, left));
    const others: Check = sql`
      select s.row, '' as field, 'a record with its number or the same unique value is there already' as detail
      from ${stageOf(row.id)} s
      where ${left}`;
    await putFaults(trx, row, others);
    faulty += wanted - created;
  }
  return { created, changed: changed.length, unchanged: unchangedRows, faulty };
}
