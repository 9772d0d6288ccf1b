import { defineOperation, Type } from '@govstack/platform/operation';

const owner = { caller: 'application', person: 'optional' } as const;
const closed = { additionalProperties: false } as const;
const code = Type.String({ minLength: 1, maxLength: 60, description: 'Short code of the registry' });
const byCode = Type.Object({ code });
const day = Type.Optional(Type.String({ format: 'date' }));
const uri = Type.Optional(Type.String({ minLength: 1, maxLength: 500 }));
const listCode = Type.Object({
  code: Type.String({ pattern: '^[a-z][a-z0-9-]{0,59}$', description: 'Code of the list' }),
});
const instant = Type.String();

const CodeItem = Type.Object(
  {
    key: Type.String({ minLength: 1, maxLength: 100 }),
    labels: Type.Record(Type.String({ pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$' }), Type.String(), {
      description: 'By language (BCP 47)',
    }),
    parent: Type.Optional(Type.String({ maxLength: 100 })),
    uri,
    mappings: Type.Optional(
      Type.Array(
        Type.Object(
          { vocabulary: Type.String({ maxLength: 500 }), uri: Type.String({ maxLength: 500 }) },
          closed,
        ),
        { maxItems: 20, description: 'What it is in other vocabularies' },
      ),
    ),
    validFrom: day,
    validTo: day,
  },
  closed,
);
const codeList = {
  name: Type.String({ minLength: 1, maxLength: 200 }),
  description: Type.Optional(Type.String({ maxLength: 2000 })),
  uri,
  items: Type.Array(CodeItem, { maxItems: 20_000 }),
};
const KeyInfo = Type.Object({
  keyId: Type.Integer(),
  createdAt: instant,
  createdBy: Type.String(),
  activeFrom: instant,
  destroyedAt: Type.Union([instant, Type.Null()], {
    description: 'When nothing was sealed with it any more, and it was destroyed',
  }),
});

/** What belongs to kinds of fields: the keys of secrets, and code lists. */
export const fieldAdministration = {
  listKeys: defineOperation({
    id: 'listKeys',
    method: 'GET',
    path: '/registries/{code}/keys',
    summary: 'The encryption keys of a registry, newest first; never the keys themselves',
    requirements: ['REG-6.1-18-a'],
    access: owner,
    params: byCode,
    responses: { 200: Type.Object({ keys: Type.Array(KeyInfo) }) },
  }),
  rotateKey: defineOperation({
    id: 'rotateKey',
    method: 'POST',
    path: '/registries/{code}/keys',
    summary: 'Give a registry another encryption key',
    description:
      'Everything secret is sealed anew in the background, the history too; until then it is read with the key before, which is destroyed after it.',
    requirements: ['REG-6.1-18-a'],
    access: owner,
    params: byCode,
    responses: { 200: KeyInfo },
  }),
  issueClientKey: defineOperation({
    id: 'issueClientKey',
    method: 'POST',
    path: '/registries/{code}/client-keys',
    summary: 'Give an application a key to the secrets of a registry; it is told this once',
    description:
      'The application sends it as X-Registry-Key. Which records and fields it reads is decided by its rights.',
    requirements: ['REG-6.1-18-b'],
    access: owner,
    params: byCode,
    body: Type.Object(
      { application: Type.String({ pattern: '^[^/]+(/[^/]+){3}$', maxLength: 300 }) },
      closed,
    ),
    responses: { 200: Type.Object({ id: Type.String(), key: Type.String() }) },
  }),
  listClientKeys: defineOperation({
    id: 'listClientKeys',
    method: 'GET',
    path: '/registries/{code}/client-keys',
    summary: 'Which applications were given keys to the secrets of a registry',
    requirements: ['REG-6.1-18-b'],
    access: owner,
    params: byCode,
    responses: {
      200: Type.Object({
        keys: Type.Array(
          Type.Object({
            id: Type.String(),
            application: Type.String(),
            createdAt: instant,
            createdBy: Type.String(),
            revokedAt: Type.Union([instant, Type.Null()]),
          }),
        ),
      }),
    },
  }),
  revokeClientKey: defineOperation({
    id: 'revokeClientKey',
    method: 'DELETE',
    path: '/registries/{code}/client-keys/{id}',
    summary: 'Take a key away: from now on it opens nothing',
    requirements: ['REG-6.1-18-b'],
    access: owner,
    params: Type.Object({ code, id: Type.String({ format: 'uuid' }) }),
    responses: { 204: null },
  }),
  putCodeList: defineOperation({
    id: 'putCodeList',
    method: 'PUT',
    path: '/code-lists/{code}',
    summary: 'Keep a code list; other content is another version, the same changes nothing',
    description: 'Keys that were published stay. What is not to be chosen any more gets a `validTo`.',
    requirements: ['REG-6.1-3-a', 'REG-10.5-b'],
    access: owner,
    bodyLimit: 8 * 1024 * 1024,
    params: listCode,
    body: Type.Object(codeList, closed),
    responses: { 200: Type.Object({ version: Type.Integer() }) },
  }),
  listCodeLists: defineOperation({
    id: 'listCodeLists',
    method: 'GET',
    path: '/code-lists',
    summary: 'The code lists of the addressed application',
    requirements: ['REG-10.5-b'],
    access: owner,
    responses: {
      200: Type.Object({
        codeLists: Type.Array(
          Type.Object({
            code: Type.String(),
            name: Type.String(),
            description: Type.String(),
            uri: Type.Union([Type.String(), Type.Null()]),
            version: Type.Integer(),
            modifiedAt: instant,
          }),
        ),
      }),
    },
  }),
  readCodeList: defineOperation({
    id: 'readCodeList',
    method: 'GET',
    path: '/code-lists/{code}',
    summary: 'A code list as it was published in a version, the newest unless one is named',
    requirements: ['REG-10.5-b'],
    access: owner,
    params: listCode,
    query: Type.Object({ version: Type.Optional(Type.Integer({ minimum: 1 })) }),
    responses: { 200: Type.Object({ ...codeList, code: Type.String(), version: Type.Integer() }) },
  }),
};
