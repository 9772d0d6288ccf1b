import type { Static } from '@govstack/platform/operation';
import { Type } from '@govstack/platform/operation';

const closed = { additionalProperties: false } as const;
const Mode = Type.Union([Type.Literal('off'), Type.Literal('report'), Type.Literal('block')]);

export const Limit = Type.Object(
  {
    requests: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }),
    per: Type.Union(
      [
        Type.Literal('second'),
        Type.Literal('minute'),
        Type.Literal('hour'),
        Type.Literal('day'),
        Type.Literal('month'),
      ],
      {
        description:
          'Second and minute: a bucket that fills evenly, on each node of its own. Hour, day, month (UTC): counted for all nodes together',
      },
    ),
    consumer: Type.Optional(
      Type.String({ maxLength: 403, description: 'An application; left out: each application by itself' }),
    ),
    method: Type.Optional(Type.String({ pattern: '^[A-Za-z]{1,20}$' })),
    path: Type.Optional(
      Type.String({
        maxLength: 500,
        pattern: '^(/|\\*)',
        description: 'As in rights; every path when left out',
      }),
    ),
  },
  closed,
);
export type Limit = Static<typeof Limit>;

/** What a service offers: how much, for how long, and whether somebody has to approve. */
export const Plan = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,49}$' }),
    title: Type.String({ minLength: 1, maxLength: 200 }),
    limits: Type.Optional(
      Type.Array(Type.Omit(Limit, ['consumer']), {
        maxItems: 20,
        description: 'For each application on the plan',
      }),
    ),
    approval: Type.Union([Type.Literal('auto'), Type.Literal('manual')], {
      description: 'auto: who asks has access at once; manual: the provider decides',
    }),
    days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 3650,
        description: 'Days after which access ends; never when left out',
      }),
    ),
  },
  closed,
);
export type Plan = Static<typeof Plan>;

/** How requests to a service are let through (README 7: what gateways add). */
export const Policy = Type.Object(
  {
    limits: Type.Optional(Type.Array(Limit, { maxItems: 50 })),
    plans: Type.Optional(
      Type.Array(Plan, {
        maxItems: 20,
        description: 'Asked for by access requests of mediator-registration-v1',
      }),
    ),
    validation: Type.Optional(
      Type.Object(
        { requests: Type.Optional(Mode), responses: Type.Optional(Mode) },
        {
          ...closed,
          description:
            'JSON up to 1 MiB against the OpenAPI document of the service; never changed, off unless said otherwise',
        },
      ),
    ),
    upstreams: Type.Optional(
      Type.Array(
        Type.Object(
          {
            url: Type.String({ maxLength: 1000 }),
            weight: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
          },
          closed,
        ),
        { maxItems: 20, description: 'Instead of the target of the service, each request to one of them' },
      ),
    ),
    circuit: Type.Optional(
      Type.Object(
        {
          failures: Type.Integer({ minimum: 1, maximum: 1000 }),
          openSeconds: Type.Integer({ minimum: 1, maximum: 3600 }),
        },
        {
          ...closed,
          description:
            'After so many failures in a row nothing is sent to an upstream for so long; then one request tries it',
        },
      ),
    ),
    health: Type.Optional(
      Type.Object(
        {
          path: Type.String({ maxLength: 500, pattern: '^/' }),
          seconds: Type.Integer({ minimum: 1, maximum: 3600 }),
        },
        {
          ...closed,
          description: 'Asks each upstream for this path so often; an answer below 500 is healthy',
        },
      ),
    ),
  },
  closed,
);
export type Policy = Static<typeof Policy>;

/** What the provider wants to see on the internal hop. */
export const Credential = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('header'),
      name: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9-]{0,99}$' }),
      value: Type.String({ minLength: 1, maxLength: 4000, pattern: '^[\\x21-\\x7e][\\x20-\\x7e]*$' }),
    },
    { ...closed, description: 'An API key, or any fixed header' },
  ),
  Type.Object(
    {
      kind: Type.Literal('client-credentials'),
      tokenUrl: Type.String({ maxLength: 1000, pattern: '^https?://' }),
      clientId: Type.String({ maxLength: 500 }),
      clientSecret: Type.String({ maxLength: 4000 }),
      scope: Type.Optional(Type.String({ maxLength: 1000 })),
    },
    {
      ...closed,
      description: 'A token of the provider’s authorisation server (RFC 6749, 4.4), kept until it expires',
    },
  ),
]);
export type Credential = Static<typeof Credential>;
