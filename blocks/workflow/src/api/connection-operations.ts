import { defineOperation, Type } from '@govstack/platform/operation';
import { ConnectionSettings } from './connection-schemas.ts';
import { OrNull, Reason, Time, Uuid } from './schemas.ts';

const administrator = { caller: 'application', person: 'optional' } as const;
const named = Type.Object({
  name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', description: 'As tasks name it' }),
});
const Application = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 300,
    description: 'Application that owns it, for supervisors of its agency; else the calling one',
  }),
);

const Connection = Type.Object(
  {
    application: Type.String(),
    name: Type.String(),
    settings: ConnectionSettings,
    hasSecret: Type.Boolean({ description: 'The secret itself is never given out' }),
    changed: Time,
    changedBy: Type.String(),
  },
  { title: 'Connection' },
);

const listConnections = defineOperation({
  id: 'listConnections',
  method: 'GET',
  path: '/connections',
  summary: 'Ways out of the mediator that processes may use; at most 1,000',
  requirements: ['WF-4.1', 'WF-6.2-k'],
  access: administrator,
  responses: { 200: Type.Object({ connections: Type.Array(Connection) }) },
});

const putConnection = defineOperation({
  id: 'putConnection',
  method: 'PUT',
  path: '/connections/{name}',
  summary: 'Define or change a connection',
  description:
    'A secret that is left out stays as it is while the host and the user are the same; it is sealed and never given out. What waits for the rate limit goes out with the new one.',
  requirements: ['WF-4.1', 'WF-6.2-k'],
  access: administrator,
  params: named,
  body: Type.Object(
    {
      application: Application,
      settings: ConnectionSettings,
      reason: Type.Optional(Reason),
      secret: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 4000,
          pattern: '^[\\x20-\\x7e]+$',
          description: 'Password, token, key or client secret',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  responses: { 200: Connection },
});

const removeConnection = defineOperation({
  id: 'removeConnection',
  method: 'POST',
  path: '/connections/{name}/remove',
  summary: 'Let nothing go out over a connection any more',
  access: administrator,
  params: named,
  body: Type.Object(
    { application: Application, reason: Type.Optional(Reason) },
    { additionalProperties: false },
  ),
  responses: { 204: null },
});

const getConnectionLog = defineOperation({
  id: 'getConnectionLog',
  method: 'GET',
  path: '/connections/{name}/log',
  summary: 'Who defined, changed and removed a connection, newest first; at most 500 entries',
  requirements: ['WF-5.1.2-a', 'WF-5.1.2-b'],
  access: administrator,
  params: named,
  query: Type.Object({ application: Application }),
  responses: {
    200: Type.Object({
      entries: Type.Array(
        Type.Object({
          at: Time,
          action: Type.String(),
          settings: OrNull(ConnectionSettings),
          secretChanged: Type.Boolean({ description: 'Whether its secret is another since' }),
          reason: OrNull(Type.String()),
          application: Type.String(),
          actor: Type.String(),
          organisation: Type.String(),
        }),
      ),
    }),
  },
});

const listNotices = defineOperation({
  id: 'listNotices',
  method: 'GET',
  path: '/notices',
  summary: 'States of instances that whoever wanted to hear of them has not taken yet, oldest first',
  access: administrator,
  query: Type.Object({
    givenUp: Type.Optional(
      Type.Boolean({ description: 'Only those that are no longer tried, or only the others' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
    after: Type.Optional(Uuid),
  }),
  responses: {
    200: Type.Object({
      notices: Type.Array(
        Type.Object({
          id: Uuid,
          instanceId: Uuid,
          processKey: Type.String(),
          connection: Type.String(),
          state: Type.String(),
          created: Time,
          next: OrNull(Time),
          attempts: Type.Integer(),
          refusal: OrNull(Type.String({ description: 'Why the last attempt failed' })),
          givenUp: OrNull(Time),
        }),
      ),
      next: Type.Optional(Type.String()),
    }),
  },
});

const sendNotice = defineOperation({
  id: 'sendNotice',
  method: 'POST',
  path: '/notices/{noticeId}/send',
  summary: 'Send a notice that was given up again, under the same id',
  access: administrator,
  params: Type.Object({ noticeId: Uuid }),
  responses: { 204: null },
});

/** Ways out of the mediator, and what is told over them of instances. */
export const connectionOperations = {
  listConnections,
  putConnection,
  removeConnection,
  getConnectionLog,
  listNotices,
  sendNotice,
};
