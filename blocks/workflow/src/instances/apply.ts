import { announce, conflict } from '@govstack/platform';
import { sql, type Transaction } from 'kysely';
import {
  incidentRaised,
  instanceEnded,
  instanceOverdue,
  userTaskCreated,
  userTaskWithdrawn,
} from '../api/events.ts';
import type { Models } from '../definitions/definitions.ts';
import type { EngineEvent } from '../execution/event.ts';
import type { StepContext } from '../execution/run.ts';
import type { InstanceState, InstanceStatus } from '../execution/state.ts';
import { step } from '../execution/step.ts';
import { type Actor, engineActor } from '../history/actor.ts';
import { takeWaitingMessages } from '../messages/match.ts';
import { writeNotice } from '../notices/notices.ts';
import type { InstanceRow, WorkflowTables } from '../tables.ts';
import type { Change } from './change.ts';
import { consequencesOf } from './consequences.ts';
import { lockInstances } from './load.ts';
import { saveChanges } from './save.ts';
import type { Handover, NewCall } from './write-jobs.ts';

/** What applying events needs to know of its surroundings. */
export interface Engine {
  readonly application: string;
  readonly models: Models;
  readonly now: () => Date;
  readonly newId: () => string;
  readonly limits: Pick<StepContext, 'maxMoves' | 'maxIterations' | 'retries'> & {
    /** Most instances that stand above one another. */
    readonly maxDepth: number;
    /** Most signals and messages that follow from one another. */
    readonly maxHops: number;
  };
}

/** An event on its way to an instance. */
export interface Happening {
  readonly instanceId: string;
  readonly event: EngineEvent;
  readonly actor: Actor;
  /** Why, where an operator gives a reason. */
  readonly reason?: string;
  /** Job that brought it; done with the event, whether or not anyone still waited for it. */
  readonly jobId?: string;
  /** How many signals, messages and starts it follows from. */
  readonly depth?: number;
}

export interface Outcome {
  /** False: nobody waited for it any more, or there is no such instance. */
  readonly taken: boolean;
  readonly refusal: string | undefined;
  readonly status: InstanceStatus | undefined;
}

/** What the surroundings may do once the transaction is committed. */
export interface Aftermath {
  readonly outcomes: readonly Outcome[];
  /** Calls handed to the worker that asked for them. */
  readonly calls: readonly NewCall[];
  /** Whether jobs were made that some worker must look for. */
  readonly moreJobs: boolean;
  /** Whether signals were thrown that some worker must deliver. */
  readonly signals: boolean;
  /** Whether messages were sent that some worker must deliver. */
  readonly messages: boolean;
  readonly ended: readonly string[];
  /** Elements at which an instance cannot go on without an operator. */
  readonly incidents: readonly { readonly instanceId: string; readonly elementId: string }[];
}

/** An instance that this transaction has to itself. */
export interface Held {
  readonly row: InstanceRow;
  state: InstanceState;
}

const subscriptionOf = (event: EngineEvent): string | undefined =>
  event.type === 'triggered' ? event.subscriptionId : undefined;

const jobOf = (event: EngineEvent): string | undefined =>
  event.type === 'jobAnswered' || event.type === 'jobThrew' || event.type === 'jobFailed'
    ? event.jobId
    : undefined;

/** Whether the instance waits for more messages of a subscription. */
const awaits = (state: InstanceState, subscriptionId: string): boolean =>
  [...state.tokens.values(), ...state.scopes.values()].some((waiting) =>
    waiting.subscriptions.some((one) => one.kind === 'message' && one.id === subscriptionId && !one.happened),
  );

