import { conflict, newId, notFound, Problem } from '@govstack/platform';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import type { SubjectHash } from '../history/read-log.ts';
import type { RegistryTables } from '../tables.ts';
import { addRecords, beginFile, endFile, type Layout } from './file-writer.ts';
import { contentUntil } from './imports.ts';
import { fieldsOfSelection, nextRecords, type Selection } from './select-records.ts';
import type { FileFormat, TransferTables } from './tables.ts';

type Db = Kysely<RegistryTables>;
type Trx = Transaction<RegistryTables>;
export type ExportRow = Selectable<TransferTables['transfer_export']>;

/** Records that are given out at once. */
export const mostAtOnce = 10_000;

/** The file a selection makes, with who made it and when, where that is wanted. */
export function layoutOf(
  granted: Granted,
  reader: Reader,
  format: FileFormat,
  selection: Selection,
  at: Date,
): Layout {
  const { application } = reader.caller;
  const who = reader.person ? `${reader.person.id} through ${application}` : application;
  return {
    format,
    fields: fieldsOfSelection(granted, selection),
    watermark: selection.watermark ? `Exported by ${who} at ${at.toISOString()}` : undefined,
  };
}

/** A file of at most 10,000 records. */
export async function exportAtOnce(
  db: Db,
  granted: Granted,
  reader: Reader,
  format: FileFormat,
  selection: Selection,
  hash: SubjectHash,
): Promise<{ readonly file: Buffer; readonly rows: number }> {
  const layout = layoutOf(granted, reader, format, selection, new Date());
  let { bytes, progress } = await beginFile(layout);
  const pieces = [bytes];
  let rows = 0;
  for (let place: string | undefined, first = true; first || place !== undefined; first = false) {
    const { contents, next } = await nextRecords(db, granted, reader, selection, place, 1000, hash);
    rows += contents.length;
    if (rows > mostAtOnce)
      throw new Problem(413, `More than ${mostAtOnce} records: make it an export of its own`);
    ({ bytes, progress } = await addRecords(layout, progress, contents));
    pieces.push(bytes);
    place = next;
  }
  pieces.push(await endFile(layout, progress));
  return { file: Buffer.concat(pieces), rows };
}

export function createExport(
  trx: Trx,
  granted: Granted,
  reader: Reader,
  format: FileFormat,
  selection: Selection,
  retentionDays: number,
): Promise<ExportRow> {
  fieldsOfSelection(granted, selection);
  const { registry } = granted;
  const now = new Date();
  return trx
    .insertInto('transfer_export')
    .values({
      id: newId(),
      owner: registry.owner,
      registry_id: registry.id,
      code: registry.code,
      version: registry.version,
      format,
      selection: JSON.stringify(selection),
      reader: JSON.stringify(reader),
      application: reader.caller.application,
      person: reader.person?.id ?? null,
      created_at: now.toISOString(),
      content_until: contentUntil(now, retentionDays),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function findExport(db: Db, owner: string, id: string): Promise<ExportRow> {
  const row = await db
    .selectFrom('transfer_export')
    .selectAll()
    .where('id', '=', id)
    .where('owner', '=', owner)
    .executeTakeFirst();
  if (!row) throw notFound('Export');
  return row;
}

export async function cancelledExport(trx: Trx, row: ExportRow): Promise<ExportRow> {
  if (row.state === 'cancelled') return row;
  const cancelled = await trx
    .updateTable('transfer_export')
    .set({ state: 'cancelled', parts: 0, bytes: '0', ended_at: new Date().toISOString() })
    .where('id', '=', row.id)
    .where('state', 'in', ['waiting', 'working', 'finished', 'failed'])
    .returningAll()
    .executeTakeFirst();
  if (!cancelled) throw conflict(`The export is ${row.state}`);
  await trx.deleteFrom('transfer_part').where('transfer_id', '=', row.id).execute();
  return cancelled;
}

/** Exports of an application's registries, newest first; only of one caller unless it administers them. */
export async function listExports(
  db: Db,
  owner: string,
  of: { readonly application: string; readonly person: string | null } | undefined,
  page: {
    readonly registry?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<{ rows: ExportRow[]; next: string | undefined }> {
  let query = db.selectFrom('transfer_export').selectAll().where('owner', '=', owner);
  if (of)
    query = query
      .where('application', '=', of.application)
      .where(sql<boolean>`person is not distinct from ${of.person}`);
  if (page.registry !== undefined) query = query.where('code', '=', page.registry.toLowerCase());
  if (page.after !== undefined) query = query.where('id', '<', page.after);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute();
  const shown = rows.slice(0, page.limit);
  return { rows: shown, next: rows.length > page.limit ? shown.at(-1)?.id : undefined };
}
