import { CallFailed, newContext, transaction, withContext } from '@govstack/platform';
import { sql } from 'kysely';
import { type Biller, readBiller } from '../billers/biller.ts';
import { billerService } from '../billers/contract.ts';
import { openCases } from '../cases/cases.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import { readPaymentAnswer } from './biller-answer.ts';
import { applyPaymentAnswer, type BillPayment } from './payment.ts';
import { outgoing } from './wire.ts';

/** A biller has less time to answer than its payment stays with one worker. */
const timeoutOf = (payments: Payments): number =>
  Math.min(15_000, Math.ceil(payments.config.leaseSeconds * 900));

/**
 * Takes the next payment its biller has not answered. The sending is written down before it happens; a worker that dies
 * loses the payment to another when the lease is over.
 */
async function claim(payments: Payments): Promise<(BillPayment & { old: boolean }) | undefined> {
  const { leaseSeconds, adviceEscalateAfterSeconds } = payments.config;
  const { rows } = await sql<BillPayment & { old: boolean }>`
    update bill_payment p
    set attempts = p.attempts + 1,
        last_sent_at = now(),
        next_at = now() + make_interval(secs => ${leaseSeconds})
    where p.id = (
      select w.id
      from bill_payment w
      where w.state = 'pending' and w.next_at <= now()
      order by w.next_at
      limit 1
      for update skip locked
    )
    returning p.*, p.created_at < now() - make_interval(secs => ${adviceEscalateAfterSeconds}) as old`.execute(
    payments.db,
  );
  return rows[0];
}

const send = (payments: Payments, biller: Biller, payment: BillPayment) =>
  payments.ctx.mediation.client(billerService, biller.service).markBillPaid({
    headers: { ...outgoing(payment), 'x-payerfi-id': payment.payer_id },
    body: {
      requestID: payment.biller_request_id,
      billId: payment.bill_id,
      PaymentReferenceID: payment.payment_reference,
      amount: formatAmount(payment.amount, payments.currencies(payment.currency) ?? 2),
      currency: payment.currency,
    },
    personToken: null,
    timeout: timeoutOf(payments),
  });

/** Until the biller is told again: with growing delay, for as long as it does not answer (PAY-9.3.3). */
const postpone = (payments: Payments, payment: BillPayment) =>
  payments.db
    .updateTable('bill_payment')
    .set({
      next_at: sql`now() + make_interval(
        secs => least(3600, ${payments.config.adviceDelaySeconds}::float8 * power(2, least(attempts - 1, 12))))`,
    })
    .where('id', '=', payment.id)
    .where('state', '=', 'pending')
    .execute();

/** Tells a biller of one payment that is due. Answers whether there was one. */
export async function adviseNext(payments: Payments): Promise<boolean> {
  const payment = await claim(payments);
  if (!payment) return false;
  if (payment.old)
    await openCases(payments.db, [
      {
        kind: 'biller-silent',
        key: payment.id,
        detail: `Biller ${payment.biller_id} does not answer about payment ${payment.payment_reference}; it is told further on`,
      },
    ]);
  const biller = await readBiller(payments.db, payment.biller_id);
  const message = await withContext(newContext(), () => send(payments, biller, payment)).then(
    ({ body }) => body,
    // A refusal may say why: RJC with 400, for example.
    (error: unknown) => {
      const said = error instanceof CallFailed && error.mediatorError === undefined;
      if (!said || readPaymentAnswer(error.responseBody) === undefined)
        payments.ctx.log.warn({ biller: biller.id }, 'a biller did not take the advice of a payment');
      return said ? error.responseBody : undefined;
    },
  );
  const answer = readPaymentAnswer(message);
  if (!answer) {
    await postpone(payments, payment);
    return true;
  }
  await transaction(payments.db, (trx) => applyPaymentAnswer(payments, trx, payment.id, answer));
  payments.wake();
  return true;
}
