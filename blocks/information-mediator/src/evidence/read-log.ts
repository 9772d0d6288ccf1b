import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { MediatorTables, MessageLogTable } from '../directory/tables.ts';
import { verifyDigest } from '../keys/signing-key.ts';
import { chainHash, genesis, type LogRecord } from './message-log.ts';

export interface ExchangeSummary {
  readonly exchangeId: string;
  readonly at: string;
  readonly client: string;
  readonly operator: string | null;
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly status: number | null;
  readonly error: string | null;
  readonly durationMs: number | null;
  readonly accessUsed: string | null;
  readonly correlationId: string;
  /** Both signatures are there and right. */
  readonly verified: boolean;
}

type PublicKeys = ReadonlyMap<string, ReturnType<typeof createPublicKey>>;

async function publicKeys(db: Kysely<MediatorTables>): Promise<PublicKeys> {
  const rows = await db.selectFrom('member').select(['id', 'signing_certificate_key']).execute();
  return new Map(
    rows.map((row) => [
      row.id,
      createPublicKey({ key: row.signing_certificate_key as JsonWebKey, format: 'jwk' }),
    ]),
  );
}

const signatureHolds = (row: MessageLogTable, keys: PublicKeys): boolean => {
  const key = row.signer === null ? undefined : keys.get(row.signer);
  return key !== undefined && row.signature !== null && verifyDigest(key, row.digest, row.signature);
};

/** Exchanges of one correlation id in the order in which they were made, at most `limit`. */
export async function exchangesOf(
  db: Kysely<MediatorTables>,
  correlationId: string,
  limit: number,
): Promise<ExchangeSummary[]> {
  const rows = await db
    .selectFrom('message_log')
    .selectAll()
    .where('correlation_id', '=', correlationId)
    .orderBy('seq')
    .limit(limit * 2)
    .execute();
  const keys = await publicKeys(db);
  const responses = new Map(
    rows.filter((row) => row.kind === 'response').map((row) => [row.exchange_id, row]),
  );
  return rows
    .filter((row) => row.kind === 'request')
    .slice(0, limit)
    .map((request) => {
      const response = responses.get(request.exchange_id);
      return {
        exchangeId: request.exchange_id,
        at: request.at,
        client: request.client,
        operator: request.operator,
        service: request.service,
        method: request.method,
        path: request.path,
        status: response?.status ?? null,
        error: response?.error ?? null,
        durationMs: response?.duration_ms ?? null,
        accessUsed: response?.access_used ?? null,
        correlationId: request.correlation_id,
        verified: signatureHolds(request, keys) && response !== undefined && signatureHolds(response, keys),
      };
    });
}

export interface ChainReport {
  readonly records: number;
  readonly exchanges: number;
  readonly signaturesVerified: number;
  /** First record whose hash or signature does not hold. */
  readonly brokenAt: string | null;
}

const toRecord = (row: MessageLogTable): LogRecord => ({
  exchangeId: row.exchange_id,
  kind: row.kind,
  at: new Date(row.at),
  client: row.client,
  operator: row.operator ?? undefined,
  service: row.service,
  method: row.method,
  path: row.path,
  correlationId: row.correlation_id,
  traceId: row.trace_id,
  digest: row.digest,
  ...(row.status === null ? {} : { status: row.status }),
  ...(row.error === null ? {} : { error: row.error }),
  ...(row.duration_ms === null ? {} : { durationMs: row.duration_ms }),
  ...(row.access_used === null ? {} : { accessUsed: row.access_used }),
  ...(row.signer === null ? {} : { signer: row.signer }),
  ...(row.key_id === null ? {} : { keyId: row.key_id }),
  ...(row.signature === null ? {} : { signature: row.signature }),
  ...(row.message === null ? {} : { message: row.message }),
});

const page = 2000;

/** Recomputes the chain from `from` (1 = the beginning) over at most `limit` records and checks every signature. */
export async function verifyChain(
  db: Kysely<MediatorTables>,
  from: bigint,
  limit: number,
): Promise<ChainReport> {
  const keys = await publicKeys(db);
  const before = await db
    .selectFrom('message_log')
    .select('hash')
    .where('seq', '=', String(from - 1n))
    .executeTakeFirst();
  let previous: Buffer = before?.hash ?? genesis;
  let next = from;
  const exchanges = new Set<string>();
  let records = 0;
  let signaturesVerified = 0;
  while (records < limit) {
    const rows = (await db
      .selectFrom('message_log')
      .selectAll()
      .where('seq', '>=', String(next))
      .orderBy('seq')
      .limit(Math.min(page, limit - records))
      .execute()) as MessageLogTable[];
    for (const row of rows) {
      const expected = chainHash(previous, next, toRecord(row));
      const signed = row.signature === null || signatureHolds(row, keys);
      if (BigInt(row.seq) !== next || !expected.equals(row.hash) || !signed) {
        return { records, exchanges: exchanges.size, signaturesVerified, brokenAt: next.toString() };
      }
      if (row.signature !== null) signaturesVerified += 1;
      if (row.kind === 'request') exchanges.add(row.exchange_id);
      previous = row.hash;
      next += 1n;
      records += 1;
    }
    if (rows.length === 0) break;
  }
  return { records, exchanges: exchanges.size, signaturesVerified, brokenAt: null };
}

/** How many exchanges each service answered and refused. */
export async function trafficByService(
  db: Kysely<MediatorTables>,
): Promise<{ service: string; answered: number; refused: number; meanMs: number }[]> {
  const { rows } = await sql<{ service: string; answered: number; refused: number; mean_ms: number }>`
    select service,
      count(*) filter (where error is null)::integer as answered,
      count(*) filter (where error is not null)::integer as refused,
      coalesce(avg(duration_ms), 0)::float8 as mean_ms
    from message_log
    where kind = 'response'
    group by service
    order by service
    limit 500`.execute(db);
  return rows.map((row) => ({
    service: row.service,
    answered: row.answered,
    refused: row.refused,
    meanMs: row.mean_ms,
  }));
}
