import type { ModdleElement } from 'bpmn-moddle';
import { parseCycle } from './cycle.ts';
import { asInstant, isDuration } from './duration.ts';
import { readSource } from './issues.ts';
import type {
  BoundaryEvent,
  CatchDefinition,
  EndEvent,
  MessageDefinition,
  StartTimer,
  StartTrigger,
  TimerDefinition,
} from './model.ts';
import { missedPolicies } from './model.ts';
import { attribute, child, children, type Reader } from './reader.ts';

const never: TimerDefinition = {
  kind: 'timer',
  when: 'duration',
  timeZone: undefined,
  value: { text: 'null', evaluate: () => ({ value: null, missing: [] }) },
};

const timerParts = { timeDate: 'date', timeDuration: 'duration', timeCycle: 'cycle' } as const;

interface TimerText {
  readonly when: StartTimer['when'];
  readonly text: string;
  readonly timeZone: string | undefined;
}

/** What is wrong with the text of a timer, if anything. */
export function timerDefect({ when, text, timeZone }: TimerText): string | undefined {
  if (when !== 'cycle') {
    if (timeZone !== undefined) return 'only a cron expression takes govstack:timeZone';
    const fits = when === 'duration' ? isDuration(text) : asInstant(text) !== undefined;
    if (fits) return undefined;
    return `${text || 'an empty text'} is not an ISO 8601 ${when === 'duration' ? 'duration' : 'date and time'}`;
  }
  try {
    parseCycle(text, timeZone);
    return undefined;
  } catch (error) {
    return `${text || 'an empty text'} is not a cycle: ${(error as Error).message}`;
  }
}

function readTimerText(
  element: ModdleElement,
  definition: ModdleElement,
  reader: Reader,
): TimerText | undefined {
  const given = Object.entries(timerParts).flatMap(([name, when]) => {
    const part = child(definition, name);
    return part ? [{ when, text: (attribute(part, 'body') ?? '').trim() }] : [];
  });
  const [only] = given;
  if (!only || given.length > 1) {
    reader.issues.add(element, 'a timer needs either timeDuration, timeDate or timeCycle');
    return undefined;
  }
  return { ...only, timeZone: attribute(definition, 'govstack:timeZone') };
}

function readTimer(element: ModdleElement, definition: ModdleElement, reader: Reader): TimerDefinition {
  const { issues } = reader;
  const timer = readTimerText(element, definition, reader);
  if (!timer) return never;
  const { when, text, timeZone } = timer;
  if (attribute(definition, 'govstack:missed') !== undefined) {
    issues.add(element, 'only the timer of a start event takes govstack:missed');
  }
  const defect = text.startsWith('=') ? undefined : timerDefect(timer);
  if (defect !== undefined) issues.add(element, defect);
  return { kind: 'timer', when, timeZone, value: readSource(issues, element, 'timer', text) };
}

function readStartTimer(element: ModdleElement, definition: ModdleElement, reader: Reader): StartTrigger {
  const timer = readTimerText(element, definition, reader);
  if (!timer) return { kind: 'none' };
  const defect = timerDefect(timer);
  if (defect !== undefined) reader.issues.add(element, defect);
  const given = attribute(definition, 'govstack:missed') ?? 'once';
  const missed = missedPolicies.find((one) => one === given);
  if (!missed) reader.issues.add(element, `govstack:missed is one of ${missedPolicies.join(', ')}`);
  return { kind: 'timer', ...timer, missed: missed ?? 'once' };
}

/** Reads what makes an instance begin at a start event of a process. */
export function readStartTrigger(element: ModdleElement, reader: Reader): StartTrigger {
  const definition = definitionOf(element, reader);
  if (!definition) return { kind: 'none' };
  if (definition.$type === 'bpmn:TimerEventDefinition') return readStartTimer(element, definition, reader);
  if (definition.$type === 'bpmn:MessageEventDefinition') {
    if (attribute(definition, 'govstack:correlationKey') !== undefined) {
      reader.issues.add(element, 'a message start takes any correlation key: it becomes the business key');
    }
    return { kind: 'message', name: readMessageName(element, definition, reader) };
  }
  reader.issues.add(element, `a start event with ${kindOf(definition)} is not supported`);
  return { kind: 'none' };
}

