import { defineEvent, defineOperation, defineSurface, Type } from '@govstack/platform/operation';

/** What registration needs of a process engine. The names are those of the published workflow API. */
export const processEngine = defineSurface({
  name: 'workflow-v1',
  title: 'Process engine, as registration uses it',
  version: '1.0.0',
  operations: {
    startProcess: defineOperation({
      id: 'startProcess',
      method: 'POST',
      path: '/processes/{processId}/start',
      summary: 'Start a process',
      access: { caller: 'application' },
      idempotent: true,
      params: Type.Object({ processId: Type.String() }),
      body: Type.Object({
        processStartedBy: Type.String(),
        businessKey: Type.String(),
        variables: Type.Record(Type.String(), Type.Unknown()),
      }),
      responses: { 201: Type.Object({ id: Type.String() }) },
    }),
    readUserTask: defineOperation({
      id: 'readUserTask',
      method: 'GET',
      path: '/tasks/{taskId}',
      summary: 'A task of a process',
      access: { caller: 'application' },
      params: Type.Object({ taskId: Type.String() }),
      responses: {
        200: Type.Object({
          id: Type.String(),
          name: Type.String(),
          businessKey: Type.Union([Type.String(), Type.Null()]),
          candidateRole: Type.Union([Type.String(), Type.Null()]),
          formRef: Type.Union([Type.String(), Type.Null()]),
          excludedPersons: Type.Array(Type.String()),
          variables: Type.Record(Type.String(), Type.Unknown()),
        }),
      },
    }),
    completeUserTask: defineOperation({
      id: 'completeUserTask',
      method: 'POST',
      path: '/tasks/{taskId}/complete',
      summary: 'Complete a task of a process',
      access: { caller: 'application' },
      idempotent: true,
      params: Type.Object({ taskId: Type.String() }),
      body: Type.Object({ variables: Type.Record(Type.String(), Type.Unknown()) }),
      responses: { 200: Type.Record(Type.String(), Type.Unknown()) },
    }),
    publishMessage: defineOperation({
      id: 'publishMessage',
      method: 'POST',
      path: '/messages',
      summary: 'Give a message to the process that waits for it, or begins with it; once per id',
      access: { caller: 'application' },
      body: Type.Object({
        messageId: Type.String(),
        name: Type.String(),
        correlationKey: Type.String(),
        payload: Type.Unknown(),
        timeToLive: Type.Integer({ description: 'Seconds' }),
      }),
      responses: {
        200: Type.Record(Type.String(), Type.Unknown()),
        202: Type.Record(Type.String(), Type.Unknown()),
      },
    }),
  },
});

/** Announced by the process engine when a person has to do something. */
export const userTaskCreated = defineEvent({
  type: 'workflow.user-task-created.v1',
  summary: 'A process waits for a person',
  data: Type.Object({
    taskId: Type.String(),
    businessKey: Type.Union([Type.String(), Type.Null()]),
    candidateRole: Type.Union([Type.String(), Type.Null()]),
  }),
});

/** Announced by the process engine when a task ended without being done. */
export const userTaskWithdrawn = defineEvent({
  type: 'workflow.user-task-withdrawn.v1',
  summary: 'A process no longer waits for a person',
  data: Type.Object({ taskId: Type.String(), businessKey: Type.Union([Type.String(), Type.Null()]) }),
});
