import { announce, newId } from '@govstack/platform';
import { sql } from 'kysely';
import { voucherRedeemed, voucherReturned } from '../api/event-operations.ts';
import { engineActor } from '../batches/move.ts';
import { openCases } from '../cases/cases.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Outcome, RailResult } from '../rails/port.ts';
import type { Trx } from '../tables.ts';
import { isUuid } from '../uuid.ts';
import { payValue, returnValue, takeBackValue } from './money.ts';
import type { Redemption } from './redemption.ts';
import type { RedemptionState } from './states.ts';
import { moveVouchers } from './voucher.ts';

/**
 * What an outcome does to a redemption: `pay` uses the voucher up, `release` makes it usable again, `wait` leaves it open,
 * `doubt` marks it unknown, `resend` sends it again under the same reference, `return` takes what came back into suspense
 * while the voucher stays used up (a redemption is never reversed, PAY-9.2.3-a), `ignore` is a repeat or too late to
 * matter, `dispute` contradicts what is final and needs a person.
 */
type Action = 'pay' | 'release' | 'wait' | 'doubt' | 'resend' | 'return' | 'ignore' | 'dispute';

const late = { pending: 'ignore', busy: 'ignore', 'not-received': 'ignore', unknown: 'ignore' } as const;

/** The forward-only table. Refused for now: after the first sending nothing was executed, and the counter need not wait. */
const decisions: Readonly<Record<RedemptionState, Readonly<Record<Outcome, Action>>>> = {
  sent: {
    succeeded: 'pay',
    failed: 'release',
    pending: 'wait',
    busy: 'release',
    'not-received': 'resend',
    unknown: 'doubt',
    returned: 'dispute',
  },
  unknown: {
    succeeded: 'pay',
    failed: 'release',
    pending: 'wait',
    busy: 'resend',
    'not-received': 'resend',
    unknown: 'wait',
    returned: 'dispute',
  },
  succeeded: { ...late, succeeded: 'ignore', failed: 'dispute', returned: 'return' },
  failed: { ...late, succeeded: 'dispute', failed: 'ignore', returned: 'dispute' },
  returned: { ...late, succeeded: 'ignore', failed: 'ignore', returned: 'ignore' },
};

type Backed = Redemption & {
  serial: string;
  source_id: string;
  programme_id: string;
  group_code: string;
};

async function finish(
  payments: Payments,
  trx: Trx,
  one: Backed,
  action: 'pay' | 'release',
  result: RailResult,
  via: string,
): Promise<void> {
  const paid = action === 'pay';
  await sql`
    update voucher_redemption
    set state = ${paid ? 'succeeded' : 'failed'},
        reason_code = ${result.reasonCode ?? null},
        rail_reference = coalesce(${result.railReference ?? null}, rail_reference),
        answered_at = now(),
        answered_by = ${via}
    where id = ${one.id}`.execute(trx);
  const cashing = { ...one, id: one.voucher_id, redemptionId: one.id, railId: one.rail_id };
  await (paid ? payValue(trx, cashing) : takeBackValue(trx, cashing));
  await moveVouchers(payments, trx, [one.voucher_id], ['redeeming'], paid ? 'redeemed' : 'activated', {
    actor: engineActor,
    reason: paid ? 'merchant-paid' : (result.reasonCode ?? 'merchant-not-paid'),
  });
  if (paid) await announce(trx, voucherRedeemed, { subject: one.serial, data: told(payments, one) });
}

const told = (payments: Payments, one: Backed) => ({
  serialNumber: one.serial,
  sourceId: one.source_id,
  programmeId: one.programme_id,
  groupCode: one.group_code,
  currency: one.currency,
  amount: formatAmount(one.amount, payments.currencies(one.currency) ?? 2),
  transactionId: one.id,
});

