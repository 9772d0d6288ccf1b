import { sumAmounts } from '../mediated/amounts.ts';
import type { Money } from '../rendering/formats.ts';
import type { TreasuryClients } from './clients.ts';
import { failedStates, paidStates } from './words.ts';

export type FigureRow = Awaited<ReturnType<TreasuryClients['admin']['readFigures']>>['body']['items'][number];

export const intervals = ['month', 'day'] as const;
export type Interval = (typeof intervals)[number];

const shown = { month: 12, day: 30 } as const;

/** The last months or days, oldest first, by their first day. */
export function lastPeriods(interval: Interval, today: string): string[] {
  const [year, month, day] = today.split('-').map(Number) as [number, number, number];
  return Array.from({ length: shown[interval] }, (_, index) => {
    const back = shown[interval] - 1 - index;
    const at =
      interval === 'month' ? Date.UTC(year, month - 1 - back, 1) : Date.UTC(year, month - 1, day - back);
    return new Date(at).toISOString().slice(0, 10);
  });
}

/** Amounts in each currency there is. */
export function perCurrency(
  rows: readonly { readonly currency: string; readonly amount: string }[],
): Money[] {
  return [...Map.groupBy(rows, ({ currency }) => currency)]
    .map(([currency, list]) => ({ currency, amount: sumAmounts(list.map(({ amount }) => amount)) }))
    .sort((one, other) => one.currency.localeCompare(other.currency));
}

const count = (rows: readonly FigureRow[]): number => rows.reduce((sum, row) => sum + row.count, 0);

/** What some rows come to: paid, failed, the rest, and the share of failures among what is over. */
export function summed(rows: readonly FigureRow[]) {
  const paid = rows.filter(({ state }) => paidStates.includes(state));
  const bad = rows.filter(({ state }) => failedStates.includes(state));
  const over = count(paid) + count(bad);
  return {
    paid: count(paid),
    failed: count(bad),
    unknown: count(rows.filter(({ state }) => state === 'unknown')),
    share: over === 0 ? undefined : count(bad) / over,
    amounts: perCurrency(paid),
  };
}
