import type { Json, Variables } from '../feel/json.ts';
import type { BoundaryEvent } from '../model/model.ts';
import { finishActivity } from './activity.ts';
import { cancelWork, disarm, withdraw } from './cancel.ts';
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
  const meant = (one: Subscription): boolean => one.id === subscriptionId && !one.happened;
  for (const token of run.tokens.values()) {
    const subscription = token.subscriptions.find(meant);
    if (!subscription) continue;
    const { subscriptions, brought } = take(run, token, subscription, payload);
    const taken = change(run, token, { subscriptions });
    if (brought) fire(run, taken, subscription, brought);
    return true;
  }
  for (const scope of run.scopes.values()) {
    const subscription = scope.subscriptions.find(meant);
    const handler = run.model.elements.get(subscription?.elementId ?? '');
    if (!subscription || handler?.kind !== 'eventSubProcess') continue;
    const { subscriptions, brought } = take(run, scope, subscription, payload);
    const taken = { ...scope, subscriptions };
    run.scopes.set(scope.id, taken);
    if (brought) beginHandler(run, taken, handler, brought, subscription);
    return true;
  }
  return false;
}

/**
 * Takes one thing that came. An event that waits for several at once keeps it until the last has come; then, and for any
 * other event, `brought` is what the event gives to its outputs.
 */
function take(
  run: Run,
  { subscriptions }: Pick<Token, 'subscriptions'>,
  subscription: Subscription,
  payload: Json,
): { subscriptions: readonly Subscription[]; brought?: Variables } {
  const element = run.model.elements.get(subscription.elementId);
  const together =
    element && 'catches' in element && element.catches.kind === 'multiple' && element.catches.parallel;
  if (!together) return { subscriptions, brought: broughtBy(subscription, payload) };
  withdraw(run, subscription, subscription.id);
  const noted = subscriptions.map((one) => (one === subscription ? { ...one, happened: { payload } } : one));
  const own = noted.filter((one) => one.elementId === subscription.elementId);
  if (own.some((one) => !one.happened)) return { subscriptions: noted };
  return {
    subscriptions: noted.filter((one) => !own.includes(one)),
    brought: Object.assign({}, ...own.map((one) => broughtBy(one, one.happened?.payload ?? null))),
  };
}

const broughtBy = ({ kind }: Subscription, payload: Json): Variables =>
  kind === 'message' || kind === 'signal' ? { [kind]: payload } : {};

function fire(run: Run, token: Token, subscription: Subscription, brought: Variables): void {
  const event = run.model.elements.get(subscription.elementId);
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
    const again = planNext(run, token, subscription);
    change(run, token, { subscriptions: [...others, ...subscribe(run, again ? [again] : [])] });
  }
  happen(run, addBeside(run, token.scopeId, event.id), event, brought);
}
