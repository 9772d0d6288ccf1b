import type { BillPayment } from '../bills/payment.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { tellPayerOver, tellResponse, tellStatus } from './notices.ts';
import type { RequestToPay } from './request.ts';
import type { RequestToPayState } from './tables.ts';

/** Moves an open request on; undefined when it is open no more. The allowed moves are rows of request_to_pay_move. */
export const moveRequest = (
  payments: Payments,
  trx: Trx,
  id: string,
  to: Exclude<RequestToPayState, 'PND'>,
  more: { readonly reason?: string; readonly paymentReference?: string } = {},
): Promise<RequestToPay | undefined> =>
  trx
    .updateTable('request_to_pay')
    .set({
      state: to,
      reason: more.reason ?? null,
      payment_reference: more.paymentReference ?? null,
      updated_at: payments.ctx.now(),
    })
    .where('id', '=', id)
    .where('state', '=', 'PND')
    .returningAll()
    .executeTakeFirst();

/** Cancels a request and tells all who wait for it. */
export async function cancelRequest(
  payments: Payments,
  trx: Trx,
  id: string,
  reason: string,
): Promise<RequestToPay | undefined> {
  const moved = await moveRequest(payments, trx, id, 'CAN', { reason });
  if (!moved) return undefined;
  await tellPayerOver(payments, trx, moved, 'W');
  await tellResponse(payments, trx, moved, 'W');
  await tellStatus(payments, trx, moved);
  return moved;
}

/**
 * What a payment does to the open requests for its bill: the one at the institution that paid is completed, with the
 * reference of the payment; where nobody has accepted yet, the others are cancelled once the whole bill is paid.
 */
export async function settleRequestsOfBill(
  payments: Payments,
  trx: Trx,
  payment: BillPayment,
): Promise<void> {
  const open = await trx
    .selectFrom('request_to_pay')
    .selectAll()
    .where('bill_id', '=', payment.bill_id)
    .where('state', '=', 'PND')
    .orderBy('id')
    .limit(1000)
    .forUpdate()
    .execute();
  for (const request of open) {
    if (request.payer_id === payment.payer_id) {
      if (BigInt(payment.amount) < BigInt(request.amount)) continue;
      const moved = await moveRequest(payments, trx, request.id, 'COM', {
        paymentReference: payment.payment_reference,
      });
      if (!moved) continue;
      if (request.accepted_at === null) await tellResponse(payments, trx, moved);
      await tellStatus(payments, trx, moved);
    } else if (!payment.part && request.accepted_at === null)
      await cancelRequest(payments, trx, request.id, 'bill-paid');
  }
}

/** A payment that came too late because the bill was paid elsewhere ends the request it answers. */
export async function settleRequestOfDuplicate(
  payments: Payments,
  trx: Trx,
  payment: BillPayment,
): Promise<void> {
  const open = await trx
    .selectFrom('request_to_pay')
    .select('id')
    .where('bill_id', '=', payment.bill_id)
    .where('payer_id', '=', payment.payer_id)
    .where('state', '=', 'PND')
    .forUpdate()
    .executeTakeFirst();
  const moved = open && (await moveRequest(payments, trx, open.id, 'RJC', { reason: 'bill-paid' }));
  if (!moved) return;
  await tellResponse(payments, trx, moved, 'R');
  await tellStatus(payments, trx, moved);
}
