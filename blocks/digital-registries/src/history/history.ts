import { badRequest, newId, notFound, Problem } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import type { Row } from '../records/content.ts';
import { inWordsOfTheRequest, StaleRegistry, table, unchanged } from '../records/statement.ts';
import type { Registry } from '../schema/catalogue.ts';
import type { Field } from '../schema/field.ts';
import { disclose } from '../secrets/disclosure.ts';
import type { RegistryTables } from '../tables.ts';
import type { Scheme } from './change-digest.ts';
import { type Change, logChanges, type Snapshot, snapshotOf } from './change-log.ts';
import { assertNotHeld } from './legal-hold.ts';
import { type KeptContent, opened } from './sealed-content.ts';

type Db = Kysely<RegistryTables>;
type Content = Record<string, unknown>;

interface Logged extends KeptContent {
  record: string;
  row_version: number;
  action: Change['action'];
  application: string;
  person: string | null;
  at: string;
  scheme: Scheme;
  kept: boolean;
}

const columns = sql`l.record, k.salt, k.sealed, l.row_version, l.action, l.application, l.person, l.at, l.scheme, k.seq is not null as kept, k.before, k.after`;

/** What was said, in the names of the fields a reader sees. */
export function named(
  registry: Registry,
  fields: readonly Field[],
  scheme: Scheme,
  snapshot: Snapshot | null,
): Content | null {
  if (snapshot === null) return null;
  const content: Content = {};
  for (const field of fields) {
    if (field.secret && !field.disclosed) continue;
    const last = registry.current.find(({ id }) => id === field.id);
    const value = scheme !== 1 ? snapshot[field.id] : (snapshot[field.name] ?? snapshot[last?.name ?? '']);
    if (value !== undefined && value !== null) content[field.name] = value;
  }
  return content;
}

export interface HistoryEntry {
  readonly rowVersion: number;
  readonly action: Change['action'];
  readonly application: string;
  readonly person: string | null;
  /** What it said was erased. */
  readonly erased: boolean;
  readonly before: Content | null;
  readonly after: Content | null;
  readonly at: string;
}

const most = 500;

/** Every change of one record, oldest first. */
export async function historyOf(
  db: Db,
  { registry, fields }: Granted,
  uuid: string,
): Promise<HistoryEntry[]> {
  const { rows } = await sql<Logged>`
    select ${columns}
    from change_log l
    left join change_content k on k.seq = l.seq
    where l.registry_id = ${registry.id}::bigint and l.record = ${uuid}::uuid
    order by l.row_version, l.seq
    limit ${most}`.execute(db);
  if (rows.length === 0) throw notFound('Record');
  return rows.map((row) => {
    const { before, after } = opened(registry.vault, row.record, row);
    return {
      rowVersion: row.row_version,
      action: row.action,
      application: row.application,
      person: row.person,
      erased: !row.kept,
      before: named(registry, fields, row.scheme, before),
      after: named(registry, fields, row.scheme, after),
      at: new Date(row.at).toISOString(),
    };
  });
}

/** A record as it was at a moment; 404 when it was not there then, 410 when what it said has been erased. */
export async function recordAsOf(
  db: Db,
  { registry, fields }: Granted,
  uuid: string,
  moment: Date,
): Promise<{ readonly rowVersion: number; readonly content: Content; readonly since: string }> {
  const { rows } = await sql<Logged>`
    select ${columns}
    from change_log l
    left join change_content k on k.seq = l.seq
    where l.registry_id = ${registry.id}::bigint and l.record = ${uuid}::uuid and l.at <= ${moment.toISOString()}::timestamptz
    order by l.row_version desc, l.seq desc
    limit 1`.execute(db);
  const [row] = rows;
  if (!row || row.action === 'delete') throw new Problem(404, 'no record found');
  if (!row.kept) throw new Problem(410, 'What the record said then has been erased');
  return {
    rowVersion: row.row_version,
    content: named(registry, fields, row.scheme, opened(registry.vault, row.record, row).after) ?? {},
    since: new Date(row.at).toISOString(),
  };
}

/** What the record was after a change, as values that can be written again. */
export async function contentAt(
  db: Db,
  granted: Granted,
  uuid: string,
  rowVersion: number,
): Promise<Content> {
  // To be written again, whoever asks: what is secret stays what it was.
  const { registry, fields } = disclose(granted, 'update', true);
  const { rows } = await sql<Logged>`
    select ${columns}
    from change_log l
    left join change_content k on k.seq = l.seq
    where l.registry_id = ${registry.id}::bigint and l.record = ${uuid}::uuid and l.row_version = ${rowVersion}::integer
    order by l.seq
    limit 1`.execute(db);
  const [row] = rows;
  if (!row) throw notFound('Version of the record');
  if (!row.kept) throw new Problem(410, 'What the record said then has been erased');
  const { before, after } = opened(registry.vault, row.record, row);
  const content = named(registry, fields, row.scheme, after ?? before) ?? {};
  // What it did not have then it shall not have.
  return Object.fromEntries(granted.fields.map(({ name }) => [name, content[name] ?? null]));
}

/**
 * Erases what a record says in some fields, everywhere: in the record, and in every change of it. That it was there, who
 * changed it when, and on what ground it was erased, stays.
 */
export async function eraseRecord(
  trx: Transaction<RegistryTables>,
  { registry }: Granted,
  reader: Reader,
  row: Row,
  legalGround: string,
): Promise<void> {
  const personal = registry.current.filter(({ personal }) => personal);
  if (personal.length === 0) throw badRequest('No field of this registry holds personal data');
  await assertNotHeld(trx, registry.id, [row.uuid]);
  const at = new Date().toISOString();
  const gone = new Set(personal.map(({ id }) => id));
  const cleared = registry.columns.filter(({ field }) => gone.has(field));
  const { rows } = await inWordsOfTheRequest(
    registry.current,
    sql<Row>`
      update ${table(registry)}
      set ${sql.join(cleared.map(({ column }) => sql`${sql.id(column)} = null`))},
        row_version = row_version + 1, modified_at = ${at}::timestamptz
      where uuid = ${row.uuid}::uuid and ${unchanged(registry)}
      returning *`.execute(trx),
  );
  const [after] = rows;
  if (!after) throw new StaleRegistry();
  await sql`
    delete from change_content k
    using change_log l
    where l.seq = k.seq and l.record = ${row.uuid}::uuid`.execute(trx);
  await sql`
    delete from document
    where record = ${row.uuid}::uuid and field = any(${[...gone]}::integer[])`.execute(trx);
  await sql`
    insert into erasure (id, registry_id, record, fields, legal_ground, application, person, at)
    values (${newId()}, ${registry.id}::bigint, ${row.uuid}::uuid, ${[...gone]}::integer[], ${legalGround},
      ${reader.caller.application}, ${reader.person?.id ?? null}::text, ${at}::timestamptz)`.execute(trx);
  await logChanges(trx, registry.id, reader, at, [
    {
      record: row.uuid,
      rowVersion: after.row_version,
      action: 'erase',
      before: null,
      after: snapshotOf(registry.current, after),
      fields: [...gone],
    },
  ]);
}
