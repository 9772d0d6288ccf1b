import type { Activity, CompensationThrow, EndEvent, IntermediateThrowEvent } from '../model/model.ts';
import { leave } from './leave.ts';
import { addScope, addToken, change, type Run, record, removeToken, scopeOf } from './run.ts';
import type { Compensable, Scope, Token } from './state.ts';

type Compensating = Token & { readonly wait: Extract<Token['wait'], { kind: 'compensation' }> };

const isCompensating = (token: Token): token is Compensating => token.wait.kind === 'compensation';

const remember = (run: Run, scope: Scope, done: Compensable): void => {
  run.scopes.set(scope.id, { ...scope, compensable: [...scope.compensable, done] });
};

/** An activity that can be compensated for has been completed. */
export function rememberActivity(run: Run, token: Token, activity: Activity): void {
  if (activity.compensation === undefined) return;
  remember(run, scopeOf(run, token), { activity: activity.id, handlers: [activity.compensation] });
}

/** A sub-process has ended: what was done in it is compensated for with it, unless it has a handler of its own. */
export function rememberInner(run: Run, owner: Token, activity: Activity, inner: Scope): void {
  const handlers = inner.compensable.flatMap((one) => one.handlers);
  if (activity.compensation !== undefined || handlers.length === 0) return;
  remember(run, scopeOf(run, owner), { activity: activity.id, handlers });
}

/** Compensates, last done first and each once; the token waits until the last handler is done. */
export function startCompensation(
  run: Run,
  token: Token,
  element: IntermediateThrowEvent | EndEvent,
  thrown: CompensationThrow,
): void {
  let scope = scopeOf(run, token);
  // An event sub-process compensates for what was done around it.
  while (run.model.elements.get(scope.elementId)?.kind === 'eventSubProcess') {
    scope = run.scopes.get(scope.parent ?? '') as Scope;
  }
  const meant = (one: Compensable): boolean =>
    thrown.activity === undefined || one.activity === thrown.activity;
  run.scopes.set(scope.id, {
    ...scope,
    compensable: scope.compensable.filter((one) => !meant(one)),
  });
  const left = scope.compensable.filter(meant).flatMap((one) => one.handlers);
  const waiting = change(run, token, { wait: { kind: 'compensation', left } });
  if (left.length > 0) record(run, waiting, 'entered');
  continueCompensation(run, waiting, element);
}

/** Runs the next handler, or lets the token go on. */
export function continueCompensation(
  run: Run,
  token: Token,
  element: IntermediateThrowEvent | EndEvent,
): void {
  if (!isCompensating(token)) return;
  const handler = token.wait.left.at(-1);
  if (handler === undefined) {
    record(run, token, 'completed');
    if (element.kind === 'endEvent') removeToken(run, token);
    else leave(run, token, element);
    return;
  }
  change(run, token, { wait: { kind: 'compensation', left: token.wait.left.slice(0, -1) } });
  const scope = addScope(run, {
    kind: 'subProcess',
    elementId: element.id,
    parent: token.scopeId,
    owner: token.id,
    variables: {},
    index: undefined,
    subscriptions: [],
    compensable: [],
  });
  addToken(run, scope.id, handler);
}
