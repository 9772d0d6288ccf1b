import { sumAmounts } from '../mediated/amounts.ts';
import type { Money } from '../rendering/formats.ts';
import type { TreasuryClients } from './clients.ts';
import { failedStates, paidStates } from './words.ts';

/** Payments of a period, programme, rail and state. */
export interface FigureRow {
  /** First day. */
  readonly period: string;
  readonly programmeId: string;
  readonly rail: string | undefined;
  readonly state: string;
  readonly currency: string;
  readonly count: number;
  readonly amount: string;
}

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

/** Payments since a day, of the runs that somebody may see. */
export async function figuresSince(
  { oversight }: TreasuryClients,
  interval: Interval,
  from: string,
): Promise<FigureRow[]> {
  const by = `${interval},programme,rail,state`;
  const { items } = (await oversight.reportPayments({ query: { by, from } })).body;
  return items.map((one) => ({
    period: interval === 'month' ? `${one.by.month}-01` : (one.by.day as string),
    programmeId: (one.by.programme ?? '').split('/').at(-1) as string,
    rail: one.by.rail === '' ? undefined : one.by.rail,
    state: one.by.state as string,
    currency: one.currency,
    count: one.payments,
    amount: one.amount,
  }));
}
