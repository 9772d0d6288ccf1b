import { sql } from 'kysely';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, Trx } from '../tables.ts';
import { type Batch, failedStates, openStates, stateTotals, sumOf } from './read.ts';

/** Result of a pre-payment validation, pushed or polled: the instructions that would fail, and why (PAY-9.1.2). */
export async function validationNotice(db: Db | Trx, batch: Batch) {
  const { rows } = await sql<{ client_id: string; reason_code: string | null }>`
    select client_id, reason_code
    from instruction
    where batch_id = ${batch.id} and state = 'rejected'
    order by position`.execute(db);
  return {
    requestID: batch.request_id ?? batch.client_batch_id,
    batchID: batch.client_batch_id,
    numberFailedCases: rows.length,
    failedAccounts: rows.map((row) => ({
      instructionID: row.client_id,
      failureReason: row.reason_code ?? 'not-valid',
    })),
  };
}

/**
 * The official batch status message, pushed at progress points and at the end, and the same when polled (PAY-8.1.4-b).
 * Its amounts are JSON numbers because the published file says so; they are exact for up to 15 digits.
 */
export async function statusNotice(payments: Pick<Payments, 'currencies'>, db: Db | Trx, batch: Batch) {
  const exponent = payments.currencies(batch.currency) ?? 2;
  const number = (minor: bigint): number => Number(formatAmount(minor, exponent));
  const totals = await stateTotals(db, batch.id);
  const completed = sumOf(totals, ['completed']);
  const failed = sumOf(totals, failedStates);
  const ongoing = sumOf(totals, openStates);
  return {
    requestId: batch.request_id ?? batch.client_batch_id,
    batchId: batch.id,
    TotalTransactions: batch.instruction_count,
    ongoing: ongoing.count,
    failed: failed.count,
    completed: completed.count,
    currency: batch.currency,
    totalAmount: number(BigInt(batch.total_amount)),
    completed_amount: number(completed.amount),
    ongoing_amount: number(ongoing.amount),
    failed_amount: number(failed.amount),
    result_file: null,
    resultGeneratedAt: new Date().toISOString(),
    note: batch.state,
  };
}
