import { Bytes, defineOperation, Type } from '@govstack/platform/operation';
import { application, Content, Ground, RecordTarget, RecordView, target } from '../shapes.ts';

export const DocumentInfo = Type.Object({
  documentId: Type.String({ description: 'What a record names: `{"$documentId": …}`' }),
  originalName: Type.String(),
  type: Type.String(),
  size: Type.Integer({ description: 'Bytes' }),
  sha256: Type.String(),
});

/** What belongs to kinds of fields: documents, code lists, links. */
export const fieldOperations = {
  uploadDocument: defineOperation({
    id: 'uploadDocument',
    method: 'POST',
    path: '/data/{registryName}/{versionNumber}/documents/{field}',
    summary: 'Keep a document for a field; a record has to name it within a day',
    description:
      'The content is checked against the media type, and that against the types the field takes. For whoever may create or change records.',
    requirements: ['REG-6.1-3-b'],
    access: application,
    bodyLimit: 16 * 1024 * 1024,
    consumes: ['application/octet-stream'],
    headers: Type.Object({
      'x-original-name': Type.String({
        minLength: 1,
        maxLength: 1000,
        description: 'Name of the file, percent-encoded UTF-8',
      }),
      'x-media-type': Type.String({ minLength: 3, maxLength: 150 }),
    }),
    params: Type.Object({ ...target, field: Type.String({ minLength: 1, maxLength: 100 }) }),
    body: Bytes({ description: 'The document, at most 15 MiB' }),
    responses: { 200: DocumentInfo },
  }),
  readDocument: defineOperation({
    id: 'readDocument',
    method: 'GET',
    path: '/data/{registryName}/{versionNumber}/documents/{documentId}',
    summary: 'A document of a record, under its media type',
    requirements: ['REG-6.1-3-b', 'REG-8-g'],
    access: application,
    headers: Ground,
    params: Type.Object({ ...target, documentId: Type.String({ format: 'uuid' }) }),
    responses: { 200: Bytes() },
  }),
  readLinks: defineOperation({
    id: 'readLinks',
    method: 'GET',
    path: '/data/{registryName}/{versionNumber}/{id}/links',
    summary: 'The records that a record leads to and that lead to it, up to 50 a link',
    description: 'Registries and fields that the caller may not read are left out.',
    requirements: ['REG-6.1-2-a', 'REG-6.1-2-b'],
    access: application,
    headers: Ground,
    params: RecordTarget,
    responses: {
      200: Type.Object({
        links: Type.Array(
          Type.Object({
            direction: Type.Union([Type.Literal('to'), Type.Literal('from')], {
              description: '`to`: this record leads there; `from`: those lead here',
            }),
            registry: Type.String(),
            field: Type.String({ description: 'The field that holds the link' }),
            kind: Type.String(),
            records: Type.Array(RecordView),
            more: Type.Boolean({ description: 'There are more than these' }),
          }),
        ),
      }),
    },
  }),
  lookUpCodes: defineOperation({
    id: 'lookUpCodes',
    method: 'GET',
    path: '/code-lists/{code}/items',
    summary: 'Keys of a code list to choose from',
    requirements: ['REG-6.1-3-a', 'REG-10.5-b'],
    access: application,
    params: Type.Object({ code: Type.String({ minLength: 1, maxLength: 60 }) }),
    query: Type.Object({
      search: Type.Optional(Type.String({ maxLength: 100, description: 'Part of a label, begin of a key' })),
      parent: Type.Optional(
        Type.String({ maxLength: 100, description: 'Only what is right below; empty: the topmost' }),
      ),
      language: Type.Optional(Type.String({ maxLength: 35 })),
      at: Type.Optional(Type.String({ format: 'date', description: 'A day other than today' })),
      all: Type.Optional(Type.Boolean({ description: 'Also what cannot be chosen on that day' })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
      after: Type.Optional(Type.Integer({ minimum: 0, description: '`next` of the page before' })),
    }),
    responses: {
      200: Type.Object({
        items: Type.Array(
          Type.Object({
            key: Type.String(),
            label: Type.String(),
            parent: Type.Union([Type.String(), Type.Null()]),
            uri: Type.Union([Type.String(), Type.Null()]),
            mappings: Type.Array(Content),
            validFrom: Type.Union([Type.String(), Type.Null()]),
            validTo: Type.Union([Type.String(), Type.Null()]),
            hasChildren: Type.Boolean(),
          }),
        ),
        next: Type.Optional(Type.Integer()),
      }),
    },
  }),
};
