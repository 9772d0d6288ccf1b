import { isDeepStrictEqual } from 'node:util';
import { FeelError } from '../feel/normalise.ts';
import { isActivity } from '../model/check-flow.ts';
import type { OutputMapping } from '../model/model.ts';
import { completeActivity } from './activity.ts';
import { cancelWork } from './cancel.ts';
import type { EngineEvent } from './event.ts';
import { leave } from './leave.ts';
import { change, command, type Run, record, waitFor } from './run.ts';
import { buildRequest } from './service-request.ts';
import type { Token } from './state.ts';
import { applyOutputs, assign, visibleVariables } from './variables.ts';

type Retry = Extract<EngineEvent, { type: 'retry' }>;
type Stopped = Token & { readonly wait: Extract<Token['wait'], { kind: 'incident' }> };

const isStopped = (token: Token): token is Stopped => token.wait.kind === 'incident';

/** Outputs that take over what comes to where a token is: a start event of an event sub-process has those of that. */
function outputsAt(run: Run, token: Token): readonly OutputMapping[] {
  const element = run.model.elements.get(token.elementId);
  const around = run.model.elements.get(element?.parent ?? '');
  const holder = element?.kind === 'startEvent' && around?.kind === 'eventSubProcess' ? around : element;
  return holder && 'outputs' in holder ? holder.outputs : [];
}

/**
 * Tries again where an incident stopped a token. Answers false when there is no such incident. Throws `FeelError` when
 * what came can still not be taken over.
 */
export function retry(run: Run, event: Retry): boolean {
  const token = [...run.tokens.values()].find(
    (one): one is Stopped => isStopped(one) && one.wait.incidentId === event.incidentId,
  );
  if (!token) return false;
  if (event.variables) assign(run, token.scopeId, event.variables);
  record(run, token, 'retried');
  const { resume, jobId, brought } = token.wait;
  if (brought) applyOutputs(run, token.scopeId, outputsAt(run, token), brought);
  if (resume === 'job' && jobId !== undefined) {
    retryJob(run, token, jobId, event);
    return true;
  }
  command(run, { type: 'resolveIncident', incidentId: event.incidentId });
  if (resume === 'leave') {
    const element = run.model.elements.get(token.elementId);
    const going = waitFor(run, token, { kind: 'event' });
    if (element && isActivity(element)) completeActivity(run, going, element);
    else if (element) {
      if (brought) record(run, going, 'completed');
      leave(run, going, element);
    }
    return true;
  }
  change(run, cancelWork(run, waitFor(run, token, { kind: 'event' })), {
    wait: { kind: 'ready', complete: resume === 'begin' },
  });
  return true;
}

/**
 * The parked call is made again under its own idempotency key: it may have had its effect. Only when corrected
 * variables make it another request does it become another call. Throws `FeelError` when they make none.
 */
function retryJob(run: Run, token: Stopped, jobId: string, event: Retry): void {
  const task = run.model.elements.get(token.elementId);
  if (task?.kind !== 'serviceTask') throw new FeelError('the definition no longer has this service task');
  const request =
    event.variables === undefined
      ? event.request
      : buildRequest(task, visibleVariables(run, token.scopeId), run.context.now, jobId);
  command(run, { type: 'resolveIncident', incidentId: event.incidentId });
  if (request === undefined || isDeepStrictEqual(request, event.request)) {
    command(run, { type: 'retryJob', jobId, dueAt: run.context.now, attempts: 0 });
    waitFor(run, token, { kind: 'job', jobId });
    return;
  }
  const newJob = run.context.newId();
  command(run, { type: 'removeJob', jobId });
  command(run, {
    type: 'createJob',
    jobId: newJob,
    tokenId: token.id,
    elementId: task.id,
    request: buildRequest(task, visibleVariables(run, token.scopeId), run.context.now, newJob),
    timeoutMs: task.timeoutMs,
  });
  waitFor(run, token, { kind: 'job', jobId: newJob });
}
