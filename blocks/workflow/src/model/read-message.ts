import type { ModdleElement } from 'bpmn-moddle';
import type { Expression } from '../feel/expression.ts';
import type { Json } from '../feel/json.ts';
import { durationMs, isDuration } from './duration.ts';
import { readSource } from './issues.ts';
import { readNamedInputs } from './mappings.ts';
import type { MessageDefinition, MessageThrow } from './model.ts';
import { readApplication, readRetries, type readServiceTask } from './read-service-task.ts';
import { attribute, child, type Reader } from './reader.ts';

/** Reads the name of a message; without one it becomes an issue. */
export function readMessageName(element: ModdleElement, holder: ModdleElement, reader: Reader): string {
  const message = child(holder, 'messageRef');
  const name = message && attribute(message, 'name');
  if (name === undefined) reader.issues.add(element, 'a message needs messageRef to a message with a name');
  return name ?? '';
}

function readKey(element: ModdleElement, holder: ModdleElement, what: string, reader: Reader): Expression {
  const key = attribute(holder, 'govstack:correlationKey');
  if (key === undefined) reader.issues.add(element, `${what} a message needs govstack:correlationKey`);
  return readSource(reader.issues, element, 'correlation key', key ?? '');
}

/** Reads the message something waits for: its name and the value that tells one waiting instance from another. */
export const readMessage = (
  element: ModdleElement,
  holder: ModdleElement,
  reader: Reader,
): MessageDefinition => ({
  kind: 'message',
  name: readMessageName(element, holder, reader),
  correlationKey: readKey(element, holder, 'waiting for', reader),
});

const aDay = 86_400;
const longest = 30 * aDay;

function readTimeToLive(element: ModdleElement, holder: ModdleElement, reader: Reader): number {
  const text = attribute(holder, 'govstack:timeToLive');
  if (text === undefined) return aDay;
  const seconds =
    /^P[\dT][\dDTHMS.]*$/.test(text) && isDuration(text) ? Math.ceil(durationMs(text) / 1000) : 0;
  if (seconds < 1 || seconds > longest) {
    reader.issues.add(element, `timeToLive ${text} is not an ISO 8601 duration of at most 30 days`);
  }
  return seconds;
}

/** Reads the message that something sends. `holder`: its event definition, or the send task itself. */
export const readMessageThrow = (
  element: ModdleElement,
  holder: ModdleElement,
  reader: Reader,
): MessageThrow => ({
  kind: 'message',
  name: readMessageName(element, holder, reader),
  correlationKey: readKey(element, holder, 'sending', reader),
  inputs: readNamedInputs(element, reader),
  timeToLive: readTimeToLive(element, holder, reader),
});

const constant = (value: Json): Expression => ({
  text: JSON.stringify(value),
  evaluate: () => ({ value, missing: [] }),
});

/** Keys are texts: a number is written as one. */
const asText = (key: Expression): Expression => ({
  text: key.text,
  evaluate(variables, now) {
    const { value, missing } = key.evaluate(variables, now);
    return { value: typeof value === 'number' ? String(value) : value, missing };
  },
});

type Call = ReturnType<typeof readServiceTask>;

/**
 * Reads a message to another application's processes: a call of the `publishMessage` of its workflow, with all that
 * calls have. Undefined when it names no application.
 */
export function readMessageCall(
  element: ModdleElement,
  holder: ModdleElement,
  reader: Reader,
): Call | undefined {
  const application = attribute(holder, 'govstack:application');
  if (application === undefined) return undefined;
  const { name, correlationKey, inputs, timeToLive } = readMessageThrow(element, holder, reader);
  return {
    target: {
      kind: 'operation',
      application: readApplication(element, application, reader),
      service: 'workflow-v1',
      operation: 'publishMessage',
    },
    inputs: [
      { target: ['body', 'name'], source: constant(name) },
      { target: ['body', 'correlationKey'], source: asText(correlationKey) },
      { target: ['body', 'timeToLive'], source: constant(timeToLive) },
      ...inputs.map(({ target, source }) => ({ target: ['body', 'payload', target[0]] as const, source })),
    ],
    resultVariable: undefined,
    accepts: [],
    errors: [],
    retries: readRetries(element, attribute(holder, 'govstack:retries'), reader),
    timeoutMs: undefined,
    sendsMessage: true,
  };
}
