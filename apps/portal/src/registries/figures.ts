import { Problem } from '@govstack/platform';
import { columnChart } from '../diagrams/column-chart.ts';
import type { SignedInVisit } from '../site/visit.ts';
import { dimensionOf, groupsIn, mostTelling, rangesIn } from './breakdown.ts';
import { placeAt } from './place.ts';
import { type PageError, refusedWith } from './refusals.ts';
import { designerRoles, registryRoles } from './roles.ts';
import { labelOf } from './schema.ts';
import { frame, isDesigner, type OpenRegistry, openRegistry, type RegistryParts } from './shell.ts';

const access = { roles: registryRoles };
const designing = { roles: designerRoles };
const happenings = ['created', 'changed', 'deleted'] as const;
const monthsShown = 12;
const daysOfUses = 30;
const mostGroups = 25;

/** The last months, oldest first, `YYYY-MM`. */
function lastMonths(today: string): string[] {
  const [year, month] = today.split('-').map(Number) as [number, number];
  return Array.from({ length: monthsShown }, (_, index) =>
    new Date(Date.UTC(year, month - monthsShown + index, 1)).toISOString().slice(0, 7),
  );
}

/** What a registry's records and their uses come to, in numbers (REG-4.1-g, REG-6.1-26-a). */
export function figurePages(parts: RegistryParts): void {
  const { site, clients } = parts;

  /** What happened by month. */
  const happened = (measure: (typeof happenings)[number], months: readonly string[]) => ({
    measure,
    by: [{ time: 'month' as const }],
    from: `${months[0]}-01T00:00:00.000Z`,
  });

  /** What is broken down, as the address says. */
  function asked(visit: SignedInVisit, { fields }: OpenRegistry) {
    const entered = visit.query.ranges ?? '';
    const ranges = entered === '' ? undefined : rangesIn(entered.slice(0, 500));
    const countable = fields.filter((field) => dimensionOf(field) !== undefined);
    const field = countable.find(({ id }) => String(id) === visit.query.by) ?? mostTelling(countable);
    const dimension = field && dimensionOf(field, ranges);
    return { countable, field, dimension, entered, wrongRanges: entered !== '' && !ranges };
  }

  async function overTime({ place }: OpenRegistry) {
    const months = lastMonths(parts.today());
    const counts = await Promise.all(
      happenings.map(async (measure) => {
        const { body } = await clients
          .insight(place.owner)
          .queryStatistics({ params: { code: place.code }, body: happened(measure, months) });
        return new Map(body.groups.map(({ group, count }) => [String(group.month).slice(0, 7), count ?? 0]));
      }),
    );
    return months.map((month) => ({ month, counts: counts.map((of) => of.get(month) ?? 0) }));
  }

  async function breakdown(
    visit: SignedInVisit,
    registry: OpenRegistry,
    { dimension }: ReturnType<typeof asked>,
  ) {
    if (!dimension) return undefined;
    const { owner, code } = registry.place;
    try {
      const { body } = await clients
        .insight(owner)
        .queryStatistics({ params: { code }, body: { measure: 'records', by: [dimension] } });
      const groups = groupsIn(visit.voice, dimension, body.groups);
      return {
        ...body,
        groups: groups.slice(0, mostGroups),
        more: groups.length > mostGroups || body.truncated,
        highest: Math.max(1, ...groups.map(({ count }) => count ?? 0)),
      };
    } catch (error) {
      if (!refusedWith(error, 400)) throw error;
      return undefined;
    }
  }

  /** Quality and uses are for those who administer the registry. */
  async function administered(visit: SignedInVisit, { place, fields }: OpenRegistry) {
    if (!isDesigner(visit)) return {};
    const insight = clients.insight(place.owner);
    const from = new Date(parts.now().getTime() - daysOfUses * 86_400_000).toISOString().slice(0, 10);
    const [quality, uses] = await Promise.all([
      insight.readQuality({ params: { code: place.code }, query: { days: 1 } }),
      insight.queryUses({ body: { registry: place.code, from, by: ['operation'] } }),
    ]);
    const newest = quality.body[0];
    const labels = new Map(fields.map((field) => [field.id, labelOf(field)]));
    return {
      uses: uses.body.toSorted((one, other) => other.calls - one.calls).slice(0, mostGroups),
      quality: newest && {
        ...newest,
        fields: newest.fields.map((one) => ({
          ...one,
          label: labels.get(one.fieldId) ?? labelOf({ name: one.field, property: {} }),
          complete: newest.records === 0 ? 1 : Math.min(1, one.filled / newest.records),
        })),
      },
    };
  }

  site.page('/registries/:registry/figures', access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const ask = asked(visit, registry);
    const [months, groups, rest] = await Promise.all([
      overTime(registry),
      breakdown(visit, registry, ask),
      administered(visit, registry),
    ]);
    const errors: PageError[] = ask.wrongRanges
      ? [{ text: visit.voice.t('registries.figures.rangesWrong'), href: '#ranges' }]
      : [];
    const csv = `${registry.place.base}/figures/csv?of=`;
    const rows = months.map(({ month, counts }) => ({ label: month, value: counts[0] ?? 0 }));
    return visit.show(
      'registries/figures.njk',
      {
        ...frame(visit, registry, 'figures'),
        ...rest,
        designer: isDesigner(visit),
        records: registry.records,
        countIsExact: registry.countIsExact,
        happenings,
        months,
        chart: columnChart({ code: 'created', kind: 'months', rows }, visit.voice),
        countable: ask.countable.map((field) => ({ id: field.id, label: labelOf(field) })),
        field: ask.field && { id: ask.field.id, label: labelOf(ask.field) },
        isNumber: ask.dimension?.ranges !== undefined,
        ranges: ask.entered === '' ? ask.dimension?.ranges?.join(', ') : ask.entered,
        breakdown: groups,
        csv,
        breakdownCsv:
          ask.field &&
          `${csv}breakdown&by=${ask.field.id}${ask.entered === '' ? '' : `&ranges=${encodeURIComponent(ask.entered)}`}`,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  });

  /** The same for tools outside: spreadsheets, statistics. */
  site.page('/registries/:registry/figures/csv', access, async (visit) => {
    const registry = await openRegistry(parts, visit);
    const { dimension } = asked(visit, registry);
    const of = happenings.find((one) => one === visit.query.of);
    if (!of && (visit.query.of !== 'breakdown' || !dimension)) throw new Problem(404, 'no such figures');
    const { owner, code } = registry.place;
    const { body } = await clients.insight(owner).exportStatistics({
      params: { code },
      body: of
        ? happened(of, lastMonths(parts.today()))
        : { measure: 'records', by: dimension ? [dimension] : [] },
    });
    return visit.reply
      .header('content-type', 'text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="${code}-${of ?? 'breakdown'}.csv"`)
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
      .send(body);
  });

  site.action('/registries/:registry/figures/quality', designing, async (visit) => {
    const place = placeAt(parts.owners, visit.viewer, visit.params.registry as string);
    await clients.insight(place.owner).measureQuality({ params: { code: place.code } });
    return visit.goTo(`${place.base}/figures#quality`);
  });
}
