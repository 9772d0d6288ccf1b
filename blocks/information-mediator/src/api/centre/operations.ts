import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { ApplicationId } from '../identifiers-operations.ts';

const closed = { additionalProperties: false } as const;
const administration = { caller: 'application', person: 'optional' } as const;
const Pem = Type.String({ maxLength: 10_000 });
const ServerId = ApplicationId;
const Server = {
  address: Type.String({ maxLength: 300, description: 'Where other servers reach it: https://host:port' }),
  clients: Type.Array(ApplicationId, { maxItems: 10_000, description: 'Applications registered on it' }),
  maintenance: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 500,
      description: 'Said to callers: the server is in maintenance mode',
    }),
  ),
};

/** The centre of the instance: which security servers there are, what everybody must know. For governance only. */
export const mediatorCentre = defineSurface({
  name: 'mediator-centre-v1',
  title: 'Information mediator: centre of the instance',
  version: '1.0.0',
  operations: {
    getAnchor: defineOperation({
      id: 'getAnchor',
      method: 'GET',
      path: '/anchor',
      summary: 'What a new server is given, out of band, to recognise the configuration of this instance',
      requirements: ['IM-9.1-a'],
      access: administration,
      responses: {
        200: Type.Object({
          instance: Type.String(),
          urls: Type.Array(Type.String()),
          keys: Type.Array(Type.Record(Type.String(), Type.Unknown())),
        }),
      },
    }),
    putServer: defineOperation({
      id: 'putServer',
      method: 'PUT',
      path: '/servers/{server}',
      summary: 'Accept a security server of a member, or change its registration',
      description: 'Nothing is exchanged with a server, and none of its applications is known, before this.',
      requirements: ['IM-6.2-a', 'IM-9.1-a'],
      access: administration,
      params: Type.Object({ server: ServerId }),
      body: Type.Object(
        {
          ...Server,
          certificates: Type.Array(Pem, {
            minItems: 1,
            maxItems: 5,
            description: 'PEM: its authentication certificates, of an approved authority and for this server',
          }),
        },
        closed,
      ),
      responses: { 204: null },
    }),
    deleteServer: defineOperation({
      id: 'deleteServer',
      method: 'DELETE',
      path: '/servers/{server}',
      summary: 'Take a security server out of the instance',
      access: administration,
      params: Type.Object({ server: ServerId }),
      responses: { 204: null },
    }),
    listServers: defineOperation({
      id: 'listServers',
      method: 'GET',
      path: '/servers',
      summary: 'Security servers of the instance',
      access: administration,
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              id: Type.String(),
              ...Server,
              certificates: Type.Array(Type.String({ description: 'SHA-256, lower-case hex' })),
            }),
          ),
        }),
      },
    }),
    issueCertificate: defineOperation({
      id: 'issueCertificate',
      method: 'POST',
      path: '/certificates',
      summary: 'Have the test authority issue a certificate on a signing request (demonstrations only)',
      access: administration,
      body: Type.Object(
        { request: Pem, use: Type.Union([Type.Literal('signing'), Type.Literal('authentication')]) },
        closed,
      ),
      responses: { 200: Type.Object({ keyId: Type.String(), certificate: Pem }) },
    }),
    revokeCertificate: defineOperation({
      id: 'revokeCertificate',
      method: 'DELETE',
      path: '/certificates/{keyId}',
      summary: 'Have the test authority take a certificate out of force',
      access: administration,
      params: Type.Object({ keyId: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) }),
      responses: { 204: null },
    }),
  },
});
