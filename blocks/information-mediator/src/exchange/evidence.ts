import type { KeyObject } from 'node:crypto';
import type { LogRecord } from '../evidence/chain.ts';
import { sealContents } from '../evidence/contents.ts';
import { digestsOf, type Message, messageHash } from '../evidence/message.ts';
import type { MessageLog } from '../evidence/message-log.ts';
import type { Signature, Signatures } from '../evidence/signature.ts';
import type { ExchangeFacts } from './request.ts';

/** A message that its sender's side has signed and the receiving side has checked. */
export interface Witnessed {
  readonly message: Message;
  readonly hash: Buffer;
  readonly signature: Signature | undefined;
  readonly verified: boolean;
  readonly digests: ReturnType<typeof digestsOf>;
}

export interface Keeping {
  /** Seals messages in the log; undefined: only digests and signatures are kept. */
  readonly key: KeyObject | undefined;
  /** Larger bodies are kept as digest only. */
  readonly bodyLimit: number;
}

export interface Evidence {
  /** Signs a message as `signer` and checks the signature as its receiver does. Without a signer it stays unsigned. */
  witness(message: Message, signer: string | undefined): Promise<Witnessed>;
  /** Resolves when the message is on record. */
  record(
    witnessed: Witnessed,
    facts: ExchangeFacts,
    outcome: Pick<LogRecord, 'kind' | 'status' | 'error' | 'durationMs' | 'accessRight'>,
  ): Promise<void>;
}

export function createEvidence(signatures: Signatures, log: MessageLog, keeping: Keeping): Evidence {
  return {
    async witness(message, signer) {
      const digests = digestsOf(message);
      const hash = messageHash(digests);
      const signature = signer === undefined ? undefined : await signatures.sign(signer, hash);
      const verified = signature !== undefined && (await signatures.verify(hash, signature));
      return { message, digests, hash, signature, verified };
    },
    record({ message, digests, signature, verified }, facts, outcome) {
      const { key, bodyLimit } = keeping;
      const contents = key && sealContents(key, message, bodyLimit, facts.exchangeId, outcome.kind);
      return log.append(
        {
          ...facts,
          ...outcome,
          at: new Date(),
          headDigest: digests.head,
          bodyDigest: digests.body,
          bodySize: message.body.length,
          signature,
          verified,
        },
        contents,
      );
    },
  };
}
