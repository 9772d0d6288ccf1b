import { sql } from 'kysely';
import type { Translator } from './translate.ts';

/** Runs, and counts and sums of their payments by day, rail, institution, state and reason; amounts as decimals. */
export const summaries: Translator = {
  async translate(payments, trx, batchIds) {
    const { rows } = await sql<{ currency: string }>`
      select distinct currency from batch where id = any (${batchIds}::uuid[])`.execute(trx);
    const currencies = rows.map((row) => row.currency);
    const exponents = currencies.map((code) => payments.currencies(code) ?? 2);
    await sql`delete from reporting.run where batch_id = any (${batchIds}::uuid[])`.execute(trx);
    await sql`
      insert into reporting.run (batch_id, source_id, source_name, programme_id, programme_name, agency, institution_id,
        currency, state, payments, amount, handed_over_at, completed_at)
      select
        b.id, b.source_id, s.name, p.id, p.name, p.agency, s.institution_id,
        b.currency, b.state, b.instruction_count, b.total_amount / power(10::numeric, c.exponent), b.created_at,
        b.completed_at
      from batch b
      join source_system s on s.id = b.source_id
      join programme p on p.source_id = b.source_id and p.id = b.programme_id
      join unnest(${currencies}::text[], ${exponents}::integer[]) as c (code, exponent) on c.code = b.currency
      where b.id = any (${batchIds}::uuid[])`.execute(trx);
    await sql`
      insert into reporting.result (batch_id, day, rail, institution, state, reason, payments, amount, turnaround_sum,
        turnaround_max, turnaround_breaches)
      select
        i.batch_id, (i.updated_at at time zone 'UTC')::date, i.rail_id, v.institution_code, i.state, i.reason_code,
        count(*), sum(i.amount) / power(10::numeric, min(c.exponent)),
        coalesce(sum(r.turnaround_ms), 0) / 1000.0, coalesce(max(r.turnaround_ms), 0) / 1000.0,
        count(*) filter (where r.turnaround_ms > ${payments.config.turnaroundSeconds}::float8 * 1000)
      from instruction i
      join unnest(${currencies}::text[], ${exponents}::integer[]) as c (code, exponent) on c.code = i.currency
      left join mapper_version v on v.id = i.version_id
      left join receipt r on r.instruction_id = i.id
      where i.batch_id = any (${batchIds}::uuid[])
      group by 1, 2, 3, 4, 5, 6`.execute(trx);
  },
};
