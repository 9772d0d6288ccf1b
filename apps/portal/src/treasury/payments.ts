import { failureCode } from '../mediated/failure-codes.ts';
import { idIn } from '../site/ids.ts';
import { railsKnown } from './programmes.ts';
import { orNone } from './refusals.ts';
import { managingRoles } from './roles.ts';
import { access, frame, type TreasuryParts } from './shell.ts';
import { failedStates, paymentStates } from './words.ts';

const size = 50;

/** What a payment's reason means, where it has one that people should read. */
const whyOf = ({ state, reasonCode }: { readonly state: string; readonly reasonCode?: string }) =>
  reasonCode !== undefined && failedStates.includes(state) ? failureCode(reasonCode) : undefined;

/** Payments of a run one by one, and everything that happened to each (PAY-5.3.1-e, PAY-6.8-b). */
export function paymentPages(parts: TreasuryParts): void {
  const { site, clients } = parts;
  const { admin } = clients;

  site.page('/treasury/runs/:run/payments', access, async (visit) => {
    const batchId = idIn(visit, 'run');
    const base = `/treasury/runs/${batchId}`;
    const state = paymentStates.find((one) => one === visit.query.state);
    const asked = Number(visit.query.after ?? '');
    const after = Number.isSafeInteger(asked) && asked > 0 ? asked : undefined;
    const [run, list] = await Promise.all([
      admin.getBatch({ params: { batchId } }),
      admin.listInstructions({
        params: { batchId },
        query: {
          ...(state === undefined ? {} : { state }),
          ...(after === undefined ? {} : { after }),
          limit: size,
        },
      }),
    ]);
    const { items, next } = list.body;
    const kept = state === undefined ? '' : `state=${state}`;
    return visit.show('treasury/payments.njk', {
      ...frame(parts, visit, 'runs'),
      back: base,
      base,
      run: run.body,
      states: paymentStates.map((one) => ({
        state: one,
        count: run.body.totals.find((total) => total.state === one)?.count ?? 0,
      })),
      state,
      first: after === undefined ? undefined : `${base}/payments${kept === '' ? '' : `?${kept}`}`,
      next: next === undefined ? undefined : `${base}/payments?${kept === '' ? '' : `${kept}&`}after=${next}`,
      payments: items.map((one) => ({
        ...one,
        why: whyOf(one),
        money: { amount: one.amount, currency: one.currency },
      })),
    });
  });

  site.page('/treasury/payments/:payment', access, async (visit) => {
    const [{ body: one }, rails, receipt] = await Promise.all([
      admin.getInstruction({ params: { instructionId: idIn(visit, 'payment') } }),
      railsKnown(parts, visit),
      orNone(clients.oversight.getReceipt({ params: { instructionId: idIn(visit, 'payment') } })),
    ]);
    return visit.show('treasury/payment.njk', {
      ...frame(parts, visit, 'runs'),
      back: `/treasury/runs/${one.batchId}/payments`,
      complains: managingRoles.some((role) => visit.viewer.roles.includes(role)),
      one: {
        ...one,
        railName: one.rail === undefined ? undefined : (rails.get(one.rail)?.name ?? one.rail),
        receiptNumber: receipt?.body.receiptNumber,
        why: whyOf(one),
        money: { amount: one.amount, currency: one.currency },
        history: one.history.toReversed(),
      },
    });
  });
}
