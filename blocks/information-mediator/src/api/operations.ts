import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const part = "[A-Za-z0-9'()+,\\-.=?_]{1,100}";
const MemberId = Type.String({ pattern: `^${part}(/${part}){2}$`, description: 'INSTANCE/CLASS/MEMBER' });
const ApplicationId = Type.String({
  pattern: `^${part}(/${part}){3}$`,
  description: 'INSTANCE/CLASS/MEMBER/APPLICATION',
});
const ServiceId = Type.String({
  pattern: `^${part}(/${part}){4}$`,
  description: 'INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE',
});
const closed = { additionalProperties: false } as const;

const Member = Type.Object({ id: MemberId, name: Type.String({ minLength: 1, maxLength: 200 }) }, closed);
const Application = Type.Object(
  {
    id: ApplicationId,
    name: Type.String({ minLength: 1, maxLength: 200 }),
    publicKey: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'P-256 public JWK that verifies client assertions',
      }),
    ),
    operators: Type.Optional(
      Type.Array(ApplicationId, { maxItems: 20, description: 'Applications that may act for it' }),
    ),
  },
  closed,
);
const Service = Type.Object(
  {
    id: ServiceId,
    title: Type.String({ minLength: 1, maxLength: 200 }),
    target: Type.String({
      pattern: '^(local:[a-z0-9-]+/[a-z0-9-]+|https?://[^\\s]+)$',
      description:
        '`local:<block>/<surface>` in the node of the mediator, or the base URL of a provider elsewhere',
    }),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
    enabled: Type.Optional(Type.Boolean()),
    notice: Type.Optional(Type.String({ maxLength: 500 })),
  },
  closed,
);
const Right = Type.Object(
  {
    service: ServiceId,
    subject: ApplicationId,
    method: Type.Optional(Type.String({ pattern: '^(\\*|[A-Za-z]+)$' })),
    path: Type.Optional(
      Type.String({ maxLength: 500, description: 'Glob: * within a segment, ** across segments' }),
    ),
  },
  closed,
);
const Subscription = Type.Object(
  { eventType: Type.String({ maxLength: 100 }), subscriber: ApplicationId },
  closed,
);

const administration = { caller: 'application' } as const;
const done = { 204: null } as const;

/** The directory is written by the governance application of the instance. Every write may be repeated. */
export const mediatorAdmin = defineSurface({
  name: 'mediator-admin-v1',
  title: 'Information mediator: directory administration',
  version: '1.0.0',
  operations: {
    putMember: defineOperation({
      id: 'putMember',
      method: 'PUT',
      path: '/members',
      summary: 'Register a member or change its name; its signing key is made on registration',
      access: administration,
      body: Member,
      responses: done,
    }),
    putApplication: defineOperation({
      id: 'putApplication',
      method: 'PUT',
      path: '/applications',
      summary: 'Register an application of a member or change it',
      access: administration,
      body: Application,
      responses: done,
    }),
    putService: defineOperation({
      id: 'putService',
      method: 'PUT',
      path: '/services',
      summary: 'Register a service of an application or change where it is provided',
      description: 'Replacing a product is this one call: the same service id, another target.',
      access: administration,
      body: Service,
      responses: done,
    }),
    grantRight: defineOperation({
      id: 'grantRight',
      method: 'PUT',
      path: '/rights',
      summary: 'Allow an application to call a service, or some endpoints of it',
      access: administration,
      body: Right,
      responses: done,
    }),
    withdrawRight: defineOperation({
      id: 'withdrawRight',
      method: 'POST',
      path: '/rights/withdraw',
      summary: 'Withdraw a right; without method and path, every right of the application to the service',
      access: administration,
      body: Right,
      responses: done,
    }),
    putSubscription: defineOperation({
      id: 'putSubscription',
      method: 'PUT',
      path: '/subscriptions',
      summary: 'Deliver events of a type to an application that serves events-v1',
      access: administration,
      body: Subscription,
      responses: done,
    }),
    readDirectory: defineOperation({
      id: 'readDirectory',
      method: 'GET',
      path: '/directory',
      summary: 'Members, applications and services of the instance',
      access: administration,
      responses: {
        200: Type.Object({
          members: Type.Array(Member),
          applications: Type.Array(Type.Object({ id: Type.String(), name: Type.String() })),
          services: Type.Array(
            Type.Object({
              id: Type.String(),
              title: Type.String(),
              target: Type.String(),
              enabled: Type.Boolean(),
            }),
          ),
        }),
      },
    }),
  },
});

const Exchange = Type.Object({
  exchangeId: Type.String(),
  at: Type.String({ format: 'date-time' }),
  client: Type.String(),
  operator: Type.Union([Type.String(), Type.Null()]),
  service: Type.String(),
  method: Type.String(),
  path: Type.String(),
  status: Type.Union([Type.Integer(), Type.Null()]),
  error: Type.Union([Type.String(), Type.Null()]),
  durationMs: Type.Union([Type.Integer(), Type.Null()]),
  accessUsed: Type.Union([Type.String(), Type.Null()], {
    description: 'Right under which the call was allowed',
  }),
  correlationId: Type.String(),
  verified: Type.Boolean({ description: 'The signatures of request and response hold' }),
});

/** Reading of evidence: who exchanged what kind of message with whom, never the contents. */
export const mediatorLog = defineSurface({
  name: 'mediator-log-v1',
  title: 'Information mediator: message log',
  version: '1.0.0',
  operations: {
    listExchanges: defineOperation({
      id: 'listExchanges',
      method: 'GET',
      path: '/exchanges',
      summary: 'Exchanges of one correlation id in order',
      access: { caller: 'application' },
      query: Type.Object({
        correlationId: Type.String({ minLength: 1, maxLength: 128 }),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
      }),
      responses: { 200: Type.Object({ exchanges: Type.Array(Exchange) }) },
    }),
    verifyLog: defineOperation({
      id: 'verifyLog',
      method: 'GET',
      path: '/verification',
      summary: 'Recompute the hash chain and check every signature',
      access: { caller: 'application' },
      query: Type.Object({
        from: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,18}$' })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200_000 })),
      }),
      responses: {
        200: Type.Object({
          records: Type.Integer(),
          exchanges: Type.Integer(),
          signaturesVerified: Type.Integer(),
          brokenAt: Type.Union([Type.String(), Type.Null()]),
        }),
      },
    }),
    listTraffic: defineOperation({
      id: 'listTraffic',
      method: 'GET',
      path: '/traffic',
      summary: 'Exchanges per service',
      access: { caller: 'application' },
      responses: {
        200: Type.Object({
          services: Type.Array(
            Type.Object({
              service: Type.String(),
              answered: Type.Integer(),
              refused: Type.Integer(),
              meanMs: Type.Number(),
            }),
          ),
        }),
      },
    }),
  },
});
