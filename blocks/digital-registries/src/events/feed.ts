import { type Kysely, sql } from 'kysely';
import type { Granted } from '../access/access.ts';
import type { Change } from '../history/change-log.ts';
import { table, visible } from '../records/statement.ts';
import type { RegistryTables } from '../tables.ts';

type Db = Kysely<RegistryTables>;

/** A change as a consumer learns of it; what the record says now it reads, under its own rights. */
export interface FeedEntry {
  readonly position: number;
  readonly record: string;
  readonly rowVersion: number;
  readonly action: Change['action'];
  readonly fields: number[];
  readonly at: string;
}

interface Row {
  position: string;
  record: string;
  row_version: number;
  action: Change['action'];
  fields: number[] | null;
  exchange_id: string;
  at: string;
  told: boolean;
}

/** Changes of a registry in the order of the chain, from a place on. */
export async function changesAfter(
  db: Db,
  registryId: string,
  after: number,
  limit: number,
  granted?: Granted,
): Promise<(FeedEntry & { readonly exchangeId: string; readonly told: boolean })[]> {
  const told = granted?.rows
    ? sql`exists (select from ${table(granted.registry)} where uuid = c.record and ${visible(granted)})`
    : sql`true`;
  const { rows } = await sql<Row>`
    select s.position, c.record, c.row_version, c.action, c.fields, c.exchange_id, c.at, ${told} as told
    from (
      select position, change_seq
      from change_seal
      where registry_id = ${registryId}::bigint and position > ${after}::bigint
      order by position
      limit ${limit}
    ) s
    join change_log c on c.seq = s.change_seq
    order by s.position`.execute(db);
  return rows.map((row) => ({
    position: Number(row.position),
    record: row.record,
    rowVersion: row.row_version,
    action: row.action,
    fields: row.fields ?? [],
    exchangeId: row.exchange_id,
    at: new Date(row.at).toISOString(),
    told: row.told,
  }));
}

/** The place of the last change of a registry; 0 when there is none. */
export async function lastPosition(db: Db, registryId: string): Promise<number> {
  const { rows } = await sql<{ position: string | null }>`
    select max(position) as position
    from change_seal
    where registry_id = ${registryId}::bigint`.execute(db);
  return Number(rows[0]?.position ?? 0);
}

/**
 * A page of the changes a reader may know of: of records that there are for it, with the fields it is granted. What
 * changed nothing it sees is left out; the place after which to go on moves all the same.
 */
export async function readFeed(
  db: Db,
  granted: Granted,
  after: number,
  limit: number,
): Promise<{ readonly changes: FeedEntry[]; readonly next: number; readonly more: boolean }> {
  const seen = new Set(granted.fields.map(({ id }) => id));
  const page = await changesAfter(db, granted.registry.id, after, limit, granted);
  const changes = page.flatMap(({ exchangeId: _, told, ...entry }) => {
    const fields = entry.fields.filter((id) => seen.has(id));
    const hidden = entry.action === 'update' && entry.fields.length > 0 && fields.length === 0;
    return told && !hidden ? [{ ...entry, fields }] : [];
  });
  return { changes, next: page.at(-1)?.position ?? after, more: page.length === limit };
}
