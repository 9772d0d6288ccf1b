import { announce, newContext, transaction, withContext } from '@govstack/platform';
import { sql } from 'kysely';
import { batchAwaitingApproval } from '../api/event-operations.ts';
import { enqueueCallback } from '../callbacks/queue.ts';
import { openCases } from '../cases/cases.ts';
import { computeFees } from '../fees/compute.ts';
import { refreshBatch } from '../mapper/directory/resolve.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import { routing } from '../rails/routing.ts';
import { screen } from '../screening/screen.ts';
import type { Trx } from '../tables.ts';
import { checkAccounts } from './account-check.ts';
import { approveAutomatically } from './approval.ts';
import { type ClaimedBatch, claimBatch, postpone, stillOurs } from './claim.ts';
import { combine } from './combine.ts';
import { concludeBatch } from './conclude.ts';
import { contentHash } from './content-hash.ts';
import { engineActor, moveBatch } from './move.ts';
import { validationNotice } from './notices.ts';
import type { Batch } from './read.ts';

/** Finds account and rail of each payee as the mapper has them now, or the reason why there is none. */
const resolve = async (trx: Trx, batchId: string): Promise<void> => {
  const rail = routing({
    modality: sql`v.modality`,
    institution: sql`v.institution_code`,
    currency: sql`i.currency`,
    amount: sql`i.amount`,
  });
  await sql`
    with routed as (
      select
        i.id,
        v.id as version_id,
        r.id as rail_id,
        case
          when e.id is null then 'payee-not-registered'
          when not v.active then 'payee-inactive'
          when v.modality = '02' and g.code is null then 'voucher-not-offered'
          when v.modality = '02' and not g.variable_amounts and d.amount is null then 'voucher-amount-not-offered'
          when r.id is null then 'no-rail-for-account'
        end as reason_code
      from instruction i
      join batch b on b.id = i.batch_id
      left join mapper_entry e on e.source_id = i.source_id and e.payee_token = i.payee_token
      left join mapper_version v on v.id = e.current_version
      left join lateral (${rail}) r on true
      left join lateral (
        select g.source_id, g.code, g.variable_amounts
        from voucher_group g
        where v.modality = '02'
          and g.source_id = b.source_id
          and g.programme_id = coalesce(b.programme_id, g.programme_id)
          and g.for_runs
          and g.active
        order by g.code
        limit 1
      ) g on true
      left join voucher_denomination d
        on d.source_id = g.source_id and d.group_code = g.code and d.amount = i.amount
      where i.batch_id = ${batchId} and i.state = 'received'
    )
    update instruction i
    set version_id = routed.version_id,
        rail_id = routed.rail_id,
        reason_code = routed.reason_code,
        state = case when routed.reason_code is null then 'received' else 'rejected' end,
        updated_at = now()
    from routed
    where i.id = routed.id`.execute(trx);
};

/** Takes the rails' verdicts over, and marks payments that look like ones of another recent batch. */
async function judge(payments: Payments, trx: Trx, batch: Batch): Promise<void> {
  const since = sql`now() - make_interval(secs => ${payments.config.duplicateWindowSeconds})`;
  await sql`
    update instruction i
    set state = case when c.reason_code is null then 'validated' else 'rejected' end,
        reason_code = c.reason_code,
        updated_at = now()
    from instruction own
    left join account_check c
      on c.version_id = own.version_id
      and c.rail_id = own.rail_id
      and ${payments.config.validateAccounts}
    where own.id = i.id and i.batch_id = ${batch.id} and i.state = 'received'`.execute(trx);
  // Two runs of one source judged at the same moment must see each other.
  await sql`
    select pg_advisory_xact_lock(hashtext(${`payments/duplicates/${batch.source_id}`}))`.execute(trx);
  const recent = sql`
    ob.source_id = ${batch.source_id}
    and ob.id <> ${batch.id}
    and ob.programme_id is not distinct from ${batch.programme_id}
    and ob.created_at > ${since}`;
  await sql`
    update instruction i
    set possible_duplicate = true
    where i.batch_id = ${batch.id}
      and exists (select from batch ob where ${recent})
      and i.state = 'validated'
      and i.retry_of is null
      and exists (
        select
        from instruction other
        join batch ob on ob.id = other.batch_id
        where other.source_id = i.source_id
          and other.payee_token = i.payee_token
          and other.purpose = 'payment'
          and other.amount = i.amount
          and other.currency = i.currency
          and ${recent}
          and other.state not in ('received', 'rejected', 'failed', 'returned', 'cancelled')
          and other.created_at > ${since}
      )`.execute(trx);
}

