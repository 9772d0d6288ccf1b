import type { Biller } from '../billers/biller.ts';
import { BadAmount, parseAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { BillOutcome, RejectReason } from './tables.ts';
import { folded, textIn } from './wire.ts';

/** What a biller said about a bill. */
export interface BillAnswer {
  readonly outcome: Exclude<BillOutcome, 'biller-down'>;
  readonly dueAt?: Date;
  readonly amountOnDue?: bigint;
  readonly amountAfterDue?: bigint;
}

/** The answer of a biller makes no sense; what is wrong with it, for logs and for the biller. */
export class UnusableAnswer extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'UnusableAnswer';
  }
}

/** Words for the standing of a bill that are understood without being listed for the biller. */
const usual: Readonly<Record<string, BillAnswer['outcome']>> = {
  unpaid: 'unpaid',
  open: 'unpaid',
  due: 'unpaid',
  paid: 'paid',
  expired: 'expired',
  unknown: 'unknown',
};

function outcomeOf(
  biller: Biller,
  status: string | undefined,
  code: string | undefined,
): BillAnswer['outcome'] {
  const { status_codes: listed } = biller;
  for (const own of [status, code]) {
    const meaning = own !== undefined && Object.hasOwn(listed, own) ? listed[own] : undefined;
    if (meaning !== undefined && meaning !== 'biller-down') return meaning;
  }
  if (status !== undefined) {
    const word = usual[status.toLowerCase()];
    if (word === undefined) throw new UnusableAnswer('billStatus is not one of the biller’s known codes');
    return word;
  }
  if (code === '01' || code === '1') return 'unknown';
  if (code === undefined || code === '00' || code === '0') return 'unpaid';
  throw new UnusableAnswer('code is not one of the biller’s known codes');
}

/** A due date is a moment, or a day that counts to its end (UTC), or seconds since 1970. */
function dueOf(value: unknown): Date | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const instant =
    typeof value === 'number'
      ? new Date(value * 1000)
      : new Date(/^\d{4}-\d{2}-\d{2}$/.test(String(value)) ? `${value}T23:59:59.999Z` : String(value));
  const year = Number.isNaN(instant.getTime()) ? 0 : instant.getUTCFullYear();
  if (year < 1970 || year > 2200) throw new UnusableAnswer('dueDate is not a date');
  return instant;
}

/**
 * Reads a biller's answer to an inquiry, in any of the published spellings. Throws `UnusableAnswer`; an open bill
 * without an exact amount in the biller's currency is one.
 */
export function readBillAnswer(
  payments: Pick<Payments, 'currencies'>,
  biller: Biller,
  billId: string,
  message: unknown,
): BillAnswer {
  const members = folded(message);
  const details = folded(members.get('billdetails'));
  const field = (name: string): unknown => details.get(name) ?? members.get(name);
  const named = textIn(members, 'billid') ?? textIn(details, 'billid');
  if (named !== undefined && named !== billId)
    throw new UnusableAnswer('billId is another one than asked for');
  const currency = field('currency');
  if (currency !== undefined && currency !== biller.currency)
    throw new UnusableAnswer('currency is another one than the biller’s');
  const outcome = outcomeOf(
    biller,
    textIn(details, 'billstatus') ?? textIn(members, 'billstatus'),
    textIn(members, 'code') ?? textIn(members, 'responsecode'),
  );
  if (outcome !== 'unpaid') return { outcome };
  const amountOf = (name: string): bigint | undefined => {
    const value = field(name);
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new UnusableAnswer(`${name} is not an amount`);
    try {
      return parseAmount(value, payments.currencies(biller.currency) ?? 2);
    } catch (error) {
      if (error instanceof BadAmount) throw new UnusableAnswer(`${name} ${error.message}`);
      throw error;
    }
  };
  const amountOnDue = amountOf('amountonduedate');
  if (amountOnDue === undefined) throw new UnusableAnswer('amountonDueDate is missing');
  const dueAt = dueOf(field('duedate'));
  return {
    outcome,
    amountOnDue,
    amountAfterDue: amountOf('amountafterduedate') ?? amountOnDue,
    ...(dueAt === undefined ? {} : { dueAt }),
  };
}

/** A biller's word on a payment: taken, or not and why. */
export type PaymentAnswer =
  | { readonly status: 'ACK' }
  | { readonly status: 'RJC'; readonly reason: RejectReason };

const reasons: readonly RejectReason[] = ['Def', 'Dup', 'Und'];

/** Reads ACK or RJC from an answer; undefined: nothing is decided yet. A rejection without a known reason is `Und`. */
export function readPaymentAnswer(message: unknown): PaymentAnswer | undefined {
  const members = folded(message);
  const status = textIn(members, 'status')?.toUpperCase();
  if (status === 'ACK') return { status };
  if (status !== 'RJC') return undefined;
  const given = textIn(members, 'rejectreason')?.toLowerCase();
  return { status, reason: reasons.find((one) => one.toLowerCase() === given) ?? 'Und' };
}
