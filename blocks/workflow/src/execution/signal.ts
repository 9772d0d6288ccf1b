import type { Variables } from '../feel/json.ts';
import { command, type Run, subscriptionsOf } from './run.ts';
import { trigger } from './trigger.ts';

/**
 * Throws a signal. What waits for it in this instance takes it at once; the surroundings pass it on to every other
 * instance of the same owner that waits at this moment.
 */
export function throwSignal(run: Run, name: string, payload: Variables): void {
  command(run, { type: 'throwSignal', signal: name, payload });
  const waiting = subscriptionsOf(run).filter(
    (one) => one.kind === 'signal' && signalOf(run, one.elementId) === name,
  );
  for (const { id } of waiting) trigger(run, id, payload);
}

function signalOf(run: Run, elementId: string): string | undefined {
  const element = run.model.elements.get(elementId);
  return element && 'catches' in element && element.catches.kind === 'signal'
    ? element.catches.name
    : undefined;
}