async function announceChange(trx: Transaction<WorkflowTables>, change: Change, at: Date): Promise<void> {
  const { row, before, result } = change;
  const base = { instanceId: row.id, processRef: row.definition_id, processKey: row.process_key };
  const { status } = result.state;
  if (before.status === 'running' && status !== 'running') {
    const ended = { ...row, error_code: result.state.errorCode ?? null };
    await writeNotice(trx, ended, status, change.at);
    await announce(trx, instanceEnded, { subject: row.id, at, data: { ...base, state: status } });
  }
  if (change.event === 'overdue' && result.taken) {
    await trx.updateTable('instance').set({ overdue_at: change.at }).where('id', '=', row.id).execute();
    await announce(trx, instanceOverdue, { subject: row.id, at, data: base });
  }
  for (const command of result.commands) {
    if (command.type === 'createTask') {
      const data = {
        ...base,
        taskId: command.taskId,
        elementId: command.elementId,
        businessKey: row.business_key,
        candidateRole: command.candidateRole ?? null,
      };
      await announce(trx, userTaskCreated, { subject: command.taskId, at, data });
    } else if (command.type === 'endTask' && command.outcome === 'cancelled') {
      const { taskId } = command;
      const data = { ...base, taskId, businessKey: row.business_key };
      await announce(trx, userTaskWithdrawn, { subject: taskId, at, data });
    } else if (command.type === 'raiseIncident') {
      const data = { ...base, incidentId: command.incidentId, elementId: command.elementId };
      await announce(trx, incidentRaised, { subject: command.incidentId, at, data });
    }
  }
}

/** Timers that are due and calls that are over leave the queue, whether or not anyone still waited for them. */
async function consume(
  trx: Transaction<WorkflowTables>,
  happenings: readonly Happening[],
  changes: readonly Change[],
) {
  const stale = happenings
    .filter((_, index) => changes[index]?.result.taken === false)
    .map((one) => jobOf(one.event))
    .filter((id) => id !== undefined);
  const triggered = happenings.map((one) => subscriptionOf(one.event)).filter((id) => id !== undefined);
  const brought = happenings.map((one) => one.jobId).filter((id) => id !== undefined);
  const jobs = [...triggered, ...stale, ...brought];
  if (jobs.length > 0) await trx.deleteFrom('job').where('id', 'in', jobs).execute();
}

/** What people bring, and can bring again when the instance goes on. */
const byPeople: ReadonlySet<EngineEvent['type']> = new Set([
  'taskCompleted',
  'retry',
  'setVariables',
  'moveToken',
  'cancelToken',
  'activate',
  'migrate',
]);

/**
 * Lets events happen to instances, all in this transaction. Instances are locked in the order of their ids, several
 * events of one instance happen in the order given; an event nobody waits for changes nothing. What the engine itself
 * brings to a suspended instance is kept until it goes on; what people bring to one is refused (409).
 */
export async function applyEvents(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  happenings: readonly Happening[],
  handover?: Handover,
): Promise<Aftermath> {
  const ids = [...new Set(happenings.map((one) => one.instanceId))];
  const held = new Map<string, Held>();
  for (const [id, { row, state }] of await lockInstances(trx, ids)) held.set(id, { row, state });
  const still = happenings.filter(({ instanceId, event }) => {
    const row = held.get(instanceId)?.row;
    return row?.status === 'running' && row.suspended_at !== null && event.type !== 'stop';
  });
  if (still.length === 0) return applyToHeld(trx, engine, held, happenings, handover);
  if (still.some(({ event }) => byPeople.has(event.type))) {
    throw conflict('The instance is suspended');
  }
  await trx
    .insertInto('kept_event')
    .values(
      still.map(({ instanceId, event, jobId }) => ({
        instance_id: instanceId,
        job_id: jobId ?? null,
        event: JSON.stringify(event) as never,
      })),
    )
    .execute();
  // What brought them waits with them, and is not taken up again.
  const brought = still.flatMap((one) => one.jobId ?? []);
  if (brought.length > 0)
    await sql`
      update job
      set resumes_at = coalesce(resumes_at, due_at), due_at = 'infinity', locked_by = null, locked_until = null
      where id = any (${brought}::uuid[])`.execute(trx);
  const moving = happenings.filter((one) => !still.includes(one));
  return applyToHeld(trx, engine, held, moving, handover);
}

