import { sql } from 'kysely';
import { concludeBatch, withBatch } from '../batches/conclude.ts';
import { statusNotice } from '../batches/notices.ts';
import { readBatch } from '../batches/read.ts';
import { enqueueCallback } from '../callbacks/queue.ts';
import { openCases } from '../cases/cases.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';

/** Pauses a run of which too much fails, once, for a person to look at (PAY-6.9-c). */
async function stopRule(payments: Payments, trx: Trx, batchId: string): Promise<void> {
  const { stopAtFailureShare, stopAfterResults } = payments.config;
  const { rows: counts } = await sql<{ failed: string; results: string }>`
    select
      coalesce(sum(failed_count), 0) as failed,
      coalesce(sum(failed_count + completed_count), 0) as results
    from sub_batch
    where batch_id = ${batchId} and state = 'settled'`.execute(trx);
  const failed = Number(counts[0]?.failed);
  const results = Number(counts[0]?.results);
  if (results < stopAfterResults || failed / results <= stopAtFailureShare) return;
  const { rows } = await sql`
    select from payment_case where kind = 'failure-rate' and dedup_key = ${batchId}`.execute(trx);
  if (rows.length > 0) return;
  await sql`update batch set dispatch_paused_at = now() where id = ${batchId}`.execute(trx);
  await openCases(trx, [
    {
      kind: 'failure-rate',
      key: batchId,
      batchId,
      detail: `${failed} of ${results} payments of a run failed; the rest waits until the run is resumed`,
    },
  ]);
}

/** Tells the source when another fifth of the run is done. */
async function tellProgress(payments: Payments, trx: Trx, batchId: string): Promise<void> {
  const { rows } = await sql<{ done: string; total: string; told: number }>`
    select
      sum(s.instruction_count) filter (where s.state = 'settled') as done,
      sum(s.instruction_count) as total,
      b.progress_told as told
    from batch b
    join sub_batch s on s.batch_id = b.id
    where b.id = ${batchId} and b.callback_target is not null
    group by b.id`.execute(trx);
  const [row] = rows;
  if (!row) return;
  const fifth = Math.floor((Number(row.done) / Number(row.total)) * 5) * 20;
  if (fifth <= row.told || fifth >= 100) return;
  await sql`update batch set progress_told = ${fifth} where id = ${batchId}`.execute(trx);
  const batch = await readBatch(trx, batchId);
  await enqueueCallback(payments, trx, {
    sourceId: batch.source_id,
    kind: 'batch-status',
    target: withBatch(batch),
    body: await statusNotice(payments, trx, batch),
    correlationId: batch.correlation_id,
  });
}

/**
 * Marks sub-batches without open instructions as settled, and ends batches whose last sub-batch that was. What is done
 * is always read from the rows; the batch's lock makes two last results, arriving together, see each other.
 */
export async function settleSubBatches(payments: Payments, trx: Trx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const { rows: settled } = await sql<{ batch_id: string }>`
    with looked as (
      select
        s.id,
        count(*) filter (where i.state in ('queued', 'submitted', 'unknown')) as open,
        count(*) filter (where i.state in ('completed', 'returned')) as completed,
        count(*) filter (where i.state = 'failed') as failed
      from sub_batch s
      join instruction i
        on i.batch_id = s.batch_id
        and i.position between s.first_position and s.last_position
        and i.sub_batch_id = s.id
      where s.id = any (${[...new Set(ids)].sort()}::uuid[])
        and s.state <> 'settled'
      group by s.id
    )
    update sub_batch s
    set state = 'settled', completed_count = looked.completed, failed_count = looked.failed
    from looked
    where s.id = looked.id and looked.open = 0
    returning s.batch_id`.execute(trx);
  for (const batchId of [...new Set(settled.map((row) => row.batch_id))].sort()) {
    await sql`select from batch where id = ${batchId} for update`.execute(trx);
    const { rows } = await sql`
      select from sub_batch where batch_id = ${batchId} and state <> 'settled' limit 1`.execute(trx);
    if (rows.length === 0) {
      const batch = await readBatch(trx, batchId);
      if (batch.state === 'processing') await concludeBatch(payments, trx, batchId);
      continue;
    }
    await stopRule(payments, trx, batchId);
    await tellProgress(payments, trx, batchId);
  }
}
