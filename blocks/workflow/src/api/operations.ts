import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import {
  GivenTime,
  Id,
  OrNull,
  Process,
  ProcessDefinition,
  ProcessInstance,
  ProcessInstancePayload,
  Reason,
  StartedInstance,
  TaskComment,
  Time,
  UserTask,
  Uuid,
  Variables,
  Written,
} from './schemas.ts';

export { workflowAdmin } from './admin-operations.ts';
export {
  incidentRaised,
  instanceEnded,
  instanceOverdue,
  userTaskCreated,
  userTaskWithdrawn,
} from './events.ts';
export { scimApi } from './scim-operations.ts';

const application = { caller: 'application', person: 'optional' } as const;
const processId = Type.Object({ processId: Id });
const instanceId = Type.Object({ instanceId: Id });
const taskId = Type.Object({ taskId: Id });

const getProcessList = defineOperation({
  id: 'getProcessList',
  method: 'GET',
  path: '/processes',
  summary: 'Enabled processes of the calling application, the newest revision of each',
  requirements: ['WF-4.4-a', 'WF-8.1-a'],
  access: application,
  responses: { 200: Type.Array(Process) },
});

const addProcess = defineOperation({
  id: 'addProcess',
  method: 'POST',
  path: '/processes',
  summary: 'Deploy a process',
  description:
    'The calling application becomes its owner. Deploying what is deployed already changes nothing and answers what is there. A definition with anything that cannot be run is refused with the ids of the elements.',
  requirements: ['WF-8.2-d', 'WF-7.2.2'],
  access: application,
  body: ProcessDefinition,
  bodyLimit: 8 * 1024 * 1024,
  responses: { 201: Process },
});

const getProcess = defineOperation({
  id: 'getProcess',
  method: 'GET',
  path: '/processes/{processId}',
  summary: 'A process, by id or by key',
  requirements: ['WF-8.1-b'],
  access: application,
  params: processId,
  responses: { 200: Process },
});

const updateProcess = defineOperation({
  id: 'updateProcess',
  method: 'PUT',
  path: '/processes/{processId}',
  summary: 'Deploy a new revision of a process',
  description: 'Running instances stay on their revision. `Location` names the new one.',
  requirements: ['WF-8.2-d'],
  access: application,
  params: processId,
  body: ProcessDefinition,
  bodyLimit: 8 * 1024 * 1024,
  responses: { 204: null },
});

const deleteProcess = defineOperation({
  id: 'deleteProcess',
  method: 'DELETE',
  path: '/processes/{processId}',
  summary: 'Remove a revision of a process; its running instances go on',
  requirements: ['WF-8.2-d'],
  access: application,
  params: processId,
  responses: { 200: Type.Object({ id: Type.String() }) },
});

const getStartForm = defineOperation({
  id: 'getStartForm',
  method: 'GET',
  path: '/processes/{processId}/start',
  summary: 'What a start by hand may and must carry, and whether there can be one now',
  access: application,
  params: processId,
  responses: {
    200: Type.Object({
      processRef: Type.String(),
      name: Type.String(),
      startable: Type.Boolean(),
      variables: Type.Array(
        Type.Object({
          name: Type.String(),
          type: OrNull(
            Type.String({
              description: 'string number integer boolean date date-time object list; null: any',
            }),
          ),
          required: Type.Boolean(),
        }),
      ),
    }),
  },
});

const start = defineOperation({
  id: 'start',
  method: 'POST',
  path: '/processes/{processId}/start',
  summary: 'Start an instance',
  description:
    'By process id, or by key for the newest enabled revision. Answers 201 before the work is done (202 with `Prefer: respond-async`). With `synchronous` or `Prefer: wait=SECONDS` it waits for the end; 202 if that takes longer.',
  requirements: ['WF-8.1-c', 'WF-6.2-d', 'WF-6.2-e'],
  access: application,
  idempotent: true,
  params: processId,
  headers: Type.Object({ prefer: Type.Optional(Type.String({ maxLength: 200 })) }),
  body: ProcessInstancePayload,
  bodyLimit: 4 * 1024 * 1024,
  responses: { 201: StartedInstance, 202: StartedInstance },
});

