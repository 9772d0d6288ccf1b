import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/** Keeps what a message asks, which names people, unreadable in the database (AES-256-GCM). */
export interface Vault {
  seal(value: unknown, purpose: string): Buffer;
  open(sealed: Buffer, purpose: string): unknown;
  /** Equal for equal values, and says nothing about them. */
  mark(value: string): Buffer;
}

const ivLength = 12;
const tagLength = 16;

export function openVault(key: Buffer): Vault {
  return {
    seal(value, purpose) {
      const iv = randomBytes(ivLength);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose));
      const text = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()]);
      return Buffer.concat([iv, text, cipher.getAuthTag()]);
    },
    open(sealed, purpose) {
      const end = sealed.length - tagLength;
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, ivLength), {
        authTagLength: tagLength,
      })
        .setAAD(Buffer.from(purpose))
        .setAuthTag(sealed.subarray(end));
      const text = Buffer.concat([decipher.update(sealed.subarray(ivLength, end)), decipher.final()]);
      return JSON.parse(text.toString('utf8'));
    },
    mark: (value) => createHmac('sha256', key).update(value).digest(),
  };
}
