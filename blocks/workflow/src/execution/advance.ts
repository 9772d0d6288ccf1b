import { FeelError } from '../feel/normalise.ts';
import { isActivity } from '../model/check-flow.ts';
import type {
  EventBasedGateway,
  FlowElement,
  IntermediateCatchEvent,
  IntermediateThrowEvent,
} from '../model/model.ts';
import { enterActivity, finishActivity } from './activity.ts';
import { goesOn } from './ad-hoc.ts';
import { cancelToken, disarmScope } from './cancel.ts';
import { cancelTransaction } from './cancel-transaction.ts';
import { continueCompensation, rememberInner, rememberRun, startCompensation } from './compensate.ts';
import { enterComplexGateway, resetComplexGateway } from './complex-gateway.ts';
import { checkConditions } from './conditions.ts';
import { raiseError } from './error.ts';
import { armHandlers } from './event-sub-process.ts';
import { raiseIncident } from './incident.ts';
import { endIteration } from './iterate.ts';
import {
  companions,
  enterInclusiveGateway,
  enterParallelGateway,
  releaseInclusiveJoin,
  reportDeadlock,
} from './join.ts';
import { followFirst, leave } from './leave.ts';
import { endRepetition } from './repeat.ts';
import { change, isIteration, type Run, record, removeToken, tokensIn, waitFor } from './run.ts';
import type { Scope, Token } from './state.ts';
import { planEvent, subscribe } from './subscribe.ts';
import { prepareThrow, throwsSignal } from './throw.ts';

/** Lets every token move until each waits for something outside, then ends the scopes that have become empty. */
export function settle(run: Run): void {
  while (run.status === 'running') {
    if (run.conditionsDue) checkConditions(run);
    const id = nextReady(run);
    if (id !== undefined) {
      const token = run.tokens.get(id);
      if (token?.wait.kind === 'ready') advance(run, token);
    } else if (
      !endEmptyScope(run) &&
      !releaseInclusiveJoin(run) &&
      !resetComplexGateway(run) &&
      !reportDeadlock(run)
    ) {
      return;
    }
  }
}

/** Signals are thrown when everything else stands: a branch beside that is on its way to wait for one gets it. */
function nextReady(run: Run): string | undefined {
  const throwsOne = (id: string): boolean =>
    throwsSignal(run.model.elements.get(run.tokens.get(id)?.elementId ?? ''));
  const first = run.ready.findIndex((id) => !throwsOne(id));
  return run.ready.splice(Math.max(first, 0), 1)[0];
}

function advance(run: Run, token: Token): void {
  const element = run.model.elements.get(token.elementId);
  if (!element) {
    raiseIncident(run, token, 'the definition no longer has this element', 'enter');
    return;
  }
  if (run.movesLeft <= 0) {
    raiseIncident(
      run,
      token,
      `more than ${run.context.maxMoves} moves without waiting: is this a loop?`,
      'enter',
    );
    return;
  }
  run.movesLeft -= 1;
  run.context.watch?.(run, token, 'reached');
  try {
    enter(run, token, element);
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    const complete = token.wait.kind === 'ready' && token.wait.complete;
    raiseIncident(run, token, error.message, complete ? 'begin' : 'enter');
  }
}

function enter(run: Run, token: Token, element: FlowElement): void {
  if (isActivity(element)) {
    const together = isIteration(run, token) ? [] : companions(run, token, element.startQuantity);
    if (!together) {
      waitFor(run, token, { kind: 'join' });
      return;
    }
    enterActivity(run, token, element);
    for (const other of together) removeToken(run, other);
    return;
  }
  switch (element.kind) {
    case 'startEvent':
      armHandlers(run, token);
      record(run, token, 'completed');
      leave(run, token, element);
      return;
    case 'boundaryEvent':
      record(run, token, 'completed');
      leave(run, token, element);
      return;
    case 'intermediateThrowEvent':
      throwEvent(run, token, element);
      return;
    case 'endEvent':
      end(run, token, element);
      return;
    case 'exclusiveGateway':
      followFirst(run, token, element);
      record(run, token, 'completed');
      return;
    case 'parallelGateway':
      enterParallelGateway(run, token);
      return;
    case 'inclusiveGateway':
      enterInclusiveGateway(run, token);
      return;
    case 'complexGateway':
      enterComplexGateway(run, token, element);
      return;
    case 'intermediateCatchEvent':
      if (element.catches.kind === 'link') {
        record(run, token, 'completed');
        leave(run, token, element);
      } else awaitEvents(run, token, [element]);
      return;
    case 'eventBasedGateway':
      awaitEvents(run, token, eventsBehind(run, element));
  }
}