const getInstances = defineOperation({
  id: 'getInstances',
  method: 'GET',
  path: '/instances',
  summary: 'Instances of the calling application, newest first',
  requirements: ['WF-8.2-a'],
  access: application,
  query: Type.Object({
    processId: Type.Optional(Id),
    businessKey: Type.Optional(Type.String({ maxLength: 200 })),
    state: Type.Optional(
      Type.Union([
        Type.Literal('running'),
        Type.Literal('suspended'),
        Type.Literal('completed'),
        Type.Literal('failed'),
        Type.Literal('stopped'),
      ]),
    ),
    calledBy: Type.Optional(
      Type.String({ format: 'uuid', description: 'Id of the instance that called them' }),
    ),
    incidents: Type.Optional(Type.Boolean({ description: 'Only those with an open incident' })),
    overdue: Type.Optional(
      Type.Boolean({ description: 'Only those that run longer than their process allows' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
    before: Type.Optional(
      Type.String({ format: 'uuid', description: 'Id of the last instance of the page before' }),
    ),
  }),
  responses: { 200: Type.Array(ProcessInstance) },
});

const getInstance = defineOperation({
  id: 'getInstance',
  method: 'GET',
  path: '/instances/{instanceId}',
  summary: 'An instance with its log; its variables only for the application that owns it',
  requirements: ['WF-8.2-b', 'WF-5.1.1'],
  access: application,
  params: instanceId,
  responses: { 200: ProcessInstance },
});

const stop = defineOperation({
  id: 'stop',
  method: 'POST',
  path: '/instances/{instanceId}/stop',
  summary: 'End a running instance',
  requirements: ['WF-8.2-c'],
  access: application,
  params: instanceId,
  responses: { 201: StartedInstance },
});

const listUserTasks = defineOperation({
  id: 'listUserTasks',
  method: 'GET',
  path: '/tasks',
  summary: 'Tasks the caller may work on, oldest first',
  description:
    'With an access token: tasks of the person’s agency for the roles they hold. Without: tasks of the calling application’s own processes.',
  access: application,
  query: Type.Object({
    state: Type.Optional(
      Type.Union([Type.Literal('open'), Type.Literal('completed'), Type.Literal('cancelled')], {
        default: 'open',
      }),
    ),
    processKey: Type.Optional(Type.String({ maxLength: 200 })),
    instanceId: Type.Optional(Uuid),
    businessKey: Type.Optional(Type.String({ maxLength: 200 })),
    assignee: Type.Optional(Type.String({ maxLength: 200 })),
    dueBefore: Type.Optional(GivenTime),
    dueAfter: Type.Optional(GivenTime),
    followUpBefore: Type.Optional(GivenTime),
    followUpAfter: Type.Optional(GivenTime),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
    after: Type.Optional(
      Type.String({ format: 'uuid', description: 'Id of the last task of the page before' }),
    ),
  }),
  responses: { 200: Type.Object({ tasks: Type.Array(UserTask), next: Type.Optional(Type.String()) }) },
});

const readUserTask = defineOperation({
  id: 'readUserTask',
  method: 'GET',
  path: '/tasks/{taskId}',
  summary: 'A task',
  access: application,
  params: taskId,
  responses: { 200: UserTask },
});

const claimUserTask = defineOperation({
  id: 'claimUserTask',
  method: 'POST',
  path: '/tasks/{taskId}/claim',
  summary: 'Take a task, for oneself or (an application) for a person',
  access: application,
  params: taskId,
  body: Type.Object({ assignee: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) }),
  responses: { 200: UserTask },
});

const releaseUserTask = defineOperation({
  id: 'releaseUserTask',
  method: 'POST',
  path: '/tasks/{taskId}/release',
  summary: 'Give a task back',
  access: application,
  params: taskId,
  responses: { 200: UserTask },
});

const completeUserTask = defineOperation({
  id: 'completeUserTask',
  method: 'POST',
  path: '/tasks/{taskId}/complete',
  summary: 'Complete a task; its instance goes on',
  access: application,
  idempotent: true,
  params: taskId,
  body: Type.Object({
    variables: Type.Optional(Variables),
    completedBy: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'Person for whom the owning application vouches; ignored when an access token names one',
      }),
    ),
  }),
  bodyLimit: 4 * 1024 * 1024,
  responses: { 200: UserTask },
});

