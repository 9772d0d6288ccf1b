import { sql } from 'kysely';
import type { Trx } from '../tables.ts';
import { schedulesNow } from './schedules.ts';

/**
 * Computes the fee of each payment of a run by the schedules that hold now, in one statement (PAY-6.1-q). The payer bears
 * it: the payee gets the full amount. Answers the sum in minor units.
 */
export async function computeFees(trx: Trx, batchId: string): Promise<bigint> {
  await sql`delete from run_fee where batch_id = ${batchId}`.execute(trx);
  const { rows } = await sql<{ amount: string }>`
    with priced as (
      select i.id, s.id as schedule_id, coalesce(fee_of(i.amount, s.bands), 0) as fee
      from instruction i
      join mapper_version v on v.id = i.version_id
      cross join lateral (
        select n.id, n.bands
        from (${schedulesNow}) n
        where n.rail_id = i.rail_id
          and n.currency = i.currency
          and n.modality in (v.modality, '')
          and (n.valid_to is null or n.valid_to > now())
        order by n.modality desc
        limit 1
      ) s
      where i.batch_id = ${batchId} and i.state = 'validated'
    ),
    charged as (
      update instruction i
      set fee = priced.fee
      from priced
      where i.id = priced.id and priced.fee > 0
    ),
    kept as (
      insert into run_fee (batch_id, schedule_id, count, amount)
      select ${batchId}, schedule_id, count(*), sum(fee)
      from priced
      group by schedule_id
    )
    select coalesce(sum(fee), 0) as amount from priced`.execute(trx);
  return BigInt(rows[0]?.amount ?? 0);
}
