import { createHash } from 'node:crypto';
import type { Biller } from '../billers/biller.ts';
import { epoch, outgoing } from '../bills/wire.ts';
import { enqueueCallback } from '../callbacks/queue.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payer } from '../payers/payer.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import type { RequestToPay } from './request.ts';

/**
 * Queues a request for the payer institution: the bill, which account of which customer, and, when a person started the
 * payment, that they approved it (PAY-6.1-ae).
 */
export async function askPayer(
  payments: Payments,
  trx: Trx,
  request: RequestToPay,
  payer: Payer,
  biller: Biller,
): Promise<void> {
  if (payer.service === null) return;
  const { approval } = request;
  await enqueueCallback(payments, trx, {
    party: `payer/${payer.id}`,
    kind: 'request-to-pay',
    target: { kind: 'service', service: payer.service, path: '/rtpRequest' },
    body: {
      TxnID: request.txn_id,
      rTPID: Number(request.rtp_id),
      billDetails: {
        'Bill ID': request.bill_id,
        'Biller Name': biller.short_name,
        Amount: Number(formatAmount(request.amount, payments.currencies(request.currency) ?? 2)),
        Currency: request.currency,
      },
      ...(request.address_cipher === null
        ? {}
        : {
            payerFiDetails: {
              financialAddress: payments.vault.open(request.address_cipher, `request-to-pay/${request.id}`),
            },
          }),
      ...(approval === null || request.person_id === null
        ? {}
        : {
            approval: {
              userId: request.person_id,
              textHash: createHash('sha256').update(approval.text).digest('hex'),
              at: approval.at,
              ...(approval.acr === undefined ? {} : { acr: approval.acr }),
            },
          }),
      expiresAt: request.expires_at,
    },
    headers: { ...outgoing(request), 'x-billerid': request.biller_id, 'x-payerfi-id': payer.id },
  });
}

/** Where a request stands, as a biller is told and asks (PAY-8.3.6). */
export const statusNotice = (request: RequestToPay) => ({
  rtpId: Number(request.rtp_id),
  RequestId: request.request_id,
  requestStatus: request.state,
  ...(request.payment_reference === null ? {} : { PaymentReferenceID: request.payment_reference }),
  lastUpdateDate: epoch(request.updated_at),
});

/** Queues where a request stands for its biller. Requests of persons have no biller that waits. */
export async function tellStatus(payments: Payments, trx: Trx, request: RequestToPay): Promise<void> {
  if (request.origin !== 'biller') return;
  const { service } = await billerOf(trx, request);
  await enqueueCallback(payments, trx, {
    party: `biller/${request.biller_id}`,
    kind: 'request-to-pay-status',
    target: request.callback_target ?? {
      kind: 'service',
      service,
      path: `/transferRequests/${request.rtp_id}`,
    },
    body: statusNotice(request),
    headers: { ...outgoing(request), 'x-billerid': request.biller_id },
  });
}

/** Queues the payer's word for the biller: yes, or no and why. */
export async function tellResponse(
  payments: Payments,
  trx: Trx,
  request: RequestToPay,
  refusal?: 'R' | 'E' | 'W',
): Promise<void> {
  if (request.origin !== 'biller') return;
  const { service } = await billerOf(trx, request);
  await enqueueCallback(payments, trx, {
    party: `biller/${request.biller_id}`,
    kind: 'request-to-pay-response',
    target: { kind: 'service', service, path: '/rtpUpdate' },
    body: {
      requestId: request.request_id,
      rtpId: Number(request.rtp_id),
      billId: request.bill_id,
      rtpStatus: refusal === undefined ? '00' : '01',
      ...(refusal === undefined ? {} : { rejectReason: refusal }),
    },
    headers: { ...outgoing(request), 'x-billerid': request.biller_id },
  });
}

/** Queues for the payer institution that a request is over without its doing. */
export async function tellPayerOver(
  payments: Payments,
  trx: Trx,
  request: RequestToPay,
  reason: 'E' | 'W',
): Promise<void> {
  const payer = await trx
    .selectFrom('payer_institution')
    .select('service')
    .where('id', '=', request.payer_id)
    .executeTakeFirstOrThrow();
  if (payer.service === null) return;
  await enqueueCallback(payments, trx, {
    party: `payer/${request.payer_id}`,
    kind: 'request-to-pay-over',
    target: { kind: 'service', service: payer.service, path: '/rtpUpdate' },
    body: {
      TxnID: request.txn_id,
      rtpId: Number(request.rtp_id),
      billId: request.bill_id,
      rtpStatus: '01',
      rejectReason: reason,
    },
    headers: { ...outgoing(request), 'x-payerfi-id': request.payer_id },
  });
}

const billerOf = (trx: Trx, request: RequestToPay) =>
  trx.selectFrom('biller').select('service').where('id', '=', request.biller_id).executeTakeFirstOrThrow();
