import type { ModdleElement } from 'bpmn-moddle';
import { type Document, list } from './document.ts';

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const planeOf = (document: Document): ModdleElement | undefined =>
  list(document.definitions, 'diagrams')[0]?.get('plane') as ModdleElement | undefined;

const drawnOf = (document: Document): ModdleElement[] => {
  const plane = planeOf(document);
  return plane ? list(plane, 'planeElement') : [];
};

const shapeOf = (document: Document, element: ModdleElement): ModdleElement | undefined =>
  drawnOf(document).find((one) => one.$type === 'bpmndi:BPMNShape' && one.get('bpmnElement') === element);

const boxOf = (shape: ModdleElement | undefined): Box | undefined => {
  const bounds = shape?.get('bounds') as ModdleElement | undefined;
  if (!bounds) return undefined;
  const number = (name: string): number => bounds.get(name) as number;
  return { x: number('x'), y: number('y'), width: number('width'), height: number('height') };
};

const sizeOf = (element: ModdleElement): { readonly width: number; readonly height: number } => {
  if (element.$instanceOf('bpmn:Event')) return { width: 36, height: 36 };
  if (element.$instanceOf('bpmn:Gateway')) return { width: 50, height: 50 };
  return element.$instanceOf('bpmn:SubProcess') ? { width: 260, height: 140 } : { width: 100, height: 80 };
};

const apart = 60;
const overlaps = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width + 10 &&
  b.x < a.x + a.width + 10 &&
  a.y < b.y + b.height + 10 &&
  b.y < a.y + a.height + 10;

/** Whether anything of the document is drawn: without that, a drawing is made of all of it later. */
export const isDrawn = (document: Document): boolean =>
  drawnOf(document).some((one) => boxOf(one) !== undefined);

function draw(
  document: Document,
  type: string,
  element: ModdleElement,
  parts: Record<string, unknown>,
): void {
  const plane = planeOf(document);
  if (!plane) return;
  const drawn = document.create(type, { id: `${element.id}_di`, bpmnElement: element, ...parts });
  drawn.$parent = plane;
  plane.set('planeElement', [...list(plane, 'planeElement'), drawn]);
}

/** Draws a new element to the right of another, where there is room; a boundary event at the foot of its activity. */
export function drawElement(
  document: Document,
  element: ModdleElement,
  beside: ModdleElement | undefined,
): void {
  if (!isDrawn(document)) return;
  const size = sizeOf(element);
  const from = boxOf(beside && shapeOf(document, beside));
  const boxes = drawnOf(document).flatMap((one) => boxOf(one) ?? []);
  let box: Box;
  if (element.$type === 'bpmn:BoundaryEvent' && from) {
    const others = boxes.filter((one) => one.y + 18 === from.y + from.height && one.width === 36).length;
    box = { x: from.x + from.width - 30 - others * 42, y: from.y + from.height - 18, ...size };
  } else {
    const x = from ? from.x + from.width + apart : Math.min(...boxes.map((one) => one.x));
    const middle = from
      ? from.y + from.height / 2
      : Math.max(...boxes.map((one) => one.y + one.height)) + apart + 40;
    box = { x, y: middle - size.height / 2, ...size };
    // What surrounds it does not count as in the way.
    const surrounds = (one: Box): boolean => one.width > 150;
    while (boxes.some((one) => !surrounds(one) && overlaps(box, one))) box = { ...box, y: box.y + 30 };
  }
  draw(document, 'bpmndi:BPMNShape', element, {
    bounds: document.create('dc:Bounds', { ...box }),
    ...(element.$instanceOf('bpmn:SubProcess') ? { isExpanded: true } : {}),
  });
}

/** Draws the first element inside a drawn sub-process. */
export function drawInside(document: Document, element: ModdleElement, around: ModdleElement): void {
  const box = boxOf(shapeOf(document, around));
  if (!box) return;
  const bounds = { x: box.x + 30, y: box.y + box.height / 2 - 18, width: 36, height: 36 };
  draw(document, 'bpmndi:BPMNShape', element, { bounds: document.create('dc:Bounds', bounds) });
}

/** Draws a flow between what it joins: straight, or with a bend. */
export function drawFlow(document: Document, flow: ModdleElement): void {
  const ends = ['sourceRef', 'targetRef'].map((end) =>
    boxOf(shapeOf(document, flow.get(end) as ModdleElement)),
  );
  const [from, to] = ends;
  if (!from || !to) return;
  const start = { x: from.x + from.width, y: from.y + from.height / 2 };
  const end = { x: to.x, y: to.y + to.height / 2 };
  const bend = start.x + Math.max(20, Math.min(30, (end.x - start.x) / 2));
  const points =
    start.y === end.y && end.x > start.x
      ? [start, end]
      : end.x > start.x
        ? [start, { x: bend, y: start.y }, { x: bend, y: end.y }, end]
        : [
            { x: from.x + from.width / 2, y: from.y + from.height },
            { x: from.x + from.width / 2, y: Math.max(from.y + from.height, to.y + to.height) + 40 },
            { x: to.x + to.width / 2, y: Math.max(from.y + from.height, to.y + to.height) + 40 },
            { x: to.x + to.width / 2, y: to.y + to.height },
          ];
  draw(document, 'bpmndi:BPMNEdge', flow, {
    waypoint: points.map((point) => document.create('dc:Point', point)),
  });
}

/** Takes elements off the drawing. */
export function erase(document: Document, gone: ReadonlySet<ModdleElement>): void {
  const plane = planeOf(document);
  plane?.set(
    'planeElement',
    list(plane, 'planeElement').filter((one) => !gone.has(one.get('bpmnElement') as ModdleElement)),
  );
}
