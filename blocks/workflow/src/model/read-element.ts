import type { ModdleElement } from 'bpmn-moddle';
import type { Expression } from '../feel/expression.ts';
import { dataInputs } from './data.ts';
import { readExpression } from './issues.ts';
import { readOutputs } from './mappings.ts';
import type { EventSubProcess, FlowElement, StartEvent } from './model.ts';
import {
  readAdHoc,
  readBusinessRuleTask,
  readCallActivity,
  readScriptTask,
  readUserTask,
} from './read-activity.ts';
import {
  messageSentBy,
  readBoundaryCatch,
  readCompensation,
  readCompensationStart,
  readEnd,
  readHandlerCatch,
  readIntermediateCatch,
  readStartTrigger,
  readThrow,
} from './read-event.ts';
import { readGlobalTask } from './read-global-task.ts';
import { readLoop } from './read-loop.ts';
import { readMessage, readMessageCall, readMessageName, readMessageThrow } from './read-message.ts';
import { readServiceTask } from './read-service-task.ts';
import { attribute, child, children, idOf, type Reader } from './reader.ts';

/** Where an element stands: what its surroundings, not its own XML, say about it. */
export interface Place {
  readonly parent: string;
  readonly incoming: readonly string[];
  readonly outgoing: readonly string[];
  /** Boundary events attached to it. */
  readonly boundary: readonly string[];
  /** Link catch events beside it, by name. */
  readonly links: ReadonlyMap<string, string>;
  /** What associations lead to, by what they come from. */
  readonly associated: ReadonlyMap<string, readonly ModdleElement[]>;
}

/** Parts of a BPMN document that describe without being executed. */
export const passiveTypes = new Set([
  'bpmn:DataObject',
  'bpmn:DataObjectReference',
  'bpmn:DataStoreReference',
  'bpmn:TextAnnotation',
  'bpmn:Association',
  'bpmn:Group',
]);

function refuseUnsupported(element: ModdleElement, reader: Reader): void {
  const refuse = (condition: boolean, what: string): void => {
    if (condition) reader.issues.add(element, `${what} is not supported`);
  };
  const begins = element.get('instantiate') === true;
  refuse(begins && element.$type !== 'bpmn:ReceiveTask', 'starting a process with this element');
  const takesInputs = !/^bpmn:(Task|ManualTask|ReceiveTask|SubProcess|Transaction|AdHocSubProcess)$/.test(
    element.$type,
  );
  refuse(!takesInputs && dataInputs(element, reader).length > 0, 'an input of this element');
}

function readQuantity(element: ModdleElement, name: string, reader: Reader): number {
  const quantity = (element.get(name) as number | undefined) ?? 1;
  if (!(Number.isInteger(quantity) && quantity >= 1 && quantity <= 100)) {
    reader.issues.add(element, `${name} is a whole number from 1 to 100`);
  }
  return quantity;
}

const isEventSubProcess = (element: ModdleElement | undefined): boolean =>
  element?.$type === 'bpmn:SubProcess' && element.get('triggeredByEvent') === true;

/** Reads what starts an event sub-process. */
function readEventSubProcess(
  element: ModdleElement,
  reader: Reader,
): Pick<EventSubProcess, 'interrupting' | 'catches' | 'outputs'> {
  if (child(element, 'loopCharacteristics')) {
    reader.issues.add(element, 'an event sub-process has no loop marker: it begins when its event happens');
  }
  const start = flowElements(element).find((one) => one.$type === 'bpmn:StartEvent') ?? element;
  return {
    interrupting: start.get('isInterrupting') !== false,
    catches: readCompensationStart(start, idOf(element), reader) ?? readHandlerCatch(start, reader),
    outputs: readOutputs(start, reader),
  };
}

function readActivation(element: ModdleElement, place: Place, reader: Reader): Expression | undefined {
  const condition = child(element, 'activationCondition');
  if (condition) {
    const text = attribute(condition, 'body') ?? '';
    return readExpression(reader.issues, element, 'activationCondition', text);
  }
  if (place.incoming.length > 1) {
    reader.issues.add(element, 'a complex gateway at which flows meet needs activationCondition');
  }
  return undefined;
}