/** As `applyEvents`, for an instance that this transaction has just made. */
export const applyToNew = (
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  row: InstanceRow,
  state: InstanceState,
  happening: Happening,
  handover?: Handover,
): Promise<Aftermath> => applyToHeld(trx, engine, new Map([[row.id, { row, state }]]), [happening], handover);

async function applyToHeld(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  known: ReadonlyMap<string, Held>,
  happenings: readonly Happening[],
  handover: Handover | undefined,
): Promise<Aftermath> {
  const held = new Map(known);
  const outcomes: Outcome[] = [];
  const calls: NewCall[] = [];
  const ended = new Set<string>();
  const incidents: { instanceId: string; elementId: string }[] = [];
  let moreJobs = false;
  let signals = false;
  let messages = false;
  let waiting = happenings;
  for (let round = 0; waiting.length > 0; round += 1) {
    const now = engine.now();
    const at = now.toISOString();
    const present = waiting.filter((one) => held.has(one.instanceId));
    const changes: Change[] = [];
    for (const { instanceId, event, actor, reason, depth = 0 } of present) {
      const instance = held.get(instanceId) as Held;
      const context: StepContext = {
        ...engine.limits,
        hopsLeft: engine.limits.maxHops - depth,
        now: at,
        newId: engine.newId,
      };
      const model = await engine.models(instance.row.definition_id, trx);
      const result = step(model, instance.state, event, context);
      changes.push({
        row: instance.row,
        before: instance.state,
        result,
        event: event.type,
        actor,
        reason,
        at,
        depth,
      });
      instance.state = result.state;
      if (result.taken && result.state.status !== 'running') ended.add(instanceId);
    }
    const capacity = Math.max(0, (handover?.capacity ?? 0) - calls.length);
    const handed = await saveChanges(trx, changes, handover && { ...handover, capacity });
    calls.push(...handed);
    await consume(trx, present, changes);
    for (const change of changes) {
      await announceChange(trx, change, now);
      for (const command of change.result.commands)
        if (command.type === 'raiseIncident')
          incidents.push({ instanceId: change.row.id, elementId: command.elementId });
    }
    if (round === 0) {
      const results = new Map(present.map((one, index) => [one, changes[index]?.result]));
      for (const one of waiting) {
        const result = results.get(one);
        outcomes.push({
          taken: result?.taken ?? false,
          refusal: result?.refusal,
          status: result?.state.status,
        });
      }
    }
    const commands = changes.flatMap((change) => change.result.commands);
    moreJobs ||=
      commands.filter((one) => one.type === 'createJob').length > handed.length ||
      commands.some((one) => one.type === 'retryJob' && one.attempts === 0);
    signals ||= commands.some((one) => one.type === 'throwSignal');
    messages ||= commands.some((one) => one.type === 'sendMessage');
    const subscribed = commands.filter((one) => one.type === 'subscribe').map((one) => one.subscriptionId);
    const again = present.flatMap(({ instanceId, event }) => {
      const id = subscriptionOf(event);
      return id !== undefined && awaits((held.get(instanceId) as Held).state, id) ? [id] : [];
    });
    const come = round < 100 ? await takeWaitingMessages(trx, [...subscribed, ...again], at) : [];
    const caused = await consequencesOf(trx, engine, changes, held, at);
    moreJobs ||= caused.moreJobs;
    waiting = [
      ...caused.next,
      ...come.map(
        (one): Happening => ({
          instanceId: one.instanceId,
          event: { type: 'triggered', subscriptionId: one.subscriptionId, payload: one.payload },
          actor: engineActor(engine.application),
          depth: one.depth,
        }),
      ),
    ];
  }
  return { outcomes, calls, moreJobs, signals, messages, ended: [...ended], incidents };
}
