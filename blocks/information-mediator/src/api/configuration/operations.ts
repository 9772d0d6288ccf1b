import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { nextPageToken, paging } from '../identifiers-operations.ts';
import { GivenIMconf, IMconf } from './document-operations.ts';

const asking = { caller: 'application', person: 'optional' } as const;
const forms = ['application/json', 'text/yaml', 'application/yaml'] as const;
const largestDocument = 16 * 1024 * 1024;

const Change = Type.Object({
  action: Type.Unsafe<'added' | 'changed' | 'removed'>({ enum: ['added', 'changed', 'removed'] }),
  kind: Type.Unsafe<'domain' | 'member' | 'application' | 'service' | 'right'>({
    enum: ['domain', 'member', 'application', 'service', 'right'],
  }),
  id: Type.String({ description: 'Full identifier; of a right the service, a space, and the consumer' }),
  fields: Type.Array(
    Type.Object({
      name: Type.String(),
      from: Type.Unknown({ description: 'Keys, certificates and descriptions as digest' }),
      to: Type.Unknown(),
    }),
  ),
});
const Counts = Type.Object({ added: Type.Integer(), changed: Type.Integer(), removed: Type.Integer() });
const Difference = Type.Object({
  counts: Counts,
  lines: Type.Array(Type.String(), { description: 'To read: + added, ~ changed, - removed' }),
  changes: Type.Array(Change),
});

const dryRun = Type.Optional(Type.Boolean({ description: 'Answer what would change, and change nothing' }));
const IfMatch = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      maxLength: 1000,
      description: 'Entity tag of the configuration the change was made for; another one: 412',
    }),
  ),
});
const versionParams = Type.Object({ version: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }) });

const Applied = Type.String({ description: 'Which version was applied, and what changed, line by line' });
const applying = {
  access: asking,
  consumes: forms,
  bodyCheckedBy: 'handler',
  bodyLimit: largestDocument,
  body: GivenIMconf,
  responses: { 200: Difference, 201: Applied },
} as const;

const part = Type.String({ maxLength: 100 });
const AllowRow = Type.Object({
  memberClass: Type.String(),
  memberCode: Type.String(),
  applicationId: Type.String(),
  serviceId: Type.String(),
  rights: Type.Array(
    Type.Object({
      member: Type.String({ description: 'Name of the member' }),
      application: Type.String(),
      memberClass: Type.String(),
      memberCode: Type.String(),
      applicationId: Type.String(),
    }),
  ),
});
const code = Type.Unsafe<string | number>({
  type: ['string', 'integer'],
  pattern: "^[A-Za-z0-9'()+,\\-.=?_]{1,100}$",
});
export const GivenRights = Type.Array(
  Type.Object(
    {
      memberClass: code,
      memberCode: code,
      applicationId: code,
      serviceId: code,
      rights: Type.Array(
        Type.Object(
          {
            memberClass: Type.Optional(code),
            memberCode: Type.Optional(code),
            applicationId: Type.Optional(code),
            member: Type.Optional(
              Type.String({
                maxLength: 200,
                description: 'Name of the member, instead of its class and code',
              }),
            ),
            application: Type.Optional(
              Type.Unsafe<string | number>({ ...code, description: 'As applicationId' }),
            ),
          },
          { additionalProperties: false },
        ),
        { maxItems: 10_000 },
      ),
    },
    { additionalProperties: false },
  ),
  { maxItems: 1000 },
);
const settingRights = {
  access: asking,
  consumes: forms,
  bodyCheckedBy: 'handler',
  bodyLimit: largestDocument,
  body: GivenRights,
  responses: { 200: Type.Object({ changed: Type.Boolean() }) },
} as const;

const Status = Type.Object({
  status: Type.Unsafe<'ok' | 'failed'>({ enum: ['ok', 'failed'] }),
  version: Type.Union([Type.Integer(), Type.Null()], { description: 'Newest version of the configuration' }),
  failures: Type.Array(Type.String()),
});

/**
 * The whole configuration of the instance as one document, in JSON or YAML, and access rights in bulk. Scopes come with
 * the access token or with the role of administrator; the governance application has them all.
 */
