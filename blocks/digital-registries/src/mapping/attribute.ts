import type { Mapping } from '../api/mappings/document.ts';
import { fromColumn, type Row } from '../records/content.ts';
import type { Field } from '../schema/field.ts';

/** A name in another system's vocabulary, and where its value is. */
export interface Attribute {
  readonly name: string;
  readonly field: Field;
  /** Inside an object. */
  readonly path: readonly string[];
  /** Code by value of the registry. */
  readonly values: ReadonlyMap<string, string> | undefined;
  readonly as: 'age' | 'date-time' | undefined;
  readonly searchable: boolean;
}

/** The attributes of a mapping over these fields; one whose field is not among them does not exist. */
export function attributesOf(
  { attributes }: Pick<Mapping, 'attributes'>,
  fields: readonly Field[],
): ReadonlyMap<string, Attribute> {
  const found = new Map<string, Attribute>();
  for (const [name, given] of Object.entries(attributes)) {
    const declared = typeof given === 'string' ? { field: given } : given;
    const place = placeOf(declared.field, fields);
    if (!place) continue;
    found.set(name, {
      name,
      ...place,
      values: declared.values ? new Map(Object.entries(declared.values)) : undefined,
      as: declared.as,
      searchable: declared.search ?? true,
    });
  }
  return found;
}

/** Names of fields may hold dots: the longest one that fits is meant. */
function placeOf(
  reference: string,
  fields: readonly Field[],
): { readonly field: Field; readonly path: readonly string[] } | undefined {
  const parts = reference.split('.');
  for (let length = parts.length; length > 0; length -= 1) {
    const field = fields.find(({ name }) => name === parts.slice(0, length).join('.'));
    const path = parts.slice(length);
    if (field) return path.length === 0 || field.type === 'json' ? { field, path } : undefined;
  }
  return undefined;
}

/** Whole years from a date to a day. */
export const yearsSince = (date: string, day: string): number =>
  Number(day.slice(0, 4)) - Number(date.slice(0, 4)) - (day.slice(5, 10) < date.slice(5, 10) ? 1 : 0);

/** What a row says, in the other system's words; undefined: nothing. */
export function attributeValue(attribute: Attribute, row: Row, now: Date): unknown {
  const { field, path, values, as } = attribute;
  let value = fromColumn(field.type, row[field.column]);
  for (const part of path)
    value =
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined;
  if (value === undefined || value === null) return undefined;
  if (as === 'age') return yearsSince(String(value), now.toISOString());
  if (as === 'date-time') return String(value).includes('T') ? value : `${value}T00:00:00Z`;
  const code = (one: unknown): unknown => values?.get(String(one)) ?? one;
  return Array.isArray(value) ? value.map(code) : code(value);
}
