import { type RawBuilder, sql } from 'kysely';
import { brokenAuditSeals } from '../audit/seal.ts';
import type { Db } from '../tables.ts';
import { brokenSeals } from './seal.ts';

export interface InvariantResult {
  readonly id: string;
  readonly statement: string;
  readonly holds: boolean;
  /** Rows that break it. */
  readonly violations: number;
}

interface Invariant {
  readonly id: string;
  readonly statement: string;
  readonly violations: RawBuilder<{ count: string }>;
}

/** The cause of a transfer as the key it should be, so that its row is found by index. */
const causeAsId = sql`case when t.cause_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then t.cause_id::uuid end`;

/** Neither the sum of lines of a statement nor decided by a person. */
const notOnStatement = sql`(
          t.amount is distinct from (select sum(l.amount) from statement_line l where l.transfer_id = t.id)
          and not exists (
            select from reconciliation_item r where r.id = ${causeAsId} and r.state = 'resolved'))`;

const invariants: readonly Invariant[] = [
  {
    id: 'I1',
    statement: 'per currency, debits equal credits, posted and pending',
    violations: sql`
      select count(*) from (
        select from ledger_account
        group by currency
        having sum(debits_posted) <> sum(credits_posted) or sum(debits_pending) <> sum(credits_pending)
      ) broken`,
  },
  {
    id: 'I2',
    statement: 'stored balances equal the sums of the transfers',
    violations: sql`
      with change as (
        select
          t.debit_account, t.credit_account,
          case when t.type in ('post', 'post-pending') then t.amount else 0 end as posted,
          case t.type when 'pending' then t.amount when 'post' then 0 else -t.amount end as pending
        from ledger_transfer t
      ),
      proved as (
        select account, sum(dp) as dp, sum(cp) as cp, sum(dw) as dw, sum(cw) as cw
        from (
          select debit_account, posted, 0, pending, 0 from change
          union all
          select credit_account, 0, posted, 0, pending from change
        ) side (account, dp, cp, dw, cw)
        group by account
      )
      select count(*)
      from ledger_account a
      left join proved p on p.account = a.id
      where (a.debits_posted, a.credits_posted, a.debits_pending, a.credits_pending)
        is distinct from
        (coalesce(p.dp, 0), coalesce(p.cp, 0), coalesce(p.dw, 0), coalesce(p.cw, 0))`,
  },
  {
    id: 'I3',
    statement: 'no restricted account is below zero, pending included',
    violations: sql`
      select count(*)
      from ledger_account
      where restricted
        and case normal_side
          when 'credit' then credits_posted - debits_posted - debits_pending
          else debits_posted - credits_posted - credits_pending
        end < 0`,
  },
  {
    id: 'I4',
    statement: 'an instruction has at most one payout, and exactly one when it is completed',
    violations: sql`
      select count(*)
      from instruction i
      left join lateral (
        select count(*) as payouts
        from ledger_transfer t
        where t.instruction_id = i.id and t.type = 'post-pending'
      ) paid on true
      where i.purpose = 'payment'
        and paid.payouts <> case when i.state in ('completed', 'returned') then 1 else 0 end`,
  },
  {
    id: 'I5',
    statement: 'a pending transfer is posted or voided at most once, for the same accounts and amount',
    violations: sql`
      select count(*) from (
        select p.id
        from ledger_transfer p
        join ledger_transfer r on r.pending_id = p.id
        group by p.id
        having count(*) > 1
          or bool_or((r.debit_account, r.credit_account, r.amount)
            is distinct from (p.debit_account, p.credit_account, p.amount))
      ) broken`,
  },
  {
    id: 'I6',
    statement:
      'the money of each run equals its instructions: reserved, on its way, paid, charged and given back',
    violations: sql`
      with money as (
        select
          t.batch_id,
          sum(t.amount) filter (where t.cause = 'run-approved') as reserved,
          sum(t.amount) filter (where t.cause = 'payout' and t.type = 'pending') as sent,
          sum(t.amount) filter (where t.cause = 'payout' and t.type = 'post-pending') as paid,
          sum(t.amount) filter (where t.cause = 'payout' and t.type = 'void-pending') as voided,
          sum(t.amount) filter (where t.cause = 'fee') as fees,
          sum(t.amount) filter (where t.cause = 'run-closed') as closed
        from ledger_transfer t
        where t.batch_id is not null
        group by t.batch_id
      ),
      work as (
        select
          i.batch_id,
          sum(i.amount) filter (where i.state in ('completed', 'returned')) as paid,
          sum(i.fee) filter (where i.state in ('completed', 'returned')) as fees,
          sum(i.amount) filter (where i.state in ('submitted', 'unknown')) as sent,
          sum(i.amount + i.fee) filter (where i.state not in ('received', 'rejected')) as approved
        from instruction i
        where i.purpose = 'payment'
        group by i.batch_id
      )
      select count(*)
      from batch b
      left join money m on m.batch_id = b.id
      left join work w on w.batch_id = b.id
      where b.purpose = 'payment'
        and (
          coalesce(m.paid, 0) <> coalesce(w.paid, 0)
          or coalesce(m.fees, 0) <> coalesce(w.fees, 0)
          or coalesce(m.sent, 0) - coalesce(m.paid, 0) - coalesce(m.voided, 0) <> coalesce(w.sent, 0)
          or (m.reserved is not null and m.reserved <> w.approved)
          or (b.state in ('completed', 'partially-completed', 'failed', 'cancelled')
            and coalesce(m.reserved, 0) <> coalesce(m.paid, 0) + coalesce(m.fees, 0) + coalesce(m.closed, 0))
        )`,
  },
  {
    id: 'I7',
    statement: 'no transfer, seal, approval or history row can change: the guards are in place',
    violations: sql`
      select count(*)
      from (
        values ('ledger_transfer', 'ledger_transfer_append_only'),
               ('ledger_seal', 'ledger_seal_append_only'),
               ('ledger_account', 'ledger_account_guard'),
               ('ledger_account', 'ledger_account_not_removed'),
               ('ledger_transfer', 'ledger_transfer_pending'),
               ('ledger_transfer', 'ledger_transfer_sides'),
               ('instruction', 'instruction_content'),
               ('instruction', 'instruction_moved'),
               ('instruction', 'instruction_references'),
               ('instruction', 'instruction_not_removed'),
               ('attempt', 'attempt_instruction'),
               ('batch', 'batch_moved'),
               ('batch', 'batch_not_removed'),
               ('batch', 'batch_keeps_id'),
               ('sub_batch', 'sub_batch_not_removed'),
               ('sub_batch', 'sub_batch_keeps_id'),
               ('batch_event', 'batch_event_append_only'),
               ('instruction_event', 'instruction_event_append_only'),
               ('rail', 'rail_not_removed'),
               ('rail', 'rail_keeps_id'),
               ('account_check', 'account_check_references'),
               ('account_check', 'account_check_keeps_key'),
               ('approval', 'approval_append_only'),
               ('certificate', 'certificate_append_only'),
               ('mapper_version', 'mapper_version_append_only'),
               ('mapper_version', 'mapper_version_guard'),
               ('audit_entry', 'audit_entry_append_only'),
               ('audit_seal', 'audit_seal_append_only'),
               ('batch_event', 'batch_event_audited'),
               ('approval_signature', 'approval_signature_append_only'),
               ('instruction_reference', 'instruction_reference_append_only'),
               ('instruction_reference', 'instruction_reference_instruction'),
               ('combined_instruction', 'combined_instruction_append_only'),
               ('combined_instruction', 'combined_instruction_references'),
               ('receipt', 'receipt_append_only'),
               ('receipt', 'receipt_instruction'),
               ('dispute', 'dispute_guard'),
               ('dispute_entry', 'dispute_entry_append_only'),
               ('screening_result', 'screening_result_append_only'),
               ('screening_review', 'screening_review_guard'),
               ('voucher', 'voucher_created'),
               ('voucher', 'voucher_moved'),
               ('voucher', 'voucher_not_removed'),
               ('voucher_event', 'voucher_event_append_only'),
               ('voucher_key', 'voucher_key_append_only'),
               ('voucher_redemption', 'voucher_redemption_moved'),
               ('voucher_redemption', 'voucher_redemption_not_removed'),
               ('fee_schedule', 'fee_schedule_append_only'),
               ('suspense_entry', 'suspense_entry_guard'),
               ('statement_line', 'statement_line_guard'),
               ('statement_line', 'statement_line_not_removed'),
               ('reconciliation_item', 'reconciliation_item_not_removed'),
               ('reconciliation_proof', 'reconciliation_proof_append_only'),
               ('suspense_entry', 'suspense_entry_not_removed'),
               ('bill_payment', 'bill_payment_moved'),
               ('bill_payment', 'bill_payment_not_removed'),
               ('request_to_pay', 'request_to_pay_moved'),
               ('biller_proposal', 'biller_proposal_decided'),
               ('aggregator_proposal', 'aggregator_proposal_decided')
      ) as guard (relation, name)
      where not exists (
        select
        from pg_trigger g
        where g.tgrelid = guard.relation::regclass and g.tgname = guard.name and g.tgenabled in ('O', 'A')
      )`,
  },
  {
    id: 'I8',
    statement:
      'the liability of each programme equals its usable vouchers, and each was redeemed at most once',
    violations: sql`
      with usable as (
        select
          v.source_id || '/' || v.programme_id as owner,
          v.currency,
          sum(v.amount) as value,
          sum(v.amount) filter (where v.state = 'redeeming') as promised
        from voucher v
        where v.state in ('pre-activated', 'activated', 'suspended', 'blocked', 'redeeming')
        group by v.source_id, v.programme_id, v.currency
      ),
      booked as (
        select a.owner, a.currency, a.credits_posted - a.debits_posted as value, a.debits_pending as promised
        from ledger_account a
        where a.kind = 'voucher'
      ),
      cashed as (
        select
          d.voucher_id,
          count(*) filter (where d.state in ('succeeded', 'returned')) as paid,
          count(*) filter (where d.state in ('sent', 'unknown')) as open
        from voucher_redemption d
        group by d.voucher_id
      ),
      settled as (
        select
          d.id,
          d.state,
          count(*) filter (where t.type = 'post-pending') as posted,
          count(*) filter (where t.type = 'void-pending') as voided
        from voucher_redemption d
        left join ledger_transfer t on t.pending_id = d.id
        group by d.id, d.state
      )
      select
        (select count(*)
          from usable u
          full join booked b on b.owner = u.owner and b.currency = u.currency
          where coalesce(u.value, 0) <> coalesce(b.value, 0)
            or coalesce(u.promised, 0) <> coalesce(b.promised, 0))
        + (select count(*)
          from voucher v
          left join cashed c on c.voucher_id = v.id
          where coalesce(c.open, 0) <> case when v.state = 'redeeming' then 1 else 0 end
            or (v.state <> 'purged'
              and coalesce(c.paid, 0) <> case when v.state = 'redeemed' then 1 else 0 end)
            or coalesce(c.paid, 0) > 1)
        + (select count(*)
          from settled s
          where (s.posted, s.voided) is distinct from (
            case when s.state in ('succeeded', 'returned') then 1 else 0 end,
            case when s.state = 'failed' then 1 else 0 end)) as count`,
  },
  {
    id: 'I9',
    statement: 'every transfer names a cause that exists',
    violations: sql`
      select count(*)
      from ledger_transfer t
      where case t.cause
        when 'payout' then not exists (
          select from instruction i
          where i.id = t.instruction_id and i.batch_id = t.batch_id and i.amount = t.amount
            and i.currency = t.currency)
        when 'run-approved' then not exists (
          select from approval a where a.batch_id = t.batch_id and a.decision = 'approved')
        when 'budget-release' then not exists (
          select from budget_release r
          where concat_ws('/', r.source_id, r.programme_id, r.reference) = t.cause_id
            and r.amount = t.amount and r.currency = t.currency)
        when 'return' then not exists (select from instruction i where i.id = t.instruction_id)
          and not exists (
            select from voucher_redemption d
            where d.id = ${causeAsId} and d.amount = t.amount and d.currency = t.currency and d.state = 'returned')
        when 'voucher-issued' then not exists (
          select from voucher v
          where v.id = ${causeAsId} and v.amount = t.amount and v.currency = t.currency)
        when 'voucher-released' then not exists (
          select from voucher v
          where v.id = ${causeAsId} and v.amount = t.amount and v.currency = t.currency
            and v.state in ('cancelled', 'expired', 'purged'))
        when 'voucher-redeemed' then not exists (
          select from voucher_redemption d
          where d.id = ${causeAsId} and d.amount = t.amount and d.currency = t.currency)
        when 'voucher-cleared' then not exists (
          select from voucher_redemption d
          where d.id = ${causeAsId} and d.amount = t.amount and d.state in ('succeeded', 'returned'))
        when 'statement' then ${notOnStatement}
        when 'fee-settled' then ${notOnStatement}
        when 'return-released' then not exists (
          select from suspense_entry s
          where s.id = ${causeAsId} and s.state = 'released' and s.account_id = t.debit_account
            and s.amount = t.amount)
        else not exists (select from batch b where b.id = t.batch_id)
      end`,
  },
  {
    id: 'I10',
    statement: 'both sides of a transfer have its currency',
    violations: sql`
      select count(*)
      from ledger_transfer t
      join ledger_account d on d.id = t.debit_account
      join ledger_account c on c.id = t.credit_account
      where d.currency <> t.currency or c.currency <> t.currency`,
  },
  {
    id: 'I11',
    statement: 'what lies in suspense is what came back or could not be attributed, and waits for a decision',
    violations: sql`
      select count(*)
      from ledger_account a
      left join (
        select account_id, sum(amount) as amount from suspense_entry where state <> 'released' group by account_id
      ) held on held.account_id = a.id
      where a.kind = 'suspense' and a.credits_posted - a.debits_posted <> coalesce(held.amount, 0)`,
  },
  {
    id: 'I12',
    statement:
      'a bill is paid once, in its biller’s currency; a completed request-to-pay names its payment, and a payment with a voucher counts when its own voucher was redeemed',
    violations: sql`
      select
        (select count(*) from (
          select from bill_payment
          where not part and state in ('tendering', 'pending', 'acknowledged')
          group by bill_id
          having count(*) > 1
        ) twice)
        + (select count(*) from bill_payment p join biller b on b.id = p.biller_id where b.currency <> p.currency)
        + (select count(*) from request_to_pay r
           where r.state = 'COM' and not exists (
             select from bill_payment p
             where p.payer_id = r.payer_id and p.payment_reference = r.payment_reference
               and p.bill_id = r.bill_id and p.amount >= r.amount))
        + (select count(*)
           from bill_payment p
           left join voucher_redemption d on d.payee = 'biller/' || p.biller_id and d.request_id = p.id::text
           where p.method = 'voucher' and p.state <> 'tendering'
             and case p.state
               when 'refused' then d.id is not null and d.state <> 'failed'
               else d.state is distinct from 'returned' and d.state is distinct from 'succeeded'
                 or (d.amount, d.currency) is distinct from (p.amount, p.currency)
             end) as count`,
  },
  {
    id: 'I13',
    statement: 'every completed payment has one receipt, which says what was paid',
    violations: sql`
      select count(*)
      from instruction i
      full join receipt r on r.instruction_id = i.id
      where (i.purpose = 'payment' or i.id is null)
        and (
          (r.instruction_id is not null) <> coalesce(i.state in ('completed', 'returned'), false)
          or (r.instruction_id is not null and (
            (r.amount, r.currency, r.payee_token, r.batch_id) is distinct from
              (i.amount, i.currency, i.payee_token, i.batch_id)
            or r.hash <> receipt_hash(r.number, r.instruction_id, r.source_id, r.programme_id, r.batch_id, r.client_id,
              r.payee_token, r.amount, r.currency, r.narration, r.rail_id, r.rail_reference, r.payer, r.paid_at)
          ))
        )`,
  },
  {
    id: 'I14',
    statement: 'payments that leave as one are of one run, to one payee, at one rail, and end alike',
    violations: sql`
      select count(*)
      from combined_instruction k
      join instruction i on i.id = k.instruction_id
      join instruction l on l.id = k.leader_id
      where (i.batch_id, i.payee_token, i.version_id, i.rail_id, i.currency, i.sub_batch_id, i.state)
        is distinct from (l.batch_id, l.payee_token, l.version_id, l.rail_id, l.currency, l.sub_batch_id, l.state)`,
  },
];

/**
 * Checks the ledger's invariants on one consistent snapshot. `I7` also verifies the seals of the books and of the audit
 * log.
 */
export async function checkInvariants(db: Db): Promise<InvariantResult[]> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      const results: InvariantResult[] = [];
      for (const { id, statement, violations } of invariants) {
        const { rows } = await violations.execute(trx);
        const broken =
          Number(rows[0]?.count ?? 0) +
          (id === 'I7' ? (await brokenSeals(trx)).length + (await brokenAuditSeals(trx)).length : 0);
        results.push({ id, statement, holds: broken === 0, violations: broken });
      }
      return results;
    });
}
