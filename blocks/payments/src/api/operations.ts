export { paymentsAdmin } from './admin/operations.ts';
export { batchAwaitingApproval, batchCompleted, disputeChanged } from './event-operations.ts';
export { g2p } from './g2p/operations.ts';
export { oversight } from './oversight/operations.ts';
export { RailNotice, RailResult, railCallback, SignedRailNotice } from './rail-callback/operations.ts';
