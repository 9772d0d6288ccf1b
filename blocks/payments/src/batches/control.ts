import { type Caller, conflict, type Person, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import { actorOf } from '../sources/access.ts';
import type { Trx } from '../tables.ts';
import { concludeBatch } from './conclude.ts';
import { moveBatch } from './move.ts';
import { type Batch, lockBatch, readBatch } from './read.ts';
import type { BatchState } from './states.ts';

const cancellable: readonly BatchState[] = [
  'received',
  'awaiting-approval',
  'approved',
  'held',
  'authorised',
];

/** Withdraws a run of which nothing has left yet; reserved money goes back. */
export async function cancelBatch(
  payments: Payments,
  batchId: string,
  by: { readonly caller: Caller; readonly person: Person | undefined; readonly reason: string },
): Promise<Batch> {
  const batch = await transaction(payments.db, async (trx) => {
    const found = await lockBatch(trx, batchId);
    if (found.state === 'cancelled') return found;
    if (!cancellable.includes(found.state))
      throw conflict(`The run is ${found.state} and cannot be cancelled`);
    await concludeBatch(payments, trx, batchId, {
      state: 'cancelled',
      actor: actorOf(by.caller, by.person),
      reason: by.reason,
    });
    return readBatch(trx, batchId);
  });
  payments.wake();
  return batch;
}

/** Keeps in a run's history what happened to it without changing its state. */
export const noteInHistory = async (trx: Trx, batch: Batch, reason: string, actor: string): Promise<void> => {
  await sql`
    insert into batch_event (batch_id, from_state, to_state, reason, actor)
    values (${batch.id}, ${batch.state}, ${batch.state}, ${reason}, ${actor})`.execute(trx);
};

/** Lets a held run be tried again, or a paused one go on. A run whose content changed stays held. */
export async function resumeBatch(
  payments: Payments,
  batchId: string,
  by: { readonly caller: Caller; readonly person: Person },
): Promise<Batch> {
  const batch = await transaction(payments.db, async (trx) => {
    const found = await lockBatch(trx, batchId);
    const actor = actorOf(by.caller, by.person);
    if (found.state === 'held') {
      if (found.reason === 'content-changed-after-approval')
        throw conflict('The content of this run was changed after its approval; cancel it');
      await moveBatch(trx, batchId, 'approved', { actor, reason: 'resumed' });
    } else if (found.dispatch_paused_at !== null) {
      await sql`update batch set dispatch_paused_at = null, updated_at = now() where id = ${batchId}`.execute(
        trx,
      );
      await noteInHistory(trx, found, 'resumed', actor);
    } else throw conflict(`The run is ${found.state}; it is neither held nor paused`);
    await audit(trx, { component: 'runs', action: 'resume', subject: `run/${batchId}`, actor });
    return readBatch(trx, batchId);
  });
  payments.wake();
  return batch;
}