function readMessageName(element: ModdleElement, holder: ModdleElement, reader: Reader): string {
  const message = child(holder, 'messageRef');
  const name = message && attribute(message, 'name');
  if (name === undefined) reader.issues.add(element, 'a message needs messageRef to a message with a name');
  return name ?? '';
}

/** Reads the message something waits for: its name and the value that tells one waiting instance from another. */
export function readMessage(
  element: ModdleElement,
  holder: ModdleElement,
  reader: Reader,
): MessageDefinition {
  const name = readMessageName(element, holder, reader);
  const key = attribute(holder, 'govstack:correlationKey');
  if (key === undefined) reader.issues.add(element, 'waiting for a message needs govstack:correlationKey');
  return {
    kind: 'message',
    name,
    correlationKey: readSource(reader.issues, element, 'correlation key', key ?? ''),
  };
}

/** The one event definition of an event; undefined when it has none, or when it is not supported. */
function definitionOf(element: ModdleElement, reader: Reader): ModdleElement | undefined {
  const definitions = children(element, 'eventDefinitions');
  if (definitions.length > 1 || children(element, 'eventDefinitionRef').length > 0) {
    reader.issues.add(element, 'an event has one event definition, written inside it');
  }
  return definitions[0];
}

const kindOf = (definition: ModdleElement): string =>
  definition.$type.replace('bpmn:', '').replace('EventDefinition', '').toLowerCase();

const errorCodeOf = (
  definition: ModdleElement,
  element: ModdleElement,
  reader: Reader,
): string | undefined => {
  const error = child(definition, 'errorRef');
  if (!error) return undefined;
  const code = attribute(error, 'errorCode');
  if (code === undefined) reader.issues.add(element, 'the error has no errorCode');
  return code;
};

/** Reads the timer or message that a catch event waits for. */
export function readCatch(element: ModdleElement, reader: Reader): CatchDefinition {
  const definition = definitionOf(element, reader);
  if (definition?.$type === 'bpmn:TimerEventDefinition') return readTimer(element, definition, reader);
  if (definition?.$type === 'bpmn:MessageEventDefinition') return readMessage(element, definition, reader);
  reader.issues.add(
    element,
    definition
      ? `catching ${kindOf(definition)} is not supported`
      : 'a catch event needs a timer or a message',
  );
  return never;
}

/** Reads what a boundary event catches: a BPMN error, a timer or a message. */
export function readBoundaryCatch(element: ModdleElement, reader: Reader): BoundaryEvent['catches'] {
  const definition = children(element, 'eventDefinitions')[0];
  if (definition?.$type !== 'bpmn:ErrorEventDefinition') return readCatch(element, reader);
  definitionOf(element, reader);
  return { kind: 'error', code: errorCodeOf(definition, element, reader) };
}

/** Reads how an end event ends its path. */
export function readEnd(element: ModdleElement, reader: Reader): EndEvent['result'] {
  const definition = definitionOf(element, reader);
  if (!definition) return { kind: 'none' };
  if (definition.$type === 'bpmn:TerminateEventDefinition') return { kind: 'terminate' };
  if (definition.$type === 'bpmn:ErrorEventDefinition') {
    const code = errorCodeOf(definition, element, reader);
    if (code === undefined) reader.issues.add(element, 'an error end event needs errorRef');
    return { kind: 'error', code: code ?? '' };
  }
  reader.issues.add(element, `ending with ${kindOf(definition)} is not supported`);
  return { kind: 'none' };
}

/** Whether the element is a plain start or throw event, without any definition. */
export function requireNone(element: ModdleElement, what: string, reader: Reader): void {
  const definition = definitionOf(element, reader);
  if (definition) reader.issues.add(element, `${what} with ${kindOf(definition)} is not supported`);
}
