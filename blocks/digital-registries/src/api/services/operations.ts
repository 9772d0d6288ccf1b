import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { details } from '../database/operations.ts';
import { application, FixedFilters, Ground } from '../shapes.ts';
import { Definition } from '../views/operations.ts';

const closed = { additionalProperties: false } as const;
const code = Type.String({ minLength: 1, maxLength: 60, description: 'Code of the registry' });
const version = Type.String({ minLength: 1, maxLength: 20, description: 'Schema version, or `latest`' });
const name = Type.String({ pattern: '^[a-z][a-z0-9-]{0,59}$', description: 'Name of the service' });
const byCode = Type.Object({ code });
const byVersion = Type.Object({ code, version });
const byName = Type.Object({ code, version, service: name });
const narrower = {
  description: Type.Optional(Type.String({ maxLength: 1000 })),
  fields: Type.Optional(
    Type.Array(Type.String(), {
      minItems: 1,
      maxItems: 400,
      description: 'What it is about; all when left out',
    }),
  ),
  filter: Type.Optional(FixedFilters),
};
const State = Type.Union([Type.Literal('visible'), Type.Literal('hidden'), Type.Literal('disabled')], {
  description: '`hidden`: works and is not in the catalogue; `disabled`: does not work',
});

const Service = Type.Object({
  serviceId: Type.Integer(),
  name: Type.String(),
  base: Type.String({ description: 'The standard service it is, or works like' }),
  own: Type.Boolean(),
  state: State,
  isVisible: Type.Boolean(),
  usedCount: Type.Integer({ description: 'Calls that were answered' }),
  description: Type.String(),
  fields: Type.Union([Type.Array(Type.String()), Type.Null()], { description: 'null: all' }),
  filter: FixedFilters,
  method: Type.String(),
  path: Type.String(),
});
const Document = Type.Record(Type.String(), Type.Unknown(), { description: 'OpenAPI 3.1' });

const Template = Type.Object(
  {
    template: Type.Literal(1),
    version: Type.String({ maxLength: 20, description: 'Of the registry it was taken from' }),
    details: Type.Object(details, closed),
    schema: Type.Unknown(),
    services: Type.Array(
      Type.Object({ name, state: State, base: Type.String({ maxLength: 60 }), ...narrower }, closed),
      { maxItems: 100 },
    ),
    views: Type.Array(
      Type.Object(
        {
          code: name,
          name: Type.String({ minLength: 1, maxLength: 200 }),
          description: Type.String({ maxLength: 2000 }),
          definition: Definition,
        },
        closed,
      ),
      { maxItems: 100 },
    ),
  },
  closed,
);

