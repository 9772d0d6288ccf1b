import { badRequest, conflict, newId, notFound, Problem } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { type Biller, readBiller } from '../billers/biller.ts';
import { enqueueCallback } from '../callbacks/queue.ts';
import { openCases } from '../cases/cases.ts';
import type { Payer } from '../payers/payer.ts';
import type { Payments } from '../payments-context.ts';
import { settleRequestOfDuplicate, settleRequestsOfBill } from '../requests-to-pay/settle.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import type { Refusal } from '../vouchers/refused.ts';
import type { PaymentAnswer } from './biller-answer.ts';
import { amountDue, inquiryByRequest } from './inquiry.ts';
import { outgoing } from './wire.ts';

/** A payment that a payer institution has made to a biller, and what the biller says to it. No money moves here. */
export type BillPayment = Selectable<PaymentsTables['bill_payment']>;

export interface Advice {
  readonly payer: Payer;
  readonly requestId: string;
  /** Request id of the inquiry that found the bill, or TxnID of the request-to-pay it answers. */
  readonly inquiryRequestId: string;
  readonly billId: string;
  readonly paymentReference: string;
  readonly method: 'account' | 'voucher';
  /** Decimal text read into minor units; what is due when absent. */
  readonly amount: ((currency: string) => bigint) | undefined;
  readonly correlationId: string;
  readonly tenantId: string | undefined;
}

/** Only one payment of a bill, and one word on a request for it, is dealt with at a time. */
export const lockBill = (trx: Trx, billId: string): Promise<unknown> =>
  sql`select pg_advisory_xact_lock(hashtextextended(${`bill/${billId}`}, 0))`.execute(trx);

/** What a payment is for: where it was found out, how much is due. */
interface Ground {
  readonly inquiryId: string | null;
  readonly requestToPayId: string | null;
  readonly billerId: string;
  readonly due: bigint;
  readonly currency: string;
}

async function groundOf(payments: Payments, trx: Trx, advice: Advice): Promise<Ground> {
  const { payer, billId, inquiryRequestId } = advice;
  const inquiry = await inquiryByRequest(trx, payer.id, inquiryRequestId);
  if (inquiry) {
    if (inquiry.bill_id !== billId) throw badRequest('billInquiryRequestId was about another bill');
    if (inquiry.outcome !== 'unpaid') throw conflict('The inquiry found no open bill');
    return {
      inquiryId: inquiry.id,
      requestToPayId: null,
      billerId: inquiry.biller_id,
      due: amountDue(inquiry, payments.ctx.now()),
      currency: inquiry.currency,
    };
  }
  const request = await trx
    .selectFrom('request_to_pay')
    .selectAll()
    .where('txn_id', '=', inquiryRequestId)
    .where('payer_id', '=', payer.id)
    .executeTakeFirst();
  if (!request)
    throw badRequest('billInquiryRequestId names no inquiry and no request-to-pay of this institution');
  if (request.bill_id !== billId) throw badRequest('The request-to-pay is about another bill');
  return {
    inquiryId: null,
    requestToPayId: request.id,
    billerId: request.biller_id,
    due: BigInt(request.amount),
    currency: request.currency,
  };
}

/** The payment under this reference or request id that is known already, if it is this one; otherwise 409. */
async function known(trx: Trx, advice: Advice): Promise<BillPayment | undefined> {
  const row = await trx
    .selectFrom('bill_payment')
    .selectAll()
    .where('payer_id', '=', advice.payer.id)
    .where((where) =>
      where.or([
        where('payment_reference', '=', advice.paymentReference),
        where('request_id', '=', advice.requestId),
      ]),
    )
    .limit(1)
    .executeTakeFirst();
  if (!row) return undefined;
  if (row.payment_reference !== advice.paymentReference || row.bill_id !== advice.billId)
    throw conflict('This payment reference or request id was used for another payment');
  if (advice.amount && advice.amount(row.currency) !== BigInt(row.amount))
    throw conflict('This payment was told with another amount');
  return row;
}

