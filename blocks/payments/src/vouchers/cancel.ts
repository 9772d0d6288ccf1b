import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { giveBack } from './money.ts';
import type { VoucherState } from './states.ts';
import type { VoucherFailure } from './tables.ts';
import { lockVouchers, type Mover, moveVouchers } from './voucher.ts';

/** Why a voucher in this state is not cancelled: its state is reported instead (PAY-9.2.4). */
const reasons: Readonly<Record<VoucherState, string>> = {
  provisioned: 'Not existing',
  'pre-activated': '',
  activated: '',
  suspended: 'Suspended',
  blocked: '',
  redeeming: 'Already used',
  redeemed: 'Already used',
  cancelled: 'Already cancelled',
  expired: 'Expired',
  purged: 'Not existing',
};

/**
 * Cancels vouchers of a source for good, also blocked ones, and gives their value back to the programme (PAY-8.2.5).
 * Each on its own; answers those that could not be. A suspended one is cancelled if its group says so.
 */
export async function cancelVouchers(
  payments: Payments,
  trx: Trx,
  sourceId: string,
  serials: readonly string[],
  by: Mover,
): Promise<VoucherFailure[]> {
  const found = (await lockVouchers(trx, serials)).filter((one) => one.source_id === sourceId);
  const groups = await trx
    .selectFrom('voucher_group')
    .select(['code', 'cancel_suspended'])
    .where('source_id', '=', sourceId)
    .where('code', 'in', ['', ...found.map((one) => one.group_code)])
    .execute();
  const alsoSuspended = new Set(groups.filter((one) => one.cancel_suspended).map((one) => one.code));
  const cancellable = found.filter((one) => one.state !== 'suspended' || alsoSuspended.has(one.group_code));
  const moved = await moveVouchers(
    payments,
    trx,
    cancellable.map((one) => one.id),
    ['pre-activated', 'activated', 'blocked', 'suspended'],
    'cancelled',
    by,
  );
  await giveBack(trx, moved);
  const done = new Set(moved.map((one) => one.serial));
  await audit(trx, {
    component: 'vouchers',
    action: 'cancel',
    subject: found.length === 1 ? `voucher/${found[0]?.serial}` : `source/${sourceId}`,
    actor: by.actor,
    outcome: done.size > 0 ? 'succeeded' : 'refused',
    detail: {
      asked: serials.length,
      cancelled: done.size,
      ...(by.reason === undefined ? {} : { reason: by.reason }),
    },
  });
  const states = new Map(found.map((one) => [one.serial, one.state]));
  return [...new Set(serials)]
    .filter((serial) => !done.has(serial))
    .map((serialNumber) => ({
      serialNumber,
      failureReason: reasons[states.get(serialNumber) ?? 'purged'],
    }));
}
