import { isRecord, type Json, type Variables } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import { plusDuration } from '../model/duration.ts';
import type { ErrorMapping, ScriptTask, ServiceTask } from '../model/model.ts';
import { completeActivity } from './activity.ts';
import { raiseError } from './error.ts';
import type { Answer, EngineEvent } from './event.ts';
import { raiseIncident } from './incident.ts';
import { command, type Run, record } from './run.ts';
import type { Token } from './state.ts';
import { applyOutputs, assign } from './variables.ts';

type Answered = Extract<EngineEvent, { type: 'jobAnswered' }>;
type Threw = Extract<EngineEvent, { type: 'jobThrew' }>;
type Failed = Extract<EngineEvent, { type: 'jobFailed' }>;

export const tokenOfJob = (run: Run, jobId: string): Token | undefined =>
  [...run.tokens.values()].find((token) => token.wait.kind === 'job' && token.wait.jobId === jobId);

const text = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

const matches = (mapping: ErrorMapping, answer: Answer): boolean =>
  (mapping.status === undefined || mapping.status === answer.status) &&
  (mapping.problem === undefined || (isRecord(answer.body) && text(answer.body.type) === mapping.problem));

/** What an operator is told about an answer: its status and problem details, never its contents. */
function describe(task: ServiceTask, answer: Answer): string {
  const problem = isRecord(answer.body) ? answer.body : {};
  const words = [text(problem.title), text(problem.detail)].filter((part) => part !== undefined);
  const { target } = task;
  const name = target.kind === 'operation' ? target.operation : `the connection ${target.connection}`;
  return [`${name} answered ${answer.status}`, ...words].join(': ');
}

/** The operation has answered: outputs are taken over, or an error is raised, or the call has failed. */
export function takeAnswer(run: Run, token: Token, task: ServiceTask, event: Answered): void {
  const { answer } = event;
  const mapping = task.errors.find((one) => matches(one, answer));
  if (mapping) {
    raiseError(run, token, mapping.code, describe(task, answer));
    return;
  }
  const success = answer.status >= 200 && answer.status < 300;
  if (!success && !task.accepts.includes(answer.status)) {
    failJob(run, token, task, {
      type: 'jobFailed',
      jobId: event.jobId,
      attempt: event.attempt,
      message: describe(task, answer),
      temporary: answer.temporary,
    });
    return;
  }
  const response: Variables = {
    status: answer.status,
    headers: answer.headers,
    body: answer.body,
  };
  try {
    applyOutputs(run, token.scopeId, task.outputs, { response });
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    stop(run, token, event.jobId, error.message);
    return;
  }
  if (task.resultVariable !== undefined) {
    assign(run, token.scopeId, { [task.resultVariable]: answer.body });
  }
  command(run, { type: 'removeJob', jobId: event.jobId });
  completeActivity(run, token, task);
}

/** A script has ended: its result is taken over. */
export function takeResult(run: Run, token: Token, task: ScriptTask, event: Answered): void {
  const result = event.answer.body;
  command(run, { type: 'removeJob', jobId: event.jobId });
  try {
    applyOutputs(run, token.scopeId, task.outputs, { result });
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    raiseIncident(run, token, error.message, 'begin');
    return;
  }
  if (task.resultVariable !== undefined) assign(run, token.scopeId, { [task.resultVariable]: result });
  completeActivity(run, token, task);
}

/** The work of a job has ended in a BPMN error. */
export const takeError = (run: Run, token: Token, event: Threw): void =>
  raiseError(run, token, event.code, event.message);

function stop(run: Run, token: Token, jobId: string, message: string): void {
  command(run, { type: 'parkJob', jobId });
  raiseIncident(run, token, message, 'job', { jobId });
}

/** A call has failed: later again while pauses are left and it may help, an incident otherwise. */
export function failJob(run: Run, token: Token, task: ServiceTask | ScriptTask, event: Failed): void {
  const pauses = (task.kind === 'serviceTask' ? task.retries : undefined) ?? run.context.retries;
  const pause = event.temporary ? pauses[event.attempt - 1] : undefined;
  if (pause === undefined && task.kind === 'scriptTask') {
    // It has had no effect outside, so it is begun anew, as the definition has it by then.
    command(run, { type: 'removeJob', jobId: event.jobId });
    raiseIncident(run, token, event.message, 'begin');
    return;
  }
  if (pause === undefined) {
    stop(run, token, event.jobId, event.message);
    return;
  }
  record(run, token, 'attempt-failed', event.message);
  command(run, {
    type: 'retryJob',
    jobId: event.jobId,
    dueAt: plusDuration(run.context.now, pause),
    attempts: event.attempt,
  });
}