/** The payment of the whole bill that counts, or will when its voucher is redeemed. */
export const countingPayment = (trx: Trx, billId: string): Promise<Pick<BillPayment, 'state'> | undefined> =>
  trx
    .selectFrom('bill_payment')
    .select('state')
    .where('bill_id', '=', billId)
    .where('part', '=', false)
    .where('state', 'in', ['tendering', 'pending', 'acknowledged'])
    .executeTakeFirst();

/**
 * Whether a bill that is paid in one piece is paid already. While a voucher is being redeemed for it nobody can tell, and
 * a payment has to be told again; nothing is redeemed for a bill that is paid.
 */
async function paidAlready(trx: Trx, advice: Advice): Promise<boolean> {
  const counting = await countingPayment(trx, advice.billId);
  if (counting?.state === 'tendering')
    throw new Problem(503, 'A voucher is being redeemed for this bill; tell the payment again');
  if (counting && advice.method === 'voucher') throw conflict('The bill is paid already');
  return counting !== undefined;
}

/**
 * Takes over that a bill was paid (PAY-8.3.3): once per payer institution and payment reference. A second payment of a
 * bill that is paid in one piece is kept and rejected as a duplicate at once, so that the payer gets the money back;
 * its biller hears of the first only. Requests-to-pay for the bill end with it. A payment with a voucher waits for the
 * redemption. Answers the payment and whether it is new.
 */
