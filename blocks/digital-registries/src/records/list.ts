import { badRequest } from '@govstack/platform';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import type { SubjectHash } from '../history/read-log.ts';
import type { Field } from '../schema/field.ts';
import { wordsOf } from '../schema/table.ts';
import type { RegistryTables } from '../tables.ts';
import { type Content, fieldNamed, fromColumn, type Row } from './content.ts';
import { shownRows } from './read.ts';
import { cast, columnRef, equality, inWordsOfTheRequest, table, visible } from './statement.ts';
import { type RecordView, viewOf } from './view.ts';

export type Operator = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'in' | 'startsWith' | 'isNull';

export interface Filter {
  readonly field: string;
  readonly operator: Operator;
  readonly value?: unknown;
}

export interface Listing {
  readonly query: Content;
  readonly filters: readonly Filter[];
  /** Words that must all be in the searchable fields. */
  readonly words: string | undefined;
  /** The field by which records are ordered; by age when left out. */
  readonly order: string | undefined;
  readonly descending: boolean;
  readonly pageSize: number;
  /** `next` of the page before. */
  readonly cursor: string | undefined;
  /** Pages to leave out, for clients that number pages. */
  readonly skip: number;
  readonly count: boolean;
}

export interface ListPage {
  readonly results: readonly RecordView[];
  readonly next: string | undefined;
  /** How many match; `exact` up to 10,000. */
  readonly count: number | undefined;
  readonly exact: boolean;
}

const comparisons = { ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' } as const;

function filterCondition(
  fields: readonly Field[],
  { field: name, operator, value }: Filter,
): RawBuilder<unknown> {
  const field = fieldNamed(fields, name, '/filter');
  const column = columnRef(field);
  if (operator === 'isNull') return value === false ? sql`${column} is not null` : sql`${column} is null`;
  if (operator === 'eq') return equality(fields, { [name]: value ?? null });
  if (operator === 'in') return equality(fields, { [name]: Array.isArray(value) ? value : [value] });
  if (value === null || value === undefined || typeof value === 'object')
    throw badRequest(`${name} must be compared with a value`);
  if (field.type === 'json' || field.type === 'file') throw badRequest(`${name} cannot be compared`);
  if (operator === 'startsWith') {
    if (field.type !== 'text') throw badRequest(`${name} is not text`);
    return sql`${column} like ${`${String(value).replaceAll(/[\\%_]/g, '\\$&')}%`}`;
  }
  return sql`${column} ${sql.raw(comparisons[operator])} ${cast(field, value)}`;
}

const encode = (position: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

function decode(cursor: string): readonly [order: string, value: unknown, uuid: string] {
  try {
    const read = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(read) && read.length === 3 && /^[0-9a-f-]{36}$/.test(read[2]))
      return [String(read[0]), read[1], read[2]];
  } catch {
    // Said below.
  }
  throw badRequest('This is not a place in a list');
}

const most = 10_000;

/** A page of active records. Places in the list are keys, not counts: a page costs the same wherever it is. */
export async function listRecords(
  db: Kysely<RegistryTables>,
  granted: Granted,
  reader: Reader,
  listing: Listing,
  hash: SubjectHash,
): Promise<ListPage> {
  const { registry, fields } = granted;
  const order = listing.order === undefined ? undefined : fieldNamed(fields, listing.order, '/order');
  if (order && (order.type === 'json' || order.type === 'file'))
    throw badRequest(`${order.name} has no order`);
  const searchable = fields.filter((field) => field.searchable);
  if (listing.words !== undefined && searchable.length === 0)
    throw badRequest('No field of this registry is searched by words');
  const conditions = [
    sql`state = 'active'`,
    visible(granted),
    ...(Object.keys(listing.query).length > 0 ? [equality(fields, listing.query)] : []),
    ...listing.filters.map((filter) => filterCondition(fields, filter)),
    ...(listing.words === undefined
      ? []
      : [sql`${wordsOf(searchable)} @@ plainto_tsquery('simple', ${listing.words})`]),
  ];
  const where = sql.join(conditions, sql` and `);
  const name = `${order?.id ?? ''}${listing.descending ? '-' : ''}`;
  const direction = listing.descending ? sql`desc` : sql`asc`;
  const after: RawBuilder<unknown>[] = [];
  if (listing.cursor !== undefined) {
    const [of, value, uuid] = decode(listing.cursor);
    if (of !== name) throw badRequest('The place belongs to a list in another order');
    const beyond = listing.descending ? sql`<` : sql`>`;
    // Records without a value stand last in either direction.
    if (!order) after.push(sql`uuid ${beyond} ${uuid}::uuid`);
    else if (value === null) after.push(sql`${columnRef(order)} is null and uuid ${beyond} ${uuid}::uuid`);
    else
      after.push(
        sql`((${columnRef(order)}, uuid) ${beyond} (${cast(order, value)}, ${uuid}::uuid) or ${columnRef(order)} is null)`,
      );
  }
  const by = order
    ? sql`${columnRef(order)} ${direction} nulls last, uuid ${direction}`
    : sql`uuid ${direction}`;
  const { rows } = await inWordsOfTheRequest(
    registry.current,
    sql<Row>`
      select * from ${table(registry)}
      where ${sql.join([where, ...after], sql` and `)}
      order by ${by}
      limit ${listing.pageSize + 1}
      offset ${listing.skip}`.execute(db),
  );
  const page = rows.slice(0, listing.pageSize);
  await shownRows(db, granted, reader, 'list', page, hash);
  const last = rows.length > listing.pageSize ? page.at(-1) : undefined;
  const counted = listing.count
    ? await sql<{ count: string }>`
        select count(*) as count
        from (select 1 from ${table(registry)} where ${where} limit ${most + 1}) as counted`.execute(db)
    : undefined;
  const count = counted && Number(counted.rows[0]?.count);
  return {
    results: page.map((row) => viewOf(granted, row)),
    next:
      last && encode([name, order ? (fromColumn(order.type, last[order.column]) ?? null) : null, last.uuid]),
    count: count === undefined ? undefined : Math.min(count, most),
    exact: count === undefined || count <= most,
  };
}
