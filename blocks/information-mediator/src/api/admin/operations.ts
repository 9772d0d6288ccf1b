import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { ApplicationFields, Connection, Endpoint, Name } from '../directory-operations.ts';
import {
  ApplicationId,
  GroupId,
  MemberId,
  nextPageToken,
  paging,
  ServiceId,
  SubjectId,
} from '../identifiers-operations.ts';

const closed = { additionalProperties: false } as const;
const Document = Type.Record(Type.String(), Type.Unknown());
const EventType = Type.String({ pattern: '^[a-z][a-z0-9.-]*$', maxLength: 100 });
const SubscriptionKey = Type.Object({
  source: ApplicationId,
  eventType: EventType,
  subscriber: ApplicationId,
});

const administration = { caller: 'application', person: 'optional' } as const;
const done = { 204: null } as const;

/**
 * The directory, written by the governance application of the instance, or by a person who is administrator of the
 * agency it concerns. Every PUT and DELETE may be repeated: a repeat changes nothing.
 */
export const mediatorAdmin = defineSurface({
  name: 'mediator-admin-v1',
  title: 'Information mediator: administration',
  version: '1.0.0',
  operations: {
    putMember: defineOperation({
      id: 'putMember',
      method: 'PUT',
      path: '/members/{member}',
      summary: 'Register a member or change its name (governance only)',
      requirements: ['IM-7.2.1-a'],
      access: administration,
      params: Type.Object({ member: MemberId }),
      body: Type.Object({ name: Name }, closed),
      responses: done,
    }),
    putMaintenance: defineOperation({
      id: 'putMaintenance',
      method: 'PUT',
      path: '/maintenance',
      summary: 'Maintenance mode: no service is called, callers are told the notice (governance only)',
      access: administration,
      body: Type.Object(
        {
          notice: Type.Union([Type.String({ minLength: 1, maxLength: 500 }), Type.Null()], {
            description: 'Null ends it',
          }),
        },
        closed,
      ),
      responses: done,
    }),
    listMembers: defineOperation({
      id: 'listMembers',
      method: 'GET',
      path: '/members',
      summary: 'Members of the instance',
      access: administration,
      query: Type.Object(paging),
      responses: {
        200: Type.Object({
          items: Type.Array(Type.Object({ id: Type.String(), name: Type.String() })),
          nextPageToken,
        }),
      },
    }),
    putApplication: defineOperation({
      id: 'putApplication',
      method: 'PUT',
      path: '/applications/{application}',
      summary: 'Register an application of a member or change it',
      description: 'What is left out stays as it is. A disabled application can neither call nor be called.',
      requirements: ['IM-7.2.2-a'],
      access: administration,
      params: Type.Object({ application: ApplicationId }),
      body: Type.Object(
        {
          ...ApplicationFields,
          status: Type.Optional(Type.Union([Type.Literal('registered'), Type.Literal('disabled')])),
        },
        closed,
      ),
      responses: done,
    }),
    listApplications: defineOperation({
      id: 'listApplications',
      method: 'GET',
      path: '/applications',
      summary: 'Applications, of one member or of all',
      access: administration,
      query: Type.Object({ member: Type.Optional(MemberId), ...paging }),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              id: Type.String(),
              name: Type.String(),
              status: Type.String(),
              publicKey: Type.Union([Document, Type.Null()]),
              operators: Type.Array(Type.String()),
              connection: Connection,
              tlsCertificates: Type.Array(Type.String({ description: 'SHA-256, lower-case hex' })),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    putService: defineOperation({
      id: 'putService',
      method: 'PUT',
      path: '/services/{service}',
      summary: 'Register a service of an application or change it',
      description:
        'Replacing a product is this one call: the same service, another target. What is left out stays as it is.',
      requirements: ['IM-7.2.3-a', 'IM-6.2-c', 'IM-6.2-d'],
      access: administration,
      params: Type.Object({ service: ServiceId }),
      bodyLimit: 4 * 1024 * 1024,
      body: Type.Object(
        {
          title: Name,
          target: Type.String({
            maxLength: 1000,
            description:
              '`local:<block>/<surface>` in the node of the mediator, or the base URL of a provider elsewhere',
          }),
          openapi: Type.Optional(
            Type.Union([Document, Type.Null()], {
              description: 'Service description; without one it is read from `/openapi.json` of the target',
            }),
          ),
          timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
          enabled: Type.Optional(Type.Boolean()),
          notice: Type.Optional(
            Type.Union([Type.String({ maxLength: 500 }), Type.Null()], {
              description: 'What callers are told while the service is not enabled',
            }),
          ),
        },
        closed,
      ),
      responses: done,
    }),
    listServices: defineOperation({
      id: 'listServices',
      method: 'GET',
      path: '/services',
      summary: 'Services, of one application or of all',
      access: administration,
      query: Type.Object({ application: Type.Optional(ApplicationId), ...paging }),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              id: Type.String(),
              title: Type.String(),
              target: Type.String(),
              timeoutMs: Type.Integer(),
              enabled: Type.Boolean(),
              notice: Type.Union([Type.String(), Type.Null()]),
              disabledEndpoints: Type.Array(
                Type.Object({ method: Type.String(), path: Type.String(), notice: Type.String() }),
              ),
              describedHere: Type.Boolean({
                description: 'The service description is kept in the directory',
              }),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    tryService: defineOperation({
      id: 'tryService',
      method: 'POST',
      path: '/services/{service}/trials/{application}',
      summary: 'Call a service as an application of the own agency',
      description:
        'For administrators of the application, where the setting `TRY_OUT` allows it: one exchange with the rights, limits and evidence of any other. It is carried out, once for each request; a repeat is another exchange. Whatever the mediator or the provider answers is in the body of a 200.',
      access: administration,
      params: Type.Object({ service: ServiceId, application: ApplicationId }),
      body: Type.Object(
        {
          method: Type.String({ pattern: '^[A-Z]{1,20}$' }),
          path: Type.String({
            pattern: '^/',
            maxLength: 8000,
            description: 'Inside the service, with its query',
          }),
          headers: Type.Optional(
            Type.Record(
              Type.String({ pattern: '^[A-Za-z0-9-]{1,100}$' }),
              Type.String({ pattern: '^[\\x20-\\x7e]{0,2000}$' }),
              {
                ...closed,
                maxProperties: 20,
                description: 'A body is `application/json` unless they say otherwise',
              },
            ),
          ),
          body: Type.Optional(Type.String({ maxLength: 65_536 })),
        },
        closed,
      ),
      responses: {
        200: Type.Object({
          exchangeId: Type.Union([Type.String(), Type.Null()], {
            description: 'Null when the request was too malformed to be put on record',
          }),
          status: Type.Integer(),
          headers: Type.Record(Type.String(), Type.String()),
          bodySize: Type.Integer({ description: 'Bytes' }),
          body: Type.Union([Type.String(), Type.Null()], {
            description: 'Null when it is no text or larger than 256 KiB',
          }),
        }),
      },
    }),
    putRight: defineOperation({
      id: 'putRight',
      method: 'PUT',
      path: '/services/{service}/rights/{subject}',
      summary: 'Say what an application may use of a service: these endpoints and no others',
      requirements: ['IM-6.2-g', 'IM-6.2-i'],
      access: administration,
      params: Type.Object({ service: ServiceId, subject: SubjectId }),
      body: Type.Object(
        {
          endpoints: Type.Optional(
            Type.Array(Endpoint, { minItems: 1, maxItems: 200, description: 'Every endpoint when left out' }),
          ),
        },
        closed,
      ),
      responses: done,
    }),
    deleteRight: defineOperation({
      id: 'deleteRight',
      method: 'DELETE',
      path: '/services/{service}/rights/{subject}',
      summary: 'Withdraw every right of an application to a service',
      requirements: ['IM-6.2-i'],
      access: administration,
      params: Type.Object({ service: ServiceId, subject: SubjectId }),
      responses: done,
    }),
    listRights: defineOperation({
      id: 'listRights',
      method: 'GET',
      path: '/rights',
      summary: 'Rights, by service or by the application that has them',
      access: administration,
      query: Type.Object({
        service: Type.Optional(ServiceId),
        subject: Type.Optional(SubjectId),
        ...paging,
      }),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              service: Type.String(),
              subject: Type.String(),
              method: Type.String(),
              path: Type.String(),
              grantedBy: Type.String(),
              grantedAt: Type.String({ format: 'date-time' }),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    listEntitled: defineOperation({
      id: 'listEntitled',
      method: 'GET',
      path: '/services/{service}/entitled',
      summary:
        'Every application that may call a service, and by which right: the members of groups one by one',
      requirements: ['IM-6.2-g'],
      access: administration,
      params: Type.Object({ service: ServiceId }),
      query: Type.Object(paging),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              application: Type.String(),
              group: Type.Union([Type.String(), Type.Null()]),
              method: Type.String(),
              path: Type.String(),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    putDisabledEndpoints: defineOperation({
      id: 'putDisabledEndpoints',
      method: 'PUT',
      path: '/services/{service}/disabled-endpoints',
      summary: 'Switch endpoints of a service off: these and no others; an empty list switches all on again',
      requirements: ['IM-6.2-d'],
      access: administration,
      params: Type.Object({ service: ServiceId }),
      body: Type.Object(
        {
          endpoints: Type.Array(
            Type.Object(
              {
                ...Endpoint.properties,
                notice: Type.String({
                  minLength: 1,
                  maxLength: 500,
                  description: 'What callers of these endpoints are told',
                }),
              },
              closed,
            ),
            { maxItems: 200 },
          ),
        },
        closed,
      ),
      responses: done,
    }),
    putGroup: defineOperation({
      id: 'putGroup',
      method: 'PUT',
      path: '/groups/{group}',
      summary: 'Make applications a group that can have rights: these and no others',
      description: 'A group of the instance is kept by governance, one of an application by its agency.',
      access: administration,
      params: Type.Object({ group: GroupId }),
      body: Type.Object(
        {
          description: Type.String({ maxLength: 500 }),
          members: Type.Array(ApplicationId, { maxItems: 10_000, uniqueItems: true }),
        },
        closed,
      ),
      responses: done,
    }),
    deleteGroup: defineOperation({
      id: 'deleteGroup',
      method: 'DELETE',
      path: '/groups/{group}',
      summary: 'Remove a group with every right it had',
      access: administration,
      params: Type.Object({ group: GroupId }),
      responses: done,
    }),
    listGroups: defineOperation({
      id: 'listGroups',
      method: 'GET',
      path: '/groups',
      summary: 'Groups of the instance and of applications',
      access: administration,
      query: Type.Object(paging),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              id: Type.String(),
              description: Type.String(),
              members: Type.Array(Type.String()),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    putSubscription: defineOperation({
      id: 'putSubscription',
      method: 'PUT',
      path: '/subscriptions/{source}/{eventType}/{subscriber}',
      summary: 'Deliver events of a type to the events-v1 service of an application',
      description: 'Decided by the agency whose application announces the events.',
      requirements: ['IM-6.5-f'],
      access: administration,
      params: SubscriptionKey,
      responses: done,
    }),
    deleteSubscription: defineOperation({
      id: 'deleteSubscription',
      method: 'DELETE',
      path: '/subscriptions/{source}/{eventType}/{subscriber}',
      summary: 'End a subscription; what waits to be delivered under it is set aside',
      access: administration,
      params: SubscriptionKey,
      responses: done,
    }),
    listSubscriptions: defineOperation({
      id: 'listSubscriptions',
      method: 'GET',
      path: '/subscriptions',
      summary: 'Subscriptions',
      requirements: ['IM-6.5-m'],
      access: administration,
      query: Type.Object({ source: Type.Optional(ApplicationId), ...paging }),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              source: Type.String(),
              eventType: Type.String(),
              subscriber: Type.String(),
              grantedBy: Type.String(),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    listDeliveries: defineOperation({
      id: 'listDeliveries',
      method: 'GET',
      path: '/deliveries',
      summary: 'Event deliveries that wait, are done, or were given up (dead)',
      requirements: ['IM-6.5-s'],
      access: administration,
      query: Type.Object({
        state: Type.Union([Type.Literal('waiting'), Type.Literal('delivered'), Type.Literal('dead')]),
        ...paging,
      }),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              sequence: Type.String(),
              source: Type.String(),
              eventId: Type.String(),
              eventType: Type.String(),
              subscriber: Type.String(),
              state: Type.String(),
              attempts: Type.Integer(),
              nextAt: Type.String({ format: 'date-time' }),
              lastError: Type.Union([Type.String(), Type.Null()]),
              deliveredAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    redeliver: defineOperation({
      id: 'redeliver',
      method: 'POST',
      path: '/deliveries/{sequence}/redelivery',
      summary: 'Give a dead delivery all its attempts again',
      access: administration,
      params: Type.Object({ sequence: Type.String({ pattern: '^[1-9][0-9]{0,17}$' }) }),
      responses: done,
    }),
  },
});
