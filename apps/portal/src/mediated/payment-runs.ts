import type { Backend, HistoryEvent, PaymentRun, PaymentRunSummary, RunState, Tally } from '../backend.ts';
import type { Text } from '../languages.ts';
import type { Catalogue } from './catalogue.ts';
import type { Clients } from './clients.ts';
import type { Names } from './names.ts';
import { periodOf } from './payments-received.ts';
import { programmeOf, serviceName } from './sheet.ts';

type Batch = Awaited<ReturnType<Clients['payments']['listBatches']>>['body']['items'][number];
type StateTotals = readonly { readonly state: string; readonly count: number; readonly amount: string }[];

const states: Readonly<Record<string, RunState>> = {
  received: 'drawn',
  validated: 'validated',
  'awaiting-approval': 'awaitingApproval',
  approved: 'approved',
  held: 'held',
  authorised: 'approved',
  processing: 'paying',
  completed: 'completed',
  'partially-completed': 'completed',
  failed: 'completed',
  rejected: 'rejected',
  cancelled: 'rejected',
};

const historyCodes: Readonly<Record<string, string>> = {
  received: 'runDrawn',
  validated: 'runValidated',
  'awaiting-approval': 'runValidated',
  approved: 'runApproved',
  rejected: 'runRejected',
  processing: 'runPaying',
  completed: 'runCompleted',
  'partially-completed': 'runCompleted',
};

const paidStates = ['completed'];
const failedStates = ['failed', 'rejected', 'returned', 'cancelled'];
const mostFailures = 5000;
/** Reasons after which the block tries again by itself or in a new run without anybody's help. */
const temporaryReasons = /timeout|unavailable|temporary|AB0[0-9]|TM01/i;

