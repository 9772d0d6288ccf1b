import type { ModdleElement } from 'bpmn-moddle';
import { dataInputs, dataOutputs } from './data.ts';
import { readSource } from './issues.ts';
import type { InputMapping, OutputMapping } from './model.ts';
import { attribute, extensions, type Reader } from './reader.ts';
import { isVariableName } from './variable-name.ts';

export { isVariableName };

/** Headers that belong to the mediator and to the engine. */
const reservedHeaders = new Set([
  'authorization',
  'content-length',
  'content-type',
  'cookie',
  'host',
  'idempotency-key',
  'traceparent',
  'x-correlation-id',
  'x-request-timeout',
  'x-road-client',
]);

/** A process variable that a result is written to; an unusable name becomes an issue. */
export function readVariable(element: ModdleElement, name: string, reader: Reader): string | undefined {
  const variable = attribute(element, name);
  if (variable !== undefined && !isVariableName(variable)) {
    reader.issues.add(element, `${variable} cannot be the name of a variable`);
  }
  return variable;
}

/** What an element writes to variables: its outputs, then its data output associations. */
export const readOutputs = (element: ModdleElement, reader: Reader): readonly OutputMapping[] => [
  ...extensions(element, 'Output').flatMap((output) => {
    const target = readVariable(output, 'target', reader);
    const source = attribute(output, 'source');
    if (target === undefined || source === undefined) {
      reader.issues.add(element, 'an output needs source and target');
      return [];
    }
    return [{ target, source: readSource(reader.issues, element, `output ${target}`, source) }];
  }),
  ...dataOutputs(element, reader),
];

function targetOfCall(text: string): readonly [string, ...string[]] | undefined {
  const [where, ...segments] = text.split('.');
  if (where === 'body') {
    return segments.every((segment) => /^[A-Za-z0-9_$@-]+$/.test(segment) && segment !== '__proto__')
      ? ['body', ...segments]
      : undefined;
  }
  const name = segments.join('.');
  if ((where === 'path' || where === 'query') && /^[A-Za-z0-9_.[\]-]+$/.test(name)) return [where, name];
  if (where === 'header' && /^[A-Za-z0-9-]+$/.test(name) && !reservedHeaders.has(name.toLowerCase())) {
    return ['header', name.toLowerCase()];
  }
  return undefined;
}

const overlaps = (a: readonly string[], b: readonly string[]): boolean =>
  a.slice(0, b.length).join('\n') === b.slice(0, a.length).join('\n');

function readInputs(
  element: ModdleElement,
  reader: Reader,
  read: (target: string) => readonly [string, ...string[]] | undefined,
  expected: string,
): readonly InputMapping[] {
  const given = extensions(element, 'Input').flatMap((input) => {
    const target = attribute(input, 'target');
    const source = attribute(input, 'source');
    if (target !== undefined && source !== undefined) {
      return [{ target, source: readSource(reader.issues, element, `input ${target}`, source) }];
    }
    reader.issues.add(element, 'an input needs target and source');
    return [];
  });
  const inputs: InputMapping[] = [];
  for (const { target, source } of [...given, ...dataInputs(element, reader)]) {
    const path = read(target);
    if (!path) {
      reader.issues.add(element, `input target ${target} is not ${expected}`);
      continue;
    }
    if (inputs.some((other) => overlaps(other.target, path))) {
      reader.issues.add(element, `input target ${target} is given twice`);
    }
    inputs.push({ target: path, source });
  }
  return inputs;
}

/** Inputs of a service call: parts of the request. */
export const readCallInputs = (element: ModdleElement, reader: Reader): readonly InputMapping[] =>
  readInputs(element, reader, targetOfCall, 'body, body.…, path.…, query.… or a header.… of your own');

/** Inputs with one of a few names. */
export const readFixedInputs = (
  element: ModdleElement,
  names: readonly string[],
  reader: Reader,
): readonly InputMapping[] =>
  readInputs(
    element,
    reader,
    (target) => (names.includes(target) ? [target] : undefined),
    `one of ${names.join(', ')}`,
  );

/** Inputs of a user task or decision: named values. */
export const readNamedInputs = (element: ModdleElement, reader: Reader): readonly InputMapping[] =>
  readInputs(
    element,
    reader,
    (target) => (/^[\p{L}_][\p{L}\p{N}_ ]{0,99}$/u.test(target) ? [target] : undefined),
    'a name',
  );
