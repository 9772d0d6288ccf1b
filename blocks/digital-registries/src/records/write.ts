import {
  badRequest,
  brought,
  conflict,
  newId,
  Problem,
  type ProblemDetail,
  prepared,
} from '@govstack/platform';
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import { type Change, changesLogged, logChanges, snapshotOf } from '../history/change-log.ts';
import { assertNotHeld } from '../history/legal-hold.ts';
import { awaitTurn, refuseDuplicates } from '../quality/duplicates.ts';
import type { Registry } from '../schema/catalogue.ts';
import { converted } from '../schema/conversion.ts';
import { columnTypes, type Field } from '../schema/field.ts';
import { brokenRules } from '../schema/rules.ts';
import { filled, type Numbering, namesIndex, runTriggers } from '../schema/triggers.ts';
import type { RegistryTables } from '../tables.ts';
import { assertCoded } from './coded.ts';
import {
  asReadBack,
  type Content,
  columnsFor,
  missing,
  plainValue,
  type Row,
  refuse,
  toColumn,
  type Values,
  valuesOf,
} from './content.ts';
import { bindDocuments } from './documents.ts';
import { assertLinked, assertNoCycles, followDeletion } from './links.ts';
import { assertMayWrite } from './may-write.ts';
import { byKey, find } from './read.ts';
import {
  asked,
  columnList,
  inWordsOfTheRequest,
  nextNumber,
  StaleRegistry,
  table,
  unchanged,
} from './statement.ts';
import { type RecordView, viewOf } from './view.ts';

type Db = Kysely<RegistryTables>;
type Trx = Transaction<RegistryTables>;

/** A record as whoever wrote it gets it back: never what is secret, answers to writes are kept for repeats. */
const written = ({ fields, partial = [] }: Pick<Granted, 'fields' | 'partial'>, row: Row): RecordView =>
  viewOf(
    {
      fields: fields.filter(({ secret }) => !secret),
      partial: partial.filter(({ field }) => !field.secret),
    },
    row,
  );

/** What a trigger makes is text; a field has it as its own type. What it cannot be, the database refuses. */
function asTyped({ fields }: Registry, id: number, value: unknown): unknown {
  const type = fields.find((field) => field.id === id)?.type ?? 'text';
  return converted(value, 'text', type) ?? value;
}

export const yearOf = (now: Date): string => String(now.getUTCFullYear());

/** Running numbers for records that are to be created. */
export async function drawNumbers(
  db: Kysely<RegistryTables>,
  registry: Registry,
  count: number,
): Promise<string[]> {
  const { rows } = await sql<{ number: string }>`
    select ${nextNumber(registry)} as number
    from generate_series(1, ${count}::integer)`.execute(db);
  return rows.map(({ number }) => number);
}

/** The registry number of a record in SQL, from its running number. */
export function registryNumber(
  registry: Registry,
  now: Date,
  index: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const [before, after] = filled(
    registry.numberFormat.includes('{indexNoByCode}') ? registry.numberFormat : '{code}{indexNoByCode}',
    { code: registry.code.toUpperCase(), index: '\0', year: yearOf(now) },
  ).split('\0', 2);
  return sql`${before}::text || ${index} || ${after}::text`;
}

/**
 * Whether records are created, or one of them changed, by a single statement: nothing is locked, asked or written
 * beside it, so that it needs no transaction around it.
 */
export const inOneStatement = ({ registry, rows, writable = [] }: Granted): boolean =>
  rows === undefined &&
  registry.duplicates?.action !== 'refuse' &&
  !writable.some(({ when }) => when) &&
  // Of the version that is asked for, too: a field may have been defined anew since.
  ![...registry.current, ...registry.fields].some(
    ({ documents, links }) => documents || links.some(({ kind }) => kind !== 'soft'),
  );

