import { sealingWith } from '../sealing.ts';
import type { Resource } from './read-resource.ts';

/** Names and addresses of persons lie in the database in this form only. */
export interface Vault {
  seal(profile: Resource): Buffer;
  open(sealed: Buffer): Resource;
}

export function createVault(key: Buffer): Vault {
  const sealing = sealingWith(key);
  return {
    seal: (profile) => sealing.seal(JSON.stringify(profile), ''),
    open: (sealed) => JSON.parse(sealing.open(sealed, '')) as Resource,
  };
}
