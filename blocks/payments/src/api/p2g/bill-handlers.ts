import { badRequest, type Handlers, notFound, transaction } from '@govstack/platform';
import { readBiller } from '../../billers/biller.ts';
import { takeBillAnswer } from '../../bills/ask-biller.ts';
import { readPaymentAnswer, UnusableAnswer } from '../../bills/biller-answer.ts';
import { billNotice, inquiryByRequest, startInquiry } from '../../bills/inquiry.ts';
import { payByVoucher } from '../../bills/pay-by-voucher.ts';
import { applyPaymentAnswer, paymentByReference, recordPayment } from '../../bills/payment.ts';
import { formatAmount } from '../../money/amount.ts';
import type { Payer } from '../../payers/payer.ts';
import type { Payments } from '../../payments-context.ts';
import { amountIn } from '../amount-in.ts';
import { fieldsReader } from './fields.ts';
import { BillMessage, BillTransferMessage, type p2g, VoucherMessage } from './operations.ts';
import { callingBillers, callingPayer, correlationOf, tenantOf } from './parties.ts';

type BillHandlers = Pick<
  Handlers<typeof p2g.operations>,
  | 'inquireBill'
  | 'postBill'
  | 'getBillInquiry'
  | 'billTransferRequest'
  | 'getBillTransferRequest'
  | 'voucherRedemption'
>;

const bodyIsWrong = (pointer: string, detail: string) =>
  badRequest('The request is not valid', [{ in: 'body', pointer, detail }]);

const readBill = fieldsReader(BillMessage);
const readTransfer = fieldsReader(BillTransferMessage);
const readVoucher = fieldsReader(VoucherMessage);
const accepted = (requestId: string, reason = 'Request taken over') => ({
  status: 202 as const,
  body: { responseCode: '00', reason, requestId },
});

type Headers = Readonly<Record<string, string | undefined>>;

/** The published bill messages. */
export function billHandlers(payments: Payments): BillHandlers {
  const inquire = async (payer: Payer, billId: string, requestId: string | undefined, headers: Headers) => {
    const id = requestId ?? correlationOf(headers);
    if (id === undefined) throw badRequest('Give the request an id: requestId, or X-CorrelationID');
    if (id.length > 36) throw badRequest('requestId must NOT have more than 36 characters');
    await startInquiry(
      payments,
      { payer },
      {
        requestId: id,
        billId,
        correlationId: correlationOf(headers) ?? id,
        tenantId: tenantOf(headers),
      },
    );
    return accepted(id);
  };

  return {
    async inquireBill({ params, query, headers, caller }) {
      const payer = await callingPayer(payments, caller, headers);
      return inquire(payer, params.billId, query.requestId, headers);
    },

    async postBill({ params, query, headers, caller, body: raw }) {
      if (query.fields === 'inquiry') {
        const payer = await callingPayer(payments, caller, headers);
        const body = readBill(raw);
        if (body.billId !== undefined && body.billId !== params.billId)
          throw bodyIsWrong('/billId', 'is another bill than the path names');
        return inquire(payer, params.billId, body.requestId, headers);
      }
      const billers = await callingBillers(payments, caller);
      const { requestId } = readBill(raw);
      const taken = await takeBillAnswer(payments, billers, {
        requestId,
        billId: params.billId,
        body: raw,
      }).catch((error: unknown) => {
        if (error instanceof UnusableAnswer) throw badRequest(error.message);
        throw error;
      });
      if (!taken) throw notFound('Bill inquiry');
      return accepted(requestId);
    },

    async getBillInquiry({ params, headers, caller }) {
      const payer = await callingPayer(payments, caller, headers);
      const inquiry = await inquiryByRequest(payments.db, payer.id, params.requestId);
      if (!inquiry) throw notFound('Bill inquiry');
      const biller = await readBiller(payments.db, inquiry.biller_id);
      return { status: 200, body: billNotice(payments, inquiry, biller) };
    },

    async billTransferRequest({ headers, caller, body: raw }) {
      const isAnswer =
        typeof raw === 'object' &&
        raw !== null &&
        Object.keys(raw).some((name) => name.toLowerCase() === 'status');
      // Who calls is settled before anything about the message is told.
      const billers = isAnswer ? await callingBillers(payments, caller) : [];
      const payer = isAnswer ? undefined : await callingPayer(payments, caller, headers);
      const body = readTransfer(raw);
      if (!payer) {
        const answer = readPaymentAnswer(body);
        if (!answer) throw bodyIsWrong('/status', 'must be ACK or RJC');
        await transaction(payments.db, async (trx) => {
          const payment = await trx
            .selectFrom('bill_payment')
            .select(['id', 'biller_id'])
            .where('biller_request_id', '=', body.requestId)
            .where('bill_id', '=', body.billId)
            .executeTakeFirst();
          if (!payment || !billers.some((one) => one.id === payment.biller_id))
            throw notFound('Bill payment');
          await applyPaymentAnswer(payments, trx, payment.id, answer);
        });
        payments.wake();
        return accepted(body.requestId);
      }
      const { billInquiryRequestId, paymentReferenceID, amount } = body;
      if (billInquiryRequestId === undefined) throw bodyIsWrong('/billInquiryRequestId', 'is required');
      if (paymentReferenceID === undefined) throw bodyIsWrong('/paymentReferenceID', 'is required');
      const { created } = await transaction(payments.db, (trx) =>
        recordPayment(payments, trx, {
          payer,
          requestId: body.requestId,
          inquiryRequestId: billInquiryRequestId,
          billId: body.billId,
          paymentReference: paymentReferenceID,
          method: 'account',
          amount:
            amount === undefined ? undefined : (currency) => amountIn(payments, amount, currency, '/amount'),
          correlationId: correlationOf(headers) ?? body.requestId,
          tenantId: tenantOf(headers),
        }),
      );
      payments.wake();
      return accepted(body.requestId, created ? 'Request taken over' : 'Taken over before');
    },

    async getBillTransferRequest({ params, headers, caller }) {
      const payer = await callingPayer(payments, caller, headers);
      const payment = await paymentByReference(payments.db, payer.id, params.paymentReferenceID);
      const status = {
        tendering: 'PND',
        pending: 'PND',
        acknowledged: 'ACK',
        rejected: 'RJC',
        refused: 'RJC',
      } as const;
      return {
        status: 200,
        body: {
          requestId: payment.request_id,
          billId: payment.bill_id,
          paymentReferenceID: payment.payment_reference,
          status: status[payment.state],
          ...(payment.reject_reason === null ? {} : { rejectReason: payment.reject_reason }),
          amount: formatAmount(payment.amount, payments.currencies(payment.currency) ?? 2),
          currency: payment.currency,
        },
      };
    },

    async voucherRedemption({ headers, caller, body: raw }) {
      const payer = await callingPayer(payments, caller, headers);
      const body = readVoucher(raw);
      if (body.requestId.length > 34) throw badRequest('requestId must NOT have more than 34 characters');
      await payByVoucher(
        payments,
        {
          payer,
          requestId: body.requestId,
          inquiryRequestId: body.billInquiryRequestId,
          billId: body.billId,
          paymentReference: `V-${body.requestId}`,
          correlationId: correlationOf(headers) ?? body.requestId,
          tenantId: tenantOf(headers),
        },
        body.VoucherSecretHash,
      );
      return { status: 202, body: { RequestID: body.requestId, code: '00', reason: 'Request taken over' } };
    },
  };
}