/** Sum of decimal amounts without rounding. */
export function sumAmounts(amounts: readonly string[]): string {
  const digits = Math.max(0, ...amounts.map((amount) => amount.split('.')[1]?.length ?? 0));
  const total = amounts.reduce((sum, amount) => {
    const [whole = '0', fraction = ''] = amount.split('.');
    return sum + BigInt(whole + fraction.padEnd(digits, '0'));
  }, 0n);
  if (digits === 0) return String(total);
  const text = String(total).padStart(digits + 1, '0');
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

const tally = (totals: StateTotals, currency: string, wanted: (state: string) => boolean): Tally => {
  const rows = totals.filter((row) => wanted(row.state));
  return {
    count: rows.reduce((sum, row) => sum + row.count, 0),
    amount: { amount: sumAmounts(rows.map((row) => row.amount)) || '0', currency },
  };
};

/** Payment runs at the payments block, as the signed-in manager or approver. */
export function createPaymentRuns(
  clients: Clients,
  catalogue: Catalogue,
  names: Names,
  approverRole: string,
): Pick<Backend, 'paymentRuns' | 'paymentRun' | 'prepareRun' | 'approveRun' | 'rejectRun'> {
  const { payments } = clients;

  const programmeNames = async (): Promise<(batch: Batch) => Text> => {
    const services = await catalogue.all();
    return (batch) => {
      const service = services.find((one) => programmeOf(one).programmeId === batch.programmeId);
      return service ? serviceName(service) : { en: batch.programmeId };
    };
  };
  const summary = (batch: Batch, programme: Text): PaymentRunSummary => ({
    id: batch.batchId,
    reference: batch.clientBatchId,
    programme,
    period: periodOf(batch.clientBatchId, batch.createdAt),
    state: states[batch.state] ?? 'drawn',
    total: {
      count: batch.instructionCount,
      amount: { amount: batch.totalAmount, currency: batch.currency },
    },
    preparedAt: batch.createdAt,
  });

  async function failuresOf(batchId: string, currency: string): Promise<PaymentRun['failures']> {
    const amounts = new Map<string, string[]>();
    for (const state of failedStates) {
      let after: number | undefined;
      let seen = 0;
      do {
        const query = { state, limit: 500, ...(after === undefined ? {} : { after }) };
        const { items, next } = (await payments.listInstructions({ params: { batchId }, query })).body;
        for (const item of items) {
          const code = item.reasonCode ?? 'other';
          amounts.set(code, [...(amounts.get(code) ?? []), item.amount]);
        }
        seen += items.length;
        after = next;
      } while (after !== undefined && seen < mostFailures);
    }
    return [...amounts]
      .map(([code, list]) => ({
        code,
        tally: { count: list.length, amount: { amount: sumAmounts(list), currency } },
        next: temporaryReasons.test(code) ? ('retry' as const) : ('person' as const),
      }))
      .sort((left, right) => right.tally.count - left.tally.count);
  }

  return {
    async paymentRuns(_viewer, { page, size }) {
      // The block pages by the last id seen; runs are few, so earlier pages are walked through.
      let before: string | undefined;
      for (let current = 1; ; current += 1) {
        const query = { limit: size, ...(before === undefined ? {} : { before }) };
        const { items, next } = (await payments.listBatches({ query })).body;
        if (current >= page || next === undefined) {
          const nameOf = await programmeNames();
          const shown = current < page ? [] : items;
          return {
            items: shown.map((batch) => summary(batch, nameOf(batch))),
            hasMore: current >= page && next !== undefined,
          };
        }
        before = next;
      }
    },

    async paymentRun(viewer, runId) {
      const batch = (await payments.getBatch({ params: { batchId: runId } })).body;
      const nameOf = await programmeNames();
      const { currency, totals, approval } = batch;
      const history: HistoryEvent[] = batch.history
        .flatMap(({ to, at }) => (historyCodes[to] === undefined ? [] : [{ at, code: historyCodes[to] }]))
        .reverse();
      const notApprovable = !viewer.roles.includes(approverRole)
        ? 'role'
        : batch.makerPerson === viewer.id
          ? 'maker'
          : batch.state !== 'awaiting-approval'
            ? 'state'
            : undefined;
      const isMaker = batch.makerPerson === viewer.id;
      return {
        ...summary(batch, nameOf(batch)),
        paid: tally(totals, currency, (state) => paidStates.includes(state)),
        failed: tally(totals, currency, (state) => failedStates.includes(state)),
        waiting: tally(
          totals,
          currency,
          (state) => !paidStates.includes(state) && !failedStates.includes(state),
        ),
        failures: totals.some((row) => failedStates.includes(row.state) && row.count > 0)
          ? await failuresOf(runId, currency)
          : [],
        preparedBy: isMaker ? viewer.name : names.member(batch.makerApplication),
        ...(approval
          ? {
              decidedBy:
                approval.person === viewer.id ? viewer.name : names.member(approval.agency ?? 'payments'),
              decidedAt: approval.at,
            }
          : {}),
        seen: batch.contentHash ?? '',
        possibleDuplicates: batch.possibleDuplicates,
        ...(isMaker && batch.state === 'awaiting-approval'
          ? { notApprovable: 'maker' as const }
          : notApprovable === undefined
            ? {}
            : { notApprovable }),
        history,
      };
    },

    async prepareRun(viewer, programmeId, period, _key) {
      const service = await catalogue.byCode(programmeId);
      const { runProcess } = programmeOf(service);
      const businessKey = `${programmeId}-${period}`;
      // One run per programme and month, whoever asks and however often.
      await clients.processesOf(service.owner).start({
        params: { processId: runProcess },
        idempotencyKey: `payment-run/${businessKey}`,
        body: {
          processStartedBy: viewer.id,
          businessKey,
          variables: { cycle: period, initiator: viewer.id },
        },
      });
      return undefined;
    },
    async approveRun(_viewer, runId, { seen, acceptPossibleDuplicates }) {
      await payments.approveBatch({
        params: { batchId: runId },
        body: { contentHash: seen, ...(acceptPossibleDuplicates ? { acceptPossibleDuplicates } : {}) },
      });
    },
    async rejectRun(_viewer, runId, seen, reason) {
      await payments.rejectBatch({ params: { batchId: runId }, body: { contentHash: seen, reason } });
    },
  };
}
