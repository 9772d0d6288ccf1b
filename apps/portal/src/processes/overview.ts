import { splitChart } from '../diagrams/split-chart.ts';
import type { SignedInVisit } from '../site/visit.ts';
import { access, frame, type ProcessParts, revisionPath } from './shell.ts';
import { durationIn } from './words.ts';

export const intervals = ['hour', 'day', 'month'] as const;
type Interval = (typeof intervals)[number];
const shown = { hour: 24, day: 30, month: 12 } as const;
const hourMs = 3_600_000;

/** Beginnings of the last hours, days or months in the country, oldest first, as the engine names them. */
function periodsOf(interval: Interval, now: Date, timeZone: string): { from: string; keys: string[] } {
  const count = shown[interval];
  const keyOf = keyIn(interval, timeZone);
  const step = interval === 'hour' ? hourMs : 24 * hourMs;
  const keys: string[] = [];
  // Backwards in small steps: days and months have different lengths.
  let at = now.getTime();
  for (; keys.length <= count; at -= step / 2) {
    const key = keyOf(new Date(at));
    if (keys[0] !== key) keys.unshift(key);
  }
  return { from: new Date(at - step).toISOString(), keys: keys.slice(-count) };
}

/** Day (and hour, or only month) of an instant in the country. */
function keyIn(interval: Interval, timeZone: string): (at: Date) => string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    ...(interval === 'month' ? {} : { day: '2-digit' }),
    ...(interval === 'hour' ? { hour: '2-digit' } : {}),
  });
  return (at) => format.format(at);
}

/** Processes at a glance: how many instances are where, what is stuck, and how the engine does (WF-6.3-b). */
export function overviewPages({ site, clients: { admin, api }, names, now, timeZone }: ProcessParts): void {
  async function instancesOverTime(visit: SignedInVisit, interval: Interval) {
    const { from, keys } = periodsOf(interval, now(), timeZone);
    const query = { from, to: new Date(now().getTime() + hourMs).toISOString(), interval, timeZone };
    const keyOf = keyIn(interval, timeZone);
    const { body } = await admin.getInstanceFigures({ query });
    const found = new Map(body.intervals.map((one) => [keyOf(new Date(one.begin)), one]));
    const none = { started: 0, completed: 0, failed: 0, stopped: 0 };
    const { formats } = visit.voice;
    const labelOf = {
      hour: (key: string) => `${key.slice(11, 13)}:00`,
      day: formats.shortDay,
      month: formats.month,
    };
    const rows = keys.map((key) => ({ ...none, ...found.get(key), label: labelOf[interval](key) }));
    // On a phone there is room for a few labels only.
    const sparse = rows.map((row, index) =>
      interval === 'day' && index % 10 > 0 ? { ...row, label: '' } : row,
    );
    return {
      rows,
      any: rows.some(({ started, completed, failed, stopped }) => started + completed + failed + stopped > 0),
      begun: splitChart(
        sparse.map(({ label, started }) => ({ label, good: started, bad: 0 })),
        visit.voice,
      ),
      ended: splitChart(
        sparse.map(({ label, completed, failed, stopped }) => ({
          label,
          good: completed,
          bad: failed + stopped,
        })),
        visit.voice,
      ),
    };
  }

  site.page('/processes', access, async (visit) => {
    const interval = intervals.find((one) => one === visit.query.by) ?? 'day';
    const [health, statistics, current, figures] = await Promise.all([
      admin.getHealth({}),
      admin.getStatistics({}),
      api.getProcessList({}),
      instancesOverTime(visit, interval),
    ]);
    const enabled = new Map(current.body.map(({ key, id }) => [key, id]));
    const { oldestDue } = health.body;
    return visit.show('processes/overview.njk', {
      ...frame(visit, 'overview'),
      health: {
        ...health.body,
        oldestDue: oldestDue && durationIn(visit.voice, (now().getTime() - Date.parse(oldestDue)) / 1000),
      },
      processes: statistics.body.processes.map((one) => ({
        ...one,
        application: names.application(one.owner),
        href: revisionPath(enabled.get(one.processKey) ?? one.processKey),
        enabled: enabled.has(one.processKey),
      })),
      interval,
      intervals,
      figures,
    });
  });
}
