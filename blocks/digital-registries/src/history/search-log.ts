import { badRequest, Problem } from '@govstack/platform';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';

type Db = Kysely<RegistryTables>;

/** A page of a log, newest first. */
export interface LogPage<T> {
  readonly entries: readonly T[];
  readonly next: string | undefined;
}

export interface LogSearch {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly pageSize: number;
  /** `next` of the page before. */
  readonly after: string | undefined;
}

/** Entries of which one page looks at so many at most, whatever it seeks. */
const window = 20_000;
const longestMs = 10_000;

/** A transaction whose statements end after ten seconds: what takes longer is to be asked for in parts. */
export async function inTime<T>(db: Db, work: (trx: Db) => Promise<T>): Promise<T> {
  try {
    return await db.transaction().execute(async (trx) => {
      await sql`select set_config('statement_timeout', ${String(longestMs)}, true)`.execute(trx);
      return work(trx);
    });
  } catch (error) {
    if ((error as { code?: string }).code === '57014')
      throw new Problem(422, 'This takes too long: ask for less, a shorter time say', {
        type: 'urn:govstack:registries:too-much',
      });
    throw error;
  }
}

const encode = (place: readonly string[]): string => Buffer.from(JSON.stringify(place)).toString('base64url');

function decode(after: string): readonly [at: string, key: string] {
  try {
    const place = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'));
    if (
      Array.isArray(place) &&
      place.length === 2 &&
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00$/.test(place[0]) &&
      /^[0-9a-f-]{1,36}$/.test(place[1])
    )
      return [place[0], place[1]];
  } catch {
    // Said below.
  }
  throw badRequest('This is not a place in a log');
}

export interface LogSource {
  readonly table: RawBuilder<unknown>;
  /** Column that tells entries of one moment apart. */
  readonly key: 'seq' | 'id';
  readonly keyType: 'bigint' | 'uuid';
  /** Parts of the log that each have an order of their own by index, as conditions. */
  readonly parts: readonly RawBuilder<unknown>[];
  /** What the entries must be like, looked at in the window. */
  readonly conditions: readonly RawBuilder<unknown>[];
  /** What an entry answers with, of `l`. */
  readonly columns: RawBuilder<unknown>;
  readonly joins?: RawBuilder<unknown>;
}

/**
 * A page of a log by place. Each part is read along its index from the place on, through a window of entries; when a
 * window ends before the page is full, the page is short and goes on from there: no search costs more than its windows.
 */
export async function searchLog<T extends object>(
  db: Db,
  { table, key, keyType, parts, conditions, columns, joins }: LogSource,
  { from, to, pageSize, after }: LogSearch,
): Promise<LogPage<T>> {
  if (parts.length === 0) return { entries: [], next: undefined };
  const place = after === undefined ? undefined : decode(after);
  const id = sql.id(key);
  const each = Math.max(pageSize + 1, Math.floor(window / parts.length));
  const type = sql.raw(keyType);
  const within = [
    ...(from === undefined ? [] : [sql`at >= ${from}::timestamptz`]),
    ...(to === undefined ? [] : [sql`at < ${to}::timestamptz`]),
    ...(place ? [sql`(at, ${id}) < (${place[0]}::timestamptz, ${place[1]}::${type})`] : []),
  ];
  const looked = parts.map(
    (part, index) => sql`(
      select ${index}::integer as part, *
      from ${table}
      where ${sql.join([part, ...within], sql` and `)}
      order by at desc, ${id} desc
      limit ${each}
    )`,
  );
  return inTime(db, async (trx) => {
    const { rows } = await sql<
      T & { edge_at: string | null; edge_key: string | null; place_at: string; place_key: string }
    >`
      with looked as materialized (
        ${sql.join(looked, sql` union all `)}
      ), edge as (
        select at, ${id}
        from (
          select at, ${id}, row_number() over (partition by part order by at desc, ${id} desc) as n
          from looked
        ) counted
        where n = ${each}
        order by at desc, ${id} desc
        limit 1
      ), page as (
        select l.at as place_moment, l.${id} as place_id, ${columns}
        from looked l
        ${joins ?? sql``}
        where ${sql.join([sql`(not exists (select from edge) or (l.at, l.${id}) >= (select at, ${id} from edge))`, ...conditions], sql` and `)}
        order by l.at desc, l.${id} desc
        limit ${pageSize + 1}
      )
      select page.*, place_moment::text as place_at, place_id::text as place_key, edge.at::text as edge_at, edge.${id}::text as edge_key
      from (select) nothing
      left join edge on true
      left join page on true
      order by place_moment desc nulls last, place_id desc`.execute(trx);
    const [first] = rows;
    const found = rows.filter(({ place_at }) => place_at !== null);
    const page = found.slice(0, pageSize);
    const last = page.at(-1);
    const next =
      found.length > pageSize && last
        ? encode([last.place_at, last.place_key])
        : first && first.edge_at !== null && first.edge_key !== null
          ? encode([first.edge_at, first.edge_key])
          : undefined;
    return { entries: page, next };
  });
}
