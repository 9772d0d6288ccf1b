import { type Kysely, type SqlBool, sql } from 'kysely';
import type { MediatorTables, MessageLogTable } from '../tables.ts';
import { messageHash } from './message.ts';
import type { Signature, Signatures } from './signature.ts';

/** Which exchanges somebody may see: all of them, or those in which their member or application took part. */
export type Scope =
  | { readonly kind: 'all' }
  | { readonly kind: 'member'; readonly member: string }
  | { readonly kind: 'application'; readonly application: string };

export interface Exchange {
  readonly exchangeId: string;
  readonly messageId: string;
  readonly at: string;
  readonly client: string;
  readonly operator: string | null;
  readonly service: string;
  readonly method: string;
  readonly path: string;
  readonly correlationId: string;
  readonly traceId: string;
  /** Null as long as there is no answer on record. */
  readonly status: number | null;
  readonly error: string | null;
  readonly durationMs: number | null;
  readonly right: string | null;
  /** Request and response are on record and their signatures hold. */
  readonly verified: boolean;
}

export interface MessageEvidence {
  readonly sequence: string;
  readonly at: string;
  /** SHA-512 of the head, and of the body if there is one, base64. */
  readonly headDigest: string;
  readonly bodyDigest: string | null;
  /** What is signed: SHA-512 over both digests, or the head's alone, base64. */
  readonly hash: string;
  readonly bodySize: number;
  readonly signer: string | null;
  readonly keyId: string | null;
  readonly signature: string | null;
  /** When it was signed, as the signature says; null: in the form without certificate. */
  readonly signedAt: string | null;
  /** Leads from `hash` to the root that was signed, base64. */
  readonly hashChain: string | null;
  /** The receiving side had checked the signature when it acted. */
  readonly verifiedOnReceipt: boolean;
  /** The signature holds now. */
  readonly signatureHolds: boolean;
  /** End of the chain with this record. */
  readonly chainHash: string;
}

export interface ExchangeEvidence extends Exchange {
  readonly request: MessageEvidence;
  readonly response: MessageEvidence | null;
}

export const signatureOf = (row: MessageLogTable): Signature | undefined =>
  row.signer === null || row.key_id === null || row.signature === null || row.hash_chain === null
    ? undefined
    : {
        signer: row.signer,
        keyId: row.key_id,
        value: row.signature,
        signedAt: row.signed_at === null ? undefined : new Date(row.signed_at),
        hashChain: row.hash_chain,
      };

const hashOf = (row: MessageLogTable): Buffer =>
  messageHash({ head: row.head_digest, body: row.body_digest ?? undefined });

export async function signatureHolds(signatures: Signatures, row: MessageLogTable): Promise<boolean> {
  const signature = signatureOf(row);
  return signature !== undefined && signatures.verify(hashOf(row), signature);
}

/** That somebody took part, so that the exchange is within their scope. */
export function within(scope: Scope) {
  if (scope.kind === 'all') return sql<SqlBool>`true`;
  if (scope.kind === 'application')
    return sql<SqlBool>`(client = ${scope.application} or operator = ${scope.application}
      or starts_with(service, ${`${scope.application}/`}))`;
  const prefix = `${scope.member}/`;
  return sql<SqlBool>`(starts_with(client, ${prefix}) or starts_with(operator, ${prefix})
    or starts_with(service, ${prefix}))`;
}

const columns = [
  'seq',
  'exchange_id',
  'kind',
  'at',
  'message_id',
  'client',
  'operator',
  'service',
  'method',
  'path',
  'correlation_id',
  'trace_id',
  'status',
  'error',
  'duration_ms',
  'access_right',
  'head_digest',
  'body_digest',
  'body_size',
  'signer',
  'key_id',
  'signature',
  'signed_at',
  'hash_chain',
  'verified',
  'hash',
] as const;

