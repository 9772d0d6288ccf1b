export { paymentsAdmin } from './admin/operations.ts';
export { paymentsBillers } from './billers/operations.ts';
export { collection } from './collection/operations.ts';
export { batchAwaitingApproval, batchCompleted } from './event-operations.ts';
export { g2p } from './g2p/operations.ts';
export { p2g } from './p2g/operations.ts';
export { RailNotice, RailResult, railCallback, SignedRailNotice } from './rail-callback/operations.ts';
