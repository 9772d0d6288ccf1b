import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { drawRandom } from '@govstack/platform';

/** AES-256-GCM: 12 bytes nonce, 16 bytes tag, ciphertext. `context` must be given again to open. */
export function seal(key: KeyObject, plain: Uint8Array, context: string): Buffer {
  const nonce = drawRandom(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(context));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** Opens what `seal` closed; throws when it was altered, or the key or the context is another. */
export function open(key: KeyObject, sealed: Buffer, context: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(12, 28));
  return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
}
