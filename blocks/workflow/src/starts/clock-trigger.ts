import { newId, notFound, Problem } from '@govstack/platform';
import type { ProblemDetail } from '@govstack/platform/operation';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import { findDefinition } from '../definitions/definitions.ts';
import { type Actor, engineActor, nameOf } from '../history/actor.ts';
import { ownedBy, type Viewer } from '../history/viewer.ts';
import type { Aftermath, Engine } from '../instances/apply.ts';
import { createInstance } from '../instances/start.ts';
import { readStartVariables } from '../instances/start-variables.ts';
import type { StartTimer } from '../model/model.ts';
import { timerDefect } from '../model/read-event.ts';
import type { WorkflowTables } from '../tables.ts';
import { dueOccurrences, nextOccurrence } from './occurrences.ts';
import { removalBy, removeInForce } from './removal.ts';

export type ClockTrigger = Selectable<WorkflowTables['clock_trigger']>;

export interface ClockRequest {
  /** Key of the process, whose newest enabled revision is started. */
  readonly process: string;
  readonly timer: StartTimer;
  readonly variables: Readonly<Record<string, unknown>>;
}

const mostOfOneProcess = 20;

/**
 * Defines that a process starts by the clock (WF-6.2-g); the same process and time again replace the variables. Throws
 * problems: 404, 400 for the time and the variables, 422 when there are too many.
 */
export async function defineClockTrigger(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  viewer: Viewer,
  request: ClockRequest,
  actor: Actor,
): Promise<ClockTrigger> {
  const at = engine.now().toISOString();
  const { timer, variables } = request;
  const definition = await findDefinition(trx, viewer, request.process);
  if (!definition) throw notFound('Process');
  const defect = timerDefect(timer);
  if (defect !== undefined) {
    throw new Problem(400, 'The time is not valid', {
      errors: [{ in: 'body', pointer: '/timer', detail: defect }],
    });
  }
  const model = await engine.models(definition.id, trx);
  const { errors } = readStartVariables(model.startVariables, { variables, pairs: [] });
  if (errors.length > 0) {
    throw new Problem(400, 'The start variables are not valid', { errors: errors as ProblemDetail[] });
  }
  const { owner, key } = definition;
  await sql`select pg_advisory_xact_lock(hashtext(${`clock triggers of ${owner} ${key}`}))`.execute(trx);
  const written = JSON.stringify(timer);
  const replaced = await trx
    .updateTable('clock_trigger')
    .set(removalBy(actor, at))
    .where('owner', '=', owner)
    .where('process_key', '=', key)
    .where('timer', '=', written as never)
    .where('removed_at', 'is', null)
    .returning(['anchor', 'due_at'])
    .executeTakeFirst();
  const { others } = await trx
    .selectFrom('clock_trigger')
    .select((count) => count.fn.countAll<string>().as('others'))
    .where('owner', '=', owner)
    .where('process_key', '=', key)
    .where('removed_at', 'is', null)
    .executeTakeFirstOrThrow();
  if (Number(others) >= mostOfOneProcess) {
    throw new Problem(422, `A process has at most ${mostOfOneProcess} starts by the clock`);
  }
  return trx
    .insertInto('clock_trigger')
    .values({
      id: newId(),
      owner,
      process_key: key,
      timer: written as never,
      variables: JSON.stringify(variables) as never,
      anchor: replaced?.anchor ?? at,
      due_at: replaced ? replaced.due_at : (nextOccurrence(timer, at, at) ?? null),
      created_by: nameOf(actor),
      created_through: actor.application,
      created_for: actor.organisation,
      removed_at: null,
      removed_by: null,
      removed_through: null,
      removed_for: null,
      refusal: null,
      refused_at: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Starts by the clock that operators have defined and the viewer may see, the next first; at most 1,000. */
export const listClockTriggers = (db: Kysely<WorkflowTables>, viewer: Viewer): Promise<ClockTrigger[]> =>
  db
    .selectFrom('clock_trigger')
    .selectAll()
    .where(ownedBy(viewer, 'owner'))
    .where('removed_at', 'is', null)
    .orderBy('due_at')
    .orderBy('id')
    .limit(1000)
    .execute();

/** Removes a start by the clock. Throws 404. */
export async function removeClockTrigger(
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  id: string,
  actor: Actor,
  at: string,
): Promise<void> {
  if (!(await removeInForce(db, 'clock_trigger', viewer, id, removalBy(actor, at))))
    throw notFound('Schedule');
}

/** Ids of the triggers that are due, the oldest first. */
export const dueClockTriggers = (db: Kysely<WorkflowTables>, now: string) =>
  db
    .selectFrom('clock_trigger')
    .select(['id', 'process_key'])
    .where('removed_at', 'is', null)
    .where('due_at', '<=', now)
    .orderBy('due_at')
    .limit(100)
    .execute();

/**
 * Starts what is due of one trigger and moves it on, in one transaction. What cannot start, because the process is
 * disabled or wants other variables, is noted at the trigger and not made up for.
 */
export async function startByClock(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  id: string,
): Promise<readonly Aftermath[]> {
  const now = engine.now().toISOString();
  const row = await trx
    .selectFrom('clock_trigger')
    .selectAll()
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .where('due_at', '<=', now)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  if (!row?.due_at) return [];
  const { starts, next } = dueOccurrences(row.timer, row.anchor, row.due_at, now);
  const owner: Viewer = { application: row.owner, member: undefined };
  const definition = await findDefinition(trx, owner, row.process_key);
  const model = definition && (await engine.models(definition.id, trx));
  const startable = definition?.enabled && definition.is_executable && model?.starts.has(model.key);
  const { variables, errors } = readStartVariables(model?.startVariables ?? [], {
    variables: row.variables,
    pairs: [],
  });
  const [error] = errors;
  const refusal = !startable
    ? 'the process cannot be started'
    : error && `the process does not take ${error.pointer}: ${error.detail}`;
  const aftermaths: Aftermath[] = [];
  if (definition && refusal === undefined) {
    const origin = { businessKey: undefined, actor: engineActor(engine.application) };
    for (const _occurrence of starts) {
      const made = await createInstance(trx, engine, definition, origin, { type: 'start', variables });
      if (made) aftermaths.push(made.aftermath);
    }
  }
  await trx
    .updateTable('clock_trigger')
    .set({ due_at: next ?? null, ...(refusal === undefined ? {} : { refusal, refused_at: now }) })
    .where('id', '=', row.id)
    .execute();
  return aftermaths;
}