/** An event whose message goes to another application is a call, with attempts, incidents and repair like any other. */
function readEventCall(
  element: ModdleElement,
  place: Place,
  reader: Reader,
): ReturnType<typeof readMessageCall> {
  const definition = messageSentBy(element);
  const call = definition && readMessageCall(element, definition, reader);
  if (!call) return undefined;
  const ends = element.$type === 'bpmn:EndEvent';
  if (ends && place.outgoing.length > 0) reader.issues.add(element, 'an end event has no outgoing flow');
  if (!ends && place.outgoing.length === 0) reader.issues.add(element, 'nothing follows this element');
  for (const id of place.boundary)
    reader.issues.add(id, 'a boundary event is attached to an activity beside it');
  return call;
}

/** A transaction undoes by compensation; what else the standard names asks for a transaction manager around the engine. */
function readTransaction(element: ModdleElement, reader: Reader): void {
  const method = attribute(element, 'method');
  if (method !== undefined && !['##Compensate', 'Compensate', 'compensate'].includes(method)) {
    reader.issues.add(element, `a transaction of the method ${method} is not supported`);
  }
  if (element.get('triggeredByEvent') === true) {
    reader.issues.add(element, 'a transaction is not begun by an event');
  }
}

/** Reads a receive task that begins the process (BPMN 10.3.3): it does what a message start event does. */
function readFirstTask(
  element: ModdleElement,
  place: Place,
  reader: Reader,
): Pick<StartEvent, 'kind' | 'trigger' | 'outputs'> {
  if (
    child(element, 'loopCharacteristics') ||
    place.boundary.length > 0 ||
    element.get('isForCompensation')
  ) {
    reader.issues.add(element, 'a task that begins the process has no marker and nothing on its boundary');
  }
  const name = readMessageName(element, element, reader);
  return { kind: 'startEvent', trigger: { kind: 'message', name }, outputs: readOutputs(element, reader) };
}

