import { randomInt } from 'node:crypto';
import { sql } from 'kysely';
import type { Trx } from '../tables.ts';

/** Check digit after Luhn (ISO/IEC 7812-1): finds every wrong digit and nearly every two exchanged ones. */
export function checkDigit(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return String((10 - (sum % 10)) % 10);
}

/** The next serial numbers: in order, with a check digit, and without any relation to the voucher number (PAY-6.2.1-a). */
export async function nextSerials(trx: Trx, count: number): Promise<string[]> {
  const { rows } = await sql<{ serial: string }>`
    select nextval('voucher_serial')::text as serial from generate_series(1, ${count}::integer)`.execute(trx);
  return rows.map(({ serial }) => serial + checkDigit(serial));
}

/**
 * A secret voucher number: sixteen random digits of which the first is 1 to 8, so that it is less than 2^53 and no reader
 * of JSON changes it (PAY-5.3.2-b). What a generator of the operating system gives cannot be predicted.
 */
export const newNumber = (): string =>
  `${randomInt(1, 9)}${randomInt(0, 10 ** 7)
    .toString()
    .padStart(7, '0')}${randomInt(0, 10 ** 8)
    .toString()
    .padStart(8, '0')}`;

/** Whether a text can be a number or serial at all; a JSON number is taken as its digits. */
export const isDigits = (text: string): boolean => /^[0-9]{1,25}$/.test(text);
