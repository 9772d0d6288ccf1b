import { applications } from '@govstack/country/seed';
import { paymentsAdmin } from '@govstack/payments/api';
import { newContext, withContext } from '@govstack/platform';
import { workflowApi } from '@govstack/workflow/api';
import type { Stack } from '../stack/start-stack.ts';

const settled = new Set(['completed', 'partially-completed', 'failed', 'cancelled', 'rejected']);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export interface PaidRun {
  readonly batchId: string;
  readonly state: string;
  readonly certificate: Awaited<
    ReturnType<ReturnType<typeof treasuryOf>['getCertificate']>
  >['body']['content'];
  readonly failures: ReadonlyMap<string, number>;
}

const treasuryOf = (stack: Stack) =>
  stack.as(applications.payments).client(paymentsAdmin, `${applications.payments}/payments-admin-v1`);

/**
 * Pays one cycle: the manager starts the run, the Treasury's approver approves what the manager drew, everybody is
 * paid. A cycle that was begun before is taken up where it stands.
 */
export async function payCycle(
  stack: Stack,
  cycle: string,
  tokenOf: (login: string, pin: string) => Promise<string>,
  progress: (message: string) => void,
): Promise<PaidRun> {
  const own = stack.as(stack.service.application);
  const engine = own.client(workflowApi, `${applications.workflow}/workflow-v1`);
  const treasury = treasuryOf(stack);
  await withContext(newContext(), () =>
    engine.start({
      params: { processId: 'cash-transfer-payment-run' },
      idempotencyKey: `payment-run/${cycle}`,
      body: {
        processStartedBy: 'manager',
        businessKey: `payment-run-${cycle}`,
        variables: { cycle, initiator: 'manager' },
      },
    }),
  );
  const clientBatchId = `cash-transfer-${cycle}`;
  let approved = false;
  for (;;) {
    const { items } = (await treasury.listBatches({ query: { sourceId: 'cash-transfer', limit: 100 } })).body;
    const batch = items.find((one) => one.clientBatchId === clientBatchId);
    if (batch && batch.state === 'awaiting-approval' && !approved) {
      progress(`the list of ${cycle} is drawn and validated; the Treasury approves it`);
      await treasury.approveBatch({
        params: { batchId: batch.batchId },
        body: { contentHash: batch.contentHash as string, acceptPossibleDuplicates: true },
        personToken: await tokenOf('approver', '2468'),
      });
      approved = true;
    }
    if (batch && settled.has(batch.state)) {
      const failures = new Map<string, number>();
      let after: number | undefined;
      do {
        const { body } = await treasury.listInstructions({
          params: { batchId: batch.batchId },
          query: { limit: 500, ...(after === undefined ? {} : { after }) },
        });
        for (const one of body.items) {
          if (one.state === 'completed') continue;
          const reason = `${one.state} ${one.reasonCode ?? ''}`.trim();
          failures.set(reason, (failures.get(reason) ?? 0) + 1);
        }
        after = body.next;
      } while (after !== undefined);
      const { content } = (await treasury.getCertificate({ params: { batchId: batch.batchId } })).body;
      return { batchId: batch.batchId, state: batch.state, certificate: content, failures };
    }
    await pause(250);
  }
}
