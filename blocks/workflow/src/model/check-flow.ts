import type { Issues } from './issues.ts';
import type { Activity, BoundaryEvent, FlowElement, ProcessModel } from './model.ts';

const activityKinds = new Set([
  'serviceTask',
  'userTask',
  'businessRuleTask',
  'scriptTask',
  'receiveTask',
  'task',
  'subProcess',
  'callActivity',
]);

export const isActivity = (element: FlowElement): element is Activity => activityKinds.has(element.kind);

function checkConditions(model: ProcessModel, element: FlowElement, issues: Issues): void {
  const defaultFlow = 'defaultFlow' in element ? element.defaultFlow : undefined;
  if (defaultFlow !== undefined && !element.outgoing.includes(defaultFlow)) {
    issues.add(element.id, 'the default flow does not leave this element');
  }
  for (const id of element.outgoing) {
    const flow = model.flows.get(id);
    if (!flow) continue;
    const conditional = element.kind === 'exclusiveGateway' || element.kind === 'inclusiveGateway';
    if (id === defaultFlow) {
      if (flow.condition) issues.add(id, 'the default flow cannot have a condition');
    } else if (conditional && element.outgoing.length > 1 && !flow.condition) {
      issues.add(id, 'a flow that leaves this gateway needs a condition, or to be its default flow');
    } else if (flow.condition && !conditional && !isActivity(element)) {
      issues.add(id, 'a condition has no meaning on this flow');
    }
  }
}

function checkEventGateway(model: ProcessModel, element: FlowElement, issues: Issues): void {
  if (element.outgoing.length < 2) issues.add(element.id, 'an event-based gateway has at least two flows');
  for (const id of element.outgoing) {
    const target = model.elements.get(model.flows.get(id)?.target ?? '');
    if (!target) continue;
    if (target.kind !== 'intermediateCatchEvent') {
      issues.add(target.id, 'an event-based gateway leads to intermediate catch events only');
    } else if (target.incoming.length > 1) {
      issues.add(target.id, 'an event behind an event-based gateway has no other incoming flow');
    }
  }
}

function checkBoundary(model: ProcessModel, element: BoundaryEvent, issues: Issues): void {
  const host = model.elements.get(element.attachedTo);
  if (!host || !isActivity(host) || host.parent !== element.parent) {
    issues.add(element.id, 'a boundary event is attached to an activity beside it');
    return;
  }
  if (element.catches.kind === 'error') {
    if (!element.interrupting) issues.add(element.id, 'a boundary event that catches an error interrupts');
    if (!['serviceTask', 'subProcess', 'callActivity'].includes(host.kind)) {
      issues.add(element.id, `a ${host.kind} raises no error that could be caught`);
    }
  } else if (['task', 'scriptTask', 'businessRuleTask'].includes(host.kind) && !host.loop) {
    issues.add(element.id, `a ${host.kind} takes no time in which an event could happen`);
  }
}

function checkEnds(element: FlowElement, issues: Issues): void {
  if (element.kind === 'startEvent' && element.incoming.length > 0) {
    issues.add(element.id, 'a start event has no incoming flow');
  }
  if (element.kind === 'boundaryEvent' && element.incoming.length > 0) {
    issues.add(element.id, 'a boundary event has no incoming flow');
  }
  if (element.kind === 'endEvent' && element.outgoing.length > 0) {
    issues.add(element.id, 'an end event has no outgoing flow');
  }
  if (element.outgoing.length === 0 && element.kind !== 'endEvent' && !isActivity(element)) {
    issues.add(element.id, 'nothing follows this element');
  }
}

/** Every element that a token can come to. */
function reached(model: ProcessModel): ReadonlySet<string> {
  const seen = new Set<string>();
  const waiting: (string | undefined)[] = [...model.elements.values()]
    .filter((one) => one.kind === 'startEvent' && one.parent === model.key)
    .map((one) => one.id);
  while (waiting.length > 0) {
    const element = model.elements.get(waiting.pop() ?? '');
    if (!element || seen.has(element.id)) continue;
    seen.add(element.id);
    for (const flow of element.outgoing) waiting.push(model.flows.get(flow)?.target);
    if (isActivity(element)) waiting.push(...element.boundary);
    if (element.kind === 'subProcess') waiting.push(model.starts.get(element.id));
  }
  return seen;
}

/** Codes that a service task raises must be caught around it: an error nobody waits for is a slip of the pen. */
function checkErrorMappings(model: ProcessModel, element: FlowElement, issues: Issues): void {
  if (element.kind !== 'serviceTask') return;
  for (const { code } of element.errors) {
    let caught = false;
    for (let at: FlowElement | undefined = element; at && !caught; at = model.elements.get(at.parent)) {
      caught =
        isActivity(at) &&
        at.boundary.some((id) => {
          const event = model.elements.get(id);
          return (
            event?.kind === 'boundaryEvent' &&
            event.catches.kind === 'error' &&
            (event.catches.code === undefined || event.catches.code === code)
          );
        });
    }
    if (!caught) issues.add(element.id, `no boundary event catches the error ${code}`);
  }
}

/** Checks what no single element can tell: how the flow runs. */
export function checkFlow(model: ProcessModel, issues: Issues): void {
  for (const element of model.elements.values()) {
    checkConditions(model, element, issues);
    checkEnds(element, issues);
    checkErrorMappings(model, element, issues);
    if (element.kind === 'eventBasedGateway') checkEventGateway(model, element, issues);
    if (element.kind === 'boundaryEvent') checkBoundary(model, element, issues);
    if (element.kind === 'parallelGateway' || element.kind === 'inclusiveGateway') {
      const looped = element.outgoing.some((id) => model.flows.get(id)?.target === element.id);
      if (looped) issues.add(element.id, 'the gateway leads back to itself');
    }
  }
  const reachable = reached(model);
  for (const element of model.elements.values()) {
    if (!reachable.has(element.id) && element.kind !== 'startEvent') {
      issues.add(element.id, 'no path from the start leads here');
    }
  }
}
