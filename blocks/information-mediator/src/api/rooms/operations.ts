import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { DeliveryItem, EventItem, EventTypeName, SubscriptionBody, SubscriptionItem } from './schemas.ts';

const access = { caller: 'application' } as const;
const typed = Type.Object({ eventType: EventTypeName });
const named = Type.Object({ eventType: EventTypeName, eventId: Type.String({ format: 'uuid' }) });
const Schema = Type.Record(Type.String(), Type.Unknown(), {
  description: 'JSON Schema, 2020-12 or draft-07; `x-govstack-key` may point to the key of an event',
});
const EventType = Type.Object({ eventType: EventTypeName, schema: Schema });
const published = 'Status codes are those of the published document.';

/** Event types and subscriptions of a room, under `/r1/{room}/api`. Who may use what is said by rights to the service. */
export const roomApi = defineSurface({
  name: 'room-api-v1',
  title: 'Room: event types and subscriptions',
  version: '2.0.0',
  answersForAll: true,
  operations: {
    createEventType: defineOperation({
      id: 'createEventType',
      method: 'POST',
      path: '/v1/eventType',
      summary: 'Define an event type',
      requirements: ['IM-6.5-b', 'IM-6.5-c', 'IM-6.5-d', 'IM-8.3.4-a'],
      access,
      body: EventType,
      responses: { 200: Type.Object({ eventType: Type.String(), version: Type.Integer() }) },
    }),
    getEventTypeList: defineOperation({
      id: 'getEventTypeList',
      method: 'GET',
      path: '/v1/eventType',
      summary: 'Event types of the room; 204 when there are none',
      requirements: ['IM-6.5-d', 'IM-8.3.4-a'],
      access,
      responses: { 200: Type.Array(Type.String()), 204: null },
    }),
    getEventType: defineOperation({
      id: 'getEventType',
      method: 'GET',
      path: '/v1/eventType/{eventType}',
      summary: 'The newest version of an event type; 204 when there is none',
      requirements: ['IM-6.5-d', 'IM-8.3.4-a'],
      access,
      params: typed,
      responses: {
        200: Type.Object({ eventType: Type.String(), version: Type.Integer(), schema: Schema }),
        204: null,
      },
    }),
    addEventTypeVersion: defineOperation({
      id: 'addEventTypeVersion',
      method: 'PATCH',
      path: '/v1/eventType/{eventType}',
      summary: 'Add a version of an event type: from now on it decides what is accepted',
      requirements: ['IM-6.5-c'],
      access,
      params: typed,
      body: Type.Object({ schema: Schema }),
      responses: { 200: Type.Object({ eventType: Type.String(), version: Type.Integer() }) },
    }),
    deleteEventType: defineOperation({
      id: 'deleteEventType',
      method: 'DELETE',
      path: '/v1/eventType/{eventType}',
      summary: 'Remove an event type with its subscriptions; what waits is stopped',
      requirements: ['IM-8.3.4-a'],
      access,
      params: typed,
      responses: { 204: null },
    }),
    listSub: defineOperation({
      id: 'listSub',
      method: 'GET',
      path: '/v1/subs',
      summary: 'The caller’s own subscriptions; 404 when there are none',
      requirements: ['IM-8.3.1-a'],
      access,
      responses: { 200: Type.Array(SubscriptionItem) },
    }),
    addSub: defineOperation({
      id: 'addSub',
      method: 'POST',
      path: '/v1/subs/{eventType}',
      summary: 'Subscribe the caller to an event type',
      description: published,
      requirements: ['IM-6.5-n', 'IM-6.5-h', 'IM-8.3.1-a', 'IM-8.3.1-b', 'IM-9.2.3-a', 'IM-9.2.4-g'],
      access,
      params: typed,
      body: SubscriptionBody,
      responses: { 200: SubscriptionItem },
    }),
    getSub: defineOperation({
      id: 'getSub',
      method: 'GET',
      path: '/v1/subs/{eventType}',
      summary: 'The caller’s subscription to an event type',
      requirements: ['IM-8.3.1-a'],
      access,
      params: typed,
      responses: { 200: SubscriptionItem },
    }),
    patchSub: defineOperation({
      id: 'patchSub',
      method: 'PATCH',
      path: '/v1/subs/{eventType}',
      summary: 'Change the caller’s subscription; what is left out stays as it is',
      description: published,
      requirements: ['IM-8.3.1-a', 'IM-8.3.1-b'],
      access,
      params: typed,
      body: SubscriptionBody,
      responses: { 201: SubscriptionItem },
    }),
    deleteSub: defineOperation({
      id: 'deleteSub',
      method: 'DELETE',
      path: '/v1/subs/{eventType}',
      summary: 'End the caller’s subscription; what waits for it is set aside',
      requirements: ['IM-8.3.1-a'],
      access,
      params: typed,
      responses: { 204: null },
    }),
  },
});

