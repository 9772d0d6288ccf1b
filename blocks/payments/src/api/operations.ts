export { paymentsAdmin } from './admin/operations.ts';
export { paymentsBillers } from './billers/operations.ts';
export { collection } from './collection/operations.ts';
export {
  batchAwaitingApproval,
  batchCompleted,
  disputeChanged,
  paymentReturned,
  returnReleased,
  voucherRedeemed,
  voucherReturned,
  voucherStockLow,
} from './event-operations.ts';
export { g2p } from './g2p/operations.ts';
export { gsmaCallback } from './gsma-callback/operations.ts';
export { oversight } from './oversight/operations.ts';
export { p2g } from './p2g/operations.ts';
export { phee } from './phee/operations.ts';
export { RailNotice, RailResult, railCallback, SignedRailNotice } from './rail-callback/operations.ts';
export { railFiles } from './rail-files/operations.ts';
export { itemClasses, type ResolutionName, resolutionNames } from './reconciliation/classes.ts';
export { reconciliation } from './reconciliation/operations.ts';
export { voucherAdmin } from './voucher-admin/operations.ts';
export { vouchers } from './vouchers/operations.ts';
