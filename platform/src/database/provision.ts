import { createHmac } from 'node:crypto';
import pg from 'pg';

export interface ProvisionOptions {
  /** Superuser, or a role that may create databases and roles. */
  readonly adminUrl: string;
  /** Name of the database and of its owner: lower case, digits, underscores, at most 56. */
  readonly name: string;
  /** Master secret; the role's password is derived from it, so none is stored. */
  readonly secret: string;
}

/**
 * Makes a database and its own role where they do not exist, safe when several nodes do so at once, and answers the
 * role's URL. Nobody but the owner may connect: no block can reach its neighbour's tables (CFR-ARC-1).
 */
export async function provisionDatabase({ adminUrl, name, secret }: ProvisionOptions): Promise<string> {
  if (!/^[a-z][a-z0-9_]{0,55}$/.test(name) || /^(pg_|postgres$|template[01]$)/.test(name))
    throw new Error(`${name} cannot be the name of a block's database`);
  const url = databaseUrl({ adminUrl, name, secret });
  const admin = new pg.Client({ connectionString: adminUrl });
  admin.on('error', () => undefined);
  await admin.connect();
  try {
    await admin.query('select pg_advisory_lock(hashtext($1))', [`govstack/provision/${name}`]);
    await provisionRole(admin, name, url.password);
    await provisionEmptyDatabase(admin, name);
    await admin.query(`revoke all on database "${name}" from public`);
  } finally {
    await admin.end();
  }
  return url.toString();
}

const readerOf = (owner: string): string => `${owner}_reader`;

/** The URL that the owner of a provisioned database has. */
export function databaseUrl({ adminUrl, name, secret }: ProvisionOptions): URL {
  const url = new URL(adminUrl);
  url.username = name;
  url.password = createHmac('sha256', secret).update(`database/${name}`).digest('base64url');
  url.pathname = `/${name}`;
  if (url.username !== name)
    throw new Error('the database URL must name a host: postgres://user@host/database');
  return url;
}

/** Makes the role that is to own a database, and its reader; or gives the role that is there the password. */
export async function provisionRole(admin: pg.Client, name: string, password: string): Promise<void> {
  const found = await admin.query<{ refused: boolean }>(
    'select rolsuper or rolname = current_user as refused from pg_roles where rolname = $1',
    [name],
  );
  if (found.rows[0]?.refused)
    throw new Error(`the role ${name} administers this server, it cannot own a block's database`);
  const verb = found.rowCount ? 'alter' : 'create';
  await admin.query(`${verb} role "${name}" login password '${password}'`);
  // Only a superuser may give a database to a role without being a member of it.
  const { rows } = await admin.query<{ superuser: string }>(
    "select current_setting('is_superuser') as superuser",
  );
  if (rows[0]?.superuser === 'off') await admin.query(`grant "${name}" to current_user`);
  await provisionReader(admin, name);
}

/** A role without rights of its own that the owner may become, to be held by row-level security as no owner is. */
async function provisionReader(admin: pg.Client, name: string): Promise<void> {
  const reader = readerOf(name);
  const found = await admin.query('select from pg_roles where rolname = $1', [reader]);
  if (!found.rowCount) await admin.query(`create role "${reader}" nologin`);
  await admin.query(`grant "${reader}" to "${name}"`);
}

async function provisionEmptyDatabase(admin: pg.Client, name: string): Promise<void> {
  const found = await admin.query('select 1 from pg_database where datname = $1', [name]);
  if (!found.rowCount)
    await admin.query(`create database "${name}" owner "${name}" encoding 'UTF8' template template0`);
}
