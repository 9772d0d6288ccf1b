import { sql } from 'kysely';
import { type AccountKey, openAccounts } from '../ledger/accounts.ts';
import { derivedId } from '../ledger/derived-id.ts';
import { createTransfers, InsufficientFunds } from '../ledger/transfers.ts';
import { programmeAccounts, readProgramme } from '../sources/programme.ts';
import type { Trx } from '../tables.ts';
import type { Batch } from './read.ts';

export const reservedAccount = (batch: Pick<Batch, 'id' | 'currency'>): AccountKey => ({
  kind: 'reserved',
  owner: batch.id,
  currency: batch.currency,
});

/**
 * Blocks the money of an approved run and of its fees: available → reserved, one transfer for the whole run. Answers false, with
 * nothing booked, when the programme's released budget is too small (PAY-9.1.3-a). Repeating it books nothing more.
 */
export async function reserveFunds(trx: Trx, batch: Batch): Promise<boolean> {
  const programme = await readProgramme(trx, batch.source_id, batch.programme_id as string);
  const accounts = programmeAccounts(programme);
  const [available = '', reserved = ''] = await openAccounts(trx, [
    accounts.available,
    reservedAccount(batch),
  ]);
  // Kept to the end: who brings money waits until the run is held, and then finds it.
  await sql`select from ledger_account where id = ${available} for no key update`.execute(trx);
  await sql`savepoint reserve_funds`.execute(trx);
  try {
    await createTransfers(trx, [
      {
        id: derivedId('run-approved', batch.id),
        type: 'post',
        debit: available,
        credit: reserved,
        amount: BigInt(batch.valid_amount ?? '0') + BigInt(batch.fee_amount),
        cause: 'run-approved',
        causeId: batch.id,
        batchId: batch.id,
      },
    ]);
  } catch (error) {
    if (!(error instanceof InsufficientFunds)) throw error;
    await sql`rollback to savepoint reserve_funds`.execute(trx);
    return false;
  }
  await sql`release savepoint reserve_funds`.execute(trx);
  return true;
}
