import { conflict } from '@govstack/platform';
import { audit } from '../audit/audit.ts';
import { moveBatch } from '../batches/move.ts';
import { openAccounts } from '../ledger/accounts.ts';
import { derivedId } from '../ledger/derived-id.ts';
import { createTransfers } from '../ledger/transfers.ts';
import type { Trx } from '../tables.ts';
import { type Programme, programmeAccounts } from './programme.ts';

/**
 * Books money the treasury has released to a programme: funding account → available. The reference identifies the
 * release: the same again changes nothing, the same with another amount is refused. Runs held for lack of budget are
 * tried again. Answers whether it was booked now.
 */
export async function releaseBudget(
  trx: Trx,
  programme: Programme,
  release: { readonly reference: string; readonly amount: bigint; readonly actor: string },
): Promise<boolean> {
  const accounts = programmeAccounts(programme);
  const [funding = '', available = ''] = await openAccounts(trx, [accounts.funding, accounts.available]);
  const inserted = await trx
    .insertInto('budget_release')
    .values({
      source_id: programme.source_id,
      programme_id: programme.id,
      reference: release.reference,
      amount: release.amount.toString(),
      currency: programme.currency,
      released_by: release.actor,
      account_id: funding,
    })
    .onConflict((clash) => clash.constraint('budget_release_pkey').doNothing())
    .returning('reference')
    .executeTakeFirst();
  if (!inserted) {
    const known = await trx
      .selectFrom('budget_release')
      .select('amount')
      .where('source_id', '=', programme.source_id)
      .where('programme_id', '=', programme.id)
      .where('reference', '=', release.reference)
      .executeTakeFirstOrThrow();
    if (BigInt(known.amount) !== release.amount)
      throw conflict('A release with this reference was booked with another amount');
    return false;
  }
  const causeId = `${programme.source_id}/${programme.id}/${release.reference}`;
  await createTransfers(trx, [
    {
      id: derivedId('budget-release', causeId),
      type: 'post',
      debit: funding,
      credit: available,
      amount: release.amount,
      cause: 'budget-release',
      causeId,
    },
  ]);
  await audit(trx, {
    component: 'settings',
    action: 'release-budget',
    subject: `programme/${programme.source_id}/${programme.id}`,
    actor: release.actor,
    detail: { reference: release.reference, amount: release.amount.toString(), currency: programme.currency },
  });
  await retryHeld(trx, programme, release.actor);
  return true;
}

/** Lets runs go on that were held because the programme had too little to spend; called after the money was booked. */
export async function retryHeld(
  trx: Trx,
  programme: Pick<Programme, 'source_id' | 'id'>,
  actor: string,
): Promise<void> {
  const held = await trx
    .selectFrom('batch')
    .select('id')
    .where('source_id', '=', programme.source_id)
    .where('programme_id', '=', programme.id)
    .where('state', '=', 'held')
    .where('reason', '=', 'insufficient-budget')
    .orderBy('id')
    .forUpdate()
    .execute();
  for (const { id } of held) await moveBatch(trx, id, 'approved', { actor, reason: 'budget-released' });
}
