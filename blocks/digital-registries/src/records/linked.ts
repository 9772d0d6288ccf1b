import { Problem } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { Gate, Granted, Reader } from '../access/access.ts';
import type { SubjectHash } from '../history/read-log.ts';
import { storedFields } from '../schema/field.ts';
import { targetOf } from '../schema/publish.ts';
import type { RegistryTables } from '../tables.ts';
import { contentOf, fromColumn, type Row } from './content.ts';
import { leadsTo, targetField, uuidPattern } from './links.ts';
import { listRecords } from './list.ts';
import { byKey, shownRows } from './read.ts';
import { visible } from './statement.ts';
import type { RecordView } from './view.ts';

type Db = Kysely<RegistryTables>;

/** Records at the other end of a link. */
export interface Linked {
  /** `to`: this record's field leads there; `from`: their field leads here. */
  readonly direction: 'to' | 'from';
  readonly registry: string;
  /** The field that holds the link, in the registry that links. */
  readonly field: string;
  readonly kind: string;
  readonly records: readonly RecordView[];
  /** There are more than these. */
  readonly more: boolean;
}

/** Most records that are given for a link, and most links. */
const mostRecords = 50;
const mostLinks = 50;
const mostRegistries = 200;

/** A registry that the reader may not read is left out, as if nothing led there. */
async function opened(
  gate: Gate,
  reader: Reader,
  code: string,
  version: string,
): Promise<Granted | undefined> {
  try {
    return await gate.open(reader, code, version, 'read');
  } catch (error) {
    if (error instanceof Problem && (error.status === 403 || error.status === 404)) return undefined;
    throw error;
  }
}

/** What a record leads to and what leads to it, each registry opened for the reader as if it were asked alone. */
export async function linkedRecords(
  db: Db,
  gate: Gate,
  granted: Granted,
  reader: Reader,
  key: string,
  hash: SubjectHash,
): Promise<Linked[]> {
  const { registry, fields } = granted;
  const row = await byKey(db, granted, key);
  if (row?.state !== 'active') throw new Problem(404, 'no record found');
  const linking = fields.filter(({ links }) => links.length > 0);
  await shownRows(db, granted, reader, 'read', [row], hash, linking);
  const content = contentOf(fields, row);
  const found: Linked[] = [];

  const records = async (
    there: Granted,
    condition: ReturnType<typeof visible>,
  ): Promise<Pick<Linked, 'records' | 'more'>> => {
    const narrowed: Granted = { ...there, rows: sql`${visible(there)} and ${condition}` };
    const { results, next } = await listRecords(
      db,
      narrowed,
      reader,
      {
        query: {},
        filters: [],
        words: undefined,
        order: undefined,
        descending: false,
        pageSize: mostRecords,
        cursor: undefined,
        skip: 0,
        count: false,
      },
      hash,
    );
    return { records: results, more: next !== undefined };
  };

  for (const field of linking)
    for (const link of field.links) {
      const values = [content[field.name] ?? []].flat();
      if (values.length === 0 || found.length >= mostLinks) continue;
      const target = await targetOf(db, registry.owner, link.registry);
      const there = target && (await opened(gate, reader, target.code, 'latest'));
      const named = there && targetField(link, there.fields);
      if (!there || !named) continue;
      const condition =
        named.column === 'uuid'
          ? sql`uuid = any(${values.map(String).filter((value) => uuidPattern.test(value))}::uuid[])`
          : leadsTo(named, values);
      found.push({
        direction: 'to',
        registry: there.registry.code,
        field: field.name,
        kind: link.kind,
        ...(await records(there, condition)),
      });
    }

  const others = await db
    .selectFrom('registry as r')
    .innerJoin('registry_version as v', 'v.registry_id', 'r.id')
    .select(['r.code', 'v.fields'])
    .distinctOn('r.id')
    .where('r.owner', '=', registry.owner)
    .where('r.state', '<>', 'draft')
    .where('v.state', '<>', 'withdrawn')
    .orderBy('r.id')
    .orderBy('v.position', 'desc')
    .limit(mostRegistries)
    .execute();
  for (const other of others)
    for (const field of storedFields(other.fields))
      for (const link of field.links) {
        if (found.length >= mostLinks) return found;
        if (link.registry.toLowerCase() !== registry.code && link.registry !== registry.id) continue;
        const key = targetField(link, fields);
        const value = key && valueAt(row, key);
        if (value === undefined) continue;
        const there = await opened(gate, reader, other.code, 'latest');
        const named = there?.fields.find(({ id }) => id === field.id);
        if (!there || !named) continue;
        const those = await records(there, leadsTo(named, [value]));
        if (those.records.length > 0)
          found.push({
            direction: 'from',
            registry: other.code,
            field: named.name,
            kind: link.kind,
            ...those,
          });
      }
  return found;
}

const valueAt = (row: Row, { column, type }: NonNullable<ReturnType<typeof targetField>>): unknown =>
  fromColumn(type, row[column]);
