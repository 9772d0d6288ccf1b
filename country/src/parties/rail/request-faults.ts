import { setTimeout as wait } from 'node:timers/promises';
import type { FaultSwitch } from '../faults/fault-switch.ts';
import { type Answer, Refusal } from '../http/operation.ts';
import type { RailFaults } from './faults.ts';

/**
 * Serves a request, or fails it on purpose: before anything was done, after everything was done, with a broken
 * connection, or slowly. `key` is the batch or the reference, so that the same requests fail in every run.
 */
export async function withRequestFaults<F extends Pick<RailFaults, 'requests'>>(
  faults: FaultSwitch<F>,
  key: string,
  serve: () => Promise<Answer>,
): Promise<Answer> {
  const { errorBefore, errorAfter, timeout, late } = faults.current().requests ?? {};
  if (faults.strikesAgain(errorBefore, 'error-before', key)) {
    throw new Refusal(503, 'Out of order for a moment; nothing was executed', {
      headers: { 'retry-after': '1' },
    });
  }
  const answer = await serve();
  if (faults.strikesAgain(errorAfter, 'error-after', key)) throw new Refusal(500, 'Something went wrong');
  if (timeout && faults.strikesAgain(timeout, 'timeout', key)) return { hangMs: timeout.holdMs };
  if (late && faults.strikes(late, 'late-answer', key)) await wait(late.delayMs);
  return answer;
}
