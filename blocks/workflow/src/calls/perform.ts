import {
  CallFailed,
  type MediatedResponse,
  type Mediation,
  newContext,
  withContext,
} from '@govstack/platform';
import type { EngineEvent, ServiceRequest } from '../execution/event.ts';
import type { Json } from '../feel/json.ts';
import type { LeasedJob } from '../jobs/lease.ts';
import { type Descriptions, NotCallable, type OperationPlace } from './descriptions.ts';

export interface CallOptions {
  readonly mediation: Mediation;
  readonly descriptions: Descriptions;
  readonly timeoutMs: number;
  /** Largest answer that is taken into process variables, in bytes. */
  readonly maxAnswerBytes: number;
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

function bodyOf(response: MediatedResponse, maxBytes: number): Json {
  if (response.body.length > maxBytes) {
    throw new NotCallable(
      `the answer has ${response.body.length} bytes; at most ${maxBytes} are taken`,
      false,
    );
  }
  if (response.body.length === 0) return null;
  const text = response.body.toString('utf8');
  if (text.includes('\0') || text.includes('\\u0000')) {
    throw new NotCallable('the answer contains characters that cannot be stored', false);
  }
  if (!/[/+]json\b/i.test(response.headers['content-type'] ?? '')) return text;
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new NotCallable('the answer is not well-formed JSON', false);
  }
}

const isTemporary = (status: number): boolean =>
  status === 408 || status === 425 || status === 429 || status >= 500;

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
      body: bodyOf(response, options.maxAnswerBytes),
      temporary: isTemporary(response.status),
    },
  };
}

/**
 * Makes the call of a job, for the application that owns the process, under the correlation id of the instance. The
 * job's id is the idempotency key of every attempt. Whatever goes wrong becomes a `jobFailed` event; undefined when the
 * call was cut off by the end of this process, which says nothing about the call.
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
    const context = newContext({ correlationId: job.correlationId });
    return await withContext(context, () => call(job, request, options));
  } catch (error) {
    if (options.signal.aborted) return undefined;
    if (error instanceof NotCallable) return failed(error.message, error.temporary);
    const reason = (error as Error).name === 'TimeoutError' ? 'no answer in time' : 'no answer';
    return failed(`${request.operation}: ${reason}`, true);
  }
}
