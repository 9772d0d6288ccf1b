import { hash } from 'node:crypto';
import type { Signature } from './signature.ts';

/** One request or response on its way into the log. */
export interface LogRecord {
  readonly exchangeId: string;
  readonly kind: 'request' | 'response';
  readonly at: Date;
  readonly messageId: string;
  readonly client: string;
  readonly operator: string | undefined;
  readonly service: string;
  readonly method: string;
  /** Without its query: that is in the sealed content only. */
  readonly path: string;
  readonly correlationId: string;
  readonly traceId: string;
  readonly status?: number;
  readonly error?: string;
  readonly durationMs?: number;
  /** The right under which the call was allowed. */
  readonly accessRight?: string;
  readonly headDigest: Buffer;
  readonly bodyDigest: Buffer | undefined;
  readonly bodySize: number;
  readonly signature: Signature | undefined;
  /** The receiving side checked the signature before it acted on the message. */
  readonly verified: boolean;
}

/** Where a chain begins. */
export const genesis: Buffer = Buffer.alloc(32);

/** The hash of a record and, through `previous`, of all before it. What it covers, and in which order, is fixed. */
export function chainHash(previous: Buffer, seq: bigint, record: LogRecord): Buffer {
  const { signature } = record;
  const facts = [
    seq.toString(),
    record.exchangeId,
    record.kind,
    record.at.toISOString(),
    record.messageId,
    record.client,
    record.operator ?? null,
    record.service,
    record.method,
    record.path,
    record.correlationId,
    record.traceId,
    record.status ?? null,
    record.error ?? null,
    record.durationMs ?? null,
    record.accessRight ?? null,
    record.headDigest.toString('base64'),
    record.bodyDigest?.toString('base64') ?? null,
    record.bodySize,
    signature?.signer ?? null,
    signature?.keyId ?? null,
    signature?.value.toString('base64') ?? null,
    signature?.hashChain.toString('base64') ?? null,
    record.verified,
    // Left out where there is none: records from before it was kept are hashed as they were.
    ...(signature?.signedAt ? [signature.signedAt.toISOString()] : []),
  ];
  return hash('sha256', Buffer.concat([previous, Buffer.from(JSON.stringify(facts))]), 'buffer');
}
