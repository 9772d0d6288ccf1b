import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/** A data key of a registry. */
export interface DataKey {
  readonly id: number;
  readonly key: Buffer;
  /** When values begin to be sealed with it; by then every node has it. */
  readonly activeFrom: Date;
}

/** Seals and opens what is secret in one registry. */
export interface Vault {
  /** The key that values are sealed with now. */
  current(): number;
  /** `context` says what the value is; it opens only as that. */
  seal(context: string, value: unknown): Buffer;
  /** Throws when the value was sealed as something else, was altered, or its key is gone. */
  open(context: string, sealed: Uint8Array): unknown;
  /** The same for equal values of a context, whatever key they are sealed with. */
  hash(context: string, value: unknown): Buffer;
}

const headLength = 5;
const nonceLength = 12;
const tagLength = 16;

/** AES-256-GCM: 1, id of the key (4 bytes), nonce, tag, ciphertext. */
export function sealBytes(id: number, key: Buffer, context: string, plain: Buffer): Buffer {
  const head = Buffer.alloc(headLength);
  head.writeUInt8(1);
  head.writeUInt32BE(id, 1);
  // The system's own randomness: a nonce must never come twice under a key.
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(
    Buffer.concat([head, Buffer.from(context)]),
  );
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([head, nonce, cipher.getAuthTag(), body]);
}

export function openBytes(key: Buffer, context: string, sealed: Uint8Array): Buffer {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  const tagAt = headLength + nonceLength;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(headLength, tagAt))
    .setAAD(Buffer.concat([bytes.subarray(0, headLength), Buffer.from(context)]))
    .setAuthTag(bytes.subarray(tagAt, tagAt + tagLength));
  return Buffer.concat([decipher.update(bytes.subarray(tagAt + tagLength)), decipher.final()]);
}

/** The id of the key that something is sealed with. */
export const keyIdOf = (sealed: Uint8Array): number =>
  Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength).readUInt32BE(1);

/** The first bytes of what is sealed with a key: by them the database tells what is not. */
export function headOf(id: number): Buffer {
  const head = Buffer.alloc(headLength);
  head.writeUInt8(1);
  head.writeUInt32BE(id, 1);
  return head;
}

export function createVault(registryId: string, keys: readonly DataKey[], hashKey: Buffer): Vault {
  const byId = new Map(keys.map((one) => [one.id, one.key]));
  const newestFirst = [...keys].sort((a, b) => b.id - a.id);
  const current = (): DataKey => {
    const now = Date.now();
    const found = newestFirst.find(({ activeFrom }) => activeFrom.getTime() <= now) ?? newestFirst.at(-1);
    if (!found) throw new Error(`registry ${registryId} has no key`);
    return found;
  };
  const within = (context: string): string => `${registryId}/${context}`;
  return {
    current: () => current().id,
    seal(context, value) {
      const { id, key } = current();
      return sealBytes(id, key, within(context), Buffer.from(JSON.stringify(value)));
    },
    open(context, sealed) {
      const key = byId.get(keyIdOf(sealed));
      if (!key) throw new Error(`registry ${registryId}: a value is sealed with a key that is gone`);
      return JSON.parse(openBytes(key, within(context), sealed).toString('utf8'));
    },
    hash: (context, value) =>
      createHmac('sha256', hashKey)
        .update(`${within(context)}\0${JSON.stringify(value)}`)
        .digest(),
  };
}

/** What a value of a field is sealed as. */
export const fieldContext = (fieldId: number): string => `field/${fieldId}`;
/** What the secret part of a change is sealed as. */
export const changeContext = (record: string): string => `change/${record}`;
