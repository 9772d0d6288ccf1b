import type { TSchema } from 'typebox';
import type { Operation } from './operation.ts';

export interface ApiInfo {
  readonly title: string;
  readonly description: string;
  readonly version: string;
  /** Set when callers show a bearer key. */
  readonly bearer?: boolean;
}

const plain = (schema: TSchema): Record<string, unknown> => JSON.parse(JSON.stringify(schema));

const parametersOf = (place: 'path' | 'query' | 'header', schema: TSchema | undefined): unknown[] => {
  if (!schema) return [];
  const { properties = {}, required = [] } = plain(schema) as {
    properties?: Record<string, { description?: string }>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...value }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: value,
  }));
};

const problem = {
  description: 'A problem (RFC 9457)',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

/** OpenAPI 3.1 document of operations. */
export function openApiDocument(info: ApiInfo, operations: readonly Operation[]): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const one of operations) {
    const parameters = [
      ...parametersOf('path', one.params),
      ...parametersOf('query', one.query),
      ...parametersOf('header', one.headers),
    ];
    const item = paths[one.path] ?? {};
    paths[one.path] = item;
    item[one.method.toLowerCase()] = {
      operationId: one.id,
      summary: one.summary,
      ...(one.description === undefined ? {} : { description: one.description }),
      ...(info.bearer && one.secured ? { security: [{ key: [] }] } : {}),
      ...(parameters.length > 0 ? { parameters } : {}),
      ...(one.body
        ? { requestBody: { required: true, content: { 'application/json': { schema: plain(one.body) } } } }
        : {}),
      responses: {
        ...Object.fromEntries(
          Object.entries(one.responses).map(([status, schema]) => [
            status,
            {
              description: (schema as { description?: string }).description ?? one.summary,
              content: { 'application/json': { schema: plain(schema) } },
            },
          ]),
        ),
        default: problem,
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: info.title, description: info.description, version: info.version },
    paths,
    components: {
      schemas: {
        Problem: {
          type: 'object',
          required: ['type', 'title', 'status'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            detail: { type: 'string' },
            errors: {
              type: 'array',
              items: {
                type: 'object',
                required: ['pointer', 'detail'],
                properties: { pointer: { type: 'string' }, detail: { type: 'string' } },
              },
            },
          },
        },
      },
      ...(info.bearer ? { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } } : {}),
    },
  };
}
