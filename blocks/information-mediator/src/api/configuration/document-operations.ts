import { Type } from '@govstack/platform/operation';

const closed = { additionalProperties: false } as const;
const part = "^[A-Za-z0-9'()+,\\-.=?_]{1,100}$";
const application = `${part.slice(0, -1)}(/${part.slice(1, -1)}){3}$`;

/** Codes may be written as numbers. */
const Code = (description: string) =>
  Type.Unsafe<string | number>({ type: ['string', 'integer'], pattern: part, description });
const orNull = <T>(type: string, rest: object = {}) =>
  Type.Unsafe<T | null>({ type: [type, 'null'], ...rest });

const Name = Type.String({ minLength: 1, maxLength: 200 });
const Url = Type.String({ minLength: 1, maxLength: 1000 });
const Connection = Type.Unsafe<'http' | 'https' | 'https-noauth'>({
  enum: ['http', 'https', 'https-noauth'],
  description: 'How the application reaches its mediator; https unless said otherwise',
});

export const Endpoint = Type.Object(
  {
    method: Type.String({ pattern: '^(\\*|[A-Za-z]{1,20})$', description: '`*` for every method' }),
    path: Type.String({ pattern: '^(/|\\*)[\\x21-\\x7e]*$', maxLength: 500 }),
  },
  closed,
);

const rightProperties = {
  member: Type.Optional(Type.String({ maxLength: 200, description: 'Name of the member' })),
  class: Type.Optional(Code('Class of the member; with `code` it decides, whatever the name')),
  code: Type.Optional(Code('Code of the member')),
  instance: Type.Optional(Type.String({ pattern: part, description: 'Of a member of another instance' })),
  application: Code('Name of the application'),
  endpoints: Type.Optional(
    Type.Array(Endpoint, {
      minItems: 1,
      maxItems: 200,
      description: 'What may be used; everything when left out',
    }),
  ),
};

const applicationExtras = {
  name: Type.Optional(Name),
  status: Type.Optional(Type.Unsafe<'registered' | 'disabled'>({ enum: ['registered', 'disabled'] })),
  publicKey: Type.Optional(
    orNull<Record<string, unknown>>('object', {
      description: 'P-256 public JWK that verifies its client assertions',
    }),
  ),
  operators: Type.Optional(
    Type.Array(Type.String({ pattern: application }), {
      maxItems: 50,
      description: 'INSTANCE/CLASS/MEMBER/APPLICATION of those that may act for it',
    }),
  ),
  tlsCertificates: Type.Optional(
    Type.Array(Type.String({ maxLength: 10_000 }), { maxItems: 10, description: 'PEM' }),
  ),
};

const serviceExtras = {
  title: Type.Optional(Name),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
  enabled: Type.Optional(Type.Boolean()),
  notice: Type.Optional(
    orNull<string>('string', { maxLength: 500, description: 'For callers while the service is not enabled' }),
  ),
  openapi: Type.Optional(
    orNull<Record<string, unknown>>('object', { description: 'A description kept in the directory itself' }),
  ),
};

const lists = { members: 10_000, applications: 1000, services: 1000, rights: 10_000 } as const;

/** A configuration as it is given: both spellings of the URLs, codes as text or number, rights by name or by code. */
export const GivenIMconf = Type.Object(
  {
    domain: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$',
        maxLength: 253,
        description: 'Domain of the instance; an update may leave it out',
      }),
    ),
    instance: Type.String({
      maxLength: 100,
      description: 'Name of this instance: a document for another one is refused',
    }),
    members: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.Optional(Name),
            class: Code('Kind of organisation'),
            code: Code('Code of the organisation within its class'),
            applications: Type.Optional(
              Type.Array(
                Type.Object(
                  {
                    id: Code('Name of the application'),
                    connection: Type.Optional(Connection),
                    ...applicationExtras,
                    services: Type.Optional(
                      Type.Array(
                        Type.Object(
                          {
                            id: Code('Name of the service'),
                            specUrl: Type.Optional(Url),
                            spec_url: Type.Optional(Url),
                            serviceUrl: Type.Optional(Url),
                            service_url: Type.Optional(Url),
                            ...serviceExtras,
                            rights: Type.Optional(
                              Type.Array(Type.Object(rightProperties, closed), { maxItems: lists.rights }),
                            ),
                          },
                          closed,
                        ),
                        { maxItems: lists.services },
                      ),
                    ),
                  },
                  closed,
                ),
                { maxItems: lists.applications },
              ),
            ),
          },
          closed,
        ),
        { maxItems: lists.members },
      ),
    ),
  },
  closed,
);

/** A configuration as it is answered: the published names, and what this mediator keeps besides. */
export const IMconf = Type.Object({
  domain: Type.String(),
  instance: Type.String(),
  members: Type.Array(
    Type.Object({
      name: Type.String(),
      class: Type.String(),
      code: Type.String(),
      applications: Type.Array(
        Type.Object({
          id: Type.String(),
          connection: Type.String(),
          ...applicationExtras,
          services: Type.Array(
            Type.Object({
              id: Type.String(),
              specUrl: Type.String(),
              serviceUrl: Type.String(),
              ...serviceExtras,
              rights: Type.Array(
                Type.Object({
                  member: Type.String(),
                  application: Type.String(),
                  class: Type.String(),
                  code: Type.String(),
                  instance: Type.Optional(Type.String()),
                  endpoints: Type.Optional(Type.Array(Endpoint)),
                }),
              ),
            }),
          ),
        }),
      ),
    }),
  ),
});
