import { conflict, forbidden, notFound, type Person, Problem } from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import { sql } from 'kysely';
import type { Variables } from '../feel/json.ts';
import { cannotBeStored } from '../feel/json.ts';
import { type Actor, nameOf } from '../history/actor.ts';
import { type Aftermath, applyEvents, type Engine } from '../instances/apply.ts';
import type { Handover } from '../instances/write-jobs.ts';
import { isWithdrawn } from '../provisioning/acting-person.ts';
import type { TaskRow, WorkflowTables } from '../tables.ts';

/** Who works on tasks: an application on its own processes, or a person of the agency through any application. */
export interface Worker {
  readonly application: string;
  readonly person: Person | undefined;
}

export interface TaskFilter {
  readonly state: TaskRow['state'];
  readonly processKey?: string;
  readonly instanceId?: string;
  readonly businessKey?: string;
  readonly assignee?: string;
  readonly dueBefore?: string;
  readonly dueAfter?: string;
  readonly followUpBefore?: string;
  readonly followUpAfter?: string;
  readonly limit: number;
  /** Tasks after this id. */
  readonly after?: string;
}

/**
 * Tasks that someone may work on, oldest first. A person sees those of their agency for the roles they hold, without
 * those they are excluded from; an application without a person sees those of its own processes.
 */
export async function listTasks(
  db: Kysely<WorkflowTables>,
  worker: Worker,
  filter: TaskFilter,
): Promise<TaskRow[]> {
  let query = db
    .selectFrom('user_task')
    .selectAll()
    .where('state', '=', filter.state)
    .orderBy('id')
    .limit(filter.limit);
  const { person } = worker;
  if (person) {
    if (person.agency === undefined) return [];
    query = query
      .where('agency', '=', person.agency)
      .where((or) =>
        or.or([
          or('candidate_role', 'is', null),
          ...(person.roles.length > 0 ? [or('candidate_role', 'in', [...person.roles])] : []),
        ]),
      )
      .where(sql<boolean>`not (${person.id} = any(excluded_persons))`);
  } else {
    query = query.where('owner', '=', worker.application);
  }
  if (filter.processKey !== undefined) query = query.where('process_key', '=', filter.processKey);
  if (filter.instanceId !== undefined) query = query.where('instance_id', '=', filter.instanceId);
  if (filter.businessKey !== undefined) query = query.where('business_key', '=', filter.businessKey);
  if (filter.assignee !== undefined) query = query.where('assignee', '=', filter.assignee);
  if (filter.dueBefore !== undefined) query = query.where('due_at', '<', filter.dueBefore);
  if (filter.dueAfter !== undefined) query = query.where('due_at', '>=', filter.dueAfter);
  if (filter.followUpBefore !== undefined) query = query.where('follow_up_at', '<', filter.followUpBefore);
  if (filter.followUpAfter !== undefined) query = query.where('follow_up_at', '>=', filter.followUpAfter);
  if (filter.after !== undefined) query = query.where('id', '>', filter.after);
  return query.execute();
}

/** A task that this worker may work on; to everyone else it does not exist. */
export async function findTask(
  db: Kysely<WorkflowTables> | Transaction<WorkflowTables>,
  worker: Worker,
  taskId: string,
): Promise<TaskRow> {
  const row = await db.selectFrom('user_task').selectAll().where('id', '=', taskId).executeTakeFirst();
  if (!row) throw notFound('Task');
  const { person } = worker;
  if (!person) {
    if (row.owner !== worker.application) throw notFound('Task');
    return row;
  }
  if (person.agency !== row.agency) throw notFound('Task');
  if (row.candidate_role !== null && !person.roles.includes(row.candidate_role)) {
    throw forbidden(`This task needs the role ${row.candidate_role}`);
  }
  if (row.excluded_persons.includes(person.id)) {
    throw forbidden('Whoever did an earlier step of this case may not do this one');
  }
  return row;
}

/** Takes a task for a person, or gives it back (`assignee` undefined). A task another person has taken stays theirs. */
export async function assignTask(
  trx: Transaction<WorkflowTables>,
  worker: Worker,
  taskId: string,
  assignee: string | undefined,
): Promise<TaskRow> {
  const task = await findTask(trx, worker, taskId);
  const me = worker.person?.id;
  if (assignee !== undefined && task.excluded_persons.includes(assignee)) {
    throw forbidden('Whoever did an earlier step of this case may not do this one');
  }
  if (assignee !== undefined && (await isWithdrawn(trx, task.agency, assignee))) {
    throw forbidden('The agency has withdrawn the rights of this person in workflow');
  }
  const updated = await trx
    .updateTable('user_task')
    .set({ assignee: assignee ?? null })
    .where('id', '=', task.id)
    .where('state', '=', 'open')
    .$if(me !== undefined, (query) =>
      query.where((or) => or.or([or('assignee', 'is', null), or('assignee', '=', me as string)])),
    )
    .returningAll()
    .executeTakeFirst();
  if (!updated) {
    throw conflict(task.state === 'open' ? 'Another person has taken this task' : 'The task is not open');
  }
  return updated;
}

export interface Completion {
  readonly taskId: string;
  readonly form: Variables;
  readonly key: string | undefined;
}

/**
 * Completes a task: its outputs are taken over and the instance goes on, in one transaction. The same key again gets
 * the same answer; a task that is done or gone is a conflict, a form that its outputs cannot use is refused.
 */
export async function completeTask(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  worker: Worker,
  actor: Actor,
  completion: Completion,
  handover: Handover | undefined,
): Promise<{ readonly task: TaskRow; readonly aftermath: Aftermath | undefined }> {
  const task = await findTask(trx, worker, completion.taskId);
  const completedBy = nameOf(actor);
  if (task.state !== 'open') {
    const repeated = completion.key !== undefined && task.completion_key === completion.key;
    if (task.state === 'completed' && repeated && task.completed_by === completedBy) {
      return { task, aftermath: undefined };
    }
    throw conflict(`The task is ${task.state}`);
  }
  if (worker.person && task.assignee !== null && task.assignee !== worker.person.id) {
    throw conflict('Another person has taken this task');
  }
  if (task.excluded_persons.includes(completedBy)) {
    throw forbidden('Whoever did an earlier step of this case may not do this one');
  }
  if (cannotBeStored(completion.form)) {
    throw new Problem(400, 'The form contains characters that cannot be stored');
  }
  const aftermath = await applyEvents(
    trx,
    engine,
    [
      {
        instanceId: task.instance_id,
        event: { type: 'taskCompleted', taskId: task.id, form: completion.form, completedBy },
        actor,
      },
    ],
    handover,
  );
  const [outcome] = aftermath.outcomes;
  if (outcome?.refusal !== undefined) throw new Problem(422, outcome.refusal);
  if (!outcome?.taken) {
    // Another request was quicker; if it was the same one, its answer counts for this one too.
    const now = await findTask(trx, worker, task.id);
    const same = completion.key !== undefined && now.completion_key === completion.key;
    if (same && now.completed_by === completedBy) return { task: now, aftermath: undefined };
    throw conflict('The task is not open');
  }
  const done = await trx
    .updateTable('user_task')
    .set({ completion_key: completion.key ?? null })
    .where('id', '=', task.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return { task: done, aftermath };
}
