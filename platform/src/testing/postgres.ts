import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { databaseUrl, provisionDatabase } from '../database/provision.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Administrator URL of the run's PostgreSQL server. */
    adminUrl: string;
    /** Begins the name of every database and role of the run, so that they can be found and dropped. */
    databasePrefix: string;
  }
}

/** The PostgreSQL server of this test run. */
export const testAdminUrl = (): string => inject('adminUrl');

/** A database name (or, with a trailing underscore, a prefix) that nobody else in this run has. */
export const newDatabaseName = (): string => `${inject('databasePrefix')}${randomBytes(5).toString('hex')}`;

/** A new, empty database with its own role; answers its URL. It goes with the run. */
export const createTestDatabase = (name = newDatabaseName()): Promise<string> =>
  provisionDatabase({ adminUrl: testAdminUrl(), name, secret: 'test' });

const asAdmin = async <T>(work: (admin: pg.Client) => Promise<T>): Promise<T> => {
  const admin = new pg.Client({ connectionString: testAdminUrl() });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
};

/**
 * A copy of a database that `prepare` (migrations, seed) has filled once in this run, whichever worker came first.
 * Copies of one key share their role and nothing else. `prepare` must close its connections.
 */
export async function createTestDatabaseFromTemplate(
  key: string,
  prepare: (url: string) => Promise<void>,
): Promise<string> {
  const template = `${inject('databasePrefix')}template_${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
  return asAdmin(async (admin) => {
    await admin.query('select pg_advisory_lock(hashtext($1))', [`govstack/template/${template}`]);
    // A finished template is one that nobody may connect to: half-made ones are recognised and made again.
    const found = await admin.query('select 1 from pg_database where datname = $1 and not datallowconn', [
      template,
    ]);
    if (!found.rowCount) {
      await admin.query(`drop database if exists "${template}" with (force)`);
      await prepare(await createTestDatabase(template));
      await admin.query(`alter database "${template}" with allow_connections false`);
    }
    await admin.query('select pg_advisory_unlock(hashtext($1))', [`govstack/template/${template}`]);
    const name = newDatabaseName();
    await admin.query(
      `create database "${name}" owner "${template}" template "${template}" strategy file_copy`,
    );
    await admin.query(`revoke all on database "${name}" from public`);
    const url = databaseUrl({ adminUrl: testAdminUrl(), name: template, secret: 'test' });
    url.pathname = `/${name}`;
    return url.toString();
  });
}
