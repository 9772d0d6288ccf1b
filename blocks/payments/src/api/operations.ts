export { paymentsAdmin } from './admin/operations.ts';
export {
  batchAwaitingApproval,
  batchCompleted,
  paymentReturned,
  returnReleased,
} from './event-operations.ts';
export { g2p } from './g2p/operations.ts';
export { RailNotice, RailResult, railCallback, SignedRailNotice } from './rail-callback/operations.ts';
export { reconciliation } from './reconciliation/operations.ts';
