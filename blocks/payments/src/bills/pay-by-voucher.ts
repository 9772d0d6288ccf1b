import { transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { readBiller } from '../billers/biller.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { redeemVoucher, refusalOfReason } from '../vouchers/redeem.ts';
import { findRedemption } from '../vouchers/redemption.ts';
import { type Refusal, VoucherRefused } from '../vouchers/refused.ts';
import {
  type Advice,
  acceptTender,
  type BillPayment,
  lockBill,
  readPayment,
  recordPayment,
  refuseTender,
  tellOutcome,
} from './payment.ts';

/** The biller as somebody whom a voucher pays; request ids of redemptions for it are ids of payments. */
const payeeOf = (billerId: string): string => `biller/${billerId}`;

/**
 * Lets what became of the redemption decide a payment that waits for it: done, the biller is told of the payment; not
 * done, or never begun (`otherwise` says why), the payment is refused. A payment that is decided stays as it is, and one
 * whose rail has not answered waits on.
 */
async function settleTender(
  payments: Payments,
  trx: Trx,
  tender: Pick<BillPayment, 'id' | 'bill_id'>,
  otherwise: Refusal | undefined,
): Promise<BillPayment> {
  await lockBill(trx, tender.bill_id);
  const payment = await readPayment(trx, tender.id);
  if (payment.state !== 'tendering') return payment;
  const redemption = await findRedemption(trx, payeeOf(payment.biller_id), payment.id);
  // What came back was paid before.
  if (redemption?.state === 'succeeded' || redemption?.state === 'returned')
    return acceptTender(payments, trx, payment);
  const refusal = redemption?.state === 'failed' ? refusalOfReason(redemption.reason_code) : otherwise;
  if (refusal === undefined || (redemption && redemption.state !== 'failed')) return payment;
  return refuseTender(payments, trx, payment, refusal);
}

/** Nothing is reserved for a payment that was refused meanwhile, and none is refused while its voucher is reserved. */
const stillTendering = (paymentId: string) => async (trx: Trx) =>
  (await readPayment(trx, paymentId)).state === 'tendering';

async function redeemFor(
  payments: Payments,
  payment: BillPayment,
  advice: Pick<Advice, 'payer'>,
  secret: string,
): Promise<Refusal | undefined> {
  const biller = await readBiller(payments.db, payment.biller_id);
  try {
    await redeemVoucher(payments, {
      presented: { number: secret },
      presenter: `payer/${advice.payer.id}`,
      payee: {
        key: payeeOf(biller.id),
        groups: [biller.group_code],
        modality: '00',
        institution: biller.institution,
        address: payments.vault.open(biller.account_cipher, `biller/${biller.id}`),
      },
      requestId: payment.id,
      caller: advice.payer.application,
      actor: advice.payer.application,
      expected: { amount: BigInt(payment.amount), currency: payment.currency },
      stillWanted: stillTendering(payment.id),
    });
    return undefined;
  } catch (error) {
    if (error instanceof VoucherRefused) return error.reason;
    throw error;
  }
}

/**
 * Pays a bill with a voucher that is worth exactly what is due (PAY-9.3.6); otherwise nothing is consumed, and the
 * refusal is final for this request id. The payment is written down first, and its id is the request id of the
 * redemption: whoever sends it again, or carries on after a crash, redeems no second time. The biller hears of it when
 * its account was credited, as of any payment.
 */
export async function payByVoucher(
  payments: Payments,
  advice: Omit<Advice, 'method' | 'amount'>,
  secret: string,
): Promise<BillPayment> {
  const { payment } = await transaction(payments.db, (trx) =>
    recordPayment(payments, trx, { ...advice, method: 'voucher', amount: undefined }),
  );
  if (payment.state !== 'tendering') return unlessRefused(payment);
  const refusal = await redeemFor(payments, payment, advice, secret);
  const settled = await transaction(payments.db, (trx) => settleTender(payments, trx, payment, refusal));
  payments.wake();
  return unlessRefused(settled);
}

function unlessRefused(payment: BillPayment): BillPayment {
  if (payment.refusal !== null) throw new VoucherRefused(payment.refusal);
  return payment;
}

/**
 * Carries on with a payment whose request cannot: its rail answered later, or the process died. A redemption that never
 * began consumed nothing, and its payment is refused. The payer institution is told. Answers whether there was one.
 */
export async function tenderNext(payments: Payments): Promise<boolean> {
  const found = await transaction(payments.db, async (trx) => {
    const { rows } = await sql<Pick<BillPayment, 'id' | 'bill_id'>>`
      select p.id, p.bill_id
      from bill_payment p
      left join voucher_redemption d on d.payee = 'biller/' || p.biller_id and d.request_id = p.id::text
      where p.state = 'tendering'
        and (d.state in ('succeeded', 'returned', 'failed')
          or (d.id is null
            and p.created_at < now() - make_interval(secs => ${payments.config.lostAfterSeconds})))
      order by p.created_at
      limit 1`.execute(trx);
    const [tender] = rows;
    if (!tender) return false;
    const settled = await settleTender(payments, trx, tender, 'no-answer');
    if (settled.state === 'refused') await tellOutcome(payments, trx, settled);
    return true;
  });
  if (found) payments.wake();
  return found;
}
