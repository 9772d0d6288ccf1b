import { definitionsOf } from './definitions-of.ts';
import type { Issues } from './issues.ts';
import type { Activity, BoundaryEvent, EventSubProcess, FlowElement, ProcessModel } from './model.ts';

const activityKinds = new Set([
  'serviceTask',
  'sendTask',
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
    } else if (flow.condition && !conditional && element.kind !== 'complexGateway' && !isActivity(element)) {
      issues.add(id, 'a condition has no meaning on this flow');
    }
  }
}

function checkEventGateway(model: ProcessModel, element: FlowElement, issues: Issues): void {
  if (element.outgoing.length < 2) issues.add(element.id, 'an event-based gateway has at least two flows');
  for (const id of element.outgoing) {
    const target = model.elements.get(model.flows.get(id)?.target ?? '');
    if (!target) continue;
    if (target.kind !== 'intermediateCatchEvent' || target.catches.kind === 'link') {
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
  for (const { kind } of definitionsOf(element.catches)) checkCaught(element, host, kind, issues);
}

/** A script in JavaScript takes its time, and may throw errors. */
const isRunBeside = (host: Activity): boolean => host.kind === 'scriptTask' && 'javascript' in host.script;

function checkCaught(element: BoundaryEvent, host: Activity, kind: string, issues: Issues): void {
  if (kind === 'cancel') return;
  if (kind === 'compensation') {
    checkCompensation(element, host, issues);
  } else if (kind === 'error') {
    if (!element.interrupting) issues.add(element.id, 'a boundary event that catches an error interrupts');
    if (!['serviceTask', 'subProcess', 'callActivity'].includes(host.kind) && !isRunBeside(host)) {
      issues.add(element.id, `a ${host.kind} raises no error that could be caught`);
    }
  } else if (kind === 'escalation') {
    if (!['subProcess', 'callActivity'].includes(host.kind) && host.loop?.kind !== 'multiInstance')
      issues.add(element.id, `a ${host.kind} escalates nothing`);
  } else if (
    ['task', 'scriptTask', 'sendTask', 'businessRuleTask'].includes(host.kind) &&
    !host.loop &&
    !isRunBeside(host)
  ) {
    issues.add(element.id, `a ${host.kind} takes no time in which an event could happen`);
  }
}

function checkCompensation(event: BoundaryEvent, host: Activity, issues: Issues): void {
  if (event.outgoing.length > 0) issues.add(event.id, 'no flow leaves a compensation event');
  if (host.isForCompensation) issues.add(event.id, 'what compensates is not compensated for');
}

const compensatesAround = (element: FlowElement | undefined): boolean =>
  element?.kind === 'eventSubProcess' && element.catches.kind === 'compensation';

function checkCompensationHandler(model: ProcessModel, element: FlowElement, issues: Issues): void {
  if (!compensatesAround(element)) return;
  const around = model.elements.get(element.parent);
  if (around?.kind !== 'subProcess') {
    issues.add(element.id, 'what is compensated for by an event sub-process is the sub-process around it');
    return;
  }
  const others = (model.handlers.get(around.id) ?? []).filter((id) =>
    compensatesAround(model.elements.get(id)),
  );
  if (around.compensation !== undefined || others.length > 1) {
    issues.add(element.id, `${around.id} is compensated for twice`);
  }
}

/** Transaction that a cancel end event cancels; undefined when it stands in none, or in what compensates. */
function cancelled(model: ProcessModel, end: FlowElement): FlowElement | undefined {
  for (let at = model.elements.get(end.parent); at; at = model.elements.get(at.parent)) {
    if (at.kind === 'subProcess' && at.transaction) return at;
    if (compensatesAround(at) || (isActivity(at) && at.isForCompensation)) return undefined;
  }
  return undefined;
}

function checkCancel(model: ProcessModel, element: FlowElement, issues: Issues): void {
  if (element.kind === 'boundaryEvent' && element.catches.kind === 'cancel') {
    const host = model.elements.get(element.attachedTo);
    if (host?.kind !== 'subProcess' || !host.transaction) {
      issues.add(element.id, 'a cancel event is attached to a transaction');
    } else if (host.loop) {
      issues.add(element.id, 'cancelling a transaction that is repeated is not supported');
    }
    if (!element.interrupting) issues.add(element.id, 'a boundary event that catches a cancel interrupts');
  }
  if (element.kind !== 'endEvent' || element.result.kind !== 'cancel') return;
  const transaction = cancelled(model, element);
  if (transaction?.kind !== 'subProcess') {
    issues.add(element.id, 'a cancel end event stands in a transaction');
    return;
  }
  const caught = transaction.boundary.filter(
    (id) => (model.elements.get(id) as BoundaryEvent | undefined)?.catches.kind === 'cancel',
  );
  if (caught.length !== 1) {
    issues.add(
      element.id,
      `the transaction ${transaction.id} has no cancel event on its boundary, or several`,
    );
  }
}

function checkCompensations(model: ProcessModel, element: FlowElement, issues: Issues): void {
  if (isActivity(element) && element.isForCompensation) {
    if (element.incoming.length + element.outgoing.length > 0) {
      issues.add(element.id, 'no flow leads to or from an activity that is for compensation');
    }
    if (element.boundary.length > 0) issues.add(element.id, 'what compensates has no boundary events');
  }
  const thrown =
    element.kind === 'intermediateThrowEvent'
      ? element.throws
      : element.kind === 'endEvent'
        ? element.result
        : undefined;
  if (thrown?.kind !== 'compensation' || thrown.activity === undefined) return;
  const scopes = [element.parent];
  for (let at = model.elements.get(element.parent); at?.kind === 'eventSubProcess'; ) {
    scopes.push(at.parent);
    at = model.elements.get(at.parent);
  }
  const meant = model.elements.get(thrown.activity);
  if (!meant || !isActivity(meant) || !scopes.includes(meant.parent)) {
    issues.add(element.id, `${thrown.activity} is no activity beside this event`);
  } else if (meant.compensation === undefined && meant.kind !== 'subProcess') {
    issues.add(element.id, `nothing compensates for ${thrown.activity}`);
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
  if (element.kind === 'eventSubProcess' && element.incoming.length + element.outgoing.length > 0) {
    issues.add(element.id, 'no flow leads to or from an event sub-process');
  }
  if (element.kind === 'boundaryEvent' && element.catches.kind === 'compensation') return;
  const goesOn =
    !['endEvent', 'eventSubProcess'].includes(element.kind) && !isLinkThrow(element) && !isActivity(element);
  if (element.outgoing.length === 0 && goesOn) issues.add(element.id, 'nothing follows this element');
}

const isLinkThrow = (element: FlowElement): boolean =>
  element.kind === 'intermediateThrowEvent' && element.throws.kind === 'link';

function checkLinks(model: ProcessModel, element: FlowElement, issues: Issues): void {
  if (isLinkThrow(element) && element.outgoing.length > 0) {
    issues.add(element.id, 'a link has no outgoing flow: it goes on where it is caught');
  }
  if (element.kind !== 'intermediateCatchEvent' || element.catches.kind !== 'link') return;
  const { name } = element.catches;
  if (element.incoming.length > 0) issues.add(element.id, 'a caught link has no incoming flow');
  const thrown = [...model.elements.values()].some((other) => next(model, other).includes(element.id));
  if (!thrown && name !== '') issues.add(element.id, `nothing throws the link ${name} here`);
}

/** Elements that a token comes to from this one: along its flows, or by its link. */
export const next = (model: ProcessModel, element: FlowElement): readonly string[] =>
  element.kind === 'intermediateThrowEvent' && element.throws.kind === 'link'
    ? [element.throws.target]
    : element.outgoing.map((flow) => model.flows.get(flow)?.target ?? '');

/** Activities of an ad-hoc sub-process that are begun by choice: those to which no flow leads. */
export const choicesIn = (model: ProcessModel, id: string): readonly string[] =>
  [...model.elements.values()]
    .filter(
      (one) => one.parent === id && isActivity(one) && one.incoming.length === 0 && !one.isForCompensation,
    )
    .map((one) => one.id);

/** An activity that is begun by choice, to compensate, or where nothing runs beside it waits for one token only. */
function checkQuantity(model: ProcessModel, element: FlowElement, issues: Issues): void {
  if (!isActivity(element) || element.startQuantity === 1) return;
  const around = model.elements.get(element.parent);
  const alone = around?.kind === 'subProcess' && around.adHoc?.sequential;
  if (alone || element.incoming.length === 0) {
    issues.add(element.id, 'nothing brings as many tokens as startQuantity waits for');
  }
}

function checkAdHoc(model: ProcessModel, element: FlowElement, issues: Issues): void {
  if (element.kind !== 'subProcess' || !element.adHoc) return;
  if (choicesIn(model, element.id).length === 0) issues.add(element.id, 'there is no activity to begin with');
  for (const one of model.elements.values()) {
    if (one.parent !== element.id) continue;
    if (one.kind === 'startEvent' || one.kind === 'endEvent') {
      issues.add(one.id, 'an ad-hoc sub-process has no start and no end event');
    }
    const flows = one.outgoing.length * ('completionQuantity' in one ? one.completionQuantity : 1);
    const splits = flows > 1 && !['exclusiveGateway', 'eventBasedGateway'].includes(one.kind);
    if (splits && element.adHoc.sequential) {
      issues.add(one.id, 'in a sequential ad-hoc sub-process nothing runs beside anything else');
    }
  }
}

/** Every element that a token can come to. */
function reached(model: ProcessModel): ReadonlySet<string> {
  const seen = new Set<string>();
  const begin = (scope: FlowElement) => [
    model.starts.get(scope.id),
    ...(model.handlers.get(scope.id) ?? []),
    ...(scope.kind === 'subProcess' && scope.adHoc ? choicesIn(model, scope.id) : []),
  ];
  const waiting: (string | undefined)[] = [
    ...[...model.elements.values()]
      .filter((one) => one.kind === 'startEvent' && one.parent === model.key)
      .map((one) => one.id),
    ...(model.handlers.get(model.key) ?? []),
  ];
  while (waiting.length > 0) {
    const element = model.elements.get(waiting.pop() ?? '');
    if (!element || seen.has(element.id)) continue;
    seen.add(element.id);
    waiting.push(...next(model, element));
    if (isActivity(element)) waiting.push(...element.boundary, element.compensation);
    if (element.kind === 'subProcess' || element.kind === 'eventSubProcess') waiting.push(...begin(element));
  }
  return seen;
}

/** Event sub-processes that can still catch what an element lets out: none once one has taken the scope over. */
export const handledBeside = (model: ProcessModel, element: FlowElement): readonly string[] =>
  element.kind === 'eventSubProcess' && element.interrupting
    ? []
    : (model.handlers.get(element.parent) ?? []).filter((id) => id !== element.id);

/** Codes that a service task raises must be caught around it: an error nobody waits for is a slip of the pen. */
function checkErrorMappings(model: ProcessModel, element: FlowElement, issues: Issues): void {
  if (element.kind !== 'serviceTask') return;
  for (const { code } of element.errors) {
    let caught = false;
    for (let at: FlowElement | undefined = element; at && !caught; at = model.elements.get(at.parent)) {
      const events = [...(isActivity(at) ? at.boundary : []), ...handledBeside(model, at)];
      caught = events.some((id) => {
        const { catches } = model.elements.get(id) as BoundaryEvent | EventSubProcess;
        return definitionsOf(catches).some(
          (one) => one.kind === 'error' && (one.code === undefined || one.code === code),
        );
      });
    }
    if (!caught) issues.add(element.id, `nothing catches the error ${code}`);
  }
}

/** Checks what no single element can tell: how the flow runs. */
export function checkFlow(model: ProcessModel, issues: Issues): void {
  for (const element of model.elements.values()) {
    checkConditions(model, element, issues);
    checkEnds(element, issues);
    checkErrorMappings(model, element, issues);
    checkLinks(model, element, issues);
    checkCompensations(model, element, issues);
    checkCompensationHandler(model, element, issues);
    checkCancel(model, element, issues);
    checkAdHoc(model, element, issues);
    checkQuantity(model, element, issues);
    if (element.kind === 'eventBasedGateway') checkEventGateway(model, element, issues);
    const catchesError =
      element.kind === 'eventSubProcess' &&
      definitionsOf(element.catches).some(({ kind }) => kind === 'error');
    if (catchesError && !element.interrupting) {
      issues.add(element.id, 'an event sub-process that catches an error interrupts');
    }
    if (element.kind === 'boundaryEvent') checkBoundary(model, element, issues);
    if (['parallelGateway', 'inclusiveGateway', 'complexGateway'].includes(element.kind)) {
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
