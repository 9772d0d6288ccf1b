import { badRequest, Problem } from '@govstack/platform';
import { type RawBuilder, sql } from 'kysely';
import type { Granted } from '../access/access.ts';
import type { Registry } from '../schema/catalogue.ts';
import { columnTypes, type Field, sequenceOf } from '../schema/field.ts';
import { tableRef } from '../schema/table.ts';
import { type Content, fieldNamed, toColumn } from './content.ts';

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

/** The next running number of the registry, as text. */
export const nextNumber = (registry: Registry): RawBuilder<unknown> =>
  sql`nextval(${`reg.${sequenceOf(registry.id)}`}::regclass)::text`;

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
    if (code === '22P02' || code === '22007' || code === '22008' || code === '22003' || code === '22021')
      throw badRequest('A value does not fit its field');
    throw error;
  }
}

const mostAlternatives = 1000;

/** All conditions must hold; of a list, one value; of an object, what it says of the one there. Never means everything. */
export function equality(fields: readonly Field[], query: Content): RawBuilder<unknown> {
  const parts = Object.entries(query).map(([name, value]) => {
    const field = fieldNamed(fields, name, '/query/content');
    if (value === null) return sql`${columnRef(field)} is null`;
    if (field.type === 'json' || field.type === 'file') {
      if (typeof value !== 'object') throw badRequest(`${name} cannot be searched by that`);
      return sql`${columnRef(field)} @> ${JSON.stringify(value)}::jsonb`;
    }
    const values = Array.isArray(value) ? value : [value];
    if (values.length > mostAlternatives || values.some((one) => one === null || typeof one === 'object'))
      throw badRequest(`${name} must be a value, or a list of at most ${mostAlternatives} values`);
    if (values.length === 0) return sql`false`;
    if (values.length === 1) return sql`${columnRef(field)} = ${cast(field, values[0])}`;
    return sql`${columnRef(field)} = any(${values.map((one) => toColumn(field.type, one))}::${sql.raw(columnTypes[field.type])}[])`;
  });
  if (parts.length === 0)
    throw badRequest('The query must name at least one field', [
      { in: 'body', pointer: '/query/content', detail: 'is empty' },
    ]);
  return sql.join(parts, sql` and `);
}