const delegateUserTask = defineOperation({
  id: 'delegateUserTask',
  method: 'POST',
  path: '/tasks/{taskId}/delegate',
  summary: 'Hand a task to another person',
  description:
    'By whoever has taken it or may take it, and by who supervises the agency. The other person still needs its role; one who is excluded is refused.',
  access: application,
  params: taskId,
  body: Type.Object({ to: Written(200), reason: Type.Optional(Reason) }, { additionalProperties: false }),
  responses: { 200: UserTask },
});

const scheduleUserTask = defineOperation({
  id: 'scheduleUserTask',
  method: 'POST',
  path: '/tasks/{taskId}/dates',
  summary: 'Change when a task is due, and when to look at it again; null takes a date away',
  access: application,
  params: taskId,
  body: Type.Object(
    { dueDate: Type.Optional(OrNull(GivenTime)), followUpDate: Type.Optional(OrNull(GivenTime)) },
    { additionalProperties: false, minProperties: 1 },
  ),
  responses: { 200: UserTask },
});

const commentUserTask = defineOperation({
  id: 'commentUserTask',
  method: 'POST',
  path: '/tasks/{taskId}/comments',
  summary: 'Write a comment for all who may work on a task',
  access: application,
  idempotent: true,
  params: taskId,
  body: Type.Object({ text: Written(5000) }, { additionalProperties: false }),
  responses: { 201: TaskComment },
});

const listTaskComments = defineOperation({
  id: 'listTaskComments',
  method: 'GET',
  path: '/tasks/{taskId}/comments',
  summary: 'Comments of a task, oldest first',
  access: application,
  params: taskId,
  query: Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
    after: Type.Optional(Uuid),
  }),
  responses: {
    200: Type.Object({ comments: Type.Array(TaskComment), next: Type.Optional(Uuid) }),
  },
});

const publishMessage = defineOperation({
  id: 'publishMessage',
  method: 'POST',
  path: '/messages',
  summary: 'Give a message to the instance that waits for it, or to the process that begins with it',
  description:
    'By name and correlation key, to an instance of the calling application’s processes, or of the application whose workflow is addressed. When none waits, the process that begins with a message of this name is started, with the correlation key as business key. When there is none, it waits until `timeToLive` is over. The same `messageId` again changes nothing.',
  access: application,
  body: Type.Object(
    {
      messageId: Type.String({ minLength: 1, maxLength: 200 }),
      name: Type.String({ minLength: 1, maxLength: 200 }),
      correlationKey: Type.String({ minLength: 1, maxLength: 200 }),
      payload: Type.Optional(Type.Unknown()),
      timeToLive: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 2_592_000, default: 3600, description: 'Seconds' }),
      ),
    },
    { additionalProperties: false },
  ),
  responses: {
    200: Type.Object({ messageId: Type.String(), instanceId: Uuid }),
    202: Type.Object({ messageId: Type.String(), expires: OrNull(Time) }),
  },
});

const broadcastSignal = defineOperation({
  id: 'broadcastSignal',
  method: 'POST',
  path: '/signals',
  summary: 'Give a signal to everything of the calling application that waits for it or begins with it',
  description:
    'To every wait that is there at this moment, and to every process with a signal start event of this name: each once. Answers how many. The same `Idempotency-Key` again changes nothing.',
  access: application,
  idempotent: true,
  body: Type.Object(
    {
      name: Type.String({ minLength: 1, maxLength: 200 }),
      payload: Type.Optional(Type.Unknown()),
    },
    { additionalProperties: false },
  ),
  responses: {
    202: Type.Object({ name: Type.String(), waits: Type.Integer(), starts: Type.Integer() }),
  },
});

/** The published Workflow API, with user tasks, messages and signals beside it. */
export const workflowApi = defineSurface({
  name: 'workflow-v1',
  title: 'Workflow',
  version: '1.0.0',
  operations: {
    getProcessList,
    addProcess,
    getProcess,
    updateProcess,
    deleteProcess,
    getStartForm,
    start,
    getInstances,
    getInstance,
    stop,
    listUserTasks,
    readUserTask,
    claimUserTask,
    releaseUserTask,
    completeUserTask,
    delegateUserTask,
    scheduleUserTask,
    commentUserTask,
    listTaskComments,
    publishMessage,
    broadcastSignal,
  },
});
