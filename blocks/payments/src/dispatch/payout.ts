import { type AccountKey, accountId } from '../ledger/accounts.ts';
import { derivedId } from '../ledger/derived-id.ts';
import type { TransferRequest } from '../ledger/transfers.ts';

export interface Payout {
  readonly instructionId: string;
  readonly batchId: string;
  readonly railId: string;
  readonly currency: string;
  readonly amount: bigint;
  /** What the rail charges for it, beside the amount. */
  readonly fee: bigint;
  /** Where it goes when it is confirmed, if not out: vouchers keep their value inside. */
  readonly into?: AccountKey;
}

export const clearingAccount = (railId: string, currency: string): AccountKey => ({
  kind: 'clearing',
  owner: railId,
  currency,
});
export const paidAccount = (railId: string, currency: string): AccountKey => ({
  kind: 'paid',
  owner: railId,
  currency,
});
export const suspenseAccount = (railId: string, currency: string): AccountKey => ({
  kind: 'suspense',
  owner: railId,
  currency,
});

const traced = (payout: Payout) => ({
  cause: 'payout' as const,
  causeId: payout.instructionId,
  batchId: payout.batchId,
  instructionId: payout.instructionId,
});

/** Promises the money of instructions of one run to their rail: reserved → clearing, pending, under the instruction's id. */
export function promised(payouts: readonly Payout[]): TransferRequest[] {
  const [first] = payouts;
  if (!first) return [];
  const { batchId, railId, currency } = first;
  const debit = accountId({ kind: 'reserved', owner: batchId, currency });
  const credit = accountId(clearingAccount(railId, currency));
  return payouts.map((payout) => ({
    id: payout.instructionId,
    type: 'pending',
    debit,
    credit,
    amount: payout.amount,
    ...traced(payout),
  }));
}

/** Makes the promise final, or takes it back. Both have one id: they exclude each other. */
export const settled = (payout: Payout, type: 'post-pending' | 'void-pending'): TransferRequest => ({
  id: derivedId('payout-resolved', payout.instructionId),
  type,
  pendingId: payout.instructionId,
  ...traced(payout),
});

/** Where a confirmed payout goes. */
export const destination = ({ into, railId, currency }: Payout): AccountKey =>
  into ?? paidAccount(railId, currency);

/** Moves confirmed payouts of one result from clearing to where they go, one transfer per batch and rail. */
export function cleared(payouts: readonly Payout[]): TransferRequest[] {
  const groups = Map.groupBy(payouts, (one) => `${one.batchId}/${one.railId}/${one.currency}`);
  return [...groups.values()].map((group) => {
    const [first] = group as [Payout, ...Payout[]];
    const { batchId, railId, currency } = first;
    const ids = group.map((one) => one.instructionId).sort();
    return {
      id: derivedId('payout-cleared', ...ids),
      type: 'post',
      debit: accountId(clearingAccount(railId, currency)),
      credit: accountId(destination(first)),
      amount: group.reduce((sum, one) => sum + one.amount, 0n),
      cause: 'payout-cleared',
      causeId: `${ids.length} from ${ids[0]}`,
      batchId,
    };
  });
}

/** Takes a paid amount that came back into suspense, where it waits for a decision (PAY-9.1.3-c). */
export const returned = (payout: Payout): TransferRequest => ({
  id: derivedId('payout-returned', payout.instructionId),
  type: 'post',
  debit: accountId(paidAccount(payout.railId, payout.currency)),
  credit: accountId(suspenseAccount(payout.railId, payout.currency)),
  amount: payout.amount,
  cause: 'return',
  causeId: payout.instructionId,
  batchId: payout.batchId,
  instructionId: payout.instructionId,
});
