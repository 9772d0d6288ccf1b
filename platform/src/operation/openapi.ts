import type { TObject, TSchema } from 'typebox';
import { Bytes, isBytes, isFileType, isWorkbook, octetStream } from './bytes.ts';
import { type OperationSpec, textTypeOf } from './operation.ts';
import { ProblemBody } from './problem.ts';
import type { Surface } from './surface.ts';

interface JsonObject {
  [key: string]: unknown;
}

/** A JSON copy of a TypeBox schema without its in-memory markers. */
const plain = (schema: TSchema): JsonObject => {
  const copy = JSON.parse(JSON.stringify(schema)) as JsonObject;
  delete copy.$id;
  return copy;
};

/** What a body or an answer is under one of its media types. */
const mediaType = (type: string, schema: TSchema): [string, JsonObject] => [
  type,
  { schema: plain(isWorkbook(type) || isFileType(type) ? Bytes() : schema) },
];

const parameters = (where: 'path' | 'query' | 'header', schema: TObject | undefined): JsonObject[] => {
  if (!schema) return [];
  const required = new Set<string>(schema.required ?? []);
  const entries = Object.entries(schema.properties as Record<string, TSchema>);
  // What an answer may be stands in its description; OpenAPI ignores a parameter of this name.
  const described = entries.filter(([name]) => !(where === 'header' && name === 'accept'));
  return described.map(([name, property]) => {
    const json = plain(property);
    const description = json.description as string | undefined;
    return {
      name,
      in: where,
      required: where === 'path' || required.has(name),
      ...(description === undefined ? {} : { description }),
      schema: json,
    };
  });
};

const idempotencyParameter = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'A repeat with the same key and content gets the first answer and changes nothing',
  schema: { type: 'string', minLength: 1, maxLength: 200 },
};

const problemResponse = {
  description: 'Problem details (RFC 9457)',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

const security = (spec: OperationSpec): JsonObject[] => {
  if (spec.access.caller === 'public') return [{}];
  if (spec.access.person === 'required') return [{ application: [], person: [...(spec.access.roles ?? [])] }];
  return [{ application: [] }];
};

const describeOperation = (surface: Surface, spec: OperationSpec): JsonObject => {
  const responses: JsonObject = {};
  for (const [status, schema] of Object.entries(spec.responses)) {
    responses[status] =
      schema === null
        ? { description: 'Done' }
        : {
            description: (schema as TSchema & { description?: string }).description ?? 'Answer',
            content: Object.fromEntries(
              (
                spec.produces ?? [isBytes(schema) ? octetStream : (textTypeOf(schema) ?? 'application/json')]
              ).map((type) => mediaType(type, schema)),
            ),
          };
  }
  if (!surface.errorShape) responses.default = problemResponse;
  return {
    operationId: spec.id,
    summary: spec.summary,
    ...(spec.description ? { description: spec.description } : {}),
    ...(spec.requirements?.length ? { 'x-requirements': [...spec.requirements] } : {}),
    ...(spec.deprecated ? { deprecated: true, 'x-sunset': spec.deprecated.sunset } : {}),
    security: security(spec),
    parameters: [
      ...parameters('path', spec.params),
      ...parameters('query', spec.query),
      ...parameters('header', spec.headers),
      ...(spec.idempotent ? [idempotencyParameter] : []),
    ],
    ...(spec.body
      ? {
          requestBody: {
            required: spec.bodyCheckedBy === undefined,
            content: Object.fromEntries(
              (spec.consumes ?? ['application/json']).map((type) => mediaType(type, spec.body as TSchema)),
            ),
          },
        }
      : {}),
    responses,
  };
};

/** The surface as an OpenAPI 3.1 document. `serverUrl` is where this copy of the document can be called. */
export function openApiDocument(surface: Surface, serverUrl = '/'): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const spec of Object.values(surface.operations)) {
    const item = paths[spec.path] ?? {};
    item[spec.method.toLowerCase()] = describeOperation(surface, spec);
    paths[spec.path] = item;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: surface.title,
      version: surface.version,
      ...(surface.description ? { description: surface.description } : {}),
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: serverUrl }],
    paths,
    components: {
      schemas: { Problem: plain(ProblemBody) },
      securitySchemes: {
        application: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Road-Client',
          description: 'The calling application, authenticated by its information mediator',
        },
        person: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      },
    },
  };
}
