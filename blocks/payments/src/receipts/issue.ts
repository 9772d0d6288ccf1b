import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';

/**
 * Writes the receipts of payments that were completed just now, in the same transaction and one statement whatever their
 * number, and measures how long they took (PAY-5.3.1-c, PAY-5.1.5).
 */
export async function issueReceipts(
  payments: Payments,
  trx: Trx,
  instructionIds: readonly string[],
): Promise<void> {
  if (instructionIds.length === 0) return;
  const { rows } = await sql<{ rail_id: string; turnaround_ms: string; count: string }>`
    with issued as (
    insert into receipt (instruction_id, number, source_id, programme_id, batch_id, client_id, payee_token, amount, currency,
      narration, rail_id, rail_reference, payer, paid_at, turnaround_ms, hash)
    select p.*, receipt_hash(p.number, p.instruction_id, p.source_id, p.programme_id, p.batch_id, p.client_id,
      p.payee_token, p.amount, p.currency, p.narration, p.rail_id, p.rail_reference, p.payer, p.paid_at)
    from (
      select
        i.id as instruction_id, nextval('receipt_number') as number, i.source_id, b.programme_id, i.batch_id, i.client_id,
        i.payee_token, i.amount, i.currency, i.narration, i.rail_id, i.rail_reference,
        jsonb_build_object('programme', g.name, 'agency', g.agency, 'institution', s.institution_id) as payer,
        now() as paid_at,
        (extract(epoch from now() - a.sent_at) * 1000)::bigint as turnaround_ms
      from instruction i
      join batch b on b.id = i.batch_id
      join programme g on g.source_id = b.source_id and g.id = b.programme_id
      join source_system s on s.id = b.source_id
      left join attempt a
        on a.instruction_id = i.id and a.number = 1 and a.instruction_id = any (${instructionIds}::uuid[])
      where i.id = any (${instructionIds}::uuid[])
    ) p
    returning rail_id, turnaround_ms
    )
    select rail_id, turnaround_ms, count(*) as count
    from issued
    where turnaround_ms is not null
    group by rail_id, turnaround_ms`.execute(trx);
  for (const row of rows)
    payments.metrics.paid(row.rail_id, Number(row.turnaround_ms) / 1000, Number(row.count));
}
