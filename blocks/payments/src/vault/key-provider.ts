import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Where the vault's keys come from. The database holds none: whoever administers it cannot read what is sealed. Names are
 * `vault/encryption/<number>` and `vault/token/1`.
 */
export interface KeyProvider {
  readonly name: string;
  /** 32 secret bytes, always the same for a name. Throws when there is no such key. */
  key(name: string): Buffer;
}

/** Keys derived from the installation's secret: every name has one. */
export const installationKeys = (secret: (purpose: string) => Buffer): KeyProvider => ({
  name: 'installation',
  key: secret,
});

/**
 * Keys that an outside key service or the agent of an HSM puts into a folder in memory: one file for each, base64, named
 * like the key with dashes (`vault-encryption-2.key`).
 */
export const folderKeys = (folder: string): KeyProvider => ({
  name: 'folder',
  key(name) {
    const file = join(folder, `${name.replaceAll('/', '-')}.key`);
    const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
    if (key.length !== 32) throw new Error(`${file} is not a key of 32 bytes in base64`);
    return key;
  },
});
