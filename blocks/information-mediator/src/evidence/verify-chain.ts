import { type Kysely, type SqlBool, sql } from 'kysely';
import type { MediatorTables, MessageLogTable } from '../tables.ts';
import { chainHash, genesis, type LogRecord } from './chain.ts';
import { signatureHolds, signatureOf } from './exchanges.ts';
import type { Signatures } from './signature.ts';

export interface ChainReport {
  readonly from: bigint;
  /** Last record looked at; below `from` when there was none. */
  readonly to: bigint;
  /** End of the chain when this began. */
  readonly head: bigint;
  readonly records: number;
  readonly exchanges: number;
  readonly signaturesVerified: number;
  /** The first record that does not hold, and why; nothing after it was looked at. */
  readonly broken: { readonly at: bigint; readonly reason: 'missing' | 'changed' | 'signature' } | undefined;
}

/** A row of the log as the record whose hash it carries. */
export const toRecord = (row: MessageLogTable): LogRecord => ({
  exchangeId: row.exchange_id,
  kind: row.kind,
  at: new Date(row.at),
  messageId: row.message_id,
  client: row.client,
  operator: row.operator ?? undefined,
  service: row.service,
  method: row.method,
  path: row.path,
  correlationId: row.correlation_id,
  traceId: row.trace_id,
  headDigest: row.head_digest,
  bodyDigest: row.body_digest ?? undefined,
  bodySize: row.body_size,
  signature: signatureOf(row),
  verified: row.verified,
  ...(row.status === null ? {} : { status: row.status }),
  ...(row.error === null ? {} : { error: row.error }),
  ...(row.duration_ms === null ? {} : { durationMs: row.duration_ms }),
  ...(row.access_right === null ? {} : { accessRight: row.access_right }),
});

const page = 2000;

/** The first record to look at: what is archived and erased is looked at in its archive. */
async function beginning(db: Kysely<MediatorTables>, wanted: bigint): Promise<bigint> {
  const first = await db
    .selectFrom('message_log')
    .innerJoin('archive', (join) => join.on(sql<SqlBool>`archive.to_seq = message_log.seq - 1`))
    .select('message_log.seq')
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('message_log as earlier')
            .select('seq')
            .whereRef('earlier.seq', '<', 'message_log.seq'),
        ),
      ),
    )
    .executeTakeFirst();
  return first && BigInt(first.seq) > wanted ? BigInt(first.seq) : wanted;
}

/** The end of the chain before a record; undefined: what was before is not there. */
async function chainBefore(db: Kysely<MediatorTables>, seq: bigint): Promise<Buffer | undefined> {
  if (seq === 1n) return genesis;
  const place = String(seq - 1n);
  const record = await db
    .selectFrom('message_log')
    .select('hash')
    .where('seq', '=', place)
    .executeTakeFirst();
  if (record) return record.hash;
  const archived = await db
    .selectFrom('archive')
    .select('chain_hash')
    .where('to_seq', '=', place)
    .executeTakeFirst();
  return archived?.chain_hash;
}

/**
 * Recomputes the chain over the records `from` to `to` (1 is the first), at most `limit` of them, and checks every
 * signature. Every record up to the end of the chain must be there: a cut-off end is a broken chain too.
 */
export async function verifyChain(
  db: Kysely<MediatorTables>,
  signatures: Signatures,
  range: { readonly from: bigint; readonly to: bigint | undefined; readonly limit: number },
): Promise<ChainReport> {
  const end = await db.selectFrom('chain_head').select(['seq', 'hash']).executeTakeFirstOrThrow();
  const head = BigInt(end.seq);
  const from = await beginning(db, range.from);
  const wanted = range.to === undefined || range.to > head ? head : range.to;
  const last = wanted - from >= BigInt(range.limit) ? from + BigInt(range.limit) - 1n : wanted;
  let previous = await chainBefore(db, from);
  let next = from;
  const exchanges = new Set<string>();
  let signaturesVerified = 0;
  let broken: ChainReport['broken'];

  async function check(row: MessageLogTable | undefined): Promise<ChainReport['broken']> {
    if (!row || BigInt(row.seq) !== next || !previous) return { at: next, reason: 'missing' };
    const expected = chainHash(previous, next, toRecord(row));
    if (!expected.equals(row.hash)) return { at: next, reason: 'changed' };
    if (row.signature !== null && !(await signatureHolds(signatures, row)))
      return { at: next, reason: 'signature' };
    return undefined;
  }

  while (!broken && next <= last) {
    const rows: MessageLogTable[] = await db
      .selectFrom('message_log')
      .selectAll()
      .where('seq', '>=', String(next))
      .where('seq', '<=', String(last))
      .orderBy('seq')
      .limit(page)
      .execute();
    // Signatures first, all at once: they are what takes time, and many share one check.
    await Promise.all(rows.map((row) => signatureHolds(signatures, row)));
    if (rows.length === 0) broken = { at: next, reason: 'missing' };
    for (const row of rows) {
      broken = await check(row);
      if (broken) break;
      if (row.signature !== null) signaturesVerified += 1;
      if (row.kind === 'request') exchanges.add(row.exchange_id);
      previous = row.hash;
      next += 1n;
    }
  }
  if (!broken && last === head && head > 0n && previous && !previous.equals(end.hash))
    broken = { at: head, reason: 'changed' };
  return {
    from,
    to: next - 1n,
    head,
    records: Number(next - from),
    exchanges: exchanges.size,
    signaturesVerified,
    broken,
  };
}
