import { compactVerify, importJWK } from 'jose';
import { sha256 } from './change-digest.ts';

export const checkpointType = 'registry-checkpoint+jws';

/** What a checkpoint says of the chain of changes. Hashes are hexadecimal, places in the chain whole numbers. */
export interface CheckpointClaims {
  readonly number: number;
  readonly from: string;
  readonly to: string;
  /** The chain at `to`. */
  readonly chain: string;
  /** Root of the tree over the changes `from` to `to`. */
  readonly root: string;
  /** SHA-256 of the signed checkpoint before; null of the first. */
  readonly previous: string | null;
  readonly at: string;
}

/** Why evidence does not hold. */
export class NotProven extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotProven';
  }
}

/** What a signed checkpoint says; throws `NotProven` unless one of the keys has signed it. */
export async function readCheckpoint(
  signed: string,
  keys: readonly Readonly<Record<string, unknown>>[],
): Promise<CheckpointClaims> {
  try {
    const { payload } = await compactVerify(
      signed,
      async ({ kid }) => importJWK(keys.find((key) => key.kid === kid) as never, 'ES256'),
      { algorithms: ['ES256'] },
    );
    return JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch (error) {
    throw new NotProven(`a checkpoint is not signed by a known key: ${(error as Error).message}`);
  }
}

/** Checkpoints in order, none left out, each naming the one before; throws `NotProven` where they are not. */
export async function readCheckpoints(
  signed: readonly string[],
  keys: readonly Readonly<Record<string, unknown>>[],
): Promise<CheckpointClaims[]> {
  const read = await Promise.all(signed.map((one) => readCheckpoint(one, keys)));
  for (const [index, one] of read.entries()) {
    const before = read[index - 1];
    if (!before) continue;
    const linked = one.previous === sha256(signed[index - 1] as string).toString('hex');
    if (!linked || one.number !== before.number + 1 || BigInt(one.from) !== BigInt(before.to) + 1n)
      throw new NotProven(`checkpoint ${one.number} does not follow on checkpoint ${before.number}`);
  }
  return read;
}
