import { badRequest } from '@govstack/platform';
import type { Field, FieldType } from './field.ts';

interface PropertySchema {
  readonly type?: unknown;
  readonly format?: unknown;
  readonly id?: unknown;
  readonly $id?: unknown;
  readonly unique?: unknown;
  readonly readOnly?: unknown;
  readonly enum?: unknown;
  readonly personal?: unknown;
  readonly owner?: unknown;
  readonly filterable?: unknown;
  readonly [keyword: string]: unknown;
}

export interface RegistrySchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, PropertySchema>>;
  readonly required?: readonly string[];
  readonly incrementIndex?: number;
  /** Reads by other agencies need a consent reference, or a legal ground. */
  readonly 'x-requires'?: 'consent' | 'legal-ground';
  /** Announce changes as events. */
  readonly 'x-announce'?: boolean;
}

export interface CompiledSchema {
  readonly fields: readonly Field[];
  readonly nextFieldId: number;
  readonly schema: RegistrySchema;
}

const typeOf = (property: PropertySchema): FieldType | undefined => {
  switch (property.type) {
    case 'string':
      return property.format === 'date' ? 'date' : property.format === 'date-time' ? 'date-time' : 'text';
    case 'integer':
      return 'integer';
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'object':
    case 'array':
      return 'json';
    default:
      return undefined;
  }
};

/** Keywords that say how a field is kept, not which values it takes. */
const annotations = new Set([
  'id',
  '$id',
  'unique',
  'readOnly',
  'personal',
  'owner',
  'filterable',
  'triggers',
  'primaryKey',
  'example',
  'description',
  'foreignKeys',
]);

const validationSchema = (property: PropertySchema): Record<string, unknown> =>
  Object.fromEntries(Object.entries(property).filter(([keyword]) => !annotations.has(keyword)));

const maxFields = 400;

/**
 * Reads a registry's JSON schema. Fields keep the id they are given or had in the version before (by id, else by
 * name); new ones get the next id.
 */
export function compileSchema(input: unknown, before: readonly Field[], firstFreeId: number): CompiledSchema {
  const schema = input as RegistrySchema;
  if (
    typeof schema !== 'object' ||
    schema === null ||
    schema.type !== 'object' ||
    typeof schema.properties !== 'object' ||
    schema.properties === null
  ) {
    throw badRequest('The schema must be a JSON schema of an object with properties');
  }
  const names = Object.keys(schema.properties);
  if (names.length === 0 || names.length > maxFields)
    throw badRequest(`A registry has 1 to ${maxFields} fields`);
  const required = new Set(schema.required ?? []);
  const defects: { in: 'body'; pointer: string; detail: string }[] = [];
  const used = new Set<number>();
  let next = Math.max(firstFreeId, schema.incrementIndex ?? 1);
  const fields = names.map((name): Field => {
    const property = schema.properties[name] as PropertySchema;
    const pointer = `/schema/properties/${name}`;
    const type = typeOf(property);
    if (type === undefined)
      defects.push({ in: 'body', pointer: `${pointer}/type`, detail: 'is not a type a registry can hold' });
    if (name.trim() !== name || name.length > 100 || name === '' || name === '__proto__')
      defects.push({ in: 'body', pointer, detail: 'is not a usable name' });
    const given = property.id ?? property.$id;
    if (given !== undefined && !(Number.isSafeInteger(Number(given)) && Number(given) > 0))
      defects.push({ in: 'body', pointer: `${pointer}/id`, detail: 'must be a positive whole number' });
    const id =
      given === undefined ? (before.find((field) => field.name === name)?.id ?? next++) : Number(given);
    if (used.has(id)) defects.push({ in: 'body', pointer: `${pointer}/id`, detail: 'is used twice' });
    used.add(id);
    next = Math.max(next, id + 1);
    return {
      id,
      name,
      type: type ?? 'text',
      required: required.has(name),
      unique: property.unique === true,
      readOnly: property.readOnly === true,
      personal: property.personal === true,
      owner: property.owner === true,
      indexed: property.filterable === true || property.owner === true || property.unique === true,
      values: Array.isArray(property.enum) ? property.enum.map(String) : undefined,
      schema: validationSchema(property),
    };
  });
  for (const name of required)
    if (!names.includes(name))
      defects.push({ in: 'body', pointer: '/schema/required', detail: `${name} is not a field` });
  if (fields.filter((field) => field.owner).length > 1)
    defects.push({ in: 'body', pointer: '/schema/properties', detail: 'only one field can be the owner' });
  if (defects.length > 0) throw badRequest('The schema is not valid', defects);
  return { fields, nextFieldId: next, schema };
}

export interface Incompatibility {
  readonly pointer: string;
  readonly detail: string;
}

/** What a new version would break for records and clients of the version before (DRS-4 f). */
export function incompatibilities(before: readonly Field[], after: readonly Field[]): Incompatibility[] {
  const found: Incompatibility[] = [];
  const byId = new Map(after.map((field) => [field.id, field]));
  for (const old of before) {
    const field = byId.get(old.id);
    const pointer = `/schema/properties/${old.name}`;
    if (!field) {
      if (old.required) found.push({ pointer, detail: 'was required and is removed' });
      continue;
    }
    const widened = old.type === 'integer' && field.type === 'number';
    if (field.type !== old.type && !widened)
      found.push({ pointer, detail: `changes from ${old.type} to ${field.type}` });
    if (field.required && !old.required) found.push({ pointer, detail: 'becomes required' });
    if (field.unique && !old.unique) found.push({ pointer, detail: 'becomes unique' });
    const gone = old.values?.filter((value) => field.values && !field.values.includes(value)) ?? [];
    if (gone.length > 0 || (field.values && !old.values))
      found.push({ pointer, detail: 'allows fewer values' });
  }
  const known = new Set(before.map((field) => field.id));
  for (const field of after) {
    if (!known.has(field.id) && field.required)
      found.push({ pointer: `/schema/properties/${field.name}`, detail: 'is new and required' });
  }
  return found;
}
