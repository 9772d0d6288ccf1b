import { createHash } from 'node:crypto';
import { drawRandom } from '@govstack/platform';
import canonicalize from 'canonicalize';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Logger } from 'pino';
import type { Reader } from '../access/access.ts';
import { fromColumn, type Row } from '../records/content.ts';
import type { Field } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';

/** Values of a record by field id. */
export type Snapshot = Readonly<Record<string, unknown>>;

/** What a row says, by field id. */
export function snapshotOf(fields: readonly Field[], row: Row): Snapshot {
  const snapshot: Record<string, unknown> = {};
  for (const field of fields) {
    const value = fromColumn(field.type, row[field.column]);
    if (value !== undefined) snapshot[field.id] = value;
  }
  return snapshot;
}

export interface Change {
  readonly record: string;
  readonly rowVersion: number;
  readonly action: 'create' | 'update' | 'delete' | 'archive' | 'restore' | 'erase';
  readonly before: Snapshot | null;
  readonly after: Snapshot | null;
}

const sha256 = (...parts: readonly (string | Buffer)[]): Buffer => {
  const hashing = createHash('sha256');
  for (const part of parts) hashing.update(part);
  return hashing.digest();
};
const canonical = (value: unknown): string => canonicalize(value) as string;

/** Of what a record said. Salted: once it is erased, nobody finds it by guessing. */
const contentDigest = (salt: Buffer, side: 'before' | 'after', content: unknown): Buffer | null =>
  content === null ? null : sha256(salt, side, canonical(content));

interface Circumstances {
  readonly registryId: string;
  readonly application: string;
  readonly person: string | null;
  readonly exchangeId: string;
  readonly at: string;
}

/** Of a change, whatever became of what it says. */
const changeDigest = (
  { registryId, application, person, exchangeId, at }: Circumstances,
  { record, rowVersion, action }: Omit<Change, 'before' | 'after'>,
  before: unknown,
  after: unknown,
): Buffer =>
  sha256(
    canonical([registryId, record, rowVersion, action, application, person, exchangeId, before, after, at]),
  );

const base64 = (bytes: Buffer | null): string | null => bytes?.toString('base64') ?? null;

/** Writes changes in the transaction that makes them, many in one statement. `at`: when the records say it was. */
export async function logChanges(
  trx: Transaction<RegistryTables>,
  registryId: string,
  reader: Reader,
  at: string,
  changes: readonly Change[],
): Promise<void> {
  if (changes.length === 0) return;
  const person = reader.person?.id ?? null;
  const { application, exchangeId, operator } = reader.caller;
  const circumstances = { registryId, application, person, exchangeId, at };
  const salts = changes.map(() => drawRandom(16));
  const saltOf = (index: number): Buffer => salts[index] as Buffer;
  const digests = changes.map(({ before, after }, index) => ({
    before: contentDigest(saltOf(index), 'before', before),
    after: contentDigest(saltOf(index), 'after', after),
  }));
  const json = (value: Snapshot | null): string | null => (value === null ? null : JSON.stringify(value));
  await sql`
    with c as (
      select nextval('change_log_seq') as seq, c.*
      from unnest(
        ${changes.map((change) => change.record)}::uuid[],
        ${changes.map((change) => change.rowVersion)}::integer[],
        ${changes.map((change) => change.action)}::text[],
        ${changes.map((change) => json(change.before))}::jsonb[],
        ${changes.map((change) => json(change.after))}::jsonb[],
        ${changes.map((_, index) => saltOf(index))}::bytea[],
        ${digests.map(({ before }) => before)}::bytea[],
        ${digests.map(({ after }) => after)}::bytea[],
        ${changes.map((change, index) =>
          changeDigest(
            circumstances,
            change,
            base64(digests[index]?.before ?? null),
            base64(digests[index]?.after ?? null),
          ),
        )}::bytea[]
      ) as c(record, row_version, action, before, after, salt, before_digest, after_digest, digest)
    ), content as (
      insert into change_content (seq, salt, before, after)
      select seq, salt, before, after
      from c
    )
    insert into change_log (seq, registry_id, record, row_version, action, application, operator, person, exchange_id,
      at, scheme, before_digest, after_digest, digest)
    select seq, ${registryId}::bigint, record, row_version, action, ${application}, ${operator ?? null}::text,
      ${person}::text, ${exchangeId}, ${at}::timestamptz, 2, before_digest, after_digest, digest
    from c`.execute(trx);
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
  seq: string | null;
  registry_id: string;
  record: string;
  row_version: number;
  action: Change['action'];
  application: string;
  person: string | null;
  exchange_id: string;
  at: string;
  scheme: 1 | 2;
  before_digest: Buffer | null;
  after_digest: Buffer | null;
  digest: Buffer;
  kept: boolean;
  salt: Buffer | null;
  before: Snapshot | null;
  after: Snapshot | null;
  erased: boolean;
}

const equal = (one: Buffer | null, other: Buffer | null): boolean =>
  one === null || other === null ? one === other : one.equals(other);

/** Whether a change is what its digest says, and what it says is what was written or was erased lawfully. */
function holds(row: LoggedChange): boolean {
  const circumstances = {
    registryId: row.registry_id,
    application: row.application,
    person: row.person,
    exchangeId: row.exchange_id,
    at: new Date(row.at).toISOString(),
  };
  const change = { record: row.record, rowVersion: row.row_version, action: row.action };
  if (!row.kept && !row.erased) return false;
  if (row.scheme === 1)
    return !row.kept || changeDigest(circumstances, change, row.before, row.after).equals(row.digest);
  const { before_digest, after_digest, salt } = row;
  if (!changeDigest(circumstances, change, base64(before_digest), base64(after_digest)).equals(row.digest))
    return false;
  if (!row.kept || !salt) return row.erased;
  return (
    equal(contentDigest(salt, 'before', row.before), before_digest) &&
    equal(contentDigest(salt, 'after', row.after), after_digest)
  );
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
      select s.position, s.hash, c.*, k.seq is not null as kept, k.salt, k.before, k.after,
        exists (select from erasure e where e.record = c.record) as erased
      from (
        select *
        from change_seal
        where position >= ${next.toString()}
        order by position
        limit 5000
      ) s
      left join change_log c on c.seq = s.change_seq
      left join change_content k on k.seq = c.seq
      order by s.position`.execute(db);
    for (const row of rows) {
      const hash = row.seq === null ? undefined : sha256(previous, row.digest);
      if (BigInt(row.position) !== next || !hash?.equals(row.hash) || !holds(row))
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
