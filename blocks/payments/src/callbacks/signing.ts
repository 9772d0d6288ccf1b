import { CompactSign, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { Payments } from '../payments-context.ts';

/** Header with a detached JWS (RFC 7515 appendix F) over the bytes of the body. */
export const signatureHeader = 'x-jws-signature';

export interface Signer {
  readonly publicKey: JWK;
  sign(body: string): Promise<string>;
}

/**
 * The block's own ES256 key for messages that leave without the mediator. Made on first use; two processes that start
 * together agree on one. The private half is kept sealed.
 */
export async function loadSigner({ db, vault }: Pick<Payments, 'db' | 'vault'>): Promise<Signer> {
  const read = () =>
    db
      .selectFrom('signing_key')
      .select(['public_key', 'private_cipher'])
      .where('id', '=', 'callbacks')
      .executeTakeFirst();
  let row = await read();
  if (!row) {
    const pair = await generateKeyPair('ES256', { extractable: true });
    const privateKey = JSON.stringify(await exportJWK(pair.privateKey));
    const publicKey = { ...(await exportJWK(pair.publicKey)), kid: 'callbacks', alg: 'ES256', use: 'sig' };
    await db
      .insertInto('signing_key')
      .values({
        id: 'callbacks',
        public_key: JSON.stringify(publicKey),
        private_cipher: vault.seal(privateKey, 'signing-key/callbacks'),
      })
      .onConflict((clash) => clash.column('id').doNothing())
      .execute();
    row = await read();
  }
  if (!row) throw new Error('the signing key could not be stored');
  const key = await importJWK(JSON.parse(vault.open(row.private_cipher, 'signing-key/callbacks')), 'ES256');
  return {
    publicKey: row.public_key,
    async sign(body) {
      const jws = await new CompactSign(new TextEncoder().encode(body))
        .setProtectedHeader({ alg: 'ES256', kid: 'callbacks' })
        .sign(key);
      const [header, , signature] = jws.split('.');
      return `${header}..${signature}`;
    },
  };
}
