import { Problem, prepared } from '@govstack/platform';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { DataMethod, Granted, Reader } from '../access/access.ts';
import { logRead, type SubjectHash } from '../history/read-log.ts';
import type { Field } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';
import { type Content, inOneForm, plainValue, type Row } from './content.ts';
import { asked, comparing, equality, inWordsOfTheRequest, shown, table, visible } from './statement.ts';
import { type RecordView, seen, viewOf } from './view.ts';
import { behindWall } from './wall.ts';

type Db = Kysely<RegistryTables>;

const identifiers = (values: readonly unknown[]): string[] =>
  values.filter((one) => typeof one === 'string' || typeof one === 'number').map(String);

/** Hashes of the identifiers of those whom rows are about: what stands in the fields marked `owner`. */
export const subjectsOf = (granted: Granted, rows: readonly Row[], hash: SubjectHash): Buffer[] => {
  const owners = granted.registry.current.filter(({ owner }) => owner);
  const values = rows.flatMap((row) => owners.map((field) => plainValue(field, row)));
  return [...new Set(identifiers(values))].map(hash);
};

export const subjectsOfQuery = (granted: Granted, query: Content, hash: SubjectHash): Buffer[] => {
  const owners = granted.registry.fields.filter(({ owner }) => owner);
  return identifiers(owners.flatMap(({ name }) => query[name])).map(hash);
};

/** Active records that match, the oldest first. */
export async function find(
  db: Db,
  granted: Granted,
  query: Content,
  options: { readonly limit: number; readonly lock?: boolean; readonly columns?: RawBuilder<unknown> },
): Promise<Row[]> {
  const { rows } = await inWordsOfTheRequest(
    granted.registry.current,
    behindWall(db, granted, (walled) =>
      sql<Row>`${granted.rows ? sql`` : prepared}
        select ${options.columns ?? shown(granted)} from ${table(granted.registry)}
        where state = 'active' and ${visible(granted)} and ${equality(asked(granted), query)}
        order by created_at, uuid
        limit ${options.limit}
        ${options.lock ? sql`for update` : sql``}`.execute(walled),
    ),
  );
  return rows;
}

export const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The record with this uuid, registry number or primary key, whatever its state. */
export async function byKey(db: Db, granted: Granted, key: string, lock = false): Promise<Row | undefined> {
  const { registry } = granted;
  const primary = asked(granted).find(({ primaryKey, type }) => primaryKey && type === 'text');
  const alternatives = [
    ...(uuidPattern.test(key) ? [sql`uuid = ${key}::uuid`] : []),
    sql`no = ${key}`,
    ...(primary ? [comparing(primary, (column) => sql`${column} = ${inOneForm(primary, key)}`)] : []),
  ];
  const { rows } = await inWordsOfTheRequest(
    registry.current,
    behindWall(db, granted, (walled) =>
      sql<Row>`
        select ${shown(granted)} from ${table(registry)}
        where (${sql.join(alternatives, sql` or `)}) and ${visible(granted)}
        order by state, created_at
        limit 1
        ${lock ? sql`for update` : sql``}`.execute(walled),
    ),
  );
  return rows[0];
}

/** Active records with these uuids, registry numbers or primary keys, the oldest first. */
export async function byKeys(db: Db, granted: Granted, keys: readonly string[]): Promise<Row[]> {
  const { registry } = granted;
  const primary = registry.fields.find(({ primaryKey, type }) => primaryKey && type === 'text');
  const { rows } = await sql<Row>`
    select * from ${table(registry)}
    where state = 'active' and ${visible(granted)}
      and (uuid = any(${keys.filter((key) => uuidPattern.test(key))}::uuid[])
        or no = any(${[...keys]}::text[])
        or ${primary ? sql`${sql.id(primary.column)} = any(${[...keys]}::text[])` : sql`false`})
    order by uuid`.execute(db);
  return rows;
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
  await logRead(
    db,
    granted,
    reader,
    'read',
    rows.length > 0 ? readable(granted).map(({ name }) => name) : Object.keys(query),
    rows.map((row) => row.uuid),
    () => (rows.length > 0 ? subjectsOf(granted, rows, hash) : subjectsOfQuery(granted, query, hash)),
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
  const rows = await find(db, granted, query, { limit: 1, columns: sql`uuid` });
  await logRead(
    db,
    granted,
    reader,
    'exists',
    Object.keys(query),
    rows.map((row) => row.uuid),
    () => subjectsOfQuery(granted, query, hash),
  );
  return rows.length > 0;
}

/** Every field of which a reader can see something. */
export const readable = ({ fields, partial = [] }: Pick<Granted, 'fields' | 'partial'>): readonly Field[] => [
  ...fields,
  ...partial.map(({ field }) => field),
];

/** Puts on record that rows are shown, with these fields. */
export const shownRows = (
  db: Db,
  granted: Granted,
  reader: Reader,
  method: DataMethod,
  rows: readonly Row[],
  hash: SubjectHash,
  fields = readable(granted),
): Promise<void> =>
  logRead(
    db,
    granted,
    reader,
    method,
    fields.map(({ name }) => name),
    rows.map(({ uuid }) => uuid),
    () => subjectsOf(granted, rows, hash),
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
  const field = readable(granted).find(({ name }) => name === fieldName);
  const row = field && (await byKey(db, granted, key));
  if (!field || row?.state !== 'active') throw noRecord();
  const value = seen(granted, row)[field.name];
  await shownRows(db, granted, reader, 'read', [row], hash, [field]);
  if (value === undefined) throw noRecord();
  return value;
}
