import { badRequest, compileValidator } from '@govstack/platform';
import type { Field } from '../schema/field.ts';

export type Content = Readonly<Record<string, unknown>>;

type Validate = ReturnType<typeof compileValidator>;
const mostValidators = 10_000;
const validators = new Map<string, Validate>();

/** Registries are read anew for every request; what their fields allow is compiled once. */
function validatorOf(field: Field): Validate {
  const key = JSON.stringify(field.schema);
  const known = validators.get(key);
  if (known) return known;
  const compiled = compileValidator(field.schema as never, 'body', false);
  if (validators.size >= mostValidators) validators.clear();
  validators.set(key, compiled);
  return compiled;
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

/** Checks values to be written: known fields, valid values, and in a new record all required ones. */
export function assertWritable(fields: readonly Field[], content: Content, at: string, whole: boolean): void {
  const errors: { in: 'body'; pointer: string; detail: string }[] = [];
  for (const [name, value] of Object.entries(content)) {
    const pointer = `${at}/${escapePointer(name)}`;
    const field = fields.find((one) => one.name === name);
    if (!field) errors.push({ in: 'body', pointer, detail: 'is not a field of this registry' });
    else if (value === null) {
      if (field.required) errors.push({ in: 'body', pointer, detail: 'is required' });
    } else {
      if (!whole && field.readOnly) errors.push({ in: 'body', pointer, detail: 'cannot be changed' });
      for (const defect of validatorOf(field)(value) ?? [])
        errors.push({ in: 'body', pointer: `${pointer}${defect.pointer}`, detail: defect.detail });
    }
  }
  if (whole) {
    for (const field of fields)
      if (field.required && content[field.name] === undefined)
        errors.push({ in: 'body', pointer: `${at}/${escapePointer(field.name)}`, detail: 'is required' });
  }
  if (errors.length > 0) throw badRequest('The record is not valid', errors.slice(0, 100));
}

/** A JSON value as the column takes it. */
export const toColumn = (field: Field, value: unknown): unknown =>
  value === undefined || value === null ? null : field.type === 'json' ? JSON.stringify(value) : value;

/** A column's value as JSON. */
export function fromColumn(field: Field, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (field.type === 'integer' || field.type === 'number') return Number(value);
  if (field.type === 'date-time') return new Date(value as string).toISOString();
  return value;
}
