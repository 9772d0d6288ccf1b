import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { MemberId, nextPageToken, paging } from '../identifiers-operations.ts';

const closed = { additionalProperties: false } as const;
const administration = { caller: 'application', person: 'optional' } as const;
const Pem = Type.String({ maxLength: 10_000 });
const nullable = (schema: ReturnType<typeof Type.String>) => Type.Union([schema, Type.Null()]);

/** Keys of this security server and their certificates: of its members, and its own for connections. */
export const mediatorKeys = defineSurface({
  name: 'mediator-keys-v1',
  title: 'Information mediator: keys and certificates',
  version: '1.0.0',
  operations: {
    listKeys: defineOperation({
      id: 'listKeys',
      method: 'GET',
      path: '/keys',
      summary: 'Keys under messages and for connections, with their certificates',
      requirements: ['IM-7.2.1-a'],
      access: administration,
      query: Type.Object(paging),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              keyId: Type.String(),
              owner: Type.String(),
              use: Type.Union([Type.Literal('signing'), Type.Literal('authentication')]),
              createdAt: Type.String({ format: 'date-time' }),
              retiredAt: nullable(Type.String({ format: 'date-time' })),
              certificate: nullable(Pem),
              issuer: nullable(Type.String()),
              notAfter: nullable(Type.String({ format: 'date-time' })),
              state: Type.String({
                description: 'good, revoked, expired, untrusted, unknown, or none: it has no certificate yet',
              }),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    createRequest: defineOperation({
      id: 'createRequest',
      method: 'POST',
      path: '/requests',
      summary: 'A signing request (PKCS #10) for the key of a member, or of this server for its connections',
      requirements: ['IM-7.2.1-a'],
      access: administration,
      body: Type.Object(
        {
          member: Type.Optional(MemberId),
          use: Type.Union([Type.Literal('signing'), Type.Literal('authentication')]),
        },
        closed,
      ),
      responses: { 200: Type.Object({ keyId: Type.String(), request: Pem }) },
    }),
    importCertificate: defineOperation({
      id: 'importCertificate',
      method: 'POST',
      path: '/certificates',
      summary:
        'Take over the certificate of one of these keys: for its owner, of an approved authority, good now',
      requirements: ['IM-7.2.1-a'],
      access: administration,
      body: Type.Object({ certificate: Pem }, closed),
      responses: { 200: Type.Object({ keyId: Type.String(), owner: Type.String() }) },
    }),
  },
});
