import type { Backend, Chart, Figure, Programme } from '../backend.ts';
import { sumAmounts } from './amounts.ts';
import type { Catalogue } from './catalogue.ts';
import type { Clients } from './clients.ts';
import { memberOfId, type Names } from './names.ts';
import { periodOf } from './payments-received.ts';
import { programmeOf, type RegisteredService, serviceName } from './sheet.ts';

const months = 12;

/** Programmes of the manager's agency in numbers, from registration and payments. No single person can be told from them. */
export function createProgrammes(
  clients: Clients,
  catalogue: Catalogue,
  names: Names,
  now: () => Date,
): Pick<Backend, 'programmes'> {
  const { registration, payments } = clients;

  async function paymentsOf(service: RegisteredService) {
    const { sourceId, programmeId } = programmeOf(service);
    const { items } = (await payments.listBatches({ query: { sourceId, programmeId, limit: months } })).body;
    const batches = await Promise.all(
      items.map(async ({ batchId }) => (await payments.getBatch({ params: { batchId } })).body),
    );
    const paid = new Map<string, string[]>();
    let failed = 0;
    for (const batch of batches) {
      const period = periodOf(batch.clientBatchId, batch.createdAt);
      for (const { state, count, amount } of batch.totals) {
        if (state === 'completed') paid.set(period, [...(paid.get(period) ?? []), amount]);
        if (['failed', 'rejected', 'returned'].includes(state)) failed += count;
      }
    }
    return { currency: batches[0]?.currency, paid, failed };
  }

  async function programme(service: RegisteredService): Promise<Programme> {
    const [statistics, money] = await Promise.all([
      registration.readStatistics({ query: { serviceId: service.code } }).then(({ body }) => body[0]),
      paymentsOf(service),
    ]);
    const { processed = 0, pending = 0, approved = 0, rejected = 0 } = statistics ?? {};
    const { currency, paid } = money;
    const figures: Figure[] = [
      { code: 'applications', value: { count: processed + pending } },
      { code: 'approved', value: { count: approved } },
      { code: 'pending', value: { count: pending } },
      ...(processed > 0 ? [{ code: 'approvalRate', value: { share: approved / processed } }] : []),
      ...(currency === undefined
        ? []
        : [
            {
              code: 'paidInTotal',
              value: { money: { amount: sumAmounts([...paid.values()].flat()), currency } },
            },
            { code: 'paymentsFailed', value: { count: money.failed } },
          ]),
    ];
    const stages: Chart = {
      code: 'stages',
      kind: 'bars',
      rows: [
        { label: stageLabels.applied, value: processed + pending },
        { label: stageLabels.processed, value: processed },
        { label: stageLabels.approved, value: approved, mark: true },
        { label: stageLabels.rejected, value: rejected },
      ],
    };
    const byMonth = [...paid].sort(([left], [right]) => left.localeCompare(right));
    return {
      id: service.code,
      name: serviceName(service),
      agency: names.member(service.owner),
      asOf: now().toISOString(),
      figures,
      charts: [
        stages,
        ...(byMonth.length > 0 && currency !== undefined
          ? [
              {
                code: 'paid',
                kind: 'months' as const,
                currency,
                rows: byMonth.map(([month, amounts]) => ({
                  label: month,
                  value: Number(sumAmounts(amounts)),
                })),
              },
            ]
          : []),
      ],
    };
  }

  return {
    async programmes(viewer) {
      const services = (await catalogue.all()).filter(
        (service) => memberOfId(service.owner) === viewer.agency,
      );
      return Promise.all(services.map(programme));
    },
  };
}

const stageLabels = {
  applied: { en: 'Applied', fr: 'Demandes', ar: 'قُدّمت' },
  processed: { en: 'Decided', fr: 'Décidées', ar: 'بُتّ فيها' },
  approved: { en: 'Approved', fr: 'Acceptées', ar: 'مقبولة' },
  rejected: { en: 'Not approved', fr: 'Refusées', ar: 'غير مقبولة' },
} as const;
