import { sql } from 'kysely';
import type { Db } from '../tables.ts';
import type { InstructionState } from './states.ts';

export interface Failure {
  readonly state: InstructionState;
  readonly reason_code: string | null;
  readonly rail_id: string | null;
  readonly count: string;
  readonly amount: string;
}

/** What of a run was not paid, by reason and rail, most frequent first. Amounts in minor units. */
export async function failuresOf(db: Db, batchId: string): Promise<Failure[]> {
  const { rows } = await sql<Failure>`
    select state, reason_code, rail_id, count(*) as count, sum(amount) as amount
    from instruction
    where batch_id = ${batchId} and state in ('rejected', 'failed', 'returned', 'cancelled')
    group by state, reason_code, rail_id
    order by count(*) desc, reason_code, rail_id, state
    limit 200`.execute(db);
  return rows;
}
