import { setTimeout as delay } from 'node:timers/promises';
import { Problem } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { DataMethod, Gate, Granted, Reader } from '../access/access.ts';
import { UnreadableFile } from '../files/unreadable-file.ts';
import { StaleRegistry } from '../records/statement.ts';
import type { Catalogue } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';
import { checkRows, countFaults } from './check-rows.ts';
import { importable } from './importable.ts';
import { contentUntil, type ImportRow, move, nothingWritten, underWay } from './imports.ts';
import { readRows, Stopped } from './read-rows.ts';
import type { Fault } from './shape.ts';
import { dropStage, stageOf } from './stage.ts';
import type { ImportState } from './tables.ts';
import { undoChunks } from './undo.ts';
import { addFaults, matchesOf, type Written, writeChunk } from './write-rows.ts';

type Db = Kysely<RegistryTables>;
type Trx = Transaction<RegistryTables>;

export interface ImportParts {
  readonly db: Db;
  readonly pool: pg.Pool;
  readonly gate: Gate;
  readonly catalogue: Catalogue;
  readonly log: Logger;
  readonly retentionDays: number;
}

/** Rows found faulty while they were written, all or nothing. */
class Refused extends Error {
  readonly faults: readonly Fault[];
  constructor(faults: readonly Fault[]) {
    super('rows can no longer be written');
    this.faults = faults;
  }
}

const chunkRows = 20_000;
/** Of rows that are looked at one by one. */
const smallChunkRows = 2000;

export const readerOfRow = ({ reader }: Pick<ImportRow, 'reader'>): Reader => {
  const { caller, person, ground } = reader as Reader;
  return { caller, person, ground };
};

/** Errors after which trying again may help: the connection, a server that stops, a collision. */
const passing = (error: unknown): boolean => {
  const { code = '' } = error as { code?: string };
  return (
    /^(08|57P|40)/.test(code) ||
    /^E[A-Z]+$/.test(code) ||
    /terminated|handed back/i.test((error as Error).message)
  );
};

/** Why an import failed, for whoever began it. */
function failureOf(error: unknown): string {
  if (error instanceof UnreadableFile || error instanceof Problem) return error.message;
  const { code = '' } = error as { code?: string };
  if (code === '53100' || code === '53400') return 'The database has no room left';
  return 'An error of ours; it is in the log';
}

