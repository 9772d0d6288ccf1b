import { type RawBuilder, sql } from 'kysely';
import type { Attribute } from '../mapping/attribute.ts';
import { cast, columnRef } from '../records/statement.ts';
import { columnTypes } from '../schema/field.ts';
import type { Comparison, Condition } from './query.ts';
import { Rejected, type RejectionCode } from './rejected.ts';

const signs = { eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' } as const;
type Single = Exclude<Comparison, 'in'>;

const datePattern = /^\d{4}-\d{2}-\d{2}/;

/** A condition over the columns of a registry. An attribute that is not there for the reader does not exist. */
export function conditionSql(
  condition: Condition,
  attributes: ReadonlyMap<string, Attribute>,
  now: Date,
  code: RejectionCode,
): RawBuilder<unknown> {
  const refuse = (message: string): never => {
    throw new Rejected(code, message);
  };
  const joined = (parts: readonly Condition[], by: RawBuilder<unknown>): RawBuilder<unknown> =>
    sql`(${sql.join(
      parts.map((part) => build(part)),
      by,
    )})`;

  /** A value as the field has it. */
  const asField = ({ field, name }: Attribute, value: unknown): unknown => {
    const misfit = (): never => refuse(`A value does not fit ${name}`);
    switch (field.type) {
      case 'integer':
      case 'number': {
        const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
        return Number.isFinite(number) && (field.type === 'number' || Number.isSafeInteger(number))
          ? number
          : misfit();
      }
      case 'boolean':
        if (/^(true|yes)$/i.test(String(value))) return true;
        return /^(false|no)$/i.test(String(value)) ? false : misfit();
      case 'date':
        return datePattern.test(String(value)) && Number.isFinite(Date.parse(String(value)))
          ? String(value).slice(0, 10)
          : misfit();
      case 'date-time':
        return datePattern.test(String(value)) && Number.isFinite(Date.parse(String(value)))
          ? String(value)
          : misfit();
      case 'text':
      case 'time':
        return String(value).isWellFormed() ? String(value) : misfit();
      default:
        return refuse(`${name} is not compared`);
    }
  };

  /** The registry's values for a code: those that map onto it, or the code itself. */
  const decoded = (attribute: Attribute, value: unknown): unknown[] => {
    const of = [...(attribute.values ?? [])].filter(([, one]) => one === String(value)).map(([own]) => own);
    return of.length > 0 ? of : [value];
  };

  const compareAge = (attribute: Attribute, is: Single, value: unknown): RawBuilder<unknown> => {
    const years = Number(value);
    if (!Number.isSafeInteger(years) || years < 0 || years > 200)
      refuse(`${attribute.name} is compared with whole years`);
    const column = columnRef(attribute.field);
    const today = now.toISOString().slice(0, 10);
    const born = (yearsAgo: number) =>
      sql`(${today}::date - make_interval(years => ${yearsAgo}::integer))::date`;
    switch (is) {
      case 'lt':
        return sql`${column} > ${born(years)}`;
      case 'le':
        return sql`${column} > ${born(years + 1)}`;
      case 'ge':
        return sql`${column} <= ${born(years)}`;
      case 'gt':
        return sql`${column} <= ${born(years + 1)}`;
      case 'eq':
        return sql`(${column} > ${born(years + 1)} and ${column} <= ${born(years)})`;
      case 'ne':
        return sql`(${column} > ${born(years + 1)} and ${column} <= ${born(years)}) is not true`;
    }
  };

  const compare = (attribute: Attribute, is: Single, value: unknown): RawBuilder<unknown> => {
    const { field, path, as } = attribute;
    if (as === 'age') return compareAge(attribute, is, value);
    const sign = sql.raw(is === 'ne' ? 'is distinct from' : signs[is]);
    if (path.length > 0)
      return sql`${columnRef(field)} #> ${[...path]}::text[] ${sign} ${JSON.stringify(value)}::jsonb`;
    return sql`${columnRef(field)} ${sign} ${cast(field, asField(attribute, value))}`;
  };

  const build = (part: Condition): RawBuilder<unknown> => {
    if ('all' in part) return joined(part.all, sql` and `);
    if ('any' in part) return joined(part.any, sql` or `);
    // What is not known is not so: a record without the value is among those that do not have it.
    if ('not' in part) return sql`(${build(part.not)}) is not true`;
    const attribute = attributes.get(part.attribute);
    if (!attribute?.searchable) return refuse(`${part.attribute.slice(0, 100)} is not an attribute`);
    if (part.is === 'in' || attribute.values) {
      const values = (Array.isArray(part.value) ? part.value : [part.value]).flatMap((one) =>
        decoded(attribute, one),
      );
      if (part.is === 'eq' || part.is === 'in') return isOneOf(attribute, values);
      if (part.is === 'ne') return sql`(${isOneOf(attribute, values)}) is not true`;
      return refuse(`${attribute.name} is a code: it has no order`);
    }
    return compare(attribute, part.is, part.value);
  };

  const isOneOf = (attribute: Attribute, values: readonly unknown[]): RawBuilder<unknown> => {
    const { field, path, as } = attribute;
    if (values.length === 0) return sql`false`;
    if (path.length > 0 || as === 'age')
      return sql`(${sql.join(
        values.map((one) => compare(attribute, 'eq', one)),
        sql` or `,
      )})`;
    const [only] = values;
    if (values.length === 1) return compare(attribute, 'eq', only);
    return sql`${columnRef(field)} = any(${values.map((one) => asField(attribute, one))}::${sql.raw(columnTypes[field.type])}[])`;
  };
  return build(condition);
}
