import { badRequest, notFound, Problem } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Granted, Reader } from '../access/access.ts';
import type { SubjectHash } from '../history/read-log.ts';
import type { Content, Row } from '../records/content.ts';
import { narrowed } from '../records/fixed-filter.ts';
import { type Filter, type Listing, listRecords } from '../records/list.ts';
import { byKey, find, shownRows } from '../records/read.ts';
import { viewOf } from '../records/view.ts';
import type { Field } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';
import type { RecordsDefinition } from './definition.ts';

type Db = Kysely<RegistryTables>;

/** The registries of a view as one reader may use them, by id. One that the reader may not use is not among them. */
export type GrantedRegistries = ReadonlyMap<string, Granted>;

interface Shown {
  readonly field: Field;
  readonly as: string;
}

interface Joined {
  readonly link: Field;
  readonly target: Field;
  readonly granted: Granted;
  readonly shown: readonly Shown[];
}

/** A view as one reader sees it: never a field whose right is missing. */
interface Seen {
  readonly granted: Granted;
  readonly shown: readonly Shown[];
  readonly joins: readonly Joined[];
}

const shownOf = (
  { fields }: Pick<Granted, 'fields'>,
  wanted: readonly { readonly field: number; readonly as: string }[],
): Shown[] =>
  wanted.flatMap(({ field: id, as }) => {
    const field = fields.find((one) => one.id === id);
    return field ? [{ field, as }] : [];
  });

function seen(registryId: string, definition: RecordsDefinition, registries: GrantedRegistries): Seen {
  const granted = registries.get(registryId);
  if (!granted) throw notFound('View');
  const shown = shownOf(granted, definition.fields);
  const joins = definition.joins.flatMap(({ link: linkId, registry, target: targetId, fields }): Joined[] => {
    const other = registries.get(registry);
    const link = granted.fields.find(({ id }) => id === linkId);
    const target = other?.registry.current.find(({ id }) => id === targetId);
    const joined = other ? shownOf(other, fields) : [];
    if (!other || !link || !target || joined.length === 0) return [];
    return [{ link, target, granted: other, shown: joined }];
  });
  if (shown.length === 0 && joins.length === 0) throw notFound('View');
  const needed = new Set([...shown.map(({ field }) => field.id), ...joins.map(({ link }) => link.id)]);
  return { granted: narrowed(granted, definition.filter, [...needed]), shown, joins };
}

/** Names under which a reader of the view knows its fields, in order. */
export function columnsOf(
  registryId: string,
  definition: RecordsDefinition,
  registries: GrantedRegistries,
): string[] {
  const { shown, joins } = seen(registryId, definition, registries);
  return [...shown, ...joins.flatMap((join) => join.shown)].map(({ as }) => as);
}

/** Fields of the records that links lead to, by the value of the link. */
async function follow(
  db: Db,
  { target, granted, shown }: Joined,
  values: readonly unknown[],
  reader: Reader,
  hash: SubjectHash,
): Promise<Map<string, Content>> {
  const wanted = [...new Set(values.filter((value) => value !== undefined))];
  if (wanted.length === 0) return new Map();
  // The right to a record is the reader's; the way to it, the value of the link, they have seen already.
  const byTarget = { ...granted, fields: [target], asked: [target] };
  const rows = await find(db, byTarget, { [target.name]: wanted }, { limit: wanted.length });
  const fields = shown.map(({ field }) => field);
  await shownRows(db, granted, reader, 'read', rows, hash, fields);
  return new Map(
    rows.map((row) => [
      String(viewOf({ fields: [target] }, row).content[target.name]),
      renamed(viewOf({ fields }, row).content, shown),
    ]),
  );
}

const renamed = (content: Content, shown: readonly Shown[]): Content =>
  Object.fromEntries(
    shown.flatMap(({ field, as }) => (field.name in content ? [[as, content[field.name]]] : [])),
  );

async function withJoins(
  db: Db,
  { shown, joins }: Seen,
  contents: readonly Content[],
  reader: Reader,
  hash: SubjectHash,
): Promise<Content[]> {
  const found: { readonly link: string; readonly records: Map<string, Content> }[] = [];
  for (const join of joins) {
    const values = contents.map((content) => content[join.link.name]);
    found.push({ link: join.link.name, records: await follow(db, join, values, reader, hash) });
  }
  return contents.map((content) => ({
    ...renamed(content, shown),
    ...Object.assign({}, ...found.map(({ link, records }) => records.get(String(content[link])))),
  }));
}

/** What is asked of a view, in its names. */
export interface ViewListing extends Pick<Listing, 'pageSize' | 'cursor' | 'skip' | 'count'> {
  readonly filters: readonly Filter[];
  readonly order: string | undefined;
  readonly descending: boolean;
}

const realName = ({ shown }: Seen, as: string): string => {
  const field = shown.find((one) => one.as === as)?.field;
  if (!field) throw badRequest('There is no such field in this view');
  return field.name;
};

export interface ViewPage {
  readonly results: readonly Content[];
  readonly uuids: readonly string[];
  readonly next: string | undefined;
  readonly count: number | undefined;
  readonly exact: boolean;
}

/** A page of a view. */
export async function listView(
  db: Db,
  registryId: string,
  definition: RecordsDefinition,
  registries: GrantedRegistries,
  reader: Reader,
  listing: ViewListing,
  hash: SubjectHash,
): Promise<ViewPage> {
  const view = seen(registryId, definition, registries);
  const { order } = definition;
  const own = order && view.shown.find(({ field }) => field.id === order.field)?.field.name;
  const by = listing.order === undefined ? (own ?? undefined) : realName(view, listing.order);
  const page = await listRecords(
    db,
    view.granted,
    reader,
    {
      ...listing,
      query: {},
      words: undefined,
      filters: listing.filters.map((filter) => ({ ...filter, field: realName(view, filter.field) })),
      order: by,
      descending: listing.order === undefined && own ? (order?.descending ?? false) : listing.descending,
    },
    hash,
  );
  const contents = page.results.map(({ content }) => content);
  return {
    results: await withJoins(db, view, contents, reader, hash),
    uuids: page.results.map(({ uuid }) => uuid),
    next: page.next,
    count: page.count,
    exact: page.exact,
  };
}

/** One record of a view: by its uuid, or the oldest that matches. 404 when the view has none. */
export async function readView(
  db: Db,
  registryId: string,
  definition: RecordsDefinition,
  registries: GrantedRegistries,
  reader: Reader,
  sought: { readonly uuid: string } | { readonly query: Content },
  hash: SubjectHash,
): Promise<{ readonly uuid: string; readonly content: Content }> {
  const view = seen(registryId, definition, registries);
  let row: Row | undefined;
  if ('uuid' in sought) row = await byKey(db, view.granted, sought.uuid);
  else {
    const query = Object.fromEntries(
      Object.entries(sought.query).map(([as, value]) => [realName(view, as), value]),
    );
    [row] = await find(db, view.granted, query, { limit: 1 });
  }
  if (row?.state !== 'active') throw new Problem(404, 'no record found');
  await shownRows(db, view.granted, reader, 'read', [row], hash);
  const [content] = await withJoins(db, view, [viewOf(view.granted, row).content], reader, hash);
  return { uuid: row.uuid, content: content ?? {} };
}
