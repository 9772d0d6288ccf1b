import type { Batch, Instruction } from '../../batches/read.ts';
import { isoStatus } from '../../batches/states.ts';
import { formatAmount } from '../../money/amount.ts';
import type { Payments } from '../../payments-context.ts';

const final: readonly string[] = ['completed', 'failed', 'rejected', 'returned', 'cancelled'];

/** One transaction as the published batch detail words it. Its payer is the programme; no account is told. */
export const transactionView = (
  payments: Payments,
  batch: Pick<Batch, 'id' | 'programme_id'>,
  row: Instruction,
) => ({
  transactionId: row.id,
  requestId: row.client_id,
  startedAt: row.created_at,
  ...(final.includes(row.state) ? { completedAt: row.updated_at } : {}),
  status: row.state,
  statusDetail: isoStatus[row.state],
  ...(row.rail_id === null ? {} : { payeeDfspId: row.rail_id }),
  payeePartyId: payments.vault.open(row.payee_cipher, `instruction/${row.id}`),
  payeePartyIdType: 'functionalId',
  ...(batch.programme_id === null
    ? {}
    : { payerPartyId: batch.programme_id, payerPartyIdType: 'programmeId' }),
  amount: Number(formatAmount(row.amount, payments.currencies(row.currency) ?? 2)),
  currency: row.currency,
  direction: 'OUTGOING',
  ...(row.reason_code === null ? {} : { errorInformation: row.reason_code }),
  batchId: batch.id,
});
