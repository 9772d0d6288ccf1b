import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto';

/**
 * Keeps payee identities and financial addresses unreadable at rest (PAY-6.3-b): AES-256-GCM for reading back, a keyed
 * hash (token) for finding and comparing. A ciphertext opens only in the place (`context`) it was sealed for, so one
 * row's address cannot be moved to another.
 */
export interface Vault {
  seal(text: string, context: string): Buffer;
  /** Throws when the ciphertext was altered or belongs elsewhere. */
  open(sealed: Buffer, context: string): string;
  token(text: string, scope: string): Buffer;
}

const keyVersion = 1;

export function createVault(secret: (purpose: string) => Buffer): Vault {
  // As key objects, or each use would import the key anew, at several times the price of the cipher.
  const key = createSecretKey(secret('vault/encryption/1'));
  const tokenKey = createSecretKey(secret('vault/token/1'));
  return {
    seal(text, context) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.from([keyVersion]), iv, cipher.getAuthTag(), sealed]);
    },
    open(sealed, context) {
      if (sealed[0] !== keyVersion) throw new Error(`sealed with an unknown key ${sealed[0]}`);
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 13))
        .setAAD(Buffer.from(context))
        .setAuthTag(sealed.subarray(13, 29));
      return Buffer.concat([decipher.update(sealed.subarray(29)), decipher.final()]).toString('utf8');
    },
    token: (text, scope) => createHmac('sha256', tokenKey).update(scope).update('\0').update(text).digest(),
  };
}

/** A financial address as people may see it: its last four characters. */
export const masked = (address: string): string =>
  address.length <= 4 ? '••••' : `••••${address.slice(-4)}`;
