import { CompactSign, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { Payments } from '../payments-context.ts';

/** Header with a detached JWS (RFC 7515 appendix F) over the bytes of the body. */
export const signatureHeader = 'x-jws-signature';

export interface Signer {
  readonly publicKey: JWK;
  /** A detached JWS over the body. */
  sign(body: string): Promise<string>;
  /** A JWS that carries the body. */
  signWhole(body: string): Promise<string>;
}

export interface SigningKey {
  readonly id: string;
  readonly publicKey: JWK;
  readonly privateKey: Awaited<ReturnType<typeof importJWK>>;
}

/**
 * An ES256 key of the block's own. Made on first use; two processes that start together agree on one. The private half
 * is kept sealed.
 */
export async function loadSigningKey(
  { db, vault }: Pick<Payments, 'db' | 'vault'>,
  id: string,
): Promise<SigningKey> {
  const read = () =>
    db
      .selectFrom('signing_key')
      .select(['public_key', 'private_cipher'])
      .where('id', '=', id)
      .executeTakeFirst();
  let row = await read();
  if (!row) {
    const pair = await generateKeyPair('ES256', { extractable: true });
    const privateKey = JSON.stringify(await exportJWK(pair.privateKey));
    const publicKey = { ...(await exportJWK(pair.publicKey)), kid: id, alg: 'ES256', use: 'sig' };
    await db
      .insertInto('signing_key')
      .values({
        id,
        public_key: JSON.stringify(publicKey),
        private_cipher: vault.seal(privateKey, `signing-key/${id}`),
      })
      .onConflict((clash) => clash.column('id').doNothing())
      .execute();
    row = await read();
  }
  if (!row) throw new Error('the signing key could not be stored');
  const privateKey = JSON.parse(vault.open(row.private_cipher, `signing-key/${id}`)) as JWK;
  return { id, publicKey: row.public_key, privateKey: await importJWK(privateKey, 'ES256') };
}

/** Signs messages that leave without the mediator. */
export async function loadSigner(payments: Pick<Payments, 'db' | 'vault'>): Promise<Signer> {
  const { publicKey, privateKey } = await loadSigningKey(payments, 'callbacks');
  const signWhole = (body: string): Promise<string> =>
    new CompactSign(new TextEncoder().encode(body))
      .setProtectedHeader({ alg: 'ES256', kid: 'callbacks' })
      .sign(privateKey);
  return {
    publicKey,
    signWhole,
    async sign(body) {
      const [header, , signature] = (await signWhole(body)).split('.');
      return `${header}..${signature}`;
    },
  };
}
