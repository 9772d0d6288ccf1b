import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { connectionOperations } from './connection-operations.ts';
import { draftOperations } from './draft-operations.ts';
import { drawingOperations } from './drawing-operations.ts';
import { inspectionOperations } from './inspection-operations.ts';
import { migrationOperations } from './migration-operations.ts';
import { modellingOperations } from './modelling-operations.ts';
import { monitoringOperations } from './monitoring-operations.ts';
import { repairOperations } from './repair-operations.ts';
import { retentionOperations } from './retention-operations.ts';
import {
  ClockTrigger,
  ClockTriggerDefinition,
  FlowTrigger,
  FlowTriggerDefinition,
  Id,
  Incident,
  OrNull,
  Process,
  Reason,
  StartedInstance,
  Time,
  Uuid,
  Variables,
} from './schemas.ts';

const administrator = { caller: 'application', person: 'optional' } as const;
const processId = Type.Object({ processId: Id });
const instanceId = Type.Object({ instanceId: Id });
const page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
  after: Type.Optional(Type.String({ maxLength: 100, description: 'The `next` of the page before' })),
};

const Words = Type.String({
  minLength: 1,
  maxLength: 1000,
  pattern: '^[^\\u0000]*$',
  description: 'Words that the message contains, as they stand there',
});

/** A body that may be left out. */
const becauseOf = {
  body: Type.Object({ reason: Type.Optional(Reason) }, { additionalProperties: false }),
  bodyCheckedBy: 'handler',
} as const;

const listAllProcesses = defineOperation({
  id: 'listAllProcesses',
  method: 'GET',
  path: '/processes',
  summary: 'Every revision of every process, enabled or not',
  requirements: ['WF-6.3-a'],
  access: administrator,
  query: Type.Object({ ...page, processKey: Type.Optional(Type.String({ maxLength: 200 })) }),
  responses: { 200: Type.Object({ processes: Type.Array(Process), next: Type.Optional(Type.String()) }) },
});

const enableProcess = defineOperation({
  id: 'enableProcess',
  method: 'POST',
  path: '/processes/{processId}/enable',
  summary: 'Let a process be listed and started again',
  requirements: ['WF-6.4'],
  access: administrator,
  params: processId,
  responses: { 200: Process },
});

const disableProcess = defineOperation({
  id: 'disableProcess',
  method: 'POST',
  path: '/processes/{processId}/disable',
  summary: 'Take a process out of the list and refuse starts; running instances go on',
  requirements: ['WF-6.4'],
  access: administrator,
  params: processId,
  responses: { 200: Process },
});

const getProcessLog = defineOperation({
  id: 'getProcessLog',
  method: 'GET',
  path: '/processes/{processId}/log',
  summary: 'Who created, enabled, disabled or removed a process, and when',
  requirements: ['WF-5.1.2-a', 'WF-5.1.2-b'],
  access: administrator,
  params: processId,
  responses: {
    200: Type.Object({
      entries: Type.Array(
        Type.Object({
          at: Time,
          action: Type.String(),
          application: Type.String(),
          actor: Type.String(),
          organisation: Type.String(),
        }),
      ),
    }),
  },
});

const listSchedules = defineOperation({
  id: 'listSchedules',
  method: 'GET',
  path: '/schedules',
  summary: 'When processes start by themselves, the next first; at most 1,000 of each kind',
  requirements: ['WF-6.2-g'],
  access: administrator,
  responses: {
    200: Type.Object({
      schedules: Type.Array(
        Type.Object({
          processKey: Type.String(),
          processRef: Type.String(),
          elementId: Type.String(),
          next: OrNull(Time),
        }),
        { description: 'By timer start events of the revisions in force' },
      ),
      defined: Type.Array(ClockTrigger, { description: 'As operators have defined' }),
    }),
  },
});

const defineSchedule = defineOperation({
  id: 'defineSchedule',
  method: 'POST',
  path: '/schedules',
  summary: 'Start a process by the clock, whatever its diagram says',
  description:
    'The newest enabled revision, at its plain start event. The same process and time again replace the variables.',
  requirements: ['WF-6.2-g'],
  access: administrator,
  body: ClockTriggerDefinition,
  responses: { 200: ClockTrigger },
});

