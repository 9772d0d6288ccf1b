import { Problem } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Gate, Granted, Reader } from '../access/access.ts';
import type { Snapshot } from '../history/change-log.ts';
import type { Row, Values } from '../records/content.ts';
import { StaleRegistry, table } from '../records/statement.ts';
import { change, deleteRecords } from '../records/write.ts';
import type { Catalogue } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';
import { importable } from './importable.ts';
import type { ImportRow } from './imports.ts';
import { Stopped } from './read-rows.ts';

type Db = Kysely<RegistryTables>;
type Trx = Transaction<RegistryTables>;

interface UndoParts {
  readonly db: Db;
  readonly gate: Gate;
  readonly catalogue: Catalogue;
}

interface Done {
  readonly seq: string;
  readonly record: string;
  readonly row_version: number;
  readonly action: string;
  readonly before: Snapshot | null;
}

const undoneAtOnce = 1000;

/** Does something to rows together if that is possible; else to each alone. Answers how many it could not be done to. */
async function bisect(
  trx: Trx,
  rows: readonly Row[],
  work: (rows: readonly Row[]) => Promise<unknown>,
): Promise<number> {
  if (rows.length === 0) return 0;
  await sql`savepoint undoing`.execute(trx);
  try {
    await work(rows);
    await sql`release savepoint undoing`.execute(trx);
    return 0;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    await sql`rollback to savepoint undoing`.execute(trx);
    if (rows.length === 1) return 1;
    const half = rows.length >> 1;
    return (await bisect(trx, rows.slice(0, half), work)) + (await bisect(trx, rows.slice(half), work));
  }
}

/** Undoes changes: what was created goes, what was changed says again what it said, where nobody changed it since. */
async function undo(
  trx: Trx,
  granted: Granted,
  reader: Reader,
  changes: readonly Done[],
): Promise<{ undone: number; kept: number }> {
  const { registry } = granted;
  const made = new Map(changes.map((one) => [one.record, one]));
  const { rows } = await sql<Row>`
    select *
    from ${table(registry)}
    where uuid = any(${[...made.keys()]}::uuid[]) and state = 'active'
    order by uuid
    for update`.execute(trx);
  const untouched = rows.filter(({ uuid, row_version }) => made.get(uuid)?.row_version === row_version);
  const created = untouched.filter(({ uuid }) => made.get(uuid)?.action === 'create');
  const changed = untouched.filter(({ uuid }) => {
    const one = made.get(uuid);
    return one?.action === 'update' && one.before !== null;
  });
  const before = ({ uuid }: Row): Values =>
    new Map(registry.fields.map(({ id }) => [id, made.get(uuid)?.before?.[id] ?? null]));
  let kept = changes.length - created.length - changed.length;
  kept += await bisect(trx, created, (some) =>
    deleteRecords(
      trx,
      granted,
      reader,
      some.map(({ uuid }) => uuid),
    ),
  );
  kept += await bisect(trx, changed, (some) => change(trx, granted, reader, some, before));
  return { undone: changes.length - kept, kept };
}

/** Undoes what an import did, the last first, a piece a transaction; what is undone is not undone again. */
export async function undoChunks(
  { db, gate, catalogue }: UndoParts,
  row: ImportRow,
  signal: AbortSignal,
): Promise<void> {
  const { caller, person, ground } = row.reader as Reader;
  const reader: Reader = { caller, person, ground };
  const chunks = await db
    .selectFrom('transfer_chunk')
    .selectAll()
    .where('import_id', '=', row.id)
    .orderBy('number', 'desc')
    .execute();
  for (const chunk of chunks)
    for (;;) {
      if (signal.aborted) throw new Error('the import is handed back');
      if (row.upsert_by.length > 0) await gate.open(reader, row.code, row.version, 'update');
      const granted = importable(await gate.open(reader, row.code, row.version, 'delete'));
      try {
        const left = await db.transaction().execute(async (trx) => {
          const now = await trx
            .selectFrom('transfer_chunk')
            .select('last_seq')
            .where('import_id', '=', row.id)
            .where('number', '=', chunk.number)
            .forUpdate()
            .executeTakeFirstOrThrow();
          const { rows } = await sql<Done>`
            select l.seq, l.record, l.row_version, l.action, k.before
            from change_log l
            left join change_content k on k.seq = l.seq
            where l.seq between ${chunk.first_seq}::bigint and ${now.last_seq}::bigint
              and l.registry_id = ${row.registry_id}::bigint
              and l.exchange_id = ${chunk.exchange_id}
              and l.action in ('create', 'update')
            order by l.seq desc
            limit ${undoneAtOnce}`.execute(trx);
          if (rows.length === 0) return false;
          const { undone, kept } = await undo(trx, granted, reader, rows);
          // The chunk shrinks from its end.
          await trx
            .updateTable('transfer_chunk')
            .set({ last_seq: sql`${rows.at(-1)?.seq}::bigint - 1` })
            .where('import_id', '=', row.id)
            .where('number', '=', chunk.number)
            .execute();
          const moved = await sql`
            update transfer_import
            set rows_undone = rows_undone + ${undone}, rows_kept = rows_kept + ${kept}
            where id = ${row.id} and state = 'undoing'`.execute(trx);
          if (moved.numAffectedRows === 0n) throw new Stopped();
          return true;
        });
        if (!left) break;
      } catch (error) {
        if (!(error instanceof StaleRegistry)) throw error;
        catalogue.forget(row.owner, row.code);
      }
    }
}
