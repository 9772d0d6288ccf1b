import { badRequest, conflict, notFound, transaction } from '@govstack/platform';
import { lockBill, recordPayment } from '../bills/payment.ts';
import type { Payer } from '../payers/payer.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { tellResponse, tellStatus } from './notices.ts';
import type { RequestToPay } from './request.ts';
import { cancelRequest, moveRequest } from './settle.ts';

export interface PayerResponse {
  readonly requestId: string;
  readonly txnId: string;
  readonly billId: string | undefined;
  readonly rtpId: string | undefined;
  readonly accepted: boolean;
  /** Reason of the institution, when not accepted. */
  readonly reason: string | undefined;
  /** Given when the payment is made already: it is then told with the same message. */
  readonly paymentReference: string | undefined;
  readonly correlationId: string;
  readonly tenantId: string | undefined;
}

const find = async (trx: Trx, payer: Payer, txnId: string): Promise<RequestToPay> => {
  const row = await trx
    .selectFrom('request_to_pay')
    .selectAll()
    .where('txn_id', '=', txnId)
    .where('payer_id', '=', payer.id)
    .executeTakeFirst();
  if (!row) throw notFound('Request-to-pay');
  return row;
};

/**
 * Takes a payer institution's word on a request-to-pay. A no ends it. A yes alone is not a payment: the request stays
 * open, cannot be cancelled any more, and is completed by the payment. The same word again changes nothing; another one
 * than before, or one after the end, is refused, unless it tells of a payment.
 */
export async function respond(
  payments: Payments,
  payer: Payer,
  response: PayerResponse,
): Promise<RequestToPay> {
  const result = await transaction(payments.db, async (trx) => {
    const { bill_id: billId, rtp_id: rtpId } = await find(trx, payer, response.txnId);
    if ((response.billId ?? billId) !== billId || (response.rtpId ?? rtpId) !== rtpId)
      throw badRequest('txnId stands for another request-to-pay than rtpId or billId');
    await lockBill(trx, billId);
    const request = await trx
      .selectFrom('request_to_pay')
      .selectAll()
      .where('txn_id', '=', response.txnId)
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (response.accepted) await accept(payments, trx, payer, request, response);
    else await reject(payments, trx, request, response);
    return find(trx, payer, response.txnId);
  });
  payments.wake();
  return result;
}

async function accept(
  payments: Payments,
  trx: Trx,
  payer: Payer,
  request: RequestToPay,
  response: PayerResponse,
): Promise<void> {
  const { paymentReference } = response;
  if (request.state === 'COM') {
    if (paymentReference !== undefined && paymentReference !== request.payment_reference)
      throw conflict('The request-to-pay was completed by another payment');
    return;
  }
  // Money that has moved is never turned away: the payment counts, the request stays over.
  if (request.state !== 'PND' && paymentReference === undefined)
    throw conflict(`The request-to-pay is over (${request.state})`);
  if (request.state === 'PND' && request.accepted_at === null) {
    const accepted = await trx
      .updateTable('request_to_pay')
      .set({ accepted_at: payments.ctx.now(), updated_at: payments.ctx.now() })
      .where('id', '=', request.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await tellResponse(payments, trx, accepted);
  }
  if (paymentReference !== undefined)
    await recordPayment(payments, trx, {
      payer,
      requestId: response.requestId,
      inquiryRequestId: request.txn_id,
      billId: request.bill_id,
      paymentReference,
      method: 'account',
      amount: undefined,
      correlationId: response.correlationId,
      tenantId: response.tenantId,
    });
}

async function reject(
  payments: Payments,
  trx: Trx,
  request: RequestToPay,
  response: PayerResponse,
): Promise<void> {
  if (request.state === 'RJC') return;
  if (request.state !== 'PND') throw conflict(`The request-to-pay is over (${request.state})`);
  // An accepted one can still fail: the account is short, say.
  const moved = await moveRequest(payments, trx, request.id, 'RJC', { reason: response.reason ?? 'R' });
  if (!moved) return;
  await tellResponse(payments, trx, moved, 'R');
  await tellStatus(payments, trx, moved);
}

/** Takes a request back before the payer has accepted it; again changes nothing. */
export async function withdraw(
  payments: Payments,
  found: RequestToPay,
  reason: string,
): Promise<RequestToPay> {
  const result = await transaction(payments.db, async (trx) => {
    await lockBill(trx, found.bill_id);
    const request = await trx
      .selectFrom('request_to_pay')
      .selectAll()
      .where('id', '=', found.id)
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (request.state === 'CAN') return request;
    if (request.state !== 'PND') throw conflict(`The request-to-pay is over (${request.state})`);
    if (request.accepted_at !== null)
      throw conflict('The payer has accepted; the request-to-pay cannot be cancelled any more');
    return (await cancelRequest(payments, trx, request.id, reason)) ?? request;
  });
  payments.wake();
  return result;
}
