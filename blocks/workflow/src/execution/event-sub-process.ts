import type { Variables } from '../feel/json.ts';
import { FeelError } from '../feel/normalise.ts';
import type { EventSubProcess } from '../model/model.ts';
import { beginNothingMore } from './ad-hoc.ts';
import { cancelToken, disarmScope } from './cancel.ts';
import { raiseIncident } from './incident.ts';
import { addBeside, addScope, addToken, type Run, record, tokensIn, waitFor } from './run.ts';
import type { Scope, Subscription, Token } from './state.ts';
import { planEvent, planNext, subscribe } from './subscribe.ts';
import { applyOutputs } from './variables.ts';

/** Event sub-processes that may happen to a scope. */
const handlersOf = (run: Run, scope: Scope): EventSubProcess[] =>
  scope.kind === 'iteration' || scope.kind === 'repetition'
    ? []
    : (run.model.handlers.get(scope.elementId) ?? []).map(
        (id) => run.model.elements.get(id) as EventSubProcess,
      );

/** Lets the event sub-processes of the scope that a token begins wait for their events. Throws `FeelError`. */
export function armHandlers(run: Run, token: Pick<Token, 'scopeId'>): void {
  const scope = run.scopes.get(token.scopeId);
  if (!scope) return;
  const planned = handlersOf(run, scope).flatMap(({ id, catches }) =>
    planEvent(run, { id: scope.id, scopeId: scope.id }, id, catches),
  );
  if (planned.length === 0) return;
  // A start event that is entered again begins to wait anew.
  disarmScope(run, scope.id);
  run.scopes.set(scope.id, {
    ...(run.scopes.get(scope.id) as Scope),
    subscriptions: subscribe(run, planned),
  });
}

/**
 * An event sub-process begins inside its scope: instead of everything that runs there when it interrupts, beside it
 * otherwise. The scope lasts until it has ended.
 */
export function beginHandler(
  run: Run,
  scope: Scope,
  handler: EventSubProcess,
  brought: Variables,
  subscription?: Subscription,
): void {
  if (handler.interrupting) {
    for (const token of tokensIn(run, scope.id)) cancelToken(run, token);
    disarmScope(run, scope.id, subscription?.id);
    beginNothingMore(run, scope);
  } else if (subscription?.kind === 'timer') {
    const others = scope.subscriptions.filter((one) => one.id !== subscription.id);
    const again = planNext(run, scope, subscription);
    run.scopes.set(scope.id, {
      ...scope,
      subscriptions: [...others, ...subscribe(run, again ? [again] : [])],
    });
  }
  const owner = addBeside(run, scope.id, handler.id);
  record(run, waitFor(run, owner, { kind: 'scope' }), 'entered');
  const inner = addScope(run, {
    kind: 'subProcess',
    elementId: handler.id,
    parent: scope.id,
    owner: owner.id,
    variables: {},
    index: undefined,
    subscriptions: [],
    compensable: [],
  });
  const start = addToken(run, inner.id, run.model.starts.get(handler.id) as string);
  try {
    applyOutputs(run, inner.id, handler.outputs, brought);
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    raiseIncident(run, start, error.message, 'enter', { brought });
  }
}
