import { conflict, newId } from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import type { HistoryEntry } from '../execution/command.ts';
import { type Actor, nameOf } from '../history/actor.ts';
import { writeHistory } from '../history/write-history.ts';
import type { TaskRow, WorkflowTables } from '../tables.ts';
import { assignTask, findTask, type Worker } from './tasks.ts';

/** Who does something to a task, and when. */
export interface Deed {
  readonly actor: Actor;
  readonly at: string;
}

const tell = (
  trx: Transaction<WorkflowTables>,
  task: TaskRow,
  event: HistoryEntry['event'],
  detail: string,
  { actor, at }: Deed,
  reason?: string,
): Promise<void> =>
  writeHistory(trx, {
    instanceId: task.instance_id,
    event: `task-${event}`,
    entries: [{ event, elementId: task.element_id, detail }],
    reason,
    actor,
    at,
  });

/**
 * Hands a task to another person, who still needs its role to work on it. Whoever supervises the agency may hand on
 * what another person has taken. Throws problems: 403 for one who is excluded, 409 when another person has taken it or
 * it is not open.
 */
export async function delegateTask(
  trx: Transaction<WorkflowTables>,
  worker: Worker,
  taskId: string,
  { to, reason }: { readonly to: string; readonly reason?: string },
  deed: Deed,
  /** Agency that the person supervises. */
  supervised: string | undefined,
): Promise<TaskRow> {
  const row = await trx
    .selectFrom('user_task')
    .select(['owner', 'agency'])
    .where('id', '=', taskId)
    .executeTakeFirst();
  // To its supervisor a task is as to the application that owns it.
  const by: Worker =
    row && row.agency === supervised ? { application: row.owner, person: undefined } : worker;
  const before = await findTask(trx, by, taskId);
  const task = await assignTask(trx, by, taskId, to);
  if (before.assignee !== to) await tell(trx, task, 'delegated', `to ${to}`, deed, reason);
  return task;
}

/** When a task is due and when to look at it again; undefined: as it is, null: no more. */
export interface TaskDates {
  readonly dueDate?: string | null;
  readonly followUpDate?: string | null;
}

/** Changes the dates of an open task. Throws 409 when another person has taken it or it is not open. */
export async function scheduleTask(
  trx: Transaction<WorkflowTables>,
  worker: Worker,
  taskId: string,
  { dueDate, followUpDate }: TaskDates,
  deed: Deed,
): Promise<TaskRow> {
  const before = await findTask(trx, worker, taskId);
  const me = worker.person?.id;
  const updated = await trx
    .updateTable('user_task')
    .set({
      due_at: dueDate === undefined ? before.due_at : dueDate,
      follow_up_at: followUpDate === undefined ? before.follow_up_at : followUpDate,
    })
    .where('id', '=', taskId)
    .where('state', '=', 'open')
    .$if(me !== undefined, (query) =>
      query.where((or) => or.or([or('assignee', 'is', null), or('assignee', '=', me as string)])),
    )
    .returningAll()
    .executeTakeFirst();
  if (!updated) {
    throw conflict(before.state === 'open' ? 'Another person has taken this task' : 'The task is not open');
  }
  const detail = `due ${updated.due_at ?? 'never'}, follow-up ${updated.follow_up_at ?? 'never'}`;
  await tell(trx, updated, 'scheduled', detail, deed);
  return updated;
}

export type TaskComment = WorkflowTables['task_comment'];

/** Adds a comment to a task, for all who may work on it. The history tells that there is one, not its words. Answers its id. */
export async function commentTask(
  trx: Transaction<WorkflowTables>,
  worker: Worker,
  taskId: string,
  text: string,
  deed: Deed,
): Promise<string> {
  const task = await findTask(trx, worker, taskId);
  const comment: TaskComment = {
    id: newId(),
    task_id: task.id,
    instance_id: task.instance_id,
    author: nameOf(deed.actor),
    organisation: deed.actor.organisation,
    text,
    at: deed.at,
  };
  await trx.insertInto('task_comment').values(comment).execute();
  await tell(trx, task, 'commented', comment.id, deed);
  return comment.id;
}

/** A comment that has been written. */
export const readComment = (db: Kysely<WorkflowTables>, id: string): Promise<TaskComment> =>
  db.selectFrom('task_comment').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

/** Comments of a task that the worker may work on, oldest first. */
export async function listComments(
  db: Kysely<WorkflowTables>,
  worker: Worker,
  taskId: string,
  page: { readonly limit: number; readonly after: string | undefined },
): Promise<TaskComment[]> {
  const task = await findTask(db, worker, taskId);
  return db
    .selectFrom('task_comment')
    .selectAll()
    .where('task_id', '=', task.id)
    .$if(page.after !== undefined, (query) => query.where('id', '>', page.after as string))
    .orderBy('id')
    .limit(page.limit)
    .execute();
}
