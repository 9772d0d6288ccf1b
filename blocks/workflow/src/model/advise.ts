import type { ModdleElement } from 'bpmn-moddle';
import { readDiagram } from '../drawing/read-diagram.ts';
import type { BpmnDocument } from './parse-bpmn.ts';
import { passiveTypes } from './read-element.ts';
import { attribute, child, children, extensions, idOf } from './reader.ts';

const rules = {
  'no-name': 'has no name: nobody else will know what it is for',
  'no-answer-name': 'has no name: the reader of the diagram cannot tell when this way is taken',
  'no-default': 'has no default flow: a case for which no condition holds gets stuck here',
  'no-role': 'names neither a role nor a person: nobody finds the task on their list',
  'no-refusal': 'reads something by its number, but says nothing about an answer that there is none (404)',
  'implicit-end': 'ends the path without an end event: draw one, so that the reader knows it is meant',
  'implicit-split': 'has several flows without conditions, which all are taken: draw a parallel gateway',
  'implicit-join':
    'is entered once for each flow that leads here: draw the gateway that joins or merges them',
  'idle-gateway': 'neither splits nor joins: leave it out',
  'mixed-gateway': 'joins and splits at once: draw two gateways, so that it can be read',
  'not-drawn': 'is not on the drawing',
  'no-drawing': 'has no drawing: nobody will see where an instance stands',
} as const;

/** A remark on how a definition is written; it can be run nevertheless. */
export interface Advice {
  readonly elementId: string;
  readonly rule: keyof typeof rules;
  readonly message: string;
}

type Add = (element: ModdleElement, rule: Advice['rule']) => void;

const kindOf = (element: ModdleElement): string => element.$type.replace('bpmn:', '');
const isActivity = (element: ModdleElement): boolean => element.$instanceOf('bpmn:Activity');
const isGateway = (element: ModdleElement): boolean => element.$instanceOf('bpmn:Gateway');
const splitsByCondition = (element: ModdleElement): boolean =>
  ['ExclusiveGateway', 'InclusiveGateway'].includes(kindOf(element)) && outgoing(element).length > 1;

type Ends = ReadonlyMap<ModdleElement, readonly ModdleElement[]>;
const known = new WeakMap<ModdleElement, Readonly<Record<'sourceRef' | 'targetRef', Ends>>>();

/** Flows of a scope by what they come from and lead to, as they themselves tell: others may leave them out. */
function flowsIn(scope: ModdleElement): Readonly<Record<'sourceRef' | 'targetRef', Ends>> {
  const found = known.get(scope);
  if (found) return found;
  const flows = children(scope, 'flowElements').filter((one) => one.$type === 'bpmn:SequenceFlow');
  const by = (end: 'sourceRef' | 'targetRef'): Ends =>
    Map.groupBy(flows, (flow) => child(flow, end) as ModdleElement);
  const made = { sourceRef: by('sourceRef'), targetRef: by('targetRef') };
  known.set(scope, made);
  return made;
}

const flows = (element: ModdleElement, end: 'sourceRef' | 'targetRef'): readonly ModdleElement[] =>
  (element.$parent && flowsIn(element.$parent)[end].get(element)) ?? [];
const outgoing = (element: ModdleElement): readonly ModdleElement[] => flows(element, 'sourceRef');
const incoming = (element: ModdleElement): readonly ModdleElement[] => flows(element, 'targetRef');

function adviseOnNames(element: ModdleElement, add: Add): void {
  const named = attribute(element, 'name') !== undefined;
  const asks = splitsByCondition(element);
  if (!named && (isActivity(element) || asks)) add(element, 'no-name');
  if (!asks) return;
  for (const flow of outgoing(element)) {
    if (attribute(flow, 'name') === undefined) add(flow, 'no-answer-name');
  }
}

function adviseOnFlow(element: ModdleElement, add: Add): void {
  const out = outgoing(element);
  const into = incoming(element);
  if (isGateway(element)) {
    if (out.length === 1 && into.length === 1) add(element, 'idle-gateway');
    if (out.length > 1 && into.length > 1) add(element, 'mixed-gateway');
    const all = splitsByCondition(element) && !child(element, 'default');
    if (all && out.every((flow) => child(flow, 'conditionExpression'))) add(element, 'no-default');
    return;
  }
  const outside =
    element.get('isForCompensation') === true ||
    element.get('triggeredByEvent') === true ||
    (isActivity(element) && element.$parent?.$type === 'bpmn:AdHocSubProcess');
  if (isActivity(element) && out.length === 0 && !outside) add(element, 'implicit-end');
  if (out.filter((flow) => !child(flow, 'conditionExpression')).length > 1) add(element, 'implicit-split');
  if (into.length > 1 && isActivity(element)) add(element, 'implicit-join');
}

function adviseOnWork(element: ModdleElement, add: Add): void {
  if (element.$type === 'bpmn:UserTask') {
    const forSomeone = ['candidateRole', 'assignee'].some((name) => attribute(element, `govstack:${name}`));
    if (!forSomeone) add(element, 'no-role');
  }
  if (element.$type !== 'bpmn:ServiceTask') return;
  const byNumber = extensions(element, 'Input').some((one) => attribute(one, 'target')?.startsWith('path.'));
  const handled =
    attribute(element, 'govstack:accepts') !== undefined ||
    extensions(element, 'Error').length > 0 ||
    children(element.$parent as ModdleElement, 'flowElements').some(
      (one) => one.$type === 'bpmn:BoundaryEvent' && child(one, 'attachedToRef') === element,
    );
  if (byNumber && !handled) add(element, 'no-refusal');
}

/** What a good reviewer would remark on, element by element. */
export function advise(document: BpmnDocument): readonly Advice[] {
  const found: Advice[] = [];
  const { shapes, edges } = readDiagram(document.definitions);
  const add: Add = (element, rule) =>
    void found.push({ elementId: idOf(element), rule, message: rules[rule] });
  const look = (scope: ModdleElement): void => {
    for (const element of children(scope, 'flowElements')) {
      const id = idOf(element);
      const passive = passiveTypes.has(element.$type);
      if (shapes.size > 0 && !shapes.has(id) && !edges.has(id) && !passive) add(element, 'not-drawn');
      if (passive || element.$type === 'bpmn:SequenceFlow') continue;
      adviseOnNames(element, add);
      adviseOnFlow(element, add);
      adviseOnWork(element, add);
      if (element.$instanceOf('bpmn:SubProcess')) look(element);
    }
  };
  if (shapes.size === 0) add(document.process, 'no-drawing');
  look(document.process);
  return found;
}
