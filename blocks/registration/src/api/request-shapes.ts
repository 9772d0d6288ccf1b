import { Type } from '@govstack/platform/operation';

const Texts = Type.Record(Type.String(), Type.String());

/** What applicants of a service may ask about their file after it was sent: an appeal, a complaint. */
export const RequestDeclaration = Type.Object(
  {
    name: Texts,
    explanation: Texts,
    message: Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'Name of the message that the process gets: correlated by the id of the file, with `request`, `fileId`, `reference`, `applicantId` and `application`',
    }),
    when: Type.Array(
      Type.Union([
        Type.Literal('PENDING'),
        Type.Literal('SENDBACK'),
        Type.Literal('APPROVED'),
        Type.Literal('REJECTED'),
      ]),
      { minItems: 1, maxItems: 4, description: 'States of the file in which it can be asked for' },
    ),
    withinDays: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 3650, description: 'Days after the decision; without it: always' }),
    ),
    once: Type.Optional(Type.Boolean({ description: 'Once for each file' })),
    awaited: Type.Optional(
      Type.Boolean({
        description:
          'The process that began with the file waits for it, and nothing else hears it: not offered for files that were sent before the service first declared it',
      }),
    ),
  },
  { additionalProperties: false },
);

export const RequestDeclarations = Type.Record(
  Type.String({ pattern: '^[a-z][a-z0-9-]{0,40}$' }),
  RequestDeclaration,
);

export const RequestView = Type.Object({
  requestId: Type.String(),
  kind: Type.String(),
  name: Texts,
  text: Type.String(),
  state: Type.Union([
    Type.Literal('open'),
    Type.Literal('upheld'),
    Type.Literal('dismissed'),
    Type.Literal('answered'),
  ]),
  made: Type.String(),
  answer: Type.Optional(Texts),
  answered: Type.Optional(Type.String()),
});

/** A request that the asker can make now; `until`: the last moment. */
export const RequestOffer = Type.Object({
  kind: Type.String(),
  name: Texts,
  explanation: Texts,
  until: Type.Optional(Type.String()),
});