/** Creates records in one statement: all or none. `at` is where the first one stands in the request. */
export async function createRecords(
  db: Db,
  granted: Granted,
  reader: Reader,
  contents: readonly Content[],
  pointerTo: (index: number) => string = (index) =>
    contents.length === 1 ? '/write/content' : `/write/${index}/content`,
): Promise<RecordView[]> {
  const { registry } = granted;
  const fields = granted.writable ?? granted.fields;
  const defects: ProblemDetail[] = [];
  const records = contents.map((content, index) =>
    valuesOf(fields, content, pointerTo(index), false, defects),
  );
  const sent = new Set(records.flatMap((values) => [...values.keys()]));
  const now = new Date();
  const triggered = registry.fields.filter(({ triggers }) => triggers.length > 0);
  const numbered = triggered.some(({ triggers }) => namesIndex(triggers));
  const numbers =
    numbered && defects.length === 0 ? await drawNumbers(db, registry, contents.length) : undefined;
  const numberingOf = (index: number): Numbering => ({
    code: registry.code.toUpperCase(),
    index: numbers?.[index] ?? '',
    year: yearOf(now),
  });
  for (const [index, values] of records.entries()) {
    for (const { id, default: value } of registry.fields)
      if (value !== undefined && values.get(id) === undefined) values.set(id, value);
    if (triggered.length > 0)
      for (const [id, value] of runTriggers(triggered, values, numberingOf(index)))
        values.set(id, asTyped(registry, id, value));
    defects.push(...missing(fields, values, pointerTo(index)));
    // Of fields that the reader does not know it is not said which.
    const unknown = registry.fields.filter(({ id }) => !fields.some((field) => field.id === id));
    if (missing(unknown, values, '').length > 0)
      defects.push({ in: 'body', pointer: pointerTo(index), detail: 'lacks what you may not write' });
    defects.push(...brokenRules(registry.rules ?? [], values, pointerTo(index)));
  }
  refuse(defects);
  await assertCoded(db, registry, registry.fields, records, pointerTo);
  await assertLinked(db, registry, registry.fields, records, pointerTo);
  await awaitTurn(db, registry);

  const at = now.toISOString();
  const ids = contents.map(() => newId());
  const used = registry.fields.filter(({ id }) =>
    records.some((values) => (values.get(id) ?? null) !== null),
  );
  const columnsOfUsed = used.flatMap((field) =>
    columnsFor(registry, field).map(({ column, of }) => ({
      column,
      values: records.map((values) => of(values.get(field.id))),
    })),
  );
  const number = registryNumber(registry, now, numbers ? sql`r.no` : nextNumber(registry));
  const names = columnsOfUsed.map(({ column }) => column.column);
  const selected = sql.join([
    sql.id('r', 'uuid'),
    number,
    sql`${registry.version}`,
    sql`${at}::timestamptz`,
    sql`${at}::timestamptz`,
    ...(names.length > 0 ? [columnList(names, 'r.')] : []),
  ]);
  const rowsToWrite = brought('r', [
    { name: 'uuid', type: 'uuid', values: ids },
    { name: 'no', type: 'text', values: numbers ?? ids.map(() => null) },
    ...columnsOfUsed.map(({ column, values }) => ({
      name: column.column,
      type: columnTypes[column.type],
      values,
    })),
  ]);
  const created = records.map((_, index) => {
    const row: Row = {
      uuid: ids[index] as string,
      no: '',
      row_version: 1,
      state: 'active',
      created_at: at,
      modified_at: at,
    };
    // In the shape of every version.
    for (const { column, values: stored } of columnsOfUsed)
      row[column.column] = asReadBack(column, stored[index]);
    return row;
  });
  const changes = created.map((row): Change => {
    const after = snapshotOf(registry.current, row);
    return { record: row.uuid, rowVersion: 1, action: 'create', before: null, after };
  });
  const { rows } = await inWordsOfTheRequest(
    registry.current,
    sql<{ uuid: string; no: string }>`${prepared}
      with written as (
        insert into ${table(registry)} (${columnList(['uuid', 'no', 'schema_version', 'created_at', 'modified_at', ...names])})
        select ${selected}
        from ${rowsToWrite}
        where ${unchanged(registry)}
        returning uuid, no
      ), ${changesLogged(registry.id, reader, at, changes, sql`select uuid from written`)}
      select uuid, no from written`.execute(db),
  );
  if (rows.length < contents.length) throw new StaleRegistry();
  const numberOf = new Map(rows.map(({ uuid, no }) => [uuid, no]));
  for (const row of created) row.no = numberOf.get(row.uuid) as string;
  await refuseDuplicates(db, registry, ids);
  await assertMayWrite(db, granted, ids, sent);
  await bindDocuments(
    db,
    registry,
    registry.fields,
    ids.map((record, index) => ({ record, values: records[index] as Values })),
    pointerTo,
  );
  return created.map((row) => written(granted, row));
}

export const same = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

/** Values of a row by field id, in the shape of these fields. */
const valuesOfRow = (fields: readonly Field[], row: Row): Values =>
  new Map(fields.map((field) => [field.id, plainValue(field, row)]));

