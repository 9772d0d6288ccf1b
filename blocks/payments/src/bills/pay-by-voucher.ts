import { conflict, Problem, transaction } from '@govstack/platform';
import { readBiller } from '../billers/biller.ts';
import type { Payments } from '../payments-context.ts';
import { type Advice, type BillPayment, recordPayment } from './payment.ts';
import type { RedeemVoucher } from './tender.ts';

const refusals = {
  'unknown-voucher': 'The voucher is not known',
  'not-usable': 'The voucher cannot be used',
  'other-value': 'The voucher is not worth exactly what is due',
  'other-currency': 'The voucher is of another currency than the bill',
} as const;

/**
 * Pays a bill with a voucher that is worth exactly what is due (PAY-9.3.6): payment and redemption commit together, so
 * nothing is consumed otherwise. The biller then hears of it as of any payment.
 */
export async function payByVoucher(
  payments: Payments,
  redeem: RedeemVoucher | undefined,
  advice: Omit<Advice, 'method' | 'amount'>,
  secret: string,
): Promise<BillPayment> {
  if (!redeem) throw new Problem(501, 'Vouchers are not offered here');
  const payment = await transaction(payments.db, async (trx) => {
    const { payment, created } = await recordPayment(payments, trx, {
      ...advice,
      method: 'voucher',
      amount: undefined,
    });
    if (!created) return payment;
    if (payment.state === 'rejected') throw conflict('The bill is paid already');
    const biller = await readBiller(trx, payment.biller_id);
    const result = await redeem(trx, {
      secret,
      amount: BigInt(payment.amount),
      currency: payment.currency,
      reference: payment.id,
      payee: {
        institution: biller.institution,
        account: payments.vault.open(biller.account_cipher, `biller/${biller.id}`),
      },
    });
    if (result.outcome === 'refused') throw conflict(refusals[result.reason]);
    return payment;
  });
  payments.wake();
  return payment;
}
