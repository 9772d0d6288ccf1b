import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

export interface MigrateOptions {
  readonly url: string;
  /** Name of this history; each block has its own. */
  readonly history: string;
  /** Folder of `NNNN-title.sql` files, applied in order, each in one transaction, each once. */
  readonly directory: URL | string;
}

interface MigrationFile {
  readonly name: string;
  readonly sha256: string;
  readonly text: string;
}

async function readFiles(directory: URL | string): Promise<MigrationFile[]> {
  const folder = typeof directory === 'string' ? directory : fileURLToPath(directory);
  const names = (await readdir(folder)).sort();
  const files = await Promise.all(
    names.map(async (name) => {
      if (!/^[0-9]{4}-[a-z0-9-]+\.sql$/.test(name))
        throw new Error(`${name} in ${folder} is not named NNNN-title.sql`);
      const text = await readFile(`${folder}/${name}`, 'utf8');
      return { name, text, sha256: createHash('sha256').update(text).digest('hex') };
    }),
  );
  const numbers = files.map((file) => file.name.slice(0, 4));
  const twice = numbers.find((number, index) => numbers.indexOf(number) !== index);
  if (twice !== undefined) throw new Error(`two migrations in ${folder} have the number ${twice}`);
  return files;
}

/**
 * Brings a database from any earlier state to the current one. Forward only; safe when several nodes start at once;
 * a file that was changed, removed or slipped in before an applied one stops the start (CFR-DEV-4).
 * Answers the names of the files applied now.
 */
export async function migrate({ url, history, directory }: MigrateOptions): Promise<string[]> {
  const files = await readFiles(directory);
  const client = new pg.Client({ connectionString: url, options: '-c timezone=UTC -c datestyle=ISO' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query("select pg_advisory_lock(hashtext('govstack/migrate'))");
    await client.query(`
      create schema if not exists platform;
      create table if not exists platform.migration (
        history text not null,
        name text not null,
        sha256 text not null,
        applied_at timestamptz not null default now(),
        constraint migration_pkey primary key (history, name)
      )`);
    const applied = await client.query<{ name: string; sha256: string }>(
      'select name, sha256 from platform.migration where history = $1 order by name',
      [history],
    );
    for (const [index, row] of applied.rows.entries()) {
      const file = files[index];
      if (!file || file.name !== row.name) {
        throw new Error(
          `migration ${row.name} of ${history} was applied but the files now say ${file?.name ?? 'nothing'} in its place`,
        );
      }
      if (file.sha256 !== row.sha256)
        throw new Error(`migration ${row.name} of ${history} was changed after it was applied`);
    }
    const waiting = files.slice(applied.rows.length);
    for (const file of waiting) {
      await client.query('begin');
      try {
        await client.query(file.text);
        await client.query('insert into platform.migration (history, name, sha256) values ($1, $2, $3)', [
          history,
          file.name,
          file.sha256,
        ]);
        await client.query('commit');
        // What one file sets for its session must not change what the next one means.
        await client.query('reset all');
      } catch (error) {
        await client.query('rollback');
        throw new Error(`migration ${file.name} of ${history} failed: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
    return waiting.map((file) => file.name);
  } finally {
    await client.end();
  }
}