/** Reads one flow element; undefined (and an issue) when its type is not supported. */
export function readElement(element: ModdleElement, place: Place, reader: Reader): FlowElement | undefined {
  const node = {
    id: idOf(element),
    name: attribute(element, 'name'),
    parent: place.parent,
    incoming: place.incoming,
    outgoing: place.outgoing,
  };
  const defaultFlow = (): string | undefined => child(element, 'default')?.id;
  const activity = () => ({
    ...node,
    defaultFlow: defaultFlow(),
    outputs: readOutputs(element, reader),
    boundary: place.boundary,
    compensation: undefined,
    isForCompensation: element.get('isForCompensation') === true,
    startQuantity: readQuantity(element, 'startQuantity', reader),
    completionQuantity: readQuantity(element, 'completionQuantity', reader),
    loop: readLoop(element, reader),
  });
  refuseUnsupported(element, reader);
  switch (element.$type) {
    case 'bpmn:StartEvent':
      // What starts an event sub-process is read with it.
      if (isEventSubProcess(element.$parent)) {
        return { ...node, kind: 'startEvent', trigger: { kind: 'none' }, outputs: [] };
      }
      return {
        ...node,
        kind: 'startEvent',
        trigger: readStartTrigger(element, reader),
        outputs: readOutputs(element, reader),
      };
    case 'bpmn:EndEvent': {
      const call = readEventCall(element, place, reader);
      if (call) return { ...activity(), kind: 'serviceTask', ...call };
      return { ...node, kind: 'endEvent', result: readEnd(element, reader) };
    }
    case 'bpmn:IntermediateThrowEvent': {
      const call = readEventCall(element, place, reader);
      if (call) return { ...activity(), kind: 'serviceTask', ...call };
      return {
        ...node,
        kind: 'intermediateThrowEvent',
        throws: readThrow(element, place.links, reader),
      };
    }
    case 'bpmn:IntermediateCatchEvent':
      return {
        ...node,
        kind: 'intermediateCatchEvent',
        catches: readIntermediateCatch(element, reader),
        outputs: readOutputs(element, reader),
      };
    case 'bpmn:BoundaryEvent':
      return {
        ...node,
        kind: 'boundaryEvent',
        attachedTo: child(element, 'attachedToRef')?.id ?? '',
        interrupting: element.get('cancelActivity') !== false,
        catches:
          readCompensation(element, place.associated.get(node.id) ?? [], reader) ??
          readBoundaryCatch(element, reader),
        outputs: readOutputs(element, reader),
      };
    case 'bpmn:Task':
    case 'bpmn:ManualTask':
      return { ...activity(), kind: 'task' };
    case 'bpmn:SendTask': {
      const sends = child(element, 'messageRef') && attribute(element, 'govstack:operation') === undefined;
      const call = sends ? readMessageCall(element, element, reader) : readServiceTask(element, reader);
      return call
        ? { ...activity(), kind: 'serviceTask', ...call }
        : { ...activity(), kind: 'sendTask', message: readMessageThrow(element, element, reader) };
    }
    case 'bpmn:ServiceTask':
      return { ...activity(), kind: 'serviceTask', ...readServiceTask(element, reader) };
    case 'bpmn:UserTask':
      return { ...activity(), kind: 'userTask', ...readUserTask(element, reader) };
    case 'bpmn:BusinessRuleTask':
      return { ...activity(), kind: 'businessRuleTask', ...readBusinessRuleTask(element, reader) };
    case 'bpmn:ScriptTask':
      return { ...activity(), kind: 'scriptTask', ...readScriptTask(element, reader) };
    case 'bpmn:ReceiveTask':
      if (element.get('instantiate') === true) return { ...node, ...readFirstTask(element, place, reader) };
      return { ...activity(), kind: 'receiveTask', message: readMessage(element, element, reader) };
    case 'bpmn:SubProcess':
      if (isEventSubProcess(element)) {
        return { ...node, kind: 'eventSubProcess', ...readEventSubProcess(element, reader) };
      }
      return { ...activity(), kind: 'subProcess', transaction: false, adHoc: undefined };
    case 'bpmn:Transaction':
      readTransaction(element, reader);
      return { ...activity(), kind: 'subProcess', transaction: true, adHoc: undefined };
    case 'bpmn:AdHocSubProcess':
      return { ...activity(), kind: 'subProcess', transaction: false, adHoc: readAdHoc(element, reader) };
    case 'bpmn:CallActivity': {
      const called = reader.globalTasks.get(attribute(element, 'calledElement') ?? '');
      if (called) return { ...activity(), ...readGlobalTask(element, called, reader) };
      return { ...activity(), kind: 'callActivity', ...readCallActivity(element, reader) };
    }
    case 'bpmn:ExclusiveGateway':
      return { ...node, kind: 'exclusiveGateway', defaultFlow: defaultFlow() };
    case 'bpmn:InclusiveGateway':
      return { ...node, kind: 'inclusiveGateway', defaultFlow: defaultFlow() };
    case 'bpmn:ComplexGateway':
      return {
        ...node,
        kind: 'complexGateway',
        defaultFlow: defaultFlow(),
        activation: readActivation(element, place, reader),
      };
    case 'bpmn:ParallelGateway':
      return { ...node, kind: 'parallelGateway' };
    case 'bpmn:EventBasedGateway':
      return { ...node, kind: 'eventBasedGateway' };
    default:
      reader.issues.add(element, `${element.$type.replace('bpmn:', '')} is not supported`);
      return undefined;
  }
}

/** Flow elements directly inside a process or sub-process that take part in the execution. */
export const flowElements = (scope: ModdleElement): readonly ModdleElement[] =>
  children(scope, 'flowElements').filter((one) => !passiveTypes.has(one.$type));
