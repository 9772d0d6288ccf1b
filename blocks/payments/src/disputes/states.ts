/**
 * A dispute's way: open → in-review ⇄ waiting (for somebody's answer) → resolved, with an outcome, or withdrawn. The
 * allowed moves are rows of the table dispute_move, enforced by the database.
 */
export const disputeStates = ['open', 'in-review', 'waiting', 'resolved', 'withdrawn'] as const;
export type DisputeState = (typeof disputeStates)[number];

export const disputeReasons = [
  'not-received',
  'wrong-amount',
  'wrong-account',
  'paid-twice',
  'not-entitled',
  'late',
  'other',
] as const;
export type DisputeReason = (typeof disputeReasons)[number];

/** Who disputes: a source, a payer rail, an institution of payees, the payee, or an officer on a payee's behalf. */
export type DisputeParty = 'source' | 'rail' | 'institution' | 'payee' | 'officer';
