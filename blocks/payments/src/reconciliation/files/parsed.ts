import { badRequest } from '@govstack/platform';
import { BadAmount, largestTotal, parseAmount } from '../../money/amount.ts';
import type { CurrencyTable } from '../../money/currency.ts';

export type Direction = 'credit' | 'debit';

/** What the bank says a movement is; undefined: a payment or a deposit. */
export type EntryCode = 'charge' | 'return';

export interface ParsedEntry {
  readonly entryReference: string | undefined;
  /** Day, `YYYY-MM-DD`. */
  readonly bookedOn: string;
  readonly valueOn: string | undefined;
  readonly direction: Direction;
  /** Minor units. */
  readonly amount: bigint;
  /** The payer's own id: our id of the instruction. */
  readonly endToEndId: string | undefined;
  readonly railReference: string | undefined;
  readonly code: EntryCode | undefined;
  /** Text for people; may hold personal data. */
  readonly description: string | undefined;
}

export interface ParsedStatement {
  /** A notification (camt.054) tells of movements before a statement books them, and has no balances. */
  readonly kind: 'statement' | 'notification';
  readonly statementId: string;
  readonly account: string;
  readonly currency: string;
  /** Signed minor units: less than zero when the account is overdrawn. */
  readonly opening: bigint;
  readonly closing: bigint;
  readonly from: Date;
  readonly to: Date;
  readonly entries: readonly ParsedEntry[];
}

export type StatementFormat = 'camt.053' | 'camt.054' | 'csv' | 'mt940';

/** A file that cannot be taken, with the place in it. Nothing was loaded. */
export const badFile = (detail: string, place?: string): Error =>
  badRequest('The statement cannot be read', [
    { in: 'body', pointer: place === undefined ? '' : `/${place}`, detail },
  ]);

export const exponentOf = (currencies: CurrencyTable, currency: string, place: string): number => {
  const exponent = currencies(currency);
  if (exponent === undefined) throw badFile(`${currency} is not a known currency`, place);
  return exponent;
};

/** An amount in minor units, with or without zeros before it; it may be nothing. */
export function readAmount(text: string, exponent: number, place: string): bigint {
  const plain = text.replace(/^0+(?=[0-9])/, '');
  if (/^0(\.0+)?$/.test(plain)) return 0n;
  try {
    return parseAmount(plain, exponent, largestTotal);
  } catch (error) {
    if (error instanceof BadAmount) throw badFile(`the amount ${error.message}`, place);
    throw error;
  }
}

/** A balance in minor units; its sign comes from the direction. */
export function readBalance(text: string, exponent: number, direction: Direction, place: string): bigint {
  const amount = readAmount(text, exponent, place);
  return direction === 'credit' ? amount : -amount;
}

/** `YYYY-MM-DD` of a date or an instant, or a refusal. */
export function readDay(text: string | undefined, place: string): string {
  const day = text?.slice(0, 10) ?? '';
  const date = /^\d{4}-\d\d-\d\d$/.test(day) ? new Date(day) : undefined;
  if (date === undefined || Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== day)
    throw badFile('the date is not valid', place);
  return day;
}

/** An instant; a bare day is its beginning, or its end. */
export function readInstant(text: string | undefined, edge: 'start' | 'end', place: string): Date {
  if (text !== undefined && !/^\d{4}-\d\d-\d\d$/.test(text)) {
    const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`;
    const instant = new Date(zoned);
    if (Number.isNaN(instant.getTime())) throw badFile('the time is not valid', place);
    return instant;
  }
  return new Date(`${readDay(text, place)}T${edge === 'start' ? '00:00:00.000' : '23:59:59.999'}Z`);
}

const longest = 140;

/** A reference as it is kept: trimmed, bounded, and nothing where the bank says it was given none. */
export function readReference(text: string | undefined): string | undefined {
  const trimmed = text?.trim().slice(0, longest);
  return trimmed === undefined || trimmed === '' || trimmed === 'NOTPROVIDED' || trimmed === 'NONREF'
    ? undefined
    : trimmed;
}

const signed = ({ direction, amount }: ParsedEntry): bigint => (direction === 'credit' ? amount : -amount);

/** Opening and entries must give the closing balance; a file in which they do not was altered or cut. */
export function assertAddsUp(statement: ParsedStatement): void {
  if (statement.from > statement.to) throw badFile('the statement ends before it begins');
  if (statement.kind === 'notification') return;
  const sum = statement.entries.reduce((total, entry) => total + signed(entry), statement.opening);
  if (sum !== statement.closing)
    throw badFile('the opening balance and the entries do not give the closing balance');
}
