import { type RawBuilder, sql } from 'kysely';
import { openCases } from '../cases/cases.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, Trx } from '../tables.ts';
import { openItems } from './items.ts';

/** Whether a statement of the account that a payment is debited from reaches some days beyond an instant. */
const reached = (payments: Payments, since: RawBuilder<unknown>) => sql`
  exists (
    select
    from bank_statement s
    join ledger_account a on a.id = s.account_id
    where a.kind = 'funding'
      and a.owner = coalesce(rail.debtor_account, p.funding_account)
      and a.currency = i.currency
      and s.kind = 'statement'
      and s.state = 'matched'
      and s.to_at >= ${since} + make_interval(days => ${payments.config.missingAtBankAfterDays})
  )`;

interface Missing {
  id: string;
  batch_id: string;
  rail_id: string;
  amount: string;
  currency: string;
}

/**
 * Line that shows a payment of a run leaving the bank, or the decision of a person about one that none shows. A voucher
 * leaves nothing: its redemption does, and is found on its own.
 */
const found = sql`
  (exists (
    select from statement_line l
    where l.payment_kind = 'instruction' and l.payment_id = i.id::text and l.class = 'matched'
  ) or exists (select from rail given where given.id = i.rail_id and given.adapter = 'voucher'))`;
const decided = sql`
  exists (
    select from reconciliation_item d
    where d.payment_kind = 'instruction' and d.payment_id = i.id::text and d.class = 'missing-at-bank'
      and d.state = 'resolved' and d.resolution <> 'seen-later'
  )`;

/** Takes up runs that ended since. */
async function takeUpRuns(trx: Trx): Promise<void> {
  await sql`
    insert into run_reconciliation (batch_id)
    select b.id
    from batch b
    where b.purpose = 'payment'
      and b.completed_at is not null
      and b.state in ('completed', 'partially-completed', 'failed')
      and not exists (select from run_reconciliation r where r.batch_id = b.id)
    on conflict do nothing`.execute(trx);
}

/**
 * Payments of open runs that a statement should show by now: one of the account they are debited from reaches some days
 * beyond them. They go on the worklist, once each.
 */
async function findMissing(payments: Payments, trx: Trx): Promise<void> {
  const { rows } = await sql<Missing>`
    select i.id, i.batch_id, i.rail_id, i.amount, i.currency
    from run_reconciliation r
    join batch b on b.id = r.batch_id
    join programme p on p.source_id = b.source_id and p.id = b.programme_id
    join carried_payment i on i.batch_id = b.id and i.state in ('completed', 'returned')
    join attempt t on t.instruction_id = i.id and t.state = 'succeeded'
    join rail on rail.id = i.rail_id
    where r.closed_at is null
      and ${reached(payments, sql`t.answered_at`)}
      and not exists (
        select from reconciliation_item m
        where m.payment_kind = 'instruction' and m.payment_id = i.id::text and m.class = 'missing-at-bank'
      )
      and not ${found}
    order by i.id
    limit 10000`.execute(trx);
  await openItems(
    trx,
    rows.map((row) => ({
      class: 'missing-at-bank',
      accountId: undefined,
      lineId: undefined,
      paymentKind: 'instruction',
      paymentId: row.id,
      batchId: row.batch_id,
      railId: row.rail_id,
      amount: BigInt(row.amount),
      currency: row.currency,
      detail: 'The rail confirmed the payment, and no statement shows it',
    })),
  );
}

/**
 * Payments that their rail reported as returned, and of which a statement should show the money by now. Each is a case,
 * once; a return that only a statement knows is reported from there. What is older than a year is looked at no more.
 */
async function findMissingReturns(payments: Payments, trx: Trx): Promise<void> {
  const { rows } = await sql<Pick<Missing, 'id' | 'batch_id' | 'rail_id'>>`
    select distinct i.id, i.batch_id, i.rail_id
    from suspense_entry held
    left join combined_instruction k on k.instruction_id = held.instruction_id
    join instruction i on i.id = coalesce(k.leader_id, held.instruction_id)
    join batch b on b.id = i.batch_id
    join programme p on p.source_id = b.source_id and p.id = b.programme_id
    join rail on rail.id = i.rail_id
    where held.kind = 'return'
      and held.since > now() - interval '1 year'
      and ${reached(payments, sql`held.since`)}
      and not exists (
        select from statement_line l
        where l.payment_kind = 'instruction' and l.payment_id = i.id::text and l.class = 'return'
      )
      and not exists (
        select from reconciliation_item d
        where d.payment_kind = 'instruction' and d.payment_id = i.id::text and d.resolution = 'not-executed'
      )
      and not exists (
        select from payment_case c where c.kind = 'return-missing-at-bank' and c.dedup_key = i.id::text
      )
    order by i.id
    limit 10000`.execute(trx);
  await openCases(
    trx,
    rows.map((row) => ({
      kind: 'return-missing-at-bank',
      key: row.id,
      batchId: row.batch_id,
      instructionId: row.id,
      railId: row.rail_id,
      detail: 'The rail reported that the payment came back, and no statement shows the money',
    })),
  );
}

/** Closes runs of which every payment was found at the bank or decided by a person. */
async function closeRuns(trx: Trx): Promise<void> {
  await sql`
    update run_reconciliation r
    set closed_at = now()
    where r.closed_at is null
      and not exists (
        select
        from carried_payment i
        where i.batch_id = r.batch_id
          and i.state in ('completed', 'returned')
          and not ${found}
          and not ${decided}
      )`.execute(trx);
}

/** Looks after runs whose payments are not all found at the bank. */
export async function followRuns(payments: Payments, trx: Trx): Promise<void> {
  await takeUpRuns(trx);
  await findMissing(payments, trx);
  await findMissingReturns(payments, trx);
  await closeRuns(trx);
}

export interface RunCounters {
  readonly name: 'shipped' | 'paid' | 'reconciled' | 'decided' | 'missing' | 'reversed' | 'open';
  readonly count: number;
  readonly amount: string;
}

/** How far the payments of a run were found at the bank, always counted from the rows. */
export async function runCounters(
  db: Db,
  batchId: string,
): Promise<{ counters: RunCounters[]; closedAt: string | null }> {
  const { rows } = await sql<{ name: RunCounters['name']; count: string; amount: string }>`
    with payment as (
      select
        i.amount, i.state, i.state in ('completed', 'returned') as paid, ${found} as found, ${decided} as decided,
        exists (
          select from reconciliation_item m
          where m.payment_kind = 'instruction' and m.payment_id = i.id::text and m.class = 'missing-at-bank'
            and m.state <> 'resolved'
        ) as missing
      from carried_payment i
      where i.batch_id = ${batchId} and i.sub_batch_id is not null and i.state <> 'queued'
    )
    select c.name, count(*) filter (where c.counts) as count, coalesce(sum(p.amount) filter (where c.counts), 0) as amount
    from payment p
    cross join lateral (
      values (1, 'shipped', true),
             (2, 'paid', p.paid),
             (3, 'reconciled', p.paid and p.found),
             (4, 'decided', p.paid and p.decided and not p.found),
             (5, 'missing', p.missing and not p.found),
             (6, 'reversed', p.state = 'returned'),
             (7, 'open', p.paid and not p.found and not p.decided)
    ) as c (number, name, counts)
    group by c.number, c.name
    order by c.number`.execute(db);
  const run = await db
    .selectFrom('run_reconciliation')
    .select('closed_at')
    .where('batch_id', '=', batchId)
    .executeTakeFirst();
  return {
    counters: rows.map((row) => ({ ...row, count: Number(row.count) })),
    closedAt: run?.closed_at ?? null,
  };
}
