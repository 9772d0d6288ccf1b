import { createHash, randomBytes } from 'node:crypto';
import { newId, notFound } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { RegistryTables } from '../tables.ts';

type Db = Kysely<RegistryTables>;

/** The header in which an application shows the key that opens a registry's secrets for it. */
export const registryKeyHeader = 'x-registry-key';

/** 256 random bits need no slow hash. */
const hashOf = (key: string): Buffer => createHash('sha256').update(key).digest();

export interface ClientKey {
  readonly id: string;
  readonly application: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly revokedAt: string | null;
}

/** Gives an application a key of its own to the secrets of a registry. The key is told here and never again. */
export async function issueClientKey(
  db: Db,
  registryId: string,
  application: string,
  by: string,
): Promise<{ readonly id: string; readonly key: string }> {
  const id = newId();
  const key = `rk_${randomBytes(32).toString('base64url')}`;
  await db
    .insertInto('registry_client_key')
    .values({ id, registry_id: registryId, application, hash: hashOf(key), created_by: by })
    .execute();
  return { id, key };
}

export async function listClientKeys(db: Db, registryId: string): Promise<ClientKey[]> {
  const rows = await db
    .selectFrom('registry_client_key')
    .select(['id', 'application', 'created_at', 'created_by', 'revoked_at'])
    .where('registry_id', '=', registryId)
    .orderBy('id')
    .limit(1000)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    application: row.application,
    createdAt: row.created_at,
    createdBy: row.created_by,
    revokedAt: row.revoked_at,
  }));
}

/** From now on the key opens nothing. Revoking it again changes nothing. */
export async function revokeClientKey(db: Db, registryId: string, id: string): Promise<void> {
  const found = await db
    .selectFrom('registry_client_key')
    .select('id')
    .where('registry_id', '=', registryId)
    .where('id', '=', id)
    .executeTakeFirst();
  if (!found) throw notFound('Key');
  await db
    .updateTable('registry_client_key')
    .set({ revoked_at: new Date().toISOString() })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute();
}

export type ClientKeyCheck = (registryId: string, application: string, key: string) => Promise<boolean>;

/** Whether a key opens the secrets of a registry for an application, now. */
export const clientKeyCheck =
  (db: Db): ClientKeyCheck =>
  async (registryId, application, key) =>
    (await db
      .selectFrom('registry_client_key')
      .select('id')
      .where('hash', '=', hashOf(key))
      .where('registry_id', '=', registryId)
      .where('application', '=', application)
      .where('revoked_at', 'is', null)
      .executeTakeFirst()) !== undefined;