/** API services of registries: which there are, what they are, and who made them so. */
export const registryServices = defineSurface({
  name: 'registry-services-v1',
  title: 'Digital registries: API services',
  version: '1.0.0',
  operations: {
    listServices: defineOperation({
      id: 'listServices',
      method: 'GET',
      path: '/registries/{code}/versions/{version}/services',
      summary: 'Every service of a version, hidden and disabled ones too',
      requirements: ['REG-6.1-5-d', 'REG-6.1-31-a', 'REG-6.1-32'],
      access: application,
      params: byVersion,
      responses: { 200: Type.Object({ services: Type.Array(Service) }) },
    }),
    putService: defineOperation({
      id: 'putService',
      method: 'PUT',
      path: '/registries/{code}/versions/{version}/services/{service}',
      summary: 'Make a service that works like a standard one, narrower; bring a deleted standard one back',
      description: 'It answers at `POST /data/{registryName}/{versionNumber}/{service}`.',
      requirements: ['REG-6.1-31-b'],
      access: application,
      params: byName,
      body: Type.Object({ base: Type.String({ maxLength: 60 }), ...narrower }, closed),
      responses: { 204: null },
    }),
    copyService: defineOperation({
      id: 'copyService',
      method: 'POST',
      path: '/registries/{code}/versions/{version}/services/{service}/copies',
      summary: 'A service under another name, as wide as the one copied or narrower',
      requirements: ['REG-6.1-5-d', 'REG-6.1-31-b'],
      access: application,
      params: byName,
      body: Type.Object({ name, ...narrower }, closed),
      responses: { 204: null },
    }),
    putServiceState: defineOperation({
      id: 'putServiceState',
      method: 'PUT',
      path: '/registries/{code}/versions/{version}/services/{service}/state',
      summary: 'Show, hide or switch off a service; the next version begins with the same',
      requirements: ['REG-6.1-5-d', 'REG-6.1-31-b'],
      access: application,
      params: byName,
      body: Type.Object({ state: State }, closed),
      responses: { 204: null },
    }),
    deleteService: defineOperation({
      id: 'deleteService',
      method: 'DELETE',
      path: '/registries/{code}/versions/{version}/services/{service}',
      summary: 'Take a service away',
      requirements: ['REG-6.1-5-d', 'REG-6.1-31-b'],
      access: application,
      params: byName,
      responses: { 204: null },
    }),
    exportTemplate: defineOperation({
      id: 'exportTemplate',
      method: 'GET',
      path: '/registries/{code}/template',
      summary: 'A registry without its records, to make others from: schema, service settings, views',
      requirements: ['REG-6.1-20'],
      access: application,
      produces: ['application/json', 'application/yaml', 'text/yaml'],
      params: byCode,
      responses: { 200: Template },
    }),
    importTemplate: defineOperation({
      id: 'importTemplate',
      method: 'PUT',
      path: '/registries/{code}/template',
      summary: 'Make and publish a registry from a template; none of its views is open data',
      requirements: ['REG-6.1-20'],
      access: application,
      bodyLimit: 4 * 1024 * 1024,
      consumes: ['application/json', 'application/yaml', 'text/yaml'],
      params: byCode,
      body: Template,
      responses: {
        200: Type.Object({ version: Type.String(), views: Type.Array(Type.String()) }),
      },
    }),
    listCatalogue: defineOperation({
      id: 'listCatalogue',
      method: 'GET',
      path: '/catalogue',
      summary: 'Registries, their versions and services, as far as the caller may use them',
      requirements: ['REG-6.2-34-a'],
      access: application,
      headers: Ground,
      query: Type.Object({ after: Type.Optional(Type.String({ maxLength: 60 })) }),
      responses: {
        200: Type.Object({
          registries: Type.Array(
            Type.Object({
              code: Type.String(),
              name: Type.String(),
              description: Type.String(),
              document: Type.String({ description: 'OpenAPI document, on this surface' }),
              page: Type.String({ description: 'The same to read' }),
              versions: Type.Array(
                Type.Object({
                  version: Type.String(),
                  deprecated: Type.Boolean(),
                  services: Type.Array(
                    Type.Object({
                      name: Type.String(),
                      description: Type.String(),
                      method: Type.String(),
                      path: Type.String({ description: 'On the surface `registry-data-v1`' }),
                    }),
                  ),
                }),
              ),
            }),
          ),
          next: Type.Optional(Type.String({ description: '`after` of the next page' })),
        }),
      },
    }),
    readDocument: defineOperation({
      id: 'readDocument',
      method: 'GET',
      path: '/registries/{code}/openapi.json',
      summary: 'The API of a registry: visible services of every version, or of one, with its real fields',
      requirements: ['REG-4.1-e', 'REG-10.5-c', 'REG-6.2-34-a', 'REG-6.2-34-b'],
      access: application,
      headers: Ground,
      params: byCode,
      query: Type.Object({ version: Type.Optional(version) }),
      responses: { 200: Document },
    }),
    readPage: defineOperation({
      id: 'readPage',
      method: 'GET',
      path: '/registries/{code}/openapi.html',
      summary: 'The same as a page to read, which needs nothing else',
      requirements: ['REG-6.2-34-a'],
      access: application,
      headers: Ground,
      params: byCode,
      query: Type.Object({ version: Type.Optional(version) }),
      responses: { 200: Type.String({ contentMediaType: 'text/html' }) },
    }),
  },
});
