import {
  applicationOf,
  type Caller,
  notFound,
  once,
  type Person,
  Problem,
  transaction,
} from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import type { Json, Variables } from '../feel/json.ts';
import { cannotBeStored } from '../feel/json.ts';
import { type Actor, actorOf, nameOf } from '../history/actor.ts';
import { isUuid } from '../instances/read.ts';
import { publishMessage } from '../messages/messages.ts';
import { follow, viewer, type WorkflowService } from '../service.ts';
import { sendSignal } from '../signals/write-signals.ts';
import { assignTask, completeTask, findTask, listTasks, type Worker } from '../tasks/tasks.ts';
import {
  commentTask,
  type Deed,
  delegateTask,
  listComments,
  readComment,
  scheduleTask,
} from '../tasks/work-on-task.ts';
import type { workflowApi } from './operations.ts';
import { toComment, toTask } from './views.ts';

type Operations = Handlers<(typeof workflowApi)['operations']>;
type TaskHandlers = Pick<
  Operations,
  | 'listUserTasks'
  | 'readUserTask'
  | 'claimUserTask'
  | 'releaseUserTask'
  | 'completeUserTask'
  | 'delegateUserTask'
  | 'scheduleUserTask'
  | 'commentUserTask'
  | 'listTaskComments'
  | 'publishMessage'
  | 'broadcastSignal'
>;

/** An officer works as themselves; behind an application alone, or with a citizen, the application works. */
const workerOf = (caller: Caller, person: Person | undefined): Worker => ({
  application: caller.application,
  person: person?.agency === undefined ? undefined : person,
});

/**
 * Whose processes get a message: the caller's own, or those of the application whose workflow was called, which has let
 * the caller. Ids of messages are the sender's.
 */
function addressed(
  block: string,
  { application, service }: Caller,
  messageId: string,
): { readonly owner: string; readonly messageId: string } {
  const owner = applicationOf(service);
  return owner === block || owner === application
    ? { owner: application, messageId }
    : { owner, messageId: `${application} ${messageId}` };
}

const known = (taskId: string): string => {
  if (!isUuid(taskId)) throw notFound('Task');
  return taskId;
};

/** Handlers of the operations that move waiting instances on: tasks of people, messages. */
export function taskHandlers(service: WorkflowService): TaskHandlers {
  const { db, engine, worker } = service;
  const deedOf = (caller: Caller, by: Worker): Deed => ({
    actor: actorOf(caller, by.person),
    at: engine.now().toISOString(),
  });
  return {
    async listUserTasks({ query, caller, person }) {
      const limit = query.limit ?? 100;
      const rows = await listTasks(db, workerOf(caller, person), {
        ...query,
        state: query.state ?? 'open',
        limit: limit + 1,
      });
      const tasks = rows.slice(0, limit).map(toTask);
      const last = tasks.at(-1);
      return {
        status: 200,
        body: { tasks, ...(rows.length > limit && last ? { next: last.id } : {}) },
      };
    },
    async readUserTask({ params, caller, person }) {
      return {
        status: 200,
        body: toTask(await findTask(db, workerOf(caller, person), known(params.taskId))),
      };
    },
    async claimUserTask({ params, body, caller, person }) {
      const by = workerOf(caller, person);
      const assignee = by.person?.id ?? body.assignee ?? caller.application;
      const task = await transaction(db, (trx) => assignTask(trx, by, known(params.taskId), assignee));
      return { status: 200, body: toTask(task) };
    },
    async releaseUserTask({ params, caller, person }) {
      const by = workerOf(caller, person);
      const task = await transaction(db, (trx) => assignTask(trx, by, known(params.taskId), undefined));
      return { status: 200, body: toTask(task) };
    },
    async completeUserTask({ params, body, caller, person, idempotencyKey }) {
      const by = workerOf(caller, person);
      const base = actorOf(caller, by.person);
      const actor: Actor = by.person ? base : { ...base, person: body.completedBy };
      const { task, aftermath } = await transaction(db, (trx) =>
        completeTask(
          trx,
          engine,
          by,
          actor,
          {
            taskId: known(params.taskId),
            form: (body.variables ?? {}) as Variables,
            key: idempotencyKey,
          },
          worker.handover(),
        ),
      );
      follow(service, aftermath);
      return { status: 200, body: toTask(task) };
    },
    async delegateUserTask({ params, body, caller, person }) {
      const by = workerOf(caller, person);
      const deed = deedOf(caller, by);
      const task = await transaction(db, (trx) =>
        delegateTask(trx, by, known(params.taskId), body, deed, viewer(service, caller, person).member),
      );
      return { status: 200, body: toTask(task) };
    },
    async scheduleUserTask({ params, body, caller, person }) {
      const by = workerOf(caller, person);
      const deed = deedOf(caller, by);
      const task = await transaction(db, (trx) => scheduleTask(trx, by, known(params.taskId), body, deed));
      return { status: 200, body: toTask(task) };
    },
    async commentUserTask({ params, body, caller, person, idempotencyKey }) {
      const by = workerOf(caller, person);
      const deed = deedOf(caller, by);
      const taskId = known(params.taskId);
      // A repeat gets the first answer only for as long as the task may be seen.
      await findTask(db, by, taskId);
      // What is kept to answer a repeat is the id, not the words.
      const { body: written } = await once(
        db,
        {
          scope: `${caller.application}/${nameOf(deed.actor)}/comment`,
          key: idempotencyKey,
          request: { taskId, ...body },
        },
        async (trx) => ({
          status: 201 as const,
          body: { id: await commentTask(trx, by, taskId, body.text, deed) },
        }),
      );
      return { status: 201, body: toComment(await readComment(db, written.id)) };
    },
    async listTaskComments({ params, query, caller, person }) {
      const limit = query.limit ?? 100;
      const page = { limit: limit + 1, after: query.after };
      const rows = await listComments(db, workerOf(caller, person), known(params.taskId), page);
      const comments = rows.slice(0, limit).map(toComment);
      const last = comments.at(-1);
      return { status: 200, body: { comments, ...(rows.length > limit && last ? { next: last.id } : {}) } };
    },
    async publishMessage({ body, caller, person }) {
      const { messageId, name, correlationKey, payload, timeToLive = 3600 } = body;
      const { instanceId, expires, aftermath } = await publishMessage(
        db,
        engine,
        {
          ...addressed(engine.application, caller, messageId),
          name,
          correlationKey,
          payload: (payload ?? null) as Json,
          timeToLive,
        },
        actorOf(caller, person),
      );
      follow(service, aftermath);
      return instanceId === undefined
        ? { status: 202, body: { messageId, expires } }
        : { status: 200, body: { messageId, instanceId } };
    },
    async broadcastSignal({ body, caller, person, idempotencyKey }) {
      const { name, payload = null } = body;
      if (cannotBeStored(payload))
        throw new Problem(400, 'The payload contains characters that cannot be stored');
      const at = engine.now().toISOString();
      const answer = await once(
        db,
        {
          scope: `${caller.application}/${nameOf(actorOf(caller, person))}/signal`,
          key: idempotencyKey,
          request: body,
        },
        async (trx) => {
          const sent = await sendSignal(trx, { owner: caller.application, name, payload, at, depth: 0 });
          return { status: 202 as const, body: { name, ...sent } };
        },
      );
      worker.announce();
      return answer;
    },
  };
}
