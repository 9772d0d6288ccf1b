import { sql } from 'kysely';
import { feesAccount } from '../fees/booking.ts';
import { accountId } from '../ledger/accounts.ts';
import { derivedId } from '../ledger/derived-id.ts';
import { createTransfers } from '../ledger/transfers.ts';
import type { Trx } from '../tables.ts';
import { resolveByLines } from './items.ts';

/** Whose charges an account sees: the rail that debits it, or the payer bank of what is paid from it; undefined: several. */
export async function railOfAccount(trx: Trx, account: string): Promise<string | undefined> {
  const { rows } = await sql<{ rail_id: string }>`
    with own as (
      select r.id as rail_id
      from ledger_account a
      join rail r on r.debtor_account = a.owner and a.currency = any (r.currencies)
      where a.id = ${account}
    )
    select rail_id from own
    union
    select p.payer_rail
    from ledger_account a
    join programme p on p.funding_account = a.owner and p.currency = a.currency
    where a.id = ${account} and p.payer_rail is not null and not exists (select from own)
    limit 2`.execute(trx);
  return rows.length === 1 ? rows[0]?.rail_id : undefined;
}

/**
 * Charges on statements are taken from the fees that were booked for the rail, the oldest first, as far as those reach:
 * fees → funding. What is charged beyond them waits for a person.
 */
export async function settleCharges(trx: Trx, account: string): Promise<void> {
  const { rows } = await sql<{ id: string; rail_id: string; currency: string; amount: string }>`
    with waiting as (
      select
        l.id, l.rail_id, l.currency, l.amount,
        sum(l.amount) over (partition by l.rail_id, l.currency order by l.id) as together
      from statement_line l
      join reconciliation_item i on i.line_id = l.id and i.state = 'open' and i.class = 'charge'
      where l.account_id = ${account} and not l.settled and l.rail_id is not null
    )
    select w.id, w.rail_id, w.currency, w.amount
    from waiting w
    join ledger_account f on f.kind = 'fees' and f.owner = w.rail_id and f.currency = w.currency
    where w.together <= f.credits_posted - f.debits_posted - f.debits_pending
    order by w.id
    limit 10000`.execute(trx);
  if (rows.length === 0) return;
  for (const [railId, group] of Map.groupBy(rows, (row) => row.rail_id)) {
    const ids = group.map((row) => row.id);
    const id = derivedId('fee-settled', ...ids);
    await createTransfers(trx, [
      {
        id,
        type: 'post',
        debit: accountId(feesAccount(railId, group[0]?.currency as string)),
        credit: account,
        amount: group.reduce((sum, row) => sum + BigInt(row.amount), 0n),
        cause: 'fee-settled',
        causeId: ids[0] as string,
      },
    ]);
    await sql`
      update statement_line
      set settled = true, transfer_id = ${id}
      where id = any (${ids}::uuid[])`.execute(trx);
    await resolveByLines(trx, ids, 'fee-settled');
  }
}