/**
 * Writes values into rows that are locked, or into one as it was read: the same into all, or each its own. Rows that have them already stay as they
 * are, and out of the history.
 */
export async function change(
  db: Db,
  granted: Granted,
  reader: Reader,
  rows: readonly Row[],
  write: Values | ((row: Row) => Values),
): Promise<Row[]> {
  const { registry } = granted;
  const uuids = rows.map(({ uuid }) => uuid);
  const writes = typeof write === 'function' ? write : (): Values => write;
  const given = new Set(rows.flatMap((row) => [...writes(row).keys()]));
  await assertMayWrite(db, granted, uuids, given);
  const now = new Date();
  const triggered = registry.fields.filter(({ triggers }) => triggers.length > 0);
  const changes = rows.flatMap((row) => {
    const before = valuesOfRow(registry.fields, row);
    const after: Values = new Map([...before, ...writes(row)]);
    const numbering = { code: registry.code.toUpperCase(), index: '', year: yearOf(now) };
    // A number once given stays: triggers that would draw one are for new records.
    const forChanges = triggered.map(({ id, triggers }) => ({
      id,
      triggers: triggers.filter((one) => !namesIndex([one])),
    }));
    for (const [id, value] of runTriggers(forChanges, after, numbering))
      after.set(id, asTyped(registry, id, value));
    const changed = registry.fields.filter(({ id }) => !same(before.get(id), after.get(id)));
    return changed.length === 0 ? [] : [{ row, after, changed }];
  });
  if (changes.length === 0) return [...rows];
  const at = now.toISOString();
  const touched = [...new Set(changes.flatMap(({ changed }) => changed))];
  const records = changes.map(({ after }) => after);
  const pointerTo = () => '/write/content';
  refuse(records.flatMap((after) => brokenRules(registry.rules ?? [], after, pointerTo())));
  await assertCoded(db, registry, touched, records, pointerTo);
  await assertLinked(db, registry, touched, records, pointerTo);
  await bindDocuments(
    db,
    registry,
    touched,
    changes.map(({ row, after }) => ({ record: row.uuid, values: after })),
    pointerTo,
  );
  const stored = touched.flatMap((field) =>
    columnsFor(registry, field).map(({ column, of }) => ({
      column,
      values: changes.map(({ row, after, changed }) =>
        changed.includes(field) ? of(after.get(field.id)) : toColumn(column.type, row[column.column]),
      ),
    })),
  );
  const assignments = sql.join(
    stored.map(({ column }) => sql`${sql.id(column.column)} = r.${sql.id(column.column)}`),
  );
  const rowsToWrite = brought('r', [
    { name: 'uuid', type: 'uuid', values: changes.map(({ row }) => row.uuid) },
    { name: 'row_version', type: 'integer', values: changes.map(({ row }) => row.row_version) },
    ...stored.map(({ column, values }) => ({ name: column.column, type: columnTypes[column.type], values })),
  ]);
  const after = changes.map(({ row }, index): Row => {
    const now: Row = { ...row, row_version: row.row_version + 1, modified_at: at };
    // What was shown in part of what was there before.
    for (const { column } of granted.partial ?? []) delete now[column];
    for (const { column, values: kept } of stored) now[column.column] = asReadBack(column, kept[index]);
    return now;
  });
  const logged = changes.map(({ row }, index): Change => {
    const now = after[index] as Row;
    return {
      record: row.uuid,
      rowVersion: now.row_version,
      action: 'update',
      before: snapshotOf(registry.current, row),
      after: snapshotOf(registry.current, now),
    };
  });
  const { rows: written } = await inWordsOfTheRequest(
    registry.current,
    sql<{ uuid: string }>`${prepared}
      with written as (
        update ${table(registry)} t
        set ${assignments}, row_version = t.row_version + 1, modified_at = ${at}::timestamptz,
          schema_version = ${registry.version}
        from ${rowsToWrite}
        where t.uuid = r.uuid and t.row_version = r.row_version and ${unchanged(registry)}
        returning t.uuid
      ), ${changesLogged(registry.id, reader, at, logged, sql`select uuid from written`)}
      select uuid from written`.execute(db),
  );
  if (written.length < changes.length) throw new StaleRegistry();
  await assertMayWrite(db, granted, uuids, given);
  await assertNoCycles(db, registry, touched, after);
  const changed = new Map(after.map((row) => [row.uuid, row]));
  return rows.map((row) => changed.get(row.uuid) ?? row);
}

