import type { KeyObject } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { LogRecord } from '../evidence/chain.ts';
import { sealContents, writeParts } from '../evidence/contents.ts';
import { type Digests, digestsOf, type Message, messageHash } from '../evidence/message.ts';
import type { MessageLog } from '../evidence/message-log.ts';
import type { Signature, Signatures } from '../evidence/signature.ts';
import type { MediatorTables } from '../tables.ts';
import type { ExchangeFacts } from './request.ts';

/** A message with what its sender's side says of it and the receiving side has found. */
export interface Witnessed {
  readonly message: Message;
  readonly hash: Buffer;
  readonly signature: Signature | undefined;
  readonly verified: boolean;
  readonly digests: Digests;
}

export interface Keeping {
  /** Seals messages in the log; undefined: only digests and signatures are kept. */
  readonly key: KeyObject | undefined;
  /** Larger bodies are kept as digest only. */
  readonly bodyLimit: number;
}

/** Time stamps for messages that must have one before they go on. */
export interface StampingAtOnce {
  /** Of these services. */
  readonly services: ReadonlySet<string>;
  /** Rejects when the record at a place has none. */
  stamped(seq: bigint): Promise<void>;
}

export type RecordOutcome = Pick<LogRecord, 'kind' | 'status' | 'error' | 'durationMs' | 'accessRight'>;

export interface Evidence {
  /** Signs a message as `signer` and checks the signature as its receiver does. Without a signer it stays unsigned. */
  witness(message: Message, signer: string | undefined): Promise<Witnessed>;
  /** Checks a message that another server has signed. */
  check(message: Message, signature: Signature): Promise<Witnessed>;
  /** Resolves when the message is on record, and stamped where that is wanted. Rejects with `NotStamped` if not. */
  record(witnessed: Witnessed, facts: ExchangeFacts, outcome: RecordOutcome): Promise<void>;
}

export function createEvidence(
  db: Kysely<MediatorTables>,
  signatures: Signatures,
  log: MessageLog,
  keeping: Keeping,
  stamping: StampingAtOnce,
): Evidence {
  async function checked(
    message: Message,
    digests: Digests,
    hash: Buffer,
    signature: Signature | undefined,
  ): Promise<Witnessed> {
    const verified = signature !== undefined && (await signatures.verify(hash, signature));
    return { message, digests, hash, signature, verified };
  }
  return {
    check(message, signature) {
      const digests = digestsOf(message);
      return checked(message, digests, messageHash(digests), signature);
    },
    async witness(message, signer) {
      const digests = digestsOf(message);
      const hash = messageHash(digests);
      const signature = signer === undefined ? undefined : await signatures.sign(signer, hash);
      return checked(message, digests, hash, signature);
    },
    async record({ message, digests, signature, verified }, facts, outcome) {
      const { key, bodyLimit } = keeping;
      const { exchangeId } = facts;
      const { body } = message;
      const contents = key && sealContents(key, message, bodyLimit, exchangeId, outcome.kind);
      if (key && !body.bytes && body.size <= bodyLimit)
        await writeParts(db, key, body, exchangeId, outcome.kind);
      const seq = await log.append(
        {
          ...facts,
          ...outcome,
          at: new Date(),
          headDigest: digests.head,
          bodyDigest: digests.body,
          bodySize: body.size,
          signature,
          verified,
        },
        contents,
      );
      if (stamping.services.has(facts.service)) await stamping.stamped(seq);
    },
  };
}
