import { setImmediate as othersGoOn } from 'node:timers/promises';
import type { Command } from '../execution/command.ts';
import type { EngineEvent } from '../execution/event.ts';
import type { StepContext } from '../execution/run.ts';
import { type InstanceState, newInstance } from '../execution/state.ts';
import { step } from '../execution/step.ts';
import type { Json, Variables } from '../feel/json.ts';
import type { ProcessModel } from '../model/model.ts';
import { account, CutOff, type TrialStep } from './account.ts';
import { type Dealer, dealer, type PinnedAnswers } from './answers.ts';
import { beginningAt, CannotBegin, onlyElement } from './begin-at.ts';
import { type NextEvent, nextEvent } from './next-event.ts';
import { note, nothingOpen, type OpenJob, type OpenWork } from './open-work.ts';

export interface Trial {
  readonly variables: Variables;
  readonly answers: PinnedAnswers;
  /** Element to begin at; the plain start event, or the only one, unless given. */
  readonly from?: string | undefined;
  /** Only that element: what leaves it ends. */
  readonly only?: boolean | undefined;
  readonly businessKey?: string | undefined;
  /** Instant at which its clock begins. */
  readonly now: string;
}

/** What a trial has come to: where it waits, and for what. */
export interface TrialWait {
  readonly elementId: string;
  readonly kind: 'service' | 'task' | 'timer' | 'message' | 'signal' | 'call';
  /** The request that would be made, what the task would show, when the timer is due. */
  readonly detail: Json;
}

export interface TrialResult {
  /** `limit`: it was cut off, see `reason`; `refused`: an answer could not be used, see `reason`. */
  readonly outcome: 'completed' | 'failed' | 'waiting' | 'incident' | 'limit' | 'refused';
  readonly reason: string | undefined;
  readonly errorCode: string | undefined;
  readonly variables: Variables;
  readonly steps: readonly TrialStep[];
  readonly waits: readonly TrialWait[];
  readonly incidents: readonly { readonly elementId: string; readonly message: string }[];
  /** Elements whose pinned answers nobody asked for. */
  readonly unused: readonly string[];
}

export interface TrialLimits extends Pick<StepContext, 'maxMoves' | 'maxIterations' | 'retries'> {
  readonly maxEvents: number;
  readonly maxMs: number;
  /** Characters of variables in the account. */
  readonly maxSize: number;
}

const asJson = (value: unknown): Json => JSON.parse(JSON.stringify(value ?? null)) as Json;

/** What an element is given, by the command that would pass it on. */
function given(one: Command): Json | undefined {
  if (one.type === 'createJob') return asJson(one.request);
  if (one.type === 'createTask') {
    const { name, candidateRole, assignee, dueAt, formRef, inputs } = one;
    return asJson({ name, candidateRole, assignee, dueAt, formRef, shows: inputs });
  }
  if (one.type === 'callProcess') return asJson({ process: one.process, variables: one.variables });
  if (one.type === 'subscribe') return asJson({ message: one.message, correlationKey: one.correlationKey });
  return one.type === 'awaitSignal' ? asJson({ signal: one.signal }) : undefined;
}

const waitsOf = (open: OpenWork): TrialWait[] =>
  [
    ...[...open.jobs.values()].map((one) => ({ ...one, kind: 'service' as const })),
    ...[...open.tasks.values()].map((one) => ({ ...one, kind: 'task' as const })),
    ...[...open.calls.values()].map((one) => ({ ...one, kind: 'call' as const })),
    ...[...open.messages.values()].map((one) => ({ ...one, kind: 'message' as const })),
    ...[...open.signals.values()].map((one) => ({ ...one, kind: 'signal' as const })),
    ...[...open.timers.values()].map((one) => ({ ...one, kind: 'timer' as const })),
  ].map((one) => ({
    elementId: one.elementId,
    kind: one.kind,
    detail: 'dueAt' in one && one.kind === 'timer' ? one.dueAt : (given(one) ?? null),
  }));

