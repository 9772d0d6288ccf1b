import type { ModdleElement } from 'bpmn-moddle';
import { parseCycle } from './cycle.ts';
import { asInstant, isDuration } from './duration.ts';
import { readExpression, readSource } from './issues.ts';
import { readNamedInputs } from './mappings.ts';
import type {
  BoundaryEvent,
  CatchDefinition,
  CodeDefinition,
  CompensationDefinition,
  CompensationThrow,
  EndEvent,
  IntermediateCatchEvent,
  MultipleDefinition,
  SignalThrow,
  StartTimer,
  StartTrigger,
  ThrowDefinition,
  Thrown,
  TimerDefinition,
} from './model.ts';
import { missedPolicies } from './model.ts';
import { readMessage, readMessageName, readMessageThrow } from './read-message.ts';
import { attribute, child, children, idOf, type Reader } from './reader.ts';

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
  if (definition.$type === 'bpmn:SignalEventDefinition') {
    return { kind: 'signal', name: signalNameOf(element, definition, reader) };
  }
  reader.issues.add(element, `a start event with ${kindOf(definition)} is not supported`);
  return { kind: 'none' };
}

/** Definitions of an event: those written inside it, then those of the document that it refers to. */
const definitionsOf = (element: ModdleElement): readonly ModdleElement[] => [
  ...children(element, 'eventDefinitions'),
  ...children(element, 'eventDefinitionRef'),
];

/** The definition of an event that has one at most; undefined when it has none. */
function definitionOf(element: ModdleElement, reader: Reader): ModdleElement | undefined {
  const [first, ...others] = definitionsOf(element);
  for (const other of others) {
    const both = `${kindOf(first as ModdleElement)} and ${kindOf(other)}`;
    reader.issues.add(element, `an event of ${both} is not supported`);
  }
  return first;
}

const kindOf = (definition: ModdleElement): string =>
  definition.$type.replace('bpmn:', '').replace('EventDefinition', '').toLowerCase();

const codeOf = (
  kind: CodeDefinition['kind'],
  definition: ModdleElement,
  element: ModdleElement,
  reader: Reader,
): string | undefined => {
  const referred = child(definition, `${kind}Ref`);
  if (!referred) return undefined;
  const code = attribute(referred, `${kind}Code`);
  if (code === undefined) reader.issues.add(element, `the ${kind} has no ${kind}Code`);
  return code;
};

/** Code of an escalation that is thrown; without one it becomes an issue. */
function escalationOf(
  element: ModdleElement,
  definition: ModdleElement,
  reader: Reader,
): { kind: 'escalation'; code: string } {
  const code = codeOf('escalation', definition, element, reader);
  if (code === undefined) reader.issues.add(element, 'throwing an escalation needs escalationRef');
  return { kind: 'escalation', code: code ?? '' };
}

/** Reads the name of a signal, under which all that wait for it are found. */
function signalNameOf(element: ModdleElement, definition: ModdleElement, reader: Reader): string {
  const signal = child(definition, 'signalRef');
  const name = signal && attribute(signal, 'name');
  if (name === undefined) reader.issues.add(element, 'a signal needs signalRef to a signal with a name');
  return name ?? '';
}

const readSignalThrow = (element: ModdleElement, definition: ModdleElement, reader: Reader): SignalThrow => ({
  kind: 'signal',
  name: signalNameOf(element, definition, reader),
  inputs: readNamedInputs(element, reader),
});

function readOneCatch(element: ModdleElement, definition: ModdleElement, reader: Reader): CatchDefinition {
  if (definition.$type === 'bpmn:TimerEventDefinition') return readTimer(element, definition, reader);
  if (definition.$type === 'bpmn:MessageEventDefinition') return readMessage(element, definition, reader);
  if (definition.$type === 'bpmn:SignalEventDefinition') {
    return { kind: 'signal', name: signalNameOf(element, definition, reader) };
  }
  if (definition.$type === 'bpmn:ConditionalEventDefinition') {
    const condition = child(definition, 'condition');
    const text = (condition && attribute(condition, 'body')) ?? '';
    return { kind: 'conditional', condition: readExpression(reader.issues, element, 'condition', text) };
  }
  reader.issues.add(element, `catching ${kindOf(definition)} is not supported`);
  return never;
}

