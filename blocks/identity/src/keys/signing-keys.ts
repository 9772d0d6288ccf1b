import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../tables.ts';
import { openJson, sealJson } from './sealed.ts';

/** The provider's ES256 keys, newest first; one is made on the first start, once even when two nodes start. */
export async function signingKeys(db: Kysely<IdentityTables>, sealingKey: Buffer): Promise<JWK[]> {
  return db.transaction().execute(async (trx) => {
    await sql`lock table signing_key in share row exclusive mode`.execute(trx);
    const rows = await trx.selectFrom('signing_key').selectAll().orderBy('created_at', 'desc').execute();
    if (rows.length > 0) return rows.map((row) => openJson(sealingKey, row.sealed) as JWK);
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const key: JWK = { ...(await exportJWK(privateKey)), kid: randomUUID(), alg: 'ES256', use: 'sig' };
    await trx
      .insertInto('signing_key')
      .values({ kid: key.kid as string, sealed: sealJson(sealingKey, key) })
      .execute();
    return [key];
  });
}
