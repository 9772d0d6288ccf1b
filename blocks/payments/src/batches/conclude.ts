import { announce } from '@govstack/platform';
import { sql } from 'kysely';
import { batchCompleted } from '../api/event-operations.ts';
import { enqueueCallback } from '../callbacks/queue.ts';
import { accountId, balances } from '../ledger/accounts.ts';
import { derivedId } from '../ledger/derived-id.ts';
import { createTransfers } from '../ledger/transfers.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import { retryHeld } from '../sources/budget.ts';
import { programmeAccounts, readProgramme } from '../sources/programme.ts';
import type { Trx } from '../tables.ts';
import { issueCertificate } from './certificate.ts';
import { engineActor, moveBatch } from './move.ts';
import { statusNotice } from './notices.ts';
import { type Batch, failedStates, readBatch, type StateTotal, stateTotals, sumOf } from './read.ts';
import { reservedAccount } from './reserve.ts';

type Paid = 'completed' | 'partially-completed' | 'failed';
type Over = Paid | 'rejected' | 'cancelled';

const outcomeOf = (totals: readonly StateTotal[], count: number): Paid => {
  const completed = sumOf(totals, ['completed']).count;
  if (completed === count) return 'completed';
  return completed === 0 ? 'failed' : 'partially-completed';
};

/** Gives what was not paid out of a run's reservation back to its programme; runs that were held for it go on. */
async function releaseRest(trx: Trx, batch: Batch, actor: string): Promise<void> {
  const reserved = accountId(reservedAccount(batch));
  const rest = (await balances(trx, [reserved])).get(reserved)?.free ?? 0n;
  if (rest === 0n) return;
  const programme = await readProgramme(trx, batch.source_id, batch.programme_id as string);
  await createTransfers(trx, [
    {
      id: derivedId('run-closed', batch.id),
      type: 'post',
      debit: reserved,
      credit: accountId(programmeAccounts(programme).available),
      amount: rest,
      cause: 'run-closed',
      causeId: batch.id,
      batchId: batch.id,
    },
  ]);
  await retryHeld(trx, programme, actor);
}

async function tell(
  payments: Payments,
  trx: Trx,
  batch: Batch,
  totals: readonly StateTotal[],
): Promise<void> {
  const text = (minor: bigint) => formatAmount(minor, payments.currencies(batch.currency) ?? 2);
  const completed = sumOf(totals, ['completed']);
  const failed = sumOf(totals, failedStates);
  await announce(trx, batchCompleted, {
    subject: batch.id,
    data: {
      batchId: batch.id,
      clientBatchId: batch.client_batch_id,
      sourceId: batch.source_id,
      programmeId: batch.programme_id ?? '',
      state: batch.state as Over,
      currency: batch.currency,
      completedCount: completed.count,
      failedCount: failed.count,
      completedAmount: text(completed.amount),
      failedAmount: text(failed.amount),
    },
  });
}

/**
 * Ends a batch: money that was not paid goes back to the programme, the certificate is issued, the source is told and
 * the fact announced, all in the given transaction. Without `as` the outcome follows from the instructions.
 * The caller holds the batch's lock.
 */
export async function concludeBatch(
  payments: Payments,
  trx: Trx,
  batchId: string,
  as?: { readonly state: 'rejected' | 'cancelled'; readonly actor: string; readonly reason: string },
): Promise<void> {
  const before = await readBatch(trx, batchId);
  if (as)
    await sql`
      update instruction
      set state = 'cancelled', reason_code = ${`batch-${as.state}`}, updated_at = now()
      where batch_id = ${batchId} and state in ('received', 'validated')`.execute(trx);
  const totals = await stateTotals(trx, batchId);
  const state = as?.state ?? outcomeOf(totals, before.instruction_count);
  const actor = as?.actor ?? engineActor;
  await releaseRest(trx, before, actor);
  await moveBatch(trx, batchId, state, {
    actor,
    ...(as ? { reason: as.reason } : {}),
    set: sql`completed_at = now()`,
  });
  const batch = await readBatch(trx, batchId);
  await issueCertificate(payments, trx, batch, totals);
  await tell(payments, trx, batch, totals);
  if (batch.callback_target)
    await enqueueCallback(payments, trx, {
      sourceId: batch.source_id,
      kind: 'batch-status',
      target: withBatch(batch),
      body: await statusNotice(payments, trx, batch),
      correlationId: batch.correlation_id,
    });
}

/** The callback target with the query parameters of the official status message. */
export function withBatch(batch: Batch): NonNullable<Batch['callback_target']> {
  const target = batch.callback_target as NonNullable<Batch['callback_target']>;
  const query = new URLSearchParams({
    batchId: batch.id,
    'X-CorrelationID': batch.client_batch_id,
  }).toString();
  const add = (text: string): string => `${text}${text.includes('?') ? '&' : '?'}${query}`;
  return target.kind === 'service'
    ? { ...target, path: add(target.path) }
    : { ...target, url: add(target.url) };
}