export async function recordPayment(
  payments: Payments,
  trx: Trx,
  advice: Advice,
): Promise<{ readonly payment: BillPayment; readonly created: boolean }> {
  await lockBill(trx, advice.billId);
  const before = await known(trx, advice);
  if (before) return { payment: before, created: false };
  const ground = await groundOf(payments, trx, advice);
  const biller = await readBiller(trx, ground.billerId);
  const amount = advice.amount?.(ground.currency) ?? ground.due;
  assertAmount(biller, amount, ground.due);
  const duplicate = !biller.part_payment && (await paidAlready(trx, advice));
  const payment = await trx
    .insertInto('bill_payment')
    .values({
      id: newId(),
      payer_id: advice.payer.id,
      request_id: advice.requestId,
      inquiry_id: ground.inquiryId,
      request_to_pay_id: ground.requestToPayId,
      bill_id: advice.billId,
      biller_id: biller.id,
      payment_reference: advice.paymentReference,
      method: advice.method,
      amount: amount.toString(),
      currency: ground.currency,
      part: biller.part_payment,
      state: duplicate ? 'rejected' : advice.method === 'voucher' ? 'tendering' : 'pending',
      refusal: null,
      reject_reason: duplicate ? 'Dup' : null,
      tenant_id: advice.tenantId ?? null,
      correlation_id: advice.correlationId,
      last_sent_at: null,
      answered_at: duplicate ? payments.ctx.now() : null,
    })
    .onConflict((clash) => clash.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (!payment) {
    // Somebody used the reference for another bill in the meantime; the lock above holds off this bill's only.
    const other = await known(trx, advice);
    if (!other) throw conflict('The payment is being taken over');
    return { payment: other, created: false };
  }
  if (duplicate) {
    await settleRequestOfDuplicate(payments, trx, payment);
    await tellOutcome(payments, trx, payment);
  } else if (payment.state === 'pending') await settleRequestsOfBill(payments, trx, payment);
  return { payment, created: true };
}

function assertAmount(biller: Biller, amount: bigint, due: bigint): void {
  if (amount > due || (amount < due && !biller.part_payment))
    throw badRequest('The request is not valid', [
      {
        in: 'body',
        pointer: '/amount',
        detail: biller.part_payment ? 'is more than what is due' : 'is not what is due',
      },
    ]);
}

/** Tells the payer institution how its payment ended, and opens a case when the payer has to get money back. */
export async function tellOutcome(payments: Payments, trx: Trx, payment: BillPayment): Promise<void> {
  if (payment.state === 'rejected')
    await openCases(trx, [
      {
        kind: 'bill-refund',
        key: payment.id,
        detail: `Payment ${payment.payment_reference} of ${payment.payer_id} to biller ${payment.biller_id} was rejected (${payment.reject_reason}); the payer must get it back`,
      },
    ]);
  const payer = await trx
    .selectFrom('payer_institution')
    .select('service')
    .where('id', '=', payment.payer_id)
    .executeTakeFirstOrThrow();
  if (payer.service === null) return;
  await enqueueCallback(payments, trx, {
    party: `payer/${payment.payer_id}`,
    kind: 'bill-payment',
    target: { kind: 'service', service: payer.service, path: '/billTransferRequests' },
    body: {
      requestId: payment.request_id,
      billId: payment.bill_id,
      status: payment.state === 'acknowledged' ? 'ACK' : 'RJC',
      ...(payment.reject_reason === null ? {} : { rejectReason: payment.reject_reason }),
    },
    headers: { ...outgoing(payment), 'x-payerfi-id': payment.payer_id },
  });
}

/**
 * What a biller's answer does to a payment: the first one is final and told to the payer institution (PAY-9.3.3), the
 * same again changes nothing, another one opens a case and changes nothing.
 */
export async function applyPaymentAnswer(
  payments: Payments,
  trx: Trx,
  paymentId: string,
  answer: PaymentAnswer,
): Promise<BillPayment> {
  const found = await readPayment(trx, paymentId);
  const state = answer.status === 'ACK' ? ('acknowledged' as const) : ('rejected' as const);
  if (found.state !== 'pending') {
    if (found.state !== state)
      await openCases(trx, [
        {
          kind: 'contradiction',
          key: `bill-payment/${found.id}`,
          detail: `Biller ${found.biller_id} said ${answer.status} after payment ${found.payment_reference} was ${found.state}; its first word counts`,
        },
      ]);
    return found;
  }
  const decided = await trx
    .updateTable('bill_payment')
    .set({
      state,
      reject_reason: answer.status === 'RJC' ? answer.reason : null,
      answered_at: payments.ctx.now(),
    })
    .where('id', '=', found.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await tellOutcome(payments, trx, decided);
  return decided;
}

/** A payment by its id, locked. */
export async function readPayment(trx: Trx, id: string): Promise<BillPayment> {
  const row = await trx
    .selectFrom('bill_payment')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw notFound('Bill payment');
  return row;
}

const moveTender = (
  trx: Trx,
  payment: BillPayment,
  to: { readonly state: 'pending' | 'refused'; readonly refusal?: Refusal; readonly at?: Date },
): Promise<BillPayment> =>
  trx
    .updateTable('bill_payment')
    .set({
      state: to.state,
      refusal: to.refusal ?? null,
      answered_at: to.at ?? null,
    })
    .where('id', '=', payment.id)
    .where('state', '=', 'tendering')
    .returningAll()
    .executeTakeFirstOrThrow();

/** Its voucher is redeemed: the payment counts, and its biller is told of it. The caller holds the bill's lock. */
export async function acceptTender(payments: Payments, trx: Trx, payment: BillPayment): Promise<BillPayment> {
  const accepted = await moveTender(trx, payment, { state: 'pending' });
  await settleRequestsOfBill(payments, trx, accepted);
  return accepted;
}

/** Its voucher was not redeemed: nothing was paid, and the bill is open again. */
export const refuseTender = (
  payments: Payments,
  trx: Trx,
  payment: BillPayment,
  refusal: Refusal,
): Promise<BillPayment> => moveTender(trx, payment, { state: 'refused', refusal, at: payments.ctx.now() });

/** A payment of a payer institution by its reference. */
export async function paymentByReference(db: Db, payerId: string, reference: string): Promise<BillPayment> {
  const row = await db
    .selectFrom('bill_payment')
    .selectAll()
    .where('payer_id', '=', payerId)
    .where('payment_reference', '=', reference)
    .executeTakeFirst();
  if (!row) throw notFound('Bill payment');
  return row;
}
