import type { JobSpec } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Catalogue } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';
import { type CheckpointKey, makeCheckpoints } from './checkpoints.ts';
import { makeMonths } from './months.ts';
import { applyRetention } from './retention.ts';
import { rollOff } from './roll-off.ts';

interface Parts {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly application: string;
  readonly checkpointKey: CheckpointKey;
  /** Months for which the read log is kept; 0: for good. */
  readonly readLogMonths: number;
  readonly now: () => Date;
}

const timeZone = 'UTC';

/** What becomes of the logs and of old records by the clock. */
export const historyJobs = ({
  db,
  catalogue,
  application,
  checkpointKey,
  readLogMonths,
  now,
}: Parts): JobSpec[] => [
  {
    name: 'make-months-of-logs',
    schedule: { cron: '23 2 * * *', timeZone },
    handle: () => makeMonths(db, now()),
  },
  {
    name: 'make-checkpoints',
    schedule: { cron: '7 * * * *', timeZone },
    handle: async () => void (await makeCheckpoints(db, checkpointKey)),
  },
  {
    name: 'roll-off-read-log',
    schedule: { cron: '41 2 * * *', timeZone },
    handle: async () => {
      if (readLogMonths > 0) await rollOff(db, application, readLogMonths, now());
    },
  },
  {
    name: 'apply-retention',
    schedule: { cron: '11 3 * * *', timeZone },
    expireInSeconds: 3600,
    handle: async (_, signal) => void (await applyRetention(db, catalogue, application, now(), signal)),
  },
];
