import type { EndEvent, FlowElement, ProcessModel } from '../model/model.ts';

/** Where a single step of a trial ends: on no diagram. */
export const afterSingle = '(end of the step)';

/** The chosen element cannot be begun at. */
export class CannotBegin extends Error {}

/** The same process, which begins at an element of its own; sub-processes around that are entered on the way. */
export function beginningAt(model: ProcessModel, elementId: string): ProcessModel {
  const starts = new Map(model.starts);
  let at = model.elements.get(elementId);
  if (!at) throw new CannotBegin(`there is no element ${elementId}`);
  for (; at.parent !== model.key; at = model.elements.get(at.parent) as FlowElement) {
    if (model.elements.get(at.parent)?.kind === 'eventSubProcess') {
      throw new CannotBegin('what an event begins is not begun by hand: try the element alone');
    }
    starts.set(at.parent, at.id);
  }
  return { ...model, starts: starts.set(model.key, at.id) };
}

/** A process of nothing but one element: whatever leaves it ends there. */
export function onlyElement(model: ProcessModel, elementId: string): ProcessModel {
  const element = model.elements.get(elementId);
  if (!element) throw new CannotBegin(`there is no element ${elementId}`);
  if (element.kind === 'eventSubProcess') throw new CannotBegin('an event begins it: try what is inside');
  const end: EndEvent = {
    kind: 'endEvent',
    id: afterSingle,
    name: undefined,
    parent: model.key,
    incoming: [],
    outgoing: [],
    result: { kind: 'none' },
  };
  const elements = new Map(model.elements).set(end.id, end);
  elements.set(element.id, { ...element, parent: model.key, incoming: element.incoming.slice(0, 1) });
  const flows = new Map(model.flows);
  const boundary = 'boundary' in element ? element.boundary : [];
  const leaving = boundary.flatMap((id) => model.elements.get(id)?.outgoing ?? []);
  for (const id of [...element.outgoing, ...leaving]) {
    const flow = flows.get(id);
    if (flow) flows.set(id, { ...flow, target: end.id });
  }
  const handlers = new Map(model.handlers);
  handlers.delete(model.key);
  return { ...model, elements, flows, handlers, starts: new Map(model.starts).set(model.key, element.id) };
}
