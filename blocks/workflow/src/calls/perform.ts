import { CallFailed, type Mediation, newContext, withContext } from '@govstack/platform';
import type { ConnectionRequest, EngineEvent, JobRequest, ServiceRequest } from '../execution/event.ts';
import { type LeasedJob, postpone } from '../jobs/lease.ts';
import { scriptEvent } from '../scripts/script-event.ts';
import type { Scripts } from '../scripts/scripts.ts';
import { isTemporary, readBody } from './answer-body.ts';
import { type Descriptions, NotCallable, noAnswer, type OperationPlace } from './descriptions.ts';
import { type ConnectionCalls, sendOverConnection } from './over-connection.ts';

export interface CallOptions {
  readonly mediation: Mediation;
  readonly descriptions: Descriptions;
  readonly timeoutMs: number;
  /** Largest answer that is taken into process variables, in bytes. */
  readonly maxAnswerBytes: number;
  readonly outside: ConnectionCalls;
  readonly scripts: Scripts;
  readonly signal: AbortSignal;
}

/** The path of a request with its parameters and query filled in. Throws `NotCallable`. */
export function pathOf(place: OperationPlace, request: ServiceRequest): string {
  const path = place.path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => {
    const value = request.path[name];
    if (value === undefined) throw new NotCallable(`${request.operation} needs path.${name}`, false);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query)) {
    for (const one of typeof value === 'string' ? [value] : value) query.append(name, one);
  }
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

async function call(job: LeasedJob, request: ServiceRequest, options: CallOptions): Promise<EngineEvent> {
  const attempt = job.attempts + 1;
  const place = await options.descriptions.place(request.service, request.operation);
  const response = await options.mediation.request({
    as: job.owner,
    service: request.service,
    method: place.method,
    path: pathOf(place, request),
    headers: {
      accept: 'application/json',
      ...request.headers,
      ...(place.method === 'GET' || place.method === 'HEAD' ? {} : { 'idempotency-key': job.id }),
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    timeout: job.timeoutMs ?? options.timeoutMs,
    signal: options.signal,
  });
  if (response.headers['x-road-error'] !== undefined) {
    const refused = new CallFailed(request.operation, request.service, response);
    throw new NotCallable(
      `the mediator did not carry ${request.operation}: ${refused.mediatorError}`,
      refused.temporary,
    );
  }
  return {
    type: 'jobAnswered',
    jobId: job.id,
    attempt,
    answer: {
      status: response.status,
      headers: response.headers,
      body: readBody(response.body, response.headers['content-type'], options.maxAnswerBytes),
      temporary: isTemporary(response.status),
    },
  };
}

async function overConnection(
  job: LeasedJob,
  request: ConnectionRequest,
  options: CallOptions,
): Promise<EngineEvent | undefined> {
  const { id: jobId, owner, timeoutMs, admitted } = job;
  const sent = await sendOverConnection(request, { owner, key: jobId, timeoutMs, admitted }, options.outside);
  if (!('later' in sent)) return { type: 'jobAnswered', jobId, attempt: job.attempts + 1, answer: sent };
  await postpone(options.outside.db, jobId, sent.later);
  return undefined;
}

const nameOf = (request: JobRequest): string => {
  if (request.kind === undefined) return request.operation;
  return request.kind === 'script' ? 'the script' : `the connection ${request.connection}`;
};

/**
 * Does the work of a job: calls an operation for the application that owns the process, under the correlation id of the
 * instance; sends something over a connection; or runs a script. The job's id is the idempotency key of every attempt.
 * Whatever goes wrong becomes a `jobFailed` event; undefined when it was cut off by the end of this process, which says
 * nothing about the call, or must wait for its turn.
 */
export async function performCall(job: LeasedJob, options: CallOptions): Promise<EngineEvent | undefined> {
  const failed = (message: string, temporary: boolean): EngineEvent => ({
    type: 'jobFailed',
    jobId: job.id,
    attempt: job.attempts + 1,
    message,
    temporary,
  });
  const { request } = job;
  if (!request) return failed('the job has no request', false);
  try {
    if (request.kind === 'script') {
      return await scriptEvent(
        options.scripts,
        { ...request, owner: job.owner },
        { jobId: job.id, attempt: job.attempts + 1 },
      );
    }
    if (request.kind !== undefined) return await overConnection(job, request, options);
    const context = newContext({ correlationId: job.correlationId });
    return await withContext(context, () => call(job, request, options));
  } catch (error) {
    if (options.signal.aborted) return undefined;
    if (error instanceof NotCallable) return failed(error.message, error.temporary);
    return failed(`${nameOf(request)}: ${noAnswer(error)}`, true);
  }
}
