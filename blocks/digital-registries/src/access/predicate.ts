import { type RawBuilder, sql } from 'kysely';
import type { Comparison, Condition, FieldRef } from '../api/rights/right.ts';
import { columnTypes, type Field, type FieldType } from '../schema/field.ts';

type Operator = Comparison['operator'];
export type Scalar = string | number | boolean;

/** One test of a record: a field with a value, one of values, or another field. */
export interface Test {
  readonly field: Field;
  readonly operator: Operator;
  readonly value?: Scalar;
  readonly values?: readonly Scalar[];
  readonly other?: Field;
}

/** A condition on the columns of a registry in which all that is known of the caller is filled in. */
export type Predicate =
  | boolean
  | { readonly all: readonly Predicate[] }
  | { readonly any: readonly Predicate[] }
  | Test;

const same = (one: unknown, other: unknown): boolean =>
  one === other || JSON.stringify(one) === JSON.stringify(other);
const distinct = (parts: readonly Predicate[]): Predicate[] =>
  parts.filter((part, index) => parts.findIndex((one) => same(one, part)) === index);

export function all(parts: readonly Predicate[]): Predicate {
  const left = distinct(
    parts.flatMap((part) => (typeof part === 'object' && 'all' in part ? part.all : [part])),
  );
  if (left.includes(false)) return false;
  const open = left.filter((part) => part !== true);
  return open.length === 0 ? true : open.length === 1 ? (open[0] as Predicate) : { all: open };
}

export function any(parts: readonly Predicate[]): Predicate {
  const left = distinct(
    parts.flatMap((part) => (typeof part === 'object' && 'any' in part ? part.any : [part])),
  );
  if (left.includes(true)) return true;
  const open = left.filter((part) => part !== false);
  return open.length === 0 ? false : open.length === 1 ? (open[0] as Predicate) : { any: open };
}

export const isSame = (one: Predicate, other: Predicate): boolean => same(one, other);

const ordered: ReadonlySet<FieldType> = new Set(['integer', 'number', 'date', 'date-time', 'time']);
const compared: ReadonlySet<FieldType> = new Set([...ordered, 'text', 'boolean']);
const range: ReadonlySet<Operator> = new Set(['lt', 'le', 'gt', 'ge']);

/**
 * A value in the one form that both a column and its JSON have, so that both walls compare alike; undefined when it is
 * no value of the field.
 */
