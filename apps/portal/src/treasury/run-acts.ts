import { formKey, input, type SignedInVisit } from '../site/visit.ts';
import type { Run } from './clients.ts';
import { attempt, type PageError } from './refusals.ts';
import { managingRoles } from './roles.ts';
import { administers, type TreasuryParts } from './shell.ts';
import { overStates } from './words.ts';

export const priorities = ['urgent', 'normal', 'low'] as const;
const payable = ['authorised', 'processing'];
const cancellable = ['received', 'awaiting-approval', 'approved', 'held', 'authorised'];

const isTheirs = ({ treasury }: TreasuryParts, { viewer }: SignedInVisit, agency: string | undefined) =>
  viewer.agency === treasury || (agency !== undefined && viewer.agency === agency);

/** Whether somebody takes runs of an agency's programme further. */
export const manages = (parts: TreasuryParts, visit: SignedInVisit, agency: string | undefined): boolean =>
  isTheirs(parts, visit, agency) && managingRoles.some((role) => visit.viewer.roles.includes(role));

/** What a page offers this person to do with a run; whether they may is decided by the block when they do. */
export function actsOn(parts: TreasuryParts, visit: SignedInVisit, run: Run, agency: string | undefined) {
  const { viewer } = visit;
  const may = manages(parts, visit, agency);
  const waits = run.state === 'awaiting-approval';
  const isMaker = run.makerPerson === viewer.id;
  const approves = isTheirs(parts, visit, agency) && viewer.roles.includes(parts.approverRole);
  const failed = run.totals.some(({ state, count }) => ['failed', 'returned'].includes(state) && count > 0);
  return {
    decide: waits && approves && !isMaker,
    notDecide: waits && (isMaker ? 'maker' : approves ? undefined : 'role'),
    cancel: may && cancellable.includes(run.state),
    resume: may && (run.state === 'held' ? run.reason !== 'content-changed-after-approval' : run.paused),
    pause: may && payable.includes(run.state) && !run.paused && !run.stopped,
    stop: may && run.state === 'processing' && !run.stopped,
    failWaiting: may && run.state === 'processing' && !run.stopped,
    priority: administers(parts, visit) && !overStates.includes(run.state),
    retry: may && failed && ['partially-completed', 'failed'].includes(run.state),
  };
}

export interface Done {
  readonly errors?: readonly PageError[];
  /** Where to go on, when it is not the same run. */
  readonly to?: string;
}

type Act = (parts: TreasuryParts, visit: SignedInVisit, batchId: string) => Promise<Done>;

const missing = (visit: SignedInVisit, key: string, href: string): Done => ({
  errors: [{ text: visit.voice.t(key), href }],
});

const approve: Act = async ({ clients }, visit, batchId) => {
  const acceptPossibleDuplicates = input(visit, 'duplicates') === 'accept';
  const errors = await attempt(visit, '#choice', () =>
    clients.admin.approveBatch({
      params: { batchId },
      body: {
        contentHash: input(visit, 'seen'),
        ...(acceptPossibleDuplicates ? { acceptPossibleDuplicates } : {}),
      },
    }),
  );
  if (errors) return { errors };
  visit.leaveNotice('runApproved');
  return {};
};

const reject: Act = async ({ clients }, visit, batchId) => {
  const reason = input(visit, 'reason').slice(0, 500);
  if (reason === '') return missing(visit, 'treasury.run.reasonMissing', '#reason');
  const errors = await attempt(visit, '#choice', () =>
    clients.admin.rejectBatch({ params: { batchId }, body: { contentHash: input(visit, 'seen'), reason } }),
  );
  if (errors) return { errors };
  visit.leaveNotice('runRejected');
  return {};
};

const cancel: Act = async ({ clients }, visit, batchId) => {
  const reason = input(visit, 'reason').slice(0, 500);
  if (reason === '') return missing(visit, 'treasury.run.cancelMissing', '#cancel-reason');
  const errors = await attempt(visit, '#cancel-reason', () =>
    clients.admin.cancelBatch({ params: { batchId }, body: { reason } }),
  );
  if (errors) return { errors };
  visit.leaveNotice('runCancelled');
  return {};
};

