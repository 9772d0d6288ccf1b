import { sql } from 'kysely';
import type { Db, Trx } from '../tables.ts';

/** Why a payment that is failed or came back may have been made all the same. */
export type SaidPaid = 'contradiction-open' | 'rail-says-paid' | 'debited-at-bank';

/**
 * Which of these payments, or of those they pay anew, a rail or a statement says were made, though they are failed or
 * came back here. A person who finds that one was not paid says so by closing its contradiction as `not-paid`; a debit
 * counts until the bank takes it back or it is found to be about something else.
 */
export async function saidPaid(db: Db | Trx, ids: readonly string[]): Promise<ReadonlyMap<string, SaidPaid>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ asked: string; reason: SaidPaid }>`
    with recursive before as (
      select i.id as asked, i.id, i.retry_of
      from instruction i
      where i.id = any (${ids}::uuid[])
      union all
      select b.asked, i.id, i.retry_of
      from before b
      join instruction i on i.id = b.retry_of
    ),
    told as (
      select
        b.asked,
        case
          when exists (
            select from payment_case c
            where c.kind = 'contradiction' and c.instruction_id = b.id and c.state = 'open'
          ) then 'contradiction-open'
          when exists (
            select from payment_case c
            where c.kind = 'contradiction'
              and c.dedup_key = b.id || '/failed/succeeded'
              and c.outcome is distinct from 'not-paid'
          ) then 'rail-says-paid'
          when exists (
            select from statement_line l
            where l.payment_kind = 'instruction'
              and l.payment_id = coalesce(
                (select k.leader_id from combined_instruction k where k.instruction_id = b.id), b.id)::text
              and l.direction = 'debit'
              and l.class in ('missing-here', 'amount-differs', 'duplicate-at-bank')
              and not exists (select from statement_line back where back.pair_id = l.id)
          ) then 'debited-at-bank'
        end as reason
      from before b
    )
    select asked, min(reason) as reason
    from told
    where reason is not null
    group by asked`.execute(db);
  return new Map(rows.map((row) => [row.asked, row.reason]));
}
