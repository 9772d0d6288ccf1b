import { badRequest, conflict, newId, notFound, Problem } from '@govstack/platform';
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import { logChanges } from '../history/change-log.ts';
import { logRead, type SubjectHash } from '../history/read-log.ts';
import { columnOf, columnTypes, type Field, tableOf } from '../schema/field.ts';
import type { Registry } from '../schema/registries.ts';
import type { RegistryTables } from '../tables.ts';
import { assertWritable, type Content, fieldNamed, fromColumn, toColumn } from './content.ts';

export interface RecordView {
  readonly uuid: string;
  readonly rowVersion: number;
  readonly createdAt: string;
  readonly modifiedAt: string;
  readonly content: Content;
}

type Row = Record<string, unknown> & {
  uuid: string;
  row_version: number;
  created_at: string;
  modified_at: string;
};

const tableRef = (registry: Registry) => sql.id('reg', tableOf(registry.id));
const columnRef = (field: Field) => sql.id(columnOf(field));
const cast = (field: Field, value: unknown): RawBuilder<unknown> =>
  sql`${toColumn(field, value)}::${sql.raw(columnTypes[field.type])}`;

const toContent = (fields: readonly Field[], row: Row): Content => {
  const content: Record<string, unknown> = {};
  for (const field of fields) {
    const value = fromColumn(field, row[columnOf(field)]);
    if (value !== undefined) content[field.name] = value;
  }
  return content;
};

const toView = (fields: readonly Field[], row: Row): RecordView => ({
  uuid: row.uuid,
  rowVersion: row.row_version,
  createdAt: new Date(row.created_at).toISOString(),
  modifiedAt: new Date(row.modified_at).toISOString(),
  content: toContent(fields, row),
});

const mostAlternatives = 1000;

/** All conditions must hold; of a list, one value. An empty query never means everything. */
function condition(fields: readonly Field[], query: Content): RawBuilder<unknown> {
  const parts = Object.entries(query).map(([name, value]) => {
    const field = fieldNamed(fields, name, '/query/content');
    if (field.type === 'json') throw badRequest(`${name} cannot be searched by`);
    if (value === null) return sql`${columnRef(field)} is null`;
    const values = Array.isArray(value) ? value : [value];
    if (values.length > mostAlternatives || values.some((one) => one === null || typeof one === 'object'))
      throw badRequest(`${name} must be a value, or a list of at most ${mostAlternatives} values`);
    if (values.length === 0) return sql`false`;
    return sql`${columnRef(field)} in (${sql.join(values.map((one) => cast(field, one)))})`;
  });
  if (parts.length === 0)
    throw badRequest('The query must name at least one field', [
      { in: 'body', pointer: '/query/content', detail: 'is empty' },
    ]);
  return sql.join(parts, sql` and `);
}

/** PostgreSQL's refusals in the words of the request; anything else is a fault of ours. */
async function inWordsOfTheRequest<T>(fields: readonly Field[], work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code, constraint } = error as { code?: string; constraint?: string };
    if (code === '23505') {
      const id = Number(constraint?.split('_').at(-1));
      const name = fields.find((field) => field.id === id)?.name ?? 'a unique field';
      throw new Problem(409, `A record with this ${name} exists already`, {
        type: 'urn:govstack:registries:unique',
      });
    }
    if (code === '22P02' || code === '22007' || code === '22008' || code === '22003')
      throw badRequest('A value does not fit its field');
    throw error;
  }
}

const subjectsOf = (granted: Granted, rows: readonly Row[], hash: SubjectHash): Buffer[] => {
  const owner = granted.registry.current.find((field) => field.owner);
  if (!owner) return [];
  return [
    ...new Set(
      rows.map((row) => row[columnOf(owner)]).filter((value): value is string => typeof value === 'string'),
    ),
  ].map(hash);
};

const subjectsOfQuery = (granted: Granted, query: Content, hash: SubjectHash): Buffer[] => {
  const owner = granted.registry.current.find((field) => field.owner);
  const value = owner && query[owner.name];
  return [value]
    .flat()
    .filter((one) => typeof one === 'string')
    .map(hash);
};

