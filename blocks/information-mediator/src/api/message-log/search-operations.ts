import { defineOperation, type TObject, Type } from '@govstack/platform/operation';

const text = (maxLength: number, description?: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, ...(description ? { description } : {}) }));
const nullable = (schema: ReturnType<typeof Type.String>) => Type.Union([schema, Type.Null()]);
const MessageKind = Type.Union([Type.Literal('request'), Type.Literal('response')]);

const reading = { caller: 'application', person: 'optional' } as const;

/** Looking for exchanges, and into messages. `Summary`: an exchange as the other operations tell it. */
const Outcome = Type.Unsafe<'done' | 'refused' | 'failed' | 'unknown'>({
  type: 'string',
  enum: ['done', 'refused', 'failed', 'unknown'],
  description: 'unknown: the process ended before it could say',
});

const Reading = Type.Object(
  { message: MessageKind, reason: Type.String({ minLength: 10, maxLength: 500, pattern: '\\S.{8,}\\S' }) },
  { additionalProperties: false },
);

export const searchOperations = <S extends TObject>(Summary: S) => ({
  searchExchanges: defineOperation({
    id: 'searchExchanges',
    method: 'GET',
    path: '/search',
    summary: 'Exchanges that fit what is asked for, the newest first',
    requirements: ['IM-8.4-a', 'IM-8.5-a', 'IM-6.6-d', 'IM-4.4-a'],
    access: reading,
    query: Type.Object({
      client: text(403),
      service: text(504),
      member: text(302, 'Took part as client, provider or sender'),
      status: Type.Optional(
        Type.Unsafe<'2xx' | '3xx' | '4xx' | '5xx' | 'none'>({
          type: 'string',
          enum: ['2xx', '3xx', '4xx', '5xx', 'none'],
          description: 'Class of the status; none: no answer is on record',
        }),
      ),
      error: text(100, 'X-Road error type, or the beginning of one up to a dot'),
      method: Type.Optional(Type.String({ pattern: '^[A-Z]{1,20}$' })),
      pathPrefix: text(1000),
      messageId: text(255, 'X-Road-Id'),
      from: Type.Optional(Type.String({ format: 'date-time' })),
      to: Type.Optional(Type.String({ format: 'date-time' })),
      pageSize: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 200, description: '50 unless said otherwise' }),
      ),
      pageToken: text(200),
    }),
    responses: {
      200: Type.Object({ items: Type.Array(Summary), nextPageToken: Type.Optional(Type.String()) }),
    },
  }),
  getMessageContents: defineOperation({
    id: 'getMessageContents',
    method: 'POST',
    path: '/exchanges/{exchangeId}/contents',
    summary:
      'Read a kept message: for auditors of an agency that took part, who must say why; it is put on record',
    description: 'What the masking settings name is not shown. Credentials are not kept, only their digests.',
    requirements: ['IM-8.4-a'],
    access: { caller: 'application', person: 'required', roles: ['auditor'] },
    params: Type.Object({ exchangeId: Type.String({ format: 'uuid' }) }),
    body: Reading,
    responses: {
      200: Type.Object({
        firstLine: Type.String({ description: 'Method and target, or the status' }),
        headers: Type.Array(Type.Object({ name: Type.String(), value: Type.String() })),
        bodySize: Type.Integer(),
        encoding: Type.Union([Type.Literal('utf-8'), Type.Literal('base64'), Type.Null()]),
        body: nullable(Type.String()),
        withheld: Type.Union(
          [Type.Literal('not-kept'), Type.Literal('too-large'), Type.Literal('not-maskable'), Type.Null()],
          { description: 'Why the body is not shown' },
        ),
        intact: Type.Boolean({ description: 'Before masking it is what was signed' }),
      }),
    },
  }),
  getContainer: defineOperation({
    id: 'getContainer',
    method: 'POST',
    path: '/exchanges/{exchangeId}/container',
    summary:
      'A message with its signature and time stamp as an ASiC-E container, for whoever took part: an auditor of the agency, or the application itself; it is put on record',
    description:
      'Proves to anybody who said it and when; `./govstack mediator verify` checks it offline. Nothing in it is masked. A body that was too large to be kept is not in it. 409: no container can be made, the detail says why.',
    requirements: ['IM-6.6-c'],
    access: { caller: 'application', person: 'optional' },
    params: Type.Object({ exchangeId: Type.String({ format: 'uuid' }) }),
    body: Reading,
    responses: {
      200: Type.Object({
        fileName: Type.String(),
        mediaType: Type.String(),
        container: Type.String({ description: 'base64' }),
      }),
    },
  }),
  listAdministrativeActs: defineOperation({
    id: 'listAdministrativeActs',
    method: 'GET',
    path: '/administrative-acts',
    summary: 'Who changed what, or tried to, on any of the mediator’s own services, the newest first',
    description:
      'Auditors and administrators of the governing agency and log readers see every act, others those of their agency, an application its own.',
    requirements: ['IM-6.6-e', 'IM-8.5-a'],
    access: reading,
    query: Type.Object({
      person: text(255),
      agency: text(302),
      operation: Type.Optional(Type.String({ pattern: '^[A-Za-z]{1,100}$' })),
      outcome: Type.Optional(Outcome),
      from: Type.Optional(Type.String({ format: 'date-time' })),
      to: Type.Optional(Type.String({ format: 'date-time' })),
      pageSize: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 200, description: '50 unless said otherwise' }),
      ),
      pageToken: text(200),
    }),
    responses: {
      200: Type.Object({
        items: Type.Array(
          Type.Object({
            sequence: Type.String(),
            at: Type.String({ format: 'date-time' }),
            exchangeId: Type.String({ description: 'The exchange by which it was asked for' }),
            application: Type.String(),
            person: nullable(Type.String({ description: 'Stable id of the person, as in their token' })),
            agency: Type.String(),
            surface: Type.String(),
            operation: Type.String(),
            subject: Type.Record(Type.String(), Type.String()),
            outcome: Outcome,
            status: Type.Union([Type.Integer(), Type.Null()]),
            refusal: nullable(Type.String()),
          }),
        ),
        nextPageToken: Type.Optional(Type.String()),
      }),
    },
  }),
  listContentsReadings: defineOperation({
    id: 'listContentsReadings',
    method: 'GET',
    path: '/exchanges/{exchangeId}/readings',
    summary: 'Who has read messages of an exchange, and why',
    requirements: ['IM-8.5-a'],
    access: { caller: 'application', person: 'required', roles: ['auditor', 'administrator'] },
    params: Type.Object({ exchangeId: Type.String({ format: 'uuid' }) }),
    query: Type.Object({
      pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      pageToken: text(200),
    }),
    responses: {
      200: Type.Object({
        items: Type.Array(
          Type.Object({
            sequence: Type.String(),
            at: Type.String({ format: 'date-time' }),
            message: MessageKind,
            reader: Type.String(),
            agency: Type.String(),
            application: Type.String(),
            reason: Type.String(),
          }),
        ),
        nextPageToken: Type.Optional(Type.String()),
      }),
    },
  }),
});