function valuesToWrite(fields: readonly Field[], write: Content): Values {
  const defects: ProblemDetail[] = [];
  const values = valuesOf(fields, write, '/write/content', true, defects);
  refuse(defects);
  if (values.size === 0)
    throw badRequest('Nothing to write', [{ in: 'body', pointer: '/write/content', detail: 'is empty' }]);
  return values;
}

/**
 * The record that says already what is to be written, as far as the writer may ask: the change was made before. Whoever
 * may not see secrets does not learn so that a record holds one.
 */
async function findWritten(db: Db, granted: Granted, write: Content): Promise<Row | undefined> {
  const known = asked(granted);
  const named = Object.keys(write).map((name) => known.find((field) => field.name === name));
  if (named.some((field) => field === undefined || (field.secret && !field.disclosed))) return undefined;
  const secrets = named.filter((field) => field?.secret);
  const open = Object.entries(write).filter(([name]) => !secrets.some((field) => field?.name === name));
  if (open.length === 0) return undefined;
  const [row] = await find(db, granted, Object.fromEntries(open), { limit: 1 });
  return row && secrets.every((field) => field && same(plainValue(field, row), write[field.name]))
    ? row
    : undefined;
}

/**
 * Changes the one record that matches. More than one is a conflict; none is 404 unless a record equal to the wanted
 * content is there already (the retry of a change that was done). Outside a transaction only where `inOneStatement`;
 * a record that was changed meanwhile is a `StaleRegistry`.
 */
export async function updateRecord(
  db: Db,
  granted: Granted,
  reader: Reader,
  query: Content,
  write: Content,
  expectedVersion: number | undefined,
): Promise<RecordView> {
  const values = valuesToWrite(granted.writable ?? granted.fields, write);
  const rows = await find(db, granted, query, { limit: 2, lock: db.isTransaction });
  if (rows.length > 1) throw conflict('More than one record matches');
  const [row] = rows;
  if (!row) {
    const done = await findWritten(db, granted, write);
    if (done) return written(granted, done);
    throw new Problem(404, 'no record found');
  }
  assertVersion(row, expectedVersion);
  const [changed] = await change(db, granted, reader, [row], values);
  return written(granted, changed as Row);
}

function assertVersion(row: Row, expected: number | undefined): void {
  if (expected !== undefined && expected !== row.row_version)
    throw new Problem(412, 'The record has been changed since it was read');
}

/** Changes the active record with this uuid, registry number or primary key. */
export async function changeRecord(
  db: Db,
  granted: Granted,
  reader: Reader,
  key: string,
  write: Content,
  expectedVersion: number | undefined,
): Promise<RecordView> {
  const values = valuesToWrite(granted.writable ?? granted.fields, write);
  const row = await byKey(db, granted, key, db.isTransaction);
  if (row?.state !== 'active') throw new Problem(404, 'no record found');
  assertVersion(row, expectedVersion);
  const [changed] = await change(db, granted, reader, [row], values);
  return written(granted, changed as Row);
}

/** Writes what a record said before: read-only fields too. */
export async function rewrite(
  trx: Trx,
  granted: Granted,
  reader: Reader,
  row: Row,
  content: Content,
): Promise<RecordView> {
  const defects: ProblemDetail[] = [];
  const fields = granted.writable ?? granted.fields;
  const said = Object.entries(content).filter(([name]) => fields.some((field) => field.name === name));
  const values = valuesOf(fields, Object.fromEntries(said), '/content', false, defects);
  defects.push(
    ...missing(
      fields.filter(({ name }) => name in content),
      values,
      '/content',
    ),
  );
  refuse(defects);
  const [changed] = await change(trx, granted, reader, [row], values);
  return written(granted, changed as Row);
}

/** Most records that one request changes or deletes. */
const mostAtOnce = 10_000;

async function findAll(trx: Trx, granted: Granted, query: Content): Promise<Row[]> {
  const rows = await find(trx, granted, query, { limit: mostAtOnce + 1, lock: true });
  if (rows.length > mostAtOnce) throw badRequest(`More than ${mostAtOnce} records match`);
  return rows;
}

/** Changes every record that matches: all or none. Answers how many matched. */
export async function updateRecords(
  trx: Trx,
  granted: Granted,
  reader: Reader,
  query: Content,
  write: Content,
): Promise<RecordView[]> {
  const values = valuesToWrite(granted.writable ?? granted.fields, write);
  const rows = await findAll(trx, granted, query);
  return (await change(trx, granted, reader, rows, values)).map((row) => written(granted, row));
}

