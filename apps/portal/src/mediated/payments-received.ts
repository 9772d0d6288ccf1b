import type { Backend, ReceivedPayment } from '../backend.ts';
import type { Catalogue } from './catalogue.ts';
import type { Clients } from './clients.ts';
import { programmeOf, serviceName } from './sheet.ts';

const mostFiles = 50;

const statusOf = (state: string): ReceivedPayment['status'] => {
  if (state === 'completed') return 'paid';
  if (['rejected', 'failed', 'returned', 'cancelled'].includes(state)) return 'failed';
  return ['submitted', 'unknown'].includes(state) ? 'sent' : 'scheduled';
};

/** Month of a payment from the id its source gave it (`2026-02-…`), else from when it last changed. */
export const periodOf = (id: string, at: string): string =>
  /\d{4}-(0[1-9]|1[0-2])/.exec(id)?.[0] ?? at.slice(0, 7);

/**
 * Payments to the person, for each approved application. The payee is known to the payments block by the application's
 * reference; it is asked for in the name of the service, which is entitled to see its payees.
 */
export function createPaymentsReceived(clients: Clients, catalogue: Catalogue): Pick<Backend, 'payments'> {
  return {
    async payments(viewer, { page, size }) {
      const query = { maxResult: mostFiles, applicantId: viewer.id, status: 'APPROVED' };
      const files = (await clients.registration.listApplications({ query })).body;
      const services = await catalogue.all();
      const found = await Promise.all(
        files.map(async (file): Promise<ReceivedPayment[]> => {
          const service = services.find((one) => one.id === file.serviceId);
          if (!service) return [];
          const { items } = (
            await clients.paymentsOf(service.owner).listPayeePayments({
              personToken: null,
              body: { sourceId: programmeOf(service).sourceId, payeeIdentity: file.reference, limit: 100 },
            })
          ).body;
          return items.map((item) => {
            const status = statusOf(item.state);
            return {
              id: item.instructionId,
              programme: serviceName(service),
              period: periodOf(item.requestId, item.updatedAt),
              amount: { amount: item.amount, currency: item.currency },
              status,
              ...(status === 'paid' ? { at: item.updatedAt } : {}),
              account: item.account ?? '',
              ...(status === 'failed' && item.reasonCode !== undefined ? { reason: item.reasonCode } : {}),
            };
          });
        }),
      );
      const all = found.flat().sort((left, right) => right.period.localeCompare(left.period));
      const from = (page - 1) * size;
      return { items: all.slice(from, from + size), hasMore: all.length > from + size };
    },
  };
}
