import { applications } from '@govstack/country/seed';
import { paymentsAdmin } from '@govstack/payments/api';
import { newContext, withContext } from '@govstack/platform';
import { workflowApi } from '@govstack/workflow/api';
import type { Stack } from '../stack/start-stack.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const treasuryOf = (stack: Stack) =>
  stack.as(applications.payments).client(paymentsAdmin, `${applications.payments}/payments-admin-v1`);
type Treasury = ReturnType<typeof treasuryOf>;
type Certificate = Awaited<ReturnType<Treasury['getCertificate']>>['body']['content'];

export interface PaidCycle {
  /** Of the first run, which has everybody on its list. */
  readonly certificate: Certificate;
  /** Payments by the reason for which they are not made, after the attempts of the process. */
  readonly failures: ReadonlyMap<string, number>;
  /** Whether the process asks a person to settle what could not be paid. */
  readonly handedOver: boolean;
}

/** Notes for each payee of a run why it is not paid, and forgets those who are. */
async function noteUnpaid(treasury: Treasury, batchId: string, unpaid: Map<string, string>): Promise<void> {
  let after: number | undefined;
  do {
    const query = { limit: 500, ...(after === undefined ? {} : { after }) };
    const { body } = await treasury.listInstructions({ params: { batchId }, query });
    for (const { payeeIdentity, state, reasonCode } of body.items)
      if (state === 'completed') unpaid.delete(payeeIdentity);
      else unpaid.set(payeeIdentity, `${state} ${reasonCode ?? ''}`.trim());
    after = body.next;
  } while (after !== undefined);
}

/**
 * Pays one cycle: the manager starts the process, the Treasury's approver approves what it draws, everybody is paid and
 * gets a receipt, and what cannot be paid is handed to a person. A cycle that was begun before is taken up where it
 * stands.
 */
export async function payCycle(
  stack: Stack,
  cycle: string,
  tokenOf: (login: string, pin: string) => Promise<string>,
  progress: (message: string) => void,
): Promise<PaidCycle> {
  const engine = stack
    .as(stack.service.application)
    .client(workflowApi, `${applications.workflow}/workflow-v1`);
  const treasury = treasuryOf(stack);
  const businessKey = `cash-transfer-${cycle}`;
  await withContext(newContext(), () =>
    engine.start({
      params: { processId: 'cash-transfer-payment-run' },
      idempotencyKey: `payment-run/${businessKey}`,
      body: {
        processStartedBy: 'manager',
        businessKey,
        variables: { cycle, initiator: 'manager', retryAfter: 'PT1S' },
      },
    }),
  );
  const first = businessKey;
  let handedOver = false;
  for (;;) {
    const { items } = (await treasury.listBatches({ query: { sourceId: 'cash-transfer', limit: 100 } })).body;
    for (const batch of items) {
      if (batch.state !== 'awaiting-approval' || !batch.clientBatchId.startsWith(first)) continue;
      progress(`the list ${batch.clientBatchId} is drawn and validated; the Treasury approves it`);
      await treasury.approveBatch({
        params: { batchId: batch.batchId },
        body: { contentHash: batch.contentHash as string, acceptPossibleDuplicates: true },
        personToken: await tokenOf('approver', '2468'),
      });
    }
    handedOver = (await engine.listUserTasks({ query: { businessKey } })).body.tasks.length > 0;
    // Where the clock has begun the month before, that is the run, and ours has ended at once.
    const runs = (await engine.getInstances({ query: { businessKey } })).body;
    if (handedOver || runs.every((one) => one.ended)) break;
    await pause(250);
  }

  const { items } = (await treasury.listBatches({ query: { sourceId: 'cash-transfer', limit: 100 } })).body;
  const runs = items.filter((one) => one.clientBatchId.startsWith(first)).reverse();
  const [run] = runs;
  if (run?.clientBatchId !== first) throw new Error(`there is nobody to pay in ${cycle}`);
  const unpaid = new Map<string, string>();
  for (const { batchId } of runs) await noteUnpaid(treasury, batchId, unpaid);
  const failures = new Map<string, number>();
  for (const reason of unpaid.values()) failures.set(reason, (failures.get(reason) ?? 0) + 1);
  const { content } = (await treasury.getCertificate({ params: { batchId: run.batchId } })).body;
  return { certificate: content, failures, handedOver };
}