function startOf(model: ProcessModel, trial: Trial): { model: ProcessModel; event: EngineEvent } {
  const { variables, from, only } = trial;
  const events = [...model.elements.values()].filter(
    (one) => one.kind === 'startEvent' && one.parent === model.key && one.trigger.kind !== 'none',
  );
  const chosen = from ?? (model.starts.has(model.key) ? undefined : events.length === 1 ? events[0]?.id : '');
  if (chosen === undefined) return { model, event: { type: 'start', variables } };
  if (chosen === '') throw new CannotBegin('the process has several start events: choose one');
  const begin = events.find((one) => one.id === chosen);
  if (begin?.kind === 'startEvent' && !only) {
    const payload = trial.answers[chosen]?.[0]?.payload ?? null;
    const brought: Variables =
      begin.trigger.kind === 'message' ? { message: payload } : { occurrence: payload ?? trial.now };
    return { model, event: { type: 'start', variables, at: { elementId: chosen, brought } } };
  }
  return {
    model: only ? onlyElement(model, chosen) : beginningAt(model, chosen),
    event: { type: 'start', variables },
  };
}

/** Work that the engine does by itself, beside the step; undefined: it is for somebody outside. */
export type OwnWork = (job: OpenJob) => Promise<EngineEvent | undefined>;

/** Does the first of the open jobs that is the engine's own and for which nothing is pinned. */
async function ownWork(
  open: OpenWork,
  deal: Dealer,
  now: string,
  work: OwnWork,
): Promise<NextEvent | undefined> {
  for (const job of open.jobs.values()) {
    if (deal.has(job.elementId, true)) continue;
    const event = await work(job);
    if (event) {
      const at = Date.parse(job.dueAt) > Date.parse(now) ? job.dueAt : now;
      return { event, elementId: job.elementId, tokenId: job.tokenId, at, brings: undefined };
    }
  }
  return undefined;
}

/**
 * Runs a process on sample data: with the interpreter that runs instances, on a clock of its own, with pinned answers in
 * place of everybody outside. Calls and writes nothing. Rejects with `CannotBegin`.
 */
export async function tryProcess(
  process: ProcessModel,
  trial: Trial,
  limits: TrialLimits,
  work: OwnWork = async () => undefined,
): Promise<TrialResult> {
  const { model, event } = startOf(process, trial);
  const deal = dealer(trial.answers);
  if (event.type === 'start' && event.at) deal.take(event.at.elementId, false);
  const open = nothingOpen();
  const until = Date.now() + limits.maxMs;
  const told = account(model, { maxSize: limits.maxSize, until });
  let ids = 0;
  const newId = (): string => {
    ids += 1;
    return `00000000-0000-4000-8000-${String(ids).padStart(12, '0')}`;
  };
  let now = trial.now;
  let state: InstanceState = newInstance(newId(), now, trial.businessKey);
  let reason: string | undefined;
  let refused = false;
  let cut = false;
  const stepped = (one: EngineEvent) => {
    try {
      return step(model, state, one, { ...limits, now, newId, watch: told.watch });
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
      reason = error.message;
      cut = true;
      return undefined;
    }
  };
  const send = (one: EngineEvent): void => {
    const result = stepped(one);
    if (!result) return;
    state = result.state;
    reason ??= result.refusal;
    refused ||= result.refusal !== undefined;
    for (const command of result.commands) {
      note(open, command, now);
      const input = given(command);
      if (input !== undefined && 'tokenId' in command) told.gave(command.tokenId, command.elementId, input);
    }
  };
  send(event);
  for (let events = 0; state.status === 'running' && !refused && !cut; events += 1) {
    await othersGoOn();
    if (events >= limits.maxEvents) reason = `more than ${limits.maxEvents} answers and events`;
    else if (Date.now() > until) reason = 'it takes too long';
    cut = reason !== undefined;
    const next = cut
      ? undefined
      : ((await ownWork(open, deal, now, work)) ?? nextEvent(model, open, deal, now));
    if (!next) break;
    now = next.at;
    send(next.event);
    if (next.brings !== undefined) told.got(next.tokenId, next.elementId, asJson(next.brings));
  }
  told.close(new Set(state.tokens.keys()));
  const incidents = [...open.incidents.values()].map(({ elementId, message }) => ({ elementId, message }));
  const ended = state.status === 'completed' || state.status === 'failed' ? state.status : undefined;
  const root = [...state.scopes.values()].find((scope) => scope.kind === 'process');
  return {
    outcome: refused ? 'refused' : (ended ?? (cut ? 'limit' : incidents.length > 0 ? 'incident' : 'waiting')),
    reason,
    errorCode: state.errorCode,
    variables: root?.variables ?? {},
    steps: told.steps,
    waits: ended ? [] : waitsOf(open),
    incidents: ended ? [] : incidents,
    unused: deal.unused(),
  };
}
