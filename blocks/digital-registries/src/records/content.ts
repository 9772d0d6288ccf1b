import {
  badRequest,
  compileForeignValidator,
  compileValidator,
  type ProblemDetail,
} from '@govstack/platform';
import type { Registry } from '../schema/catalogue.ts';
import { converted } from '../schema/conversion.ts';
import { type Column, type ColumnType, type Field, type FieldType, innerType } from '../schema/field.ts';
import { openRings } from '../schema/geometry.ts';
import { fieldContext } from '../secrets/vault.ts';

export type Content = Readonly<Record<string, unknown>>;

type Validate = ReturnType<typeof compileValidator>;
const mostValidators = 10_000;
const validators = new Map<string, Validate>();
const compiled = new WeakMap<Field, Validate>();

/** Rules that were published before they had to be harmless are kept to all the same. */
function compiledRules(schema: Field['schema']): Validate {
  try {
    return compileForeignValidator(schema, 'body');
  } catch {
    return compileValidator(schema as never, 'body', false);
  }
}

/** Registries are read anew every second; what their fields allow is compiled once. */
export function validatorOf(field: Field): Validate {
  const found = compiled.get(field);
  if (found) return found;
  const key = JSON.stringify(field.schema);
  const validate = validators.get(key) ?? compiledRules(field.schema);
  if (validators.size >= mostValidators) validators.clear();
  validators.set(key, validate);
  compiled.set(field, validate);
  return validate;
}

const escapePointer = (segment: string): string => segment.replaceAll('~', '~0').replaceAll('/', '~1');

/** Field named in a request; one the caller may not use is refused like one that does not exist. */
export function fieldNamed<F extends Field>(fields: readonly F[], name: string, pointer: string): F {
  const field = fields.find((one) => one.name === name);
  if (!field || (field.secret && !field.disclosed))
    throw badRequest('There is no such field', [
      { in: 'body', pointer: `${pointer}/${escapePointer(name)}`, detail: 'is not a field of this registry' },
    ]);
  return field;
}

/** Values of fields, by field id. */
export type Values = Map<number, unknown>;

/** Every value that records have in a field, of lists each, with where it stands in the request. */
export const eachValue = (
  field: Field,
  records: readonly Values[],
  pointerTo: (index: number) => string,
): { readonly value: unknown; readonly index: number; readonly pointer: string }[] =>
  records.flatMap((values, index) => {
    const value = values.get(field.id) ?? null;
    const pointer = `${pointerTo(index)}/${escapePointer(field.name)}`;
    if (field.list && Array.isArray(value))
      return value.map((one: unknown, place) => ({ value: one, index, pointer: `${pointer}/${place}` }));
    return value === null ? [] : [{ value, index, pointer }];
  });

const mostDefects = 100;

/** U+0000 and halves of surrogate pairs, which no column takes. */
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;
export const isUnstorable = (value: unknown): boolean =>
  typeof value === 'string'
    ? value.includes('\0') || !value.isWellFormed()
    : typeof value === 'object' && unstorable.test(JSON.stringify(value));

const firstMoment = Date.parse('0001-01-01T00:00:00Z');
const lastMoment = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Keys in one of the ways in which Unicode writes them, so that unique is unique. Other texts stay as they were written:
 * some of the names people have would not.
 */
export const inOneForm = (field: Pick<Field, 'unique' | 'primaryKey' | 'links'>, value: unknown): unknown =>
  typeof value === 'string' && (field.unique || field.primaryKey || field.links.length > 0)
    ? value.normalize('NFC')
    : value;

/** A time of day in UTC, as the column gives it back: it has no zones. */
function inUtc(time: string): string {
  const [, hours, minutes, rest = '', sign, plusHours, plusMinutes] =
    /^(\d\d):(\d\d)(:[\d.]+)?(?:[Zz]|([+-])(\d\d):?(\d\d)?)?$/.exec(time) ?? [];
  if (hours === undefined) return time;
  const shift = (Number(plusHours ?? 0) * 60 + Number(plusMinutes ?? 0)) * (sign === '+' ? -1 : 1);
  const moved = (Number(hours) * 60 + Number(minutes) + shift + 2880) % 1440;
  const two = (one: number): string => String(one).padStart(2, '0');
  const seconds = rest.includes('.') ? rest.replace(/\.?0+$/, '') : rest;
  return `${two(Math.floor(moved / 60))}:${two(moved % 60)}${seconds}Z`;
}

/** A time of day as the column gives it, with the zone in which it was kept. */
export const withZone = (time: string): string => (time.endsWith('Z') ? time : `${time}Z`);

/**
 * A valid value as it is kept, moments in UTC to the millisecond. Says what is wrong when it cannot be kept as it is.
 */
export function asKept(
  field: Field,
  value: unknown,
): { readonly value: unknown } | { readonly defect: string } {
  const { type } = field;
  if (type === 'integer' && typeof value === 'number' && !Number.isSafeInteger(value))
    return { defect: 'has more digits than a number can carry' };
  if (typeof value !== 'string') return { value };
  if (type === 'text') return { value: inOneForm(field, value) };
  if (type === 'time') {
    const [, fraction = ''] = /\.(\d+)/.exec(value) ?? [];
    return /^\d\d:\d\d:60/.test(value) || fraction.length > 6
      ? { defect: 'is not a time that can be kept' }
      : { value: inUtc(value) };
  }
  if (type === 'date-time') {
    const moment = Date.parse(value);
    if (Number.isNaN(moment) || moment < firstMoment || moment > lastMoment)
      return { defect: 'is not a moment that can be kept' };
    return { value: new Date(moment).toISOString() };
  }
  return { value };
}

