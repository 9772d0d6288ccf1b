export { paymentsAdmin } from './admin/operations.ts';
export { batchAwaitingApproval, batchCompleted } from './event-operations.ts';
export { g2p } from './g2p/operations.ts';
export { phee } from './phee/operations.ts';
export { RailNotice, RailResult, railCallback, SignedRailNotice } from './rail-callback/operations.ts';
