import type { ModdleElement } from 'bpmn-moddle';
import { type Document, isFlow, isNode, list } from './document.ts';
import { drawElement, drawFlow, drawInside, erase } from './drawing.ts';

/** What can be added in the table, in groups: a type of BPMN, and of an event what it is about. */
export const kinds: Readonly<Record<string, readonly string[]>> = {
  tasks: [
    'UserTask',
    'ServiceTask',
    'BusinessRuleTask',
    'ScriptTask',
    'SendTask',
    'ReceiveTask',
    'ManualTask',
    'Task',
    'CallActivity',
    'SubProcess',
    'AdHocSubProcess',
    'Transaction',
  ],
  gateways: [
    'ExclusiveGateway',
    'ParallelGateway',
    'InclusiveGateway',
    'EventBasedGateway',
    'ComplexGateway',
  ],
  events: [
    'EndEvent',
    'EndEvent/Terminate',
    'EndEvent/Error',
    'EndEvent/Escalation',
    'EndEvent/Signal',
    'IntermediateCatchEvent/Timer',
    'IntermediateCatchEvent/Message',
    'IntermediateCatchEvent/Signal',
    'IntermediateCatchEvent/Conditional',
    'IntermediateThrowEvent',
    'IntermediateThrowEvent/Signal',
    'IntermediateThrowEvent/Escalation',
    'BoundaryEvent/Timer',
    'BoundaryEvent/Message',
    'BoundaryEvent/Error',
    'BoundaryEvent/Escalation',
    'BoundaryEvent/Signal',
    'BoundaryEvent/Conditional',
    'StartEvent',
    'StartEvent/Timer',
    'StartEvent/Message',
  ],
};

const known = new Set(Object.values(kinds).flat());

/** `UserTask`, or with what an event is about: `BoundaryEvent/Timer`. */
export function kindOf(element: ModdleElement): string {
  const type = element.$type.replace('bpmn:', '');
  const about = element.$instanceOf('bpmn:Event') ? list(element, 'eventDefinitions')[0] : undefined;
  return about ? `${type}/${about.$type.replace('bpmn:', '').replace('EventDefinition', '')}` : type;
}

/** Why something asked for cannot be done; a text of the catalogue. */
export class Impossible extends Error {}

const freshId = (document: Document, base: string): string => {
  const taken = new Set([document.process, ...document.elements].map(({ id }) => id));
  for (let count = 1; ; count += 1) {
    const id = `${base}_${count}`;
    if (!taken.has(id)) return id;
  }
};

function put(scope: ModdleElement, element: ModdleElement): void {
  element.$parent = scope;
  scope.set('flowElements', [...list(scope, 'flowElements'), element]);
}

/** Joins two elements of one scope. Throws `Impossible`. */
export function connect(document: Document, from: string, to: string): ModdleElement {
  const [source, target] = [document.find(from), document.find(to)];
  if (!source || !target || !isNode(source) || !isNode(target)) throw new Impossible('noSuchElement');
  if (source.$parent !== target.$parent) throw new Impossible('otherScope');
  if (source.$type === 'bpmn:EndEvent' || /(Start|Boundary)Event$/.test(target.$type)) {
    throw new Impossible('noFlowThere');
  }
  const flow = document.create('bpmn:SequenceFlow', {
    id: freshId(document, 'Flow'),
    sourceRef: source,
    targetRef: target,
  });
  put(source.$parent as ModdleElement, flow);
  list(source, 'outgoing').push(flow);
  list(target, 'incoming').push(flow);
  drawFlow(document, flow);
  return flow;
}

/** Adds an element, after another or on its own; a boundary event to its activity. Throws `Impossible`. */
export function addElement(document: Document, kind: string, name: string, after: string): ModdleElement {
  if (!known.has(kind)) throw new Impossible('noSuchKind');
  const [type = '', about] = kind.split('/');
  const beside = after === '' ? undefined : document.find(after);
  if (after !== '' && (!beside || !isNode(beside))) throw new Impossible('noSuchElement');
  const onBoundary = type === 'BoundaryEvent';
  if (onBoundary && !beside?.$instanceOf('bpmn:Activity')) throw new Impossible('needsActivity');
  if (beside?.$type === 'bpmn:EndEvent' && type !== 'StartEvent') throw new Impossible('noFlowThere');
  const element = document.create(`bpmn:${type}`, {
    id: freshId(document, type),
    ...(name === '' ? {} : { name }),
    ...(onBoundary ? { attachedToRef: beside } : {}),
  });
  if (about !== undefined) {
    const definition = document.create(`bpmn:${about}EventDefinition`, {});
    definition.$parent = element;
    element.set('eventDefinitions', [definition]);
  }
  put(beside?.$parent ?? document.process, element);
  drawElement(document, element, beside);
  if (type === 'SubProcess' || type === 'Transaction') {
    const start = document.create('bpmn:StartEvent', { id: freshId(document, 'StartEvent') });
    put(element, start);
    drawInside(document, start, element);
  }
  if (beside && !onBoundary && type !== 'StartEvent')
    connect(document, beside.id as string, element.id as string);
  return element;
}

/** Removes an element with its flows, what is attached to it and what is in it. Throws `Impossible`. */
export function removeElement(document: Document, id: string): void {
  const element = document.find(id);
  if (!element || element === document.process) throw new Impossible('noSuchElement');
  const gone = new Set<ModdleElement>([element]);
  const isGone = (one: ModdleElement): boolean => {
    const ends = isFlow(one) ? ['sourceRef', 'targetRef'] : ['attachedToRef'];
    const tied = ends.some((end) => gone.has(one.get(end) as ModdleElement));
    return tied || gone.has(one.$parent as ModdleElement);
  };
  for (let before = -1; before !== gone.size; ) {
    before = gone.size;
    for (const one of document.elements) if (isGone(one)) gone.add(one);
  }
  for (const one of document.elements) {
    if (isFlow(one) || !isNode(one)) continue;
    for (const end of ['incoming', 'outgoing']) {
      one.set(
        end,
        list(one, end).filter((flow) => !gone.has(flow)),
      );
    }
    if (gone.has(one.get('default') as ModdleElement)) one.set('default', undefined);
  }
  erase(document, gone);
  for (const one of gone) {
    const scope = one.$parent as ModdleElement;
    scope.set(
      'flowElements',
      list(scope, 'flowElements').filter((other) => other !== one),
    );
  }
}
