import { FeelError } from '../feel/normalise.ts';
import type { ProcessModel, ServiceTask } from '../model/model.ts';
import { completeActivity } from './activity.ts';
import { settle } from './advance.ts';
import { failJob, takeAnswer, takeError, takeResult, tokenOfJob } from './answer.ts';
import { takeEscalation, takeReturn } from './called.ts';
import { cancelEverything } from './cancel.ts';
import type { Command, HistoryEntry } from './command.ts';
import type { EngineEvent } from './event.ts';
import { raiseIncident } from './incident.ts';
import { migrate } from './migrate.ts';
import { activate, dropToken, moveToken, Refused, setVariables } from './repair.ts';
import { retry } from './retry.ts';
import { addScope, addToken, beginRun, command, endRun, type Run, type StepContext } from './run.ts';
import type { InstanceState } from './state.ts';
import { trigger } from './trigger.ts';
import { applyOutputs } from './variables.ts';

export interface StepResult {
  readonly state: InstanceState;
  readonly commands: readonly Command[];
  readonly history: readonly HistoryEntry[];
  /** False when nobody waited for the event any more; the state is unchanged. */
  readonly taken: boolean;
  /** Why the event was refused; nothing has changed and whoever sent it must be told. */
  readonly refusal: string | undefined;
}

/**
 * One event happens to one instance: the interpreter as a pure function. The same arguments give the same result;
 * nothing is read from or written to the outside. Automatic elements are passed in the same step, until every token
 * waits for something or the instance is over.
 */
export function step(
  model: ProcessModel,
  state: InstanceState,
  event: EngineEvent,
  context: StepContext,
): StepResult {
  const run = beginRun(model, state, context);
  try {
    const taken = state.status === 'running' && happens(run, event);
    if (!taken) {
      return { state, commands: [], history: ignored(run, event), taken: false, refusal: undefined };
    }
  } catch (error) {
    if (!(error instanceof FeelError || error instanceof Refused)) throw error;
    return { state, commands: [], history: [], taken: false, refusal: error.message };
  }
  settle(run);
  return {
    state: endRun(run),
    commands: run.commands,
    history: run.history,
    taken: true,
    refusal: undefined,
  };
}

const ignored = (run: Run, event: EngineEvent): HistoryEntry[] =>
  event.type === 'jobAnswered'
    ? [{ event: 'ignored', elementId: run.model.key, detail: 'an answer came when nobody waited for it' }]
    : [];

function happens(run: Run, event: EngineEvent): boolean {
  switch (event.type) {
    case 'start':
      return start(run, event);
    case 'jobAnswered':
    case 'jobThrew':
    case 'jobFailed': {
      const token = tokenOfJob(run, event.jobId);
      const task = token && run.model.elements.get(token.elementId);
      if (!token || (task?.kind !== 'serviceTask' && task?.kind !== 'scriptTask')) return false;
      if (event.type === 'jobThrew') takeError(run, token, event);
      else if (event.type === 'jobAnswered' && task.kind === 'scriptTask')
        takeResult(run, token, task, event);
      else if (event.type === 'jobAnswered') takeAnswer(run, token, task as ServiceTask, event);
      else failJob(run, token, task, event);
      return true;
    }
    case 'triggered':
      return trigger(run, event.subscriptionId, event.payload);
    case 'escalatedBelow':
      return takeEscalation(run, event);
    case 'returned':
    case 'callRefused':
      return takeReturn(run, event);
    case 'taskCompleted':
      return completeTask(run, event);
    case 'retry':
      return retry(run, event);
    case 'setVariables':
      return setVariables(run, event);
    case 'moveToken':
      return moveToken(run, event);
    case 'activate':
      return activate(run, event);
    case 'migrate':
      return migrate(run, event);
    case 'cancelToken':
      return dropToken(run, event);
    case 'overdue':
      return true;
    case 'stop':
      cancelEverything(run);
      run.status = 'stopped';
      return true;
  }
}

function start(run: Run, event: Extract<EngineEvent, { type: 'start' }>): boolean {
  if (run.scopes.size > 0) return false;
  const scope = addScope(run, {
    kind: 'process',
    elementId: run.model.key,
    parent: undefined,
    owner: undefined,
    variables: event.variables,
    index: undefined,
    subscriptions: [],
    compensable: [],
  });
  const begin = event.at && run.model.elements.get(event.at.elementId);
  if (begin?.kind === 'startEvent') {
    // What the event brought is there before anything waits for events that depend on it.
    const token = addToken(run, scope.id, begin.id);
    const brought = event.at?.brought ?? {};
    try {
      applyOutputs(run, scope.id, begin.outputs, brought);
    } catch (error) {
      if (!(error instanceof FeelError)) throw error;
      raiseIncident(run, token, error.message, 'enter', { brought });
    }
    return true;
  }
  addToken(run, scope.id, run.model.starts.get(run.model.key) as string);
  return true;
}

/** A form that the outputs of the task cannot use is refused: the person is still there to correct it. */
function completeTask(run: Run, event: Extract<EngineEvent, { type: 'taskCompleted' }>): boolean {
  const { taskId, form, completedBy } = event;
  const token = [...run.tokens.values()].find(
    (one) => one.wait.kind === 'task' && one.wait.taskId === taskId,
  );
  const task = token && run.model.elements.get(token.elementId);
  if (!token || task?.kind !== 'userTask') return false;
  applyOutputs(run, token.scopeId, task.outputs, {
    ...form,
    form,
    completedBy,
    completedAt: run.context.now,
  });
  command(run, { type: 'endTask', taskId, outcome: 'completed', completedBy });
  completeActivity(run, token, task);
  return true;
}
