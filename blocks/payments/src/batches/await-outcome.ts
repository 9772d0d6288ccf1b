import { setTimeout as after } from 'node:timers/promises';
import type { Payments } from '../payments-context.ts';
import { type Instruction, instructionOf } from './read.ts';

const everyMs = 100;

/** States in which nothing happens to a payment by itself any more, or not until a person does something. */
const restingBatches: readonly string[] = ['awaiting-approval', 'held'];
const finalStates: readonly string[] = ['completed', 'failed', 'rejected', 'returned', 'cancelled'];

export interface Outcome {
  readonly instruction: Instruction;
  readonly final: boolean;
}

/**
 * Waits until the only payment of a batch has its final state, a person is needed, or the time is over, whichever comes
 * first. Waiting decides nothing: the payment goes on alike.
 */
export async function awaitOutcome(
  payments: Payments,
  batchId: string,
  limit: { readonly ms: number; readonly signal: AbortSignal },
): Promise<Outcome> {
  const end = Date.now() + limit.ms;
  for (;;) {
    const { instruction, batchState } = await instructionOf(payments.db, batchId);
    const final = finalStates.includes(instruction.state);
    if (final || restingBatches.includes(batchState) || Date.now() >= end || limit.signal.aborted)
      return { instruction, final };
    await after(Math.min(everyMs, Math.max(1, end - Date.now())));
  }
}
