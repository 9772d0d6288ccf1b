import type { JobSpec } from '@govstack/platform';
import type { Transaction } from 'kysely';
import { publishToRoom, roomsBehind } from '../events/rooms.ts';
import type { SealedChange } from '../history/seal-changes.ts';
import type { RegistryTables } from '../tables.ts';
import { runJob, startDue, startJob } from './automations.ts';
import { carryOutRun, type Works } from './run.ts';

type Trx = Transaction<RegistryTables>;

export const roomJob = 'publish-to-room';

/** What follows from changes: rooms that are told, automations that listen, and what comes by the clock. */
export function automationJobs(works: Works): {
  readonly jobs: readonly JobSpec[];
  /** Wakes those who follow the registries of these changes. */
  wake(trx: Trx, changes: readonly SealedChange[]): Promise<void>;
  stop(): void;
} {
  const { db, jobs, mediation } = works;
  let stopped = false;
  return {
    jobs: [
      {
        name: startJob,
        handle: () => startDue(db, jobs),
        schedule: { cron: '* * * * *', timeZone: 'UTC' },
      },
      {
        name: runJob,
        concurrency: 2,
        handle: (data, signal) => carryOutRun(works, (data as { run: string }).run, signal),
      },
      {
        name: roomJob,
        concurrency: 2,
        handle: (data, signal) =>
          publishToRoom(db, mediation, (data as { registry: string }).registry, signal),
      },
      {
        name: 'sweep-rooms',
        schedule: { cron: '*/5 * * * *', timeZone: 'UTC' },
        async handle() {
          for (const registry of await roomsBehind(db))
            await db
              .transaction()
              .execute((trx) => jobs.send(trx, roomJob, { registry }, { singletonKey: registry }));
        },
      },
    ],
    async wake(trx, changes) {
      if (stopped) return;
      const registries = [...new Set(changes.map(({ registryId }) => registryId))];
      const rooms = await trx
        .selectFrom('registry_room')
        .select('registry_id')
        .where('registry_id', 'in', registries)
        .execute();
      for (const { registry_id: registry } of rooms)
        await jobs.send(trx, roomJob, { registry }, { singletonKey: registry });
      const listening = await trx
        .selectFrom('automation')
        .select('id')
        .where('registry_id', 'in', registries)
        .where('position', 'is not', null)
        .where('state', '=', 'active')
        .limit(1)
        .execute();
      if (listening.length > 0) await jobs.send(trx, startJob, {}, { singletonKey: 'changes' });
    },
    stop() {
      stopped = true;
    },
  };
}
