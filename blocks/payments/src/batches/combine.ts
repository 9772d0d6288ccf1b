import { sql } from 'kysely';
import { adapters, combines } from '../rails/registry.ts';
import type { Db, Trx } from '../tables.ts';
import type { Batch } from './read.ts';

/**
 * Makes one transfer of the valid payments of a run to the same payee, under the id of the first of them (PAY-6.1-f,
 * PAY-6.9-b). Payments stay apart when their rail would not take the sum, or when it is no program: people who pay by
 * hand see each payment, and a voucher has a value of its own.
 */
export async function combine(trx: Trx, batch: Batch): Promise<void> {
  if (!batch.combine_payments) return;
  const apart = Object.keys(adapters).filter((name) => !combines(name));
  await sql`
    insert into combined_instruction (instruction_id, leader_id)
    select id, leader_id
    from (
      select
        i.id,
        first_value(i.id) over (same_payee order by i.position) as leader_id,
        count(*) over same_payee as together,
        sum(i.amount) over same_payee as amount,
        (r.maximum_amounts ->> i.currency)::bigint as maximum
      from instruction i
      join rail r on r.id = i.rail_id and r.adapter <> all (${apart}::text[])
      where i.batch_id = ${batch.id} and i.state = 'validated'
      window same_payee as (partition by i.version_id, i.rail_id)
    ) payment
    where together > 1 and amount <= coalesce(maximum, amount)`.execute(trx);
}

/** Under which payment's id each combined one of these leaves. */
export async function leadersOf(db: Db | Trx, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('combined_instruction')
    .selectAll()
    .where('instruction_id', '=', sql<string>`any (${[...ids]}::uuid[])`)
    .execute();
  return new Map(rows.map((row) => [row.instruction_id, row.leader_id]));
}