/** Keeps what came back as waiting in suspense, and tells of it: whoever was to be paid is not. */
async function takeReturn(payments: Payments, trx: Trx, one: Backed, result: RailResult): Promise<void> {
  const { reasonCode } = result;
  await sql`
    update voucher_redemption
    set state = 'returned', reason_code = ${reasonCode ?? null}
    where id = ${one.id}`.execute(trx);
  const cashing = { ...one, id: one.voucher_id, redemptionId: one.id, railId: one.rail_id };
  await trx
    .insertInto('suspense_entry')
    .values({
      id: newId(),
      kind: 'return',
      account_id: await returnValue(trx, cashing),
      amount: one.amount,
      currency: one.currency,
      instruction_id: null,
      redemption_id: one.id,
      batch_id: null,
      line_id: null,
      reason_code: reasonCode ?? null,
      source_id: one.source_id,
      programme_id: one.programme_id,
    })
    .execute();
  await openCases(trx, [
    {
      kind: 'voucher-returned',
      key: one.id,
      instructionId: one.id,
      railId: one.rail_id,
      detail: `The payment of voucher ${one.serial} to ${one.payee} came back; the voucher is used up and its money in suspense`,
    },
  ]);
  await announce(trx, voucherReturned, {
    subject: one.serial,
    data: { ...told(payments, one), ...(reasonCode === undefined ? {} : { reasonCode }) },
  });
}

async function apply(
  payments: Payments,
  trx: Trx,
  railId: string,
  result: RailResult,
  via: string,
): Promise<void> {
  const { rows } = await sql<Backed>`
    select d.*, v.serial, v.source_id, v.programme_id, v.group_code
    from voucher_redemption d
    join voucher v on v.id = d.voucher_id
    where d.id = ${result.reference.toLowerCase()}::uuid
    for update of d`.execute(trx);
  const [one] = rows as [Backed];
  const { resendAfterSeconds, maximumSends } = payments.config;
  const first = one.sends === 1 && via === 'answer';
  const decided = decisions[one.state][result.outcome];
  // Only the answer to the sending itself proves that a busy rail executed nothing.
  const action = decided === 'release' && result.outcome === 'busy' && !first ? 'resend' : decided;
  const again = action === 'resend' && one.sends < maximumSends;
  if (action === 'pay' || action === 'release') await finish(payments, trx, one, action, result, via);
  else if (action === 'return') await takeReturn(payments, trx, one, result);
  else if (again)
    await sql`
      update voucher_redemption
      set resend = true,
          next_check_at = now() + make_interval(
            secs => least(900, ${resendAfterSeconds}::float8 * power(2, least(sends, 10))))
      where id = ${one.id}`.execute(trx);
  else if (action === 'doubt' || (action === 'resend' && one.state === 'sent'))
    await sql`
      update voucher_redemption
      set state = 'unknown', reason_code = ${result.reasonCode ?? null}
      where id = ${one.id}`.execute(trx);
  if (action === 'wait' || action === 'doubt')
    // The next look is never brought forward: a poll has put it off with growing delay.
    await sql`
      update voucher_redemption
      set next_check_at = case
        when ${via} = 'answer' then now() + make_interval(secs => ${payments.config.statusAfterSeconds})
        else next_check_at
      end
      where id = ${one.id}`.execute(trx);
  if (action === 'dispute')
    await openCases(trx, [
      {
        kind: 'contradiction',
        key: `${one.id}/${one.state}/${result.outcome}`,
        instructionId: one.id,
        railId,
        detail: `The rail reports ${result.outcome} (by ${via}) for the payment of a voucher that has ${one.state}`,
      },
    ]);
}

/**
 * Lets what a rail says about redemptions take effect, whoever brings it, and answers the results that are about none.
 * States move only forward; voucher and money follow in the same transaction. The same twice, late or out of order
 * changes nothing.
 */
export async function applyRedemptions<R extends RailResult>(
  payments: Payments,
  trx: Trx,
  railId: string,
  results: readonly R[],
  via: string,
): Promise<R[]> {
  const references = results.map((result) => result.reference).filter(isUuid);
  const { rows } = await sql<{ id: string }>`
    select id
    from voucher_redemption
    where id = any (${references}::uuid[]) and rail_id = ${railId}`.execute(trx);
  if (rows.length === 0) return [...results];
  const ours = new Set(rows.map((row) => row.id));
  const about = (result: R): boolean => ours.has(result.reference.toLowerCase());
  const sorted = results.filter(about).sort((a, b) => a.reference.localeCompare(b.reference));
  for (const result of sorted) await apply(payments, trx, railId, result, via);
  return results.filter((result) => !about(result));
}
