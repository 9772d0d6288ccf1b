import { sql } from 'kysely';
import type { Trx } from '../tables.ts';
import { schedulesNow } from './schedules.ts';

/**
 * Computes the fee of each payment of a run by the schedules that hold now, in one statement (PAY-6.1-q); combined
 * payments cost what one of their sum costs. The payer bears it: the payee gets the full amount. Answers the sum in minor
 * units.
 */
export async function computeFees(trx: Trx, batchId: string): Promise<bigint> {
  await sql`delete from run_fee where batch_id = ${batchId}`.execute(trx);
  const { rows } = await sql<{ amount: string }>`
    with priced as (
      select distinct on (i.id) i.id, s.id as schedule_id, coalesce(fee_of(i.amount, s.bands), 0) as fee
      from (${schedulesNow}) s
      join carried_payment i on i.rail_id = s.rail_id and i.currency = s.currency
      join mapper_version v on v.id = i.version_id and s.modality in (v.modality, '')
      where i.batch_id = ${batchId}
        and i.state = 'validated'
        and (s.valid_to is null or s.valid_to > now())
      order by i.id, s.modality desc
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
