import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { ApplicationId, nextPageToken, paging } from '../identifiers-operations.ts';
import { DeliveryItem, EventItem, EventTypeName, RetryOptions, SubscriptionItem } from './schemas.ts';

const access = { caller: 'application', person: 'optional' } as const;
const closed = { additionalProperties: false } as const;
const inRoom = { room: ApplicationId };

/** Rooms as their owners and the instance administer them: what waits, what failed, how often is tried. */
export const mediatorRooms = defineSurface({
  name: 'mediator-rooms-v1',
  title: 'Information mediator: rooms',
  version: '1.0.0',
  operations: {
    putRoom: defineOperation({
      id: 'putRoom',
      method: 'PUT',
      path: '/rooms/{room}',
      summary: 'Make a registered application a room for publishing and subscribing',
      description:
        'The application is registered like any other, on request and approval. Publishers, subscribers and managers get rights to `{room}/pub`, `{room}/api` and `{room}/pull` as to any service; `/v1/{eventType}` is the endpoint of an event type.',
      requirements: ['IM-6.5-a', 'IM-9.2.1-a', 'IM-7.3.2-a'],
      access,
      params: Type.Object(inRoom),
      responses: { 204: null },
    }),
    listRooms: defineOperation({
      id: 'listRooms',
      method: 'GET',
      path: '/rooms',
      summary: 'Rooms with their event types',
      requirements: ['IM-6.5-d'],
      access,
      query: Type.Object(paging),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              application: Type.String(),
              createdAt: Type.String({ format: 'date-time' }),
              eventTypes: Type.Array(Type.String()),
              subscriptions: Type.Integer(),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    listRoomSubscriptions: defineOperation({
      id: 'listRoomSubscriptions',
      method: 'GET',
      path: '/rooms/{room}/subscriptions',
      summary: 'Who is subscribed to what in a room, how, and how much waits',
      requirements: ['IM-6.5-l', 'IM-6.5-m'],
      access,
      params: Type.Object(inRoom),
      query: Type.Object({ eventType: Type.Optional(EventTypeName), ...paging }),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              ...SubscriptionItem.properties,
              subscriber: Type.String(),
              waiting: Type.Integer(),
              dead: Type.Integer(),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    searchEvents: defineOperation({
      id: 'searchEvents',
      method: 'GET',
      path: '/rooms/{room}/events',
      summary: 'Events of a room with their state at each subscriber, the newest first; never their contents',
      requirements: ['IM-6.5-p', 'IM-6.5-s', 'IM-9.2.4-e'],
      access,
      params: Type.Object(inRoom),
      query: Type.Object({
        eventType: Type.Optional(EventTypeName),
        publisher: Type.Optional(ApplicationId),
        eventId: Type.Optional(Type.String({ format: 'uuid' })),
        from: Type.Optional(Type.String({ format: 'date-time' })),
        to: Type.Optional(Type.String({ format: 'date-time' })),
        ...paging,
      }),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              id: EventItem.properties.id,
              sequence: EventItem.properties.sequence,
              eventType: Type.String(),
              publisher: Type.String(),
              receivedAt: Type.String({ format: 'date-time' }),
              deliveries: Type.Array(DeliveryItem),
            }),
          ),
          nextPageToken,
        }),
      },
    }),
    listAttempts: defineOperation({
      id: 'listAttempts',
      method: 'GET',
      path: '/rooms/{room}/events/{eventId}/attempts',
      summary: 'Every attempt to deliver an event (the last 1000)',
      requirements: ['IM-6.5-q'],
      access,
      params: Type.Object({ ...inRoom, eventId: Type.String({ format: 'uuid' }) }),
      responses: {
        200: Type.Object({
          items: Type.Array(
            Type.Object({
              subscriber: Type.String(),
              attempt: Type.Integer(),
              at: Type.String({ format: 'date-time' }),
              status: Type.Integer(),
              error: Type.Union([Type.String(), Type.Null()]),
            }),
          ),
        }),
      },
    }),
    replayEvents: defineOperation({
      id: 'replayEvents',
      method: 'POST',
      path: '/rooms/{room}/replay',
      summary: 'Deliver again what a subscriber did not get: its dead and expired events since a time',
      access,
      params: Type.Object(inRoom),
      body: Type.Object(
        {
          eventType: EventTypeName,
          subscriber: ApplicationId,
          from: Type.String({ format: 'date-time' }),
        },
        closed,
      ),
      responses: { 200: Type.Object({ events: Type.Integer() }) },
    }),
    getRetryDefault: defineOperation({
      id: 'getRetryDefault',
      method: 'GET',
      path: '/retry-default',
      summary: 'How often and how soon deliveries are tried again unless the subscriber says otherwise',
      requirements: ['IM-6.5-j', 'IM-5.2-c'],
      access,
      responses: { 200: Type.Required(RetryOptions) },
    }),
    putRetryDefault: defineOperation({
      id: 'putRetryDefault',
      method: 'PUT',
      path: '/retry-default',
      summary: 'Set that; what is left out is as the settings say (governance only)',
      requirements: ['IM-6.5-j', 'IM-5.2-c'],
      access,
      body: RetryOptions,
      responses: { 204: null },
    }),
  },
});
