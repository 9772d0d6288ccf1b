import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

function seal(key: Buffer, plain: Buffer): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

function open(key: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(12, 28));
  return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
}

export interface Content {
  readonly to: string;
  readonly subject?: string;
  readonly body: string;
  readonly language: string;
}

/** Contents under a key of their own each; the key is wrapped with the block's. Without the key nothing can be read. */
export interface ContentVault {
  close(content: Content): { sealed: Buffer; wrappedKey: Buffer };
  open(sealed: Buffer, wrappedKey: Buffer): Content;
}

export const createContentVault = (masterKey: Buffer): ContentVault => ({
  close(content) {
    const key = randomBytes(32);
    return { sealed: seal(key, Buffer.from(JSON.stringify(content))), wrappedKey: seal(masterKey, key) };
  },
  open: (sealed, wrappedKey) =>
    JSON.parse(open(open(masterKey, wrappedKey), sealed).toString('utf8')) as Content,
});
