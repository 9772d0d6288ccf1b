import { badRequest } from '@govstack/platform';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Programme } from '../sources/programme.ts';
import type { CheckedBatch } from './instruction-input.ts';

/** Throws a 400 when a batch is in another currency than its programme, or above one of its limits. */
export function assertLimits(payments: Payments, programme: Programme, batch: CheckedBatch): void {
  if (batch.currency !== programme.currency)
    throw badRequest(`The programme pays in ${programme.currency}, not in ${batch.currency}`);
  const text = (minor: bigint | string) =>
    `${formatAmount(minor, payments.currencies(batch.currency) ?? 2)} ${batch.currency}`;
  const { maximum_instruction_amount: each, maximum_run_amount: run } = programme;
  if (each !== null) {
    const above = batch.instructions.filter((one) => one.amount > BigInt(each));
    if (above.length > 0)
      throw badRequest(
        `${above.length} instructions are above the programme's limit of ${text(each)}, for example ${above[0]?.clientId}`,
      );
  }
  if (run !== null && batch.total > BigInt(run))
    throw badRequest(`The run of ${text(batch.total)} is above the programme's limit of ${text(run)}`);
}