async function finish(payments: Payments, claimed: ClaimedBatch): Promise<void> {
  const { batch } = claimed;
  await transaction(payments.db, async (trx) => {
    if (!(await stillOurs(trx, claimed))) return;
    await judge(payments, trx, batch);
    await combine(trx, batch);
    const { rows } = await sql<{ count: string; amount: string; duplicates: string }>`
      select
        count(*) as count,
        coalesce(sum(amount), 0) as amount,
        count(*) filter (where possible_duplicate) as duplicates
      from instruction
      where batch_id = ${batch.id} and state = 'validated'`.execute(trx);
    const { count = '0', amount = '0', duplicates = '0' } = rows[0] ?? {};
    const fees = await computeFees(trx, batch.id);
    const hash = await contentHash(trx, batch.id);
    const set = sql`valid_count = ${Number(count)}, valid_amount = ${amount}, fee_amount = ${fees.toString()}, content_hash = ${hash},
      possible_duplicates = ${Number(duplicates)}`;
    const by = { actor: engineActor, set };
    if (batch.purpose === 'validation') {
      await moveBatch(trx, batch.id, 'validated', by);
      if (batch.callback_target)
        await enqueueCallback(payments, trx, {
          sourceId: batch.source_id,
          kind: 'prepayment-validation',
          target: batch.callback_target,
          body: await validationNotice(trx, batch),
          correlationId: batch.correlation_id,
        });
      return;
    }
    if (count === '0') {
      await sql`update batch set ${set} where id = ${batch.id}`.execute(trx);
      await concludeBatch(payments, trx, batch.id);
      return;
    }
    await moveBatch(trx, batch.id, 'awaiting-approval', by);
    await announce(trx, batchAwaitingApproval, {
      subject: batch.id,
      data: {
        batchId: batch.id,
        clientBatchId: batch.client_batch_id,
        sourceId: batch.source_id,
        programmeId: batch.programme_id ?? '',
        instructionCount: Number(count),
        rejectedCount: batch.instruction_count - Number(count),
        currency: batch.currency,
        amount: formatAmount(amount, payments.currencies(batch.currency) ?? 2),
      },
    });
    await approveAutomatically(payments, trx, batch.id);
  });
  payments.wake();
}

/**
 * Validates the next batch: resolve each payee, ask the rails about the accounts, set the content that can be
 * approved. Each step can be repeated after a crash. A rail that cannot be reached delays the batch.
 */
export async function validateNext(payments: Payments): Promise<boolean> {
  const claimed = await claimBatch(payments, 'received');
  if (!claimed) return false;
  const { batch } = claimed;
  await withContext(newContext({ correlationId: batch.correlation_id }), async () => {
    try {
      await refreshBatch(payments, batch);
      // The planner must know of many new rows before it looks for each one's payee.
      if (batch.instruction_count >= 5_000)
        await sql`analyze instruction (id, batch_id, source_id, payee_token, state)`.execute(payments.db);
      await transaction(payments.db, async (trx) => {
        if (await stillOurs(trx, claimed)) await resolve(trx, batch.id);
      });
      if (payments.config.validateAccounts) await checkAccounts(payments, batch);
      if (await screen(payments, claimed)) await finish(payments, claimed);
    } catch (error) {
      payments.ctx.log.warn({ err: error, batch: batch.id }, 'validation is postponed');
      if ((await postpone(payments, claimed)) === 5)
        await openCases(payments.db, [
          {
            kind: 'validation-stuck',
            key: batch.id,
            batchId: batch.id,
            detail:
              'Accounts cannot be validated: a rail, a directory or a check of payees does not answer. It is tried again.',
          },
        ]);
    }
  });
  return true;
}
