import { notFound } from '@govstack/platform';
import type { Backend, ReceivedPayment, Viewer } from '../backend.ts';
import { orNone } from '../registries/refusals.ts';
import type { Catalogue } from './catalogue.ts';
import type { Clients } from './clients.ts';
import { failureCode } from './failure-codes.ts';
import { programmeOf, type RegisteredService, serviceName } from './sheet.ts';

const mostFiles = 50;

const statusOf = (state: string): ReceivedPayment['status'] => {
  if (state === 'completed') return 'paid';
  if (['rejected', 'failed', 'returned', 'cancelled'].includes(state)) return 'failed';
  return ['submitted', 'unknown'].includes(state) ? 'sent' : 'scheduled';
};

/** Month of a payment from the id its source gave it (`2026-02-…`), else from when it last changed. */
export const periodOf = (id: string, at: string): string =>
  /\d{4}-(0[1-9]|1[0-2])/.exec(id)?.[0] ?? at.slice(0, 7);

interface Found {
  readonly payment: ReceivedPayment;
  readonly service: RegisteredService;
}

/**
 * Payments to the person, for each approved application. The payee is known to the payments block by the application's
 * reference; it is asked for in the name of the service, which is entitled to see its payees.
 */
export function createPaymentsReceived(
  clients: Clients,
  catalogue: Catalogue,
): Pick<Backend, 'payments' | 'payment' | 'complain'> {
  async function received(viewer: Viewer): Promise<Found[]> {
    const query = { maxResult: mostFiles, applicantId: viewer.id, status: 'APPROVED' };
    const files = (await clients.registration.listApplications({ query })).body;
    const services = await catalogue.all();
    const found = await Promise.all(
      files.map(async (file): Promise<Found[]> => {
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
            service,
            payment: {
              id: item.instructionId,
              programme: serviceName(service),
              period: periodOf(item.requestId, item.updatedAt),
              amount: { amount: item.amount, currency: item.currency },
              status,
              ...(status === 'paid' ? { at: item.updatedAt } : {}),
              account: item.account ?? '',
              ...(status === 'failed' && item.reasonCode !== undefined
                ? { reason: failureCode(item.reasonCode) }
                : {}),
            },
          };
        });
      }),
    );
    return found.flat().sort((left, right) => right.payment.period.localeCompare(left.payment.period));
  }

  /** A payment of this person; anybody else's does not exist for them. */
  async function own(viewer: Viewer, paymentId: string): Promise<Found> {
    const found = (await received(viewer)).find(({ payment }) => payment.id === paymentId);
    if (!found) throw notFound('Payment');
    return found;
  }

  return {
    async payments(viewer, { page, size }) {
      const all = (await received(viewer)).map(({ payment }) => payment);
      const from = (page - 1) * size;
      return { items: all.slice(from, from + size), hasMore: all.length > from + size };
    },

    async payment(viewer, paymentId) {
      const { payment, service } = await own(viewer, paymentId);
      const receipts = clients.receiptsOf(service.owner);
      const [receipt, disputes] = await Promise.all([
        orNone(receipts.getReceipt({ personToken: null, params: { instructionId: paymentId } })),
        receipts.listDisputes({ personToken: null, query: { instructionId: paymentId, limit: 50 } }),
      ]);
      return {
        payment,
        ...(receipt
          ? {
              receipt: {
                number: receipt.body.receiptNumber,
                programme: payment.programme,
                payer: receipt.body.payer.agency,
                paidAt: receipt.body.paidAt,
                amount: { amount: receipt.body.amount, currency: receipt.body.currency },
                ...(receipt.body.reason === undefined ? {} : { reason: receipt.body.reason }),
                account: payment.account,
                transactionId: receipt.body.transactionId,
                ...(receipt.body.railReference === undefined
                  ? {}
                  : { railReference: receipt.body.railReference }),
                returned: receipt.body.returned,
                hash: receipt.body.hash,
              },
            }
          : {}),
        complaints: disputes.body.items
          .filter((one) => one.openedByParty === 'payee')
          .map((one) => ({
            id: one.disputeId,
            reason: one.reason,
            state: one.state,
            ...(one.outcome === undefined ? {} : { outcome: one.outcome }),
            openedAt: one.openedAt,
            deadline: one.deadline,
          })),
      };
    },

    async complain(viewer, paymentId, { reason, text }, key) {
      const { service } = await own(viewer, paymentId);
      await clients.receiptsOf(service.owner).openDispute({
        personToken: null,
        body: { clientId: key, instructionId: paymentId, reason, text, forPayee: true },
      });
    },
  };
}