const removeSchedule = defineOperation({
  id: 'removeSchedule',
  method: 'DELETE',
  path: '/schedules/{scheduleId}',
  summary: 'Start it no longer',
  requirements: ['WF-6.2-g'],
  access: administrator,
  params: Type.Object({ scheduleId: Id }),
  responses: { 204: null },
});

const defineFlowTrigger = defineOperation({
  id: 'defineFlowTrigger',
  method: 'POST',
  path: '/triggers',
  summary: 'Start a process whenever another one completes or fails',
  description:
    'Both belong to one application. The business key is passed on. The same two processes and outcome again replace the mapping.',
  requirements: ['WF-6.2-i'],
  access: administrator,
  body: FlowTriggerDefinition,
  responses: { 200: FlowTrigger },
});

const listFlowTriggers = defineOperation({
  id: 'listFlowTriggers',
  method: 'GET',
  path: '/triggers',
  summary: 'Processes that start when others end',
  requirements: ['WF-6.2-i'],
  access: administrator,
  query: Type.Object({ limit: page.limit, after: Type.Optional(Uuid) }),
  responses: {
    200: Type.Object({ triggers: Type.Array(FlowTrigger), next: Type.Optional(Type.String()) }),
  },
});

const removeFlowTrigger = defineOperation({
  id: 'removeFlowTrigger',
  method: 'DELETE',
  path: '/triggers/{triggerId}',
  summary: 'Start it no longer',
  requirements: ['WF-6.2-i'],
  access: administrator,
  params: Type.Object({ triggerId: Id }),
  responses: { 204: null },
});

const getStatistics = defineOperation({
  id: 'getStatistics',
  method: 'GET',
  path: '/statistics',
  summary: 'Processes with their instances by state, open incidents and tasks; at most 1,000',
  requirements: ['WF-6.3-b'],
  access: administrator,
  responses: {
    200: Type.Object({
      processes: Type.Array(
        Type.Object({
          processKey: Type.String(),
          owner: Type.String({ description: 'Application whose process it is' }),
          name: OrNull(Type.String({ description: 'Of its newest revision' })),
          running: Type.Integer({ description: 'Suspended ones too' }),
          suspended: Type.Integer(),
          overdue: Type.Integer({ description: 'Running longer than their process allows' }),
          completed: Type.Integer(),
          failed: Type.Integer(),
          stopped: Type.Integer(),
          openIncidents: Type.Integer(),
          openTasks: Type.Integer(),
        }),
      ),
    }),
  },
});

const getInstanceHistory = defineOperation({
  id: 'getInstanceHistory',
  method: 'GET',
  path: '/instances/{instanceId}/history',
  summary: 'What happened to an instance, in order, and who caused it',
  requirements: ['WF-4.3', 'WF-5.1.2-a', 'WF-5.1.2-b'],
  access: administrator,
  params: instanceId,
  query: Type.Object(page),
  responses: {
    200: Type.Object({
      events: Type.Array(
        Type.Object({
          id: Type.String(),
          at: Time,
          event: Type.String(),
          application: Type.String(),
          actor: Type.String(),
          organisation: Type.String(),
          reason: Type.Optional(Type.String()),
          entries: Type.Array(
            Type.Object({
              event: Type.String(),
              elementId: Type.String(),
              tokenId: Type.Optional(Type.String()),
              flowId: Type.Optional(Type.String()),
              detail: Type.Optional(Type.String()),
            }),
          ),
        }),
      ),
      next: Type.Optional(Type.String()),
    }),
  },
});

const suspendInstance = defineOperation({
  id: 'suspendInstance',
  method: 'POST',
  path: '/instances/{instanceId}/suspend',
  summary: 'Let an instance stand still: timers wait, nothing is called, answers and messages are kept',
  access: administrator,
  params: instanceId,
  ...becauseOf,
  responses: { 200: StartedInstance },
});

const resumeInstance = defineOperation({
  id: 'resumeInstance',
  method: 'POST',
  path: '/instances/{instanceId}/resume',
  summary: 'Let a suspended instance go on; what came meanwhile happens now',
  access: administrator,
  params: instanceId,
  ...becauseOf,
  responses: { 200: StartedInstance },
});

