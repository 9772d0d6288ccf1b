import type { ProcessModel } from '../model/model.ts';
import type { Diagram } from './diagram.ts';

/** The parts of a model that a drawing or a timeline shows, with their places where there is a drawing. */
export const outlineOf = (model: ProcessModel, diagram: Diagram | undefined) => ({
  elements: [...model.elements.values()].map((element) => {
    const bounds = diagram?.shapes.get(element.id);
    const sheet = diagram?.sheets.get(element.id);
    return {
      id: element.id,
      kind: element.kind as string,
      parent: element.parent,
      ...(element.name === undefined ? {} : { name: element.name }),
      ...(element.kind === 'boundaryEvent' ? { attachedTo: element.attachedTo } : {}),
      ...(bounds === undefined ? {} : { bounds: { ...bounds } }),
      ...(sheet === undefined ? {} : { sheet }),
    };
  }),
  flows: [...model.flows.values()].map((flow) => {
    const waypoints = diagram?.edges.get(flow.id);
    return {
      id: flow.id,
      source: flow.source,
      target: flow.target,
      ...(flow.name === undefined ? {} : { name: flow.name }),
      ...(waypoints === undefined ? {} : { waypoints: waypoints.map((point) => ({ ...point })) }),
    };
  }),
});
