import { newId } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { openCases } from '../cases/cases.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';

export type Proof = Selectable<PaymentsTables['reconciliation_proof']>;

/**
 * Proves a funding account against its latest statement (PAY-5.3.3-b): the balance in the books is the closing balance,
 * and releases the bank has not shown, less credits and plus debits that are not booked yet. Anything else is a
 * difference nobody can explain, and a case. Undefined while there is no statement, or while one is half taken over:
 * its last lines make the proof.
 */
export async function prove(payments: Payments, trx: Trx, accountId: string): Promise<Proof | undefined> {
  const { rows } = await sql<Proof>`
    insert into reconciliation_proof
      (id, account_id, currency, statement_id, ledger_balance, closing_balance, releases_not_seen, credits_open,
       debits_open, difference)
    select
      ${newId()}, a.id, a.currency, s.id, book.balance, s.closing, announced.amount, open.credits, open.debits,
      book.balance - s.closing - announced.amount + open.credits - open.debits
    from ledger_account a
    cross join lateral (
      select n.id, n.closing
      from bank_statement n
      where n.account_id = a.id and n.kind = 'statement' and n.state = 'matched'
      order by n.to_at desc, n.id desc
      limit 1
    ) s
    cross join lateral (select a.debits_posted - a.credits_posted as balance) book
    cross join lateral (
      select coalesce(sum(r.amount), 0) as amount
      from budget_release r
      where r.account_id = a.id and r.line_id is null
    ) announced
    cross join lateral (
      select
        coalesce(sum(l.amount) filter (where l.direction = 'credit'), 0) as credits,
        coalesce(sum(l.amount) filter (where l.direction = 'debit'), 0) as debits
      from statement_line l
      where l.account_id = a.id and not l.settled and l.class is not null
    ) open
    where a.id = ${accountId}
      and not exists (
        select
        from bank_statement half
        join statement_line l on l.statement_id = half.id and l.class is not null
        where half.account_id = a.id and half.kind = 'statement' and half.state = 'loaded')
    returning *`.execute(trx);
  const [proof] = rows;
  if (proof && BigInt(proof.difference) !== 0n) {
    const text = formatAmount(proof.difference, payments.currencies(proof.currency) ?? 2);
    await openCases(trx, [
      {
        kind: 'proof-does-not-balance',
        key: `${accountId}/${payments.ctx.now().toISOString().slice(0, 10)}`,
        detail: `Books and statement of funding account ${accountId} differ by ${text} ${proof.currency} that nothing explains`,
      },
    ]);
  }
  return proof;
}

/** Proofs, newest first, a page before a proof id. */
export const listProofs = (
  db: Db,
  filter: {
    readonly accountId?: string;
    readonly currency?: string;
    readonly before?: string;
    readonly limit: number;
  },
): Promise<Proof[]> =>
  db
    .selectFrom('reconciliation_proof')
    .selectAll()
    .$if(filter.accountId !== undefined, (query) =>
      query.where('account_id', '=', filter.accountId as string),
    )
    .$if(filter.currency !== undefined, (query) => query.where('currency', '=', filter.currency as string))
    .$if(filter.before !== undefined, (query) => query.where('id', '<', filter.before as string))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();
