import { notFound } from '@govstack/platform';
import type { Backend, RunOfProgramme } from '../backend.ts';
import type { Catalogue } from './catalogue.ts';
import type { Clients } from './clients.ts';
import { failureCode } from './failure-codes.ts';
import { periodOf } from './payments-received.ts';
import { programmeOf, type RegisteredService, serviceName } from './sheet.ts';

interface Unpaid {
  readonly reference: string;
  readonly amount: string;
  readonly currency: string;
  readonly reason: string;
}
/** What the process of one month of a programme is known by. */
const cycleOf = (programme: string, period: string): string => `${programme}-${period}`;

/** Payment runs as the services behind them know them: the process that draws them, and what it asks people to settle. */
export function createPaymentRuns(
  clients: Clients,
  catalogue: Catalogue,
): Pick<Backend, 'payingProgrammes' | 'followUp' | 'prepareRun' | 'settleRun'> {
  const serviceOf = async ({ programmeId }: RunOfProgramme): Promise<RegisteredService | undefined> =>
    (await catalogue.all()).find((one) => programmeOf(one).programmeId === programmeId);

  return {
    async payingProgrammes() {
      return new Map(
        (await catalogue.all()).map((service) => {
          const { programmeId, retriedReasons } = programmeOf(service);
          return [programmeId, { name: serviceName(service), retriedReasons }];
        }),
      );
    },

    async followUp(_viewer, run) {
      const service = await serviceOf(run);
      if (!service) return undefined;
      const businessKey = cycleOf(service.code, periodOf(run.reference, run.preparedAt));
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
    },

    async prepareRun(viewer, programmeId, period, _key) {
      const service = await catalogue.byCode(programmeId);
      const { runProcess } = programmeOf(service);
      const businessKey = cycleOf(programmeId, period);
      const processes = clients.processesOf(service.owner);
      const earlier = (await processes.getInstances({ query: { businessKey } })).body;
      // One run per programme and month, whoever asks and however often; another one only after a refusal.
      if (earlier.some((one) => one.state !== 'failed')) return;
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
    },

    async settleRun(_viewer, run, taskId, note, key) {
      const service = await serviceOf(run);
      if (!service) throw notFound('Programme');
      await clients
        .processesOf(service.owner)
        .completeUserTask({ params: { taskId }, body: { variables: { note } }, idempotencyKey: key });
    },
  };
}
