import { badRequest, isApplicationId, isServiceId } from '@govstack/platform';
import { isTimeZone, nextMinute, readCron } from './clock.ts';
import { type Condition, readCondition } from './condition.ts';
import { type Expression, isObject, type Reading, readExpression } from './expression.ts';

/** Where a value goes. */
export interface Assignment {
  readonly to: string;
  readonly value: Expression;
  readonly pointer: string;
}

/** A registry of the same owner in which a record is written. */
export interface RegistryTarget {
  readonly kind: 'registry';
  readonly registry: string;
  readonly action: 'create' | 'update' | 'updateOrCreate';
  /** Fields of the target by which its record is found. */
  readonly match: readonly string[];
  readonly input: readonly Assignment[];
}

/** An operation of another application, through the information mediator. */
export interface ServiceTarget {
  readonly kind: 'service';
  readonly service: string;
  readonly method: string;
  /** `{uuid}` and `{number}` stand for the record; its values are never part of an address. */
  readonly path: string;
  readonly input: readonly Assignment[];
}

export type Target = RegistryTarget | ServiceTarget;

export const listenedActions = ['create', 'update', 'restore'] as const;

/** When an automation works. */
export type When =
  | { readonly kind: 'every'; readonly seconds: number }
  | { readonly kind: 'cron'; readonly cron: string; readonly timeZone: string }
  | { readonly kind: 'on'; readonly actions: readonly string[] }
  | { readonly kind: 'hook'; readonly callers: readonly string[]; readonly signed: boolean }
  | { readonly kind: 'manual' };

/** An automation as it is carried out. */
export interface Definition {
  readonly name: string;
  readonly source: string | undefined;
  readonly condition: Condition;
  readonly when: When;
  readonly targets: readonly Target[];
  /** What is written back to the record when it is done. */
  readonly output: readonly Assignment[];
  /** A record that changes is worked on again. */
  readonly everyChange: boolean;
  readonly attempts: number;
  readonly delaySeconds: number;
  /** Fields of the source that are looked at. */
  readonly looksAt: ReadonlySet<string>;
  readonly lookups: Reading['lookups'];
}