/** Reads what a catch event waits for by one definition or several. */
function readDefinitions<T extends CatchDefinition | CodeDefinition>(
  element: ModdleElement,
  reader: Reader,
  read: (definition: ModdleElement) => T,
): T | CatchDefinition | MultipleDefinition {
  const [first, ...others] = definitionsOf(element).map(read);
  if (!first) {
    reader.issues.add(element, 'a catch event needs an event definition');
    return never;
  }
  if (others.length === 0) return first;
  const parallel = element.get('parallelMultiple') === true;
  const definitions = [first, ...others];
  if (parallel && definitions.some(({ kind }) => kind === 'error' || kind === 'escalation')) {
    reader.issues.add(element, 'an error or escalation is not waited for together with others');
  }
  return { kind: 'multiple', parallel, definitions };
}

/** Reads what an intermediate event catches: what any catch event may, or a link. */
export function readIntermediateCatch(
  element: ModdleElement,
  reader: Reader,
): IntermediateCatchEvent['catches'] {
  const name = linkNameOf(element);
  if (name === undefined) {
    return readDefinitions(element, reader, (one) => readOneCatch(element, one, reader));
  }
  definitionOf(element, reader);
  if (name === '') reader.issues.add(element, 'a link needs a name');
  return { kind: 'link', name };
}

/** Name of the link that an event is; empty when it has none, undefined when the event is no link. */
function linkNameOf(element: ModdleElement): string | undefined {
  const [definition] = definitionsOf(element);
  return definition?.$type === 'bpmn:LinkEventDefinition' ? (attribute(definition, 'name') ?? '') : undefined;
}

/** Link catch events of one scope by name; a second one of a name becomes an issue. */
export function readLinks(nodes: readonly ModdleElement[], reader: Reader): ReadonlyMap<string, string> {
  const links = new Map<string, string>();
  for (const node of nodes) {
    const name = node.$type === 'bpmn:IntermediateCatchEvent' ? linkNameOf(node) : undefined;
    if (name === undefined || name === '') continue;
    if (links.has(name)) reader.issues.add(node, `the link ${name} is caught twice`);
    else links.set(name, idOf(node));
  }
  return links;
}

/** What the associations of one scope lead to, by what they come from. */
export function readAssociations(scope: ModdleElement): ReadonlyMap<string, readonly ModdleElement[]> {
  const drawn = [...children(scope, 'artifacts'), ...children(scope, 'flowElements')].filter(
    (one) => one.$type === 'bpmn:Association',
  );
  const found = new Map<string, ModdleElement[]>();
  for (const one of drawn) {
    const from = idOf(child(one, 'sourceRef'));
    const to = child(one, 'targetRef');
    if (to) found.set(from, [...(found.get(from) ?? []), to]);
  }
  return found;
}

const compensates = (event: ModdleElement): boolean =>
  definitionsOf(event)[0]?.$type === 'bpmn:CompensateEventDefinition';

/** Whether an event sub-process compensates for what is around it; undefined for any other. */
export function readCompensationStart(
  start: ModdleElement,
  handler: string,
  reader: Reader,
): CompensationDefinition | undefined {
  if (!compensates(start)) return undefined;
  definitionOf(start, reader);
  return { kind: 'compensation', handler };
}

/** Reads which activity compensates, by the association of a compensation event; undefined for any other event. */
export function readCompensation(
  element: ModdleElement,
  associated: readonly ModdleElement[],
  reader: Reader,
): CompensationDefinition | undefined {
  if (!compensates(element)) return undefined;
  definitionOf(element, reader);
  const handlers = associated.filter((one) => one.get('isForCompensation') === true);
  if (handlers.length !== 1) {
    reader.issues.add(
      element,
      'a compensation event is associated with one activity that is for compensation',
    );
  }
  return { kind: 'compensation', handler: idOf(handlers[0]) };
}

/** Reads what is compensated for. */
function readCompensationThrow(definition: ModdleElement): CompensationThrow {
  return {
    kind: 'compensation',
    activity: child(definition, 'activityRef')?.id,
    waits: definition.get('waitForCompletion') !== false,
  };
}

/** Reads what is thrown in passing; undefined for any other definition. */
function readThrown(element: ModdleElement, definition: ModdleElement, reader: Reader): Thrown | undefined {
  if (definition.$type === 'bpmn:SignalEventDefinition') return readSignalThrow(element, definition, reader);
  if (definition.$type === 'bpmn:EscalationEventDefinition') return escalationOf(element, definition, reader);
  if (definition.$type === 'bpmn:MessageEventDefinition')
    return readMessageThrow(element, definition, reader);
  return undefined;
}

/** Definition of an event that sends one message and nothing else; undefined for any other. */
export function messageSentBy(element: ModdleElement): ModdleElement | undefined {
  const [only, ...others] = definitionsOf(element);
  return only?.$type === 'bpmn:MessageEventDefinition' && others.length === 0 ? only : undefined;
}

