import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { open, seal } from './sealed-box.ts';

/** A member's key: every request and response of its applications is signed with it. */
export interface SigningKey {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const thumbprint = (jwk: JsonWebKey): string =>
  createHash('sha256')
    .update(JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }))
    .digest('base64url');

/** A new P-256 key: the private half sealed for the database, the public half as JWK. */
export function newSigningKey(sealingKey: Buffer): { sealed: Buffer; publicJwk: JsonWebKey } {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    sealed: seal(sealingKey, pair.privateKey.export({ type: 'pkcs8', format: 'der' })),
    publicJwk: pair.publicKey.export({ format: 'jwk' }),
  };
}

export function openSigningKey(sealingKey: Buffer, sealed: Buffer, publicJwk: JsonWebKey): SigningKey {
  return {
    keyId: thumbprint(publicJwk),
    privateKey: createPrivateKey({ key: open(sealingKey, sealed), type: 'pkcs8', format: 'der' }),
    publicKey: createPublicKey({ key: publicJwk, format: 'jwk' }),
  };
}

/** ECDSA P-256 with SHA-256, IEEE P1363 form (64 bytes). */
export const signDigest = (key: SigningKey, digest: Buffer): Buffer =>
  sign('sha256', digest, { key: key.privateKey, dsaEncoding: 'ieee-p1363' });

export const verifyDigest = (publicKey: KeyObject, digest: Buffer, signature: Buffer): boolean =>
  verify('sha256', digest, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
