import { stringify } from 'csv-stringify/sync';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Settlement } from './figures.ts';

/** Figures of a day as they go to the settlement system: decimal text in the currency of the payments. */
export function settlementFigures(
  payments: Payments,
  row: Omit<Settlement, 'id' | 'closed_by' | 'closed_at' | 'settled_at'>,
) {
  const text = (minor: bigint | string) => formatAmount(minor, payments.currencies(row.currency) ?? 2);
  return {
    railId: row.rail_id,
    currency: row.currency,
    businessDay: row.business_day,
    paidCount: row.paid_count,
    grossPaid: text(row.paid_amount),
    returnedCount: row.returned_count,
    grossReturned: text(row.returned_amount),
    net: text(BigInt(row.paid_amount) - BigInt(row.returned_amount)),
    fees: text(row.fee_amount),
  };
}

/** The same as CSV: a header and one row. */
export const settlementCsv = (payments: Payments, row: Settlement): string =>
  stringify([{ settlementId: row.id, ...settlementFigures(payments, row) }], { header: true });
