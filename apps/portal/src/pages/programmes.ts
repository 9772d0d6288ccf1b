import { columnChart } from '../diagrams/column-chart.ts';
import { staffRoles } from '../site/navigation.ts';
import { formKey, input } from '../site/visit.ts';
import type { PageParts } from './pages.ts';

/** A programme in numbers, and the start of its monthly payment run. */
export function programmePages({ site, backend, today }: PageParts): void {
  const access = { roles: staffRoles.programmes };

  site.page('/office/programmes', access, async (visit) => {
    const programmes = await backend.programmes(visit.viewer);
    return visit.show('office/programmes.njk', {
      section: 'programmes',
      period: today().slice(0, 7),
      programmes: programmes.map((programme) => ({
        ...programme,
        charts: programme.charts.map((chart) => ({
          ...chart,
          highest: Math.max(1, ...chart.rows.map((row) => row.value)),
          svg: chart.kind === 'months' ? columnChart(chart, visit.voice) : undefined,
        })),
      })),
    });
  });

  site.action('/office/programmes/:programme/runs', access, async (visit) => {
    const period = input(visit, 'period');
    await backend.prepareRun(
      visit.viewer,
      visit.params.programme as string,
      /^\d{4}-(0[1-9]|1[0-2])$/.test(period) ? period : today().slice(0, 7),
      formKey(visit) || period,
    );
    visit.leaveNotice('runPrepared');
    return visit.goTo('/office/payment-runs');
  });
}
