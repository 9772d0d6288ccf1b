import canonicalize from 'canonicalize';
import { type Kysely, sql } from 'kysely';
import type { Keyring } from '../secrets/keyring.ts';
import type { Vault } from '../secrets/vault.ts';
import type { RegistryTables } from '../tables.ts';
import {
  changeDigest,
  contentDigest,
  extended,
  genesis,
  type LoggedFacts,
  type Scheme,
  wholeDigest,
} from './change-digest.ts';
import type { KnownCheckpoint } from './checkpoints.ts';
import { opened } from './sealed-content.ts';

type Db = Kysely<RegistryTables>;

export interface ChainReport {
  /** How many were looked at and hold. */
  readonly changes: number;
  /** The first place that does not hold. */
  readonly brokenAt: string | null;
  readonly reason: 'changed' | 'chain' | 'checkpoint' | 'left out' | null;
  /** Checkpoints that were compared. */
  readonly checkpoints: number;
  /** False: there are more than `limit`. */
  readonly complete: boolean;
}

const chunk = 20_000;
/** Chunks that PostgreSQL works on at the same time. */
const atOnce = 4;

const moment = (at: ReturnType<typeof sql>) =>
  sql`to_char(${at} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** What changes of records hold to, scheme 3: every column is in the digest, and every word in a digest of its own. */
const changeHolds = sql`(
  c.digest = sha256(convert_to(json_build_array(c.registry_id::text, c.record::text, c.row_version, c.action,
    c.application, c.operator, c.person, c.exchange_id, encode(c.before_digest, 'hex'), encode(c.after_digest, 'hex'),
    ${moment(sql`c.at`)})::text, 'UTF8'))
  and case
    when k.seq is null then exists (
      select from change_log e
      where e.record = c.record and e.action = 'erase' and e.at >= c.at
    )
    else (k.before is null) = (c.before_digest is null) and (k.after is null) = (c.after_digest is null)
      and (k.before is null or coalesce(
        sha256(k.salt || 'before'::bytea || convert_to(k.before::text, 'UTF8')) = c.before_digest, false))
      and (k.after is null or coalesce(
        sha256(k.salt || 'after'::bytea || convert_to(k.after::text, 'UTF8')) = c.after_digest, false))
  end
)`;
const hashOf = (column: string) => sql`encode(sha256(convert_to(m.${sql.id(column)}::text, 'UTF8')), 'hex')`;
const schemaHolds = sql`m.digest = sha256(convert_to(json_build_array(m.registry_id::text, m.owner, m.code, m.action,
  m.application, m.operator, m.person, m.exchange_id, ${moment(sql`m.at`)}, ${hashOf('before')}, ${hashOf('after')},
  ${hashOf('report')})::text, 'UTF8'))`;

interface Chunk {
  readonly count: number;
  readonly digests: Buffer | null;
  readonly hashes: Buffer | null;
  /** Place of the first change that is not what its digest says. */
  readonly changed: string | null;
  readonly old: number;
}

/** A stretch of the chain; PostgreSQL recomputes the digests of its rows beside the rows. */
async function readChunk(db: Db, from: bigint): Promise<Chunk> {
  const to = from + BigInt(chunk) - 1n;
  // What is sealed from here on is not looked at: its changes could lie beyond these bounds.
  const bounds = await sql<{ first: string | null; last: string | null; end: string | null }>`
    select min(change_seq) as first, max(change_seq) as last, max(position) as "end"
    from change_seal
    where position between ${from.toString()} and ${to.toString()}`.execute(db);
  const [{ first, last, end } = { first: null, last: null, end: null }] = bounds.rows;
  if (first === null || last === null)
    return { count: 0, digests: null, hashes: null, changed: null, old: 0 };
  const within = sql`seq between ${first}::bigint and ${last}::bigint`;
  const { rows } = await sql<Chunk>`
    select count(*)::integer as count, string_agg(digest, ''::bytea order by position) as digests,
      string_agg(hash, ''::bytea order by position) as hashes, min(position) filter (where not holds) as changed,
      (count(*) filter (where old))::integer as old
    from (
      select s.position, s.hash, coalesce(c.digest, m.digest) as digest, coalesce(c.scheme < 3 or k.sealed is not null, false) as old,
        coalesce(case when m.seq is not null then c.seq is null and ${schemaHolds} when c.scheme < 3 or k.sealed is not null then true else ${changeHolds} end, false) as holds
      from change_seal s
      left join (select * from change_log where ${within}) c on c.seq = s.change_seq
      left join (select * from change_content where ${within}) k on k.seq = s.change_seq
      left join (select * from schema_log where ${within}) m on m.seq = s.change_seq
      where s.position between ${from.toString()} and ${end}::bigint
    ) looked`.execute(db);
  return rows[0] as Chunk;
}

interface OldChange extends LoggedFacts {
  position: string;
  scheme: Scheme;
  before_digest: Buffer | null;
  after_digest: Buffer | null;
  digest: Buffer;
  kept: boolean;
  salt: Buffer | null;
  before: string | null;
  after: string | null;
  sealed: Buffer | null;
  erased: boolean;
}

const equal = (one: Buffer | null, other: Buffer | null): boolean =>
  one === null || other === null ? one === other : one.equals(other);

const parsed = (one: string | null) => (one === null ? null : JSON.parse(one));
const text = (one: unknown): string | null => (one === null ? null : JSON.stringify(one));

/** What was said in full, with what is sealed, as texts; undefined when it does not open. */
function inFull(row: OldChange, vault: Vault | undefined): OldChange | undefined {
  if (row.sealed === null) return row;
  try {
    const content = { ...row, before: parsed(row.before), after: parsed(row.after) };
    const { salt, before, after, texts } = opened(vault, row.record, content);
    if (row.scheme !== 3) return { ...row, salt, before: text(before), after: text(after) };
    const [then, now] = [texts?.before ?? null, texts?.after ?? null];
    const same = canonicalize([parsed(then), parsed(now)]) === canonicalize([before, after]);
    return same ? { ...row, salt, before: then, after: now } : undefined;
  } catch {
    return undefined;
  }
}

function oldHolds(row: OldChange): boolean {
  if (!row.kept && !row.erased) return false;
  const facts = { ...row, at: new Date(row.at).toISOString() };
  if (row.scheme === 1)
    return !row.kept || wholeDigest(facts, parsed(row.before), parsed(row.after)).equals(row.digest);
  const { scheme, before_digest, after_digest, salt } = row;
  if (!changeDigest(scheme, facts, before_digest, after_digest).equals(row.digest)) return false;
  if (!row.kept || !salt) return row.erased;
  return (
    equal(contentDigest(scheme, salt, 'before', row.before), before_digest) &&
    equal(contentDigest(scheme, salt, 'after', row.after), after_digest)
  );
}

/** Changes of before scheme 3 and with secrets, whose digests PostgreSQL cannot make: the first that does not hold. */
async function firstOldChanged(db: Db, keyring: Keyring, from: bigint): Promise<bigint | undefined> {
  const { rows } = await sql<OldChange>`
    select s.position, c.registry_id as "registryId", c.record, c.row_version as "rowVersion", c.action, c.application,
      c.operator, c.person, c.exchange_id as "exchangeId", c.at, c.scheme, c.before_digest, c.after_digest, c.digest,
      k.seq is not null as kept, k.salt, k.sealed, k.before::text as before, k.after::text as after,
      exists (select from change_log e where e.record = c.record and e.action = 'erase' and e.at >= c.at) as erased
    from change_seal s
    join change_log c on c.seq = s.change_seq
    left join change_content k on k.seq = c.seq
    where s.position between ${from.toString()} and ${(from + BigInt(chunk) - 1n).toString()} and (c.scheme < 3 or k.sealed is not null)
    order by s.position`.execute(db);
  const vaults = new Map<string, Vault | undefined>();
  for (const row of rows) {
    if (row.sealed !== null && !vaults.has(row.registryId))
      vaults.set(row.registryId, await keyring.vaultOf(db, row.registryId));
    const full = inFull(row, vaults.get(row.registryId));
    if (!full || !oldHolds(full)) return BigInt(row.position);
  }
  return undefined;
}

const slices = (bytes: Buffer | null): Buffer[] =>
  Array.from({ length: Math.floor((bytes?.length ?? 0) / 32) }, (_, index) =>
    (bytes as Buffer).subarray(index * 32, index * 32 + 32),
  );

/**
 * Recomputes every digest, the chain over them, and what checkpoints say of it. `from`: the checkpoint that is trusted;
 * undefined: from the beginning. Checkpoints are those that come after it, with their signatures verified.
 */
export async function verifyChain(
  db: Db,
  keyring: Keyring,
  limit: number,
  checkpoints: readonly KnownCheckpoint[] = [],
  from?: KnownCheckpoint,
): Promise<ChainReport> {
  const start = BigInt(from?.to ?? 0) + 1n;
  let previous: Buffer = from ? Buffer.from(from.chain, 'hex') : genesis;
  let position = start;
  let compared = 0;
  const waiting = [...checkpoints];
  const report = (reason: ChainReport['reason'], at: bigint, complete = true): ChainReport => ({
    changes: Number(at - start),
    brokenAt: reason === null ? null : at.toString(),
    reason,
    checkpoints: compared,
    complete,
  });
  const reading: Promise<Chunk>[] = [];
  let ahead = start;
  const next = async (): Promise<Chunk> => {
    while (reading.length < atOnce) {
      const chunkRead = readChunk(db, ahead);
      // Of those that are read in vain once something is broken nobody waits.
      chunkRead.catch(() => undefined);
      reading.push(chunkRead);
      ahead += BigInt(chunk);
    }
    return (await reading.shift()) as Chunk;
  };
  for (;;) {
    if (position - start >= BigInt(limit)) return report(null, position, false);
    const { count, digests, hashes, changed, old } = await next();
    const oldChanged = old > 0 ? await firstOldChanged(db, keyring, position) : undefined;
    const bad = [...(changed === null ? [] : [BigInt(changed)]), ...(oldChanged ? [oldChanged] : [])].sort(
      (a, b) => Number(a - b),
    )[0];
    const [made, kept] = [slices(digests), slices(hashes)];
    for (let index = 0; index < count; index += 1) {
      const digest = made[index];
      if (position === bad || !digest) return report('changed', position);
      previous = extended(previous, digest);
      // Without its change a digest is missing, and all after it stand elsewhere: then `bad` says where.
      if (!kept[index]?.equals(previous)) return report('chain', position);
      const [checkpoint] = waiting;
      if (checkpoint && checkpoint.to === position.toString()) {
        // What it says of the chain says all: the tree is over the same digests.
        if (checkpoint.chain !== previous.toString('hex')) return report('checkpoint', position);
        compared += 1;
        waiting.shift();
      }
      position += 1n;
    }
    if (count === chunk) continue;
    const beyond = await sql<{ position: string | null }>`
      select min(position) as position
      from change_seal
      where position >= ${position.toString()}`.execute(db);
    const found = beyond.rows[0]?.position ?? null;
    if (found === null) break;
    if (found !== position.toString()) return report('chain', position);
    // Sealed meanwhile.
    reading.length = 0;
    ahead = position;
  }
  // What a checkpoint knows of and is not there was cut off.
  if (waiting.length > 0) return report('checkpoint', position);
  const since = from?.at ?? '-infinity';
  const unsealed = sql`at >= ${since}::timestamptz and at < now() - interval '10 minutes'`;
  const { rows } = await sql<{ seq: string }>`
    select c.seq
    from (
      select seq from change_log where ${unsealed}
      union all
      select seq from schema_log where ${unsealed}
    ) c
    where not exists (select from change_seal s where s.change_seq = c.seq)
    limit 1`.execute(db);
  return report(rows[0] ? 'left out' : null, position);
}
