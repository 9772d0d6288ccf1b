import { createECDH, createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { announce, notFound } from '@govstack/platform';
import { CompactSign, calculateJwkThumbprint } from 'jose';
import { type Kysely, sql } from 'kysely';
import { checkpointMade } from '../api/events.ts';
import type { RegistryTables } from '../tables.ts';
import { sha256 } from './change-digest.ts';
import { type CheckpointClaims, checkpointType, readCheckpoint } from './checkpoint.ts';
import { rootOf, treeOver } from './hash-tree.ts';

type Db = Kysely<RegistryTables>;

/** A checkpoint whose signature holds. */
export type KnownCheckpoint = CheckpointClaims;

export interface CheckpointKey {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly publicKey: JsonWebKey;
}

/** The P-256 key that a secret stands for: the same on every node, and nowhere kept. */
export async function checkpointKey(secret: Buffer): Promise<CheckpointKey> {
  const curve = createECDH('prime256v1');
  for (let scalar = secret; ; scalar = sha256(scalar))
    try {
      curve.setPrivateKey(scalar);
      break;
    } catch {
      // One secret in four thousand million is no number of the curve.
    }
  const point = curve.getPublicKey();
  const publicKey = {
    kty: 'EC',
    crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  };
  // The curve gives the number without leading zeros; a JWK has all 32 bytes (RFC 7518, 6.2.2.1).
  const number = curve.getPrivateKey();
  const d = Buffer.concat([Buffer.alloc(32 - number.length), number]).toString('base64url');
  return {
    keyId: await calculateJwkThumbprint(publicKey),
    privateKey: createPrivateKey({ key: { ...publicKey, d }, format: 'jwk' }),
    publicKey,
  };
}

/** Keeps the public half for those who check what was signed, also after the secret was changed. */
export async function publishKey(db: Db, { keyId, publicKey }: CheckpointKey): Promise<void> {
  await sql`
    insert into checkpoint_key (key_id, public_key, since)
    values (${keyId}, ${JSON.stringify(publicKey)}::jsonb, now())
    on conflict do nothing`.execute(db);
}

export async function checkpointKeys(db: Db): Promise<Record<string, unknown>[]> {
  const { rows } = await sql<{ key_id: string; public_key: Record<string, unknown> }>`
    select key_id, public_key
    from checkpoint_key
    order by since
    limit 100`.execute(db);
  return rows.map((row) => ({ ...row.public_key, kid: row.key_id, alg: 'ES256', use: 'sig' }));
}

/** Most changes under one checkpoint: so many leaves a proof is computed over. */
const mostLeaves = 65_536;

/** Digests at successive places of the chain, from the seals on. */
async function digestsOf(db: Db, from: bigint, to: bigint): Promise<Buffer[]> {
  const { rows } = await sql<{ digest: Buffer }>`
    with sealed as (
      select position, change_seq
      from change_seal
      where position between ${from.toString()} and ${to.toString()}
    ), bounds as (
      select min(change_seq) as first, max(change_seq) as last
      from sealed
    )
    select l.digest
    from sealed s
    join (
      select seq, digest from change_log, bounds where seq between first and last
      union all
      select seq, digest from schema_log, bounds where seq between first and last
    ) l on l.seq = s.change_seq
    order by s.position`.execute(db);
  return rows.map(({ digest }) => digest);
}

interface Stored {
  readonly number: number;
  readonly from_position: string;
  readonly to_position: string;
  readonly at: string;
  readonly signed: string;
}

const newest = async (db: Db): Promise<Stored | undefined> =>
  (await sql<Stored>`select * from checkpoint order by number desc limit 1`.execute(db)).rows[0];

/** Signs the next stretch of the chain; answers the number of the newest checkpoint, and whether it is a new one. */
async function makeOne(
  db: Db,
  { privateKey, keyId }: CheckpointKey,
): Promise<{ number: number; made: boolean }> {
  return db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('registries/checkpoints'))`.execute(trx);
    const last = await newest(trx);
    const from = BigInt(last?.to_position ?? 0) + 1n;
    const { rows } = await sql<{ position: string; hash: Buffer }>`
      select position, hash
      from change_seal
      where position >= ${from.toString()} and position < ${(from + BigInt(mostLeaves)).toString()}
      order by position desc
      limit 1`.execute(trx);
    const [end] = rows;
    if (!end) return { number: last?.number ?? 0, made: false };
    const digests = await digestsOf(trx, from, BigInt(end.position));
    if (BigInt(digests.length) !== BigInt(end.position) - from + 1n)
      throw new Error('the chain of changes has gaps: no checkpoint is made over them');
    const number = (last?.number ?? 0) + 1;
    const claims: CheckpointClaims = {
      number,
      from: from.toString(),
      to: end.position,
      chain: end.hash.toString('hex'),
      root: rootOf(treeOver(from, digests)).toString('hex'),
      previous: last ? sha256(last.signed).toString('hex') : null,
      at: new Date().toISOString(),
    };
    const signed = await new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'ES256', typ: checkpointType, kid: keyId })
      .sign(privateKey);
    await sql`
      insert into checkpoint (number, from_position, to_position, at, signed)
      values (${number}, ${claims.from}::bigint, ${claims.to}::bigint, ${claims.at}::timestamptz, ${signed})`.execute(
      trx,
    );
    const data = { number, from: claims.from, to: claims.to, signed };
    await announce(trx, checkpointMade, { subject: String(number), data });
    return { number, made: true };
  });
}

/** Signs all that is in the chain. Answers the number of the newest checkpoint. */
export async function makeCheckpoints(db: Db, key: CheckpointKey): Promise<number> {
  for (;;) {
    const { number, made } = await makeOne(db, key);
    if (!made) return number;
  }
}

const most = 1000;

/** Checkpoints after a number, in their order, or the newest of them first. */
export async function listCheckpoints(
  db: Db,
  after: number,
  limit = most,
  newest = false,
): Promise<Stored[]> {
  const { rows } = await sql<Stored>`
    select *
    from checkpoint
    where number > ${after}
    order by ${newest ? sql`number desc` : sql`number`}
    limit ${limit}`.execute(db);
  return rows;
}

/** Checkpoints from a number on, read from what was signed. Throws where a signature does not hold. */
export async function knownCheckpoints(db: Db, from: number): Promise<KnownCheckpoint[]> {
  const keys = await checkpointKeys(db);
  const known: KnownCheckpoint[] = [];
  for (let after = from - 1; ; ) {
    const stored = await listCheckpoints(db, after);
    for (const { signed } of stored) known.push(await readCheckpoint(signed, keys));
    if (stored.length < most) break;
    after = stored.at(-1)?.number as number;
  }
  if (from > 0 && known[0]?.number !== from) throw notFound('Checkpoint');
  return known;
}

/** The trees over what checkpoints cover, for the paths of changes. */
export function treesOf(db: Db): (checkpoint: Stored) => Promise<ReturnType<typeof treeOver>> {
  const made = new Map<number, Promise<ReturnType<typeof treeOver>>>();
  return (checkpoint) => {
    const found = made.get(checkpoint.number);
    if (found) return found;
    const [from, to] = [BigInt(checkpoint.from_position), BigInt(checkpoint.to_position)];
    const tree = digestsOf(db, from, to).then((digests) => treeOver(from, digests));
    made.set(checkpoint.number, tree);
    return tree;
  };
}
