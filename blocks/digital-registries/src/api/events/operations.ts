import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { application, Ground, Target } from '../shapes.ts';

const owner = { caller: 'application', person: 'optional' } as const;
const closed = { additionalProperties: false } as const;
const Place = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const byCode = Type.Object({ code: Type.String({ minLength: 1, maxLength: 60 }) });
const Room = Type.Object({
  room: Type.String({ description: 'Application of the mediator in which the changes are published' }),
  eventType: Type.String(),
  subscribe: Type.String({ description: 'Service at which a consumer subscribes' }),
  path: Type.String({ description: 'Path there, by POST' }),
  schema: Type.Unknown({ description: 'What an event of the room looks like' }),
});

/** Changes of registries, for those who follow them: which events there are, and a feed to catch up from. */
export const registryEventsSurface = defineSurface({
  name: 'registry-events-v1',
  title: 'Digital registries: events',
  version: '1.0.0',
  operations: {
    describeEvents: defineOperation({
      id: 'describeEvents',
      method: 'GET',
      path: '/data/{registryName}/{versionNumber}/events',
      summary: 'Which events a registry has, and how to subscribe to them',
      requirements: ['REG-6.1-5-f', 'REG-4.2-b'],
      access: application,
      headers: Ground,
      params: Target,
      responses: {
        200: Type.Object({
          registry: Type.String(),
          owner: Type.String(),
          announced: Type.Boolean({ description: 'Whether the block announces the changes as events' }),
          source: Type.String({ description: 'Application that announces them' }),
          events: Type.Array(
            Type.Object({ type: Type.String(), summary: Type.String(), schema: Type.Unknown() }),
          ),
          room: Type.Union([Room, Type.Null()]),
          position: Type.Integer({ description: 'Place of the last change in the feed' }),
          fields: Type.Array(Type.Object({ id: Type.Integer(), name: Type.String() }), {
            description: 'What the ids of fields stand for, as far as the caller sees them',
          }),
        }),
      },
    }),
    readChanges: defineOperation({
      id: 'readChanges',
      method: 'GET',
      path: '/data/{registryName}/{versionNumber}/changes',
      summary: 'Changes after a place in the feed, in order; without values',
      description:
        'From 0 for those who build up anew, then from `next`, until a page has `more: false`. Every change that was committed stands in it once, those of one record in their order, about a second after they were made.',
      requirements: ['REG-6.1-5-f'],
      access: application,
      headers: Ground,
      params: Target,
      query: Type.Object({
        after: Type.Optional(Place),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      }),
      responses: {
        200: Type.Object({
          changes: Type.Array(
            Type.Object({
              position: Type.Integer(),
              record: Type.String(),
              rowVersion: Type.Integer(),
              action: Type.String(),
              fields: Type.Array(Type.Integer()),
              at: Type.String(),
            }),
          ),
          next: Type.Integer({ description: '`after` of the next page' }),
          more: Type.Boolean({ description: 'Whether there may be more already' }),
        }),
      },
    }),
    putRoom: defineOperation({
      id: 'putRoom',
      method: 'PUT',
      path: '/registries/{code}/room',
      summary: 'Publish the changes of a registry in a room of the mediator, from now on',
      description:
        'Done as the owner of the registry: the mediator must list this block as an operator of it, and the room must let it declare and publish the event type. A room that is the owner itself does.',
      requirements: ['REG-6.1-5-f', 'REG-4.2-b', 'REG-4.1-f'],
      access: owner,
      params: byCode,
      body: Type.Object({ room: Type.String({ pattern: '^[^/]+(/[^/]+){3}$', maxLength: 400 }) }, closed),
      responses: { 200: Room },
    }),
    replayRoom: defineOperation({
      id: 'replayRoom',
      method: 'POST',
      path: '/registries/{code}/room/replay',
      summary: 'Publish in the room what stands after a place of the feed; what it has it knows again',
      requirements: ['REG-6.1-5-f'],
      access: owner,
      params: byCode,
      body: Type.Object({ after: Place }, closed),
      responses: { 204: null },
    }),
    deleteRoom: defineOperation({
      id: 'deleteRoom',
      method: 'DELETE',
      path: '/registries/{code}/room',
      summary: 'Publish nothing more in the room',
      access: owner,
      params: byCode,
      responses: { 204: null },
    }),
  },
});
