import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Answers and findings about people lie in the database in this form only (AES-256-GCM). */
export interface Vault {
  seal(value: unknown): Buffer;
  open<T>(sealed: Buffer): T;
}

export const createVault = (key: Buffer): Vault => ({
  seal(value) {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    const body = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  },
  open<T>(sealed: Buffer): T {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(12, 28));
    return JSON.parse(
      Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8'),
    ) as T;
  },
});
