import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { optional, Text } from '../schemas.ts';

/** Spelled in several ways in the published files; all are read. Never less than a UUID is accepted as an id. */
const headers = Type.Object({
  'x-correlationid': optional(50),
  'x-client-correlation-id': optional(50),
  'platform-tenantid': optional(36),
  'x-platform-tenantid': optional(36),
  'payerfi-id': optional(36),
  'x-payerfi-id': optional(36),
  'x-payer-fi-id': optional(36),
  'x-billerid': optional(36),
  'x-biller-id': optional(36),
  'x-callback-url': optional(400),
  'x-callbackurl': optional(400),
  'x-callback_url': optional(400),
});
const caller = { caller: 'application' } as const;
const RequestId = Text(36);
const BillId = Type.String({ pattern: '^[0-9A-Za-z-]{4,20}$' });
const RtpId = Type.Union([
  Type.Integer({ minimum: 0, maximum: 999_999_999_999_999 }),
  Type.String({ pattern: '^[0-9]{1,15}$' }),
]);
const amount = Type.Union(
  [Type.String({ minLength: 1, maxLength: 24 }), Type.Number({ exclusiveMinimum: 0 })],
  { description: 'In the currency, not its minor unit; a JSON number is taken as long as it is exact' },
);
const Reference = Type.String({ minLength: 1, maxLength: 36 });

const Accepted = Type.Object({
  responseCode: Type.String({ description: '00: taken over' }),
  reason: Type.String(),
  requestId: Type.String(),
});
const Acknowledged = Type.Object({
  responseCode: Type.String({ description: '00: taken over' }),
  responseDescription: Type.String(),
  requestID: Type.String(),
});

/**
 * The answer to a bill inquiry, told and polled alike. Amounts in the currency, not in its minor unit: the published
 * integers could hold no cents.
 */
export const BillNotice = Type.Object({
  requestId: Type.String(),
  code: Type.Integer({ description: '0: the bill can be paid' }),
  reason: Type.String({
    description: 'unpaid, paid, expired, unknown or biller-down; `asking` while there is no answer',
  }),
  billId: Type.String(),
  billDetails: Type.Optional(
    Type.Object({
      billerId: Type.String(),
      billerName: Type.String(),
      billStatus: Type.String(),
      dueDate: Type.Optional(Type.Integer({ description: 'Seconds since 1970' })),
      amountonDueDate: Type.Optional(Type.Number()),
      amountAfterDueDate: Type.Optional(Type.Number()),
      currency: Type.Optional(Type.String()),
    }),
  ),
  amountDue: Type.Optional(Type.String({ description: 'Decimal text: what is to be paid now' })),
  validUntil: Type.Optional(Type.String({ description: 'Until when the amount holds' })),
});

export const inquireBill = defineOperation({
  id: 'inquireBill',
  method: 'GET',
  path: '/bills/{billId}',
  summary: 'A payer institution asks about a bill',
  description:
    'The biller is found by the prefix of the bill id. The answer goes to POST /bills/{billId} of the institution’s registered service and can be read with getBillInquiry. The published file sends requestId in the body of this GET; it is read from the query, or else X-CorrelationID counts.',
  requirements: ['PAY-8.3.1', 'PAY-6.16.3-e', 'PAY-6.16.3-b', 'PAY-8.5'],
  access: caller,
  params: Type.Object({ billId: BillId }),
  query: Type.Object({ fields: Type.Optional(Type.Literal('inquiry')), requestId: Type.Optional(RequestId) }),
  headers,
  responses: { 202: Accepted },
});

export const BillMessage = Type.Object({
  requestId: RequestId,
  code: Type.Optional(Type.Union([Type.String({ maxLength: 20 }), Type.Integer()])),
  reason: Type.Optional(Type.String({ maxLength: 200 })),
  billId: Type.Optional(BillId),
  billDetails: Type.Optional(Type.Object({})),
});

export const postBill = defineOperation({
  id: 'postBill',
  method: 'POST',
  path: '/bills/{billId}',
  summary: 'A biller answers an inquiry; with fields=inquiry, a payer institution asks',
  description:
    'The first answer counts. One that comes too late, or again, is acknowledged and changes nothing.',
  requirements: ['PAY-6.16.3-f', 'PAY-8.3.1'],
  access: caller,
  params: Type.Object({ billId: BillId }),
  query: Type.Object({ fields: Type.Optional(Type.Literal('inquiry')) }),
  headers,
  body: BillMessage,
  bodyCheckedBy: 'handler',
  responses: { 202: Accepted },
});

