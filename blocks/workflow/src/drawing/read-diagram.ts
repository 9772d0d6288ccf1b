import type { ModdleElement } from 'bpmn-moddle';
import { child, children } from '../model/reader.ts';
import type { Bounds, Diagram, Point } from './diagram.ts';

const number = (element: ModdleElement, name: string): number => {
  const value = element.get(name);
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
};

const pointOf = (element: ModdleElement): Point => ({ x: number(element, 'x'), y: number(element, 'y') });

/** Reads the drawing of a document, so that instances can be shown on it. */
export function readDiagram(definitions: ModdleElement): Diagram {
  const shapes = new Map<string, Bounds>();
  const edges = new Map<string, readonly Point[]>();
  const sheets = new Map<string, string>();
  for (const diagram of children(definitions, 'diagrams')) {
    const plane = child(diagram, 'plane');
    const shown = plane && child(plane, 'bpmnElement');
    const sheet = shown && /SubProcess|Transaction/.test(shown.$type) ? shown.id : undefined;
    for (const drawn of plane ? children(plane, 'planeElement') : []) {
      const id = child(drawn, 'bpmnElement')?.id;
      const bounds = drawn.$type === 'bpmndi:BPMNShape' ? child(drawn, 'bounds') : undefined;
      if (id === undefined) continue;
      if (sheet !== undefined) sheets.set(id, sheet);
      if (bounds) {
        shapes.set(id, {
          ...pointOf(bounds),
          width: number(bounds, 'width'),
          height: number(bounds, 'height'),
        });
      } else if (drawn.$type === 'bpmndi:BPMNEdge') {
        edges.set(id, children(drawn, 'waypoint').map(pointOf));
      }
    }
  }
  return { shapes, edges, sheets };
}
