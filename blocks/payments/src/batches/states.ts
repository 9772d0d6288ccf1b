/**
 * A run's way: received → awaiting-approval → approved (funds reserved) → authorised (payer bank said yes) → processing
 * → completed | partially-completed | failed. `held`: no money or no authorisation; nothing has left.
 * The allowed moves are rows of the tables batch_move and instruction_move, enforced by the database.
 */
export const batchStates = [
  'received',
  'validated',
  'awaiting-approval',
  'approved',
  'held',
  'authorised',
  'processing',
  'completed',
  'partially-completed',
  'failed',
  'rejected',
  'cancelled',
] as const;
export type BatchState = (typeof batchStates)[number];

export const finalBatchStates: readonly BatchState[] = [
  'validated',
  'completed',
  'partially-completed',
  'failed',
  'rejected',
  'cancelled',
];

export const instructionStates = [
  'received',
  'validated',
  'rejected',
  'queued',
  'submitted',
  'unknown',
  'completed',
  'failed',
  'returned',
  'cancelled',
] as const;
export type InstructionState = (typeof instructionStates)[number];

/** The ISO 20022 payment status that goes with each state (PAY-5.3.4-h). */
export const isoStatus: Readonly<Record<InstructionState, string>> = {
  received: 'RCVD',
  validated: 'ACTC',
  rejected: 'RJCT',
  queued: 'ACCP',
  submitted: 'ACSP',
  unknown: 'PDNG',
  completed: 'ACCC',
  failed: 'RJCT',
  returned: 'RJCT',
  cancelled: 'CANC',
};
