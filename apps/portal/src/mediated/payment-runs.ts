import { notFound } from '@govstack/platform';
import type { Backend, HistoryEvent, PaymentRun, PaymentRunSummary, RunState, Tally } from '../backend.ts';
import type { Text } from '../languages.ts';
import type { Catalogue } from './catalogue.ts';
import type { Clients } from './clients.ts';
import type { Names } from './names.ts';
import { periodOf } from './payments-received.ts';
import { programmeOf, type RegisteredService, serviceName } from './sheet.ts';

type Batch = Awaited<ReturnType<Clients['payments']['listBatches']>>['body']['items'][number];
interface Unpaid {
  readonly reference: string;
  readonly amount: string;
  readonly currency: string;
  readonly reason: string;
}
/** What the process of one month of a programme is known by. */
const cycleOf = (programme: string, period: string): string => `${programme}-${period}`;
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

/** What the reasons of rails (ISO 20022 codes, and those of mobile money) mean to people. */
const failureCodes: Readonly<Record<string, string>> = {
  AC01: 'accountNotFound',
  PAYEE_NOT_FOUND: 'accountNotFound',
  'not-registered': 'accountNotFound',
  AC04: 'accountClosed',
  PAYEE_INACTIVE: 'accountClosed',
  'payee-inactive': 'accountClosed',
  AC06: 'accountBlocked',
  PAYEE_NOT_ALLOWED_TO_RECEIVE: 'accountBlocked',
  BE01: 'nameMismatch',
  AM02: 'limitExceeded',
  PAYEE_LIMIT_REACHED: 'limitExceeded',
  AM04: 'noFunds',
  NOT_ENOUGH_FUNDS: 'noFunds',
  'address-changed': 'accountChanged',
  AB05: 'timeout',
  AB06: 'timeout',
  AB07: 'timeout',
  AB08: 'timeout',
  TM01: 'timeout',
};
const failureCode = (reason: string): string => failureCodes[reason] ?? 'rejected';

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
): Pick<Backend, 'paymentRuns' | 'paymentRun' | 'prepareRun' | 'approveRun' | 'rejectRun' | 'settleRun'> {
  const { payments } = clients;

  const serviceFinder = async (): Promise<(batch: Batch) => RegisteredService | undefined> => {
    const services = await catalogue.all();
    return (batch) => services.find((one) => programmeOf(one).programmeId === batch.programmeId);
  };
  const programmeName = (service: RegisteredService | undefined, batch: Batch): Text =>
    service ? serviceName(service) : { en: batch.programmeId };
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

  async function failuresOf(
    batchId: string,
    currency: string,
    retried: readonly string[],
  ): Promise<PaymentRun['failures']> {
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
        code: failureCode(code),
        tally: { count: list.length, amount: { amount: sumAmounts(list), currency } },
        next: retried.includes(code) ? ('retry' as const) : ('person' as const),
      }))
      .sort((left, right) => right.tally.count - left.tally.count);
  }

  /** The process of a run asks people of the programme's agency to settle what it could not pay. */
  async function followUpOf(service: RegisteredService, batch: Batch): Promise<PaymentRun['followUp']> {
    const businessKey = cycleOf(service.code, periodOf(batch.clientBatchId, batch.createdAt));
    const { tasks } = (await clients.processesOf(service.owner).listUserTasks({ query: { businessKey } }))
      .body;
    const task = tasks.find((one) => one.formRef === 'follow-up');
    if (!task) return undefined;
    const { unpaid = [] } = task.variables as { unpaid?: Unpaid[] };
    return {
      taskId: task.id,
      unpaid: unpaid.map(({ reference, amount, currency, reason }) => ({
        reference,
        amount: { amount, currency },
        code: failureCode(reason),
      })),
    };
  }

  return {
    async paymentRuns(_viewer, { page, size }) {
      // The block pages by the last id seen; runs are few, so earlier pages are walked through.
      let before: string | undefined;
      for (let current = 1; ; current += 1) {
        const query = { limit: size, ...(before === undefined ? {} : { before }) };
        const { items, next } = (await payments.listBatches({ query })).body;
        if (current >= page || next === undefined) {
          const serviceOf = await serviceFinder();
          const shown = current < page ? [] : items;
          return {
            items: shown.map((batch) => summary(batch, programmeName(serviceOf(batch), batch))),
            hasMore: current >= page && next !== undefined,
          };
        }
        before = next;
      }
    },

    async paymentRun(viewer, runId) {
      const batch = (await payments.getBatch({ params: { batchId: runId } })).body;
      const service = (await serviceFinder())(batch);
      const followUp = service && (await followUpOf(service, batch));
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
        ...summary(batch, programmeName(service, batch)),
        paid: tally(totals, currency, (state) => paidStates.includes(state)),
        failed: tally(totals, currency, (state) => failedStates.includes(state)),
        waiting: tally(
          totals,
          currency,
          (state) => !paidStates.includes(state) && !failedStates.includes(state),
        ),
        failures: totals.some((row) => failedStates.includes(row.state) && row.count > 0)
          ? await failuresOf(runId, currency, service ? programmeOf(service).retriedReasons : [])
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
        ...(followUp ? { followUp } : {}),
        history,
      };
    },

    async prepareRun(viewer, programmeId, period, _key) {
      const service = await catalogue.byCode(programmeId);
      const { runProcess } = programmeOf(service);
      const businessKey = cycleOf(programmeId, period);
      const processes = clients.processesOf(service.owner);
      const earlier = (await processes.getInstances({ query: { businessKey } })).body;
      // One run per programme and month, whoever asks and however often; another one only after a refusal.
      if (earlier.some((one) => one.state !== 'failed')) return undefined;
      const edition = earlier.length + 1;
      await processes.start({
        params: { processId: runProcess },
        idempotencyKey: `payment-run/${businessKey}${edition === 1 ? '' : `.${edition}`}`,
        body: {
          processStartedBy: viewer.id,
          businessKey,
          variables: { cycle: period, initiator: viewer.id, edition },
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
    async settleRun(_viewer, runId, taskId, note, key) {
      const batch = (await payments.getBatch({ params: { batchId: runId } })).body;
      const service = (await serviceFinder())(batch);
      if (!service) throw notFound('Programme');
      await clients
        .processesOf(service.owner)
        .completeUserTask({ params: { taskId }, body: { variables: { note } }, idempotencyKey: key });
    },
  };
}
