import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { newId } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Granted } from '../access/access.ts';
import type { SourceRow } from '../files/source.ts';
import { UnreadableFile } from '../files/unreadable-file.ts';
import { drawNumbers, yearOf } from '../records/write.ts';
import { namesIndex } from '../schema/triggers.ts';
import type { RegistryTables } from '../tables.ts';
import { assertMapping, type ImportRow, mappingOf, optionsOf } from './imports.ts';
import { openSource } from './open-source.ts';
import { type Fault, headingsOf, mappingFor, shaper } from './shape.ts';
import { copyInto, copyLine, createStage, stageHolds } from './stage.ts';

type Db = Kysely<RegistryTables>;

/** Somebody has stopped the import. */
export class Stopped extends Error {}

/** An import with so many faults is of another registry. */
const mostFaults = 1_000_000;
const flushedRows = 5000;

interface Gathered {
  lines: string[];
  faults: Fault[];
  rows: number;
  faulty: number;
}
const nothing = (): Gathered => ({ lines: [], faults: [], rows: 0, faulty: 0 });

async function copy(client: pg.PoolClient, into: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const stream = client.query(copyFrom(into));
  const finished = once(stream, 'finish');
  stream.end(lines.join(''));
  await finished;
}

/** Faults of an import, many in one statement. */
const faultsStatement = `
  insert into transfer_fault (import_id, row, field, detail, value)
  select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::text[])`;
export const faultsValues = (importId: string, faults: readonly Fault[]): unknown[] => [
  importId,
  faults.map(({ row }) => row),
  faults.map(({ field }) => field),
  faults.map(({ detail }) => detail),
  faults.map(({ value }) => value),
];

/**
 * Reads the file into the stage: each row by the rules of its fields, with defaults and triggers. What is read is written
 * down with how far that is, in one transaction, so that work goes on there whatever happens.
 */
export async function readRows(
  db: Db,
  client: pg.PoolClient,
  row: ImportRow,
  granted: Granted,
  signal: AbortSignal,
): Promise<void> {
  const { registry, fields } = granted;
  const all = registry.fields;
  const neutralised = row.format === 'csv';
  const { dates = 'iso', emptyCells = 'nothing' } = optionsOf(row);
  const { targets, shape } = shaper({
    fields,
    all,
    rules: granted.registry.rules ?? [],
    upsertBy: row.upsert_by,
    dates,
    emptyIsDefault: emptyCells === 'default',
    neutralised,
  });
  const upsert = row.upsert_by.length > 0;
  const numbered = all.some(({ triggers }) => namesIndex(triggers));
  const now = new Date();
  const code = registry.code.toUpperCase();
  const into = copyInto(row.id, all);

  let done = Number(row.rows_read);
  let faults = Number(row.faults);
  if (done > Number(row.rows_faulty) && !(await stageHolds(db, row.id))) {
    // The server has fallen, and what was gathered with it.
    await db.deleteFrom('transfer_fault').where('import_id', '=', row.id).execute();
    await db
      .updateTable('transfer_import')
      .set({ rows_read: '0', rows_faulty: '0', faults: '0' })
      .where('id', '=', row.id)
      .execute();
    done = 0;
    faults = 0;
  }
  await createStage(db, row.id, all);

  const began = Date.now();
  let sinceBegun = 0;
  async function flush({ lines, faults: found, rows, faulty }: Gathered): Promise<void> {
    sinceBegun += rows;
    await client.query('begin');
    try {
      await copy(client, into, lines);
      if (found.length > 0) await client.query(faultsStatement, faultsValues(row.id, found));
      const moved = await client.query(
        `update transfer_import
        set rows_read = rows_read + $2, rows_faulty = rows_faulty + $3, faults = faults + $4, per_second = $5
        where id = $1 and state = 'reading'`,
        [
          row.id,
          rows,
          faulty,
          found.length,
          Math.round((sinceBegun * 1000) / Math.max(1, Date.now() - began)),
        ],
      );
      if (moved.rowCount === 0) throw new Stopped();
      await client.query('commit');
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    }
    faults += found.length;
    if (faults > mostFaults) throw new UnreadableFile(`there are more than ${mostFaults} faults`);
  }

  let mapping = mappingOf(row);
  let columns: ReturnType<typeof targets> = [];
  let seen = 0;
  let gathered = nothing();
  let flushing: Promise<void> = Promise.resolve();
  const settle = (): Promise<void> => {
    const pending = flushing;
    flushing = Promise.resolve();
    return pending;
  };
  async function begin(rows: readonly SourceRow[]): Promise<void> {
    const headings = headingsOf(rows, neutralised);
    if (!mapping) {
      mapping = mappingFor(headings, fields);
      assertMapping(granted, mapping, row.upsert_by);
      await db
        .updateTable('transfer_import')
        .set({ mapping: JSON.stringify(mapping) })
        .where('id', '=', row.id)
        .execute();
    }
    if (rows[0]?.cells) columns = targets(headings, mapping);
  }
  try {
    let first = true;
    for await (const batch of openSource(db, row, row.parts)) {
      if (signal.aborted) throw new Error('the import is handed back');
      if (first) await begin(batch);
      const data = first && batch[0]?.cells ? batch.slice(1) : batch;
      first = false;
      const left = data.slice(Math.min(data.length, Math.max(0, done - seen)));
      seen += data.length;
      // Those of a dry run are not used up.
      const numbers =
        numbered && !row.dry_run && left.length > 0
          ? await drawNumbers(db, registry, left.length)
          : undefined;
      for (const [index, source] of left.entries()) {
        const no = numbered ? (numbers?.[index] ?? '0') : null;
        const numbering = { code, index: no ?? '', year: yearOf(now) };
        const { shaped, faults: found } = shape(source, columns, mapping, numbering);
        if (shaped) gathered.lines.push(copyLine(newId(), no, upsert, shaped));
        else {
          gathered.faulty += 1;
          gathered.faults.push(...found);
        }
      }
      gathered.rows += left.length;
      if (gathered.rows >= flushedRows) {
        await settle();
        flushing = flush(gathered);
        // Somebody waits for it below; until then its failure is nobody's.
        flushing.catch(() => undefined);
        gathered = nothing();
      }
      await turn();
    }
    if (first) throw new UnreadableFile('the file is empty');
    await settle();
    await flush(gathered);
  } catch (error) {
    await settle().catch(() => undefined);
    throw error;
  }
}
