import { createHash, randomBytes } from 'node:crypto';
import { transaction } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { SealedBox } from './sealed-box.ts';

export interface PortalTables {
  session: {
    id_hash: Buffer;
    sealed: Buffer;
    created_at: string;
    seen_at: string;
    expires_at: string;
  };
  record_list: {
    id: string;
    person: string;
    registry: string;
    named: boolean;
    sealed: Buffer;
    used_at: string;
  };
}

/** What the portal remembers of a signed-in person between two requests. */
export interface SessionData {
  readonly personId: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly agency?: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly accessToken: string;
  /** Epoch milliseconds. */
  readonly accessTokenIssuedAt: number;
  readonly accessTokenExpiresAt: number;
  readonly refreshToken?: string;
  readonly idToken: string;
}

export interface Session {
  /** The cookie's value. */
  readonly id: string;
  readonly data: SessionData;
}

export interface SessionStore {
  /** A new session with a fresh id, so that nobody can have known it before the sign-in. */
  create(data: SessionData): Promise<Session>;
  /** The session of a cookie, if it is neither too old nor idle for too long; marks it as used. */
  find(id: string): Promise<Session | undefined>;
  /**
   * Replaces what a session remembers, one request at a time over all replicas: a refresh token works once.
   * `renew` gets the current data and answers the new one, or undefined to end the session.
   */
  renew(
    id: string,
    renew: (data: SessionData) => Promise<SessionData | undefined>,
  ): Promise<Session | undefined>;
  remove(id: string): Promise<void>;
  removeExpired(): Promise<void>;
}

export interface SessionLifetimes {
  readonly idleMinutes: number;
  readonly longestMinutes: number;
}

const hashOf = (id: string): Buffer => createHash('sha256').update(id).digest();
const wellFormed = /^[A-Za-z0-9_-]{43}$/;

/** Sessions in the portal's own database. */
export function sessionStore(
  db: Kysely<PortalTables>,
  box: SealedBox,
  lifetimes: SessionLifetimes,
  now: () => Date,
): SessionStore {
  const minutesFromNow = (minutes: number): string =>
    new Date(now().getTime() + minutes * 60_000).toISOString();
  const context = (hash: Buffer): string => `session ${hash.toString('hex')}`;
  return {
    async create(data) {
      const id = randomBytes(32).toString('base64url');
      const hash = hashOf(id);
      const at = now().toISOString();
      await db
        .insertInto('session')
        .values({
          id_hash: hash,
          sealed: box.seal(data, context(hash)),
          created_at: at,
          seen_at: at,
          expires_at: minutesFromNow(lifetimes.longestMinutes),
        })
        .execute();
      return { id, data };
    },
    async find(id) {
      if (!wellFormed.test(id)) return undefined;
      const hash = hashOf(id);
      const row = await db
        .updateTable('session')
        .set({ seen_at: now().toISOString() })
        .where('id_hash', '=', hash)
        .where('expires_at', '>', now().toISOString())
        .where('seen_at', '>', minutesFromNow(-lifetimes.idleMinutes))
        .returning('sealed')
        .executeTakeFirst();
      const data = row && (box.open(row.sealed, context(hash)) as SessionData | undefined);
      return data ? { id, data } : undefined;
    },
    async renew(id, renew) {
      const hash = hashOf(id);
      return transaction(db, async (trx) => {
        const row = await trx
          .selectFrom('session')
          .select('sealed')
          .where('id_hash', '=', hash)
          .forUpdate()
          .executeTakeFirst();
        const before = row && (box.open(row.sealed, context(hash)) as SessionData | undefined);
        const data = before && (await renew(before));
        if (!data) {
          await trx.deleteFrom('session').where('id_hash', '=', hash).execute();
          return undefined;
        }
        if (data !== before)
          await trx
            .updateTable('session')
            .set({ sealed: box.seal(data, context(hash)) })
            .where('id_hash', '=', hash)
            .execute();
        return { id, data };
      });
    },
    async remove(id) {
      await db.deleteFrom('session').where('id_hash', '=', hashOf(id)).execute();
    },
    async removeExpired() {
      await db
        .deleteFrom('session')
        .where((row) =>
          row.or([
            row('expires_at', '<=', now().toISOString()),
            row('seen_at', '<=', minutesFromNow(-lifetimes.idleMinutes)),
          ]),
        )
        .execute();
    },
  };
}
