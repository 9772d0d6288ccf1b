import type { Variables } from '../feel/json.ts';
import { command, type Run, subscriptionsOf } from './run.ts';
import { definitionBehind } from './subscribe.ts';
import { trigger } from './trigger.ts';

/**
 * Throws a signal. What waits for it in this instance takes it at once; the surroundings pass it on to every other
 * instance of the same owner that waits at this moment.
 */
export function throwSignal(run: Run, name: string, payload: Variables): void {
  command(run, { type: 'throwSignal', signal: name, payload });
  const waiting = subscriptionsOf(run).filter((one) => {
    const catches = definitionBehind(run, one);
    return catches?.kind === 'signal' && catches.name === name && !one.happened;
  });
  for (const { id } of waiting) trigger(run, id, payload);
}
