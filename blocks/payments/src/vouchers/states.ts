/**
 * A voucher's way: provisioned (stock, worth nothing yet) → pre-activated (its value is set aside) → activated (in the
 * payee's hands) → redeeming (promised to a merchant) → redeemed. The allowed moves are rows of the tables voucher_move
 * and voucher_redemption_move, enforced by the database.
 */
export const voucherStates = [
  'provisioned',
  'pre-activated',
  'activated',
  'suspended',
  'blocked',
  'redeeming',
  'redeemed',
  'cancelled',
  'expired',
  'purged',
] as const;
export type VoucherState = (typeof voucherStates)[number];

/** Nothing happens to these any more, but for being purged. */
export const finalVoucherStates = ['redeemed', 'cancelled', 'expired'] as const satisfies VoucherState[];

/** `returned`: its money came back after it was paid; the voucher stays used up. */
export type RedemptionState = 'sent' | 'unknown' | 'succeeded' | 'failed' | 'returned';

/**
 * The status code of the published API. Its file names the codes and not their meaning: 1 inactive, 2 active,
 * 3 cancelled, 4 expired, 5 used, 6 suspended, 9 error, as implementations read them.
 */
export const statusCode: Readonly<Record<VoucherState, number>> = {
  provisioned: 9,
  'pre-activated': 1,
  activated: 2,
  suspended: 6,
  blocked: 6,
  redeeming: 5,
  redeemed: 5,
  cancelled: 3,
  expired: 4,
  purged: 9,
};
