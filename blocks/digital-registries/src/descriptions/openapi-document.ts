import { openApiDocument, type Surface } from '@govstack/platform/operation';
import { registryData } from '../api/data/operations.ts';
import type { RegistrySchema } from '../schema/compile.ts';
import type { Field } from '../schema/field.ts';
import type { Service } from '../services/services.ts';
import { describeField } from './describe-field.ts';

type Json = Record<string, unknown>;

/** A version of a registry as one reader may use it. */
export interface DescribedVersion {
  readonly version: string;
  readonly deprecated: boolean;
  readonly schema: RegistrySchema;
  readonly services: readonly { readonly service: Service; readonly fields: readonly Field[] }[];
}

export interface DescribedRegistry {
  readonly owner: string;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  /** Newest first. */
  readonly versions: readonly DescribedVersion[];
}

const generic = openApiDocument(registryData as unknown as Surface) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly components: Json;
};

/** The path of a service with registry and version filled in. */
export const pathOf = (code: string, version: string, { base, own, name }: Service): string =>
  own
    ? `/data/${code}/${version}/${name}`
    : registryData.operations[base.operation].path
        .replace('{registryName}', code)
        .replace('{versionNumber}', version);

/** Where the content of a record stands in the body and in the answer of a service. */
const writes = new Set([
  'createRecord',
  'createRecords',
  'updateRecord',
  'updateRecords',
  'updateOrCreateRecord',
]);
const queries = new Set([
  'readRecord',
  'recordExists',
  'updateRecord',
  'updateRecords',
  'updateOrCreateRecord',
  'deleteRecords',
  'searchRecords',
]);
const answers = new Set([
  'createRecord',
  'readRecord',
  'updateRecord',
  'updateOrCreateRecord',
  'restoreRecord',
]);

const jsonOf = (content: unknown): Json | undefined =>
  (content as { 'application/json'?: Json } | undefined)?.['application/json'];

interface Shapes {
  /** References to the schemas of a record and of what is asked of one. */
  readonly record: Json;
  readonly query: Json;
  readonly required: readonly string[];
  readonly example: Json;
  readonly key: Json;
}

/** A generic operation with the fields of the registry in it. */
function fill(operation: Json, name: string, { record, query, required, example, key }: Shapes): Json {
  const filled = structuredClone(operation) as Json & { requestBody?: Json; responses: Record<string, Json> };
  const body = jsonOf(filled.requestBody?.content);
  if (body) {
    const properties = ((body.schema as Json).properties ?? {}) as Json;
    const sent: Json = {};
    const wrapped = (content: Json): Json => ({
      type: 'object',
      required: ['content'],
      properties: { content },
    });
    if (queries.has(name)) {
      properties.query = wrapped(query);
      sent.query = { content: key };
    }
    if (writes.has(name)) {
      const creates = name === 'createRecord' || name === 'createRecords';
      const one = wrapped(creates && required.length > 0 ? { ...record, required: [...required] } : record);
      const many = name === 'createRecords';
      properties.write = many ? { type: 'array', items: one, minItems: 1, maxItems: 1000 } : one;
      sent.write = many ? [{ content: example }] : { content: example };
    }
    if (Object.keys(sent).length > 0) body.example = sent;
  }
  const answer = jsonOf(filled.responses[200]?.content);
  const properties = ((answer?.schema as Json | undefined)?.properties ?? {}) as Json;
  if (answers.has(name)) properties.content = record;
  if (name === 'listRecords') properties.results = { type: 'array', items: record };
  if (name === 'searchRecords')
    (properties.results as { items: { properties: Json } }).items.properties.content = record;
  return filled;
}

const withoutTarget = (operation: Json): Json => ({
  ...operation,
  parameters: (operation.parameters as { name: string }[]).filter(
    ({ name }) => name !== 'registryName' && name !== 'versionNumber',
  ),
});

/** A registry's API as an OpenAPI 3.1 document: the visible services of every version, with its real fields. */
export function registryDocument(registry: DescribedRegistry): Json {
  const paths: Record<string, Json> = {};
  const schemas: Json = { ...(generic.components.schemas as Json) };
  for (const { version, deprecated, schema, services } of registry.versions) {
    const known = new Map<string, Shapes>();
    const shapesOf = (fields: readonly Field[]): Shapes => {
      const key = fields.map(({ id }) => id).join();
      const found = known.get(key);
      if (found) return found;
      const name = `${version}${known.size === 0 ? '' : `-${known.size + 1}`}`;
      const properties = Object.fromEntries(
        fields.map((field) => [field.name, describeField(field, schema.properties[field.name])]),
      );
      const asked = Object.entries(properties).map(([field, { description, example }]) => [
        field,
        { description, example },
      ]);
      schemas[`Record-${name}`] = { type: 'object', properties };
      schemas[`Query-${name}`] = {
        type: 'object',
        properties: Object.fromEntries(asked),
        description: 'All must be equal; null asks for none, a list for one of its values',
      };
      const example = Object.fromEntries(
        Object.entries(properties).map(([field, one]) => [field, one.example]),
      );
      const keys = fields.filter(({ type }) => type !== 'json' && type !== 'file');
      const first = keys.find(({ primaryKey, unique }) => primaryKey || unique) ?? keys[0];
      const shapes: Shapes = {
        record: { $ref: `#/components/schemas/Record-${name}` },
        query: { $ref: `#/components/schemas/Query-${name}` },
        required: fields.filter((one) => one.required && one.default === undefined).map((one) => one.name),
        example,
        key: first ? { [first.name]: example[first.name] } : {},
      };
      known.set(key, shapes);
      return shapes;
    };
    for (const { service, fields } of services) {
      const { base, own, name } = service;
      const { method, path } = registryData.operations[base.operation];
      const operation = generic.paths[path]?.[method.toLowerCase()];
      if (!operation) continue;
      const filled = withoutTarget(fill(operation, base.operation, shapesOf(fields)));
      const at = pathOf(registry.code, version, service);
      paths[at] = {
        ...paths[at],
        [own ? 'post' : method.toLowerCase()]: {
          ...filled,
          operationId: `${name}-${version}`,
          summary: service.description === '' ? filled.summary : service.description,
          tags: [`version ${version}`],
          'x-service': name,
          ...(deprecated ? { deprecated: true } : {}),
        },
      };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: registry.name,
      version: registry.versions[0]?.version ?? '',
      ...(registry.description === '' ? {} : { description: registry.description }),
    },
    servers: [
      {
        url: `/r1/${registry.owner}/registry-data-v1`,
        description: 'Through the information mediator',
      },
    ],
    tags: registry.versions.map(({ version, deprecated }) => ({
      name: `version ${version}`,
      ...(deprecated ? { description: 'Deprecated: leave it' } : {}),
    })),
    paths,
    components: { ...generic.components, schemas },
  };
}
