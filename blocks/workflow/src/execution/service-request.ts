import { isRecord, type Json, type Variables } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import type { ConnectionTarget, OperationTarget, ServiceTask } from '../model/model.ts';
import type { ConnectionRequest, JobRequest, ServiceRequest } from './event.ts';

const servicePattern = /^[A-Za-z0-9'()+,\-.=?_]{1,100}(\/[A-Za-z0-9'()+,\-.=?_]{1,100}){4}$/;

function scalar(value: Json, target: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new FeelError(`${target} must be a text, a number or true or false`);
}

type MutableRecord = { [key: string]: Json };

function place(body: Json | undefined, segments: readonly string[], value: Json): Json {
  const [first, ...rest] = segments;
  if (first === undefined) return value;
  const holder: MutableRecord = isRecord(body) ? { ...body } : {};
  holder[first] = place(holder[first], rest, value);
  return holder;
}

type Parts = Pick<ServiceRequest, 'path' | 'query' | 'headers' | 'body'>;

/**
 * The parts of a request, from the variables at this moment. Parts whose value is null are left out (a path parameter is
 * refused); `body` itself may be null. Names that are no place are parts of the body.
 */
function partsOf(task: ServiceTask, variables: Variables, now: string): Parts {
  const path: Record<string, string> = {};
  const query: Record<string, string | readonly string[]> = {};
  const headers: Record<string, string> = {};
  let body: Json | undefined;
  const named = task.target.kind === 'mail' || task.target.kind === 'sms';
  for (const { target, source } of task.inputs) {
    const [where, ...segments] = named ? ['body', ...target] : target;
    const name = segments[0] ?? '';
    const label = target.join('.');
    const { value, missing } = source.evaluate(variables, now);
    if (where === 'body') {
      if (value !== null || segments.length === 0) body = place(body, segments, value);
    } else if (value === null) {
      if (where !== 'path') continue;
      const hint = missing.length > 0 ? `; there is no variable ${missing.join(', ')}` : '';
      throw new FeelError(`${label} has no value${hint}`);
    } else if (where === 'path') {
      path[name] = scalar(value, label);
    } else if (where === 'query') {
      query[name] = Array.isArray(value) ? value.map((one) => scalar(one, label)) : scalar(value, label);
    } else {
      headers[name] = scalar(value, label);
    }
  }
  return { path, query, headers, body };
}

function serviceOf(target: OperationTarget, variables: Variables, now: string): string {
  const application = target.application.evaluate(variables, now).value;
  const address = typeof application === 'string' ? application : '';
  const service =
    target.service !== undefined && address.split('/').length === 4
      ? `${address}/${target.service}`
      : address;
  if (!servicePattern.test(service)) throw new FeelError('the application to call is not known');
  return service;
}

/** A path with its parameters filled in; none of them leads out of its segment. */
function fill(template: string, path: Parts['path']): string {
  const filled = template.replaceAll(/\{([^}]+)\}/g, (_, name: string) => {
    const value = path[name];
    if (value === undefined) throw new FeelError(`the path needs path.${name}`);
    return encodeURIComponent(value);
  });
  if (/\/\.{1,2}(\/|$)/.test(filled)) throw new FeelError('a path parameter is . or ..');
  return filled;
}

function overConnection(target: ConnectionTarget, parts: Parts): ConnectionRequest {
  const { connection } = target;
  const { path, ...rest } = parts;
  return target.kind === 'http'
    ? { kind: 'http', connection, method: target.method, path: fill(target.path, path), ...rest }
    : { kind: target.kind, connection, ...rest };
}

/** The request of a service task, from the variables at this moment. `jobId`: id of the call. Throws `FeelError`. */
export function buildRequest(
  task: ServiceTask,
  variables: Variables,
  now: string,
  jobId: string,
): JobRequest {
  const { target } = task;
  if (target.kind !== 'operation') return overConnection(target, partsOf(task, variables, now));
  const service = serviceOf(target, variables, now);
  const parts = partsOf(task, variables, now);
  const body = task.sendsMessage ? place(parts.body, ['messageId'], jobId) : parts.body;
  return { service, operation: target.operation, ...parts, body };
}
