import type { Variables } from '../feel/json.ts';
import type {
  Activity,
  CompensationThrow,
  EndEvent,
  EventSubProcess,
  IntermediateThrowEvent,
} from '../model/model.ts';
import { leaveTransaction } from './cancel-transaction.ts';
import { beginHandler } from './event-sub-process.ts';
import { leave } from './leave.ts';
import {
  addBeside,
  addScope,
  addToken,
  change,
  isIteration,
  type Run,
  record,
  removeToken,
  scopeOf,
} from './run.ts';
import type { Compensable, Scope, Token, Undo } from './state.ts';

type Compensating = Token & { readonly wait: Extract<Token['wait'], { kind: 'compensation' }> };
type Thrower = IntermediateThrowEvent | EndEvent;

const isCompensating = (token: Token): token is Compensating => token.wait.kind === 'compensation';

const remember = (run: Run, scope: Scope, done: Compensable): void => {
  run.scopes.set(scope.id, { ...scope, compensable: [...scope.compensable, done] });
};

/** An activity that can be compensated for has been completed; one that is repeated, each run for itself. */
export function rememberActivity(run: Run, token: Token, activity: Activity): void {
  if (activity.compensation === undefined || (activity.loop && !isIteration(run, token))) return;
  remember(run, scopeOf(run, token), {
    activity: activity.id,
    handlers: [{ handler: activity.compensation }],
  });
}

const seenWith = (variables: Variables, undo: Undo): Undo => ({
  ...undo,
  variables: { ...variables, ...undo.variables },
});

/** A run of a repeated activity is over: what was done in it is compensated for with the variables it had. */
export function rememberRun(run: Run, scope: Scope): void {
  const owner = run.tokens.get(scope.owner ?? '');
  const handlers = scope.compensable.flatMap((one) => one.handlers);
  if (!owner || handlers.length === 0) return;
  remember(run, scopeOf(run, owner), {
    activity: scope.elementId,
    handlers: handlers.map((one) => seenWith(scope.variables, one)),
  });
}

const handlerIn = (run: Run, elementId: string): string | undefined =>
  run.model.handlers
    .get(elementId)
    ?.find((id) => (run.model.elements.get(id) as EventSubProcess).catches.kind === 'compensation');

/**
 * A sub-process has ended: what was done in it is compensated for with it, by its event sub-process if there is one,
 * unless it has a handler of its own.
 */
export function rememberInner(
  run: Run,
  owner: Token,
  element: Activity | EventSubProcess,
  inner: Scope,
): void {
  if (element.kind !== 'eventSubProcess' && element.compensation !== undefined) return;
  const handler = handlerIn(run, element.id);
  const handlers =
    handler === undefined
      ? inner.compensable.flatMap((one) => one.handlers)
      : [{ handler, inner: inner.compensable }];
  if (handlers.length > 0) remember(run, scopeOf(run, owner), { activity: element.id, handlers });
}

/** Takes what was done and is meant out of a scope. */
function take(run: Run, scope: Scope, meant: (done: Compensable) => boolean): readonly Undo[] {
  const taken = scope.compensable.filter(meant);
  if (taken.length === 0) return [];
  run.scopes.set(scope.id, { ...scope, compensable: scope.compensable.filter((one) => !meant(one)) });
  return taken.flatMap((one) => one.handlers);
}

/**
 * Compensates, last done first and each once; the token waits until the last handler is done, or goes on at once where
 * the event says so.
 */
export function startCompensation(run: Run, token: Token, element: Thrower, thrown: CompensationThrow): void {
  const meant = (one: Compensable): boolean =>
    thrown.activity === undefined || one.activity === thrown.activity;
  let scope = scopeOf(run, token);
  let left = take(run, scope, meant);
  // An event sub-process compensates for what was done around it too.
  while (run.model.elements.get(scope.elementId)?.kind === 'eventSubProcess') {
    scope = run.scopes.get(scope.parent ?? '') as Scope;
    left = [...take(run, scope, meant), ...left];
  }
  if (thrown.waits || element.kind === 'endEvent') {
    compensate(run, token, element, { kind: 'compensation', left });
    return;
  }
  if (left.length > 0) {
    const beside = addBeside(run, token.scopeId, element.id);
    compensate(run, beside, element, { kind: 'compensation', left, beside: true });
  }
  record(run, token, 'completed');
  leave(run, token, element);
}

/** Lets a token compensate. */
export function compensate(run: Run, token: Token, element: Thrower, wait: Compensating['wait']): void {
  const waiting = change(run, token, { wait });
  if (wait.left.length > 0) record(run, waiting, 'entered');
  continueCompensation(run, waiting, element);
}

/** Runs the next handler, or lets the token go on. */
export function continueCompensation(run: Run, token: Token, element: Thrower): void {
  if (!isCompensating(token)) return;
  const next = token.wait.left.at(-1);
  if (next === undefined) {
    if (!token.wait.beside) record(run, token, 'completed');
    if (element.kind === 'endEvent' && element.result.kind === 'cancel') leaveTransaction(run, token);
    else if (element.kind === 'endEvent' || token.wait.beside) removeToken(run, token);
    else leave(run, token, element);
    return;
  }
  change(run, token, { wait: { ...token.wait, left: token.wait.left.slice(0, -1) } });
  const handler = run.model.elements.get(next.handler);
  const scope = addScope(run, {
    kind: 'subProcess',
    elementId: handler?.kind === 'eventSubProcess' ? handler.parent : element.id,
    parent: token.scopeId,
    owner: token.id,
    variables: next.variables ?? {},
    index: undefined,
    subscriptions: [],
    compensable: next.inner ?? [],
  });
  if (handler?.kind === 'eventSubProcess') beginHandler(run, scope, handler, {});
  else addToken(run, scope.id, next.handler);
}

/** Everything done in a scope and in what still runs inside it, in order; what is being compensated for included. */
export function doneIn(run: Run, scope: Scope): readonly Undo[] {
  const waiting = [...run.tokens.values()]
    .filter((token) => token.scopeId === scope.id)
    .flatMap((token) => (token.wait.kind === 'compensation' ? token.wait.left : []));
  const inside = [...run.scopes.values()]
    .filter((one) => one.parent === scope.id)
    .flatMap((one) => doneIn(run, one).map((undo) => seenWith(one.variables, undo)));
  return [...scope.compensable.flatMap((one) => one.handlers), ...waiting, ...inside];
}
