import { changeDigest, contentDigest, type LoggedFacts, type Scheme } from './change-digest.ts';
import { NotProven, readCheckpoints } from './checkpoint.ts';
import { reachedBy } from './hash-tree.ts';

/** A change as `exportChanges` gives it out. Digests are hexadecimal. */
export interface ProvenChange extends LoggedFacts {
  readonly position: string;
  readonly scheme: number;
  readonly beforeDigest: string | null;
  readonly afterDigest: string | null;
  readonly digest: string;
  readonly checkpoint: number;
  /** base64 */
  readonly path: string;
  /** JSON texts as they are kept, and the salt (hexadecimal) of their digests. */
  readonly content?: {
    readonly salt: string | null;
    readonly before: string | null;
    readonly after: string | null;
  };
}

export interface VerifiedChange {
  readonly position: string;
  readonly record: string;
  readonly action: string;
  readonly at: string;
  /** When the checkpoint over it was signed: it has not changed since. */
  readonly sealedBy: string;
  /** What it said was given and is what was written. */
  readonly contentVerified: boolean;
}

export interface Evidence {
  /** Signed checkpoints in order, as far as changes refer to them, none left out in between. */
  readonly checkpoints: readonly string[];
  /** The public keys, from a source that is trusted. */
  readonly keys: readonly Readonly<Record<string, unknown>>[];
  readonly changes: readonly ProvenChange[];
}

const bytes = (hex: string | null): Buffer | null => (hex === null ? null : Buffer.from(hex, 'hex'));
const same = (one: Buffer | null, other: Buffer | null): boolean =>
  one === null || other === null ? one === other : one.equals(other);

/** Verifies that changes are in the chain and are what they were. Throws `NotProven` with the reason. */
export async function verifyProofs({ checkpoints, keys, changes }: Evidence): Promise<VerifiedChange[]> {
  const known = new Map((await readCheckpoints(checkpoints, keys)).map((one) => [one.number, one]));
  return changes.map((change) => {
    const refuse = (why: string): never => {
      throw new NotProven(`change ${change.position}: ${why}`);
    };
    const checkpoint = known.get(change.checkpoint) ?? refuse(`checkpoint ${change.checkpoint} is not there`);
    if (!/^\d{1,18}$/.test(change.position)) refuse('has no place in the chain');
    const position = BigInt(change.position);
    if (position < BigInt(checkpoint.from) || position > BigInt(checkpoint.to))
      refuse('is not under its checkpoint');
    const [before, after] = [bytes(change.beforeDigest), bytes(change.afterDigest)];
    const digest = Buffer.from(change.digest, 'hex');
    if (change.scheme !== 2 && change.scheme !== 3)
      refuse(`digests of scheme ${change.scheme} are not exported`);
    const scheme = change.scheme as Exclude<Scheme, 1>;
    if (!changeDigest(scheme, change, before, after).equals(digest)) refuse('is not what its digest says');
    const root = reachedBy(position, digest, Buffer.from(change.path, 'base64'));
    if (root?.toString('hex') !== checkpoint.root) refuse('does not lead to the root that was signed');
    const { content } = change;
    if (content) {
      const salt = bytes(content.salt) ?? refuse('comes without the salt of its contents');
      for (const [side, text, expected] of [
        ['before', content.before, before],
        ['after', content.after, after],
      ] as const)
        if (!same(contentDigest(scheme, salt, side, text), expected)) refuse(`said something else ${side}`);
    }
    return {
      position: change.position,
      record: change.record,
      action: change.action,
      at: change.at,
      sealedBy: checkpoint.at,
      contentVerified: content !== undefined,
    };
  });
}
