import {
  defineOperation,
  defineSurface,
  type Static,
  Type,
  workbookType,
} from '@govstack/platform/operation';
import { Content } from '../shapes.ts';
import { fieldAdministration } from './field-operations.ts';

const owner = { caller: 'application', person: 'optional' } as const;
const closed = { additionalProperties: false } as const;
const code = Type.String({ minLength: 1, maxLength: 60, description: 'Short code of the registry' });
const byCode = Type.Object({ code });
const byVersion = Type.Object({ code, version: Type.String({ minLength: 1, maxLength: 20 }) });
const nullable = <T extends ReturnType<typeof Type.String>>(one: T) => Type.Union([one, Type.Null()]);
const schemaTag = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      pattern: '^"([0-9a-f]{32}|new)"$',
      description: 'ETag of the schema that was read; `"new"`: there must be no such registry yet',
    }),
  ),
});
const accept = Type.Optional(
  Type.String({
    description: 'The workbook is answered when it is liked best; the typed client then has bytes',
  }),
);
const Method = Type.Union([
  Type.Literal('create'),
  Type.Literal('read'),
  Type.Literal('exists'),
  Type.Literal('list'),
  Type.Literal('update'),
  Type.Literal('delete'),
]);
/** What an application of another agency can be given access to do. */
export type AccessMethod = Static<typeof Method>;

/** What an owner says of a registry. */
export const details = {
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  groupName: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  description: Type.Optional(Type.String({ maxLength: 2000 })),
  domain: Type.Optional(Type.String({ maxLength: 100 })),
  institution: Type.Optional(Type.String({ maxLength: 200, description: 'Who owns the records' })),
  classification: Type.Optional(
    Type.Union([Type.Literal('open'), Type.Literal('restricted'), Type.Literal('confidential')]),
  ),
  retentionDays: Type.Optional(
    Type.Union([Type.Integer({ minimum: 1, maximum: 40_000 }), Type.Null()], {
      description: 'How long records are kept; null: without limit',
    }),
  ),
  numberFormat: Type.Optional(
    Type.String({
      maxLength: 100,
      pattern: '\\{indexNoByCode\\}',
      description: 'Registry numbers of new records: `{code}`, `{year}`, `{indexNoByCode}`',
    }),
  ),
  storageProfile: Type.Optional(
    Type.Union([Type.Literal('standard'), Type.Literal('lean')], {
      description: '`lean`: only the indexes that keep values unique',
    }),
  ),
};

const Finding = Type.Object({
  pointer: Type.String(),
  breaking: Type.Boolean(),
  detail: Type.String(),
});
const Draft = Type.Object({
  code: Type.String(),
  schema: Type.Unknown(),
  report: Type.Array(Finding, { description: 'What publishing it changes for records and clients' }),
  publishing: Type.Boolean(),
  failure: nullable(Type.String({ description: 'Why the last attempt to publish failed' })),
});
const Published = Type.Object({ version: Type.String(), report: Type.Array(Finding) });

/** A registry as the published Database API describes it. */
export const DatabaseInfo = Type.Object({
  id: Type.Integer(),
  code: Type.String(),
  version: Type.String({ description: 'Newest published version; empty before the first' }),
  name: Type.String(),
  description: Type.String(),
  domain: Type.String(),
  institution: Type.String(),
  classification: Type.String(),
  retentionDays: Type.Union([Type.Integer(), Type.Null()]),
  numberFormat: Type.String(),
  storageProfile: Type.String(),
  groupName: Type.String(),
  state: Type.String(),
  schema: Type.Unknown(),
  schemaTags: Type.Array(
    Type.Object({ name: Type.String(), path: Type.String(), isFulltext: Type.Boolean() }),
  ),
  schemaFlags: Type.Array(Type.Object({ name: Type.String(), path: Type.String() })),
  fieldsUniques: Type.Array(Type.Array(Type.String())),
  isDraft: Type.Boolean(),
  isDisabled: Type.Boolean(),
  isArchived: Type.Boolean(),
  modifiedAt: Type.String(),
  byUserName: Type.String(),
  genericServices: Type.Array(
    Type.Object({
      serviceId: Type.Integer(),
      name: Type.String(),
      isVisible: Type.Boolean(),
      usedCount: Type.Integer(),
    }),
    { description: 'API services of the newest version' },
  ),
  versions: Type.Array(
    Type.Object({
      version: Type.String(),
      state: Type.String(),
      publishedAt: Type.String(),
      publishedBy: Type.String(),
    }),
  ),
});

