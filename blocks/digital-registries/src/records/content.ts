import { badRequest, compileValidator, type ProblemDetail } from '@govstack/platform';
import type { Registry } from '../schema/catalogue.ts';
import { converted } from '../schema/conversion.ts';
import type { Column, Field, FieldType } from '../schema/field.ts';

export type Content = Readonly<Record<string, unknown>>;

type Validate = ReturnType<typeof compileValidator>;
const mostValidators = 10_000;
const validators = new Map<string, Validate>();
const compiled = new WeakMap<Field, Validate>();

/** Registries are read anew every second; what their fields allow is compiled once. */
function validatorOf(field: Field): Validate {
  const found = compiled.get(field);
  if (found) return found;
  const key = JSON.stringify(field.schema);
  const validate = validators.get(key) ?? compileValidator(field.schema as never, 'body', false);
  if (validators.size >= mostValidators) validators.clear();
  validators.set(key, validate);
  compiled.set(field, validate);
  return validate;
}

const escapePointer = (segment: string): string => segment.replaceAll('~', '~0').replaceAll('/', '~1');

/** Field named in a request; one the caller may not use is refused like one that does not exist. */
export function fieldNamed(fields: readonly Field[], name: string, pointer: string): Field {
  const field = fields.find((one) => one.name === name);
  if (!field)
    throw badRequest('There is no such field', [
      { in: 'body', pointer: `${pointer}/${escapePointer(name)}`, detail: 'is not a field of this registry' },
    ]);
  return field;
}

/** Values of fields, by field id. */
export type Values = Map<number, unknown>;

const mostDefects = 100;

/** U+0000 and halves of surrogate pairs, which no column takes. */
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

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
    if (value === null) {
      if (field.required && change) defects.push({ in: 'body', pointer, detail: 'is required' });
    } else
      for (const defect of validatorOf(field)(value) ?? [])
        defects.push({ in: 'body', pointer: `${pointer}${defect.pointer}`, detail: defect.detail });
    if (change && field.readOnly) defects.push({ in: 'body', pointer, detail: 'cannot be changed' });
    if (unstorable.test(JSON.stringify(value) ?? ''))
      defects.push({ in: 'body', pointer, detail: 'holds a character that cannot be kept' });
    values.set(field.id, value);
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
export const toColumn = (type: FieldType, value: unknown): unknown =>
  value === undefined || value === null
    ? null
    : type === 'json' || type === 'file'
      ? JSON.stringify(value)
      : value;

/** A column's value as JSON. */
export function fromColumn(type: FieldType, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (type === 'integer' || type === 'number') return Number(value);
  if (type === 'date-time') return new Date(value as string).toISOString();
  return value;
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
    of: (value) => toColumn(column.type, converted(value, field.type, column.type)),
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

/** What a row says in these fields. What was never said is left out. */
export function contentOf(fields: readonly Field[], row: Row): Record<string, unknown> {
  const content: Record<string, unknown> = {};
  for (const field of fields) {
    const value = fromColumn(field.type, row[field.column]);
    if (value !== undefined) content[field.name] = value;
  }
  return content;
}
