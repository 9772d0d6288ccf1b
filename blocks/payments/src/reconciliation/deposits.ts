import { sql } from 'kysely';
import type { Trx } from '../tables.ts';
import { resolveByLines } from './items.ts';

/**
 * Deposits and the budget releases that announce them: a release has moved the money in the books already, so the line
 * that shows it at the bank books nothing. They meet by reference, account and amount, whichever comes first.
 */
export async function matchDeposits(trx: Trx, accountId: string): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    with pairs as (
      select
        l.id as line_id, r.source_id, r.programme_id, r.reference,
        row_number() over (partition by l.id order by r.released_at, r.reference) as of_line,
        row_number() over (partition by r.source_id, r.programme_id, r.reference order by l.id) as of_release
      from statement_line l
      join reconciliation_item i on i.line_id = l.id and i.state = 'open' and i.class = 'deposit'
      join budget_release r
        on r.account_id = l.account_id and r.line_id is null and r.amount = l.amount
        and r.reference in (l.end_to_end_id, l.rail_reference, l.entry_reference)
      where l.account_id = ${accountId} and not l.settled and l.direction = 'credit'
    ),
    announced as (
      update budget_release r
      set line_id = pairs.line_id
      from pairs
      where pairs.of_line = 1 and pairs.of_release = 1
        and r.source_id = pairs.source_id and r.programme_id = pairs.programme_id
        and r.reference = pairs.reference
      returning r.line_id
    )
    update statement_line l
    set settled = true
    from announced
    where l.id = announced.line_id
    returning l.id`.execute(trx);
  await resolveByLines(
    trx,
    rows.map((row) => row.id),
    'budget-release',
  );
}
