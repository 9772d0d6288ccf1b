import { type Kysely, sql, type Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { RegistryTables } from '../tables.ts';
import { extended, genesis } from './change-digest.ts';
import type { Change } from './change-log.ts';

const sealLock = 5_220_714_409;
const sealBatch = 5000;

/** A change of a record in its place in the chain. */
export interface SealedChange {
  readonly position: string;
  readonly registryId: string;
  readonly record: string;
  readonly rowVersion: number;
  readonly action: Change['action'];
  readonly fields: readonly number[];
  readonly exchangeId: string;
  readonly correlationId: string | null;
  readonly traceparent: string | null;
  readonly at: string;
}

/** What is to happen with changes in the transaction that gives them their place. */
export type OnSealed = (trx: Transaction<RegistryTables>, changes: readonly SealedChange[]) => Promise<void>;

interface Waiting {
  seq: string;
  digest: Buffer;
  /** Null of what was done to a registry itself. */
  record: string | null;
  registry_id: string | null;
  row_version: number;
  action: Change['action'];
  fields: number[] | null;
  exchange_id: string;
  correlation_id: string | null;
  traceparent: string | null;
  at: string;
}

interface Mark {
  sealed_to: string;
  swept_to: string;
  seen_seq: string;
  settling: boolean;
  /** Every transaction that was under way when `seen_seq` was the newest change is over. */
  settled: boolean;
  newest: string;
}

/**
 * Extends the chain over changes written since, of records and of registries; one writer at a time. Answers how many
 * were sealed.
 *
 * Sequence numbers are given out before the commit, so a change can appear after later ones were sealed, those of a long
 * import much later. Sweeps therefore begin where nothing can appear any more: `seen_seq` becomes that place when a sweep
 * that began after all transactions of its time were over has come to its end.
 */
export async function sealChanges(db: Kysely<RegistryTables>, onSealed: OnSealed): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const lock = await sql<{ held: boolean }>`select pg_try_advisory_xact_lock(${sealLock}) as held`.execute(
      trx,
    );
    if (!lock.rows[0]?.held) return 0;
    const marks = await sql<Mark>`
      select sealed_to, swept_to, seen_seq, settling,
        pg_snapshot_xmin(pg_current_snapshot()) >= seen_xid as settled,
        (select case when is_called then last_value else 0 end from change_log_seq) as newest
      from change_mark`.execute(trx);
    const mark = marks.rows[0] as Mark;
    const atStart = mark.swept_to === mark.sealed_to;
    if (atStart && mark.sealed_to === mark.newest) return 0;
    const settling = atStart ? mark.settled : mark.settling;
    const { rows } = await sql<Waiting>`
      select c.*
      from (
        select seq, digest, record, registry_id, row_version, action, fields, exchange_id, correlation_id, traceparent, at
        from change_log
        where seq > ${mark.swept_to}::bigint
        union all
        select seq, digest, null, null, 0, action, null, exchange_id, null, null, at
        from schema_log
        where seq > ${mark.swept_to}::bigint
      ) c
      where not exists (
        select 1
        from change_seal s
        where s.change_seq = c.seq and s.change_seq > ${mark.swept_to}::bigint
      )
      order by c.seq
      limit ${sealBatch}`.execute(trx);
    if (rows.length > 0) await seal(trx, rows, onSealed);
    const last = rows.length === sealBatch ? rows.at(-1) : undefined;
    if (last) await sql`update change_mark set swept_to = ${last.seq}, settling = ${settling}`.execute(trx);
    else if (settling)
      await sql`
        update change_mark
        set sealed_to = seen_seq, swept_to = seen_seq, settling = false,
          seen_seq = ${mark.newest}, seen_xid = pg_snapshot_xmax(pg_current_snapshot())`.execute(trx);
    // A mark that a restored database has from another one would never be reached.
    else
      await sql`
        update change_mark
        set swept_to = sealed_to, settling = false,
          seen_xid = least(seen_xid, pg_snapshot_xmax(pg_current_snapshot()))
        where swept_to <> sealed_to or settling or seen_xid > pg_snapshot_xmax(pg_current_snapshot())`.execute(
        trx,
      );
    return rows.length;
  });
}

async function seal(
  trx: Transaction<RegistryTables>,
  waiting: readonly Waiting[],
  onSealed: OnSealed,
): Promise<void> {
  const last = await sql<{ position: string; hash: Buffer }>`
    select position, hash
    from change_seal
    order by position desc
    limit 1`.execute(trx);
  let position = BigInt(last.rows[0]?.position ?? 0);
  let hash: Buffer = last.rows[0]?.hash ?? genesis;
  const positions: string[] = [];
  const hashes: Buffer[] = [];
  for (const { digest } of waiting) {
    position += 1n;
    hash = extended(hash, digest);
    positions.push(position.toString());
    hashes.push(hash);
  }
  await sql`
    insert into change_seal (position, change_seq, hash, registry_id)
    select * from unnest(${positions}::bigint[], ${waiting.map(({ seq }) => seq)}::bigint[], ${hashes}::bytea[],
      ${waiting.map(({ registry_id }) => registry_id)}::bigint[])`.execute(trx);
  const changes = waiting.flatMap((row, index): SealedChange[] =>
    row.record === null || row.registry_id === null
      ? []
      : [
          {
            position: positions[index] as string,
            registryId: row.registry_id,
            record: row.record,
            rowVersion: row.row_version,
            action: row.action,
            fields: row.fields ?? [],
            exchangeId: row.exchange_id,
            correlationId: row.correlation_id,
            traceparent: row.traceparent,
            at: row.at,
          },
        ],
  );
  if (changes.length > 0) await onSealed(trx, changes);
}

/** Seals continuously until stopped. */
export function startSealing(
  db: Kysely<RegistryTables>,
  log: Logger,
  onSealed: OnSealed,
): { stop(): Promise<void> } {
  let stopped = false;
  let wake: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const loop = async (): Promise<void> => {
    while (!stopped) {
      const sealed = await sealChanges(db, onSealed).catch((error: unknown) => {
        log.warn({ err: error }, 'changes could not be sealed');
        return 0;
      });
      if (sealed === 0 && !stopped) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, 500);
        });
      }
    }
  };
  const running = loop();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      wake?.();
      await running;
      await sealChanges(db, onSealed);
    },
  };
}