/** Works on imports. What an import has done is on record with it, so any process can go on with it. */
export function importer({ db, pool, gate, catalogue, log, retentionDays }: ImportParts) {
  const granted = async (row: ImportRow, method: DataMethod): Promise<Granted> => {
    const reader = readerOfRow(row);
    if (row.upsert_by.length > 0) await gate.open(reader, row.code, row.version, 'update');
    return importable(await gate.open(reader, row.code, row.version, method));
  };

  /** Again with what the registry is now, when it was changed meanwhile. */
  async function withRegistry<T>(row: ImportRow, work: (granted: Granted) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const open = await granted(row, 'import');
      try {
        return await work(open);
      } catch (error) {
        if (!(error instanceof StaleRegistry) || attempt >= 20) throw error;
        catalogue.forget(row.owner, row.code);
      }
    }
  }

  const end = (at: Db, row: ImportRow, from: ImportState, to: ImportState, failure: string | null = null) => {
    const now = new Date();
    return move(at, row.id, [from], {
      state: to,
      failure,
      ended_at: now.toISOString(),
      content_until: contentUntil(now, retentionDays),
    });
  };

  const step = async (row: ImportRow, phase: ImportRow['phase']): Promise<ImportRow> => {
    const moved = await move(db, row.id, underWay, { state: phase, phase });
    if (!moved) throw new Stopped();
    return moved;
  };

  async function check(row: ImportRow): Promise<ImportState> {
    await withRegistry(row, (open) =>
      db.transaction().execute(async (trx) => {
        await checkRows(trx, row, open);
        if (row.upsert_by.length > 0)
          for (let from = 0; ; ) {
            const to = await chunkEnd(trx, row, from, smallChunkRows);
            if (to === undefined) break;
            const of = sql`s.row > ${from}::bigint and s.row <= ${to}::bigint`;
            await addFaults(trx, row, (await matchesOf(trx, row, open, of, false)).faults);
            from = to;
          }
        await countFaults(trx, row);
      }),
    );
    const { rows_faulty: faulty } = await db
      .selectFrom('transfer_import')
      .select('rows_faulty')
      .where('id', '=', row.id)
      .executeTakeFirstOrThrow();
    if (row.dry_run) return 'checked';
    return row.mode === 'all-or-nothing' && faulty !== '0' ? 'refused' : 'writing';
  }

  async function chunkEnd(at: Db, row: ImportRow, from: number, size: number): Promise<number | undefined> {
    const { rows } = await sql<{ to: string | null }>`
      select max(row) as to
      from (select row from ${stageOf(row.id)} where row > ${from}::bigint order by row limit ${size}) next`.execute(
      at,
    );
    const to = rows[0]?.to ?? null;
    return to === null ? undefined : Number(to);
  }

  /** Writes one chunk, and where it is in the change log. */
  async function chunk(trx: Trx, row: ImportRow, open: Granted, from: number, to: number): Promise<Written> {
    const reader = readerOfRow(row);
    const bound = async (): Promise<string> => {
      const { rows } = await sql<{ seq: string }>`select nextval('change_log_seq') as seq`.execute(trx);
      return rows[0]?.seq ?? '0';
    };
    const first = await bound();
    const written = await writeChunk(trx, row, open, reader, from, to);
    await sql`
      insert into transfer_chunk (import_id, number, first_seq, last_seq, exchange_id)
      select ${row.id}::uuid, count(*) + 1, ${first}::bigint, ${await bound()}::bigint, ${reader.caller.exchangeId}
      from transfer_chunk
      where import_id = ${row.id}::uuid`.execute(trx);
    return written;
  }

  const sizeOf = (row: ImportRow): number => (row.upsert_by.length > 0 ? smallChunkRows : chunkRows);

  const count = (total: Written, one: Written): Written => ({
    created: total.created + one.created,
    changed: total.changed + one.changed,
    unchanged: total.unchanged + one.unchanged,
    faulty: total.faulty + one.faulty,
  });
  const none: Written = { created: 0, changed: 0, unchanged: 0, faulty: 0 };
  const perSecond = (rows: number, began: number): number =>
    Math.round((rows * 1000) / Math.max(1, Date.now() - began));

  /** A chunk a transaction, with how far the import is. */
  async function writeGoodRows(row: ImportRow, signal: AbortSignal): Promise<void> {
    const began = Date.now();
    let at = Number(row.written_to);
    let total = none;
    for (;;) {
      if (signal.aborted) throw new Error('the import is handed back');
      const to = await withRegistry(row, async (open) => {
        const next = await chunkEnd(db, row, at, sizeOf(row));
        if (next === undefined) return undefined;
        await db.transaction().execute(async (trx) => {
          const one = await chunk(trx, row, open, at, next);
          const all = count(total, one);
          const moved = await sql`
            update transfer_import
            set rows_created = rows_created + ${one.created}, rows_changed = rows_changed + ${one.changed},
              rows_unchanged = rows_unchanged + ${one.unchanged}, rows_faulty = rows_faulty + ${one.faulty},
              written_to = ${next}, per_second = ${perSecond(all.created + all.changed + all.unchanged, began)}
            where id = ${row.id} and state = 'writing'`.execute(trx);
          if (moved.numAffectedRows === 0n) throw new Stopped();
          total = all;
        });
        return next;
      });
      if (to === undefined) break;
      at = to;
    }
    await db.transaction().execute(async (trx) => {
      await countFaults(trx, row);
      if (!(await end(trx, row, 'writing', 'finished'))) throw new Stopped();
    });
  }

  /**
   * Every row in one transaction, a chunk a statement: readers and other writers of the registry go on, nobody sees a
   * row before all are there. How far it is, is written down beside it.
   */
  async function writeAll(row: ImportRow, client: pg.PoolClient, signal: AbortSignal): Promise<void> {
    const unlock = await keepPublishersAway(row, client);
    try {
      await withRegistry(row, (open) =>
        db.transaction().execute(async (trx) => {
          const began = Date.now();
          let total = none;
          if (!(await tell(db, row, none, 0))) throw new Stopped();
          for (let at = 0; ; ) {
            if (signal.aborted) throw new Error('the import is handed back');
            const to = await chunkEnd(trx, row, at, sizeOf(row));
            if (to === undefined) break;
            const one = await chunk(trx, row, open, at, to);
            if (one.faulty > 0) throw new Refused(await newFaults(trx, row));
            total = count(total, one);
            if (
              !(await tell(db, row, total, perSecond(total.created + total.changed + total.unchanged, began)))
            )
              throw new Stopped();
            at = to;
          }
          if (!(await end(trx, row, 'writing', 'finished'))) throw new Stopped();
        }),
      );
    } finally {
      await unlock();
    }
  }

  /** Says how much is written; false when somebody has stopped the import. */
  async function tell(at: Db, row: ImportRow, total: Written, rate: number): Promise<boolean> {
    const told = await sql`
      update transfer_import
      set rows_created = ${total.created}, rows_changed = ${total.changed}, rows_unchanged = ${total.unchanged},
        per_second = ${rate}
      where id = ${row.id} and state = 'writing'`.execute(at);
    return told.numAffectedRows === 1n;
  }

  /** Faults that only this transaction knows: all or nothing, there were none before it. */
  async function newFaults(trx: Trx, row: ImportRow): Promise<Fault[]> {
    const faults = await trx
      .selectFrom('transfer_fault')
      .select(['row', 'field', 'detail', 'value'])
      .where('import_id', '=', row.id)
      .orderBy('number')
      .limit(10_000)
      .execute();
    return faults.map((fault) => ({ ...fault, row: Number(fault.row) }));
  }

  /**
   * Nobody publishes the registry while its table is held for so long: who wants to would make every writer queue behind
   * a lock on the table. Asked for again and again, not waited for: a waiting statement holds up the making of indexes.
   */
  async function keepPublishersAway(row: ImportRow, client: pg.PoolClient): Promise<() => Promise<unknown>> {
    const name = `publish/${row.owner}/${row.code}`;
    for (;;) {
      const { rows } = await client.query<{ held: boolean }>(
        'select pg_try_advisory_lock(hashtext($1)) as held',
        [name],
      );
      if (rows[0]?.held) return () => client.query('select pg_advisory_unlock(hashtext($1))', [name]);
      const still = await move(db, row.id, ['writing'], { phase: 'writing' });
      if (!still) throw new Stopped();
      await delay(200);
    }
  }

  async function work(found: ImportRow, client: pg.PoolClient, signal: AbortSignal): Promise<void> {
    let row = found;
    if (row.phase === 'undoing') {
      row = await step(row, 'undoing');
      await undoChunks({ db, gate, catalogue }, row, signal);
      await end(db, row, 'undoing', 'undone');
      return;
    }
    if (row.phase === 'reading') {
      row = await step(row, 'reading');
      await readRows(db, client, row, await granted(row, 'import'), signal);
      row = await step(row, 'checking');
    }
    if (row.phase === 'checking') {
      row = await step(row, 'checking');
      const next = await check(row);
      if (next !== 'writing') {
        await end(db, row, 'checking', next);
        if (next === 'refused') await dropStage(db, row.id);
        return;
      }
    }
    row = await step(row, 'writing');
    await (row.mode === 'good-rows' ? writeGoodRows(row, signal) : writeAll(row, client, signal));
    await dropStage(db, row.id);
  }

  async function failed(row: ImportRow, error: unknown): Promise<void> {
    if (error instanceof Stopped) return;
    if (error instanceof Refused) {
      await db.transaction().execute(async (trx) => {
        await addFaults(trx, row, error.faults);
        await countFaults(trx, row);
        await tell(trx, row, none, 0);
        await end(trx, row, 'writing', 'refused');
      });
      await dropStage(db, row.id);
      return;
    }
    if (passing(error)) throw error;
    if (!(error instanceof UnreadableFile || error instanceof Problem))
      log.error({ err: error, import: row.id }, 'an import failed');
    const now = new Date();
    await move(db, row.id, underWay, {
      ...(row.mode === 'all-or-nothing' && row.phase !== 'undoing' ? nothingWritten : {}),
      state: 'failed',
      failure: failureOf(error).slice(0, 500),
      ended_at: now.toISOString(),
      content_until: contentUntil(now, retentionDays),
    });
  }

  /** One process at a time works on an import; a connection that died with its process is waited out. */
  async function held(client: pg.PoolClient, id: string): Promise<boolean> {
    for (let attempt = 0; attempt < 50; attempt += 1) {
      const { rows } = await client.query<{ held: boolean }>(
        "select pg_try_advisory_lock(hashtextextended('import/' || $1, 0)) as held",
        [id],
      );
      if (rows[0]?.held) return true;
      await delay(100);
    }
    return false;
  }

  return async ({ importId }: { readonly importId: string }, signal: AbortSignal): Promise<void> => {
    const client = await pool.connect();
    try {
      if (!(await held(client, importId))) throw new Error('somebody works on the import already');
      const row = await db
        .selectFrom('transfer_import')
        .selectAll()
        .where('id', '=', importId)
        .executeTakeFirst();
      if (!row || !underWay.includes(row.state)) return;
      try {
        await work(row, client, signal);
      } catch (error) {
        await failed(row, error);
      }
    } finally {
      // With its locks.
      client.release(true);
    }
  };
}