export const getBillInquiry = defineOperation({
  id: 'getBillInquiry',
  method: 'GET',
  path: '/billInquiries/{requestId}',
  summary: 'The answer to an inquiry of this payer institution: what the callback says',
  requirements: ['PAY-8.3.1', 'PAY-5.3.1-d'],
  access: caller,
  params: Type.Object({ requestId: RequestId }),
  headers,
  responses: { 200: BillNotice },
});

export const BillTransferMessage = Type.Object({
  requestId: RequestId,
  billId: BillId,
  billInquiryRequestId: Type.Optional(RequestId),
  paymentReferenceID: Type.Optional(Reference),
  amount: Type.Optional(amount),
  status: Type.Optional(Type.Union([Type.Literal('ACK'), Type.Literal('RJC')])),
  rejectReason: Type.Optional(Type.String({ maxLength: 100 })),
});

export const billTransferRequest = defineOperation({
  id: 'billTransferRequest',
  method: 'POST',
  path: '/billTransferRequests',
  summary:
    'A payer institution tells that a bill was paid; with a status, a biller answers that it marked it paid',
  description:
    'A payment is identified by its paymentReferenceID; telling it again changes nothing. It is passed on to the biller until that answers ACK or RJC, and the institution is told the answer. billInquiryRequestId names the inquiry, or the TxnID of a request-to-pay. amount is needed for part payments only.',
  requirements: ['PAY-8.3.3', 'PAY-9.3.3', 'PAY-6.16.3-a', 'PAY-6.16.3-e', 'PAY-6.16.3-f'],
  access: caller,
  headers,
  body: BillTransferMessage,
  bodyCheckedBy: 'handler',
  responses: { 202: Accepted },
});

export const BillPaymentStatus = Type.Object({
  requestId: Type.String(),
  billId: Type.String(),
  paymentReferenceID: Type.String(),
  status: Type.Union([Type.Literal('PND'), Type.Literal('ACK'), Type.Literal('RJC')]),
  rejectReason: Type.Optional(Type.String()),
  amount: Type.String({ description: 'Decimal text' }),
  currency: Type.String(),
});

export const getBillTransferRequest = defineOperation({
  id: 'getBillTransferRequest',
  method: 'GET',
  path: '/billTransferRequests/{paymentReferenceID}',
  summary: 'Where a payment of this payer institution stands',
  requirements: ['PAY-5.3.1-d'],
  access: caller,
  params: Type.Object({ paymentReferenceID: Reference }),
  headers,
  responses: { 200: BillPaymentStatus },
});

export const RtpRequestMessage = Type.Object({
  requestId: RequestId,
  rtpId: RtpId,
  billID: BillId,
  requestType: Type.Union([Type.Literal('00'), Type.Literal('01')]),
  payerFiDetails: Type.Optional(
    Type.Object({ payerFIBIC: Type.Optional(Text(11)), financialAddress: optional(40) }),
  ),
  alias: Type.Optional(
    Type.Object({
      aliasType: Type.Union([Type.Literal('00'), Type.Literal('01'), Type.Literal('02')]),
      aliasId: Text(30),
    }),
  ),
  billDetails: Type.Object({
    billerName: Type.Optional(Type.String({ maxLength: 100 })),
    amount,
    currency: Type.Optional(Text(3)),
  }),
  expiresAt: Type.Optional(Type.String({ format: 'date-time' })),
});

export const rtpRequest = defineOperation({
  id: 'rtpRequest',
  method: 'POST',
  path: '/rtpRequest',
  summary: 'A biller requests that a bill be paid',
  description:
    'Type 00 goes to the institution with payerFIBIC, type 01 to the one an alias leads to. The payer’s word comes by POST /rtpUpdate, the end by POST /transferRequests/{rtpId} or to X-Callback-URL. The same rtpId with other content is refused.',
  requirements: ['PAY-8.3.4', 'PAY-9.3.5', 'PAY-8.5'],
  access: caller,
  headers,
  body: RtpRequestMessage,
  bodyCheckedBy: 'handler',
  responses: { 200: Acknowledged },
});

export const RtpResponseMessage = Type.Object({
  RequestId: RequestId,
  txnId: Text(12),
  rtpId: Type.Optional(RtpId),
  billId: Type.Optional(BillId),
  rtpStatus: Type.Union([Type.Literal('00'), Type.Literal('01')]),
  rejectReason: Type.Optional(Type.Union([Type.String({ maxLength: 10 }), Type.Null()])),
  paymentReferenceID: Type.Optional(Reference),
});

