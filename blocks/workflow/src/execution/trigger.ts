import type { Json, Variables } from '../feel/json.ts';
import type { BoundaryEvent } from '../model/model.ts';
import { finishActivity } from './activity.ts';
import { cancelWork, disarm } from './cancel.ts';
import { beginHandler } from './event-sub-process.ts';
import { happen } from './happen.ts';
import { addBeside, change, type Run, record } from './run.ts';
import type { Subscription, Token } from './state.ts';
import { planNext, subscribe } from './subscribe.ts';

/**
 * A timer is due, a message or signal has come, or a condition has become true. Answers false when nobody waits for it
 * any more: the token has gone on, or was cancelled.
 */
export function trigger(run: Run, subscriptionId: string, payload: Json): boolean {
  for (const token of run.tokens.values()) {
    const subscription = token.subscriptions.find((one) => one.id === subscriptionId);
    if (subscription) {
      fire(run, token, subscription, payload);
      return true;
    }
  }
  for (const scope of run.scopes.values()) {
    const subscription = scope.subscriptions.find((one) => one.id === subscriptionId);
    const handler = run.model.elements.get(subscription?.elementId ?? '');
    if (subscription && handler?.kind === 'eventSubProcess') {
      beginHandler(run, scope, handler, broughtBy(subscription, payload), subscription);
      return true;
    }
  }
  return false;
}

/** What an event gives to its outputs. */
const broughtBy = ({ kind }: Subscription, payload: Json): Variables =>
  kind === 'message' || kind === 'signal' ? { [kind]: payload } : {};

function fire(run: Run, token: Token, subscription: Subscription, payload: Json): void {
  const event = run.model.elements.get(subscription.elementId);
  const brought = broughtBy(subscription, payload);
  if (event?.kind === 'receiveTask') {
    finishActivity(run, disarm(run, token, subscription.id), event, brought);
  } else if (event?.kind === 'intermediateCatchEvent') {
    if (token.elementId !== event.id) record(run, token, 'completed');
    happen(run, disarm(run, token, subscription.id), event, brought);
  } else if (event?.kind === 'boundaryEvent') {
    happenOnBoundary(run, token, event, brought, subscription);
  }
}

/** A boundary event happens to the activity of a token: instead of it when it interrupts, beside it otherwise. */
export function happenOnBoundary(
  run: Run,
  token: Token,
  event: BoundaryEvent,
  brought: Variables,
  subscription?: Subscription,
): void {
  if (event.interrupting) {
    record(run, token, 'cancelled');
    happen(run, cancelWork(run, token, subscription?.id), event, brought);
    return;
  }
  // A time comes once or as its cycle says; everything else may come again for as long as the activity lasts.
  if (subscription?.kind === 'timer') {
    const others = token.subscriptions.filter((one) => one.id !== subscription.id);
    const again =
      event.catches.kind === 'timer' ? planNext(run, token, subscription, event.catches) : undefined;
    change(run, token, { subscriptions: [...others, ...subscribe(run, again ? [again] : [])] });
  }
  happen(run, addBeside(run, token.scopeId, event.id), event, brought);
}
