import { Type } from '@govstack/platform/operation';
import { ApplicationId } from './identifiers-operations.ts';

const closed = { additionalProperties: false } as const;
export const Name = Type.String({ minLength: 1, maxLength: 200 });
const Document = Type.Record(Type.String(), Type.Unknown());

export const Endpoint = Type.Object(
  {
    method: Type.String({ pattern: '^(\\*|[A-Za-z]{1,20})$', description: '`*` for every method' }),
    path: Type.String({
      pattern: '^(/|\\*)[\\x21-\\x7e]*$',
      maxLength: 500,
      description:
        'Whole path inside the service: `*` any characters but a slash, `**` any characters, `\\*` a star, `{name}` as `*`',
    }),
  },
  closed,
);

export const Connection = Type.Union(
  [Type.Literal('http'), Type.Literal('https'), Type.Literal('https-noauth')],
  {
    description:
      'How it reaches its mediator. `https` (when left out): it proves itself by certificate or client assertion; `https-noauth` and, on the machine itself, `http`: its client header is believed',
  },
);

/** What is said of an application when it is registered, or asked to be. */
export const ApplicationFields = {
  name: Name,
  publicKey: Type.Optional(
    Type.Union([Document, Type.Null()], {
      description: 'P-256 public JWK that verifies the client assertions of the application',
    }),
  ),
  operators: Type.Optional(
    Type.Array(ApplicationId, { maxItems: 50, description: 'Applications that may act for it' }),
  ),
  connection: Type.Optional(Connection),
  tlsCertificates: Type.Optional(
    Type.Array(Type.String({ maxLength: 10_000 }), {
      maxItems: 10,
      description: 'PEM: the certificates with which the application may prove itself over TLS',
    }),
  ),
};
