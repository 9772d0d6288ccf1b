import { randomBytes } from 'node:crypto';
import { conflict } from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { createVault, type DataKey, openBytes, sealBytes, type Vault } from './vault.ts';

type Db = Kysely<RegistryTables>;

/** A data key as its owner sees it: never the key. */
export interface KeyInfo {
  readonly keyId: number;
  readonly createdAt: string;
  readonly createdBy: string;
  /** When values begin to be sealed with it. */
  readonly activeFrom: string;
  /** When nothing was sealed with it any more, and it was destroyed. */
  readonly destroyedAt: string | null;
}

/** The keys of registries, each wrapped with a key of the installation (DRS-18). */
export interface Keyring {
  /** What opens the secrets of a registry; undefined when it never had any. */
  vaultOf(db: Db, registryId: string): Promise<Vault | undefined>;
  /** Gives a registry its first key; one that has a key keeps it. */
  ensure(db: Db, registryId: string, by: string): Promise<void>;
  /** Draws another key. Old values stay readable; they are sealed anew by the job `keep-secrets`. */
  rotate(trx: Transaction<RegistryTables>, registryId: string, by: string): Promise<KeyInfo>;
  list(db: Db, registryId: string): Promise<KeyInfo[]>;
}

/** Key 0 is not for values but for the hashes by which they are found; it stays as long as the registry. */
const hashKeyId = 0;
/** Longer than any node remembers a registry without asking: by then all of them have the new key. */
const spreadMs = 2000;

export function createKeyring(wrapping: Buffer): Keyring {
  const contextOf = (registryId: string, id: number): string => `key/${registryId}/${id}`;
  const insert = (db: Db, registryId: string, id: number, by: string, activeFrom: Date) =>
    db
      .insertInto('registry_key')
      .values({
        registry_id: registryId,
        id,
        wrapped: sealBytes(0, wrapping, contextOf(registryId, id), randomBytes(32)),
        active_from: activeFrom.toISOString(),
        created_by: by,
      })
      .onConflict((existing) => existing.constraint('registry_key_pkey').doNothing())
      .execute();
  const list = async (db: Db, registryId: string): Promise<KeyInfo[]> => {
    const rows = await db
      .selectFrom('registry_key')
      .select(['id', 'created_at', 'created_by', 'active_from', 'destroyed_at'])
      .where('registry_id', '=', registryId)
      .where('id', '<>', hashKeyId)
      .orderBy('id', 'desc')
      .execute();
    return rows.map((row) => ({
      keyId: row.id,
      createdAt: row.created_at,
      createdBy: row.created_by,
      activeFrom: row.active_from,
      destroyedAt: row.destroyed_at,
    }));
  };
  return {
    list,
    async vaultOf(db, registryId) {
      const rows = await db
        .selectFrom('registry_key')
        .select(['id', 'wrapped', 'active_from'])
        .where('registry_id', '=', registryId)
        .execute();
      const keys = rows.flatMap(({ id, wrapped, active_from }): DataKey[] =>
        wrapped === null
          ? []
          : [
              {
                id,
                key: openBytes(wrapping, contextOf(registryId, id), wrapped),
                activeFrom: new Date(active_from),
              },
            ],
      );
      const hashKey = keys.find(({ id }) => id === hashKeyId);
      return (
        hashKey &&
        createVault(
          registryId,
          keys.filter(({ id }) => id !== hashKeyId),
          hashKey.key,
        )
      );
    },
    async ensure(db, registryId, by) {
      const since = new Date(0);
      await insert(db, registryId, hashKeyId, by, since);
      await insert(db, registryId, hashKeyId + 1, by, since);
    },
    async rotate(trx, registryId, by) {
      const known = await list(trx, registryId);
      const [newest] = known;
      if (!newest) throw conflict('No field of this registry is secret');
      if (known.filter(({ destroyedAt }) => destroyedAt === null).length > 1)
        throw conflict('The key before is still being replaced');
      await insert(trx, registryId, newest.keyId + 1, by, new Date(Date.now() + spreadMs));
      return (await list(trx, registryId))[0] as KeyInfo;
    },
  };
}
