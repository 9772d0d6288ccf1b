import { createCipheriv, createDecipheriv } from 'node:crypto';
import { drawRandom } from '@govstack/platform';

/** Texts that the database keeps and cannot read: AES-256-GCM, each bound to what it belongs to. */
export interface Sealing {
  seal(text: string, to: string): Buffer;
  open(sealed: Buffer, to: string): string;
}

export const sealingWith = (key: Buffer): Sealing => ({
  seal(text, to) {
    const nonce = drawRandom(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(Buffer.from(to));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  },
  open(sealed, to) {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
    decipher.setAAD(Buffer.from(to));
    decipher.setAuthTag(sealed.subarray(12, 28));
    return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
  },
});
