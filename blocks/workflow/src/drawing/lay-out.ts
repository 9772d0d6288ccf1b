import { layoutProcess } from 'bpmn-auto-layout';
import { BpmnModdle, type ModdleElement } from 'bpmn-moddle';
import { child, children } from '../model/reader.ts';
import type { Bounds, Point } from './diagram.ts';
import { expand, isSubProcess, type Sketch } from './expand.ts';
import { readDiagram } from './read-diagram.ts';

/** Beyond this, a drawing helps nobody and takes long to make. */
const mostNodes = 500;

const nodesIn = (scope: ModdleElement): ModdleElement[] =>
  children(scope, 'flowElements').flatMap((one) => [
    ...(one.$instanceOf('bpmn:FlowNode') ? [one] : []),
    ...nodesIn(one),
  ]);

/** Flows know what they join; the library asks the joined. */
function joinFlows(scope: ModdleElement): void {
  for (const one of children(scope, 'flowElements')) {
    joinFlows(one);
    if (one.$type !== 'bpmn:SequenceFlow') continue;
    for (const [end, list] of [
      ['sourceRef', 'outgoing'],
      ['targetRef', 'incoming'],
    ] as const) {
      const joined = child(one, end)?.get(list) as ModdleElement[];
      if (!joined.includes(one)) joined.push(one);
    }
  }
}

/** The process alone, without pools and what else is drawn around it. */
function isolated(definitions: ModdleElement, key: string): ModdleElement {
  const kept = children(definitions, 'rootElements').filter(
    ({ $type, id }) => $type !== 'bpmn:Collaboration' && ($type !== 'bpmn:Process' || id === key),
  );
  definitions.set('rootElements', kept);
  definitions.set('diagrams', []);
  return kept.find(({ id }) => id === key) as ModdleElement;
}

const processOf = (definitions: ModdleElement, key: string): ModdleElement =>
  children(definitions, 'rootElements').find(({ id }) => id === key) as ModdleElement;

/** Writes the places of a sketch into the drawing of a document. */
function draw(moddle: BpmnModdle, definitions: ModdleElement, process: ModdleElement, sketch: Sketch): void {
  const open = new Set(
    nodesIn(process)
      .filter(isSubProcess)
      .map(({ id }) => id),
  );
  const plane = child(children(definitions, 'diagrams')[0] as ModdleElement, 'plane') as ModdleElement;
  for (const drawn of children(plane, 'planeElement')) {
    const id = child(drawn, 'bpmnElement')?.id as string;
    const [box, path] = [sketch.shapes.get(id), sketch.edges.get(id)];
    if (box) drawn.set('bounds', moddle.create('dc:Bounds', { ...box }));
    if (path)
      drawn.set(
        'waypoint',
        path.map((point: Point) => moddle.create('dc:Point', { ...point })),
      );
    if (open.has(id)) drawn.set('isExpanded', true);
  }
}

/**
 * Draws the process `key` of a BPMN document that has no drawing. Pools, lanes, data and annotations are left out.
 * Undefined when it has too many elements or the library cannot place each of them.
 */
export async function layOut(xml: string, key: string): Promise<string | undefined> {
  const moddle = new BpmnModdle();
  const { rootElement: document } = await moddle.fromXML(xml);
  const process = isolated(document, key);
  if (nodesIn(process).length > mostNodes) return undefined;
  joinFlows(process);
  const placed = await layoutProcess((await moddle.toXML(document)).xml);
  const { rootElement: definitions } = await moddle.fromXML(placed);
  const { shapes, edges } = readDiagram(definitions);
  const sketch: Sketch = { shapes: new Map<string, Bounds>(shapes), edges: new Map(edges) };
  const drawn = processOf(definitions, key);
  if (nodesIn(drawn).some(({ id }) => !sketch.shapes.has(id as string))) return undefined;
  expand(drawn, sketch);
  draw(moddle, definitions, drawn, sketch);
  return (await moddle.toXML(definitions)).xml;
}