const bulkAnswer = Type.Object({
  processRef: Type.String(),
  instances: Type.Integer({ description: 'Instances that this request changed; at most 1,000' }),
  more: Type.Boolean({ description: 'Whether there are others: ask again' }),
  failed: Type.Array(Type.Object({ instanceId: Uuid, detail: Type.String() }), {
    description: 'Instances that could not be changed; the others are',
  }),
});

const suspendProcess = defineOperation({
  id: 'suspendProcess',
  method: 'POST',
  path: '/processes/{processId}/suspend',
  summary: 'Disable a revision and suspend its running instances',
  description: 'By the id of the revision, not by key: a key would name another revision the next time.',
  requirements: ['WF-6.3-a'],
  access: administrator,
  params: processId,
  ...becauseOf,
  responses: { 200: bulkAnswer },
});

const resumeProcess = defineOperation({
  id: 'resumeProcess',
  method: 'POST',
  path: '/processes/{processId}/resume',
  summary: 'Enable a revision and let its suspended instances go on',
  requirements: ['WF-6.3-a'],
  access: administrator,
  params: processId,
  ...becauseOf,
  responses: { 200: bulkAnswer },
});

const listIncidents = defineOperation({
  id: 'listIncidents',
  method: 'GET',
  path: '/incidents',
  summary: 'Places where instances cannot go on, oldest first',
  access: administrator,
  query: Type.Object({
    open: Type.Optional(Type.Boolean({ default: true })),
    processKey: Type.Optional(Type.String({ maxLength: 200 })),
    instanceId: Type.Optional(Uuid),
    elementId: Type.Optional(Type.String({ maxLength: 200 })),
    message: Type.Optional(Words),
    limit: page.limit,
    after: Type.Optional(Uuid),
  }),
  responses: { 200: Type.Object({ incidents: Type.Array(Incident), next: Type.Optional(Type.String()) }) },
});

const retryIncident = defineOperation({
  id: 'retryIncident',
  method: 'POST',
  path: '/incidents/{incidentId}/retry',
  summary: 'Try again, after correcting variables if need be',
  description:
    'A failed call is made again under its own idempotency key, since it may have had its effect; only corrected variables that change the request make it another call.',
  access: administrator,
  params: Type.Object({ incidentId: Uuid }),
  body: Type.Object(
    { variables: Type.Optional(Variables), reason: Type.Optional(Reason) },
    { additionalProperties: false },
  ),
  responses: { 204: null },
});

const retryIncidents = defineOperation({
  id: 'retryIncidents',
  method: 'POST',
  path: '/incidents/retry',
  summary: 'Try open incidents of a process again, oldest first: all, of one element, or with these words',
  description:
    'At most `limit` at a time; `more` tells that others are left. `failed`: could not be tried again as it is. Each is one transaction.',
  access: administrator,
  body: Type.Object(
    {
      processKey: Type.String({ minLength: 1, maxLength: 200 }),
      elementId: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      message: Type.Optional(Words),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 1000 })),
      reason: Type.Optional(Reason),
    },
    { additionalProperties: false },
  ),
  responses: {
    200: Type.Object({ retried: Type.Integer(), failed: Type.Integer(), more: Type.Boolean() }),
  },
});

/** Supervision of processes and instances: for the owning application, and for administrators of its agency. */
export const workflowAdmin = defineSurface({
  name: 'workflow-admin-v1',
  title: 'Workflow administration',
  version: '1.0.0',
  operations: {
    listAllProcesses,
    enableProcess,
    disableProcess,
    getProcessLog,
    listSchedules,
    defineSchedule,
    removeSchedule,
    defineFlowTrigger,
    listFlowTriggers,
    removeFlowTrigger,
    getStatistics,
    suspendProcess,
    resumeProcess,
    suspendInstance,
    resumeInstance,
    getInstanceHistory,
    listIncidents,
    retryIncident,
    retryIncidents,
    ...drawingOperations,
    ...inspectionOperations,
    ...repairOperations,
    ...migrationOperations,
    ...monitoringOperations,
    ...retentionOperations,
    ...draftOperations,
    ...modellingOperations,
    ...connectionOperations,
  },
});
