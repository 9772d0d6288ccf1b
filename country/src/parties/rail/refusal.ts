import type { FaultSwitch } from '../faults/fault-switch.ts';
import type { Book } from './book.ts';
import type { RailFaults } from './faults.ts';
import type { Order } from './records.ts';

/** Limits and names of one institution. */
export interface Institution {
  /** Code that orders may name; another one is refused. */
  readonly code: string;
  /** Form of the numbers it has issued. */
  readonly issued: (number: string) => boolean;
  /** Most it credits at once, in minor units. */
  readonly limit?: bigint;
}

/** ISO 20022 external status reason codes used here. */
export const reasons = {
  AC01: 'Incorrect account number',
  AC02: 'Invalid debtor account number',
  AC04: 'Closed account number',
  AC06: 'Blocked account',
  AM01: 'Zero amount',
  AM02: 'Not allowed amount',
  AM03: 'Not allowed currency',
  AM04: 'Insufficient funds',
  BE01: 'Inconsistent with end customer',
  RC01: 'Bank identifier incorrect',
} as const;

export type Payment = Pick<Order, 'reference' | 'creditor' | 'institution' | 'amount'> & {
  /** Name that the payer expects behind the account. */
  readonly holder?: string;
};

const sameName = (one: string, other: string): boolean =>
  one.normalize('NFKC').trim().toLowerCase() === other.normalize('NFKC').trim().toLowerCase();

/** Why a payee cannot be credited, whoever pays: an ISO 20022 reason code, or undefined. */
export function payeeRefusal(
  payment: Payment,
  book: Book,
  institution: Institution,
  faults: FaultSwitch<RailFaults>,
): string | undefined {
  const rule = faults.current().accounts?.find(({ number }) => payment.creditor.startsWith(number));
  if (rule) return rule.reasonCode;
  if (payment.institution !== undefined && payment.institution !== institution.code) return 'RC01';
  const { standing, holder } = book.payee(payment.creditor);
  if (!institution.issued(payment.creditor) || standing === 'unknown') return 'AC01';
  if (standing === 'closed') return 'AC04';
  if (payment.holder !== undefined && holder !== undefined && !sameName(payment.holder, holder))
    return 'BE01';
  const amount = BigInt(payment.amount);
  if (amount === 0n) return 'AM01';
  if (institution.limit !== undefined && amount > institution.limit) return 'AM02';
  return undefined;
}

/** Why an order cannot be carried out now, or undefined. */
export function orderRefusal(
  order: Order,
  book: Book,
  institution: Institution,
  faults: FaultSwitch<RailFaults>,
): string | undefined {
  const funds = book.funds(order.debtor);
  if (!funds) return 'AC02';
  if (funds.currency !== order.currency) return 'AM03';
  const refusal = payeeRefusal(order, book, institution, faults);
  if (refusal) return refusal;
  const rejected = faults.current().transfers?.rejected;
  if (rejected && faults.strikes(rejected, 'rejected', order.reference)) {
    const codes = rejected.reasonCodes ?? ['AC06'];
    return codes[order.reference.charCodeAt(order.reference.length - 1) % codes.length];
  }
  return funds.balance < BigInt(order.amount) ? 'AM04' : undefined;
}
