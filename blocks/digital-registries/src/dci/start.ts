import type { BlockContext, Caller, JobSpec } from '@govstack/platform';
import type { CallerOf } from '../api/dci/handlers.ts';
import type { Dci } from './dci.ts';
import { deliver, deliveryJob, mostAttempts } from './deliver.ts';
import { startNotifying } from './notify.ts';
import { openVault } from './sealed.ts';
import { type Signer, signerFrom } from './signature.ts';

/** How long what became of messages is known, in days. */
const keptDays = 90;

/** The adapter for DCI: what it stands on, its jobs, and the care for its subscribers. */
export function startDci(
  ctx: BlockContext,
  parts: Pick<Dci, 'db' | 'catalogue' | 'gate' | 'hash'>,
): {
  readonly parts: Dci;
  readonly callerOf: CallerOf;
  readonly jobs: readonly JobSpec[];
  ready(): void;
  stop(): Promise<void>;
} {
  const signers = new Map<string, Signer>();
  const dci: Dci = {
    ...parts,
    vault: openVault(ctx.secret('dci-messages')),
    signerOf(owner) {
      const signer = signers.get(owner) ?? signerFrom(ctx.secret(`dci-signing/${owner}`));
      signers.set(owner, signer);
      return signer;
    },
    jobs: ctx.jobs,
    mediation: ctx.mediation,
    log: ctx.log,
    now: ctx.now,
  };
  let notifying: { stop(): Promise<void> } | undefined;
  return {
    parts: dci,
    // The surface lets nobody through whom a mediator has not verified.
    callerOf: ({ caller }) => caller as Caller,
    jobs: [
      {
        name: deliveryJob,
        retryLimit: mostAttempts,
        concurrency: 4,
        handle: (data, signal) => deliver(dci, (data as { readonly id: string }).id, signal),
      },
      {
        name: 'dci-forget',
        schedule: { cron: '41 2 * * *', timeZone: 'UTC' },
        async handle() {
          const before = new Date(ctx.now().getTime() - keptDays * 86_400_000).toISOString();
          await dci.db.deleteFrom('dci_transaction').where('created_at', '<', before).execute();
        },
      },
    ],
    ready() {
      notifying = startNotifying(dci);
    },
    async stop() {
      await notifying?.stop();
    },
  };
}
