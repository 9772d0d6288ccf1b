import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startRunServer, stopAbandonedServers } from './run-server.ts';

/** One PostgreSQL for the whole run: `DATABASE_URL`, or an embedded one that forgets everything afterwards. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const prefix = `t${randomBytes(4).toString('hex')}_`;
  project.provide('databasePrefix', prefix);
  const given = process.env.DATABASE_URL;
  if (given) {
    project.provide('adminUrl', given);
    return () => dropAll(given, prefix);
  }
  await stopAbandonedServers(tmpdir());
  const server = await startRunServer(tmpdir());
  project.provide('adminUrl', server.adminUrl);
  return server.stop;
}

/** Leaves a server that is not ours as it was found. */
async function dropAll(adminUrl: string, prefix: string): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  const ours = `${prefix.replace('_', '\\_')}%`;
  const names = async (sql: string): Promise<string[]> =>
    (await admin.query<{ name: string }>(sql, [ours])).rows.map((row) => row.name);
  for (const name of await names('select datname as name from pg_database where datname like $1'))
    await admin.query(`drop database "${name}" with (force)`);
  for (const name of await names('select rolname as name from pg_roles where rolname like $1'))
    await admin.query(`drop role "${name}"`);
  await admin.end();
}
