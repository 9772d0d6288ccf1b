import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import canonicalize from 'canonicalize';
import { refusal } from './refusal.ts';

/** A public key of a sender. */
export type Key = JsonWebKey & { readonly kid: string };

type Algorithm = 'ed25519' | 'rs256';
/** Longest time, in seconds, for which a signature may be made out. */
const longestLife = 86_400;
/** Seconds by which clocks may differ. */
const tolerance = 60;
const ourLife = 300;
/** What clients without keys write where a signature stands. */
const placeholder = /^\s*(unsigned\b.*)?$/i;

/**
 * The digest of a message: over the canonical form (RFC 8785) of `{"header": …, "message": …}`, so that neither order
 * nor white space counts.
 */
const digestOf = (header: unknown, message: unknown): string =>
  `SHA-256=${createHash('sha256')
    .update(canonicalize({ header, message }) as string)
    .digest('base64')}`;

/** What is signed: the lines of an HTTP signature. */
const signedText = (created: number, expires: number, digest: string): Buffer =>
  Buffer.from(`(created): ${created}\n(expires): ${expires}\ndigest: ${digest}`);

/** `namespace="spdci", keyId="sender|key|alg", algorithm=…, created=…, expires=…, headers=…, signature=…` */
function parts(signature: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, name, quoted, bare] of signature
    .replace(/^\s*Signature:?\s+/i, '')
    .matchAll(/([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^\s",]+))/g))
    if (name !== undefined) found.set(name.toLowerCase(), quoted ?? bare ?? '');
  return found;
}

const algorithmOf = (name: string | undefined): Algorithm | undefined => {
  if (/^(ed25519|eddsa)$/i.test(name ?? '')) return 'ed25519';
  return /^(rs256|rsa-sha256)$/i.test(name ?? '') ? 'rs256' : undefined;
};

const fits = (key: KeyObject, algorithm: Algorithm): boolean =>
  algorithm === 'ed25519'
    ? key.asymmetricKeyType === 'ed25519'
    : key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;

/** Reads a key a sender is registered with; undefined when it is none that signatures are verified with. */
export function publicKeyOf(jwk: JsonWebKey): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return fits(key, 'ed25519') || fits(key, 'rs256') ? key : undefined;
  } catch {
    return undefined;
  }
}

export interface Signed {
  readonly signature?: string | undefined;
  readonly header: { readonly sender_id: string };
  readonly message: unknown;
}

/**
 * Verifies the signature of a message with the keys of its sender. One that is there must hold even where none is
 * demanded. Throws `err.signature.missing` and `err.signature.invalid`.
 */
export function verifySignature(
  { signature, header, message }: Signed,
  keys: readonly Key[],
  demanded: boolean,
  now: Date,
): void {
  if (signature === undefined || placeholder.test(signature)) {
    if (demanded) throw refusal(401, 'err.signature.missing', 'This sender must sign its messages');
    return;
  }
  const invalid = (detail: string): Error => refusal(401, 'err.signature.invalid', detail);
  const given = parts(signature);
  const [sender, kid, named] = (given.get('keyid') ?? given.get('kidid') ?? '').split('|');
  const algorithm = algorithmOf(given.get('algorithm') ?? named);
  if (!algorithm || (named !== undefined && algorithmOf(named) !== algorithm))
    throw invalid('The algorithm must be ed25519 or RS256, and the one of the key');
  const jwk = sender === header.sender_id ? keys.find((key) => key.kid === kid) : undefined;
  const key = jwk && publicKeyOf(jwk);
  if (!key || !fits(key, algorithm)) throw invalid('The key is not one of this sender');
  const created = Number(given.get('created'));
  const expires = Number(given.get('expires'));
  const seconds = now.getTime() / 1000;
  if (!Number.isSafeInteger(created) || !Number.isSafeInteger(expires) || expires - created > longestLife)
    throw invalid(`created and expires must be seconds, at most ${longestLife} apart`);
  if (created > seconds + tolerance || expires < seconds - tolerance)
    throw invalid('The signature is not in force now');
  if (!/^\(created\) \(expires\) digest$/.test(given.get('headers') ?? ''))
    throw invalid('headers must be "(created) (expires) digest"');
  const text = signedText(created, expires, digestOf(header, message));
  const bytes = Buffer.from(given.get('signature') ?? '', 'base64');
  if (!verify(algorithm === 'ed25519' ? null : 'sha256', text, key, bytes))
    throw invalid('The signature is not of this message');
}

/** What a registry signs its answers and callbacks with. */
export interface Signer {
  readonly publicKey: Key;
  sign(senderId: string, header: unknown, message: unknown, now: Date): string;
}

const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The Ed25519 key of an owner, made from 32 secret bytes that are its own. */
export function signerFrom(seed: Buffer): Signer {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' });
  const jwk = createPublicKey(key as never).export({ format: 'jwk' });
  const kid = createHash('sha256').update(String(jwk.x)).digest('base64url').slice(0, 16);
  return {
    publicKey: { ...jwk, kid, alg: 'EdDSA', use: 'sig' },
    sign(senderId, header, message, now) {
      const created = Math.floor(now.getTime() / 1000);
      const expires = created + ourLife;
      const bytes = sign(null, signedText(created, expires, digestOf(header, message)), key);
      return `Signature: namespace="spdci", keyId="${senderId}|${kid}|ed25519", algorithm="ed25519", created="${created}", expires="${expires}", headers="(created) (expires) digest", signature="${bytes.toString('base64')}"`;
    },
  };
}
