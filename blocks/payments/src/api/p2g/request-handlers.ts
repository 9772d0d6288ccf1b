import { badRequest, type Handlers, transaction } from '@govstack/platform';
import { callbackTarget } from '../../callbacks/target.ts';
import { putAlias } from '../../payers/alias.ts';
import type { Payments } from '../../payments-context.ts';
import { statusNotice, tellStatus } from '../../requests-to-pay/notices.ts';
import {
  type Addressee,
  type RequestToPay,
  readRequest,
  requestPayment,
} from '../../requests-to-pay/request.ts';
import { respond, withdraw } from '../../requests-to-pay/respond.ts';
import { amountIn } from '../amount-in.ts';
import { fieldsReader } from './fields.ts';
import { AliasMessage, type p2g, RtpRequestMessage, RtpResponseMessage } from './operations.ts';
import { callbackOf, callingBiller, callingPayer, correlationOf, tenantOf } from './parties.ts';

type RequestHandlers = Pick<
  Handlers<typeof p2g.operations>,
  'rtpRequest' | 'rtpResponse' | 'getTransferRequest' | 'cancelTransferRequest' | 'putPayerAlias'
>;

const readRtpRequest = fieldsReader(RtpRequestMessage);
const readRtpResponse = fieldsReader(RtpResponseMessage);
const readAlias = fieldsReader(AliasMessage);

const missing = (pointer: string) =>
  badRequest('The request is not valid', [
    { in: 'body', pointer, detail: 'is required for this requestType' },
  ]);

const acknowledged = (requestID: string) => ({
  status: 200 as const,
  body: { responseCode: '00', responseDescription: 'Request taken over', requestID },
});

const standing = (request: RequestToPay, requestId: string) => {
  const { RequestId: _, ...rest } = statusNotice(request);
  return { responseCode: '00', reason: 'Request taken over', requestId, ...rest };
};

/** The published request-to-pay messages. */
export function requestHandlers(payments: Payments): RequestHandlers {
  return {
    async rtpRequest({ headers, caller, body: raw }) {
      const biller = await callingBiller(payments, caller, headers);
      const body = readRtpRequest(raw);
      const { amount, currency = biller.currency } = body.billDetails;
      if (currency !== biller.currency)
        throw badRequest(`The biller is paid in ${biller.currency}, not in ${currency}`);
      let addressee: Addressee;
      if (body.requestType === '00') {
        const bic = body.payerFiDetails?.payerFIBIC;
        if (bic === undefined) throw missing('/payerFiDetails/payerFIBIC');
        addressee = { bic, financialAddress: body.payerFiDetails?.financialAddress };
      } else {
        if (body.alias === undefined) throw missing('/alias');
        addressee = { alias: { type: body.alias.aliasType, id: body.alias.aliasId } };
      }
      const wanted = callbackOf(headers);
      await requestPayment(payments, biller, {
        rtpId: BigInt(body.rtpId).toString(),
        requestId: body.requestId,
        billId: body.billID,
        amount: amountIn(payments, amount, biller.currency, '/billDetails/amount'),
        addressee,
        expiresAt: body.expiresAt === undefined ? undefined : new Date(body.expiresAt),
        callback:
          wanted === undefined
            ? undefined
            : callbackTarget(
                { callback_service: biller.service, callback_path: null, callback_urls: [] },
                wanted,
              ),
        correlationId: correlationOf(headers) ?? body.requestId,
        tenantId: tenantOf(headers),
      });
      return acknowledged(body.requestId);
    },

    async rtpResponse({ headers, caller, body: raw }) {
      const payer = await callingPayer(payments, caller, headers);
      const body = readRtpResponse(raw);
      await respond(payments, payer, {
        requestId: body.RequestId,
        txnId: body.txnId,
        billId: body.billId,
        rtpId: body.rtpId === undefined ? undefined : BigInt(body.rtpId).toString(),
        accepted: body.rtpStatus === '00',
        reason: body.rejectReason ?? undefined,
        paymentReference: body.paymentReferenceID,
        correlationId: correlationOf(headers) ?? body.RequestId,
        tenantId: tenantOf(headers),
      });
      return acknowledged(body.RequestId);
    },

    async getTransferRequest({ params, query, headers, caller }) {
      const biller = await callingBiller(payments, caller, headers);
      const request = await readRequest(payments.db, biller.id, BigInt(params.transferRequestId).toString());
      await transaction(payments.db, (trx) => tellStatus(payments, trx, request));
      payments.wake();
      return { status: 202, body: standing(request, query.requestId ?? request.request_id) };
    },

    async cancelTransferRequest({ params, headers, caller }) {
      const biller = await callingBiller(payments, caller, headers);
      const found = await readRequest(payments.db, biller.id, BigInt(params.transferRequestId).toString());
      const request = await withdraw(payments, found, 'W');
      return { status: 200, body: standing(request, request.request_id) };
    },

    async putPayerAlias({ headers, caller, body: raw }) {
      const payer = await callingPayer(payments, caller, headers);
      const body = readAlias(raw);
      await transaction(payments.db, (trx) =>
        putAlias(payments, trx, payer, { type: body.aliasType, id: body.aliasId }, body.financialAddress),
      );
      return { status: 200, body: { responseCode: '00', reason: 'Taken over' } };
    },
  };
}
