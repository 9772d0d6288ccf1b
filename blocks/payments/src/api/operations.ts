export { paymentsAdmin } from './admin/operations.ts';
export { paymentsBillers } from './billers/operations.ts';
export {
  batchAwaitingApproval,
  batchCompleted,
  voucherRedeemed,
  voucherStockLow,
} from './event-operations.ts';
export { g2p } from './g2p/operations.ts';
export { gsmaCallback } from './gsma-callback/operations.ts';
export { oversight } from './oversight/operations.ts';
export { RailNotice, RailResult, railCallback, SignedRailNotice } from './rail-callback/operations.ts';
export { railFiles } from './rail-files/operations.ts';
export { reconciliation } from './reconciliation/operations.ts';
export { voucherAdmin } from './voucher-admin/operations.ts';
export { vouchers } from './vouchers/operations.ts';