export const mediatorConfig = defineSurface({
  name: 'mediator-config-v1',
  title: 'Information mediator: configuration management',
  version: '1.0.1',
  operations: {
    listIMconf: defineOperation({
      id: 'listIMconf',
      method: 'GET',
      path: '/api/v1/config',
      summary: 'The configuration (read:conf); an administrator of an agency sees the agency only',
      requirements: ['IM-8.6.1-a'],
      access: asking,
      produces: forms,
      responses: { 200: IMconf },
    }),
    createIMconf: defineOperation({
      id: 'createIMconf',
      method: 'POST',
      path: '/api/v1/config',
      summary: 'Configure an instance that is not configured yet (write:conf)',
      description:
        'Once it is configured: 409, unless the document says what is there. The central part of the instance is the directory of the mediator that governs it, there since its first start: `init` asks for nothing more.',
      requirements: ['IM-8.6.1-a'],
      ...applying,
      query: Type.Object({ init: Type.Optional(Type.Boolean()), dryRun }),
    }),
    updateIMconf: defineOperation({
      id: 'updateIMconf',
      method: 'PATCH',
      path: '/api/v1/config',
      summary: 'Merge into the configuration (write:conf): what the document leaves out stays',
      requirements: ['IM-8.6.1-a'],
      ...applying,
      query: Type.Object({ dryRun }),
      headers: IfMatch,
    }),
    replaceIMconf: defineOperation({
      id: 'replaceIMconf',
      method: 'PUT',
      path: '/api/v1/config',
      summary: 'Replace the configuration (create:conf): what the document leaves out is deleted',
      description:
        'What the mediator itself needs stays: its own application and services, the applications its settings name, and their rights.',
      requirements: ['IM-8.6.1-a', 'IM-5.1.1-a'],
      ...applying,
      query: Type.Object({ dryRun }),
      headers: IfMatch,
    }),
    checkIMconf: defineOperation({
      id: 'checkIMconf',
      method: 'GET',
      path: '/api/v1/status',
      summary: 'Whether the instance is configured and works (read:conf)',
      requirements: ['IM-8.6.1-b'],
      access: asking,
      responses: { 200: Status, 500: Status },
    }),
    listVersions: defineOperation({
      id: 'listVersions',
      method: 'GET',
      path: '/api/v1/config/versions',
      summary: 'Versions of the configuration, newest first (read:conf)',
      access: asking,
      query: Type.Object(paging),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              version: Type.Integer(),
              at: Type.String({ format: 'date-time' }),
              actor: Type.String({ description: 'The application and, after it, the person' }),
              method: Type.String({
                description:
                  'create, update, replace, restore; found: changed by other means before the next one',
              }),
              restored: Type.Union([Type.Integer(), Type.Null()], {
                description: 'Version that was restored',
              }),
              etag: Type.String(),
              counts: Counts,
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    readVersion: defineOperation({
      id: 'readVersion',
      method: 'GET',
      path: '/api/v1/config/versions/{version}',
      summary: 'The configuration as a version left it (read:conf)',
      access: asking,
      produces: forms,
      params: versionParams,
      responses: { 200: IMconf },
    }),
    compareVersions: defineOperation({
      id: 'compareVersions',
      method: 'GET',
      path: '/api/v1/config/versions/{version}/difference',
      summary: 'What leads from one version to this one (read:conf)',
      access: asking,
      params: versionParams,
      query: Type.Object({
        from: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 2_147_483_647,
            description: 'The version before when left out',
          }),
        ),
      }),
      responses: { 200: Difference },
    }),
    restoreVersion: defineOperation({
      id: 'restoreVersion',
      method: 'PUT',
      path: '/api/v1/config/versions/{version}/restoration',
      summary: 'Roll back (create:conf): replace the configuration by what a version left',
      access: asking,
      params: versionParams,
      query: Type.Object({ dryRun }),
      headers: IfMatch,
      responses: { 200: Difference, 201: Applied },
    }),
    getAllowed: defineOperation({
      id: 'getAllowed',
      method: 'GET',
      path: '/api/v1/rights/allow',
      summary: 'Who may use which service (read:rights)',
      requirements: ['IM-8.6.2-a'],
      access: asking,
      query: Type.Object({
        memberClass: Type.Optional(part),
        memberCode: Type.Optional(part),
        applicationId: Type.Optional(part),
        serviceId: Type.Optional(part),
        pageSize: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 1000,
            description: 'Pairs of service and consumer on a page, 100 unless said otherwise',
          }),
        ),
        nextPageToken: Type.Optional(Type.String({ maxLength: 4000 })),
      }),
      responses: { 200: Type.Object({ nextPageToken, allowList: Type.Array(AllowRow) }) },
    }),
    setAllowed: defineOperation({
      id: 'setAllowed',
      method: 'PATCH',
      path: '/api/v1/rights/allow',
      summary: 'Let applications use services (write:rights): all that are named, or none',
      requirements: ['IM-8.6.2-b'],
      ...settingRights,
    }),
    setDenied: defineOperation({
      id: 'setDenied',
      method: 'PATCH',
      path: '/api/v1/rights/deny',
      summary: 'Take from applications every right to services (write:rights): all that are named, or none',
      requirements: ['IM-8.6.2-b'],
      ...settingRights,
    }),
  },
});
