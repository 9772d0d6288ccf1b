import { hash as digest, type KeyObject, sign, verify } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Keyring, SigningKey } from '../keys/keyring.ts';
import { buildHashTree, rootOf } from './hash-tree.ts';
import { signedInfo } from './signed-info.ts';

/** A member's signature under one message, made together with others over a hash tree. */
export interface Signature {
  readonly signer: string;
  readonly keyId: string;
  /** ECDSA P-256 with SHA-256, IEEE P1363 form as XML signatures have it, over the statement about the root. */
  readonly value: Buffer;
  /** Stands in the statement. Undefined: signed without a certificate, in the form that names the root alone. */
  readonly signedAt: Date | undefined;
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

/** Certificates of keys, as far as signing goes; see `src/trust/`. */
export interface SignerCertificates {
  /** The certificate of a key, DER; undefined as long as it has none. */
  certificateOf(keyId: string): Promise<Buffer | undefined>;
  /** Has the responder's word on a certificate put on record when the last one is no longer fresh. */
  acceptSigner(der: Buffer): Promise<unknown>;
}

interface Moment {
  readonly signedAt: Date;
  readonly certificateDigest: Buffer;
}

/** Sets what is signed here apart from anything else these keys could sign. */
const statement = (root: Buffer, moment: Moment | undefined): Buffer =>
  moment
    ? Buffer.from(signedInfo({ root, ...moment }))
    : Buffer.concat([Buffer.from('govstack-message-v1\0'), root]);

const sha256 = (der: Buffer): Buffer => digest('sha256', der, 'buffer');

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
  certificateDigest: () => Promise<Buffer | undefined>,
  check: (signed: Buffer, value: Buffer, signatures: readonly Signature[]) => void,
): (hash: Buffer) => Promise<Signature> {
  let waiting: Waiting[] = [];
  let busy = false;

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxBatch);
      waiting = waiting.slice(maxBatch);
      try {
        const tree = buildHashTree(batch.map(({ hash }) => hash));
        const { root } = tree;
        const certificate = await certificateDigest();
        const signedAt = certificate && new Date();
        const signed = statement(
          root,
          certificate && signedAt && { signedAt, certificateDigest: certificate },
        );
        const value = await signAsync('sha256', signed, { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
        const signatures = batch.map((_, leaf): Signature => {
          const hashChain = tree.chainOf(leaf);
          return { signer: key.owner, keyId: key.keyId, value, signedAt, hashChain };
        });
        check(signed, value, signatures);
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
/** Milliseconds between looks at the state of a key's certificate. */
const lookMs = 1000;

/**
 * The digest of a key's certificate, for each signature. Whether the certificate is good is asked before the first
 * signature and from then on beside them: the answer is evidence, those who receive the message decide on it.
 */
function certificateOf(keyId: string, certificates: SignerCertificates): () => Promise<Buffer | undefined> {
  let known: Buffer | undefined;
  let certificate: Buffer | undefined;
  let due = 0;
  return async () => {
    if (Date.now() < due) return known;
    due = Date.now() + lookMs;
    if (certificate) {
      certificates.acceptSigner(certificate).catch(() => undefined);
      return known;
    }
    const found = await certificates.certificateOf(keyId);
    if (!found) return undefined;
    await certificates.acceptSigner(found);
    certificate = found;
    known = sha256(found);
    return known;
  };
}

export function openSignatures(keyring: Keyring, certificates: SignerCertificates): Signatures {
  const signers = new Map<string, (hash: Buffer) => Promise<Signature>>();
  /** Signatures made here, and whether they hold: checked once for all that share one. */
  const made = new WeakMap<Signature, Promise<boolean>>();
  /** Outcomes by key, root and signature: messages signed together need one check. */
  const outcomes = new Map<string, Promise<boolean>>();

  async function holds(
    publicKey: KeyObject,
    { keyId, value, signedAt }: Signature,
    root: Buffer,
  ): Promise<boolean> {
    const certificate = signedAt && (await certificates.certificateOf(keyId));
    if (signedAt && !certificate) return false;
    const moment = signedAt && certificate && { signedAt, certificateDigest: sha256(certificate) };
    return verifyAsync(
      'sha256',
      statement(root, moment),
      { key: publicKey, dsaEncoding: 'ieee-p1363' },
      value,
    );
  }

  function checkRoot(publicKey: KeyObject, signature: Signature, root: Buffer): Promise<boolean> {
    const { keyId, value, signedAt } = signature;
    const name = `${keyId} ${root.toString('base64')} ${value.toString('base64')} ${signedAt?.getTime() ?? ''}`;
    const known = outcomes.get(name);
    if (known) return known;
    const outcome = holds(publicKey, signature, root);
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
        createSigner(key, certificateOf(key.keyId, certificates), (signed, value, signatures) => {
          const holds = verifyAsync(
            'sha256',
            signed,
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
