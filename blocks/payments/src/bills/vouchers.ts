import type { Payments } from '../payments-context.ts';
import type { RedeemVoucher } from './tender.ts';

/** How vouchers are redeemed for bills; undefined: vouchers are not offered for them. */
export const redeemForBill = (_payments: Payments): RedeemVoucher | undefined => undefined;