const methods = ['POST', 'PUT', 'PATCH', 'GET', 'DELETE'];
const mostTargets = 5;
const mostAssignments = 100;
const inPath = /^\/(?!\/)(?:[A-Za-z0-9._~!$&'()*+,;=:@%/-]|\{uuid\}|\{number\})*$/;

/** When the next run begins; undefined: not by the clock. */
export function nextRun(when: When, now: Date): Date | undefined {
  if (when.kind === 'every') return new Date(now.getTime() + when.seconds * 1000);
  return when.kind === 'cron' ? nextMinute(readCron(when.cron), when.timeZone, now) : undefined;
}

/** Reads what an analyst has defined; throws 400 with all that is wrong. */
export function readDefinition(input: unknown): Definition {
  const reading: Reading = { defects: [], fields: new Set(), lookups: [], nodes: 0 };
  const root = '/definition';
  const defect = (pointer: string, detail: string): void =>
    void reading.defects.push({ in: 'body', pointer: `${root}${pointer}`, detail });
  if (!isObject(input)) throw badRequest('The definition must be an object');
  const known = (value: Record<string, unknown>, pointer: string, ...names: string[]): void => {
    for (const name of Object.keys(value))
      if (!names.includes(name)) defect(`${pointer}/${name}`, 'is not known here');
  };
  const text = (value: unknown, pointer: string, most = 200): string => {
    if (typeof value === 'string' && value.length > 0 && value.length <= most) return value;
    defect(pointer, `must be a text of up to ${most} characters`);
    return '';
  };
  const whole = (value: unknown, pointer: string, from: number, to: number, otherwise: number): number => {
    if (value === undefined) return otherwise;
    if (Number.isInteger(value) && (value as number) >= from && (value as number) <= to)
      return value as number;
    defect(pointer, `must be a whole number from ${from} to ${to}`);
    return otherwise;
  };
  const assignments = (value: unknown, pointer: string, least = 1): Assignment[] => {
    if (!Array.isArray(value) || value.length < least || value.length > mostAssignments) {
      defect(pointer, `must be a list of ${least} to ${mostAssignments} assignments`);
      return [];
    }
    return value.map((one: unknown, index) => {
      const at = `${pointer}/${index}`;
      if (!isObject(one)) {
        defect(at, 'must be {to, value}');
        return { to: '', value: async () => null, pointer: at };
      }
      known(one, at, 'to', 'value');
      return {
        to: text(one.to, `${at}/to`),
        value: readExpression(one.value, `${root}${at}/value`, reading),
        pointer: `${root}${at}`,
      };
    });
  };

  known(
    input,
    '',
    ...['name', 'source', 'condition', 'when', 'targets', 'output', 'repeat', 'retry', 'description'],
  );
  const name = text(input.name, '/name');
  const source = input.source === undefined ? undefined : text(input.source, '/source', 60).toLowerCase();
  const condition =
    input.condition === undefined
      ? { all: [] }
      : readCondition(input.condition, `${root}/condition`, reading);
  const when = readWhen();
  const targets = readTargets();
  const output = input.output === undefined ? [] : assignments(input.output, '/output');
  if (input.repeat !== undefined && input.repeat !== 'once' && input.repeat !== 'change')
    defect('/repeat', 'must be once or change');
  const retry = isObject(input.retry) ? input.retry : {};
  if (input.retry !== undefined && !isObject(input.retry))
    defect('/retry', 'must be {attempts, delaySeconds}');
  known(retry, '/retry', 'attempts', 'delaySeconds');
  const attempts = whole(retry.attempts, '/retry/attempts', 1, 20, 5);
  const delaySeconds = whole(retry.delaySeconds, '/retry/delaySeconds', 1, 86_400, 30);
  if (source === undefined) {
    if (when.kind !== 'hook') defect('/source', 'is needed: only a hook brings its own records');
    if (targets.some(({ kind }) => kind === 'service'))
      defect('/targets', 'of a hook without source must be registries');
    if (input.condition !== undefined) defect('/condition', 'needs a source');
    if (output.length > 0) defect('/output', 'needs a source');
  }
  if (reading.defects.length > 0)
    throw badRequest('The automation is not valid', reading.defects.slice(0, 100));
  return {
    name,
    source,
    condition,
    when,
    targets,
    output,
    everyChange: input.repeat === 'change',
    attempts,
    delaySeconds,
    looksAt: reading.fields,
    lookups: reading.lookups,
  };

  function readWhen(): When {
    const given = (input as Record<string, unknown>).when;
    if (!isObject(given)) {
      defect('/when', 'must say every, cron, on, hook or manual');
      return { kind: 'manual' };
    }
    if (given.every !== undefined) {
      known(given, '/when', 'every');
      return { kind: 'every', seconds: whole(given.every, '/when/every', 1, 31 * 86_400, 60) };
    }
    if (given.cron !== undefined) {
      known(given, '/when', 'cron', 'timeZone');
      const cron = text(given.cron, '/when/cron', 100);
      const timeZone = given.timeZone === undefined ? 'UTC' : text(given.timeZone, '/when/timeZone', 60);
      if (!isTimeZone(timeZone)) defect('/when/timeZone', 'is not a time zone');
      else
        try {
          if (!nextMinute(readCron(cron), timeZone, new Date())) defect('/when/cron', 'never comes');
        } catch (error) {
          defect('/when/cron', (error as Error).message);
        }
      return { kind: 'cron', cron, timeZone };
    }
    if (given.on !== undefined) {
      known(given, '/when', 'on');
      const actions = Array.isArray(given.on) ? given.on : [];
      if (actions.length === 0 || actions.some((one) => !listenedActions.includes(one as never)))
        defect('/when/on', `must be a list of ${listenedActions.join(', ')}`);
      return { kind: 'on', actions: actions.map(String) };
    }
    if (isObject(given.hook)) {
      known(given, '/when', 'hook');
      known(given.hook, '/when/hook', 'callers', 'signed');
      const callers = Array.isArray(given.hook.callers) ? given.hook.callers.map(String) : [];
      const signed = given.hook.signed === true;
      if (callers.length > 50 || callers.some((one) => !isApplicationId(one)))
        defect('/when/hook/callers', 'must be a list of up to 50 applications');
      if (callers.length === 0 && !signed)
        defect('/when/hook', 'must name its callers, or be signed: otherwise anybody could use it');
      return { kind: 'hook', callers, signed };
    }
    known(given, '/when', 'manual');
    if (given.manual !== true) defect('/when', 'must say every, cron, on, hook or manual');
    return { kind: 'manual' };
  }

  function readTargets(): Target[] {
    const given = (input as Record<string, unknown>).targets;
    if (!Array.isArray(given) || given.length === 0 || given.length > mostTargets) {
      defect('/targets', `must be a list of 1 to ${mostTargets} targets`);
      return [];
    }
    const read = given.map((one: unknown, index): Target => {
      const at = `/targets/${index}`;
      const target = isObject(one) ? one : {};
      if (target.service === undefined) {
        known(target, at, 'registry', 'action', 'match', 'input');
        const action = target.action ?? 'create';
        if (action !== 'create' && action !== 'update' && action !== 'updateOrCreate')
          defect(`${at}/action`, 'must be create, update or updateOrCreate');
        const assigned = assignments(target.input, `${at}/input`);
        const match = Array.isArray(target.match) ? target.match.map(String) : [];
        if (action !== 'create' && match.length === 0)
          defect(`${at}/match`, 'must name the fields by which the record is found');
        for (const field of match)
          if (!assigned.some(({ to }) => to === field))
            defect(`${at}/match`, `${field} gets no value in input`);
        return {
          kind: 'registry',
          registry: text(target.registry, `${at}/registry`, 60).toLowerCase(),
          action: action as RegistryTarget['action'],
          match,
          input: assigned,
        };
      }
      known(target, at, 'service', 'method', 'path', 'input');
      const service = text(target.service, `${at}/service`, 600);
      if (!isServiceId(service)) defect(`${at}/service`, 'is not a service of the directory');
      const method = text(target.method, `${at}/method`, 10);
      if (!methods.includes(method)) defect(`${at}/method`, `must be one of ${methods.join(', ')}`);
      const path = text(target.path, `${at}/path`, 500);
      if (!inPath.test(path) || path.split('/').some((part) => /^(\.|%2e){1,2}$/i.test(part)))
        defect(`${at}/path`, 'must be a path, with {uuid} or {number} for the record');
      const assigned = target.input === undefined ? [] : assignments(target.input, `${at}/input`, 0);
      for (const { to, pointer } of assigned)
        if (!to.startsWith('/') || to.split('/').some((part) => part === '__proto__'))
          reading.defects.push({ in: 'body', pointer: `${pointer}/to`, detail: 'must be a JSON Pointer' });
      if ((method === 'GET' || method === 'DELETE') && assigned.length > 0)
        defect(`${at}/input`, `cannot be sent with ${method}`);
      return { kind: 'service', service, method, path, input: assigned };
    });
    if (read.length > 1 && read.some(({ kind }) => kind === 'service'))
      defect('/targets', 'a service is the only target: what it does cannot be taken back with the others');
    return read;
  }
}
