import { Problem } from '@govstack/platform';
import { type RawBuilder, sql } from 'kysely';
import type { Granted, Ground, Reader } from '../access/access.ts';
import type { SearchCriteria, SearchItem, SearchResult } from '../api/dci/shapes.ts';
import type { Mapping } from '../api/mappings/document.ts';
import { type Attribute, attributesOf } from '../mapping/attribute.ts';
import { attributesIn, render } from '../mapping/render.ts';
import type { Row } from '../records/content.ts';
import { shownRows } from '../records/read.ts';
import { columnRef, inWordsOfTheRequest, table, visible } from '../records/statement.ts';
import type { Field } from '../schema/field.ts';
import { conditionSql } from './condition.ts';
import { type Conversation, type Dci, readerOf, version } from './dci.ts';
import { sameName } from './names.ts';
import { type Condition, comparisonsOf, expressionQuery, identifierQuery, predicateQuery } from './query.ts';
import { Rejected, type RejectionCode } from './rejected.ts';

const mostPerPage = 1000;
const mostSkipped = 100_000;
/** Up to here matches are counted. */
const mostCounted = 10_000;
const mostSorts = 5;
/** Records in the answer to one message. */
const mostPerMessage = 5000;
const defaultMost = 100;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;

/**
 * Why records are asked for. A consent is named by its `@id` (or `id`), what authorizes by the `@id` of the authorize
 * block or by its purpose; the purpose is what either block says.
 */
export function groundOf({ consent, authorize }: Pick<SearchCriteria, 'consent' | 'authorize'>): Ground {
  const purpose = (block: typeof consent): string | undefined => {
    const said = block?.purpose as Record<string, unknown> | undefined;
    return textOf(said?.code) ?? textOf(said?.text) ?? textOf(said);
  };
  return {
    purpose: purpose(consent) ?? purpose(authorize),
    consentReference: textOf(consent?.['@id'] ?? consent?.id)?.slice(0, 100),
    legalGround: textOf(authorize?.['@id'] ?? authorize?.id) ?? purpose(authorize),
  };
}

