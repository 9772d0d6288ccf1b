import { badRequest } from '@govstack/platform';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { ConditionalField, Granted, Reader } from '../access/access.ts';
import type { SubjectHash } from '../history/read-log.ts';
import type { Field } from '../schema/field.ts';
import { wordsOf } from '../schema/table.ts';
import type { RegistryTables } from '../tables.ts';
import { type Content, fieldNamed, type Row } from './content.ts';
import { withinBox } from './geography.ts';
import { readable, shownRows, uuidPattern } from './read.ts';
import {
  asked,
  cast,
  comparing,
  equality,
  inWordsOfTheRequest,
  shown,
  table,
  valueRef,
  visible,
} from './statement.ts';
import { type RecordView, viewOf } from './view.ts';
import { behindWall } from './wall.ts';

export type Operator = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'in' | 'startsWith' | 'isNull' | 'within';

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
  /** Only these fields are shown; all when left out. */
  readonly shown?: readonly Field[];
}

export interface ListPage {
  readonly results: readonly RecordView[];
  readonly next: string | undefined;
  /** How many match; `exact` up to 10,000. */
  readonly count: number | undefined;
  readonly exact: boolean;
}

const comparisons = { ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' } as const;

/** One condition on a field. */
export function filterCondition(
  fields: readonly ConditionalField[],
  { field: name, operator, value }: Filter,
): RawBuilder<unknown> {
  const field = fieldNamed(fields, name, '/filter');
  if (operator === 'isNull')
    return value === false ? sql`${valueRef(field)} is not null` : sql`${valueRef(field)} is null`;
  if (operator === 'eq') return equality(fields, { [name]: value ?? null });
  if (operator === 'in') return equality(fields, { [name]: Array.isArray(value) ? value : [value] });
  if (operator === 'within') return withinBox(field, value);
  if (field.secret) throw badRequest(`${name} is secret: only equality can be asked`);
  if (value === null || value === undefined || typeof value === 'object')
    throw badRequest(`${name} must be compared with a value`);
  if (field.type === 'json' || field.type === 'file') throw badRequest(`${name} cannot be compared`);
  if (operator === 'startsWith') {
    if (field.type !== 'text') throw badRequest(`${name} is not text`);
    const pattern = `${String(value).replaceAll(/[\\%_]/g, '\\$&')}%`;
    return comparing(field, (column) => sql`${column} like ${pattern}`);
  }
  return comparing(field, (column) => sql`${column} ${sql.raw(comparisons[operator])} ${cast(field, value)}`);
}

const encode = (position: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

function decode(cursor: string): readonly [order: string, value: unknown, uuid: string] {
  try {
    const read = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (Array.isArray(read) && read.length === 3 && uuidPattern.test(read[2]) && isScalar(read[1]))
      return [String(read[0]), read[1], read[2]];
  } catch {
    // Said below.
  }
  throw badRequest('This is not a place in a list');
}

const isScalar = (value: unknown): boolean => value === null || typeof value === 'string';

const most = 10_000;

/** A page of active records. Places in the list are keys, not counts: a page costs the same wherever it is. */
export async function listRecords(
  db: Kysely<RegistryTables>,
  granted: Granted,
  reader: Reader,
  listing: Listing,
  hash: SubjectHash,
): Promise<ListPage> {
  const { registry } = granted;
  const fields = asked(granted);
  const order = listing.order === undefined ? undefined : fieldNamed(fields, listing.order, '/order');
  if (order && (order.secret || order.type === 'json' || order.type === 'file'))
    throw badRequest(`${order.name} has no order`);
  const searchable = granted.fields.filter((field) => field.searchable);
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
    else if (value === null) after.push(sql`${valueRef(order)} is null and uuid ${beyond} ${uuid}::uuid`);
    else
      after.push(
        sql`((${valueRef(order)}, uuid) ${beyond} (${cast(order, value)}, ${uuid}::uuid) or ${valueRef(order)} is null)`,
      );
  }
  const by = order
    ? sql`${valueRef(order)} ${direction} nulls last, uuid ${direction}`
    : sql`uuid ${direction}`;
  const { rows } = await inWordsOfTheRequest(
    registry.current,
    behindWall(db, granted, (walled) =>
      sql<Row & { place: string | null }>`
        select ${shown(granted)}, ${order ? sql`${valueRef(order)}::text` : sql`null`} as place
        from ${table(registry)}
        where ${sql.join([where, ...after], sql` and `)}
        order by ${by}
        limit ${listing.pageSize + 1}
        offset ${listing.skip}`.execute(walled),
    ),
  );
  const page = rows.slice(0, listing.pageSize);
  const only = listing.shown;
  const wanted = ({ id }: Field): boolean => only === undefined || only.some((field) => field.id === id);
  const view = {
    fields: granted.fields.filter(wanted),
    partial: (granted.partial ?? []).filter(({ field }) => wanted(field)),
  };
  const sought = new Set([...Object.keys(listing.query), ...listing.filters.map(({ field }) => field)]);
  const looked = readable(granted).filter((field) => wanted(field) || sought.has(field.name));
  await shownRows(db, granted, reader, 'list', page, hash, looked);
  const last = rows.length > listing.pageSize ? page.at(-1) : undefined;
  // A number, of what the same condition lets be seen: not worth asking the second wall 10,000 times.
  const counted = listing.count
    ? await sql<{ count: string }>`
        select count(*) as count
        from (select 1 from ${table(registry)} where ${where} limit ${most + 1}) as counted`.execute(db)
    : undefined;
  const count = counted && Number(counted.rows[0]?.count);
  return {
    results: page.map((row) => viewOf(view, row)),
    // The place as the database writes it: a number of many digits would not come back the same.
    next: last && encode([name, last.place, last.uuid]),
    count: count === undefined ? undefined : Math.min(count, most),
    exact: count === undefined || count <= most,
  };
}
