import { isRecord, type Json, type Variables } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import type { ServiceTask } from '../model/model.ts';
import type { ServiceRequest } from './event.ts';

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

/**
 * The call of a service task, from the variables at this moment. Parts whose value is null are left out (a path
 * parameter is refused); `body` itself may be null.
 */
export function buildRequest(task: ServiceTask, variables: Variables, now: string): ServiceRequest {
  const application = task.application.evaluate(variables, now).value;
  const address = typeof application === 'string' ? application : '';
  const service =
    task.service !== undefined && address.split('/').length === 4 ? `${address}/${task.service}` : address;
  if (!servicePattern.test(service)) throw new FeelError('the application to call is not known');
  const path: Record<string, string> = {};
  const query: Record<string, string | readonly string[]> = {};
  const headers: Record<string, string> = {};
  let body: Json | undefined;
  for (const { target, source } of task.inputs) {
    const [where, ...segments] = target;
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
  return { service, operation: task.operation, path, query, headers, body };
}
