import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const closed = { additionalProperties: false } as const;
const application = { caller: 'application' } as const;
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const Language = Type.String({ pattern: '^[a-z]{2,3}(-[A-Za-z0-9]+)*$' });

const Message = Type.Object(
  {
    channel: Type.Union([Type.Literal('email'), Type.Literal('sms')]),
    to: Type.String({ maxLength: 254, description: 'E-mail address, or telephone number in E.164' }),
    language: Type.Optional(Language),
    template: Type.Optional(Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' })),
    variables: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Union([Type.String({ maxLength: 2000 }), Type.Number(), Type.Boolean()]),
      ),
    ),
    subject: Type.Optional(text(200)),
    body: Type.Optional(text(20_000)),
    reference: Type.Optional(
      Type.String({ maxLength: 200, description: "The sender's own id of the matter, to find messages by" }),
    ),
    priority: Type.Optional(
      Type.Union([Type.Literal('emergency'), Type.Literal('normal'), Type.Literal('bulk')]),
    ),
    notBefore: Type.Optional(Type.String({ format: 'date-time' })),
  },
  closed,
);
const Accepted = Type.Object({ id: Type.String(), state: Type.String() });
const status = {
  id: Type.String(),
  channel: Type.String(),
  reference: Type.Union([Type.String(), Type.Null()]),
  state: Type.String({ description: 'pending, queued, sent, delivered, errored, failed' }),
  reportedStatus: Type.String({
    description: 'scheduled, processing, deferred, delivered, bounced, notSent',
  }),
  acceptedAt: Type.String(),
  changedAt: Type.String(),
};
const Status = Type.Object({
  ...status,
  history: Type.Array(
    Type.Object({ at: Type.String(), state: Type.String(), code: Type.Union([Type.String(), Type.Null()]) }),
  ),
});

/** Sending and following messages. */
export const messagingApi = defineSurface({
  name: 'messaging-v1',
  title: 'Messaging',
  version: '1.0.0',
  operations: {
    sendMessage: defineOperation({
      id: 'sendMessage',
      method: 'POST',
      path: '/messages',
      summary: 'Accept one message for delivery within 24 hours',
      requirements: ['MSG-5.1.17', 'MSG-6.1.1-d'],
      access: application,
      idempotent: true,
      body: Message,
      responses: { 202: Accepted },
    }),
    sendBatch: defineOperation({
      id: 'sendBatch',
      method: 'POST',
      path: '/batches',
      summary: 'Accept many messages; each gets its own state. Faulty entries are named, the others accepted',
      requirements: ['MSG-6.2.2-b'],
      access: application,
      idempotent: true,
      bodyLimit: 16 * 1024 * 1024,
      body: Type.Object({ messages: Type.Array(Type.Unknown(), { minItems: 1, maxItems: 1000 }) }, closed),
      responses: {
        202: Type.Object({
          accepted: Type.Array(Accepted),
          refused: Type.Array(
            Type.Object({
              index: Type.Integer(),
              errors: Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() })),
            }),
          ),
        }),
      },
    }),
    readMessage: defineOperation({
      id: 'readMessage',
      method: 'GET',
      path: '/messages/{id}',
      summary: 'State of a message with its history',
      access: application,
      params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
      responses: { 200: Status },
    }),
    listMessages: defineOperation({
      id: 'listMessages',
      method: 'GET',
      path: '/messages',
      summary: 'Messages of one matter, newest first, with their text while it is kept',
      access: application,
      query: Type.Object({
        reference: text(200),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
      }),
      responses: {
        200: Type.Object({
          messages: Type.Array(
            Type.Object({
              ...status,
              subject: Type.Optional(Type.String()),
              body: Type.Optional(Type.String()),
            }),
          ),
        }),
      },
    }),
    putTemplate: defineOperation({
      id: 'putTemplate',
      method: 'PUT',
      path: '/templates/{code}',
      summary: 'Publish a template; the same again keeps its version',
      access: application,
      params: Type.Object({ code: Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' }) }),
      body: Type.Object(
        {
          email: Type.Optional(
            Type.Record(Language, Type.Object({ subject: text(200), body: text(20_000) }, closed), {
              minProperties: 1,
            }),
          ),
          sms: Type.Optional(
            Type.Record(Language, Type.Object({ body: text(1600) }, closed), { minProperties: 1 }),
          ),
        },
        { ...closed, minProperties: 1 },
      ),
      responses: { 200: Type.Object({ code: Type.String(), version: Type.Integer() }) },
    }),
    readStatusCounts: defineOperation({
      id: 'readStatusCounts',
      method: 'GET',
      path: '/status',
      summary: "How many of the sender's messages are in which state",
      access: application,
      responses: { 200: Type.Record(Type.String(), Type.Integer()) },
    }),
  },
});

/** Where SMS gateways report what became of a message. */
export const messagingReceipts = defineSurface({
  name: 'messaging-receipts-v1',
  title: 'Messaging: delivery receipts',
  version: '1.0.0',
  operations: {
    receiveReceipt: defineOperation({
      id: 'receiveReceipt',
      method: 'POST',
      path: '/receipts',
      summary: 'A gateway reports the fate of a message; repeats change nothing',
      access: application,
      body: Type.Object({
        reference: Type.String({ format: 'uuid' }),
        status: Type.Union([Type.Literal('delivered'), Type.Literal('failed')]),
        code: Type.Optional(Type.String({ maxLength: 100 })),
      }),
      responses: { 200: Type.Object({}) },
    }),
  },
});
