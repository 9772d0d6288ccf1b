import type { ModdleElement } from 'bpmn-moddle';
import { compileSource, type Expression } from '../feel/expression.ts';
import { durationMs, isDuration } from './duration.ts';
import { readSource } from './issues.ts';
import { readCallInputs, readFixedInputs, readVariable } from './mappings.ts';
import {
  type ConnectionTarget,
  type ErrorMapping,
  type HttpMethod,
  httpMethods,
  type OperationTarget,
  type ServiceTask,
} from './model.ts';
import { attribute, extensions, type Reader } from './reader.ts';

const identifier = /^[A-Za-z0-9'()+,\-.=?_]{1,100}(\/[A-Za-z0-9'()+,\-.=?_]{1,100}){3,4}$/;

/**
 * The application a task calls: `=` and FEEL, an address with `{instance}` or `{binding}` placeholders, or the name
 * of a binding.
 */
export function readApplication(element: ModdleElement, text: string, reader: Reader): Expression {
  if (text.startsWith('=')) return readSource(reader.issues, element, 'application', text);
  const known: Record<string, string> = { instance: reader.owner.split('/')[0] ?? '', ...reader.bindings };
  const template = text.includes('/') ? text : `{${text}}`;
  const address = template.replaceAll(/\{([^}]*)\}/g, (whole, name: string) => {
    const value = Object.hasOwn(known, name) ? known[name] : undefined;
    if (value === undefined) reader.issues.add(element, `there is no binding named ${name}`);
    return value ?? whole;
  });
  if (!address.includes('{') && !identifier.test(address)) {
    reader.issues.add(
      element,
      `${address} is not INSTANCE/CLASS/MEMBER/APPLICATION, with or without /SERVICE`,
    );
  }
  return compileSource(address);
}

/** Names of connections. */
export const isConnectionName = (text: string): boolean => /^[a-z0-9][a-z0-9-]{0,62}$/.test(text);

const words = (text: string | undefined): string[] =>
  text?.split(/[\s,]+/).filter((word) => word !== '') ?? [];

function readErrors(element: ModdleElement, reader: Reader): readonly ErrorMapping[] {
  return extensions(element, 'Error').flatMap((mapping) => {
    const code = attribute(mapping, 'code');
    const status = attribute(mapping, 'status');
    const problem = attribute(mapping, 'problem');
    if (code === undefined || (status === undefined && problem === undefined)) {
      reader.issues.add(element, 'an error mapping needs code, and status or problem');
      return [];
    }
    if (status !== undefined && !/^[1-5][0-9][0-9]$/.test(status)) {
      reader.issues.add(element, `${status} is not an HTTP status`);
    }
    return [{ code, problem, status: status === undefined ? undefined : Number(status) }];
  });
}

/** Pauses before further attempts of a call. */
export function readRetries(
  element: ModdleElement,
  text: string | undefined,
  reader: Reader,
): readonly string[] | undefined {
  for (const pause of words(text)) {
    if (!isDuration(pause)) reader.issues.add(element, `retry pause ${pause} is not an ISO 8601 duration`);
  }
  return text === undefined ? undefined : words(text);
}

type OwnFields = Pick<
  ServiceTask,
  'target' | 'inputs' | 'resultVariable' | 'accepts' | 'errors' | 'retries' | 'timeoutMs' | 'sendsMessage'
>;

function readOperation(element: ModdleElement, reader: Reader): OperationTarget {
  const { issues } = reader;
  const application = attribute(element, 'govstack:application');
  const operation = attribute(element, 'govstack:operation');
  const service = attribute(element, 'govstack:service');
  if (application === undefined) issues.add(element, 'a service task needs govstack:application');
  if (operation === undefined) issues.add(element, 'a service task needs govstack:operation');
  const target = readApplication(element, application ?? '=null', reader);
  if (application !== undefined && !application.startsWith('=')) {
    const parts = (target.evaluate({}, '').value as string).split('/').length;
    if (parts === 4 && service === undefined) issues.add(element, 'a service task needs govstack:service');
    if (parts === 5 && service !== undefined) {
      issues.add(element, 'the application names a service already; leave govstack:service out');
    }
  }
  return { kind: 'operation', application: target, service, operation: operation ?? '' };
}