function valueFor(type: FieldType, value: Scalar): Scalar | undefined {
  switch (type) {
    case 'text':
      return typeof value === 'boolean' ? undefined : String(value);
    case 'boolean':
      return typeof value === 'boolean'
        ? value
        : value === 'true'
          ? true
          : value === 'false'
            ? false
            : undefined;
    case 'integer':
    case 'number': {
      const number = typeof value === 'boolean' || value === '' ? Number.NaN : Number(value);
      return Number.isFinite(number) && (type === 'number' || Number.isSafeInteger(number))
        ? number
        : undefined;
    }
    case 'date':
      return typeof value === 'string' &&
        /^\d{4}-\d{2}-\d{2}$/.test(value) &&
        !Number.isNaN(Date.parse(value))
        ? value
        : undefined;
    case 'date-time': {
      const time = typeof value === 'string' && /^\d{4}-/.test(value) ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(time)) return undefined;
      const [whole = '', fraction = ''] = new Date(time).toISOString().slice(0, -1).split('.');
      const left = fraction.replace(/0+$/, '');
      return `${whole}${left === '' ? '' : `.${left}`}+00:00`;
    }
    case 'time': {
      const [, time, seconds] =
        /^(([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?)Z?$/
          .exec(typeof value === 'string' ? value : '')
          ?.toSpliced(2, 1) ?? [];
      return time && (seconds ? time : `${time}:00`);
    }
    default:
      return undefined;
  }
}

export type FieldOf = (name: FieldRef) => Field | undefined;

/** What is known of the caller under a name; nothing: an empty list. */
export type Attributes = (name: string) => readonly string[];

/** A condition that cannot be read for these fields; says why. */
export class Unreadable extends Error {}

function compareKnown(known: readonly string[], operator: Operator, values: readonly Scalar[]): boolean {
  const wanted = values.map(String);
  switch (operator) {
    case 'eq':
    case 'in':
      return known.some((one) => wanted.includes(one));
    case 'ne':
    case 'notIn':
      return known.length > 0 && !known.some((one) => wanted.includes(one));
    case 'isNull':
      return known.length === 0;
    default:
      throw new Unreadable('what is known of a caller is compared by eq, ne, in, notIn and isNull');
  }
}

function comparison(one: Comparison, fieldOf: FieldOf, attributes: Attributes): Predicate {
  const { operator, value } = one;
  if ((one.field === undefined) === (one.caller === undefined))
    throw new Unreadable('a comparison names a field or an attribute of the caller');
  const named = (name: FieldRef): Field => {
    const field = fieldOf(name);
    if (!field) throw new Unreadable(`there is no field ${name}`);
    if (field.secret) throw new Unreadable(`what ${field.name} says is secret: no condition can rest on it`);
    if (!compared.has(field.type)) throw new Unreadable(`${name} holds no single value`);
    return field;
  };
  if (operator === 'isNull' && value !== undefined && typeof value !== 'boolean')
    throw new Unreadable('isNull takes true or false');
  if (operator !== 'isNull' && value === undefined) throw new Unreadable(`${operator} needs a value`);
  const given = typeof value === 'object' && !Array.isArray(value) ? value : undefined;
  if (one.caller !== undefined) {
    const known = attributes(one.caller);
    if (operator === 'isNull') return compareKnown(known, operator, []) === (value ?? true);
    if (given && 'field' in given)
      throw new Unreadable('compare the field with the caller, not the caller with it');
    return compareKnown(known, operator, given ? attributes(given.caller) : ([value].flat() as Scalar[]));
  }
  const field = named(one.field as FieldRef);
  if (operator === 'isNull')
    return value === false ? { field, operator, value: false } : { field, operator, value: true };
  if (range.has(operator) && !ordered.has(field.type))
    throw new Unreadable(`${field.name} is not compared by ${operator}: it is no number, date or time`);
  if (given && 'field' in given) {
    const other = named(given.field);
    if (other.type !== field.type)
      throw new Unreadable(`${field.name} and ${other.name} are of different types`);
    if (operator === 'in' || operator === 'notIn') throw new Unreadable(`${operator} takes a list`);
    return { field, operator, other };
  }
  const list = given ? [...attributes(given.caller)] : ([value].flat() as Scalar[]);
  const values = list.flatMap((each) => valueFor(field.type, each) ?? []);
  if (!given && values.length < list.length) throw new Unreadable(`${field.name} never has such a value`);
  if (operator === 'eq' || operator === 'in')
    return values.length === 0 ? false : { field, operator: 'in', values };
  // Who has no such attribute is not told what others would be.
  if (operator === 'ne' || operator === 'notIn')
    return given && list.length === 0 ? false : { field, operator: 'notIn', values };
  if (values.length !== 1) {
    if (given) return false;
    throw new Unreadable(`${operator} takes one value`);
  }
  return { field, operator, value: values[0] as Scalar };
}

/** A condition with what is known of the caller filled in. Throws `Unreadable`. */
export const resolve = (
  condition: Condition | undefined,
  fieldOf: FieldOf,
  attributes: Attributes,
): Predicate =>
  condition === undefined
    ? true
    : any(condition.map((list) => all(list.map((one) => comparison(one, fieldOf, attributes)))));

const signs = { lt: '<', le: '<=', gt: '>', ge: '>=', eq: '=', ne: '<>' } as const;

function testToSql({ field, operator, value, values, other }: Test): RawBuilder<unknown> {
  const column = sql.id(field.column);
  if (operator === 'isNull') return value ? sql`${column} is null` : sql`${column} is not null`;
  const type = sql.raw(columnTypes[field.type]);
  if (operator === 'in')
    return values?.length === 1
      ? sql`${column} = ${values[0]}::${type}`
      : sql`${column} = any(${values}::${type}[])`;
  if (operator === 'notIn')
    return values?.length === 0 ? sql`${column} is not null` : sql`${column} <> all(${values}::${type}[])`;
  const sign = sql.raw(signs[operator]);
  return other ? sql`${column} ${sign} ${sql.id(other.column)}` : sql`${column} ${sign} ${value}::${type}`;
}

/** The predicate as a condition on the columns of the table: true, false, or (of what is absent) null. */
export function toSql(predicate: Predicate): RawBuilder<unknown> {
  if (typeof predicate === 'boolean') return predicate ? sql`true` : sql`false`;
  if ('all' in predicate) return sql`(${sql.join(predicate.all.map(toSql), sql` and `)})`;
  if ('any' in predicate) return sql`(${sql.join(predicate.any.map(toSql), sql` or `)})`;
  return testToSql(predicate);
}

const pathSigns = { ...signs, eq: '==', ne: '!=' } as const;

function testToPath({ field, operator, value, values = [], other }: Test): string {
  const at = `$.${field.column}`;
  const said = `${at} != null`;
  const is = (sign: string, one: unknown): string => `${at} ${sign} ${JSON.stringify(one)}`;
  if (operator === 'isNull') return value ? `${at} == null` : said;
  if (operator === 'in') return `(${values.map((one) => is('==', one)).join(' || ')})`;
  if (operator === 'notIn') return `(${[said, ...values.map((one) => is('!=', one))].join(' && ')})`;
  const sign = pathSigns[operator];
  if (other) return `(${said} && $.${other.column} != null && ${at} ${sign} $.${other.column})`;
  return `(${is(sign, value)})`;
}

/** The same as a jsonpath over the row, for row-level security. */
export function toPath(predicate: Predicate): string {
  if (typeof predicate === 'boolean') return predicate ? '1 == 1' : '1 == 0';
  if ('all' in predicate) return `(${predicate.all.map(toPath).join(' && ')})`;
  if ('any' in predicate) return `(${predicate.any.map(toPath).join(' || ')})`;
  return testToPath(predicate);
}

const words: Readonly<Record<Operator, string>> = {
  eq: 'is',
  ne: 'is not',
  lt: 'is below',
  le: 'is at most',
  gt: 'is above',
  ge: 'is at least',
  in: 'is one of',
  notIn: 'is none of',
  isNull: 'is not said',
};

/** The predicate as people read it. */
export function inWords(predicate: Predicate): string {
  if (typeof predicate === 'boolean') return predicate ? 'every record' : 'no record';
  if ('all' in predicate) return predicate.all.map(inWordsWithin).join(' and ');
  if ('any' in predicate) return predicate.any.map(inWordsWithin).join(' or ');
  const { field, operator, value, values, other } = predicate;
  if (operator === 'isNull') return `${field.name} ${value ? 'is not said' : 'is said'}`;
  if (other) return `${field.name} ${words[operator]} ${other.name}`;
  const shown = (values ?? [value]).map((one) => JSON.stringify(one));
  const single = operator === 'in' ? 'is' : operator === 'notIn' ? 'is not' : words[operator];
  return `${field.name} ${shown.length === 1 ? single : words[operator]} ${shown.join(', ')}`;
}
const inWordsWithin = (predicate: Predicate): string =>
  typeof predicate === 'object' && ('all' in predicate || 'any' in predicate)
    ? `(${inWords(predicate)})`
    : inWords(predicate);
