import { splitChart } from '../diagrams/split-chart.ts';
import type { Voice } from '../rendering/voice.ts';
import type { SignedInVisit } from '../site/visit.ts';
import { figuresSince, type Interval, intervals, lastPeriods, perCurrency, summed } from './figures.ts';
import { programmeNames, programmesSeen } from './programmes.ts';
import { orRefused } from './refusals.ts';
import { runLine } from './runs.ts';
import { access, administers, frame, oversees, type TreasuryParts } from './shell.ts';

const counted = 100;
const shownRuns = 5;

const labelOf = ({ formats }: Voice, interval: Interval, period: string): string =>
  interval === 'month' ? formats.shortMonth(period) : formats.shortDay(period);

/** Payments at a glance: what waits for people, what money there is, what was paid and what was not (PAY-6.6-j). */
export function overviewPages(parts: TreasuryParts): void {
  const { admin } = parts.clients;

  const runsIn = async (state: string) => {
    const { items, next } = (await admin.listBatches({ query: { state, limit: counted } })).body;
    return { items, count: items.length, more: next !== undefined };
  };

  /** What only those who administer payments may see. */
  async function booksOf(visit: SignedInVisit) {
    if (!administers(parts, visit)) return undefined;
    const [cases, suspense, rails, traffic] = await Promise.all([
      orRefused(admin.listCases({ query: { state: 'open', limit: counted } })),
      orRefused(admin.listAccounts({ query: { kind: 'suspense', limit: 500 } })),
      orRefused(admin.listRails({})),
      orRefused(admin.listRailTraffic({})),
    ]);
    return {
      cases: cases && { count: cases.body.items.length, more: cases.body.next !== undefined },
      suspense:
        suspense &&
        perCurrency(suspense.body.items.map(({ currency, balance }) => ({ currency, amount: balance }))),
      unknown: traffic?.body.items.reduce((sum, one) => sum + one.unknown, 0),
      rails: new Map(rails?.body.items.map(({ railId, name }) => [railId, name])),
    };
  }

  parts.site.page('/treasury', access, async (visit) => {
    // Who sees no runs works on another page.
    const [first] = frame(parts, visit, 'overview').tabs;
    if (!oversees(visit) && first) return visit.goTo(first.href);
    const interval = intervals.find((one) => one === visit.query.by) ?? 'month';
    const periods = lastPeriods(interval, parts.today());
    const [nameOf, waiting, paying, held, reviews, rows, programmes, books] = await Promise.all([
      programmeNames(parts),
      runsIn('awaiting-approval'),
      runsIn('processing'),
      runsIn('held'),
      parts.clients.oversight.listReviews({ query: { state: 'open', limit: counted } }),
      figuresSince(parts.clients, interval, periods[0] as string),
      programmesSeen(parts, visit),
      booksOf(visit),
    ]);
    const byPeriod = Map.groupBy(rows, ({ period }) => period);
    const months = periods.map((period) => ({ period, ...summed(byPeriod.get(period) ?? []) }));
    const paused = paying.items.filter((run) => run.paused);
    return visit.show('treasury/overview.njk', {
      ...frame(parts, visit, 'overview'),
      waiting,
      paying,
      held: { count: held.count + paused.length, more: held.more },
      reviews: { count: reviews.body.items.length, more: reviews.body.next !== undefined },
      unknown: books?.unknown ?? summed(rows).unknown,
      toApprove: waiting.items.slice(0, shownRuns).map((run) => runLine(run, nameOf)),
      stuck: [...held.items, ...paused].slice(0, shownRuns).map((run) => runLine(run, nameOf)),
      books,
      programmes: programmes.map((one) => ({
        ...one,
        title: nameOf(one.programmeId, one.name),
        money: { amount: one.available, currency: one.currency },
      })),
      interval,
      intervals,
      periods: months,
      paidAny: months.some(({ paid, failed }) => paid + failed > 0),
      chart: splitChart(
        months.map(({ period, paid, failed }) => ({
          label: labelOf(visit.voice, interval, period),
          good: paid,
          bad: failed,
        })),
        visit.voice,
      ),
      rails: [...Map.groupBy(rows, ({ rail }) => rail)]
        .map(([rail, list]) => ({
          rail,
          name: rail && (books?.rails.get(rail) ?? rail),
          ...summed(list),
        }))
        .filter(({ paid, failed }) => paid + failed > 0),
      byProgramme: [...Map.groupBy(rows, ({ programmeId }) => programmeId)]
        .map(([id, list]) => ({ title: nameOf(id), ...summed(list) }))
        .filter(({ paid, failed }) => paid + failed > 0),
    });
  });
}
