import { engineActor } from '../batches/move.ts';
import { clearingAccount, paidAccount, suspenseAccount } from '../dispatch/payout.ts';
import { type AccountKey, accountId, openAccounts } from '../ledger/accounts.ts';
import { derivedId } from '../ledger/derived-id.ts';
import { createTransfers, type TransferRequest } from '../ledger/transfers.ts';
import { retryHeld } from '../sources/budget.ts';
import { programmeAccounts } from '../sources/programme.ts';
import type { Trx } from '../tables.ts';

/** What a voucher is worth and who backs it. */
export interface Backed {
  readonly id: string;
  readonly source_id: string;
  readonly programme_id: string;
  readonly currency: string;
  /** Minor units. */
  readonly amount: string;
}

export const voucherAccounts = (one: Pick<Backed, 'source_id' | 'programme_id' | 'currency'>) => {
  const { available, voucher } = programmeAccounts({
    source_id: one.source_id,
    id: one.programme_id,
    currency: one.currency,
    funding_account: '',
  });
  return { available, voucher };
};

async function moveValue(
  trx: Trx,
  vouchers: readonly Backed[],
  cause: 'voucher-issued' | 'voucher-released',
): Promise<void> {
  if (vouchers.length === 0) return;
  const keys = new Map<string, AccountKey>();
  const transfers = vouchers.map((one): TransferRequest => {
    const accounts = voucherAccounts(one);
    const [from, to] =
      cause === 'voucher-issued'
        ? [accounts.available, accounts.voucher]
        : [accounts.voucher, accounts.available];
    for (const key of [from, to]) keys.set(accountId(key), key);
    return {
      id: derivedId(cause, one.id),
      type: 'post',
      debit: accountId(from),
      credit: accountId(to),
      amount: BigInt(one.amount),
      cause,
      causeId: one.id,
    };
  });
  await openAccounts(trx, [...keys.values()]);
  await createTransfers(trx, transfers);
}

/** Sets the value of vouchers aside: available → voucher. Throws `InsufficientFunds` (PAY-5.1.9). */
export const setAside = (trx: Trx, vouchers: readonly Backed[]): Promise<void> =>
  moveValue(trx, vouchers, 'voucher-issued');

/**
 * Gives the value of vouchers that can no longer be used back to the programme: voucher → available. Runs that were held
 * for it go on.
 */
export async function giveBack(trx: Trx, vouchers: readonly Backed[]): Promise<void> {
  await moveValue(trx, vouchers, 'voucher-released');
  const programmes = new Map(vouchers.map((one) => [accountId(voucherAccounts(one).available), one]));
  for (const one of programmes.values())
    await retryHeld(trx, { source_id: one.source_id, id: one.programme_id }, engineActor);
}

export interface Cashing extends Backed {
  /** Id of the redemption. */
  readonly redemptionId: string;
  readonly railId: string;
}

const traced = (cashing: Cashing) => ({ cause: 'voucher-redeemed' as const, causeId: cashing.redemptionId });

/** Promises the value of a voucher to a merchant through a rail: voucher → clearing, pending. */
export async function promiseValue(trx: Trx, cashing: Cashing): Promise<void> {
  const { voucher } = voucherAccounts(cashing);
  const clearing = clearingAccount(cashing.railId, cashing.currency);
  const [debit = '', credit = ''] = await openAccounts(trx, [voucher, clearing]);
  await createTransfers(trx, [
    {
      id: cashing.redemptionId,
      type: 'pending',
      debit,
      credit,
      amount: BigInt(cashing.amount),
      ...traced(cashing),
    },
  ]);
}

/** Makes the promise final, and the money paid: clearing → paid. Excludes `takeBackValue`: both have one id. */
export async function payValue(trx: Trx, cashing: Cashing): Promise<void> {
  const clearing = clearingAccount(cashing.railId, cashing.currency);
  const paid = paidAccount(cashing.railId, cashing.currency);
  const [debit = '', credit = ''] = await openAccounts(trx, [clearing, paid]);
  await createTransfers(trx, [
    {
      id: derivedId('voucher-redemption-resolved', cashing.redemptionId),
      type: 'post-pending',
      pendingId: cashing.redemptionId,
      ...traced(cashing),
    },
    {
      id: derivedId('voucher-cleared', cashing.redemptionId),
      type: 'post',
      debit,
      credit,
      amount: BigInt(cashing.amount),
      cause: 'voucher-cleared',
      causeId: cashing.redemptionId,
    },
  ]);
}

/** Takes the promise back: the merchant was not paid. */
export async function takeBackValue(trx: Trx, cashing: Cashing): Promise<void> {
  await createTransfers(trx, [
    {
      id: derivedId('voucher-redemption-resolved', cashing.redemptionId),
      type: 'void-pending',
      pendingId: cashing.redemptionId,
      ...traced(cashing),
    },
  ]);
}

/** Takes what came back after it was paid into suspense: paid → suspense. Answers the account it lies in. */
export async function returnValue(trx: Trx, cashing: Cashing): Promise<string> {
  const { railId, currency, redemptionId } = cashing;
  const [debit = '', credit = ''] = await openAccounts(trx, [
    paidAccount(railId, currency),
    suspenseAccount(railId, currency),
  ]);
  await createTransfers(trx, [
    {
      id: derivedId('voucher-returned', redemptionId),
      type: 'post',
      debit,
      credit,
      amount: BigInt(cashing.amount),
      cause: 'return',
      causeId: redemptionId,
    },
  ]);
  return credit;
}
