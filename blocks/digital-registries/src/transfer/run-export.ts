import { Problem } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import type { Gate, Reader } from '../access/access.ts';
import { mostSheetRows } from '../files/xlsx-write.ts';
import type { SubjectHash } from '../history/read-log.ts';
import type { RegistryTables } from '../tables.ts';
import { type ExportRow, layoutOf } from './exports.ts';
import { addRecords, beginFile, endFile, type Piece } from './file-writer.ts';
import { contentUntil } from './imports.ts';
import { putPart } from './parts.ts';
import { nextRecords, type Selection } from './select-records.ts';

type Db = Kysely<RegistryTables>;

export interface ExportParts {
  readonly db: Db;
  readonly gate: Gate;
  readonly hash: SubjectHash;
  readonly log: Logger;
  readonly retentionDays: number;
  /** Most records of an export. */
  readonly mostRows: number;
}

const recordsAtOnce = 5000;
const partBytes = 8 * 1024 * 1024;
/** What a file in a workbook may hold. */
const mostSheetBytes = 0xffff_0000;

/** Works on exports: some records, their part of the file and that they were read, in one transaction each. */
export function exporter({ db, gate, hash, log, retentionDays, mostRows }: ExportParts) {
  async function nextPart(row: ExportRow, reader: Reader): Promise<ExportRow | undefined> {
    const selection = row.selection as Selection;
    const granted = await gate.open(reader, row.code, row.version, 'list');
    const layout = layoutOf(granted, reader, row.format, selection, new Date(row.created_at));
    return db.transaction().execute(async (trx) => {
      const pieces: Buffer[] = [];
      let progress = row.progress as Piece['progress'] | null;
      if (!progress) {
        const begun = await beginFile(layout);
        pieces.push(begun.bytes);
        progress = begun.progress;
      }
      const place = row.place ?? undefined;
      const { contents, next } = await nextRecords(
        trx,
        granted,
        reader,
        selection,
        place,
        recordsAtOnce,
        hash,
      );
      const more = await addRecords(layout, progress, contents);
      pieces.push(more.bytes);
      if (next === undefined) pieces.push(await endFile(layout, more.progress));
      const rows = Number(row.rows) + contents.length;
      const most = row.format === 'xlsx' ? Math.min(mostRows, mostSheetRows - 1) : mostRows;
      if (rows > most || ('crc' in more.progress && more.progress.size > mostSheetBytes))
        throw new Problem(413, `The export has more than ${most} records, or is too large for its format`);
      const bytes = Buffer.concat(pieces);
      let { parts } = row;
      for (let at = 0; at < bytes.length; at += partBytes)
        await putPart(trx, row.id, ++parts, bytes.subarray(at, at + partBytes));
      return (
        trx
          .updateTable('transfer_export')
          .set({
            parts,
            rows: String(rows),
            bytes: sql`bytes + ${bytes.length}`,
            place: next ?? null,
            progress: JSON.stringify(more.progress),
            ...(next === undefined
              ? {
                  state: 'finished' as const,
                  ended_at: new Date().toISOString(),
                  content_until: contentUntil(new Date(), retentionDays),
                }
              : { state: 'working' as const }),
          })
          .where('id', '=', row.id)
          .where('state', 'in', ['waiting', 'working'])
          // Whoever else works on it has written this part.
          .where('parts', '=', row.parts)
          .returningAll()
          .executeTakeFirst()
          .then((moved) => {
            if (!moved) throw new Interrupted();
            return moved;
          })
      );
    });
  }

  return async ({ exportId }: { readonly exportId: string }, signal: AbortSignal): Promise<void> => {
    let row: ExportRow | undefined = await db
      .selectFrom('transfer_export')
      .selectAll()
      .where('id', '=', exportId)
      .executeTakeFirst();
    try {
      while (row && (row.state === 'waiting' || row.state === 'working')) {
        if (signal.aborted) throw new Error('the export is handed back');
        const { caller, person, ground } = row.reader as Reader;
        row = await nextPart(row, { caller, person, ground });
        if (row?.state === 'finished')
          log.info(
            {
              audit: 'export',
              export: row.id,
              registry: row.registry_id,
              application: row.application,
              person: row.person,
              rows: Number(row.rows),
            },
            'records exported',
          );
      }
    } catch (error) {
      if (error instanceof Interrupted) return;
      if (!(error instanceof Problem)) throw error;
      await db
        .updateTable('transfer_export')
        .set({ state: 'failed', failure: error.message, ended_at: new Date().toISOString() })
        .where('id', '=', exportId)
        .where('state', 'in', ['waiting', 'working'])
        .execute();
    }
  };
}

/** The export was cancelled, or somebody else works on it. */
class Interrupted extends Error {}
