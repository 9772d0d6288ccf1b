import { defineOperation, Type } from '@govstack/platform/operation';
import { OrNull, Reason, Time, Uuid, Variables } from './schemas.ts';

const administrator = { caller: 'application', person: 'optional' } as const;
const instanceId = Type.Object({ instanceId: Uuid });

const listInstanceTasks = defineOperation({
  id: 'listInstanceTasks',
  method: 'GET',
  path: '/instances/{instanceId}/tasks',
  summary: 'Tasks of an instance for people, without what they show; oldest first, at most 500',
  requirements: ['WF-4.3'],
  access: administrator,
  params: instanceId,
  responses: {
    200: Type.Object({
      tasks: Type.Array(
        Type.Object({
          id: Uuid,
          name: Type.String(),
          elementId: Type.String(),
          state: Type.Union([Type.Literal('open'), Type.Literal('completed'), Type.Literal('cancelled')]),
          candidateRole: OrNull(Type.String()),
          assignee: OrNull(Type.String()),
          dueDate: OrNull(Time),
          created: Time,
          ended: OrNull(Time),
          completedBy: OrNull(Type.String()),
        }),
      ),
    }),
  },
});

const listInstanceVariables = defineOperation({
  id: 'listInstanceVariables',
  method: 'GET',
  path: '/instances/{instanceId}/variables',
  summary: 'Names and types of the variables of an instance, never their values; at most 2,000',
  requirements: ['WF-5.1.1'],
  access: administrator,
  params: instanceId,
  responses: {
    200: Type.Object({
      revision: Type.Integer(),
      readable: Type.Boolean({ description: 'Whether who asks may read the values' }),
      variables: Type.Array(
        Type.Object({
          name: Type.String(),
          type: Type.String({ description: '`string number boolean object list null`' }),
          scopeId: Uuid,
          elementId: Type.String({ description: 'Process or sub-process it belongs to' }),
        }),
      ),
    }),
  },
});

const readInstanceVariables = defineOperation({
  id: 'readInstanceVariables',
  method: 'POST',
  path: '/instances/{instanceId}/variables/read',
  summary: 'Read the values of variables of an instance, saying why',
  description:
    'For the application that owns the process, and for people of its agency with a role of `DATA_ROLES`; 403 for others. The history keeps who read them and why.',
  requirements: ['WF-5.1.1', 'WF-5.1.2-b'],
  access: administrator,
  params: instanceId,
  body: Type.Object({ reason: Reason }, { additionalProperties: false }),
  responses: {
    200: Type.Object({
      revision: Type.Integer(),
      scopes: Type.Array(Type.Object({ scopeId: Uuid, elementId: Type.String(), variables: Variables })),
    }),
  },
});

/** What an instance consists of, for who supervises it. */
export const inspectionOperations = { listInstanceTasks, listInstanceVariables, readInstanceVariables };