/** Reads values to be written: known fields, valid values. `change`: of a record that is there. */
export function valuesOf(
  fields: readonly Field[],
  content: Content,
  at: string,
  change: boolean,
  defects: ProblemDetail[],
): Values {
  const values: Values = new Map();
  for (const [name, value] of Object.entries(content)) {
    const pointer = `${at}/${escapePointer(name)}`;
    const field = fields.find((one) => one.name === name);
    if (!field) {
      defects.push({ in: 'body', pointer, detail: 'is not a field of this registry' });
      continue;
    }
    let kept = value;
    if (value === null) {
      if (field.required && change) defects.push({ in: 'body', pointer, detail: 'is required' });
    } else {
      const wrong = validatorOf(field)(value) ?? [];
      for (const defect of wrong)
        defects.push({ in: 'body', pointer: `${pointer}${defect.pointer}`, detail: defect.detail });
      const open = wrong.length === 0 && field.geometry && openRings(value);
      if (open) defects.push({ in: 'body', pointer: `${pointer}/coordinates`, detail: open });
      const read = asKept(field, value);
      if ('value' in read) kept = read.value;
      else if (wrong.length === 0) defects.push({ in: 'body', pointer, detail: read.defect });
    }
    if (change && field.readOnly) defects.push({ in: 'body', pointer, detail: 'cannot be changed' });
    if (isUnstorable(value))
      defects.push({ in: 'body', pointer, detail: 'holds a character that cannot be kept' });
    values.set(field.id, kept);
  }
  return values;
}

/** Fields that a whole record must have and has not. */
export function missing(fields: readonly Field[], values: Values, at: string): ProblemDetail[] {
  return fields
    .filter((field) => field.required && (values.get(field.id) ?? null) === null)
    .map((field) => ({ in: 'body', pointer: `${at}/${escapePointer(field.name)}`, detail: 'is required' }));
}

export function refuse(defects: readonly ProblemDetail[]): void {
  if (defects.length > 0) throw badRequest('The record is not valid', defects.slice(0, mostDefects));
}

/** A JSON value as a column takes it. */
export function toColumn(type: ColumnType, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (type === 'json' || type === 'file') return JSON.stringify(value);
  return type === 'time' ? inUtc(String(value)) : value;
}

const inUtcToTheMillisecond = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A moment as RFC 3339 has it; what that cannot say stays as it is. */
export function instantOf(text: string): string {
  if (inUtcToTheMillisecond.test(text)) return text;
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? text : moment.toISOString();
}

/** What a column was given, as it would be read back. */
export const asReadBack = ({ type }: Pick<Column, 'type'>, stored: unknown): unknown =>
  (type === 'json' || type === 'file') && typeof stored === 'string' ? JSON.parse(stored) : stored;

/** A column's value as JSON. What is sealed says nothing; what RFC 3339 cannot say stays as the database says it. */
export function fromColumn(type: FieldType, value: unknown): unknown {
  if (value === null || value === undefined || value instanceof Uint8Array) return undefined;
  if (type === 'integer' || type === 'number') return Number(value);
  if (type === 'date-time') return instantOf(value as string);
  if (type === 'time') return withZone(value as string);
  return value;
}

/** What a row says in a field, whoever asks. */
export function plainValue(field: Field, row: Row): unknown {
  const stored = row[field.column];
  if (!field.secret) return fromColumn(field.type, stored);
  return stored instanceof Uint8Array ? field.vault?.open(fieldContext(field.id), stored) : undefined;
}

/** A value as a column keeps it: sealed or hashed where the column is for that. */
function kept(registry: Pick<Registry, 'vault'>, field: Field, column: Column, value: unknown): unknown {
  const read = converted(value, field.type, innerType(column));
  if (column.type !== 'sealed') return toColumn(column.type, read);
  if (read === null) return null;
  if (!registry.vault) throw new Error(`field ${field.id} is secret and its registry has no key`);
  const context = fieldContext(field.id);
  return column.hash
    ? registry.vault.hash(context, comparable(innerType(column), read))
    : registry.vault.seal(context, read);
}

/** A value so that equal ones look the same; undefined when it is none of the type. */
export function comparable(type: FieldType, value: unknown): unknown {
  if (type === 'text') return typeof value === 'string' ? value : undefined;
  const read = converted(String(value), 'text', type);
  return read === null ? undefined : read;
}

/** Where a value of a field is written: its own column, and those in which other versions look for it. */
export function columnsFor(
  registry: Registry,
  field: Field,
): { readonly column: Column; readonly of: (value: unknown) => unknown }[] {
  const own = registry.columns.filter((column) => column.field === field.id);
  const all = own.length > 0 ? own : [{ field: field.id, column: field.column, type: field.type }];
  return all.map((column) => ({
    column,
    of: (value) => kept(registry, field, column, value),
  }));
}

export type Row = Record<string, unknown> & {
  uuid: string;
  no: string;
  row_version: number;
  state: string;
  created_at: string;
  modified_at: string;
};

/** What a row says in these fields. What was never said is left out, and so is what is secret and not disclosed. */
export function contentOf(fields: readonly Field[], row: Row): Record<string, unknown> {
  const content: Record<string, unknown> = {};
  for (const field of fields) {
    if (field.secret && !field.disclosed) continue;
    const value = plainValue(field, row);
    if (value !== undefined) content[field.name] = value;
  }
  return content;
}
