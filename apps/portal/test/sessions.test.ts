import { randomBytes } from 'node:crypto';
import { type Connection, connect, migrate } from '@govstack/platform';
import { createTestDatabase } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { csrfMatches, csrfToken } from '../src/session/csrf.ts';
import { sealedBox } from '../src/session/sealed-box.ts';
import {
  type PortalTables,
  type SessionData,
  type SessionStore,
  sessionStore,
} from '../src/session/session-store.ts';

let connection: Connection<PortalTables>;
let store: SessionStore;
let now = new Date('2026-02-03T09:00:00.000Z');
const later = (minutes: number): void => {
  now = new Date(now.getTime() + minutes * 60_000);
};

const data: SessionData = {
  personId: 'amina',
  name: 'Amina Osei',
  roles: [],
  claims: {},
  accessToken: 'secret-access-token',
  accessTokenIssuedAt: 0,
  accessTokenExpiresAt: 1,
  idToken: 'id-token',
};

beforeAll(async () => {
  const url = await createTestDatabase();
  await migrate({ url, history: 'portal', directory: new URL('../migrations/', import.meta.url) });
  connection = connect<PortalTables>(url);
  const lifetimes = { idleMinutes: 30, longestMinutes: 480 };
  store = sessionStore(connection.db, sealedBox(randomBytes(32)), lifetimes, () => now);
});
beforeEach(async () => {
  await connection.db.deleteFrom('session').execute();
  now = new Date('2026-02-03T09:00:00.000Z');
});
afterAll(() => connection?.close());

describe('sessions', () => {
  test('are found by their cookie and hold what was remembered', async () => {
    const { id } = await store.create(data);
    expect((await store.find(id))?.data).toEqual(data);
    expect(await store.find(randomBytes(32).toString('base64url'))).toBeUndefined();
    expect(await store.find("' or 1=1 --")).toBeUndefined();
  });

  test('keep neither the cookie nor the tokens readable in the database', async () => {
    const { id } = await store.create(data);
    const rows = await sql<{
      all: string;
    }>`select encode(id_hash, 'escape') || encode(sealed, 'escape') as all from session`.execute(
      connection.db,
    );
    const text = rows.rows.map((row) => row.all).join();
    expect(text).not.toContain(id);
    expect(text).not.toContain('secret-access-token');
    expect(text).not.toContain('amina');
  });

  test('end after idleness, but not while they are used', async () => {
    const { id } = await store.create(data);
    later(20);
    expect(await store.find(id)).toBeDefined();
    later(20);
    expect(await store.find(id)).toBeDefined();
    later(31);
    expect(await store.find(id)).toBeUndefined();
  });

  test('end after their longest time, however busy', async () => {
    const { id } = await store.create(data);
    for (let hour = 0; hour < 24; hour += 1) {
      later(20);
      await store.find(id);
    }
    expect(await store.find(id)).toBeUndefined();
  });

  test('a removed session is gone; removing expired ones leaves the others', async () => {
    const [gone, old] = [await store.create(data), await store.create(data)];
    await store.remove(gone.id);
    expect(await store.find(gone.id)).toBeUndefined();
    later(31);
    const fresh = await store.create(data);
    await store.removeExpired();
    expect(await store.find(fresh.id)).toBeDefined();
    const left = await connection.db.selectFrom('session').select('id_hash').execute();
    expect(left).toHaveLength(1);
    expect(await store.find(old.id)).toBeUndefined();
  });

  test('renewal happens once, however many requests want it at the same time', async () => {
    const { id } = await store.create(data);
    let renewals = 0;
    const renew = () =>
      store.renew(id, async (current) => {
        if (current.accessToken !== data.accessToken) return current;
        renewals += 1;
        return { ...current, accessToken: 'new' };
      });
    const all = await Promise.all(Array.from({ length: 8 }, renew));
    expect(renewals).toBe(1);
    expect(all.map((session) => session?.data.accessToken)).toEqual(Array.from({ length: 8 }, () => 'new'));
  });

  test('a renewal that gets no tokens ends the session', async () => {
    const { id } = await store.create(data);
    expect(await store.renew(id, async () => undefined)).toBeUndefined();
    expect(await store.find(id)).toBeUndefined();
  });
});

describe('sealed values', () => {
  test('open only with their key, in their place, unchanged', () => {
    const box = sealedBox(randomBytes(32));
    const sealed = box.seal({ a: 1 }, 'here');
    expect(box.open(sealed, 'here')).toEqual({ a: 1 });
    expect(box.open(sealed, 'there')).toBeUndefined();
    expect(sealedBox(randomBytes(32)).open(sealed, 'here')).toBeUndefined();
    sealed[20] = (sealed[20] as number) ^ 1;
    expect(box.open(sealed, 'here')).toBeUndefined();
    expect(box.open(Buffer.from('short'), 'here')).toBeUndefined();
  });

  test('an anti-forgery token fits its session only', () => {
    const secret = randomBytes(32);
    expect(csrfMatches(secret, 'one', csrfToken(secret, 'one'))).toBe(true);
    expect(csrfMatches(secret, 'two', csrfToken(secret, 'one'))).toBe(false);
    expect(csrfMatches(secret, 'one', '')).toBe(false);
  });
});
