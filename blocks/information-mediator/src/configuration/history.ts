import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import type { Change } from './difference.ts';
import type { Document } from './document.ts';

/** How a version came about; `found`: as it was before the one after it, changed by other means than documents. */
export type Method = MediatorTables['configuration_version']['method'];

export interface Version {
  readonly version: number;
  readonly at: string;
  readonly actor: string;
  readonly method: Method;
  readonly restored: number | null;
  readonly etag: string;
  readonly changes: readonly Change[];
}

const columns = ['version', 'at', 'actor', 'method', 'restored', 'etag', 'changes'] as const;

type Row = Omit<Version, 'changes'> & { readonly changes: unknown };
const versionOf = (row: Row): Version => ({ ...row, changes: row.changes as Change[] });

/** Writes a version after the newest one; the directory is locked by then. */
export async function recordVersion(
  trx: Kysely<MediatorTables>,
  entry: Pick<Version, 'actor' | 'method' | 'etag' | 'changes'> & {
    readonly restored?: number | undefined;
    readonly document: Document;
  },
): Promise<number> {
  const { version } = await trx
    .insertInto('configuration_version')
    .values({
      version: sql`(select coalesce(max(version), 0) + 1 from configuration_version)`,
      actor: entry.actor,
      method: entry.method,
      restored: entry.restored ?? null,
      etag: entry.etag,
      document: JSON.stringify(entry.document),
      changes: JSON.stringify(entry.changes),
    })
    .returning('version')
    .executeTakeFirstOrThrow();
  return version;
}

/** Versions, newest first, one more than `limit` when there are more. */
export async function listVersions(
  db: Kysely<MediatorTables>,
  { before, limit }: { readonly before: number | undefined; readonly limit: number },
): Promise<Version[]> {
  const rows = await db
    .selectFrom('configuration_version')
    .select(columns)
    .$if(before !== undefined, (query) => query.where('version', '<', before as number))
    .orderBy('version', 'desc')
    .limit(limit + 1)
    .execute();
  return rows.map((row) => versionOf(row));
}

/** The configuration as a version left it. */
export async function documentOfVersion(
  db: Kysely<MediatorTables>,
  version: number,
): Promise<{ readonly document: Document; readonly etag: string } | undefined> {
  const row = await db
    .selectFrom('configuration_version')
    .select(['document', 'etag'])
    .where('version', '=', version)
    .executeTakeFirst();
  return row && { document: row.document as Document, etag: row.etag };
}

export const newestVersion = async (db: Kysely<MediatorTables>): Promise<Version | undefined> =>
  (await listVersions(db, { before: undefined, limit: 0 }))[0];
