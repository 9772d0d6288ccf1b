import { badRequest, compileValidator, type ProblemDetail } from '@govstack/platform';
import { pointerOf } from './compatibility.ts';
import type { Column, Field, FieldType, Link } from './field.ts';
import { triggersOf } from './triggers.ts';

interface PropertySchema {
  readonly [keyword: string]: unknown;
}

export interface RegistrySchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, PropertySchema>>;
  readonly required?: readonly string[];
  readonly incrementIndex?: number;
  /** Fields that are unique together. */
  readonly uniques?: readonly (readonly string[])[];
  /** Reads by other agencies need a consent reference, or a legal ground. */
  readonly 'x-requires'?: 'consent' | 'legal-ground';
  /** Announce changes as events. */
  readonly 'x-announce'?: boolean;
}

export interface CompiledSchema {
  readonly fields: readonly Field[];
  /** Ids of fields that are unique together. */
  readonly uniques: readonly (readonly number[])[];
  readonly nextFieldId: number;
  /** As it was given, with the id of every field. */
  readonly schema: RegistrySchema;
}

export interface CompileOptions {
  /** Fields of the version before. */
  readonly before: readonly Field[];
  readonly firstFreeId: number;
  /** What the table has. */
  readonly columns: readonly Column[];
  /** Take what is not a type for text, or for an object when it has properties. */
  readonly lenient: boolean;
}

const isObject = (value: unknown): value is PropertySchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textFormats: Readonly<Record<string, FieldType>> = {
  date: 'date',
  'date-time': 'date-time',
  time: 'time',
};

function typeOf(property: PropertySchema, lenient: boolean): FieldType | undefined {
  switch (property.type) {
    case 'string':
      return textFormats[property.format as string] ?? 'text';
    case 'integer':
    case 'number':
    case 'boolean':
    case 'file':
      return property.type;
    case 'object':
    case 'array':
      return 'json';
  }
  const forms = Array.isArray(property.anyOf) ? property.anyOf.filter(isObject) : [];
  if (forms.some((form) => isObject(form.properties) && 'url' in form.properties)) return 'file';
  if (!lenient) return undefined;
  return isObject(property.properties) ? 'json' : 'text';
}

/** Keywords that say how a field is kept, not which values it takes. */
const annotations = new Set([
  'id',
  '$id',
  'unique',
  'readOnly',
  'personal',
  'owner',
  'filterable',
  'searchable',
  'triggers',
  'primaryKey',
  'example',
  'description',
  'foreignKeys',
  'default',
  'tags',
  'fileTypes',
]);

const documentReference = {
  anyOf: [
    {
      type: 'object',
      required: ['url', 'originalName', 'type'],
      properties: {
        url: { type: 'string', maxLength: 2000 },
        originalName: { type: 'string', maxLength: 255 },
        type: { type: 'string', maxLength: 255 },
      },
    },
    {
      type: 'object',
      required: ['$documentId'],
      properties: { $documentId: { anyOf: [{ type: 'integer' }, { type: 'string', maxLength: 255 }] } },
    },
  ],
};

/** A schema without annotations, of what is inside it too. Under `properties` stand names, not keywords. */
function rules(schema: PropertySchema): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword]) => !annotations.has(keyword))
      .map(([keyword, value]) => {
        if (keyword === 'properties' && isObject(value))
          return [
            keyword,
            Object.fromEntries(
              Object.entries(value).map(([name, one]) => [name, isObject(one) ? rules(one) : one]),
            ),
          ];
        return [keyword, keyword === 'items' && isObject(value) ? rules(value) : value];
      }),
  );
}

/** What values the field takes, as JSON schema. */
function validationSchema(
  property: PropertySchema,
  type: FieldType,
  lenient: boolean,
): Record<string, unknown> {
  if (type === 'file') {
    const allowed = Array.isArray(property.fileTypes) ? property.fileTypes.map(String) : undefined;
    if (!allowed) return documentReference;
    const [described, kept] = documentReference.anyOf;
    const properties = { ...described?.properties, type: { enum: allowed } };
    return { anyOf: [{ ...described, properties }, kept] };
  }
  const known = ['string', 'integer', 'number', 'boolean', 'object', 'array'].includes(
    property.type as string,
  );
  if (known || !lenient) return rules(property);
  return { type: type === 'json' ? 'object' : 'string' };
}

function linksOf(value: unknown, problem: (detail: string) => void): Link[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    problem('foreignKeys must be a list');
    return [];
  }
  return value.filter(isObject).flatMap((key): Link[] => {
    const targets = Array.isArray(key.values) ? key.values.filter(isObject) : [];
    const registry = String(key.databaseKey ?? '');
    if (registry === '' || targets.length === 0) problem('foreignKeys need databaseKey and values');
    const kind = key.kind === 'soft' ? 'soft' : 'strict';
    const onDelete = key.onDelete === 'cascade' || key.onDelete === 'orphan' ? key.onDelete : 'refuse';
    return targets.map(({ fieldKey }) => {
      const field = Number(fieldKey);
      if (!Number.isSafeInteger(field)) problem('foreignKeys name fields by their id');
      return { registry, field, kind, onDelete };
    });
  });
}

const maxFields = 400;
const scalar: ReadonlySet<FieldType> = new Set([
  'text',
  'integer',
  'number',
  'boolean',
  'date',
  'date-time',
  'time',
]);

/** The column of a field: the one it has, or the next of its name when it changes its type. */
function columnFor(id: number, type: FieldType, columns: readonly Column[]): string {
  const own = columns.filter(({ field }) => field === id);
  const same = own.find((column) => column.type === type);
  if (same) return same.column;
  return own.length === 0 ? `f_${id}` : `f_${id}_${own.length + 1}`;
}

