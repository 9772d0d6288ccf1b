import type { TreasuryClients } from './clients.ts';
import { amountIn, itemsOf } from './setting-form.ts';

type Rail = Awaited<ReturnType<TreasuryClients['admin']['listRails']>>['body']['items'][number];
type Calendar = NonNullable<Rail['calendar']>;
type Window = Calendar['windows'][number];

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Everything, or undefined when one is missing. */
const whole = <T>(list: readonly (T | undefined)[]): T[] | undefined =>
  list.every((one) => one !== undefined) ? (list as T[]) : undefined;

/** Largest transfers, one currency a line, as `XLD 1000.50`. */
export const amountsText = (amounts: Rail['maximumAmounts'] = {}): string =>
  Object.entries(amounts)
    .map(([currency, amount]) => `${currency} ${amount}`)
    .join('\n');

/** Amounts by currency; undefined when a line is none. */
export function amountsIn(text: string): Record<string, string> | undefined {
  const pairs = linesOf(text).map((line) => {
    const [, currency, rest = ''] = /^([A-Za-z]{3})\s+(.+)$/.exec(line) ?? [];
    const amount = amountIn(rest);
    return currency === undefined || amount === undefined
      ? undefined
      : ([currency.toUpperCase(), amount] as const);
  });
  const found = whole(pairs);
  return found && Object.fromEntries(found);
}

/** Opening hours one a line, as `1,2,3 08:00-16:00`; days from 1, Monday, to 7. */
export const windowsText = (calendar: Calendar | undefined): string =>
  (calendar?.windows ?? []).map(({ days, from, to }) => `${days.join(',')} ${from}-${to}`).join('\n');

const upTo = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);

function windowIn(line: string): Window | undefined {
  const [, days = '', from = '', to = ''] =
    /^([1-7](?:[-,][1-7])*)\s+(\d{2}:\d{2})\s*-\s*(\d{2}:\d{2})$/.exec(line) ?? [];
  const found = days.split(',').flatMap((part) => {
    const [first = '', last = first] = part.split('-');
    return upTo(Number(first), Number(last));
  });
  return days === '' || found.length === 0 ? undefined : { days: found, from, to };
}

/** Opening hours; undefined when a line says none. */
export const windowsIn = (text: string): Window[] | undefined => whole(linesOf(text).map(windowIn));

/** Days without payments; undefined when one is no date. */
export const holidaysIn = (text: string): string[] | undefined =>
  whole(itemsOf(text).map((one) => (/^\d{4}-\d{2}-\d{2}$/.test(one) ? one : undefined)));
