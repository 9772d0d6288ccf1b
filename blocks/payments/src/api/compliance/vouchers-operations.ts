import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const open = { caller: 'public' } as const;
const Message = Type.Object({ message: Type.String() });
const ResultStatus = Type.Object({ result_status: Type.String() });

/** Read by the handler: a missing, null or ill-typed field has its own status. */
const anything = { body: Type.Record(Type.String(), Type.Unknown()), bodyCheckedBy: 'handler' } as const;

const redemption = {
  method: 'POST',
  summary: 'Redeem a voucher; a repeat by the same merchant answers as the first time',
  access: open,
  ...anything,
  responses: { 200: ResultStatus },
} as const;

const statusPath = '/vouchers/voucherstatuscheck/{voucherserialnumber}';
const params = Type.Object({ voucherserialnumber: Type.String({ maxLength: 50 }) });

/** Vouchers in the dialect of the official compliance suite: bare paths, statuses of its own, every error a message. */
export const vouchersSuite = defineSurface({
  name: 'vouchers-suite',
  title: 'Vouchers, as the compliance suite calls them',
  version: '1.0.0',
  compliance: true,
  errorShape: ({ status, detail, title }) => ({ status, body: { message: detail ?? title } }),
  operations: {
    preactivate: defineOperation({
      id: 'preactivate',
      method: 'POST',
      path: '/vouchers/voucher_preactivation',
      summary: 'Order a voucher',
      access: open,
      ...anything,
      responses: {
        200: Type.Object({
          voucher_number: Type.String({ minLength: 16, maxLength: 25 }),
          voucher_serial_number: Type.String({ minLength: 16, maxLength: 25 }),
          expiry_date_time: Type.String({ format: 'date-time' }),
        }),
      },
    }),
    activate: defineOperation({
      id: 'activate',
      method: 'PATCH',
      path: '/vouchers/voucher_activation',
      summary: 'Activate a voucher',
      access: open,
      ...anything,
      responses: { 200: ResultStatus },
    }),
    redeem: defineOperation({ ...redemption, id: 'redeem', path: '/vouchers/voucher_redemption' }),
    // The specification writes the path so in one place.
    redeemAsWritten: defineOperation({
      ...redemption,
      id: 'redeemAsWritten',
      path: '/vouchers/voucher_redeemption',
    }),
    status: defineOperation({
      id: 'status',
      method: 'GET',
      path: statusPath,
      summary: 'Status of a voucher',
      access: open,
      params,
      responses: {
        200: Type.Object({ voucher_status: Type.String(), voucher_amount: Type.String() }),
      },
    }),
    cancel: defineOperation({
      id: 'cancel',
      method: 'PATCH',
      path: statusPath,
      summary: 'Cancel a voucher',
      access: open,
      params,
      ...anything,
      responses: { 200: Message },
    }),
  },
});
