import { type KeyObject, sign, verify } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Keyring, SigningKey } from '../keys/keyring.ts';
import { buildHashTree, rootOf } from './hash-tree.ts';

/** A member's signature under one message, made together with others over a hash tree. */
export interface Signature {
  readonly signer: string;
  readonly keyId: string;
  /** ECDSA P-256 with SHA-256 over the root of the tree, IEEE P1363 form. */
  readonly value: Buffer;
  /** From this message to the root. */
  readonly hashChain: Buffer;
}

const signAsync = promisify(sign) as unknown as (
  algorithm: string,
  data: Buffer,
  key: { key: KeyObject; dsaEncoding: 'ieee-p1363' },
) => Promise<Buffer>;
const verifyAsync = promisify(verify) as unknown as (
  algorithm: string,
  data: Buffer,
  key: { key: KeyObject; dsaEncoding: 'ieee-p1363' },
  signature: Buffer,
) => Promise<boolean>;

/** Sets what is signed here apart from anything else these keys could sign. */
const statement = (root: Buffer): Buffer => Buffer.concat([Buffer.from('govstack-message-v1\0'), root]);

interface Waiting {
  readonly hash: Buffer;
  readonly done: (signature: Signature) => void;
  readonly fail: (error: Error) => void;
}

const maxBatch = 1024;
/** Milliseconds in which messages gather for one signature while there are many. */
const gatherMs = 1;

/**
 * Signs with one key: all that arrives while a signature is being made, or in the moment after, shares the next one.
 * `check` looks at each signature once, for all that share it.
 */
function createSigner(
  key: SigningKey,
  check: (root: Buffer, value: Buffer, signatures: readonly Signature[]) => void,
): (hash: Buffer) => Promise<Signature> {
  let waiting: Waiting[] = [];
  let busy = false;

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxBatch);
      waiting = waiting.slice(maxBatch);
      try {
        const { root, chains } = buildHashTree(batch.map(({ hash }) => hash));
        const value = await signAsync('sha256', statement(root), {
          key: key.privateKey,
          dsaEncoding: 'ieee-p1363',
        });
        const signatures = chains.map(
          (hashChain): Signature => ({ signer: key.owner, keyId: key.keyId, value, hashChain }),
        );
        check(root, value, signatures);
        for (const [index, one] of batch.entries()) one.done(signatures[index] as Signature);
        // Under load a signature costs more than waiting for those who come next.
        if (batch.length > 1) await pause(gatherMs);
      } catch (error) {
        for (const one of batch) one.fail(error as Error);
      }
    }
    busy = false;
  }

  return (hash) =>
    new Promise((done, fail) => {
      waiting.push({ hash, done, fail });
      if (busy) return;
      busy = true;
      // Left to the next turn of the event loop, so that messages of this turn share a signature.
      setImmediate(() => void work());
    });
}

export interface Signatures {
  /** Signs a message hash as a member. */
  sign(member: string, hash: Buffer): Promise<Signature>;
  /** Whether `signature` is `signer`'s, under this message hash. */
  verify(hash: Buffer, signature: Signature): Promise<boolean>;
}

const rememberedRoots = 2000;

export function openSignatures(keyring: Keyring): Signatures {
  const signers = new Map<string, (hash: Buffer) => Promise<Signature>>();
  /** Signatures made here, and whether they hold: checked once for all that share one. */
  const made = new WeakMap<Signature, Promise<boolean>>();
  /** Outcomes by key, root and signature: messages signed together need one check. */
  const outcomes = new Map<string, Promise<boolean>>();

  function checkRoot(publicKey: KeyObject, { keyId, value }: Signature, root: Buffer): Promise<boolean> {
    const name = `${keyId} ${root.toString('base64')} ${value.toString('base64')}`;
    const known = outcomes.get(name);
    if (known) return known;
    const outcome = verifyAsync(
      'sha256',
      statement(root),
      { key: publicKey, dsaEncoding: 'ieee-p1363' },
      value,
    );
    outcomes.set(name, outcome);
    outcome.catch(() => outcomes.delete(name));
    if (outcomes.size > rememberedRoots) outcomes.delete(outcomes.keys().next().value as string);
    return outcome;
  }

  return {
    async sign(member, hash) {
      const key = await keyring.current(member, 'message');
      const signer =
        signers.get(key.keyId) ??
        createSigner(key, (root, value, signatures) => {
          const holds = verifyAsync(
            'sha256',
            statement(root),
            { key: key.publicKey, dsaEncoding: 'ieee-p1363' },
            value,
          );
          for (const signature of signatures) made.set(signature, holds);
        });
      signers.set(key.keyId, signer);
      return signer(hash);
    },
    async verify(hash, signature) {
      const own = made.get(signature);
      if (own) return own;
      const known = await keyring.find(signature.keyId);
      const root = rootOf(hash, signature.hashChain);
      if (!known || known.owner !== signature.signer || !root) return false;
      return checkRoot(known.publicKey, signature, root);
    },
  };
}
