import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { ApplicationFields, Endpoint, Name } from '../directory-operations.ts';
import { Plan } from '../gateway/policy.ts';
import { ApplicationId, MemberId, nextPageToken, paging, ServiceId } from '../identifiers-operations.ts';

const closed = { additionalProperties: false } as const;
const access = { caller: 'application', person: 'optional' } as const;
const params = Type.Object({ request: Type.String({ format: 'uuid' }) });
const kinds = ['member', 'application', 'access'] as const;
const states = ['WAITING', 'SUBMITTED_FOR_APPROVAL', 'APPROVED', 'DECLINED', 'REVOKED'] as const;
const Kind = Type.Unsafe<(typeof kinds)[number]>({ type: 'string', enum: [...kinds] });
const State = Type.Unsafe<(typeof states)[number]>({ type: 'string', enum: [...states] });
const nullable = (description: string) => Type.Union([Type.String({ description }), Type.Null()]);

const Purpose = Type.Optional(Type.String({ maxLength: 1000, description: 'For those who decide' }));
const Wanted = Type.Union([
  Type.Object({ kind: Type.Literal('member'), member: MemberId, name: Name, purpose: Purpose }, closed),
  Type.Object(
    { kind: Type.Literal('application'), application: ApplicationId, ...ApplicationFields, purpose: Purpose },
    closed,
  ),
  Type.Object(
    {
      kind: Type.Literal('access'),
      consumer: ApplicationId,
      service: ServiceId,
      plan: Type.Optional(
        Type.String({ maxLength: 50, description: 'One of the plans that the service offers' }),
      ),
      endpoints: Type.Optional(
        Type.Array(Endpoint, { minItems: 1, maxItems: 200, description: 'Every endpoint when left out' }),
      ),
      purpose: Purpose,
    },
    closed,
  ),
]);

const Request = Type.Object({
  id: Type.String(),
  kind: Kind,
  subject: Type.String({ description: 'The member, application or service it is about' }),
  document: Type.Record(Type.String(), Type.Unknown(), { description: 'What was asked for' }),
  state: State,
  agency: Type.String({ description: 'The member for which it was made' }),
  requestedBy: Type.String(),
  requestedAt: Type.String({ format: 'date-time' }),
  decidedBy: nullable('Person or application'),
  decidedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  reason: nullable('Of the decision'),
});
const moved = { 200: Request } as const;

/**
 * How one comes into the instance and to the services of others: by requests that somebody approves. Every application
 * may use it; who may ask for what, and who decides, is said at each operation.
 */
export const mediatorRegistration = defineSurface({
  name: 'mediator-registration-v1',
  title: 'Information mediator: registration and access requests',
  version: '1.0.0',
  operations: {
    putRequest: defineOperation({
      id: 'putRequest',
      method: 'PUT',
      path: '/requests/{request}',
      summary: 'File a request under an id of one’s own; it waits until it is submitted',
      description:
        'A member: anybody who may use the mediator. An application: an administrator of its member. Access to a service: the application that wants it, or who administers it.',
      requirements: ['IM-6.2-a', 'IM-6.2-b', 'IM-6.2-f', 'IM-6.2-j'],
      access,
      params,
      body: Wanted,
      responses: moved,
    }),
    submitRequest: defineOperation({
      id: 'submitRequest',
      method: 'POST',
      path: '/requests/{request}/submission',
      summary: 'Submit a waiting request for approval; access under a plan that needs none is there at once',
      requirements: ['IM-6.2-j'],
      access,
      params,
      responses: moved,
    }),
    revokeRequest: defineOperation({
      id: 'revokeRequest',
      method: 'POST',
      path: '/requests/{request}/revocation',
      summary: 'Take a waiting request back',
      requirements: ['IM-6.2-j'],
      access,
      params,
      responses: moved,
    }),
    decideRequest: defineOperation({
      id: 'decideRequest',
      method: 'POST',
      path: '/requests/{request}/decision',
      summary: 'Approve or decline a submitted request; what is approved is in force at once',
      description:
        'Members and applications: administrators of the ecosystem. Access: who administers the provider of the service, nobody else.',
      requirements: ['IM-6.2-a', 'IM-6.2-b', 'IM-6.2-g', 'IM-6.2-h'],
      access,
      params,
      body: Type.Object(
        {
          approve: Type.Boolean(),
          reason: Type.Optional(Type.String({ maxLength: 1000 })),
        },
        closed,
      ),
      responses: moved,
    }),
    getRequest: defineOperation({
      id: 'getRequest',
      method: 'GET',
      path: '/requests/{request}',
      summary: 'A request',
      access,
      params,
      responses: moved,
    }),
    listCatalogue: defineOperation({
      id: 'listCatalogue',
      method: 'GET',
      path: '/catalogue',
      summary: 'Every service that can be asked for, whoever provides it',
      requirements: ['IM-6.2-e', 'IM-6.4-b'],
      access,
      query: Type.Object(paging),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              id: Type.String(),
              title: Type.String(),
              enabled: Type.Boolean(),
              notice: nullable('What callers are told while it is out of order'),
              plans: Type.Array(Plan, { description: 'Under which access can be asked for' }),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    listRequests: defineOperation({
      id: 'listRequests',
      method: 'GET',
      path: '/requests',
      summary: 'Requests that one has made or may decide; administrators of the ecosystem see all',
      access,
      query: Type.Object({ state: Type.Optional(State), kind: Type.Optional(Kind), ...paging }),
      responses: { 200: Type.Object({ items: Type.Array(Request), nextPageToken }) },
    }),
  },
});
