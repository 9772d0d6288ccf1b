import { type Kysely, sql } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import { type Content, fieldNamed, type Row } from '../records/content.ts';
import { shownRows } from '../records/read.ts';
import { table, visible } from '../records/statement.ts';
import type { RegistryTables } from '../tables.ts';
import type { Scheme } from './change-digest.ts';
import type { Snapshot } from './change-log.ts';
import { contentAt, named } from './history.ts';
import type { SubjectHash } from './read-log.ts';
import { inTime } from './search-log.ts';

type Db = Kysely<RegistryTables>;

export interface RecordThen {
  readonly uuid: string;
  readonly rowVersion: number;
  readonly since: string;
  /** null: what it said has been erased. */
  readonly content: Record<string, unknown> | null;
  readonly erased: boolean;
}

export interface ListingThen {
  readonly at: string;
  /** Field names with the value they had then. */
  readonly query: Content;
  readonly pageSize: number;
  /** uuid behind which the page begins. */
  readonly after: string | undefined;
}

/** Records of which one page looks at what they said. */
const window = 5000;

/** Records in use at a moment, in the order of their ids. A page can be short and still have a next one. */
export async function recordsAsOf(
  db: Db,
  granted: Granted,
  reader: Reader,
  { at, query, pageSize, after = '00000000-0000-0000-0000-000000000000' }: ListingThen,
  hash: SubjectHash,
): Promise<{ readonly records: RecordThen[]; readonly next: string | undefined }> {
  const { registry, fields } = granted;
  const conditions = Object.entries(query).map(([name, value]) => {
    const field = fieldNamed(fields, name, '/query');
    const said = sql`coalesce(k.after -> ${String(field.id)}, k.after -> ${field.name})`;
    if (value === null) return sql`coalesce(${said}::text, 'null') = 'null'`;
    const moment = field.type === 'date-time' ? Date.parse(String(value)) : Number.NaN;
    const sought = Number.isNaN(moment) ? value : new Date(moment).toISOString();
    return sql`${said}::jsonb = ${JSON.stringify(sought)}::jsonb`;
  });
  const { rows, last } = await inTime(db, async (trx) => {
    const looked = await sql<{ last: string | null; n: number }>`
      select (array_agg(uuid order by uuid desc))[1] as last, count(*)::integer as n
      from (
        select uuid
        from ${table(registry)}
        where uuid > ${after}::uuid and ${visible(granted)}
        order by uuid
        limit ${window}
      ) page`.execute(trx);
    const { last, n } = looked.rows[0] as { last: string | null; n: number };
    if (last === null) return { rows: [], last: undefined };
    const { rows } = await sql<{
      uuid: string;
      row_version: number;
      at: string;
      scheme: Scheme;
      kept: boolean;
      after: Snapshot | null;
    }>`
      select r.uuid, l.row_version, l.at, l.scheme, k.seq is not null as kept, k.after
      from (
        select uuid
        from ${table(registry)}
        where uuid > ${after}::uuid and uuid <= ${last}::uuid and created_at <= ${at}::timestamptz and ${visible(granted)}
      ) r
      cross join lateral (
        select seq, row_version, action, at, scheme
        from change_log
        where record = r.uuid and registry_id = ${registry.id}::bigint and at <= ${at}::timestamptz
        order by row_version desc, seq desc
        limit 1
      ) l
      left join change_content k on k.seq = l.seq
      where l.action not in ('delete', 'archive') and ${conditions.length > 0 ? sql.join(conditions, sql` and `) : sql`true`}
      order by r.uuid
      limit ${pageSize + 1}`.execute(trx);
    return { rows, last: n === window ? last : undefined };
  });
  const page = rows.slice(0, pageSize);
  const records = page.map(
    (row): RecordThen => ({
      uuid: row.uuid,
      rowVersion: row.row_version,
      since: new Date(row.at).toISOString(),
      content: row.kept ? (named(registry, fields, row.scheme, row.after) ?? {}) : null,
      erased: !row.kept,
    }),
  );
  await shownRows(
    db,
    granted,
    reader,
    'list',
    records.map((one) => rowOf(granted, one.uuid, one.content ?? {})),
    hash,
  );
  return { records, next: rows.length > pageSize ? page.at(-1)?.uuid : last };
}

/** A row as far as the read log needs it: whose data it shows. */
const rowOf = ({ fields }: Granted, uuid: string, content: Record<string, unknown>): Row =>
  ({
    uuid,
    ...Object.fromEntries(fields.map(({ name, column }) => [column, content[name]])),
  }) as unknown as Row;

export interface Difference {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What two versions of a record say differently; null where one says nothing. */
export async function differencesOf(
  db: Db,
  granted: Granted,
  uuid: string,
  from: number,
  to: number,
): Promise<Difference[]> {
  const [before, after] = [await contentAt(db, granted, uuid, from), await contentAt(db, granted, uuid, to)];
  return granted.fields.flatMap(({ name }) =>
    JSON.stringify(before[name]) === JSON.stringify(after[name])
      ? []
      : [{ field: name, before: before[name], after: after[name] }],
  );
}