/** What can be reached over connections, and what each takes. */
const mailInputs = ['to', 'cc', 'bcc', 'replyTo', 'subject', 'text', 'html'];
const smsInputs = ['to', 'text'];

function readConnection(element: ModdleElement, connection: string, reader: Reader): ConnectionTarget {
  const { issues } = reader;
  for (const name of ['application', 'service', 'operation']) {
    if (attribute(element, `govstack:${name}`) !== undefined)
      issues.add(element, `govstack:${name} and govstack:connection exclude one another`);
  }
  if (!isConnectionName(connection)) issues.add(element, `${connection} cannot be the name of a connection`);
  const send = attribute(element, 'govstack:send');
  const method = attribute(element, 'govstack:method');
  const path = attribute(element, 'govstack:path') ?? '';
  if (send === undefined) {
    if (!httpMethods.some((one) => one === method))
      issues.add(element, `a request over a connection needs govstack:method: ${httpMethods.join(', ')}`);
    if (
      !/^(\/([\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}|\{[\w.-]+\})*)*$/.test(path) ||
      /\/\.{1,2}(\/|$)/.test(path)
    )
      issues.add(element, `govstack:path ${path} is not a path; parts of the query are inputs`);
    return { kind: 'http', connection, method: method as HttpMethod, path };
  }
  if (send !== 'mail' && send !== 'sms') issues.add(element, `govstack:send is mail or sms, not ${send}`);
  if (method !== undefined || path !== '')
    issues.add(element, 'govstack:method and govstack:path belong to HTTP requests');
  return { kind: send === 'sms' ? 'sms' : 'mail', connection };
}

function readInputs(
  element: ModdleElement,
  target: ServiceTask['target'],
  reader: Reader,
): ServiceTask['inputs'] {
  if (target.kind === 'operation' || target.kind === 'http') {
    const inputs = readCallInputs(element, reader);
    const given = inputs.flatMap(({ target: [where, name] }) => (where === 'path' && name ? [name] : []));
    const wanted =
      target.kind === 'http' ? [...target.path.matchAll(/\{([^}]+)\}/g)].map((one) => one[1]) : given;
    for (const name of new Set([...given, ...wanted]))
      if (!given.includes(name ?? '') || !wanted.includes(name))
        reader.issues.add(element, `path.${name} is either no input or not in govstack:path`);
    return inputs;
  }
  const inputs = readFixedInputs(element, target.kind === 'mail' ? mailInputs : smsInputs, reader);
  for (const name of target.kind === 'mail' ? ['to', 'subject'] : ['to', 'text'])
    if (!inputs.some((one) => one.target[0] === name))
      reader.issues.add(element, `${target.kind} needs an input ${name}`);
  return inputs;
}

/** Reads what a service task (or send task) calls, with what, and what its answers mean. */
export function readServiceTask(element: ModdleElement, reader: Reader): OwnFields {
  const { issues } = reader;
  const connection = attribute(element, 'govstack:connection');
  for (const name of ['send', 'method', 'path']) {
    if (connection === undefined && attribute(element, `govstack:${name}`) !== undefined)
      issues.add(element, `govstack:${name} needs govstack:connection`);
  }
  const target =
    connection === undefined ? readOperation(element, reader) : readConnection(element, connection, reader);
  const accepts = words(attribute(element, 'govstack:accepts'));
  for (const status of accepts) {
    if (!/^[1-5][0-9][0-9]$/.test(status)) issues.add(element, `${status} is not an HTTP status`);
  }
  const timeout = attribute(element, 'govstack:timeout');
  let timeoutMs: number | undefined;
  if (timeout !== undefined) {
    if (/^PT/.test(timeout) && isDuration(timeout)) timeoutMs = durationMs(timeout);
    else issues.add(element, `timeout ${timeout} is not an ISO 8601 duration of hours, minutes and seconds`);
  }
  return {
    target,
    inputs: readInputs(element, target, reader),
    resultVariable: readVariable(element, 'govstack:resultVariable', reader),
    accepts: accepts.map(Number),
    errors: readErrors(element, reader),
    retries: readRetries(element, attribute(element, 'govstack:retries'), reader),
    timeoutMs,
    sendsMessage: false,
  };
}
