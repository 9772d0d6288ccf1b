import { createHmac } from 'node:crypto';
import pg from 'pg';

export interface ProvisionOptions {
  /** Superuser, or a role that may create databases and roles. */
  readonly adminUrl: string;
  /** Name of the database and of its owner: lower case, digits, underscores. */
  readonly name: string;
  /** Master secret; the role's password is derived from it, so none is stored. */
  readonly secret: string;
}

const quote = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`;

/**
 * Makes a database and its own role where they do not exist, safe when several nodes do so at once, and answers the
 * role's URL. Nobody but the owner may connect: no block can reach its neighbour's tables (CFR-ARC-1).
 */
export async function provisionDatabase({ adminUrl, name, secret }: ProvisionOptions): Promise<string> {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) throw new Error(`${name} cannot be a database name`);
  const password = createHmac('sha256', secret).update(`database/${name}`).digest('base64url');
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query('select pg_advisory_lock(hashtext($1))', [`govstack/provision/${name}`]);
    const role = await admin.query('select 1 from pg_roles where rolname = $1', [name]);
    const verb = role.rowCount ? 'alter' : 'create';
    await admin.query(
      `${verb} role ${quote(name)} login nosuperuser nocreatedb nocreaterole password '${password}'`,
    );
    const database = await admin.query('select 1 from pg_database where datname = $1', [name]);
    if (!database.rowCount) {
      const version = Number((await admin.query('show server_version_num')).rows[0].server_version_num);
      if (version < 160000) await admin.query(`grant ${quote(name)} to current_user`);
      await admin.query(
        `create database ${quote(name)} owner ${quote(name)} encoding 'UTF8' template template0`,
      );
    }
    await admin.query(`revoke all on database ${quote(name)} from public`);
  } finally {
    await admin.end();
  }
  const url = new URL(adminUrl);
  url.username = name;
  url.password = password;
  url.pathname = `/${name}`;
  return url.toString();
}
