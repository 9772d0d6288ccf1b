import type { InstructionState } from '../batches/states.ts';
import type { Outcome } from '../rails/port.ts';

/**
 * What an outcome does to an instruction: `complete` pays it out, `fail` gives the money back to the run, `wait` leaves it
 * open, `doubt` marks it unknown, `resend` sends it again under the same reference, `return` takes a paid amount into
 * suspense, `ignore` is a repeat or too late to matter, `dispute` contradicts what is final and needs a person.
 */
export type Action = 'complete' | 'fail' | 'wait' | 'doubt' | 'resend' | 'return' | 'ignore' | 'dispute';

const open = {
  succeeded: 'complete',
  failed: 'fail',
  pending: 'wait',
  busy: 'resend',
  'not-received': 'resend',
  unknown: 'doubt',
  returned: 'dispute',
} as const satisfies Record<Outcome, Action>;

const neverSent = {
  succeeded: 'dispute',
  failed: 'dispute',
  pending: 'dispute',
  busy: 'ignore',
  'not-received': 'ignore',
  unknown: 'ignore',
  returned: 'dispute',
} as const satisfies Record<Outcome, Action>;

const late = { pending: 'ignore', busy: 'ignore', 'not-received': 'ignore', unknown: 'ignore' } as const;

/** The forward-only table: a final state is never overwritten. */
export const decisions: Readonly<Record<InstructionState, Readonly<Record<Outcome, Action>>>> = {
  received: neverSent,
  validated: neverSent,
  rejected: neverSent,
  cancelled: neverSent,
  queued: neverSent,
  submitted: open,
  unknown: { ...open, unknown: 'wait' },
  completed: { ...late, succeeded: 'ignore', failed: 'dispute', returned: 'return' },
  failed: { ...late, succeeded: 'dispute', failed: 'ignore', returned: 'dispute' },
  returned: { ...late, succeeded: 'ignore', failed: 'ignore', returned: 'ignore' },
};
