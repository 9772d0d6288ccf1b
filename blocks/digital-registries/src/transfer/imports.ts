import { badRequest, conflict, newId, notFound } from '@govstack/platform';
import { type Kysely, type Selectable, sql, type Transaction, type Updateable } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import { fieldNamed } from '../records/content.ts';
import type { RegistryTables } from '../tables.ts';
import type { Mapping } from './mapping.ts';
import { partsOf } from './parts.ts';
import { dropStage } from './stage.ts';
import type { FileFormat, ImportState, TransferTables } from './tables.ts';
import type { DateOrder } from './values.ts';

type Db = Kysely<RegistryTables>;
type Trx = Transaction<RegistryTables>;
export type ImportRow = Selectable<TransferTables['transfer_import']>;

export interface ImportOptions {
  readonly delimiter?: string;
  readonly encoding?: string;
  readonly dates?: DateOrder;
  readonly emptyCells?: 'nothing' | 'default';
  readonly sheet?: string;
}

export interface ImportInput {
  readonly format: FileFormat;
  readonly mode: 'all-or-nothing' | 'good-rows';
  readonly upsertBy: readonly string[];
  readonly dryRun: boolean;
  readonly mapping: Mapping | undefined;
  readonly options: ImportOptions;
}

export const optionsOf = (row: ImportRow): ImportOptions => row.options as ImportOptions;
export const mappingOf = (row: ImportRow): Mapping | null => row.mapping as Mapping | null;

/** Rows of the report in a part. */
export const reportPart = 10_000;

const dayMs = 86_400_000;
export const contentUntil = (now: Date, days: number): string =>
  new Date(now.getTime() + days * dayMs).toISOString();

/** A mapping must name fields that the caller may write, each once, and have what records are found by. */
export function assertMapping(granted: Granted, mapping: Mapping, upsertBy: readonly string[]): void {
  const named = mapping.flatMap(({ field }) => (field === null ? [] : [field]));
  for (const field of named) fieldNamed(granted.fields, field, '/mapping');
  if (named.length === 0) throw badRequest('The mapping names no field');
  if (new Set(named).size < named.length) throw badRequest('Two columns go into one field');
  const unmapped = upsertBy.find((field) => !named.includes(field));
  if (unmapped !== undefined) throw badRequest(`No column goes into ${unmapped}, by which records are found`);
}

