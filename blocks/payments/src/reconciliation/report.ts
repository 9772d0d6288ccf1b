import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import type { Db } from '../tables.ts';

export interface ReportLine {
  readonly source_id: string;
  readonly programme_id: string;
  readonly rail_id: string;
  readonly modality: string;
  readonly currency: string;
  readonly paid_count: string;
  readonly paid_amount: string;
  readonly fee_amount: string;
  readonly returned_count: string;
  readonly returned_amount: string;
  readonly reconciled_count: string;
  readonly reconciled_amount: string;
  readonly seconds_to_credit: string | null;
  readonly longest_seconds_to_credit: string | null;
  readonly days_to_statement: string | null;
}

/**
 * What was credited in a time, per programme, rail, payment type and currency: what became of it since, how long it took
 * from the sending to the credit, and from the credit to the statement (PAY-6.1-k, PAY-5.1.16-b).
 */
export async function creditsReport(
  payments: Payments,
  db: Db,
  wanted: { readonly from: Date; readonly to: Date; readonly currency: string | undefined },
): Promise<ReportLine[]> {
  const { rows } = await sql<ReportLine>`
    select
      b.source_id, b.programme_id, i.rail_id, v.modality, i.currency,
      count(*) as paid_count,
      sum(i.amount) as paid_amount,
      sum(i.fee) as fee_amount,
      count(*) filter (where i.state = 'returned') as returned_count,
      coalesce(sum(i.amount) filter (where i.state = 'returned'), 0) as returned_amount,
      count(l.id) as reconciled_count,
      coalesce(sum(i.amount) filter (where l.id is not null), 0) as reconciled_amount,
      round(avg(extract(epoch from t.answered_at - first.sent_at)), 1) as seconds_to_credit,
      round(max(extract(epoch from t.answered_at - first.sent_at)), 1) as longest_seconds_to_credit,
      round(avg(l.booked_on - (t.answered_at at time zone ${payments.config.businessTimeZone})::date), 1)
        as days_to_statement
    from attempt t
    join carried_payment i on i.id = t.instruction_id
    join batch b on b.id = i.batch_id
    join mapper_version v on v.id = i.version_id
    join attempt first on first.instruction_id = i.id and first.number = 1
    left join statement_line l
      on l.payment_kind = 'instruction' and l.payment_id = i.id::text and l.class = 'matched'
    where t.state = 'succeeded'
      and t.answered_at >= ${wanted.from} and t.answered_at < ${wanted.to}
      and (${wanted.currency ?? null}::text is null or i.currency = ${wanted.currency ?? null})
    group by b.source_id, b.programme_id, i.rail_id, v.modality, i.currency
    order by i.currency, b.source_id, b.programme_id, i.rail_id, v.modality
    limit 5000`.execute(db);
  return rows;
}
