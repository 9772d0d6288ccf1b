import { newId } from '@govstack/platform';
import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import type { Batch } from './read.ts';
import type { BatchState } from './states.ts';

export interface ClaimedBatch {
  readonly batch: Batch;
  readonly lease: string;
}

/** Takes the next batch in a state for a while, so that no other worker does; one that dies loses it to another. */
export async function claimBatch(payments: Payments, state: BatchState): Promise<ClaimedBatch | undefined> {
  const lease = newId();
  const { rows } = await sql<Batch>`
    update batch b
    set lease_token = ${lease},
        lease_until = now() + make_interval(secs => ${payments.config.leaseSeconds})
    where b.id = (
      select w.id
      from batch w
      where w.state = ${state}
        and w.next_at <= now()
        and (w.lease_until is null or w.lease_until < now())
      order by w.next_at, w.id
      limit 1
      for update skip locked
    )
    returning *`.execute(payments.db);
  return rows[0] ? { batch: rows[0], lease } : undefined;
}

/** Locks the claimed batch if it is still ours: a worker that was only slow must not write any more. */
export async function stillOurs(trx: Trx, { batch, lease }: ClaimedBatch): Promise<boolean> {
  const row = await trx
    .selectFrom('batch')
    .select('id')
    .where('id', '=', batch.id)
    .where('lease_token', '=', lease)
    .where('state', '=', batch.state)
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined;
}

/** Gives the batch back to be tried again later, with growing delay. Answers how often it has failed now. */
export async function postpone(payments: Payments, { batch, lease }: ClaimedBatch): Promise<number> {
  const { rows } = await sql<{ failures: number }>`
    update batch
    set failures = failures + 1,
        lease_token = null,
        lease_until = null,
        next_at = now() + make_interval(secs => least(600, 0.5 * power(2, least(failures, 12))))
    where id = ${batch.id} and lease_token = ${lease}
    returning failures`.execute(payments.db);
  return rows[0]?.failures ?? 0;
}
