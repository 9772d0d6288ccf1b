import { conflict, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import { noteInHistory } from './control.ts';
import { type Batch, lockBatch, readBatch } from './read.ts';
import { finalBatchStates } from './states.ts';

export interface ByHand {
  readonly actor: string;
  readonly reason: string;
}

/**
 * Lets nothing more of a run leave until it is resumed. What is being sent at this moment still goes out. A run that
 * waits for its turn or its time can be paused too; pausing twice changes nothing.
 */
export function pauseBatch(payments: Payments, batchId: string, by: ByHand): Promise<Batch> {
  return transaction(payments.db, async (trx) => {
    const found = await lockBatch(trx, batchId);
    if (found.dispatch_paused_at !== null) return found;
    if (found.state !== 'authorised' && found.state !== 'processing')
      throw conflict(`The run is ${found.state}; only a run under payment can be paused`);
    await sql`
      update batch set dispatch_paused_at = now(), updated_at = now() where id = ${batchId}`.execute(trx);
    await noteInHistory(trx, found, `paused: ${by.reason}`, by.actor);
    await audit(trx, {
      component: 'runs',
      action: 'pause',
      subject: `run/${batchId}`,
      actor: by.actor,
      detail: { reason: by.reason },
    });
    return readBatch(trx, batchId);
  });
}

export const priorities = { low: -1, normal: 0, urgent: 1 } as const;
export type Priority = keyof typeof priorities;

/** Sets which runs are paid before others at each rail: emergency payments first. */
export async function setPriority(
  payments: Payments,
  batchId: string,
  priority: Priority,
  by: ByHand,
): Promise<Batch> {
  const batch = await transaction(payments.db, async (trx) => {
    const found = await lockBatch(trx, batchId);
    if (finalBatchStates.includes(found.state)) throw conflict(`The run is ${found.state}`);
    if (found.priority === priorities[priority]) return found;
    await sql`
      update batch set priority = ${priorities[priority]}, updated_at = now() where id = ${batchId}`.execute(
      trx,
    );
    await noteInHistory(trx, found, `${priority} priority: ${by.reason}`, by.actor);
    await audit(trx, {
      component: 'runs',
      action: 'set-priority',
      subject: `run/${batchId}`,
      actor: by.actor,
      detail: { priority, reason: by.reason },
    });
    return readBatch(trx, batchId);
  });
  payments.wake();
  return batch;
}
