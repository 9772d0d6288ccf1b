import type { Json, Variables } from '../feel/json.ts';
import { finishActivity } from './activity.ts';
import { cancelWork, disarm } from './cancel.ts';
import { happen } from './happen.ts';
import { addBeside, change, type Run, record } from './run.ts';
import type { Subscription, Token } from './state.ts';
import { planNext, subscribe } from './subscribe.ts';

/**
 * A timer is due or a message has come. Answers false when nobody waits for it any more: the token has gone on, or
 * was cancelled.
 */
export function trigger(run: Run, subscriptionId: string, payload: Json): boolean {
  for (const token of run.tokens.values()) {
    const subscription = token.subscriptions.find((one) => one.id === subscriptionId);
    if (subscription) {
      fire(run, token, subscription, payload);
      return true;
    }
  }
  return false;
}

function fire(run: Run, token: Token, subscription: Subscription, payload: Json): void {
  const event = run.model.elements.get(subscription.elementId);
  const brought: Variables = subscription.kind === 'message' ? { message: payload } : {};
  if (event?.kind === 'receiveTask') {
    finishActivity(run, disarm(run, token, subscription.id), event, brought);
  } else if (event?.kind === 'intermediateCatchEvent') {
    if (token.elementId !== event.id) record(run, token, 'completed');
    happen(run, disarm(run, token, subscription.id), event, brought);
  } else if (event?.kind === 'boundaryEvent' && event.interrupting) {
    record(run, token, 'cancelled');
    happen(run, cancelWork(run, token, subscription.id), event, brought);
  } else if (event?.kind === 'boundaryEvent') {
    const others = token.subscriptions.filter((one) => one.id !== subscription.id);
    const again = event.catches.kind === 'timer' && planNext(run, token, subscription, event.catches);
    change(run, token, { subscriptions: [...others, ...subscribe(run, again ? [again] : [])] });
    happen(run, addBeside(run, token.scopeId, event.id), event, brought);
  }
}
