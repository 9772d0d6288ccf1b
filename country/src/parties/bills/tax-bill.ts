import { chanceOf } from '../faults/fault-switch.ts';

export interface TaxBill {
  readonly billId: string;
  readonly status: 'OPEN' | 'EXPIRED';
  /** Cents. */
  readonly amountOnDueDate: number;
  readonly amountAfterDueDate: number;
  readonly dueDate: string;
}

/**
 * The property tax bill with this id: every number is a bill, so that bills for any population need no loading. What
 * stands in front of the last eight digits is put there by whoever routes bills. Serials that begin with 8 have
 * expired, those that begin with 9 were never issued.
 */
export function taxBill(billId: string): TaxBill | undefined {
  const serial = /([0-9]{8})$/.exec(billId)?.[1];
  if (serial === undefined || serial.startsWith('9')) return undefined;
  const amountOnDueDate = 2_000 + Math.floor(chanceOf(`tax-bill:${serial}`) * 40_000);
  return {
    billId,
    status: serial.startsWith('8') ? 'EXPIRED' : 'OPEN',
    amountOnDueDate,
    // A tenth more for those who are late.
    amountAfterDueDate: amountOnDueDate + Math.ceil(amountOnDueDate / 10),
    dueDate: `${serial.startsWith('7') ? '2020' : '2099'}-03-31`,
  };
}
