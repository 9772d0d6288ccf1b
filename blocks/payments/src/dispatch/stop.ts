import { conflict, notFound, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import { noteInHistory } from '../batches/control.ts';
import { type Batch, readBatch } from '../batches/read.ts';
import type { ByHand } from '../batches/run-control.ts';
import { openCases } from '../cases/cases.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { applyResults } from './apply-results.ts';
import { settleSubBatches } from './settle.ts';

interface Refused {
  id: string;
  /** Whether it leaves under its own id. */
  leads: boolean;
  rail_id: string;
  /** Not all sendings were refused: its rail did not receive one, and might yet. */
  lost: boolean;
}

/** Locks the open sub-batches of a run, at one rail or at all, in id order: nothing of them is claimed meanwhile. */
async function lockOpen(trx: Trx, batchId: string, railId?: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select s.id
    from sub_batch s
    where s.batch_id = ${batchId}
      and s.state <> 'settled'
      and s.rail_id = coalesce(${railId ?? null}, s.rail_id)
    order by s.id
    for update`.execute(trx);
  return rows.map((row) => row.id);
}

/**
 * Takes back what has not left of locked sub-batches. Waiting instructions end as `state`; those a rail has refused for
 * now fail; those a rail knows nothing of any more are for a person, since they did leave once. Answers how many ended.
 */
async function takeBack(
  payments: Payments,
  trx: Trx,
  batchId: string,
  subBatches: readonly string[],
  end: { readonly state: 'cancelled' | 'failed'; readonly reasonCode: string },
): Promise<number> {
  const { rows: waiting } = await sql`
    update instruction
    set state = ${end.state}, reason_code = ${end.reasonCode}, updated_at = now()
    where batch_id = ${batchId} and sub_batch_id = any (${subBatches}::uuid[]) and state = 'queued'
    returning id`.execute(trx);
  const { rows: refused } = await sql<Refused>`
    select i.id, k.instruction_id is null or k.leader_id = i.id as leads, i.rail_id, a.lost
    from instruction i
    left join combined_instruction k on k.instruction_id = i.id
    join lateral (
      select bool_or(t.state = 'not-received') as lost
      from attempt t
      where t.instruction_id = coalesce(k.leader_id, i.id)
      having bool_and(t.state in ('refused', 'not-received'))
    ) a on true
    where i.batch_id = ${batchId}
      and i.sub_batch_id = any (${subBatches}::uuid[])
      and i.state in ('submitted', 'unknown')
    order by i.id`.execute(trx);
  for (const [railId, group] of Map.groupBy(refused, (row) => row.rail_id))
    await applyResults(
      payments,
      railId,
      group
        .filter((row) => row.leads)
        .map((row) =>
          row.lost
            ? { reference: row.id, outcome: 'unknown' as const, reasonCode: 'not-received' }
            : { reference: row.id, outcome: 'failed' as const, reasonCode: end.reasonCode },
        ),
      'operator',
      trx,
    );
  await openCases(
    trx,
    refused
      .filter((row) => row.leads && row.lost)
      .map((row) => ({
        kind: 'unknown-too-long' as const,
        key: row.id,
        batchId,
        instructionId: row.id,
        railId: row.rail_id,
        detail: 'The payment left once and its rail knows nothing of it',
      })),
  );
  await settleSubBatches(payments, trx, subBatches);
  return waiting.length + refused.filter((row) => !row.lost).length;
}

/**
 * Stops a run under payment: what has not left is cancelled and its money goes back, what is out is awaited, then the run
 * is over (PAY-6.1-c). Stopping twice changes nothing. The order of locks is that of results: sub-batches, then the run.
 */
export async function stopBatch(payments: Payments, batchId: string, by: ByHand): Promise<Batch> {
  const batch = await transaction(payments.db, async (trx) => {
    const found = await readBatch(trx, batchId);
    if (found.stopped_at !== null) return found;
    if (found.state !== 'processing')
      throw conflict(`The run is ${found.state}; only a run under payment can be stopped`);
    const subBatches = await lockOpen(trx, batchId);
    const { rows } = await sql`
      update batch
      set stopped_at = now(), dispatch_paused_at = null, updated_at = now()
      where id = ${batchId} and stopped_at is null and state = 'processing'
      returning id`.execute(trx);
    if (rows.length === 0) return readBatch(trx, batchId);
    await noteInHistory(trx, found, `stopped: ${by.reason}`, by.actor);
    await audit(trx, {
      component: 'runs',
      action: 'stop',
      subject: `run/${batchId}`,
      actor: by.actor,
      detail: { reason: by.reason },
    });
    await takeBack(payments, trx, batchId, subBatches, { state: 'cancelled', reasonCode: 'run-stopped' });
    return readBatch(trx, batchId);
  });
  payments.wake();
  return batch;
}

/**
 * Fails what of a run still waits for a rail that is closed, so that the run can end; paid anew (`retry`), it finds its
 * way over the rails that are open then, with an approval of its own. Answers how many payments that were; 404 for a rail
 * that does not exist, 409 for one that is active.
 */
export async function failWaiting(
  payments: Payments,
  batchId: string,
  railId: string,
  by: ByHand,
): Promise<number> {
  const count = await transaction(payments.db, async (trx) => {
    const rail = await trx.selectFrom('rail').select('active').where('id', '=', railId).executeTakeFirst();
    if (!rail) throw notFound('Rail');
    if (rail.active) throw conflict('Only payments that wait for a rail that is not active are failed');
    const count = await takeBack(payments, trx, batchId, await lockOpen(trx, batchId, railId), {
      state: 'failed',
      reasonCode: 'rail-closed',
    });
    if (count > 0)
      await audit(trx, {
        component: 'runs',
        action: 'fail-waiting',
        subject: `run/${batchId}`,
        actor: by.actor,
        detail: { railId, count, reason: by.reason },
      });
    return count;
  });
  payments.wake();
  return count;
}