async function summarise(
  signatures: Signatures,
  request: MessageLogTable,
  response: MessageLogTable | undefined,
): Promise<Exchange> {
  const holds = await Promise.all([
    signatureHolds(signatures, request),
    response ? signatureHolds(signatures, response) : false,
  ]);
  return {
    exchangeId: request.exchange_id,
    messageId: request.message_id,
    at: request.at,
    client: request.client,
    operator: request.operator,
    service: request.service,
    method: request.method,
    path: request.path,
    correlationId: request.correlation_id,
    traceId: request.trace_id,
    status: response?.status ?? null,
    error: response?.error ?? null,
    durationMs: response?.duration_ms ?? null,
    right: response?.access_right ?? null,
    verified: holds.every(Boolean),
  };
}

/** The exchanges of one correlation id in the order in which they were made, at most `limit`. */
export async function exchangesByCorrelation(
  db: Kysely<MediatorTables>,
  signatures: Signatures,
  scope: Scope,
  correlationId: string,
  limit: number,
): Promise<{ readonly exchanges: Exchange[]; readonly hasMore: boolean }> {
  const requests = await db
    .selectFrom('message_log')
    .select(columns)
    .where('correlation_id', '=', correlationId)
    .where('kind', '=', 'request')
    .where(within(scope))
    .orderBy('seq')
    .limit(limit + 1)
    .execute();
  const shown = requests.slice(0, limit);
  const responses = new Map(
    shown.length === 0
      ? []
      : (
          await db
            .selectFrom('message_log')
            .select(columns)
            .where(
              'exchange_id',
              'in',
              shown.map((row) => row.exchange_id),
            )
            .where('kind', '=', 'response')
            .execute()
        ).map((row) => [row.exchange_id, row]),
  );
  return {
    exchanges: await Promise.all(
      shown.map((request) => summarise(signatures, request, responses.get(request.exchange_id))),
    ),
    hasMore: requests.length > limit,
  };
}

/** Exchanges by their ids. */
export async function exchangesByIds(
  db: Kysely<MediatorTables>,
  signatures: Signatures,
  ids: readonly string[],
): Promise<Map<string, Exchange>> {
  if (ids.length === 0) return new Map();
  const rows = await db.selectFrom('message_log').select(columns).where('exchange_id', 'in', ids).execute();
  const responses = new Map(
    rows.filter(({ kind }) => kind === 'response').map((row) => [row.exchange_id, row]),
  );
  const found = await Promise.all(
    rows
      .filter(({ kind }) => kind === 'request')
      .map((request) => summarise(signatures, request, responses.get(request.exchange_id))),
  );
  return new Map(found.map((exchange) => [exchange.exchangeId, exchange]));
}

const evidenceOf = async (signatures: Signatures, row: MessageLogTable): Promise<MessageEvidence> => ({
  sequence: row.seq,
  at: row.at,
  headDigest: row.head_digest.toString('base64'),
  bodyDigest: row.body_digest?.toString('base64') ?? null,
  hash: hashOf(row).toString('base64'),
  bodySize: row.body_size,
  signer: row.signer,
  keyId: row.key_id,
  signature: row.signature?.toString('base64') ?? null,
  signedAt: row.signed_at,
  hashChain: row.hash_chain?.toString('base64') ?? null,
  verifiedOnReceipt: row.verified,
  signatureHolds: await signatureHolds(signatures, row),
  chainHash: row.hash.toString('base64'),
});

/** One exchange with the evidence of both its messages, never their contents. */
export async function exchangeById(
  db: Kysely<MediatorTables>,
  signatures: Signatures,
  scope: Scope,
  exchangeId: string,
): Promise<ExchangeEvidence | undefined> {
  const rows = await db
    .selectFrom('message_log')
    .select(columns)
    .where('exchange_id', '=', exchangeId)
    .where(within(scope))
    .execute();
  const request = rows.find((row) => row.kind === 'request');
  const response = rows.find((row) => row.kind === 'response');
  if (!request) return undefined;
  return {
    ...(await summarise(signatures, request, response)),
    request: await evidenceOf(signatures, request),
    response: response ? await evidenceOf(signatures, response) : null,
  };
}
