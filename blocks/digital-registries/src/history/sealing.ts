import { createCipheriv, createDecipheriv } from 'node:crypto';
import { drawRandom } from '@govstack/platform';

/** Texts that the database keeps and cannot read: AES-256-GCM, each bound to the id of its row. */
export interface Sealing {
  seal(text: string, id: string): Buffer;
  open(sealed: Buffer, id: string): string;
}

export const sealingWith = (key: Buffer): Sealing => ({
  seal(text, id) {
    const nonce = drawRandom(12);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(Buffer.from(id));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  },
  open(sealed, id) {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
    decipher.setAAD(Buffer.from(id));
    decipher.setAuthTag(sealed.subarray(12, 28));
    return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('utf8');
  },
});
