import { defineEvent, Type } from '@govstack/platform/operation';

const Amount = Type.String({ description: 'Decimal text in the currency' });

/** A run is validated and waits for a person who may approve it. */
export const batchAwaitingApproval = defineEvent({
  type: 'payments.batch-awaiting-approval.v1',
  summary: 'A payment run is validated and waits for approval',
  data: Type.Object({
    batchId: Type.String(),
    clientBatchId: Type.String(),
    sourceId: Type.String(),
    programmeId: Type.String(),
    instructionCount: Type.Integer(),
    rejectedCount: Type.Integer(),
    currency: Type.String(),
    amount: Amount,
  }),
});

/** A run is over: no instruction is open any more, or it was refused or withdrawn before it began. */
export const batchCompleted = defineEvent({
  type: 'payments.batch-completed.v1',
  summary: 'A payment run is over; results per payee can be read',
  data: Type.Object({
    batchId: Type.String(),
    clientBatchId: Type.String(),
    sourceId: Type.String(),
    programmeId: Type.String(),
    state: Type.Union([
      Type.Literal('completed'),
      Type.Literal('partially-completed'),
      Type.Literal('failed'),
      Type.Literal('rejected'),
      Type.Literal('cancelled'),
    ]),
    currency: Type.String(),
    completedCount: Type.Integer(),
    failedCount: Type.Integer(),
    completedAmount: Amount,
    failedAmount: Amount,
  }),
});

/** A dispute about a payment was opened or has moved; whoever opened it finds itself in it. */
export const disputeChanged = defineEvent({
  type: 'payments.dispute-changed.v1',
  summary: 'A dispute about a payment was opened, moved or closed',
  data: Type.Object({
    disputeId: Type.String(),
    clientId: Type.String(),
    instructionId: Type.String(),
    sourceId: Type.String(),
    openedBy: Type.String(),
    openedByApplication: Type.String(),
    state: Type.String(),
    outcome: Type.Optional(Type.String()),
  }),
});

/** Stock of a voucher denomination fell below its threshold: somebody should fill it up. Once until it is filled up. */
export const voucherStockLow = defineEvent({
  type: 'payments.voucher-stock-low.v1',
  summary: 'Few vouchers of a denomination are left in stock: restocking is requested',
  data: Type.Object({
    sourceId: Type.String(),
    programmeId: Type.String(),
    groupCode: Type.String(),
    currency: Type.String(),
    denomination: Amount,
    stock: Type.Integer(),
    threshold: Type.Integer(),
  }),
});

const redemption = {
  serialNumber: Type.String(),
  sourceId: Type.String(),
  programmeId: Type.String(),
  groupCode: Type.String(),
  currency: Type.String(),
  amount: Amount,
  transactionId: Type.String(),
};

/** A voucher was cashed in and its merchant paid. */
export const voucherRedeemed = defineEvent({
  type: 'payments.voucher-redeemed.v1',
  summary: 'A voucher was redeemed and the merchant paid',
  data: Type.Object(redemption),
});

/** The payment of a voucher came back after it was made; the voucher stays redeemed, its money waits for a decision. */
export const voucherReturned = defineEvent({
  type: 'payments.voucher-returned.v1',
  summary: 'The payment of a redeemed voucher came back after it was made',
  data: Type.Object({ ...redemption, reasonCode: Type.Optional(Type.String()) }),
});

const Return = Type.Object({
  instructionId: Type.String(),
  requestId: Type.String(),
  batchId: Type.String(),
  clientBatchId: Type.String(),
  sourceId: Type.String(),
  programmeId: Type.String(),
  currency: Type.String(),
  amount: Amount,
  reasonCode: Type.Optional(Type.String()),
});

/** A payment came back after it was made; its money waits for a decision. */
export const paymentReturned = defineEvent({
  type: 'payments.payment-returned.v1',
  summary: 'A payment came back after it was made',
  data: Return,
});

/** The money of a returned payment is the programme's again. */
export const returnReleased = defineEvent({
  type: 'payments.return-released.v1',
  summary: 'The money of a returned payment was given back to its programme',
  data: Return,
});
