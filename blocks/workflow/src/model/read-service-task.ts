import type { ModdleElement } from 'bpmn-moddle';
import { compileSource, type Expression } from '../feel/expression.ts';
import { durationMs, isDuration } from './duration.ts';
import { readSource } from './issues.ts';
import { readCallInputs, readVariable } from './mappings.ts';
import type { ErrorMapping, ServiceTask } from './model.ts';
import { attribute, extensions, type Reader } from './reader.ts';

const identifier = /^[A-Za-z0-9'()+,\-.=?_]{1,100}(\/[A-Za-z0-9'()+,\-.=?_]{1,100}){3,4}$/;

/**
 * The application a task calls: `=` and FEEL, an address with `{instance}` or `{binding}` placeholders, or the name
 * of a binding.
 */
function readApplication(element: ModdleElement, text: string, reader: Reader): Expression {
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

type OwnFields = Pick<
  ServiceTask,
  | 'application'
  | 'service'
  | 'operation'
  | 'inputs'
  | 'resultVariable'
  | 'accepts'
  | 'errors'
  | 'retries'
  | 'timeoutMs'
>;

/** Reads what a service task (or send task) calls, with what, and what its answers mean. */
export function readServiceTask(element: ModdleElement, reader: Reader): OwnFields {
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
  const retries = attribute(element, 'govstack:retries');
  for (const pause of words(retries)) {
    if (!isDuration(pause)) issues.add(element, `retry pause ${pause} is not an ISO 8601 duration`);
  }
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
    application: target,
    service,
    operation: operation ?? '',
    inputs: readCallInputs(element, reader),
    resultVariable: readVariable(element, 'govstack:resultVariable', reader),
    accepts: accepts.map(Number),
    errors: readErrors(element, reader),
    retries: retries === undefined ? undefined : words(retries),
    timeoutMs,
  };
}