export const rtpResponse = defineOperation({
  id: 'rtpResponse',
  method: 'POST',
  path: '/rtpResponse',
  summary: 'A payer institution answers a request-to-pay',
  description:
    '00 alone says that the payer accepted. The request is completed by the payment: paymentReferenceID here, or billTransferRequest with the TxnID as billInquiryRequestId. rejectReason: R, or AM04 (not enough money), CRED (credentials do not match), or another ISO 20022 code.',
  requirements: ['PAY-8.3.4', 'PAY-6.1-ae', 'PAY-6.1-aa'],
  access: caller,
  headers,
  body: RtpResponseMessage,
  bodyCheckedBy: 'handler',
  responses: { 200: Acknowledged },
});

const transferRequest = Type.Object({ transferRequestId: Type.String({ pattern: '^[0-9]{1,15}$' }) });
export const RequestToPayStatus = Type.Object({
  ...Accepted.properties,
  rtpId: Type.Integer(),
  requestStatus: Type.String({ description: 'PND, COM, RJC, EXP or CAN' }),
  PaymentReferenceID: Type.Optional(Type.String()),
  lastUpdateDate: Type.Integer(),
});

export const getTransferRequest = defineOperation({
  id: 'getTransferRequest',
  method: 'GET',
  path: '/transferRequests/{transferRequestId}',
  summary: 'A biller asks where its request-to-pay (by its rtpId) stands; the answer is also posted to it',
  requirements: ['PAY-8.3.6', 'PAY-5.3.1-d'],
  access: caller,
  params: transferRequest,
  query: Type.Object({ requestId: Type.Optional(RequestId) }),
  headers,
  responses: { 202: RequestToPayStatus },
});

export const cancelTransferRequest = defineOperation({
  id: 'cancelTransferRequest',
  method: 'DELETE',
  path: '/transferRequests/{transferRequestId}',
  summary: 'A biller takes a request-to-pay back before the payer has accepted it',
  access: caller,
  params: transferRequest,
  headers,
  responses: { 200: RequestToPayStatus },
});

export const VoucherMessage = Type.Object({
  requestId: RequestId,
  billInquiryRequestId: RequestId,
  billId: BillId,
  billDetails: Type.Optional(Type.Object({})),
  VoucherSecretHash: Text(200),
});

export const voucherRedemption = defineOperation({
  id: 'voucherRedemption',
  method: 'POST',
  path: '/voucherRedemption',
  summary: 'Pay a bill with a voucher that is worth exactly what is due',
  description:
    'Otherwise nothing is consumed. A refusal is final for its requestId; how a payment that was taken over ends is told like any other. VoucherSecretHash is the secret number of the voucher.',
  requirements: ['PAY-9.3.6'],
  access: caller,
  headers,
  body: VoucherMessage,
  bodyCheckedBy: 'handler',
  responses: {
    202: Type.Object({ RequestID: Type.String(), code: Type.String(), reason: Type.String() }),
  },
});

export const AliasMessage = Type.Object({
  aliasType: Type.Union([Type.Literal('00'), Type.Literal('01'), Type.Literal('02')]),
  aliasId: Text(30),
  financialAddress: Type.Optional(Type.Union([Text(40), Type.Null()])),
});

export const putPayerAlias = defineOperation({
  id: 'putPayerAlias',
  method: 'PUT',
  path: '/payerAliases',
  summary: 'A payer institution says that an alias is its customer; with financialAddress null, no longer',
  requirements: ['PAY-9.3.5'],
  access: caller,
  headers,
  body: AliasMessage,
  bodyCheckedBy: 'handler',
  responses: { 200: Type.Object({ responseCode: Type.String(), reason: Type.String() }) },
});

/** The official P2G messages of specification 3.0, for payer institutions, billers and aggregators. */
export const p2g = defineSurface({
  name: 'payments-p2g-v1',
  title: 'Payments: person to government',
  version: '1.0.0',
  description:
    'Bill inquiry, payment advice and request-to-pay as the Payments specification 3.0 publishes them.',
  operations: {
    inquireBill,
    postBill,
    getBillInquiry,
    billTransferRequest,
    getBillTransferRequest,
    rtpRequest,
    rtpResponse,
    getTransferRequest,
    cancelTransferRequest,
    voucherRedemption,
    putPayerAlias,
  },
  // The published files answer 400 with a code and a reason, the code under two names.
  errorShape: (problem) => ({
    status: problem.status,
    body: {
      ...problem,
      responseCode: '01',
      code: '01',
      reason: (problem.detail ?? problem.title).slice(0, 200),
    },
  }),
});
