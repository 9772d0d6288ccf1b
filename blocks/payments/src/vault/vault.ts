import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { KeyProvider } from './key-provider.ts';

/**
 * Keeps payee identities and financial addresses unreadable at rest (PAY-6.3-b): AES-256-GCM for reading back, a keyed
 * hash (token) for finding and comparing. A ciphertext opens only in the place (`context`) it was sealed for, so one
 * row's address cannot be moved to another. It begins with the number of its key.
 */
export interface Vault {
  seal(text: string, context: string): Buffer;
  /** Throws when the ciphertext was altered or belongs elsewhere. */
  open(sealed: Buffer, context: string): string;
  token(text: string, scope: string): Buffer;
  /** Number of the key with which is sealed now. */
  readonly keyNumber: number;
  /** Seals with this key from now on. Throws when there is no such key. */
  use(keyNumber: number): void;
}

/** The vault over the keys of a provider. */
export function createVault(provider: KeyProvider, keyNumber = 1): Vault {
  // As key objects, or each use would import the key anew, at several times the price of the cipher.
  const keys = new Map<number, KeyObject>();
  const keyOf = (number: number): KeyObject => {
    const known = keys.get(number) ?? createSecretKey(provider.key(`vault/encryption/${number}`));
    keys.set(number, known);
    return known;
  };
  const tokenKey = createSecretKey(provider.key('vault/token/1'));
  let current = keyNumber;
  keyOf(current);
  return {
    get keyNumber() {
      return current;
    },
    use(number) {
      keyOf(number);
      current = number;
    },
    seal(text, context) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', keyOf(current), iv).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.from([current]), iv, cipher.getAuthTag(), sealed]);
    },
    open(sealed, context) {
      const [number = 0] = sealed;
      const decipher = createDecipheriv('aes-256-gcm', keyOf(number), sealed.subarray(1, 13))
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
