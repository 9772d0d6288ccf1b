import { defineEvent, Type } from '@govstack/platform/operation';

const Instance = {
  instanceId: Type.String({ format: 'uuid' }),
  processRef: Type.String(),
  processKey: Type.String(),
};

export const instanceEnded = defineEvent({
  type: 'workflow.instance-ended.v1',
  summary: 'A process instance has completed, failed or been stopped',
  data: Type.Object({
    ...Instance,
    state: Type.Union([Type.Literal('completed'), Type.Literal('failed'), Type.Literal('stopped')]),
  }),
});

export const instanceOverdue = defineEvent({
  type: 'workflow.instance-overdue.v1',
  summary: 'A process instance takes longer than its process allows; it goes on',
  data: Type.Object(Instance),
});

export const userTaskCreated = defineEvent({
  type: 'workflow.user-task-created.v1',
  summary: 'A process waits for a person',
  data: Type.Object({
    ...Instance,
    taskId: Type.String({ format: 'uuid' }),
    elementId: Type.String(),
    businessKey: Type.Union([Type.String(), Type.Null()]),
    candidateRole: Type.Union([Type.String(), Type.Null()]),
  }),
});

export const userTaskWithdrawn = defineEvent({
  type: 'workflow.user-task-withdrawn.v1',
  summary: 'A process no longer waits for a person: the task ended without being done',
  data: Type.Object({
    ...Instance,
    taskId: Type.String({ format: 'uuid' }),
    businessKey: Type.Union([Type.String(), Type.Null()]),
  }),
});

export const incidentRaised = defineEvent({
  type: 'workflow.incident-raised.v1',
  summary: 'A process instance cannot go on at an element without an operator',
  data: Type.Object({ ...Instance, incidentId: Type.String({ format: 'uuid' }), elementId: Type.String() }),
});