/**
 * Reads a registry's JSON schema. Fields keep the id they are given or had in the version before (by id, else by
 * name); new ones get the next id.
 */
export function compileSchema(input: unknown, options: CompileOptions): CompiledSchema {
  const { before, firstFreeId, columns, lenient } = options;
  const schema = input as RegistrySchema;
  if (!isObject(schema) || (schema.type !== 'object' && !lenient) || !isObject(schema.properties))
    throw badRequest('The schema must be a JSON schema of an object with properties');
  const names = Object.keys(schema.properties);
  if (names.length === 0 || names.length > maxFields)
    throw badRequest(`A registry has 1 to ${maxFields} fields`);
  const defects: ProblemDetail[] = [];
  const defect = (pointer: string, detail: string): void =>
    void defects.push({ in: 'body', pointer, detail });
  if (schema.required !== undefined && !Array.isArray(schema.required))
    defect('/schema/required', 'must be a list');
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const used = new Set<number>();
  const taken = new Set(
    names
      .map((name) => Number(schema.properties[name]?.id ?? schema.properties[name]?.$id))
      .filter(Number.isFinite),
  );
  let next = Math.max(firstFreeId, Number(schema.incrementIndex) || 1);
  const nextFree = (): number => {
    while (taken.has(next)) next += 1;
    return next++;
  };
  const fields = names.map((name): Field => {
    const property = isObject(schema.properties[name]) ? (schema.properties[name] as PropertySchema) : {};
    const pointer = pointerOf(name);
    const problem = (detail: string): void => defect(pointer, detail);
    const type = typeOf(property, lenient);
    if (type === undefined) defect(`${pointer}/type`, 'is not a type a registry can hold');
    if (
      name.trim() !== name ||
      name.length > 100 ||
      name === '' ||
      name === '__proto__' ||
      name.includes('\0')
    )
      problem('is not a usable name');
    const given = property.id ?? property.$id;
    if (given !== undefined && !(Number.isSafeInteger(Number(given)) && Number(given) > 0))
      defect(`${pointer}/id`, 'must be a positive whole number');
    const known = before.find((field) => field.name === name && !taken.has(field.id))?.id;
    const id = given === undefined ? (known ?? nextFree()) : Number(given);
    if (used.has(id)) defect(`${pointer}/id`, 'is used twice');
    used.add(id);
    next = Math.max(next, id + 1);
    const kept = type ?? 'text';
    const flag = (keyword: string): boolean => property[keyword] === true;
    if ((flag('unique') || flag('primaryKey') || flag('filterable')) && !scalar.has(kept))
      problem('cannot be searched by: it is not a single value');
    if (flag('searchable') && kept !== 'text') problem('is not text: it cannot be searched by words');
    const triggerDefects: string[] = [];
    const triggers = triggersOf(property.triggers, id, triggerDefects);
    for (const detail of triggerDefects) defect(`${pointer}/triggers`, detail);
    const validation = validationSchema(property, kept, lenient);
    try {
      compileValidator(validation as never, 'body', false);
    } catch (error) {
      problem(`has rules that cannot be read: ${(error as Error).message}`.slice(0, 300));
    }
    const links = linksOf(property.foreignKeys, (detail) => defect(`${pointer}/foreignKeys`, detail));
    return {
      id,
      column: columnFor(id, kept, columns),
      name,
      type: kept,
      required: required.has(name),
      unique: flag('unique'),
      primaryKey: flag('primaryKey'),
      readOnly: flag('readOnly'),
      personal: flag('personal'),
      owner: flag('owner'),
      indexed:
        flag('filterable') || flag('owner') || flag('unique') || flag('primaryKey') || links.length > 0,
      searchable: flag('searchable'),
      default: property.default,
      values: Array.isArray(property.enum) ? property.enum.map(String) : undefined,
      triggers,
      links,
      schema: validation,
    };
  });
  for (const name of required)
    if (!names.includes(name)) defect('/schema/required', `${name} is not a field`);
  for (const flag of ['owner', 'primaryKey'] as const)
    if (fields.filter((field) => field[flag]).length > 1)
      defect('/schema/properties', `only one field can be the ${flag === 'owner' ? 'owner' : 'primary key'}`);
  for (const { name, triggers } of fields)
    for (const { actions, conditions } of triggers) {
      const ids = [
        ...actions.flatMap(({ field, fields }) => [field, ...fields]),
        ...conditions.map(({ field }) => field),
      ];
      for (const id of ids)
        if (id !== undefined && !used.has(id))
          defect(`${pointerOf(name)}/triggers`, `names field ${id}, which there is not`);
    }
  const uniques = (Array.isArray(schema.uniques) ? schema.uniques : []).map((set, index) => {
    const members = (Array.isArray(set) ? set : []).map((name) =>
      fields.find((field) => field.name === name),
    );
    if (members.length < 2 || members.some((field) => !field || !scalar.has(field.type)))
      defect(`/schema/uniques/${index}`, 'must name two or more fields with single values');
    return members.flatMap((field) => (field ? [field.id] : [])).sort((a, b) => a - b);
  });
  if (defects.length > 0) throw badRequest('The schema is not valid', defects.slice(0, 100));
  const properties = Object.fromEntries(
    fields.map(({ name, id }) => {
      const { $id: _, ...property } = schema.properties[name] as PropertySchema;
      return [name, { ...property, id }];
    }),
  );
  return { fields, uniques, nextFieldId: next, schema: { ...schema, type: 'object', properties } };
}