/** The published Database API: registries are made and changed by the application that owns them. */
export const registryDatabase = defineSurface({
  name: 'registry-database-v1',
  title: 'Digital registries: registries',
  version: '1.1.0',
  operations: {
    ...fieldAdministration,
    modifyRegistry: defineOperation({
      id: 'modifyRegistry',
      method: 'POST',
      path: '/database/modify',
      summary: 'Create a registry or publish a compatible new version; the same schema again changes nothing',
      requirements: ['REG-6.1-1-a', 'REG-6.1-4-b', 'REG-6.1-4-f', 'REG-6.1-28', 'REG-6.1-30', 'REG-8-h'],
      access: owner,
      bodyLimit: 4 * 1024 * 1024,
      body: Type.Object({
        groupName: Type.String({ minLength: 1, maxLength: 200 }),
        catalogName: Type.String({ minLength: 1, maxLength: 200 }),
        code,
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
      summary: 'Registries of the addressed application, drafts too',
      requirements: ['REG-8-h', 'REG-6.1-29', 'REG-6.1-16'],
      access: owner,
      responses: {
        200: Type.Object({
          id: Type.Integer(),
          name: Type.String(),
          code: Type.String(),
          databases: Type.Array(DatabaseInfo),
        }),
      },
    }),
    getRegistry: defineOperation({
      id: 'getRegistry',
      method: 'GET',
      path: '/database/{id}',
      summary: 'A registry with its schema, by id or code',
      requirements: ['REG-8-h', 'REG-6.1-32'],
      access: owner,
      params: Type.Object({ id: code }),
      responses: { 200: DatabaseInfo },
    }),
    deleteRegistry: defineOperation({
      id: 'deleteRegistry',
      method: 'DELETE',
      path: '/database/{id}',
      summary:
        'Delete a registry: a draft at once, a published one first becomes an archive, an archive goes with all its records after the waiting time',
      requirements: ['REG-8-h', 'REG-9.1-b'],
      access: owner,
      params: Type.Object({ id: code }),
      responses: { 200: Type.Literal('Success') },
    }),
    putDraft: defineOperation({
      id: 'putDraft',
      method: 'PUT',
      path: '/registries/{code}/draft',
      summary:
        'Keep a schema, JSON, YAML or a workbook (XLSX), as draft of the next version, and say what publishing it would change',
      description:
        'A workbook has a sheet `Fields` with a row a field and may have a sheet `Registry` with a row a keyword; what is wrong is named by sheet, row and column.',
      requirements: ['REG-6.1-1-b', 'REG-6.1-1-c', 'REG-6.1-4-f', 'REG-6.1-11', 'REG-6.1-11-b'],
      access: owner,
      bodyLimit: 4 * 1024 * 1024,
      consumes: ['application/json', 'application/yaml', 'text/yaml', workbookType],
      headers: schemaTag,
      params: byCode,
      body: Type.Object({ ...details, schema: Type.Unknown() }, closed),
      responses: { 200: Draft },
    }),
    getDraft: defineOperation({
      id: 'getDraft',
      method: 'GET',
      path: '/registries/{code}/draft',
      summary: 'The draft of the next version with its report; as a workbook (XLSX) its schema alone',
      requirements: ['REG-6.1-10-b'],
      access: owner,
      produces: ['application/json', workbookType],
      headers: Type.Object({ accept }),
      params: byCode,
      responses: { 200: Draft },
    }),
    discardDraft: defineOperation({
      id: 'discardDraft',
      method: 'DELETE',
      path: '/registries/{code}/draft',
      summary: 'Throw the draft away',
      access: owner,
      params: byCode,
      responses: { 204: null },
    }),
    publishDraft: defineOperation({
      id: 'publishDraft',
      method: 'POST',
      path: '/registries/{code}/publication',
      summary:
        'Publish the draft as next version of schema and API; breaking changes only when they are accepted',
      requirements: ['REG-6.1-4-a', 'REG-6.1-4-b', 'REG-6.1-4-f', 'REG-6.1-30'],
      access: owner,
      headers: schemaTag,
      params: byCode,
      body: Type.Object({ acceptBreaking: Type.Optional(Type.Boolean()) }, closed),
      responses: { 200: Published },
    }),
    putVersionState: defineOperation({
      id: 'putVersionState',
      method: 'PUT',
      path: '/registries/{code}/versions/{version}/state',
      summary: 'Say that clients should leave a version, or take that back',
      requirements: ['REG-4.1-a'],
      access: owner,
      params: byVersion,
      body: Type.Object(
        { state: Type.Union([Type.Literal('published'), Type.Literal('deprecated')]) },
        closed,
      ),
      responses: { 204: null },
    }),
    deleteVersion: defineOperation({
      id: 'deleteVersion',
      method: 'DELETE',
      path: '/registries/{code}/versions/{version}',
      summary: 'Take a version and its API away; records stay. Not the newest one',
      requirements: ['REG-6.1-4-e'],
      access: owner,
      params: byVersion,
      responses: { 204: null },
    }),
    exportSchema: defineOperation({
      id: 'exportSchema',
      method: 'GET',
      path: '/registries/{code}/versions/{version}/schema',
      summary: 'A published schema as JSON, YAML or a workbook (XLSX); it can be imported as a draft',
      requirements: ['REG-6.1-10', 'REG-6.1-10-b'],
      access: owner,
      produces: ['application/json', 'application/yaml', 'text/yaml', workbookType],
      headers: Type.Object({ accept }),
      params: byVersion,
      responses: { 200: Content },
    }),
    putRegistryState: defineOperation({
      id: 'putRegistryState',
      method: 'PUT',
      path: '/registries/{code}/state',
      summary: 'Archive a published registry: it is read and no longer written',
      requirements: ['REG-6.1-1-c', 'REG-4.1-a'],
      access: owner,
      params: byCode,
      body: Type.Object({ state: Type.Literal('archived') }, closed),
      responses: { 204: null },
    }),
    putAccess: defineOperation({
      id: 'putAccess',
      method: 'PUT',
      path: '/registries/{code}/access',
      summary: 'What an application of another agency may do with a registry, and which fields it sees',
      requirements: ['REG-6.1-6-a', 'REG-6.1-6-f'],
      access: owner,
      params: byCode,
      body: Type.Object(
        {
          application: Type.String({ pattern: '^[^/]+(/[^/]+){3}$' }),
          methods: Type.Array(Method, { maxItems: 6 }),
          fields: Type.Optional(Type.Array(Type.String(), { maxItems: 400 })),
        },
        closed,
      ),
      responses: { 204: null },
    }),
    listAccess: defineOperation({
      id: 'listAccess',
      method: 'GET',
      path: '/registries/{code}/access',
      summary:
        'Applications of other agencies that were given access, with what each may do, in pages of 200',
      requirements: ['REG-6.1-6-a', 'REG-6.1-6-b'],
      access: owner,
      params: byCode,
      query: Type.Object({
        after: Type.Optional(Type.String({ maxLength: 500, description: '`next` of the page before' })),
      }),
      responses: {
        200: Type.Object({
          access: Type.Array(
            Type.Object({
              application: Type.String(),
              methods: Type.Array(Method),
              fields: Type.Union([Type.Array(Type.String()), Type.Null()], { description: 'null: all' }),
            }),
          ),
          next: Type.Optional(Type.String()),
        }),
      },
    }),
    verifyChanges: defineOperation({
      id: 'verifyChanges',
      method: 'GET',
      path: '/changes/verification',
      summary: 'Recompute the chain over all changes of this block',
      requirements: ['REG-6.1-7-d'],
      access: owner,
      responses: {
        200: Type.Object({ changes: Type.Integer(), brokenAt: Type.Union([Type.String(), Type.Null()]) }),
      },
    }),
  },
});
