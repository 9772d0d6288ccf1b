import { defineEvent, defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const application = { caller: 'application', person: 'optional' } as const;
const Content = Type.Record(Type.String(), Type.Unknown());
const target = {
  registryName: Type.String({
    minLength: 1,
    maxLength: 100,
    description: 'Code of the registry; case does not matter',
  }),
  versionNumber: Type.String({ minLength: 1, maxLength: 20, description: 'Schema version, or `latest`' }),
};
const params = Type.Object(target);
const ground = Type.Object({
  'x-purpose': Type.Optional(Type.String({ maxLength: 200 })),
  'x-consent-reference': Type.Optional(Type.String({ maxLength: 100 })),
  'x-legal-ground': Type.Optional(Type.String({ maxLength: 200 })),
});
const query = Type.Object({
  content: Type.Record(Type.String(), Type.Unknown(), {
    description:
      'Field names with the value sought, null for none, or a list of up to 1,000 values of which one must match; all fields must match',
  }),
});
const write = Type.Object({ content: Content });
const Method = Type.Union([
  Type.Literal('create'),
  Type.Literal('read'),
  Type.Literal('exists'),
  Type.Literal('list'),
  Type.Literal('update'),
  Type.Literal('delete'),
]);
const RecordView = Type.Object({
  uuid: Type.String(),
  rowVersion: Type.Integer(),
  createdAt: Type.String(),
  modifiedAt: Type.String(),
  content: Content,
});

/** The published Data API: records of the registries of the application that is addressed. */
export const registryData = defineSurface({
  name: 'registry-data-v1',
  title: 'Digital registries: data',
  version: '1.4.0',
  operations: {
    createRecord: defineOperation({
      id: 'createRecord',
      method: 'POST',
      path: '/data/{registryName}/{versionNumber}/create',
      summary: 'Create a record',
      requirements: ['REG-6.1-5-a'],
      access: application,
      idempotent: true,
      params,
      body: Type.Object({ write }),
      responses: { 200: RecordView },
    }),
    createRecords: defineOperation({
      id: 'createRecords',
      method: 'POST',
      path: '/data/{registryName}/{versionNumber}/createEntries',
      summary: 'Create up to 1000 records, all or none',
      requirements: ['REG-6.1-5-b'],
      access: application,
      idempotent: true,
      bodyLimit: 16 * 1024 * 1024,
      params,
      body: Type.Object({ write: Type.Array(write, { minItems: 1, maxItems: 1000 }) }),
      responses: { 200: Type.Object({ count: Type.Integer(), uuids: Type.Array(Type.String()) }) },
    }),
    readRecord: defineOperation({
      id: 'readRecord',
      method: 'POST',
      path: '/data/{registryName}/{versionNumber}/read',
      summary: 'The oldest record whose fields equal the query; 404 when there is none',
      access: application,
      headers: ground,
      params,
      body: Type.Object({ query }),
      responses: { 200: RecordView },
    }),
    recordExists: defineOperation({
      id: 'recordExists',
      method: 'POST',
      path: '/data/{registryName}/{versionNumber}/exists',
      summary: 'Whether a record matches',
      access: application,
      headers: ground,
      params,
      body: Type.Object({ query }),
      responses: {
        200: Type.Object({ answer: Type.Object({ status: Type.Boolean(), message: Type.String() }) }),
      },
    }),
    searchRecords: defineOperation({
      id: 'searchRecords',
      method: 'POST',
      path: '/data/{registryName}/{versionNumber}/search',
      summary: 'A page of records, oldest first; without a query every record',
      access: application,
      headers: ground,
      params,
      body: Type.Object({
        query: Type.Optional(query),
        pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
        after: Type.Optional(Type.String({ format: 'uuid', description: '`next` of the page before' })),
      }),
      responses: {
        200: Type.Object({
          count: Type.Integer(),
          results: Type.Array(RecordView),
          next: Type.Optional(Type.String()),
        }),
      },
    }),
    updateRecord: defineOperation({
      id: 'updateRecord',
      method: 'PUT',
      path: '/data/{registryName}/{versionNumber}/update',
      summary: 'Change the one record that matches; fields not named stay',
      access: application,
      idempotent: true,
      headers: Type.Object({
        'if-match': Type.Optional(
          Type.String({ pattern: '^"?[0-9]{1,9}"?$', description: 'rowVersion that was read' }),
        ),
      }),
      params,
      body: Type.Object({ query, write }),
      responses: { 200: RecordView },
    }),
    deleteRecord: defineOperation({
      id: 'deleteRecord',
      method: 'DELETE',
      path: '/data/{registryName}/{versionNumber}/{id}/delete',
      summary: 'Mark a record as deleted; its history stays',
      access: application,
      params: Type.Object({ ...target, id: Type.String({ format: 'uuid' }) }),
      responses: { 204: null },
    }),
    readHistory: defineOperation({
      id: 'readHistory',
      method: 'GET',
      path: '/data/{registryName}/{versionNumber}/{id}/history',
      summary: 'Every change of a record; for the owning agency',
      access: application,
      params: Type.Object({ ...target, id: Type.String({ format: 'uuid' }) }),
      responses: {
        200: Type.Object({
          changes: Type.Array(
            Type.Object({
              rowVersion: Type.Integer(),
              action: Type.String(),
              application: Type.String(),
              person: Type.Union([Type.String(), Type.Null()]),
              before: Type.Union([Content, Type.Null()]),
              after: Type.Union([Content, Type.Null()]),
              at: Type.String(),
            }),
          ),
        }),
      },
    }),
    queryUsage: defineOperation({
      id: 'queryUsage',
      method: 'POST',
      path: '/data/myPersonalDataUsage',
      summary: 'Who has read data about a person in the registries of this application',
      description: 'The identifier travels in the body, never in the address. Asking is itself on record.',
      requirements: ['REG-6.1-8-c', 'REG-6.1-8-d'],
      access: application,
      body: Type.Object({
        identifier: Type.String({ minLength: 1, maxLength: 100 }),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
      }),
      responses: {
        200: Type.Array(
          Type.Object({
            id: Type.String(),
            registry: Type.String(),
            registryName: Type.String(),
            fields: Type.Array(Type.String()),
            method: Type.String(),
            readerApplication: Type.String(),
            readerId: Type.Union([Type.String(), Type.Null()]),
            purpose: Type.Union([Type.String(), Type.Null()]),
            consentReference: Type.Union([Type.String(), Type.Null()]),
            legalGround: Type.Union([Type.String(), Type.Null()]),
            time: Type.String(),
          }),
        ),
      },
    }),
  },
});

/** The published Database API: registries are made and changed by the application that owns them. */
export const registryDatabase = defineSurface({
  name: 'registry-database-v1',
  title: 'Digital registries: registries',
  version: '1.1.0',
  operations: {
    modifyRegistry: defineOperation({
      id: 'modifyRegistry',
      method: 'POST',
      path: '/database/modify',
      summary: 'Create a registry or publish a compatible new version; the same schema again changes nothing',
      requirements: ['REG-6.1-1-a', 'REG-6.1-4-b', 'REG-6.1-4-f'],
      access: { caller: 'application' },
      body: Type.Object({
        groupName: Type.String({ minLength: 1, maxLength: 200 }),
        catalogName: Type.String({ minLength: 1, maxLength: 200 }),
        code: Type.String({ minLength: 1, maxLength: 60 }),
        schema: Type.Unknown(),
      }),
      responses: {
        200: Type.Object({ code: Type.String(), version: Type.String(), schema: Type.Unknown() }),
      },
    }),
    listRegistries: defineOperation({
      id: 'listRegistries',
      method: 'GET',
      path: '/databases',
      summary: 'Registries of the addressed application',
      access: { caller: 'application' },
      responses: {
        200: Type.Object({
          id: Type.Integer(),
          name: Type.String(),
          code: Type.String(),
          databases: Type.Array(
            Type.Object({
              id: Type.Integer(),
              code: Type.String(),
              name: Type.String(),
              version: Type.String(),
              schema: Content,
              isArchived: Type.Boolean(),
            }),
          ),
        }),
      },
    }),
    putAccess: defineOperation({
      id: 'putAccess',
      method: 'PUT',
      path: '/registries/{code}/access',
      summary: 'What an application of another agency may do with a registry, and which fields it sees',
      requirements: ['REG-6.1-6-a', 'REG-6.1-6-f'],
      access: { caller: 'application' },
      params: Type.Object({ code: Type.String({ minLength: 1, maxLength: 60 }) }),
      body: Type.Object(
        {
          application: Type.String({ pattern: '^[^/]+(/[^/]+){3}$' }),
          methods: Type.Array(Method, { maxItems: 6 }),
          fields: Type.Optional(Type.Array(Type.String(), { maxItems: 400 })),
        },
        { additionalProperties: false },
      ),
      responses: { 204: null },
    }),
    verifyChanges: defineOperation({
      id: 'verifyChanges',
      method: 'GET',
      path: '/changes/verification',
      summary: 'Recompute the chain over all changes of this block',
      requirements: ['REG-6.1-7-d'],
      access: { caller: 'application' },
      responses: {
        200: Type.Object({ changes: Type.Integer(), brokenAt: Type.Union([Type.String(), Type.Null()]) }),
      },
    }),
  },
});

const changed = Type.Object({
  registry: Type.String(),
  record: Type.String(),
  fields: Type.Array(Type.Integer()),
});
export const recordCreated = defineEvent({
  type: 'registries.record-created.v1',
  summary: 'A record was created',
  data: changed,
});
export const recordUpdated = defineEvent({
  type: 'registries.record-updated.v1',
  summary: 'A record was changed',
  data: changed,
});
