import { announce, newId } from '@govstack/platform';
import { sql } from 'kysely';
import { paymentReturned } from '../api/event-operations.ts';
import { withBatch } from '../batches/conclude.ts';
import { statusNotice } from '../batches/notices.ts';
import { readBatch } from '../batches/read.ts';
import { enqueueCallback } from '../callbacks/queue.ts';
import { type Payout, suspenseAccount } from '../dispatch/payout.ts';
import { accountId } from '../ledger/accounts.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';

interface Held {
  id: string;
  client_id: string;
  batch_id: string;
  client_batch_id: string;
  source_id: string;
  programme_id: string;
  amount: string;
  currency: string;
  reason_code: string | null;
}

/** Tells a source once more how its run stands, with the reason in `note`. */
export async function tellSource(payments: Payments, trx: Trx, batchId: string, note: string): Promise<void> {
  const batch = await readBatch(trx, batchId);
  if (!batch.callback_target) return;
  await enqueueCallback(payments, trx, {
    sourceId: batch.source_id,
    kind: 'batch-status',
    target: withBatch(batch),
    body: { ...(await statusNotice(payments, trx, batch)), note },
    correlationId: batch.correlation_id,
  });
}

/**
 * Keeps returned amounts as waiting in suspense, tells the sources and announces the fact, in the transaction that books
 * them (PAY-9.1.3-c, PAY-6.9-i).
 */
export async function holdReturns(
  payments: Payments,
  trx: Trx,
  railId: string,
  back: readonly Payout[],
): Promise<void> {
  if (back.length === 0) return;
  const { rows } = await sql<Held>`
    with held as (
      insert into suspense_entry
        (id, kind, account_id, amount, currency, instruction_id, batch_id, reason_code, source_id, programme_id)
      select
        r.id, 'return', r.account_id, i.amount, i.currency, i.id, b.id, i.reason_code, b.source_id, b.programme_id
      from unnest(
        ${back.map(() => newId())}::uuid[],
        ${back.map((one) => one.instructionId)}::uuid[],
        ${back.map((one) => accountId(suspenseAccount(railId, one.currency)))}::uuid[]
      ) as r (id, instruction_id, account_id)
      join instruction i on i.id = r.instruction_id
      join batch b on b.id = i.batch_id
      returning instruction_id
    )
    select
      i.id, i.client_id, i.batch_id, b.client_batch_id, b.source_id, b.programme_id, i.amount, i.currency,
      i.reason_code
    from held h
    join instruction i on i.id = h.instruction_id
    join batch b on b.id = i.batch_id
    order by i.id`.execute(trx);
  for (const row of rows)
    await announce(trx, paymentReturned, {
      subject: row.id,
      data: {
        instructionId: row.id,
        requestId: row.client_id,
        batchId: row.batch_id,
        clientBatchId: row.client_batch_id,
        sourceId: row.source_id,
        programmeId: row.programme_id,
        currency: row.currency,
        amount: formatAmount(row.amount, payments.currencies(row.currency) ?? 2),
        ...(row.reason_code === null ? {} : { reasonCode: row.reason_code }),
      },
    });
  for (const batchId of [...new Set(rows.map((row) => row.batch_id))].sort())
    await tellSource(payments, trx, batchId, 'returned');
}