const eventsBehind = (run: Run, gateway: EventBasedGateway): IntermediateCatchEvent[] =>
  gateway.outgoing.map(
    (flow) => run.model.elements.get(run.model.flows.get(flow)?.target ?? '') as IntermediateCatchEvent,
  );

function awaitEvents(run: Run, token: Token, events: readonly IntermediateCatchEvent[]): void {
  const planned = events.flatMap((event) => planEvent(run, token, event.id, event.catches));
  const waiting = change(run, token, { wait: { kind: 'event' }, subscriptions: subscribe(run, planned) });
  record(run, waiting, 'entered');
}

function throwEvent(run: Run, token: Token, element: IntermediateThrowEvent): void {
  const { throws } = element;
  if (throws.kind === 'compensation') {
    startCompensation(run, token, element, throws);
    return;
  }
  const throwIt = prepareThrow(run, token, throws);
  record(run, token, 'completed');
  if (throws.kind === 'link') {
    change(run, token, { elementId: throws.target, flowId: undefined, wait: { kind: 'ready' } });
    return;
  }
  leave(run, token, element);
  throwIt();
}

function end(run: Run, token: Token, element: Extract<FlowElement, { kind: 'endEvent' }>): void {
  const { result } = element;
  if (result.kind === 'error') {
    raiseError(run, token, result.code, element.name ?? element.id);
    // Caught outside, it has been cancelled with its scope.
    return;
  }
  if (result.kind === 'compensation') {
    startCompensation(run, token, element, result);
    return;
  }
  if (result.kind === 'cancel') {
    cancelTransaction(run, token, element);
    return;
  }
  const throwIt = prepareThrow(run, token, result);
  record(run, token, 'completed');
  if (result.kind === 'terminate') {
    for (const other of tokensIn(run, token.scopeId)) if (other.id !== token.id) cancelToken(run, other);
  }
  removeToken(run, token);
  throwIt();
}

/** Ends one scope whose last token is gone; answers whether there was one. */
function endEmptyScope(run: Run): boolean {
  for (const id of run.emptied) {
    run.emptied.delete(id);
    const scope = run.scopes.get(id);
    if (!scope || (run.population.get(id) ?? 0) > 0) continue;
    endScope(run, scope);
    return true;
  }
  return false;
}

function endScope(run: Run, scope: Scope): void {
  if (goesOn(run, scope)) return;
  disarmScope(run, scope.id);
  if (scope.kind === 'process') {
    run.status = 'completed';
    return;
  }
  if (scope.kind !== 'subProcess') rememberRun(run, scope);
  if (scope.kind === 'iteration') {
    endIteration(run, scope);
    return;
  }
  if (scope.kind === 'repetition') {
    endRepetition(run, scope);
    return;
  }
  run.scopes.delete(scope.id);
  const owner = run.tokens.get(scope.owner ?? '');
  const element = owner && run.model.elements.get(owner.elementId);
  if (!owner) return;
  if (element?.kind === 'subProcess') {
    rememberInner(run, owner, element, scope);
    finishActivity(run, owner, element, {});
  } else if (element?.kind === 'endEvent' || element?.kind === 'intermediateThrowEvent') {
    continueCompensation(run, owner, element);
  } else if (element?.kind === 'eventSubProcess') {
    rememberInner(run, owner, element, scope);
    record(run, owner, 'completed');
    removeToken(run, owner);
  }
}
