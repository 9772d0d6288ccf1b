import { badRequest, Problem } from '@govstack/platform';
import { type RawBuilder, sql } from 'kysely';
import type { ConditionalField, Granted } from '../access/access.ts';
import type { Registry } from '../schema/catalogue.ts';
import { type Column, columnTypes, type Field, sequenceOf } from '../schema/field.ts';
import { tableRef } from '../schema/table.ts';
import { fieldContext } from '../secrets/vault.ts';
import { type Content, comparable, fieldNamed, inOneForm, toColumn } from './content.ts';

export const table = (registry: Registry) => tableRef(registry.id);
export const columnRef = (field: Pick<Field, 'column'>) => sql.id(field.column);
export const cast = (field: Pick<Field, 'type'>, value: unknown): RawBuilder<unknown> =>
  sql`${toColumn(field.type, value)}::${sql.raw(columnTypes[field.type])}`;

/** The records that there are for a reader. */
export const visible = ({ rows }: Pick<Granted, 'rows'>): RawBuilder<unknown> => rows ?? sql`true`;

/** Holds as long as the registry is what the writer believes it to be: its columns, and that it takes records. */
export const unchanged = (registry: Registry): RawBuilder<unknown> =>
  sql`exists (select from registry where id = ${registry.id}::bigint and revision = ${registry.revision}::bigint)`;

/** The registry was changed while a record was being written; the write is repeated with what it is now. */
export class StaleRegistry extends Error {
  constructor() {
    super('the registry was changed meanwhile');
    this.name = 'StaleRegistry';
  }
}

/** Columns in one piece: a query builder takes as long for a list of names as the database for the query. */
export const columnList = (names: Iterable<string>, of = ''): RawBuilder<unknown> =>
  sql.raw([...names].map((name) => `${of}"${name}"`).join(', '));

const ofEveryRecord = ['uuid', 'no', 'row_version', 'state', 'created_at', 'modified_at'];
const columnLists = new WeakMap<readonly Column[], RawBuilder<unknown>>();

/** All columns of a record, by name: a statement that is prepared must not find another one some day. */
export function everyColumn({
  columns,
  current,
}: Pick<Registry, 'columns' | 'current'>): RawBuilder<unknown> {
  const known = columnLists.get(columns);
  if (known) return known;
  const names = new Set([...ofEveryRecord, ...[...columns, ...current].map(({ column }) => column)]);
  const list = columnList(names);
  columnLists.set(columns, list);
  return list;
}

/** The same, with what a reader sees of the fields that are shown in part. */
export const shown = ({
  registry,
  partial = [],
}: Pick<Granted, 'registry' | 'partial'>): RawBuilder<unknown> =>
  sql.join([
    everyColumn(registry),
    ...partial.map(({ column, shown }) => sql`${shown} as ${sql.id(column)}`),
  ]);

/** Fields by which a reader may seek and order. */
export const asked = (granted: Pick<Granted, 'fields' | 'asked'>): readonly ConditionalField[] =>
  granted.asked ?? granted.fields;

/** The value of a field for a reader: none where they may not see it. */
export const valueRef = ({ when, column }: Pick<ConditionalField, 'when' | 'column'>): RawBuilder<unknown> =>
  when ? sql`case when ${when} then ${sql.id(column)} end` : sql.id(column);

/** A condition that fails where there is no value, on a field; where the reader may not see it, there is none. */
export const comparing = (
  field: Pick<ConditionalField, 'when' | 'column'>,
  condition: (column: RawBuilder<unknown>) => RawBuilder<unknown>,
): RawBuilder<unknown> => {
  const met = condition(columnRef(field));
  return field.when ? sql`(${met} and ${field.when})` : met;
};

/** The next running number of the registry, as text. */
export const nextNumber = (registry: Registry): RawBuilder<unknown> =>
  sql`nextval(${`reg.${sequenceOf(registry.id)}`}::regclass)::text`;

/** Text that is no such value, dates and numbers out of range, characters that no text or JSON may hold. */
const unfit = new Set(['22P02', '22007', '22008', '22003', '22021', '22P05', '22P03', '54001']);

/** PostgreSQL's refusals in the words of the request; anything else is a fault of ours. */
export async function inWordsOfTheRequest<T>(fields: readonly Field[], work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code, constraint } = error as { code?: string; constraint?: string };
    if (code === '23505') {
      // Unique indexes are named after the columns they are on: u_<registry>_<column>, x_<registry>_<column>_….
      const columns = (constraint ?? '').split('_').slice(2).join('_');
      const named = fields.find(({ column }) => column === `f_${columns}`)?.name;
      const what = named ?? (constraint?.startsWith('x_') ? 'combination of fields' : 'registry number');
      throw new Problem(409, `A record with this ${what} exists already`, {
        type: 'urn:govstack:registries:unique',
      });
    }
    if (code !== undefined && unfit.has(code)) throw badRequest('A value does not fit its field');
    if (code === '54000') throw badRequest('The record, or a value that is searched by, is too long');
    throw error;
  }
}

const mostAlternatives = 1000;

/** A secret is found by the hash of its value, where its field is indexed. */
function secretEquality(field: Field, value: unknown): RawBuilder<unknown> {
  const { hash, vault } = field;
  if (!hash || !vault) throw badRequest(`${field.name} is secret and cannot be searched by`);
  const values = Array.isArray(value) ? value : [value];
  if (values.length > mostAlternatives)
    throw badRequest(`${field.name} must be a value, or a list of at most ${mostAlternatives} values`);
  const hashes = values.map((one) => {
    const read = comparable(field.type, one);
    if (read === undefined) throw badRequest('A value does not fit its field');
    return vault.hash(fieldContext(field.id), read);
  });
  return sql`${sql.id(hash)} = any(${hashes}::bytea[])`;
}

/** All conditions must hold; of a list, one value; of an object, what it says of the one there. Never means everything. */
export function equality(fields: readonly ConditionalField[], query: Content): RawBuilder<unknown> {
  const parts = Object.entries(query).map(([name, value]) => {
    const field = fieldNamed(fields, name, '/query/content');
    if (value === null) return sql`${valueRef(field)} is null`;
    if (field.secret) return comparing(field, () => secretEquality(field, value));
    if (field.type === 'json' || field.type === 'file') {
      const sought = field.list && typeof value !== 'object' ? [value] : value;
      if (typeof sought !== 'object') throw badRequest(`${name} cannot be searched by that`);
      return comparing(field, (column) => sql`${column} @> ${JSON.stringify(sought)}::jsonb`);
    }
    const values = (Array.isArray(value) ? value : [value]).map((one) => inOneForm(field, one));
    if (values.length > mostAlternatives || values.some((one) => one === null || typeof one === 'object'))
      throw badRequest(`${name} must be a value, or a list of at most ${mostAlternatives} values`);
    if (values.length === 0) return sql`false`;
    if (values.length === 1) return comparing(field, (column) => sql`${column} = ${cast(field, values[0])}`);
    const list = values.map((one) => toColumn(field.type, one));
    return comparing(field, (column) => sql`${column} = any(${list}::${sql.raw(columnTypes[field.type])}[])`);
  });
  if (parts.length === 0)
    throw badRequest('The query must name at least one field', [
      { in: 'body', pointer: '/query/content', detail: 'is empty' },
    ]);
  return sql.join(parts, sql` and `);
}
