import {
  createECDH,
  createHmac,
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  sign,
  verify,
} from 'node:crypto';

/** Signs and verifies for the block as a whole: compact JWS (ES256). */
export interface Sealer {
  readonly publicJwk: JsonWebKey;
  sign(payload: string): string;
  /** True when `jws` is this block's signature over exactly `payload`. */
  verify(payload: string, jws: string): boolean;
}

/** The block's P-256 key follows from its secret: the same after every restart, stored nowhere. */
function derivedJwk(secret: Buffer): JsonWebKey {
  for (let counter = 0; ; counter += 1) {
    const scalar = createHmac('sha256', secret).update(`p256/${counter}`).digest();
    const curve = createECDH('prime256v1');
    try {
      curve.setPrivateKey(scalar);
    } catch {
      continue; // Not a valid scalar: one in 2^32.
    }
    const point = curve.getPublicKey();
    return {
      kty: 'EC',
      crv: 'P-256',
      x: point.subarray(1, 33).toString('base64url'),
      y: point.subarray(33, 65).toString('base64url'),
      d: scalar.toString('base64url'),
    };
  }
}

export function createSealer(secret: Buffer): Sealer {
  const { d, ...publicJwk } = derivedJwk(secret);
  const privateKey = createPrivateKey({ key: { ...publicJwk, d } as JsonWebKey, format: 'jwk' });
  const publicKey = createPublicKey({ key: publicJwk, format: 'jwk' });
  const header = Buffer.from(JSON.stringify({ alg: 'ES256' })).toString('base64url');
  const signingInput = (payload: string): string => `${header}.${Buffer.from(payload).toString('base64url')}`;
  return {
    publicJwk,
    sign(payload) {
      const input = signingInput(payload);
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${input}.${signature.toString('base64url')}`;
    },
    verify(payload, jws) {
      const input = signingInput(payload);
      if (!jws.startsWith(`${input}.`)) return false;
      const signature = Buffer.from(jws.slice(input.length + 1), 'base64url');
      return verify('sha256', Buffer.from(input), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
    },
  };
}
