import type { Trx } from '../tables.ts';

/** What a voucher is to pay: exactly this much, to this account, under a reference that is used once. */
export interface VoucherTender {
  /** What the voucher's holder hands over; never kept or logged. */
  readonly secret: string;
  /** Minor units; the voucher must be worth exactly this. */
  readonly amount: bigint;
  readonly currency: string;
  readonly reference: string;
  /** Account that is credited with the voucher's value. */
  readonly payee: { readonly institution: string; readonly account: string };
}

export type VoucherOutcome =
  | { readonly outcome: 'redeemed' }
  | {
      readonly outcome: 'refused';
      readonly reason: 'unknown-voucher' | 'not-usable' | 'other-value' | 'other-currency';
    };

/**
 * Redeems a voucher in the transaction of the payment it makes: value and currency are compared first, and a refusal
 * leaves the voucher as it was. When the transaction is lost, so is the redemption.
 */
export type RedeemVoucher = (trx: Trx, tender: VoucherTender) => Promise<VoucherOutcome>;
