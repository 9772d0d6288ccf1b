import { Problem } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { DataMethod, Granted, Reader } from '../access/access.ts';
import { logRead, type SubjectHash } from '../history/read-log.ts';
import type { RegistryTables } from '../tables.ts';
import { type Content, contentOf, type Row } from './content.ts';
import { equality, inWordsOfTheRequest, table, visible } from './statement.ts';
import { type RecordView, viewOf } from './view.ts';

type Db = Kysely<RegistryTables>;

/** Hashes of the identifiers of those whom rows are about. */
export const subjectsOf = (granted: Granted, rows: readonly Row[], hash: SubjectHash): Buffer[] => {
  const owner = granted.registry.current.find((field) => field.owner);
  if (!owner) return [];
  return [
    ...new Set(
      rows.map((row) => row[owner.column]).filter((value): value is string => typeof value === 'string'),
    ),
  ].map(hash);
};

export const subjectsOfQuery = (granted: Granted, query: Content, hash: SubjectHash): Buffer[] => {
  const owner = granted.registry.fields.find((field) => field.owner);
  const value = owner && query[owner.name];
  return [value]
    .flat()
    .filter((one) => typeof one === 'string')
    .map(hash);
};

/** Active records that match, the oldest first. */
export async function find(
  db: Db,
  granted: Granted,
  query: Content,
  options: { readonly limit: number; readonly lock?: boolean },
): Promise<Row[]> {
  const { rows } = await inWordsOfTheRequest(
    granted.registry.current,
    sql<Row>`
      select * from ${table(granted.registry)}
      where state = 'active' and ${visible(granted)} and ${equality(granted.fields, query)}
      order by created_at, uuid
      limit ${options.limit}
      ${options.lock ? sql`for update` : sql``}`.execute(db),
  );
  return rows;
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The record with this uuid, registry number or primary key, whatever its state. */
export async function byKey(db: Db, granted: Granted, key: string): Promise<Row | undefined> {
  const { registry } = granted;
  const primary = registry.fields.find(({ primaryKey, type }) => primaryKey && type === 'text');
  const alternatives = [
    ...(uuidPattern.test(key) ? [sql`uuid = ${key}::uuid`] : []),
    sql`no = ${key}`,
    ...(primary ? [sql`${sql.id(primary.column)} = ${key}`] : []),
  ];
  const { rows } = await inWordsOfTheRequest(
    registry.current,
    sql<Row>`
      select * from ${table(registry)}
      where (${sql.join(alternatives, sql` or `)}) and ${visible(granted)}
      order by state, created_at
      limit 1`.execute(db),
  );
  return rows[0];
}

const noRecord = (): Problem => new Problem(404, 'no record found');

/** The oldest record that matches; leaves a trace when it shows personal data. */
export async function readRecord(
  db: Db,
  granted: Granted,
  reader: Reader,
  query: Content,
  hash: SubjectHash,
): Promise<RecordView> {
  const rows = await find(db, granted, query, { limit: 1 });
  const shown = granted.fields.map((field) => field.name);
  const subjects = rows.length > 0 ? subjectsOf(granted, rows, hash) : subjectsOfQuery(granted, query, hash);
  await logRead(
    db,
    granted,
    reader,
    'read',
    rows.length > 0 ? shown : Object.keys(query),
    rows.map((row) => row.uuid),
    subjects,
  );
  if (!rows[0]) throw noRecord();
  return viewOf(granted, rows[0]);
}

/** Whether a record matches. Asking about personal data is logged like reading it. */
export async function recordExists(
  db: Db,
  granted: Granted,
  reader: Reader,
  query: Content,
  hash: SubjectHash,
): Promise<boolean> {
  const rows = await find(db, granted, query, { limit: 1 });
  await logRead(
    db,
    granted,
    reader,
    'exists',
    Object.keys(query),
    rows.map((row) => row.uuid),
    subjectsOfQuery(granted, query, hash),
  );
  return rows.length > 0;
}

/** Puts on record that rows are shown, with these fields. */
export const shownRows = (
  db: Db,
  granted: Granted,
  reader: Reader,
  method: DataMethod,
  rows: readonly Row[],
  hash: SubjectHash,
  fields = granted.fields,
): Promise<void> =>
  logRead(
    db,
    granted,
    reader,
    method,
    fields.map(({ name }) => name),
    rows.map(({ uuid }) => uuid),
    subjectsOf(granted, rows, hash),
  );

/** One value of one record that is there (REG-8-g). */
export async function readValue(
  db: Db,
  granted: Granted,
  reader: Reader,
  key: string,
  fieldName: string,
  hash: SubjectHash,
): Promise<unknown> {
  const field = granted.fields.find(({ name }) => name === fieldName);
  const row = field && (await byKey(db, granted, key));
  if (!field || row?.state !== 'active') throw noRecord();
  await shownRows(db, granted, reader, 'read', [row], hash, [field]);
  const value = contentOf([field], row)[field.name];
  if (value === undefined) throw noRecord();
  return value;
}
