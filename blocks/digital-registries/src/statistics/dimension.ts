import { badRequest } from '@govstack/platform';
import { type RawBuilder, sql } from 'kysely';
import { fieldNamed } from '../records/content.ts';
import { columnRef } from '../records/statement.ts';
import type { Field } from '../schema/field.ts';

export type Bucket = 'day' | 'week' | 'month' | 'quarter' | 'year';

/** What counts are broken down by. */
export interface Dimension {
  readonly field?: string;
  readonly time?: Bucket;
  /** Lower ends of number ranges. */
  readonly ranges?: readonly number[];
}

export interface CompiledDimension {
  readonly name: string;
  readonly expression: RawBuilder<unknown>;
  /** A value of the expression as it is told. */
  readonly told: (value: unknown) => string | number | boolean | null;
}

const plain = (value: unknown): string | number | boolean | null =>
  value === null || typeof value === 'boolean' || typeof value === 'number' ? value : String(value);

const bucketed = (bucket: Bucket, at: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`date_trunc(${bucket}, ${at} at time zone 'UTC')::date::text`;

/** Values of a personal field would tell of persons: it can be told apart only where many have the same. */
const tellsOfPersons = (field: Field): boolean =>
  field.personal && field.values === undefined && field.type !== 'boolean';

const rangeName = (ranges: readonly number[], index: number): string =>
  index === 0
    ? `below ${ranges[0]}`
    : index === ranges.length
      ? `${ranges[index - 1]} and above`
      : `${ranges[index - 1]} to below ${ranges[index]}`;

export function compileDimension(
  fields: readonly Field[],
  { field: name, time, ranges }: Dimension,
  index: number,
  happened: RawBuilder<unknown>,
): CompiledDimension {
  const refuse = (detail: string) =>
    badRequest('The breakdown cannot be made', [{ in: 'body', pointer: `/by/${index}`, detail }]);
  if (name === undefined) {
    if (time === undefined || ranges !== undefined) throw refuse('names neither a field nor a time');
    return { name: time, expression: bucketed(time, happened), told: plain };
  }
  const field = fieldNamed(fields, name, `/by/${index}/field`);
  const column = columnRef(field);
  if (time !== undefined) {
    if (ranges !== undefined) throw refuse('has times and ranges');
    if (field.type !== 'date' && field.type !== 'date-time') throw refuse(`${name} is no date`);
    if (field.personal && time !== 'year' && time !== 'quarter' && time !== 'month')
      throw refuse(`${name} is personal data: by month at the finest`);
    const at = field.type === 'date' ? sql`${column}::timestamp at time zone 'UTC'` : column;
    return { name: `${name} (${time})`, expression: bucketed(time, at), told: plain };
  }
  if (ranges !== undefined) {
    if (field.type !== 'integer' && field.type !== 'number') throw refuse(`${name} is no number`);
    if (ranges.some((one, at) => at > 0 && one <= (ranges[at - 1] as number)))
      throw refuse('has ranges that do not ascend');
    return {
      name,
      expression: sql`width_bucket(${column}::numeric, ${[...ranges]}::numeric[])`,
      told: (value) => (value === null ? null : rangeName(ranges, Number(value))),
    };
  }
  if (field.type === 'json' || field.type === 'file') throw refuse(`${name} has no single values`);
  if (tellsOfPersons(field)) throw refuse(`${name} is personal data: its values cannot be told one by one`);
  const number = field.type === 'integer' || field.type === 'number';
  return {
    name,
    expression: field.type === 'boolean' ? column : sql`${column}::text`,
    told: (value) => (number && value !== null ? Number(value) : plain(value)),
  };
}
