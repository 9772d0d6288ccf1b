import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { Reader } from '../access/access.ts';
import type { RegistryTables } from '../tables.ts';

export interface Change {
  readonly record: string;
  readonly rowVersion: number;
  readonly action: 'create' | 'update' | 'delete';
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
}

const digestOf = (
  registryId: string,
  reader: Pick<Reader, 'caller' | 'person'>,
  at: string,
  change: Change,
): Buffer =>
  createHash('sha256')
    .update(
      canonicalize([
        registryId,
        change.record,
        change.rowVersion,
        change.action,
        reader.caller.application,
        reader.person?.id ?? null,
        reader.caller.exchangeId,
        change.before,
        change.after,
        at,
      ]) as string,
    )
    .digest();

/** Writes changes in the transaction that makes them, many in one statement. */
export async function logChanges(
  trx: Transaction<RegistryTables>,
  registryId: string,
  reader: Reader,
  changes: readonly Change[],
): Promise<void> {
  if (changes.length === 0) return;
  const at = new Date().toISOString();
  const json = (value: Record<string, unknown> | null): string | null =>
    value === null ? null : JSON.stringify(value);
  await sql`
    insert into change_log (registry_id, record, row_version, action, application, operator, person, exchange_id, before, after, at, digest)
    select ${registryId}::bigint, c.record, c.row_version, c.action, ${reader.caller.application}, ${reader.caller.operator ?? null}::text,
      ${reader.person?.id ?? null}::text, ${reader.caller.exchangeId}, c.before, c.after, ${at}::timestamptz, c.digest
    from unnest(
      ${changes.map((change) => change.record)}::uuid[],
      ${changes.map((change) => change.rowVersion)}::integer[],
      ${changes.map((change) => change.action)}::text[],
      ${changes.map((change) => json(change.before))}::jsonb[],
      ${changes.map((change) => json(change.after))}::jsonb[],
      ${changes.map((change) => digestOf(registryId, reader, at, change))}::bytea[]
    ) as c(record, row_version, action, before, after, digest)`.execute(trx);
}

const sealLock = 5_220_714_409;
const sealBatch = 5000;

/**
 * Sequence numbers are given out before the commit, so a change can become visible after later ones were sealed. Every
 * pass looks back this far, and one a minute much further.
 */
const near = 1_000;
const far = 100_000;
const farEveryMs = 60_000;

/** Extends the chain over changes written since; one writer at a time. Answers how many were sealed. */
export async function sealChanges(db: Kysely<RegistryTables>, reach: number = far): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const lock = await sql<{ held: boolean }>`select pg_try_advisory_xact_lock(${sealLock}) as held`.execute(
      trx,
    );
    if (!lock.rows[0]?.held) return 0;
    const last = await sql<{ position: string; hash: Buffer; newest: string }>`
      select position, hash, (select max(change_seq) from change_seal) as newest
      from change_seal
      order by position desc
      limit 1`.execute(trx);
    const after = BigInt(last.rows[0]?.newest ?? 0) - BigInt(reach);
    const waiting = await sql<{ seq: string; digest: Buffer }>`
      select c.seq, c.digest
      from change_log c
      where c.seq > ${after.toString()}
        and not exists (
          select 1
          from change_seal s
          where s.change_seq = c.seq and s.change_seq > ${after.toString()}
        )
      order by c.seq
      limit ${sealBatch}`.execute(trx);
    if (waiting.rows.length === 0) return 0;
    let position = BigInt(last.rows[0]?.position ?? 0);
    let hash: Buffer = last.rows[0]?.hash ?? Buffer.alloc(32);
    const positions: string[] = [];
    const hashes: Buffer[] = [];
    for (const row of waiting.rows) {
      position += 1n;
      hash = createHash('sha256').update(hash).update(row.digest).digest();
      positions.push(position.toString());
      hashes.push(hash);
    }
    await sql`
      insert into change_seal (position, change_seq, hash)
      select * from unnest(${positions}::bigint[], ${waiting.rows.map((row) => row.seq)}::bigint[], ${hashes}::bytea[])`.execute(
      trx,
    );
    return waiting.rows.length;
  });
}

interface LoggedChange {
  position: string;
  hash: Buffer;
  seq: string;
  registry_id: string;
  record: string;
  row_version: number;
  action: Change['action'];
  application: string;
  person: string | null;
  exchange_id: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  at: string;
  digest: Buffer;
}

/** Recomputes every digest and the chain over them. `brokenAt` is the first position that does not hold. */
export async function verifyChanges(
  db: Kysely<RegistryTables>,
  limit: number,
): Promise<{ changes: number; brokenAt: string | null }> {
  let previous: Buffer = Buffer.alloc(32);
  let next = 1n;
  while (next <= BigInt(limit)) {
    const { rows } = await sql<LoggedChange>`
      select s.position, s.hash, c.*
      from change_seal s
      left join change_log c on c.seq = s.change_seq
      where s.position >= ${next.toString()}
      order by s.position
      limit 2000`.execute(db);
    for (const row of rows) {
      const reader = {
        caller: { application: row.application, exchangeId: row.exchange_id },
        person: row.person === null ? undefined : { id: row.person },
      };
      const digest = digestOf(row.registry_id, reader as never, new Date(row.at).toISOString(), {
        record: row.record,
        rowVersion: row.row_version,
        action: row.action,
        before: row.before,
        after: row.after,
      });
      const hash = createHash('sha256').update(previous).update(row.digest).digest();
      if (BigInt(row.position) !== next || !digest.equals(row.digest) || !hash.equals(row.hash))
        return { changes: Number(next - 1n), brokenAt: next.toString() };
      previous = row.hash;
      next += 1n;
    }
    if (rows.length === 0) break;
  }
  return { changes: Number(next - 1n), brokenAt: null };
}

/** Seals continuously until stopped. */
export function startSealing(db: Kysely<RegistryTables>, log: Logger): { stop(): Promise<void> } {
  let stopped = false;
  let wake: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const loop = async (): Promise<void> => {
    for (let lookedFar = 0; !stopped; ) {
      const lookFar = Date.now() - lookedFar > farEveryMs;
      if (lookFar) lookedFar = Date.now();
      const sealed = await sealChanges(db, lookFar ? far : near).catch((error: unknown) => {
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
      await sealChanges(db);
    },
  };
}
