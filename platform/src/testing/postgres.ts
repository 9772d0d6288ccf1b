import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { getConstructionPlans } from 'pg-boss';
import { inject } from 'vitest';
import type { AnyBlock } from '../block/block.ts';
import { migrate } from '../database/migrate.ts';
import { provisionDatabase, provisionRole } from '../database/provision.ts';
import { databaseName } from '../node/node.ts';

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

const connected = async <T>(url: string, work: (admin: pg.Client) => Promise<T>): Promise<T> => {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
};

/** Locks out who makes or copies the same thing in this run. */
const alone = async <T>(admin: pg.Client, what: string, work: () => Promise<T>): Promise<T> => {
  await admin.query('select pg_advisory_lock(hashtext($1))', [`govstack/template/${what}`]);
  try {
    return await work();
  } finally {
    await admin.query('select pg_advisory_unlock(hashtext($1))', [`govstack/template/${what}`]);
  }
};

const found = async (admin: pg.Client, condition: string, name: string): Promise<boolean> =>
  ((await admin.query(`select from pg_database where datname = $1 and ${condition}`, [name])).rowCount ?? 0) >
  0;

/**
 * Makes the database `name`, unless it is there, as a copy of one that `prepare` (migrations, seed) has filled once in
 * this run, whichever worker came first. What is in it belongs to the role of its name, as if that had made it; `key`
 * tells what is prepared. `prepare` must close its connections.
 */
export async function copyTestDatabase(
  name: string,
  key: string,
  prepare: (url: string) => Promise<void>,
): Promise<void> {
  const template = `${inject('databasePrefix')}template_${createHash('sha256').update(key).digest('hex').slice(0, 12)}`;
  await connected(testAdminUrl(), async (admin) => {
    await alone(admin, template, async () => {
      // A finished template is one that nobody may connect to: half-made ones are recognised and made again.
      if (await found(admin, 'not datallowconn', template)) return;
      await admin.query(`drop database if exists "${template}" with (force)`);
      await prepare(await createTestDatabase(template));
      // Otherwise it would go to the role of a copy, as everything that its own role has.
      await admin.query(`alter database "${template}" owner to current_user`);
      await admin.query(`alter database "${template}" with allow_connections false`);
    });
    await alone(admin, name, async () => {
      if (await found(admin, 'true', name)) return;
      await provisionRole(admin, name, randomBytes(16).toString('hex'));
      await admin.query(`grant "${template}_reader" to "${name}_reader"`);
      await admin.query(
        `create database "${name}" owner "${name}" template "${template}" strategy file_copy`,
      );
      const copy = new URL(testAdminUrl());
      copy.pathname = `/${name}`;
      await connected(copy.toString(), (inside) =>
        inside.query(`reassign owned by "${template}" to "${name}"`),
      );
    });
  });
}

/** Makes the databases of blocks, unless they are there, in the state in which their migrations leave them. */
export async function createBlockDatabases(prefix: string, blocks: readonly AnyBlock[]): Promise<void> {
  for (const { name, migrations } of blocks) {
    const folders = [
      { history: 'platform', directory: new URL('../../migrations/', import.meta.url) },
      ...(migrations ? [{ history: name, directory: migrations }] : []),
    ];
    const key = folders.map(({ directory }) => directory.toString()).join();
    await copyTestDatabase(databaseName(prefix, name), key, async (url) => {
      for (const folder of folders) await migrate({ url, ...folder });
      await connected(url, (owner) => owner.query(getConstructionPlans('jobs')));
    });
  }
}