/** Creates records in one statement: all or none. */
export async function createRecords(
  trx: Transaction<RegistryTables>,
  granted: Granted,
  reader: Reader,
  contents: readonly Content[],
  at = '/write/content',
): Promise<RecordView[]> {
  const { registry, fields } = granted;
  for (const [index, content] of contents.entries())
    assertWritable(fields, content, contents.length === 1 ? at : `/write/${index}/content`, true);
  const now = new Date().toISOString();
  const used = fields.filter((field) =>
    contents.some((content) => content[field.name] !== undefined && content[field.name] !== null),
  );
  const ids = contents.map(() => newId());
  const arrays = used.map(
    (field) =>
      sql`${contents.map((content) => toColumn(field, content[field.name]))}::${sql.raw(columnTypes[field.type])}[]`,
  );
  const columns = sql.join([
    sql.id('uuid'),
    sql.id('schema_version'),
    sql.id('created_at'),
    sql.id('modified_at'),
    ...used.map(columnRef),
  ]);
  const values = sql.join([
    sql.id('r', 'uuid'),
    sql`${registry.version}`,
    sql`${now}::timestamptz`,
    sql`${now}::timestamptz`,
    ...used.map((field) => sql.id('r', columnOf(field))),
  ]);
  const names = sql.join([sql.id('uuid'), ...used.map(columnRef)]);
  const sources = sql.join([sql`${ids}::uuid[]`, ...arrays]);
  await inWordsOfTheRequest(
    registry.current,
    sql`insert into ${tableRef(registry)} (${columns}) select ${values} from unnest(${sources}) as r(${names})`.execute(
      trx,
    ),
  );
  const created = contents.map((content, index): RecordView => {
    const known = Object.fromEntries(
      fields
        .filter((field) => content[field.name] !== undefined && content[field.name] !== null)
        .map((field) => [field.name, content[field.name]]),
    );
    return { uuid: ids[index] as string, rowVersion: 1, createdAt: now, modifiedAt: now, content: known };
  });
  await logChanges(
    trx,
    registry.id,
    reader,
    created.map((record) => ({
      record: record.uuid,
      rowVersion: 1,
      action: 'create',
      before: null,
      after: record.content,
    })),
  );
  return created;
}

async function find(
  db: Kysely<RegistryTables>,
  granted: Granted,
  query: Content,
  options: { limit: number; lock?: boolean; after?: string; order?: 'uuid' | 'created_at' },
): Promise<Row[]> {
  const where =
    Object.keys(query).length === 0 && options.order === 'uuid'
      ? sql`true`
      : condition(granted.fields, query);
  const { rows } = await inWordsOfTheRequest(
    granted.registry.current,
    sql<Row>`
      select * from ${tableRef(granted.registry)}
      where state = 'active' and ${where}
        ${options.after === undefined ? sql`` : sql`and uuid > ${options.after}::uuid`}
      order by ${sql.id(options.order ?? 'created_at')}, uuid
      limit ${options.limit}
      ${options.lock ? sql`for update` : sql``}`.execute(db),
  );
  return rows;
}

/** The oldest record that matches; leaves a trace when it shows personal data. */
export async function readRecord(
  db: Kysely<RegistryTables>,
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
  if (!rows[0]) throw new Problem(404, 'no record found');
  return toView(granted.fields, rows[0]);
}