const resume: Act = async ({ clients }, visit, batchId) => {
  const errors = await attempt(visit, '#acts', () => clients.admin.resumeBatch({ params: { batchId } }));
  if (errors) return { errors };
  visit.leaveNotice('runResumed');
  return {};
};

const reasonMissing = (visit: SignedInVisit, href: string): Done =>
  missing(visit, 'treasury.run.reasonNeeded', href);

const pause: Act = async ({ clients }, visit, batchId) => {
  const reason = input(visit, 'reason').slice(0, 500);
  if (reason === '') return reasonMissing(visit, '#pause-reason');
  const errors = await attempt(visit, '#pause-reason', () =>
    clients.admin.pauseBatch({ params: { batchId }, body: { reason } }),
  );
  if (errors) return { errors };
  visit.leaveNotice('runPaused');
  return {};
};

const stop: Act = async ({ clients }, visit, batchId) => {
  const reason = input(visit, 'reason').slice(0, 500);
  if (reason === '') return reasonMissing(visit, '#stop-reason');
  const errors = await attempt(visit, '#stop-reason', () =>
    clients.admin.stopBatch({ params: { batchId }, body: { reason } }),
  );
  if (errors) return { errors };
  visit.leaveNotice('runStopped');
  return {};
};

const priority: Act = async ({ clients }, visit, batchId) => {
  const reason = input(visit, 'reason').slice(0, 500);
  const wanted = priorities.find((one) => one === input(visit, 'priority'));
  if (wanted === undefined) return missing(visit, 'treasury.run.turnMissing', '#priority');
  if (reason === '') return reasonMissing(visit, '#priority-reason');
  const errors = await attempt(visit, '#priority-reason', () =>
    clients.admin.setBatchPriority({ params: { batchId }, body: { priority: wanted, reason } }),
  );
  if (errors) return { errors };
  visit.leaveNotice('settingSaved');
  return {};
};

const failWaiting: Act = async ({ clients }, visit, batchId) => {
  const reason = input(visit, 'reason').slice(0, 500);
  const railId = input(visit, 'railId');
  if (reason === '') return reasonMissing(visit, '#failWaiting-reason');
  const errors = await attempt(visit, '#failWaiting-reason', () =>
    clients.admin.failWaitingInstructions({ params: { batchId }, body: { railId, reason } }),
  );
  if (errors) return { errors };
  visit.leaveNotice('waitingFailed');
  return {};
};

const retry: Act = async ({ clients }, visit, batchId) => {
  let made = batchId;
  let notice = 'runRetried';
  const errors = await attempt(visit, '#acts', async () => {
    const { body } = await clients.admin.retryFailedInstructions({ params: { batchId } });
    made = body.batchId;
    if (body.leftOut.length > 0) notice = 'runRetriedInPart';
  });
  if (errors) return { errors };
  visit.leaveNotice(notice);
  return { to: `/treasury/runs/${made}` };
};

const settle: Act = async ({ clients, backend }, visit, batchId) => {
  const note = input(visit, 'reason').slice(0, 2000);
  if (note === '') return missing(visit, 'office.run.noteMissing', '#note');
  const { programmeId, clientBatchId, createdAt } = (await clients.admin.getBatch({ params: { batchId } }))
    .body;
  const run = { programmeId, reference: clientBatchId, preparedAt: createdAt };
  const key = formKey(visit) || batchId;
  const errors = await attempt(visit, '#note', () =>
    backend.settleRun(visit.viewer, run, input(visit, 'task'), note, key),
  );
  if (errors) return { errors };
  visit.leaveNotice('runSettled');
  return {};
};

const acts: Readonly<Record<string, Act>> = {
  approve,
  reject,
  cancel,
  resume,
  pause,
  stop,
  priority,
  failWaiting,
  retry,
  settle,
};

/** Does what the sent form says. */
export async function act(parts: TreasuryParts, visit: SignedInVisit, batchId: string): Promise<Done> {
  const choice = input(visit, 'choice');
  const one = Object.hasOwn(acts, choice) ? acts[choice] : undefined;
  return one ? one(parts, visit, batchId) : missing(visit, 'office.run.choose', '#choice');
}
