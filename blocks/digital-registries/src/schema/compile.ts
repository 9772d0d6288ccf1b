import { badRequest, compileForeignValidator, type ProblemDetail } from '@govstack/platform';
import { type DuplicateRules, duplicateRules } from '../quality/rules.ts';
import { pointerOf } from './compatibility.ts';
import {
  type Column,
  type DocumentRule,
  type Field,
  type FieldType,
  hashColumnOf,
  type Link,
} from './field.ts';
import { geometries, geometryOf } from './geometry.ts';
import { compileRules, type RuleSchema } from './rules.ts';
import { secretDefects } from './secret-field.ts';
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
  /** What must hold between the fields of a record. */
  readonly rules?: readonly RuleSchema[];
  /** How records about the same are found. */
  readonly duplicates?: unknown;
}

export interface CompiledSchema {
  readonly fields: readonly Field[];
  /** Ids of fields that are unique together. */
  readonly uniques: readonly (readonly number[])[];
  readonly duplicates: DuplicateRules | undefined;
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
  /** Columns that are no longer written; their names are not given again. */
  readonly retired?: readonly Column[];
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
  if (geometryOf(property)) return 'json';
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
  'maxSize',
  'secret',
  'catalogue',
]);

const documentReference: { readonly anyOf: readonly PropertySchema[] } = {
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
      .filter(([keyword]) => !annotations.has(keyword) && !keyword.startsWith('x-'))
      .map(([keyword, value]) => {
        if (keyword === 'properties' && isObject(value))
          return [
            keyword,
            Object.fromEntries(
              Object.entries(value).map(([name, one]) => [name, isObject(one) ? rules(one) : one]),
            ),
          ];
        if (keyword === 'items' && isObject(value))
          return [keyword, value.type === 'file' ? documentSchema(value) : rules(value)];
        return [keyword, value];
      }),
  );
}

/** References to documents: of permitted types, when the field names any. */
function documentSchema({ fileTypes }: PropertySchema): PropertySchema {
  if (!Array.isArray(fileTypes)) return documentReference;
  const [described, kept] = documentReference.anyOf;
  const properties = { ...(described?.properties as object), type: { enum: fileTypes.map(String) } };
  return { anyOf: [{ ...described, properties }, kept] };
}

const mostBytes = 15 * 1024 * 1024;

/** Which documents a field takes; undefined: it holds none. */
function documentsOf(property: PropertySchema, type: FieldType): DocumentRule | undefined {
  const items = property.type === 'array' && isObject(property.items) ? property.items : undefined;
  const said = type === 'file' ? property : items?.type === 'file' ? items : undefined;
  if (!said) return undefined;
  const maxSize = Number(said.maxSize ?? mostBytes);
  return {
    types: Array.isArray(said.fileTypes) ? said.fileTypes.map(String) : undefined,
    maxSize: maxSize > 0 && maxSize < mostBytes ? maxSize : mostBytes,
  };
}

/** What values the field takes, as JSON schema. */
function validationSchema(
  property: PropertySchema,
  type: FieldType,
  lenient: boolean,
): Record<string, unknown> {
  const geometry = geometryOf(property);
  if (geometry) return geometries[geometry];
  if (type === 'file') return documentSchema(property);
  const known = ['string', 'integer', 'number', 'boolean', 'object', 'array'].includes(
    property.type as string,
  );
  if (known || !lenient) return rules(property);
  return { type: type === 'json' ? 'object' : 'string' };
}