/** Whether a record matches. Asking about personal data is logged like reading it. */
export async function recordExists(
  db: Kysely<RegistryTables>,
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

/** A page of records in order of creation; `after` is the uuid of the last one seen. */
export async function searchRecords(
  db: Kysely<RegistryTables>,
  granted: Granted,
  reader: Reader,
  search: { query: Content; pageSize: number; after?: string },
  hash: SubjectHash,
): Promise<{ results: RecordView[]; next: string | undefined }> {
  const rows = await find(db, granted, search.query, {
    limit: search.pageSize + 1,
    order: 'uuid',
    ...(search.after === undefined ? {} : { after: search.after }),
  });
  const page = rows.slice(0, search.pageSize);
  await logRead(
    db,
    granted,
    reader,
    'list',
    granted.fields.map((field) => field.name),
    page.map((row) => row.uuid),
    subjectsOf(granted, page, hash),
  );
  return {
    results: page.map((row) => toView(granted.fields, row)),
    next: rows.length > search.pageSize ? page.at(-1)?.uuid : undefined,
  };
}

/**
 * Changes the one record that matches. More than one is a conflict; none is 404 unless a record equal to the wanted
 * content is there already (the retry of a change that was done).
 */
export async function updateRecord(
  trx: Transaction<RegistryTables>,
  granted: Granted,
  reader: Reader,
  query: Content,
  write: Content,
  expectedVersion: number | undefined,
): Promise<RecordView> {
  const { registry, fields } = granted;
  assertWritable(fields, write, '/write/content', false);
  if (Object.keys(write).length === 0)
    throw badRequest('Nothing to write', [{ in: 'body', pointer: '/write/content', detail: 'is empty' }]);
  const rows = await find(trx, granted, query, { limit: 2, lock: true });
  if (rows.length > 1) throw conflict('More than one record matches');
  const row = rows[0];
  if (!row) {
    const done = await find(trx, granted, write, { limit: 1 }).catch(() => []);
    if (done[0]) return toView(fields, done[0]);
    throw new Problem(404, 'no record found');
  }
  if (expectedVersion !== undefined && expectedVersion !== row.row_version)
    throw new Problem(412, 'The record has been changed since it was read');
  const before = toContent(registry.current, row);
  const changes = Object.entries(write).map(([name, value]) => ({
    field: fieldNamed(fields, name, '/write/content'),
    value,
  }));
  const changed = changes.filter(
    ({ field, value }) => JSON.stringify(before[field.name] ?? null) !== JSON.stringify(value),
  );
  if (changed.length === 0) return toView(fields, row);
  const assignments = sql.join(
    changed.map(({ field, value }) => sql`${columnRef(field)} = ${cast(field, value)}`),
  );
  const now = new Date().toISOString();
  const updated = await inWordsOfTheRequest(
    registry.current,
    sql<Row>`
      update ${tableRef(registry)}
      set ${assignments}, row_version = row_version + 1, modified_at = ${now}::timestamptz, schema_version = ${registry.version}
      where uuid = ${row.uuid}
      returning *`.execute(trx),
  );
  const after = updated.rows[0] as Row;
  await logChanges(trx, registry.id, reader, [
    {
      record: row.uuid,
      rowVersion: after.row_version,
      action: 'update',
      before,
      after: toContent(registry.current, after),
    },
  ]);
  return toView(fields, after);
}

/** Marks a record as deleted; it stays for the history. Deleting what is gone is fine. */
export async function deleteRecord(
  trx: Transaction<RegistryTables>,
  granted: Granted,
  reader: Reader,
  uuid: string,
): Promise<void> {
  const { registry } = granted;
  const { rows } = await sql<Row>`
    update ${tableRef(registry)}
    set state = 'deleted', row_version = row_version + 1, modified_at = ${new Date().toISOString()}::timestamptz
    where uuid = ${uuid}::uuid and state = 'active'
    returning *`.execute(trx);
  const row = rows[0];
  if (row)
    await logChanges(trx, registry.id, reader, [
      {
        record: uuid,
        rowVersion: row.row_version,
        action: 'delete',
        before: toContent(registry.current, row),
        after: null,
      },
    ]);
}

/** Every change of one record, oldest first. */
export async function historyOf(db: Kysely<RegistryTables>, granted: Granted, uuid: string) {
  const { rows } = await sql<{
    row_version: number;
    action: string;
    application: string;
    person: string | null;
    before: Content | null;
    after: Content | null;
    at: string;
  }>`
    select row_version, action, application, person, before, after, at
    from change_log
    where registry_id = ${granted.registry.id}::bigint and record = ${uuid}::uuid
    order by row_version
    limit 500`.execute(db);
  if (rows.length === 0) throw notFound('Record');
  return rows.map((row) => ({
    ...row,
    rowVersion: row.row_version,
    row_version: undefined,
    at: new Date(row.at).toISOString(),
  }));
}