/**
 * Changes the one record that matches, or creates it. Two at once with the same query make one record, and the repeat
 * of a change that moved the record out of the query makes none.
 */
export async function updateOrCreate(
  trx: Trx,
  granted: Granted,
  reader: Reader,
  query: Content,
  write: Content,
  /** With what the reader may create, where that is not what they may change. */
  creating: Granted = granted,
): Promise<{ readonly record: RecordView; readonly created: boolean }> {
  const { registry } = granted;
  const fields = granted.writable ?? granted.fields;
  const key = `${registry.id} ${JSON.stringify(Object.entries(query).sort())}`;
  await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(trx);
  const rows = await find(trx, granted, query, { limit: 2, lock: true });
  if (rows.length > 1) throw conflict('More than one record matches');
  const [row] = rows;
  if (row) {
    const kept = Object.fromEntries(
      Object.entries(write).filter(([name, value]) => {
        const field = fields.find((one) => one.name === name);
        return !field?.readOnly || !same(plainValue(field, row), value);
      }),
    );
    if (Object.keys(kept).length === 0) return { record: written(granted, row), created: false };
    const [changed] = await change(trx, granted, reader, [row], valuesToWrite(fields, kept));
    return { record: written(granted, changed as Row), created: false };
  }
  const done = await findWritten(trx, granted, write);
  if (done) return { record: written(granted, done), created: false };
  const [record] = await createRecords(trx, creating, reader, [write], () => '/write/content');
  return { record: record as RecordView, created: true };
}

/** What a record's life can come to. */
export type RecordState = 'active' | 'archived' | 'deleted';
const actionOf = { active: 'restore', archived: 'archive', deleted: 'delete' } as const;

/** Moves records into another state; they stay for the history. Answers those that were in another one before. */
export async function setState(
  trx: Trx,
  { registry }: Granted,
  reader: Reader,
  uuids: readonly string[],
  to: RecordState,
  from: readonly RecordState[],
): Promise<Row[]> {
  if (uuids.length === 0) return [];
  if (to !== 'active') await assertNotHeld(trx, registry.id, uuids);
  const at = new Date().toISOString();
  const { rows } = await inWordsOfTheRequest(
    registry.current,
    sql<Row>`
      update ${table(registry)}
      set state = ${to}, row_version = row_version + 1, modified_at = ${at}::timestamptz
      where uuid = any(${[...uuids]}::uuid[]) and state = any(${[...from]}::text[]) and ${unchanged(registry)}
      returning *`.execute(trx),
  );
  if (rows.length === 0) {
    const { rows: there } = await sql<{ there: boolean }>`select ${unchanged(registry)} as there`.execute(
      trx,
    );
    if (!there[0]?.there) throw new StaleRegistry();
    return [];
  }
  // What a record led to may be gone by now.
  if (to === 'active')
    await assertLinked(
      trx,
      registry,
      registry.fields,
      rows.map((row) => valuesOfRow(registry.fields, row)),
      () => '',
    );
  await logChanges(
    trx,
    registry.id,
    reader,
    at,
    rows.map((row) => {
      const content = snapshotOf(registry.current, row);
      return {
        record: row.uuid,
        rowVersion: row.row_version,
        action: actionOf[to],
        before: to === 'active' ? null : content,
        after: to === 'deleted' ? null : content,
      };
    }),
  );
  return rows;
}

/** Marks records as deleted, with what hangs on them. Deleting what is gone is fine. Answers how many went. */
export async function deleteRecords(
  trx: Trx,
  granted: Granted,
  reader: Reader,
  uuids: readonly string[],
): Promise<number> {
  const rows = await setState(trx, granted, reader, uuids, 'deleted', ['active', 'archived']);
  return rows.length + (await followDeletion(trx, granted, reader, rows, deleteRecords));
}

/** Deletes every record that matches: all or none. Answers which. */
export async function deleteMatching(
  trx: Trx,
  granted: Granted,
  reader: Reader,
  query: Content,
): Promise<string[]> {
  const uuids = (await findAll(trx, granted, query)).map(({ uuid }) => uuid);
  await deleteRecords(trx, granted, reader, uuids);
  return uuids;
}

/** Changes one row that is locked; fields not named stay. */
export async function updateRow(
  trx: Trx,
  granted: Granted,
  reader: Reader,
  row: Row,
  content: Content,
): Promise<RecordView> {
  const [changed] = await change(trx, granted, reader, [row], valuesToWrite(granted.fields, content));
  return viewOf(granted, changed as Row);
}