const linkKinds = ['strict', 'parent', 'soft'] as const;
const deletions = ['refuse', 'cascade', 'orphan'] as const;

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
    const kind = linkKinds.find((one) => one === (key.kind ?? 'strict'));
    if (!kind) problem(`has a kind that is none of ${linkKinds.join(', ')}`);
    const onDelete = deletions.find((one) => one === (key.onDelete ?? 'refuse'));
    if (!onDelete) problem(`has an onDelete that is none of ${deletions.join(', ')}`);
    return targets.map(({ fieldKey }) => {
      const field = fieldKey === 'uuid' ? 0 : Number(fieldKey);
      if (!Number.isSafeInteger(field)) problem('foreignKeys name fields by their id, or uuid');
      return { registry, field, kind: kind ?? 'strict', onDelete: onDelete ?? 'refuse' };
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

/** A name for another column of a field, that none ever had. */
export function newColumnName(id: number, taken: readonly Column[]): string {
  const names = new Set(taken.map(({ column }) => column));
  for (let next = 1; ; next += 1) {
    const name = next === 1 ? `f_${id}` : `f_${id}_${next}`;
    if (!names.has(name)) return name;
  }
}

/** The column that holds values of this type, sealed or not. */
export const sameColumn = (
  columns: readonly Column[],
  id: number,
  type: FieldType,
  secret: boolean,
): Column | undefined =>
  columns.find(
    (column) =>
      column.field === id &&
      !column.hash &&
      (secret ? column.type === 'sealed' && column.of === type : column.type === type),
  );
const largestId = 2_000_000_000;
const isId = (id: number): boolean => Number.isSafeInteger(id) && id > 0 && id <= largestId;

/** Without control characters, halves of surrogate pairs, and what turns the direction of the text around it. */
const usableName = /^[^\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]+$/u;

/**
 * Reads a registry's JSON schema. Fields keep the id they are given or had in the version before (by id, else by
 * name); new ones get the next id.
 */
export function compileSchema(input: unknown, options: CompileOptions): CompiledSchema {
  const { before, firstFreeId, columns, retired = [], lenient } = options;
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
  if (schema.incrementIndex !== undefined && !isId(Number(schema.incrementIndex)))
    defect('/schema/incrementIndex', `must be a positive whole number, up to ${largestId}`);
  const canonical = new Set(names.map((name) => name.normalize('NFC')));
  if (canonical.size < names.length)
    defect('/schema/properties', 'has the same name twice, written otherwise');
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
    if (name.trim() !== name || name.length > 100 || name === '__proto__' || !usableName.test(name))
      problem('is not a usable name');
    const given = property.id ?? property.$id;
    if (given !== undefined && !isId(Number(given)))
      defect(`${pointer}/id`, `must be a positive whole number, up to ${largestId}`);
    const known = before.find((field) => field.name === name && !taken.has(field.id))?.id;
    const id = given === undefined ? (known ?? nextFree()) : Number(given);
    if (used.has(id)) defect(`${pointer}/id`, 'is used twice');
    used.add(id);
    next = Math.max(next, id + 1);
    const kept = type ?? 'text';
    const flag = (keyword: string): boolean => property[keyword] === true;
    if ((flag('unique') || flag('primaryKey')) && !scalar.has(kept))
      problem('cannot be unique: it is not a single value');
    if (flag('searchable') && kept !== 'text') problem('is not text: it cannot be searched by words');
    const triggerDefects: string[] = [];
    const triggers = triggersOf(property.triggers, id, triggerDefects);
    for (const detail of triggerDefects) defect(`${pointer}/triggers`, detail);
    const validation = validationSchema(property, kept, lenient);
    try {
      // A time stands without an offset, which this format would ask for.
      const { format: _, ...ofTime } = validation;
      const validator = compileForeignValidator(kept === 'time' ? ofTime : validation, 'body');
      const defects = validator(property.default);
      if (property.default !== undefined && property.default !== null && defects)
        defect(`${pointer}/default`, 'does not keep to the rules of the field');
    } catch (error) {
      problem(`has rules that cannot be read: ${(error as Error).message}`.slice(0, 300));
    }
    const links = linksOf(property.foreignKeys, (detail) => defect(`${pointer}/foreignKeys`, detail));
    const list = property.type === 'array';
    if (links.length > 0 && !scalar.has(kept) && !list)
      defect(`${pointer}/foreignKeys`, 'cannot lead anywhere: it is not a value or a list of values');
    if (list && links.some(({ kind, onDelete }) => kind === 'parent' || onDelete === 'cascade'))
      defect(`${pointer}/foreignKeys`, 'of a list are neither parents nor do they cascade');
    const catalogue = property.catalogue;
    if (catalogue !== undefined && (typeof catalogue !== 'string' || !(kept === 'text' || list)))
      defect(`${pointer}/catalogue`, 'must be the code of a code list, on a text or a list of texts');
    if (property['x-ui'] !== undefined && !isObject(property['x-ui']))
      defect(`${pointer}/x-ui`, 'must be an object of hints');
    const secret = flag('secret');
    if (secret) for (const detail of secretDefects(property, kept)) problem(detail);
    const indexed =
      flag('filterable') || flag('owner') || flag('unique') || flag('primaryKey') || links.length > 0;
    const column =
      sameColumn(columns, id, kept, secret)?.column ?? newColumnName(id, [...columns, ...retired]);
    return {
      id,
      column,
      name,
      type: kept,
      required: required.has(name),
      unique: flag('unique'),
      primaryKey: flag('primaryKey'),
      readOnly: flag('readOnly'),
      personal: flag('personal'),
      owner: flag('owner'),
      indexed,
      searchable: flag('searchable'),
      default: property.default,
      values: Array.isArray(property.enum) ? property.enum.map(String) : undefined,
      triggers,
      links,
      secret,
      hash: secret && indexed ? hashColumnOf(column) : undefined,
      catalogue: typeof catalogue === 'string' ? catalogue.toLowerCase() : undefined,
      list,
      documents: documentsOf(property, kept),
      geometry: geometryOf(property),
      schema: validation,
    };
  });
  for (const name of required)
    if (!names.includes(name)) defect('/schema/required', `${name} is not a field`);
  if (fields.filter(({ primaryKey }) => primaryKey).length > 1)
    defect('/schema/properties', 'only one field can be the primary key');
  for (const { name, owner, type } of fields)
    if (owner && !scalar.has(type)) defect(pointerOf(name), 'identifies nobody: it is not a single value');
  const concealed = new Set(fields.filter(({ secret }) => secret).map(({ id }) => id));
  for (const { id: own, name, triggers } of fields)
    for (const { actions, conditions } of triggers) {
      const ids = [
        ...actions.flatMap(({ field, fields }) => [field, ...fields]),
        ...conditions.map(({ field }) => field),
      ];
      for (const id of ids)
        if (id !== undefined && !used.has(id))
          defect(`${pointerOf(name)}/triggers`, `names field ${id}, which there is not`);
      const read = [
        ...conditions.map(({ field }) => field ?? own),
        ...actions.flatMap(({ fields: from }) => from),
      ];
      if (read.some((id) => concealed.has(id)) && actions.some(({ field }) => !concealed.has(field)))
        defect(`${pointerOf(name)}/triggers`, 'would show what is secret in a field that is not');
    }
  const uniques = (Array.isArray(schema.uniques) ? schema.uniques : []).map((set, index) => {
    const members = (Array.isArray(set) ? set : []).map((name) =>
      fields.find((field) => field.name === name),
    );
    if (members.length < 2 || members.some((field) => !field || field.secret || !scalar.has(field.type)))
      defect(`/schema/uniques/${index}`, 'must name two or more fields with single values, none secret');
    return members.flatMap((field) => (field ? [field.id] : [])).sort((a, b) => a - b);
  });
  compileRules(schema.rules, fields, defect);
  const duplicates = duplicateRules(schema.duplicates, fields, defect);
  if (defects.length > 0) throw badRequest('The schema is not valid', defects.slice(0, 100));
  const properties = Object.fromEntries(
    fields.map(({ name, id }) => {
      const { $id: _, ...property } = schema.properties[name] as PropertySchema;
      return [name, { ...property, id }];
    }),
  );
  return {
    fields,
    uniques,
    duplicates,
    nextFieldId: next,
    schema: { ...schema, type: 'object', properties },
  };
}
