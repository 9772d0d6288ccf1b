import { newContext, transaction, withContext } from '@govstack/platform';
import { sql } from 'kysely';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import { adapterOf, findRail, railContext } from '../rails/registry.ts';
import { readProgramme } from '../sources/programme.ts';
import { type ClaimedBatch, claimBatch, postpone, stillOurs } from './claim.ts';
import { engineActor, moveBatch } from './move.ts';
import type { Batch } from './read.ts';
import { reserveFunds } from './reserve.ts';

/** Asks the payer bank, when the programme has one, whether the funding account covers the run and its fees. */
async function askPayerBank(
  payments: Payments,
  batch: Batch,
): Promise<{ authorised: boolean; reason?: string }> {
  const programme = await readProgramme(payments.db, batch.source_id, batch.programme_id as string);
  if (programme.payer_rail === null) return { authorised: true };
  const rail = await findRail(payments.db, programme.payer_rail);
  const authorise = rail ? adapterOf(rail).authorise : undefined;
  if (!rail || !authorise) return { authorised: false, reason: 'payer-bank-not-reachable' };
  return authorise(railContext(payments, rail), {
    batchId: batch.id,
    payerAccount: programme.funding_account,
    currency: batch.currency,
    amount: formatAmount(
      BigInt(batch.valid_amount ?? '0') + BigInt(batch.fee_amount),
      payments.currencies(batch.currency) ?? 2,
    ),
  });
}

async function reserve(payments: Payments, claimed: ClaimedBatch): Promise<boolean> {
  return transaction(payments.db, async (trx) => {
    if (!(await stillOurs(trx, claimed))) return false;
    if (await reserveFunds(trx, claimed.batch)) return true;
    await moveBatch(trx, claimed.batch.id, 'held', { actor: engineActor, reason: 'insufficient-budget' });
    return false;
  });
}

/**
 * Takes the next approved run to the payer bank (PAY-9.1.3-a). Yes authorises it; no holds it, its money staying
 * reserved; no answer leaves it where it is, to be asked again with growing delay.
 */
export async function authoriseNext(payments: Payments): Promise<boolean> {
  const claimed = await claimBatch(payments, 'approved');
  if (!claimed) return false;
  const { batch } = claimed;
  await withContext(newContext({ correlationId: batch.correlation_id }), async () => {
    try {
      if (!(await reserve(payments, claimed))) return;
      const answer = await askPayerBank(payments, batch);
      await transaction(payments.db, async (trx) => {
        if (!(await stillOurs(trx, claimed))) return;
        if (!answer.authorised) {
          await moveBatch(trx, batch.id, 'held', {
            actor: engineActor,
            reason: answer.reason === 'payer-bank-not-reachable' ? answer.reason : 'refused-by-payer-bank',
          });
          return;
        }
        await moveBatch(trx, batch.id, 'authorised', {
          actor: engineActor,
          set: sql`funds_authorised_at = now()`,
          nextAt: sql`greatest(now(), not_before)`,
        });
      });
      payments.wake();
    } catch (error) {
      payments.ctx.log.warn({ err: error, batch: batch.id }, 'the payer bank gave no answer');
      await postpone(payments, claimed);
    }
  });
  return true;
}
