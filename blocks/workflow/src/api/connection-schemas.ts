import { type Static, Type } from '@govstack/platform/operation';

const Address = Type.String({
  minLength: 8,
  maxLength: 500,
  pattern: '^https?://[^\\s?#]+$',
  description: 'https; http on this machine only. Everything that is called lies below it',
});
const Line = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: '^[\\x20-\\x7e]+$' });
const Name = Type.String({ minLength: 1, maxLength: 100, pattern: '^[A-Za-z0-9-]+$' });

const Authentication = Type.Union(
  [
    Type.Object({ kind: Type.Literal('none') }, { additionalProperties: false }),
    Type.Object({ kind: Type.Literal('basic'), user: Line(200) }, { additionalProperties: false }),
    Type.Object({ kind: Type.Literal('bearer') }, { additionalProperties: false }),
    Type.Object({ kind: Type.Literal('header'), name: Name }, { additionalProperties: false }),
    Type.Object(
      {
        kind: Type.Literal('oauth2'),
        tokenUrl: Address,
        clientId: Line(200),
        scope: Type.Optional(Line(500)),
      },
      { additionalProperties: false },
    ),
  ],
  {
    description:
      'How requests are authenticated; `oauth2`: client credentials. Password, token, key or client secret: `secret`',
  },
);

const limits = {
  perMinute: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100_000, description: 'Most requests in a minute, of all nodes' }),
  ),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
};

/** How something outside is reached. */
export const ConnectionSettings = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('http'),
      baseUrl: Address,
      authentication: Authentication,
      headers: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Za-z0-9-]{1,100}$' }), Line(1000))),
      methods: Type.Array(
        Type.Union([
          Type.Literal('GET'),
          Type.Literal('HEAD'),
          Type.Literal('POST'),
          Type.Literal('PUT'),
          Type.Literal('PATCH'),
          Type.Literal('DELETE'),
        ]),
        { minItems: 1, uniqueItems: true },
      ),
      ...limits,
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      kind: Type.Literal('smtp'),
      host: Type.String({ minLength: 1, maxLength: 253, pattern: '^[A-Za-z0-9.:-]+$' }),
      port: Type.Integer({ minimum: 1, maximum: 65_535 }),
      tls: Type.Union([Type.Literal('implicit'), Type.Literal('starttls'), Type.Literal('none')], {
        description: 'none: on this machine only',
      }),
      user: Type.Optional(Line(200)),
      from: Type.String({
        maxLength: 300,
        pattern: '^([^<>\\r\\n@]* <[^\\s<>@,;"]+@[^\\s<>@,;"]+>|[^\\s<>@,;"]+@[^\\s<>@,;"]+)$',
      }),
      ...limits,
    },
    { additionalProperties: false },
  ),
  Type.Object(
    { kind: Type.Literal('sms'), baseUrl: Address, authentication: Authentication, ...limits },
    { additionalProperties: false },
  ),
]);

export type ConnectionSettings = Static<typeof ConnectionSettings>;
export type Authentication = Static<typeof Authentication>;