/** Reads what the runs of a repeated activity throw; an issue for what they cannot. */
export function readImplicitThrow(
  element: ModdleElement,
  definition: ModdleElement,
  reader: Reader,
): Thrown | undefined {
  // It brings the numbers of its runs; inputs are those of the activity itself.
  if (definition.$type === 'bpmn:SignalEventDefinition') {
    return { kind: 'signal', name: signalNameOf(element, definition, reader), inputs: [] };
  }
  const thrown =
    definition.$type === 'bpmn:MessageEventDefinition' ? undefined : readThrown(element, definition, reader);
  if (!thrown) reader.issues.add(element, `${kindOf(definition)} is not thrown by the runs of an activity`);
  return thrown;
}

/** Reads an event that throws several things at once; undefined when it has one definition at most. */
function readSeveral(
  element: ModdleElement,
  reader: Reader,
): (ThrowDefinition & EndEvent['result']) | undefined {
  const definitions = definitionsOf(element);
  if (definitions.length < 2) return undefined;
  const throws = definitions.flatMap((one) => {
    const thrown = readThrown(element, one, reader);
    if (!thrown) reader.issues.add(element, `${kindOf(one)} is not thrown together with others`);
    return thrown ?? [];
  });
  return { kind: 'multiple', throws };
}

/** Reads what a throw event throws. `links`: the link catch events around it, by name. */
export function readThrow(
  element: ModdleElement,
  links: ReadonlyMap<string, string>,
  reader: Reader,
): ThrowDefinition {
  const several = readSeveral(element, reader);
  if (several) return several;
  const definition = definitionOf(element, reader);
  if (!definition) return { kind: 'none' };
  const link = linkNameOf(element);
  if (link !== undefined) {
    const target = links.get(link);
    if (target === undefined) {
      reader.issues.add(
        element,
        link === '' ? 'a link needs a name' : `nothing catches the link ${link} here`,
      );
    }
    return { kind: 'link', target: target ?? '' };
  }
  const thrown = readThrown(element, definition, reader);
  if (thrown) return thrown;
  if (definition.$type === 'bpmn:CompensateEventDefinition') return readCompensationThrow(definition);
  reader.issues.add(element, `a throw event with ${kindOf(definition)} is not supported`);
  return { kind: 'none' };
}

const codeKinds: ReadonlyMap<string, CodeDefinition['kind']> = new Map([
  ['bpmn:ErrorEventDefinition', 'error'],
  ['bpmn:EscalationEventDefinition', 'escalation'],
]);

/** Reads what a boundary event catches: the cancelling of its transaction, or what an event sub-process may. */
export function readBoundaryCatch(element: ModdleElement, reader: Reader): BoundaryEvent['catches'] {
  if (definitionsOf(element)[0]?.$type !== 'bpmn:CancelEventDefinition') {
    return readHandlerCatch(element, reader);
  }
  definitionOf(element, reader);
  return { kind: 'cancel' };
}

/** Reads what an event sub-process catches: errors, escalations, and what any catch event may. */
export const readHandlerCatch = (
  element: ModdleElement,
  reader: Reader,
): CatchDefinition | CodeDefinition | MultipleDefinition =>
  readDefinitions(element, reader, (one): CatchDefinition | CodeDefinition => {
    const kind = codeKinds.get(one.$type);
    return kind ? { kind, code: codeOf(kind, one, element, reader) } : readOneCatch(element, one, reader);
  });

/** Reads how an end event ends its path. */
export function readEnd(element: ModdleElement, reader: Reader): EndEvent['result'] {
  const several = readSeveral(element, reader);
  if (several) return several;
  const definition = definitionOf(element, reader);
  if (!definition) return { kind: 'none' };
  if (definition.$type === 'bpmn:TerminateEventDefinition') return { kind: 'terminate' };
  if (definition.$type === 'bpmn:ErrorEventDefinition') {
    const code = codeOf('error', definition, element, reader);
    if (code === undefined) reader.issues.add(element, 'an error end event needs errorRef');
    return { kind: 'error', code: code ?? '' };
  }
  const thrown = readThrown(element, definition, reader);
  if (thrown) return thrown;
  if (definition.$type === 'bpmn:CompensateEventDefinition') return readCompensationThrow(definition);
  if (definition.$type === 'bpmn:CancelEventDefinition') return { kind: 'cancel' };
  reader.issues.add(element, `ending with ${kindOf(definition)} is not supported`);
  return { kind: 'none' };
}