export async function createImport(
  trx: Trx,
  granted: Granted,
  reader: Reader,
  input: ImportInput,
  retentionDays: number,
): Promise<ImportRow> {
  for (const name of input.upsertBy) {
    const { type } = fieldNamed(granted.fields, name, '/upsertBy');
    if (type === 'json' || type === 'file') throw badRequest(`Records cannot be found by ${name}`);
  }
  if (input.mapping) assertMapping(granted, input.mapping, input.upsertBy);
  const { registry } = granted;
  const now = new Date();
  return trx
    .insertInto('transfer_import')
    .values({
      id: newId(),
      owner: registry.owner,
      registry_id: registry.id,
      code: registry.code,
      version: registry.version,
      format: input.format,
      mode: input.mode,
      upsert_by: [...input.upsertBy],
      dry_run: input.dryRun,
      options: JSON.stringify(input.options),
      mapping: input.mapping ? JSON.stringify(input.mapping) : null,
      reader: JSON.stringify(reader),
      application: reader.caller.application,
      person: reader.person?.id ?? null,
      created_at: now.toISOString(),
      content_until: contentUntil(now, retentionDays),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function findImport(db: Db, owner: string, id: string): Promise<ImportRow> {
  const row = await db
    .selectFrom('transfer_import')
    .selectAll()
    .where('id', '=', id)
    .where('owner', '=', owner)
    .executeTakeFirst();
  if (!row) throw notFound('Import');
  return row;
}

/** Moves an import on, if it is in one of these states; undefined when it is not. */
export const move = (
  db: Db,
  id: string,
  from: readonly ImportState[],
  to: Updateable<TransferTables['transfer_import']>,
): Promise<ImportRow | undefined> =>
  db
    .updateTable('transfer_import')
    .set(to)
    .where('id', '=', id)
    .where('state', 'in', [...from])
    .returningAll()
    .executeTakeFirst();

/** States in which somebody works on an import, or is going to. */
export const underWay: readonly ImportState[] = ['waiting', 'reading', 'checking', 'writing', 'undoing'];

/** What was said to be written in a transaction that came to nothing. */
export const nothingWritten = { rows_created: '0', rows_changed: '0', rows_unchanged: '0' } as const;

/** What was uploaded is whole: the import may begin. */
export async function readyImport(
  trx: Trx,
  row: ImportRow,
  reader: Reader,
  parts: number,
): Promise<ImportRow> {
  if (row.state !== 'uploading') {
    if (row.state === 'cancelled' || row.parts !== parts) throw conflict(`The import is ${row.state}`);
    return row;
  }
  const uploaded = await partsOf(trx, row.id);
  if (uploaded.parts !== parts || uploaded.last !== parts)
    throw conflict(`Of ${parts} parts ${uploaded.parts} are here, up to number ${uploaded.last}`);
  const started = await move(trx, row.id, ['uploading'], {
    state: 'waiting',
    parts,
    reader: JSON.stringify(reader),
    started_at: new Date().toISOString(),
  });
  if (!started) throw conflict('The import has been started');
  return started;
}

/** An import that stopped goes on; a dry run that found nothing wrong begins anew, to be written. */
export async function resumedImport(trx: Trx, row: ImportRow, reader: Reader): Promise<ImportRow> {
  if (underWay.includes(row.state)) return row;
  const again = row.state === 'checked';
  // What is read anew is counted anew.
  if (again) {
    await dropStage(trx, row.id);
    await trx.deleteFrom('transfer_fault').where('import_id', '=', row.id).execute();
  }
  const resumed = await move(trx, row.id, ['failed', 'cancelled', 'checked'], {
    state: 'waiting',
    failure: null,
    ended_at: null,
    ...(again ? { phase: 'reading', dry_run: false, rows_read: '0', rows_faulty: '0', faults: '0' } : {}),
    reader: JSON.stringify(reader),
  });
  if (!resumed || resumed.parts === 0) throw conflict(`The import is ${row.state}`);
  return resumed;
}

export async function cancelledImport(trx: Trx, row: ImportRow, retentionDays: number): Promise<ImportRow> {
  if (row.state === 'cancelled') return row;
  const now = new Date();
  const cancelled = await move(trx, row.id, ['uploading', 'waiting', 'reading', 'checking', 'writing'], {
    ...(row.mode === 'all-or-nothing' ? nothingWritten : {}),
    state: 'cancelled',
    ended_at: now.toISOString(),
    content_until: contentUntil(now, retentionDays),
  });
  if (!cancelled) throw conflict(`The import is ${row.state}`);
  return cancelled;
}

export async function undoneImport(trx: Trx, row: ImportRow, reader: Reader): Promise<ImportRow> {
  if (row.state === 'undoing' || row.state === 'undone') return row;
  const undoing = await move(trx, row.id, ['finished', 'failed', 'cancelled'], {
    state: 'undoing',
    phase: 'undoing',
    failure: null,
    ended_at: null,
    reader: JSON.stringify(reader),
  });
  if (!undoing || row.phase === 'reading' || row.phase === 'checking')
    throw conflict(`The import is ${row.state}`);
  return undoing;
}

/** Imports of an application's registries, newest first; only of one caller unless it administers them. */
export async function listImports(
  db: Db,
  owner: string,
  of: { readonly application: string; readonly person: string | null } | undefined,
  page: {
    readonly registry?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<{ rows: ImportRow[]; next: string | undefined }> {
  let query = db.selectFrom('transfer_import').selectAll().where('owner', '=', owner);
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