/** A registry as one conversation sees it. */
export interface View {
  readonly granted: Granted;
  readonly reader: Reader;
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/** Opens the registry as the application behind the sender. What the gate refuses one item is refused with it. */
export async function openView(dci: Dci, conversation: Conversation, ground: Ground): Promise<View> {
  const { mapping } = conversation;
  const reader = readerOf(conversation, ground);
  try {
    const granted = await dci.gate.open(reader, mapping.registry, mapping.version ?? 'latest', 'list');
    return { granted, reader, attributes: attributesOf(mapping, granted.fields) };
  } catch (error) {
    if (error instanceof Problem && error.status === 403)
      throw new Rejected('rjct.search_criteria.invalid', error.message);
    throw error;
  }
}

/** Reads a query of one of the three types. `code`: of a defect, `identifier`: of an identifier type that is not known. */
export function conditionOf(
  mapping: Mapping,
  { type, query }: { readonly type: string | undefined; readonly query: unknown },
  code: RejectionCode,
  identifier: RejectionCode = code,
): { readonly condition: Condition; readonly collection?: string | undefined } {
  switch (type) {
    case 'idtype-value': {
      const { type: named, value } = identifierQuery(query, code);
      const attribute = Object.entries(mapping.identifiers ?? {}).find(([one]) => sameName(one, named))?.[1];
      if (attribute === undefined)
        throw new Rejected(identifier, `${named.slice(0, 100)} is not an identifier type here`);
      return { condition: { attribute, is: 'eq', value } };
    }
    case 'expression':
      return expressionQuery(query, code);
    case 'predicate':
      return { condition: predicateQuery(query, code) };
  }
  throw new Rejected(code, 'query_type is idtype-value, expression or predicate');
}

/** The record type that is meant, and what its records look like. */
export function recordTypeOf(
  mapping: Mapping,
  wanted: readonly (string | undefined)[],
  code: RejectionCode,
): { readonly name: string; readonly template: unknown } {
  const types = Object.entries(mapping.recordTypes ?? {});
  const named = wanted.filter((one) => one !== undefined);
  const byDefault = mapping.defaultRecordType ?? types[0]?.[0];
  const found =
    named.length === 0
      ? types.find(([type]) => type === byDefault)
      : types.find(([type]) => sameName(type, named[0] as string));
  if (!found) throw new Rejected(code, 'The registry has no records of this type');
  return { name: found[0], template: found[1] };
}

/** The fields that a template, or a condition, looks at. */
export const fieldsOf = (
  attributes: ReadonlyMap<string, Attribute>,
  names: readonly string[],
): readonly Field[] => [...new Set(names.flatMap((name) => attributes.get(name)?.field ?? []))];

/** Active records that the reader may see. */
export const selected = ({ granted }: View, condition: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`state = 'active' and ${visible(granted)} and ${condition}`;

const inWordsOfDci = async <T>(view: View, code: RejectionCode, work: Promise<T>): Promise<T> => {
  try {
    return await inWordsOfTheRequest(view.granted.registry.current, work);
  } catch (error) {
    if (error instanceof Problem && error.status === 400) throw new Rejected(code, error.message);
    throw error;
  }
};

function orderOf(view: View, sort: SearchCriteria['sort']): RawBuilder<unknown> {
  const given = sort ?? [];
  if (given.length > mostSorts)
    throw new Rejected('rjct.sort.invalid', `At most ${mostSorts} attributes order`);
  const by = given.map(({ attribute_name: name, sort_order: direction }) => {
    const attribute = view.attributes.get(name);
    if (!attribute?.searchable || attribute.path.length > 0 || attribute.field.type === 'json')
      throw new Rejected('rjct.sort.invalid', `${name.slice(0, 100)} is not an attribute that orders`);
    // Who is older is born earlier.
    const descending = (direction === 'desc') !== (attribute.as === 'age');
    return sql`${columnRef(attribute.field)} ${sql.raw(descending ? 'desc' : 'asc')} nulls last`;
  });
  return sql.join([...by, sql`uuid`]);
}

/** Answers one item of a search, or throws Rejected. */
async function searchOne(
  dci: Dci,
  conversation: Conversation,
  item: SearchItem,
): Promise<Pick<SearchResult, 'data' | 'pagination'>> {
  const { mapping } = conversation;
  const criteria = item.search_criteria;
  const invalid = 'rjct.search_criteria.invalid';
  if (criteria.reg_type !== undefined && !sameName(criteria.reg_type, mapping.regType ?? ''))
    throw new Rejected(invalid, 'This is not a registry of that type');
  const { condition, collection } = conditionOf(
    mapping,
    { type: criteria.query_type, query: criteria.query },
    invalid,
  );
  const type = recordTypeOf(
    mapping,
    [criteria.reg_record_type ?? criteria.response_entity ?? collection],
    invalid,
  );
  const view = await openView(dci, conversation, groundOf(criteria));
  const where = selected(view, conditionSql(condition, view.attributes, dci.now(), invalid));
  const order = orderOf(view, criteria.sort);

  const paged = item.pagination ?? criteria.pagination;
  const most = mapping.maxRecords ?? defaultMost;
  const size = paged?.page_size ?? most;
  const number = paged?.page_number ?? 1;
  if (size > mostPerPage || (number - 1) * size > mostSkipped)
    throw new Rejected(
      'rjct.pagination.invalid',
      `A page has at most ${mostPerPage} records, and begins within the first ${mostSkipped}`,
    );
  const of = table(view.granted.registry);
  const { rows } = await inWordsOfDci(
    view,
    invalid,
    sql<Row>`
      select * from ${of}
      where ${where}
      order by ${order}
      limit ${paged ? size : size + 1}
      offset ${(number - 1) * size}`.execute(dci.db),
  );
  if (!paged && rows.length > most)
    throw new Rejected(
      'rjct.search.too_many_records_found',
      `More than ${most} records match: ask by pages, or more narrowly`,
    );
  const counted =
    paged && (number > 1 || rows.length === size)
      ? await sql<{ count: string }>`
          select count(*) as count
          from (select 1 from ${of} where ${where} limit ${mostCounted}) as counted`.execute(dci.db)
      : undefined;
  return {
    data: {
      version,
      ...(mapping.regType === undefined ? {} : { reg_type: mapping.regType }),
      reg_record_type: type.name,
      reg_records: await showRecords(dci, view, type.template, rows, comparisonsOf(condition)),
    },
    pagination: {
      page_size: size,
      page_number: number,
      total_count: counted ? Number(counted.rows[0]?.count) : rows.length,
    },
  };
}

/** Rows as records of a type. Leaves a trace of the fields that are shown, and of those that were asked about. */
export async function showRecords(
  dci: Dci,
  view: View,
  template: unknown,
  rows: readonly Row[],
  asked: readonly { readonly attribute: string }[] = [],
): Promise<unknown[]> {
  const names = [...attributesIn(template), ...asked.map(({ attribute }) => attribute)];
  const fields = fieldsOf(view.attributes, names);
  await shownRows(dci.db, view.granted, view.reader, 'list', rows, dci.hash, fields);
  const now = dci.now();
  return rows
    .map((row) => render(template, view.attributes, row, now))
    .filter((record) => record !== undefined);
}

/** Minutes by which a request may be ahead of our clock. */
const aheadMs = 5 * 60_000;

/** Whether an item can be looked at: its id is its own, and its time is not to come. */
export function assertItem(
  item: { readonly reference_id: string; readonly timestamp: string },
  seen: Set<string>,
  now: Date,
): void {
  if (item.reference_id.trim() === '')
    throw new Rejected('rjct.reference_id.invalid', 'A request has a reference_id');
  if (seen.has(item.reference_id))
    throw new Rejected('rjct.reference_id.duplicate', 'The reference_id stands twice in the message');
  seen.add(item.reference_id);
  if (Date.parse(item.timestamp) > now.getTime() + aheadMs)
    throw new Rejected('rjct.timestamp.invalid', 'The timestamp is to come');
}

/** Answers each item of a search in its turn: found, or rejected for a reason of its own. */
export async function searchAll(
  dci: Dci,
  conversation: Conversation,
  items: readonly SearchItem[],
): Promise<SearchResult[]> {
  const seen = new Set<string>();
  const results: SearchResult[] = [];
  let records = 0;
  for (const item of items) {
    const about = {
      reference_id: item.reference_id,
      timestamp: dci.now().toISOString(),
      ...(item.locale === undefined ? {} : { locale: item.locale }),
    };
    try {
      assertItem(item, seen, dci.now());
      if (records >= mostPerMessage)
        throw new Rejected(
          'rjct.search.too_many_records_found',
          `The requests before found ${mostPerMessage} records: ask in another message`,
        );
      const found = await searchOne(dci, conversation, item);
      records += found.data?.reg_records.length ?? 0;
      results.push({ ...about, status: 'succ', ...found });
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      results.push({
        ...about,
        status: 'rjct',
        status_reason_code: error.code,
        status_reason_message: error.message,
      });
    }
  }
  return results;
}
