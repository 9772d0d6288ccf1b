import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { closed, Id, Instant } from '../schemas.ts';

const citizen = { caller: 'application', person: 'required' } as const;

const BillView = Type.Object({
  inquiryId: Id,
  billId: Type.String(),
  billerName: Type.String(),
  state: Type.String({
    description: 'asking, then unpaid, paid, expired, unknown or biller-down',
  }),
  amountDue: Type.Optional(Type.String({ description: 'Decimal text: what is to be paid now' })),
  currency: Type.String(),
  dueAt: Type.Optional(Instant),
  disclaimer: Type.Optional(Type.String()),
  consentText: Type.Optional(
    Type.String({ description: 'To be shown to the payer and given back as approvedText' }),
  ),
  validUntil: Type.Optional(Instant),
});

const PaymentView = Type.Object({
  paymentId: Id,
  billId: Type.String(),
  billerName: Type.String(),
  payerInstitutionId: Type.String(),
  amount: Type.String(),
  currency: Type.String(),
  outcome: Type.String({
    description:
      'awaiting-confirmation, then confirmed, declined, insufficient-balance, credential-mismatch, transfer-failed, expired or cancelled',
  }),
  accepted: Type.Boolean({ description: 'The payer has accepted at the institution' }),
  paymentReference: Type.Optional(Type.String()),
  billerAnswer: Type.Optional(
    Type.String({ description: 'pending, acknowledged or rejected, once the payment is made' }),
  ),
  approvedText: Type.String(),
  approvedAt: Instant,
  expiresAt: Instant,
  createdAt: Instant,
});

export const listPaymentInstitutions = defineOperation({
  id: 'listPaymentInstitutions',
  method: 'GET',
  path: '/payer-institutions',
  summary: 'Institutions at which a bill can be paid',
  access: citizen,
  responses: {
    200: Type.Object({
      items: Type.Array(Type.Object({ payerInstitutionId: Type.String(), name: Type.String() })),
    }),
  },
});

export const lookUpBill = defineOperation({
  id: 'lookUpBill',
  method: 'POST',
  path: '/bill-inquiries',
  summary: 'Look up a bill; its biller is asked in the background',
  requirements: ['PAY-6.1-ad', 'PAY-8.3.1'],
  access: citizen,
  body: Type.Object({ billId: Type.String({ pattern: '^[0-9A-Za-z-]{4,20}$' }) }, closed),
  responses: { 202: BillView },
});

export const getBill = defineOperation({
  id: 'getBill',
  method: 'GET',
  path: '/bill-inquiries/{inquiryId}',
  summary: 'A bill that was looked up: amount, disclaimers, and the text to approve',
  requirements: ['PAY-6.1-ad'],
  access: citizen,
  params: Type.Object({ inquiryId: Id }),
  query: Type.Object({
    language: Type.Optional(
      Type.Union([Type.Literal('en'), Type.Literal('fr'), Type.Literal('ar')], {
        description: 'Of the text to approve; otherwise English',
      }),
    ),
  }),
  responses: { 200: BillView },
});

export const startBillPayment = defineOperation({
  id: 'startBillPayment',
  method: 'POST',
  path: '/bill-payments',
  summary: 'Have a bill paid at an institution, by the payer’s explicit approval',
  description:
    'approvedText must be the consentText that holds now, in any of its languages: what was not shown cannot be approved. The approval, the payer’s id and the payment go to the institution, which identifies its customer and debits the account.',
  requirements: ['PAY-6.1-ad', 'PAY-6.1-ae'],
  access: citizen,
  body: Type.Object(
    {
      inquiryId: Id,
      payerInstitutionId: Type.String({ minLength: 1, maxLength: 20 }),
      financialAddress: Type.Optional(
        Type.String({ minLength: 4, maxLength: 40, description: 'Account or wallet to debit' }),
      ),
      approvedText: Type.String({ minLength: 1, maxLength: 2000 }),
    },
    closed,
  ),
  responses: { 202: PaymentView },
});

export const getBillPayment = defineOperation({
  id: 'getBillPayment',
  method: 'GET',
  path: '/bill-payments/{paymentId}',
  summary: 'How a payment stands; with waitSeconds, the answer waits for an outcome',
  requirements: ['PAY-6.1-aa', 'PAY-6.1-ae', 'PAY-5.3.1-d', 'PAY-5.3.1-e'],
  access: citizen,
  params: Type.Object({ paymentId: Id }),
  query: Type.Object({ waitSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 20 })) }),
  responses: { 200: PaymentView },
});

export const listOwnBillPayments = defineOperation({
  id: 'listOwnBillPayments',
  method: 'GET',
  path: '/bill-payments',
  summary: 'Payments the person started, newest first',
  requirements: ['PAY-5.3.1-e'],
  access: citizen,
  query: Type.Object({
    before: Type.Optional(Id),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  }),
  responses: { 200: Type.Object({ items: Type.Array(PaymentView) }) },
});

export const cancelBillPayment = defineOperation({
  id: 'cancelBillPayment',
  method: 'POST',
  path: '/bill-payments/{paymentId}/cancellation',
  summary: 'Take a payment back before it is accepted at the institution',
  access: citizen,
  params: Type.Object({ paymentId: Id }),
  responses: { 200: PaymentView },
});

/** What a portal needs to show people their bills and have them paid. */
export const collection = defineSurface({
  name: 'payments-collection-v1',
  title: 'Payments: bills of people',
  version: '1.0.0',
  description: 'Look up a bill, approve its payment, follow it at the chosen institution.',
  operations: {
    listPaymentInstitutions,
    lookUpBill,
    getBill,
    startBillPayment,
    getBillPayment,
    listOwnBillPayments,
    cancelBillPayment,
  },
});
