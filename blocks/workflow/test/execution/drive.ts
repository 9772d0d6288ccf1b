import type { Command } from '../../src/execution/command.ts';
import type { EngineEvent, ServiceRequest } from '../../src/execution/event.ts';
import type { StepContext } from '../../src/execution/run.ts';
import { type InstanceState, newInstance } from '../../src/execution/state.ts';
import { type StepResult, step } from '../../src/execution/step.ts';
import type { Json, Variables } from '../../src/feel/json.ts';
import type { ProcessModel } from '../../src/model/model.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;
/** A job, most of which call an operation; a test of others says so itself. */
type Job = Of<'createJob'> & { readonly request: ServiceRequest };

/** Drives one instance by hand: the world around the interpreter, without a world. */
export interface Drive {
  readonly state: InstanceState;
  readonly jobs: ReadonlyMap<string, Job>;
  readonly tasks: ReadonlyMap<string, Of<'createTask'>>;
  readonly timers: ReadonlyMap<string, Of<'createTimer'>>;
  readonly subscriptions: ReadonlyMap<string, Of<'subscribe'>>;
  readonly signals: ReadonlyMap<string, Of<'awaitSignal'>>;
  readonly incidents: ReadonlyMap<string, Of<'raiseIncident'>>;
  readonly commands: readonly Command[];
  readonly events: readonly EngineEvent[];
  /** Elements completed, in order. */
  readonly completed: readonly string[];
  readonly history: readonly { readonly event: string; readonly elementId: string }[];
  now: string;
  /** `to`: the model that the instance has from now on, of another revision. */
  send(event: EngineEvent, to?: ProcessModel): StepResult;
  /** Answers the open job of an element. */
  answer(elementId: string, body?: Json, status?: number): StepResult;
  complete(elementId: string, form?: Variables, by?: string): StepResult;
  fire(elementId: string, payload?: Json): StepResult;
  variables(): Variables;
}

export function drive(
  model: ProcessModel,
  variables: Variables = {},
  context: Partial<StepContext> = {},
  /** The start event at which it begins, and what that brought; else the plain one. */
  at?: Extract<EngineEvent, { type: 'start' }>['at'],
): Drive {
  let ids = 0;
  let current = model;
  let state = newInstance('i', '2026-01-01T00:00:00Z', 'key-1');
  const maps = {
    jobs: new Map<string, Job>(),
    tasks: new Map<string, Of<'createTask'>>(),
    timers: new Map<string, Of<'createTimer'>>(),
    subscriptions: new Map<string, Of<'subscribe'>>(),
    signals: new Map<string, Of<'awaitSignal'>>(),
    incidents: new Map<string, Of<'raiseIncident'>>(),
  };
  const commands: Command[] = [];
  const events: EngineEvent[] = [];
  const history: { event: string; elementId: string }[] = [];
  const find = <T extends { elementId: string }>(map: Map<string, T>, elementId: string): [string, T] => {
    const found = [...map].find(([, one]) => one.elementId === elementId);
    if (!found) throw new Error(`nothing is open at ${elementId}`);
    return found;
  };
  const obey = (one: Command): void => {
    commands.push(one);
    if (one.type === 'createJob') maps.jobs.set(one.jobId, one as Job);
    if (one.type === 'removeJob') maps.jobs.delete(one.jobId);
    if (one.type === 'createTask') maps.tasks.set(one.taskId, one);
    if (one.type === 'endTask') maps.tasks.delete(one.taskId);
    if (one.type === 'createTimer') maps.timers.set(one.timerId, one);
    if (one.type === 'removeTimer') maps.timers.delete(one.timerId);
    if (one.type === 'subscribe') maps.subscriptions.set(one.subscriptionId, one);
    if (one.type === 'unsubscribe') maps.subscriptions.delete(one.subscriptionId);
    if (one.type === 'awaitSignal') maps.signals.set(one.subscriptionId, one);
    if (one.type === 'forgetSignal') maps.signals.delete(one.subscriptionId);
    if (one.type === 'raiseIncident') maps.incidents.set(one.incidentId, one);
    if (one.type === 'resolveIncident') maps.incidents.delete(one.incidentId);
  };
  const self: Drive = {
    ...maps,
    commands,
    events,
    history,
    now: '2026-01-01T00:00:00Z',
    get state() {
      return state;
    },
    get completed() {
      return history.filter((entry) => entry.event === 'completed').map((entry) => entry.elementId);
    },
    send(event, to) {
      current = to ?? current;
      events.push(event);
      const result = step(current, state, event, {
        now: self.now,
        newId: () => `id${++ids}`,
        maxMoves: 200,
        maxIterations: 100,
        retries: ['PT1S', 'PT1M'],
        ...context,
      });
      state = result.state;
      history.push(...result.history);
      for (const one of result.commands) obey(one);
      return result;
    },
    answer(elementId, body = {}, status = 200) {
      const [jobId] = find(maps.jobs, elementId);
      const answer = { status, headers: {}, body, temporary: status >= 500 };
      return self.send({ type: 'jobAnswered', jobId, attempt: 1, answer });
    },
    complete(elementId, form = {}, completedBy = 'officer') {
      const [taskId] = find(maps.tasks, elementId);
      return self.send({ type: 'taskCompleted', taskId, form, completedBy });
    },
    fire(elementId, payload = null) {
      const open = new Map<string, { elementId: string }>([
        ...maps.timers,
        ...maps.subscriptions,
        ...maps.signals,
      ]);
      const [subscriptionId] = find(open, elementId);
      maps.timers.delete(subscriptionId);
      return self.send({ type: 'triggered', subscriptionId, payload });
    },
    variables() {
      return [...state.scopes.values()].find((scope) => scope.kind === 'process')?.variables ?? {};
    },
  };
  self.send({ type: 'start', variables, ...(at ? { at } : {}) });
  return self;
}
