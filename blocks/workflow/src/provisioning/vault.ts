import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Resource } from './read-resource.ts';

/** Names and addresses of persons lie in the database in this form only (AES-256-GCM). */
export interface Vault {
  seal(profile: Resource): Buffer;
  open(sealed: Buffer): Resource;
}

export const createVault = (key: Buffer): Vault => ({
  seal(profile) {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    const body = Buffer.concat([cipher.update(JSON.stringify(profile)), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  },
  open(sealed) {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(12, 28));
    return JSON.parse(
      Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8'),
    ) as Resource;
  },
});
