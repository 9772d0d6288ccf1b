import { splitChart } from '../diagrams/split-chart.ts';
import type { ConsoleParts } from './catalogue.ts';
import { consoleRoles } from './roles.ts';

const hourMs = 3_600_000;
const shownHours = 24;
const mostServices = 15;

interface Measured {
  readonly lastSuccessfulRequestTimestamp?: number;
  readonly lastUnsuccessfulRequestTimestamp?: number;
  readonly lastPeriodStatistics: {
    readonly successfulRequestCount: number;
    readonly unsuccessfulRequestCount: number;
  };
}

/** In one word how a service does: by the last minutes, and by what happened last. */
const healthOf = (one: Measured): 'well' | 'failures' | 'failing' | 'quiet' => {
  const { successfulRequestCount: good, unsuccessfulRequestCount: bad } = one.lastPeriodStatistics;
  if ((one.lastUnsuccessfulRequestTimestamp ?? 0) > (one.lastSuccessfulRequestTimestamp ?? 0))
    return 'failing';
  if (bad > 0) return 'failures';
  return good > 0 ? 'well' : 'quiet';
};

/** The traffic of the last day: how much, with whom, what failed and why; how services do now (IM-4.5-a). */
export function overviewPages({ site, clients, names, now }: ConsoleParts): void {
  const { monitoring } = clients;

  site.page('/exchange', { roles: consoleRoles }, async (visit) => {
    const end = Math.floor(now().getTime() / hourMs) * hourMs + hourMs;
    const from = new Date(end - shownHours * hourMs).toISOString();
    const statistics = async (by: ('service' | 'error')[], interval: 'hour' | 'period') =>
      (
        await monitoring.getStatistics({
          query: { from, to: new Date(end).toISOString(), by, interval, pageSize: 1000 },
        })
      ).body.items;
    const [health, perHour, perService, perError] = await Promise.all([
      monitoring.listHealth({ query: { pageSize: 1000 } }),
      statistics(['service'], 'hour'),
      statistics(['service'], 'period'),
      statistics(['error'], 'period'),
    ]);
    const states = new Map(health.body.items.map((one) => [one.service, healthOf(one)]));
    const byHour = Map.groupBy(perHour, (row) => new Date(row.from).getTime());
    const hours = Array.from({ length: shownHours }, (_, index) => {
      const at = end - (shownHours - index) * hourMs;
      const rows = byHour.get(at) ?? [];
      return {
        from: new Date(at).toISOString(),
        good: rows.reduce((total, { succeeded }) => total + succeeded, 0),
        bad: rows.reduce((total, { failed }) => total + failed, 0),
      };
    });
    const sum = (of: 'exchanges' | 'failed' | 'refused'): number =>
      perService.reduce((total, row) => total + row[of], 0);
    return visit.show('exchange/overview.njk', {
      section: 'exchange',
      administers: visit.viewer.roles.includes('administrator'),
      hours,
      chart: splitChart(
        hours.map((hour) => ({ ...hour, label: visit.voice.formats.hour(hour.from) })),
        visit.voice,
      ),
      total: sum('exchanges'),
      failed: sum('failed'),
      refused: sum('refused'),
      services: perService
        .toSorted((a, b) => b.exchanges - a.exchanges)
        .slice(0, mostServices)
        .map((row) => {
          const id = row.service ?? 'unknown';
          return {
            ...row,
            id: id === 'unknown' ? undefined : id,
            health: states.get(id),
            code: id.split('/').at(-1),
            party: id === 'unknown' ? undefined : names.party(id.split('/').slice(0, 4).join('/')),
          };
        }),
      errors: perError
        .filter((row) => row.error !== undefined && row.error !== '')
        .toSorted((a, b) => b.exchanges - a.exchanges),
    });
  });
}
