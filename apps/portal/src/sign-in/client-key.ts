import { createECDH, createHash, type webcrypto } from 'node:crypto';

/** Order of the P-256 group. */
const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

export interface ClientKey {
  readonly kid: string;
  readonly publicJwk: Readonly<Record<string, string>>;
  privateKey(): Promise<webcrypto.CryptoKey>;
}

/**
 * The portal's ES256 key as an OpenID client, made from its secret: the same after a restart and on every replica,
 * and nothing to store. `seed` has at least 32 secret bytes.
 */
export function clientKey(seed: Uint8Array): ClientKey {
  // 64 bytes reduced modulo the order leave no measurable bias.
  const wide = BigInt(`0x${createHash('sha512').update(seed).digest('hex')}`);
  const scalar = (wide % (order - 1n)) + 1n;
  const d = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex');
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(d);
  const point = curve.getPublicKey();
  const coordinates = {
    kty: 'EC',
    crv: 'P-256',
    x: base64url(point.subarray(1, 33)),
    y: base64url(point.subarray(33)),
  };
  const thumbprint = `{"crv":"P-256","kty":"EC","x":"${coordinates.x}","y":"${coordinates.y}"}`;
  const kid = createHash('sha256').update(thumbprint).digest('base64url');
  return {
    kid,
    publicJwk: { ...coordinates, kid, alg: 'ES256', use: 'sig' },
    privateKey: () =>
      crypto.subtle.importKey(
        'jwk',
        { ...coordinates, d: base64url(d) },
        { name: 'ECDSA', namedCurve: 'P-256' },
        false,
        ['sign'],
      ),
  };
}
