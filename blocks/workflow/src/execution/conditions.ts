import { FeelError } from '../feel/normalise.ts';
import { lookAtIdle } from './ad-hoc.ts';
import { change, type Run, subscriptionsOf } from './run.ts';
import type { Scope, Subscription, Token } from './state.ts';
import { definitionBehind } from './subscribe.ts';
import { trigger } from './trigger.ts';
import { evaluateIn } from './variables.ts';

/**
 * Lets the conditional events happen whose condition has become true. One that does not interrupt happens again only
 * after its condition was untrue in between.
 */
export function checkConditions(run: Run): void {
  run.conditionsDue = false;
  lookAtIdle(run);
  for (const one of subscriptionsOf(run)) {
    if (one.kind !== 'conditional' || one.happened) continue;
    const waits = (other: Token | Scope): boolean => other.subscriptions.includes(one);
    const token = [...run.tokens.values()].find(waits);
    const scope = token ? run.scopes.get(token.scopeId) : [...run.scopes.values()].find(waits);
    if (!scope) continue;
    const held = holds(run, one, scope.id);
    if (held === (one.held === true)) continue;
    const noted = (all: readonly Subscription[]): Subscription[] =>
      all.map((other) => (other === one ? { ...one, held } : other));
    if (token) change(run, token, { subscriptions: noted(token.subscriptions) });
    else run.scopes.set(scope.id, { ...scope, subscriptions: noted(scope.subscriptions) });
    if (held) trigger(run, one.id, null);
  }
}

/** Whether a condition holds. What cannot be told yet does not: it was checked when the wait began. */
function holds(run: Run, subscription: Subscription, scopeId: string): boolean {
  const catches = definitionBehind(run, subscription);
  if (catches?.kind !== 'conditional') return false;
  try {
    return evaluateIn(run, catches.condition, scopeId) === true;
  } catch (error) {
    if (!(error instanceof FeelError)) throw error;
    return false;
  }
}
