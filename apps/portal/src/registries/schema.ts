import { Problem } from '@govstack/platform';
import canonicalize from 'canonicalize';

export type Json = Readonly<Record<string, unknown>>;

/** A registry's schema, as much as the portal must know of it; what it does not know it leaves alone. */
export interface Schema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, Json>>;
  readonly required?: readonly string[];
  /** Names of fields that are unique together. */
  readonly uniques?: readonly (readonly string[])[];
}

export interface SchemaField {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly property: Json;
}

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const fieldsOf = (schema: Schema): SchemaField[] =>
  Object.entries(schema.properties).map(([name, property]) => ({
    id: Number(property.id),
    name,
    required: schema.required?.includes(name) ?? false,
    property,
  }));

/** A schema with other fields, in their order; the rest stays. */
export function withFields(
  schema: Schema,
  fields: readonly (Omit<SchemaField, 'id'> & { readonly id?: number })[],
): Schema {
  return {
    ...schema,
    properties: Object.fromEntries(fields.map(({ name, property }) => [name, property])),
    required: fields.filter(({ required }) => required).map(({ name }) => name),
  };
}

export function fieldById(schema: Schema, id: number): SchemaField {
  const found = fieldsOf(schema).find((field) => field.id === id);
  if (!found) throw new Problem(404, 'no such field');
  return found;
}

/** The field one place up (-1) or down (1); nothing happens at the ends. */
export function moved(schema: Schema, id: number, by: -1 | 1): Schema {
  const fields = fieldsOf(schema);
  const at = fields.findIndex((field) => field.id === id);
  const to = at + by;
  if (at < 0 || to < 0 || to >= fields.length) return schema;
  const [field] = fields.splice(at, 1);
  fields.splice(to, 0, field as SchemaField);
  return withFields(schema, fields);
}

export const without = (schema: Schema, id: number): Schema =>
  withFields(
    schema,
    fieldsOf(schema).filter((field) => field.id !== id),
  );

/** The schema with a field put in the place of the one with its id, or at the end. A renamed field is renamed in unique sets too. */
export function put(schema: Schema, field: Omit<SchemaField, 'id'> & { readonly id?: number }): Schema {
  const fields = fieldsOf(schema);
  const before = fields.find(({ id }) => id === field.id);
  const next = withFields(
    schema,
    before ? fields.map((one) => (one === before ? field : one)) : [...fields, field],
  );
  if (!before || before.name === field.name || !schema.uniques) return next;
  const renamed = schema.uniques.map((set) => set.map((name) => (name === before.name ? field.name : name)));
  return { ...next, uniques: renamed };
}

/** Kinds of field that the designer offers. */
export const kinds = [
  'text',
  'choice',
  'integer',
  'number',
  'boolean',
  'date',
  'instant',
  'time',
  'file',
  'list',
  'block',
] as const;

export type Kind = (typeof kinds)[number];

/** What a field holds, in the words of the designer. */
export function kindOf(property: Json): Kind {
  if (Array.isArray(property.anyOf)) return 'file';
  switch (property.type) {
    case 'integer':
    case 'number':
    case 'boolean':
    case 'file':
      return property.type;
    case 'array':
      return 'list';
    case 'object':
      return 'block';
  }
  if (property.format === 'date') return 'date';
  if (property.format === 'date-time') return 'instant';
  if (property.format === 'time') return 'time';
  return Array.isArray(property.enum) ? 'choice' : 'text';
}

/** The JSON schema of each kind, before anything is said about its values. */
export const typeOf: Readonly<Record<Kind, Json>> = {
  text: { type: 'string' },
  choice: { type: 'string' },
  integer: { type: 'integer' },
  number: { type: 'number' },
  boolean: { type: 'boolean' },
  date: { type: 'string', format: 'date' },
  instant: { type: 'string', format: 'date-time' },
  time: { type: 'string', format: 'time' },
  file: { type: 'file' },
  list: { type: 'array', items: { type: 'string', maxLength: 500 } },
  block: { type: 'object' },
};

/** Kinds with single values: they can be compared, ordered and unique. */
export const isScalar = (kind: Kind): boolean => kind !== 'file' && kind !== 'list' && kind !== 'block';

export interface Link {
  /** Code or id of the other registry. */
  readonly registry: string;
  readonly field: number;
  readonly kind: 'strict' | 'soft';
  readonly onDelete: 'refuse' | 'cascade' | 'orphan';
}

/** Where the values of a field lead. */
export const linksOf = ({ foreignKeys }: Json): Link[] =>
  (Array.isArray(foreignKeys) ? foreignKeys.filter(isObject) : []).flatMap((key) =>
    (Array.isArray(key.values) ? key.values.filter(isObject) : []).map(
      ({ fieldKey }): Link => ({
        registry: String(key.databaseKey),
        field: Number(fieldKey),
        kind: key.kind === 'soft' ? 'soft' : 'strict',
        onDelete: key.onDelete === 'cascade' || key.onDelete === 'orphan' ? key.onDelete : 'refuse',
      }),
    ),
  );

/** A field's name as people read it: `givenName` is “Given name”. */
export function labelOf({ name, property }: Pick<SchemaField, 'name' | 'property'>): string {
  if (typeof property.title === 'string' && property.title !== '') return property.title;
  if (/[\s_-]/.test(name) || !/[a-z][A-Z]/.test(name))
    return name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Whether two values say the same, whatever the order of what is inside them. Nothing is the same as null. */
export const sameValue = (one: unknown, other: unknown): boolean =>
  canonicalize(one ?? null) === canonicalize(other ?? null);