/** Publishing in a room, under `/r1/{room}/pub`. A publisher needs the right to the path of the event type (IM-9.2.4-a). */
export const roomPub = defineSurface({
  name: 'room-pub-v1',
  title: 'Room: publishing',
  version: '2.0.0',
  answersForAll: true,
  operations: {
    publishEvent: defineOperation({
      id: 'publishEvent',
      method: 'POST',
      path: '/v1/{eventType}',
      summary: 'Publish an event: stored for every subscriber before it is acknowledged',
      description:
        'Repeating it under the same `id` is the same event. Large or sensitive contents are announced, not carried: publish what names them, and serve them under a service of one’s own.',
      requirements: ['IM-6.5-e', 'IM-6.5-g', 'IM-6.5-r', 'IM-8.3.3-a', 'IM-9.2.4-b', 'IM-9.2.4-h'],
      access,
      params: typed,
      body: Type.Object({
        eventType: EventTypeName,
        id: Type.Optional(
          Type.String({ format: 'uuid', description: 'Of the event; made here if left out' }),
        ),
        event: Type.Record(Type.String(), Type.Unknown()),
      }),
      responses: { 201: Type.Object({ id: Type.String({ format: 'uuid' }) }) },
    }),
    getStatus: defineOperation({
      id: 'getStatus',
      method: 'GET',
      path: '/v1/{eventType}/{eventId}',
      summary: 'An event that the caller has published, and what became of it at each subscriber',
      requirements: ['IM-6.5-s', 'IM-8.3.3-a'],
      access,
      params: named,
      responses: {
        200: Type.Object({
          ...EventItem.properties,
          status: Type.Unsafe<'PENDING' | 'DELIVERED' | 'UNCONSUMED' | 'STOPPED'>({
            type: 'string',
            enum: ['PENDING', 'DELIVERED', 'UNCONSUMED', 'STOPPED'],
            description: 'UNCONSUMED: some subscriber will not get it; no subscriber at all: DELIVERED',
          }),
          deliveries: Type.Array(DeliveryItem),
        }),
      },
    }),
    deleteEvent: defineOperation({
      id: 'deleteEvent',
      method: 'DELETE',
      path: '/v1/{eventType}/{eventId}',
      summary: 'Deliver nothing more of an event that the caller has published',
      requirements: ['IM-8.3.3-a'],
      access,
      params: named,
      responses: { 204: null },
    }),
  },
});

/** Pulling from a room, under `/r1/{room}/pull`. */
export const roomPull = defineSurface({
  name: 'room-pull-v1',
  title: 'Room: pulling events',
  version: '2.0.0',
  answersForAll: true,
  operations: {
    pullEvent: defineOperation({
      id: 'pullEvent',
      method: 'GET',
      path: '/v1/{eventType}',
      summary: 'The next event that the caller has not acknowledged',
      requirements: ['IM-8.3.2-a', 'IM-9.2.3-c'],
      access,
      params: typed,
      responses: { 200: EventItem },
    }),
    confirmEvent: defineOperation({
      id: 'confirmEvent',
      method: 'DELETE',
      path: '/v1/{eventType}/{eventId}',
      summary: 'Acknowledge an event: the next one can be pulled',
      requirements: ['IM-8.3.2-a'],
      access,
      params: named,
      responses: { 204: null },
    }),
  },
});
