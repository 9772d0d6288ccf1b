import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { Clients } from '../clients/clients.ts';
import { openJson, sealJson } from '../keys/sealed.ts';
import type { IdentityTables } from '../tables.ts';

type Payload = Record<string, unknown>;

/** Ids are secrets (codes, tokens, session cookies): only their hash is stored, and the payload sealed. */
const hashed = (id: string): string => createHash('sha256').update(id).digest('base64url');

/** Storage of grants, sessions and codes for oidc-provider: its six-method adapter over PostgreSQL. */
export function createStorage(db: Kysely<IdentityTables>, clients: Clients, sealingKey: Buffer) {
  return class Storage {
    readonly model: string;

    constructor(model: string) {
      this.model = model;
    }

    async upsert(id: string, payload: Payload, expiresIn: number): Promise<void> {
      const values = {
        payload: sealJson(sealingKey, payload),
        grant_id: typeof payload.grantId === 'string' ? payload.grantId : null,
        uid: typeof payload.uid === 'string' ? payload.uid : null,
        user_code: typeof payload.userCode === 'string' ? payload.userCode : null,
        expires_at: expiresIn ? new Date(Date.now() + expiresIn * 1000).toISOString() : null,
        consumed_at: null,
      };
      await db
        .insertInto('oidc_model')
        .values({ model: this.model, id_hash: hashed(id), ...values })
        .onConflict((conflict) => conflict.constraint('oidc_model_pkey').doUpdateSet(values))
        .execute();
    }

    async #read(where: 'id_hash' | 'uid' | 'user_code', value: string): Promise<Payload | undefined> {
      const row = await db
        .selectFrom('oidc_model')
        .select(['payload', 'consumed_at'])
        .where('model', '=', this.model)
        .where(where, '=', value)
        .where((condition) =>
          condition.or([condition('expires_at', 'is', null), sql<boolean>`expires_at > now()`]),
        )
        .executeTakeFirst();
      if (!row) return undefined;
      const payload = openJson(sealingKey, row.payload) as Payload;
      return row.consumed_at === null
        ? payload
        : { ...payload, consumed: Math.floor(Date.parse(row.consumed_at) / 1000) };
    }

    async find(id: string): Promise<Payload | undefined> {
      return this.model === 'Client' ? clients.find(id) : this.#read('id_hash', hashed(id));
    }

    findByUid(uid: string): Promise<Payload | undefined> {
      return this.#read('uid', uid);
    }

    findByUserCode(userCode: string): Promise<Payload | undefined> {
      return this.#read('user_code', userCode);
    }

    async consume(id: string): Promise<void> {
      await sql`update oidc_model set consumed_at = now() where model = ${this.model} and id_hash = ${hashed(id)}`.execute(
        db,
      );
    }

    async destroy(id: string): Promise<void> {
      await db
        .deleteFrom('oidc_model')
        .where('model', '=', this.model)
        .where('id_hash', '=', hashed(id))
        .execute();
    }

    async revokeByGrantId(grantId: string): Promise<void> {
      await db.deleteFrom('oidc_model').where('grant_id', '=', grantId).execute();
    }
  };
}
