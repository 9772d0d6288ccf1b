import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const open = { caller: 'public' } as const;
const Content = Type.Record(Type.String(), Type.Unknown());
const Wrapped = Type.Object({ content: Content });
const params = Type.Object({
  registryname: Type.String({ maxLength: 100 }),
  versionnumber: Type.String({ maxLength: 20 }),
});
/** The suite names itself in every request. */
const headers = Type.Object({
  'information-mediator-client': Type.String({
    pattern: '^[^/]+(/[^/]+){3}$',
    maxLength: 400,
    description: 'INSTANCE/CLASS/MEMBER/SUBSYSTEM',
  }),
});
const id = Type.Object({ id: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) });
const prefix = '/data/{registryname}/{versionnumber}';
const content = { 200: Wrapped };
const word = '^[A-Za-z0-9][A-Za-z0-9 -]*$';

/**
 * The published methods as the official compliance suite spells them: without the mediator, with hyphens and in snake
 * case. Domain and checks are those of the published surfaces.
 */
export const registriesSuite = defineSurface({
  name: 'registries-compliance',
  title: 'Digital registries in the dialect of the compliance suite',
  version: '1.0.0',
  compliance: true,
  errorShape: (problem) => ({ status: problem.status, body: problem }),
  operations: {
    list: defineOperation({
      id: 'list',
      method: 'GET',
      path: prefix,
      summary: 'Records, filtered by equality',
      access: open,
      headers,
      params,
      query: Type.Object({
        search: Type.Optional(Type.String({ maxLength: 200 })),
        filter: Type.Optional(Type.String({ maxLength: 100 })),
        ordering: Type.Optional(Type.String({ maxLength: 20 })),
        page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
        pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      }),
      responses: {
        200: Type.Object({
          count: Type.Integer(),
          previous: Type.Null(),
          results: Type.Array(Content),
        }),
      },
    }),
    create: defineOperation({
      id: 'create',
      method: 'POST',
      path: `${prefix}/create`,
      summary: 'Create a record',
      access: open,
      headers,
      params,
      body: Type.Object({ write: Wrapped }),
      responses: content,
    }),
    read: defineOperation({
      id: 'read',
      method: 'POST',
      path: `${prefix}/read`,
      summary: 'The oldest record that matches',
      access: open,
      headers,
      params,
      body: Type.Object({ query: Wrapped }),
      responses: content,
    }),
    exists: defineOperation({
      id: 'exists',
      method: 'POST',
      path: `${prefix}/exists`,
      summary: 'Whether a record matches; the query may stand bare in the body',
      access: open,
      headers,
      params,
      body: Type.Union([Type.Object({ query: Wrapped }), Content]),
      responses: {
        200: Type.Object({ answer: Type.Object({ status: Type.Boolean(), message: Type.String() }) }),
      },
    }),
    update: defineOperation({
      id: 'update',
      method: 'PUT',
      path: `${prefix}/update`,
      summary: 'Change the one record that matches',
      access: open,
      headers,
      params,
      body: Type.Object({ query: Wrapped, write: Wrapped }),
      responses: content,
    }),
    updateEntries: defineOperation({
      id: 'updateEntries',
      method: 'PUT',
      path: `${prefix}/update-entries`,
      summary: 'Change every record that matches',
      access: open,
      headers,
      params,
      body: Type.Object({ query: Wrapped, write: Wrapped }),
      responses: { 200: Type.Object({ count: Type.Integer() }) },
    }),
    updateOrCreate: defineOperation({
      id: 'updateOrCreate',
      method: 'POST',
      path: `${prefix}/update-or-create`,
      summary: 'Change the one record that matches, or create it',
      access: open,
      headers,
      params,
      body: Type.Object({ query: Wrapped, write: Wrapped }),
      responses: content,
    }),
    delete: defineOperation({
      id: 'delete',
      method: 'DELETE',
      path: `${prefix}/{id}/delete`,
      summary: 'Delete a record by its ID',
      access: open,
      headers,
      params: Type.Object({ ...params.properties, id: Type.String({ maxLength: 300 }) }),
      responses: { 204: null },
    }),
    readValue: defineOperation({
      id: 'readValue',
      method: 'GET',
      path: `${prefix}/{uuid}/read-value/{fieldAndType}`,
      summary: 'One value of a record',
      access: open,
      headers,
      params: Type.Object({
        ...params.properties,
        uuid: Type.String({ maxLength: 300 }),
        fieldAndType: Type.String({ pattern: '^.+\\.[A-Za-z0-9]{1,10}$', maxLength: 120 }),
      }),
      responses: { 200: Type.Unknown() },
    }),
    personalDataUsage: defineOperation({
      id: 'personalDataUsage',
      method: 'GET',
      path: '/data/MyPersonalDataUsage/1.0',
      summary: 'Who has read data about a person',
      access: open,
      headers,
      query: Type.Object({
        userID: Type.String({ pattern: word, maxLength: 100 }),
        DatabaseID: Type.String({ pattern: word, maxLength: 100 }),
      }),
      responses: {
        200: Type.Array(
          Type.Object({
            ID: Type.String(),
            ReaderID: Type.String(),
            ReaderInitials: Type.String(),
            ReaderInstitutionID: Type.String(),
            ReaderInstitutionName: Type.String(),
            ReaderApplicationName: Type.String(),
            SearchDateTime: Type.String(),
            Refrences: Type.Array(Type.Object({ ReferenceID: Type.String() })),
          }),
        ),
      },
    }),
    readDatabase: defineOperation({
      id: 'readDatabase',
      method: 'GET',
      path: '/database/{id}',
      summary: 'A registry with its schema',
      access: open,
      headers,
      params: id,
      responses: { 200: Content },
    }),
    deleteDatabase: defineOperation({
      id: 'deleteDatabase',
      method: 'DELETE',
      path: '/database/{id}',
      summary: 'Delete a registry; deleting what is gone is fine',
      access: open,
      headers,
      params: id,
      responses: { 200: Type.Literal('Success') },
    }),
    modifyDatabase: defineOperation({
      id: 'modifyDatabase',
      method: 'POST',
      path: '/database/modify',
      summary: 'Create a registry or publish a new version; unknown types become text or objects',
      access: open,
      headers,
      body: Type.Object({
        group_name: Type.String({ minLength: 1, maxLength: 200 }),
        catalog_name: Type.String({ minLength: 1, maxLength: 200 }),
        code: Type.String({ minLength: 1, maxLength: 60 }),
        schema: Type.Unknown(),
      }),
      responses: { 200: Content },
    }),
    listDatabases: defineOperation({
      id: 'listDatabases',
      method: 'GET',
      path: '/databases',
      summary: 'The group of all registries',
      access: open,
      headers,
      responses: {
        200: Type.Object({
          id: Type.Integer(),
          name: Type.String(),
          code: Type.String(),
          databases: Type.Array(Content),
        }),
      },
    }),
  },
});
