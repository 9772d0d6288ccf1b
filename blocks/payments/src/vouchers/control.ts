import { conflict, notFound } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { purgeVouchers } from './due.ts';
import { finalVoucherStates, type VoucherState } from './states.ts';
import { findVoucher, moveVouchers, type Voucher } from './voucher.ts';

/** What people do to a single voucher by its serial number (PAY-5.3.2-e, PAY-9.2.1). */
export const controls = {
  suspend: { from: ['activated'], to: 'suspended' },
  unsuspend: { from: ['suspended'], to: 'activated' },
  block: { from: ['activated'], to: 'blocked' },
  unblock: { from: ['blocked'], to: 'activated' },
  purge: { from: finalVoucherStates, to: 'purged' },
} as const satisfies Record<string, { from: readonly VoucherState[]; to: VoucherState }>;
export type Control = keyof typeof controls;

/** Moves one voucher and keeps who did it and why. Throws 404 or, when its state does not allow it, 409. */
export async function controlVoucher(
  payments: Payments,
  trx: Trx,
  serial: string,
  control: Control,
  by: { readonly actor: string; readonly reason: string },
): Promise<Voucher> {
  const found = await findVoucher(trx, serial);
  if (!found) throw notFound('Voucher');
  const { from, to } = controls[control];
  const moved =
    control === 'purge'
      ? await purgeVouchers(payments, trx, [found.id], by)
      : await moveVouchers(
          payments,
          trx,
          [found.id],
          from,
          to,
          by,
          // Whoever unblocks a voucher lets it be tried again.
          control === 'unblock' ? sql`wrong_numbers = 0` : undefined,
        );
  const [voucher] = moved;
  if (!voucher) {
    const { state = found.state } = (await findVoucher(trx, serial)) ?? {};
    throw conflict(`A voucher that is ${state} cannot be ${to}`);
  }
  await audit(trx, {
    component: 'vouchers',
    action: control,
    subject: `voucher/${serial}`,
    actor: by.actor,
    detail: { from: found.state, to, reason: by.reason },
  });
  return voucher;
}
