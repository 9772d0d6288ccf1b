import type { Payout } from '../dispatch/payout.ts';
import { type AccountKey, accountId } from '../ledger/accounts.ts';
import { derivedId } from '../ledger/derived-id.ts';
import type { TransferRequest } from '../ledger/transfers.ts';

/** What a rail has earned and not yet taken. */
export const feesAccount = (railId: string, currency: string): AccountKey => ({
  kind: 'fees',
  owner: railId,
  currency,
});

/** Fees of confirmed payouts of one result: reserved → fees, one transfer per batch and rail. */
export function charged(payouts: readonly Payout[]): TransferRequest[] {
  const groups = Map.groupBy(
    payouts.filter((one) => one.fee > 0n),
    (one) => `${one.batchId}/${one.railId}/${one.currency}`,
  );
  return [...groups.values()].map((group) => {
    const [{ batchId, railId, currency }] = group as [Payout, ...Payout[]];
    const ids = group.map((one) => one.instructionId).sort();
    return {
      id: derivedId('fee', ...ids),
      type: 'post',
      debit: accountId({ kind: 'reserved', owner: batchId, currency }),
      credit: accountId(feesAccount(railId, currency)),
      amount: group.reduce((sum, one) => sum + one.fee, 0n),
      cause: 'fee',
      causeId: `${ids.length} from ${ids[0]}`,
      batchId,
    };
  });
}
