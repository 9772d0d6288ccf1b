import type { JobSpec } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { Catalogue } from '../schema/catalogue.ts';
import type { RegistryTables } from '../tables.ts';
import { measureAll } from './quality.ts';
import { runSearch, searchJob } from './search.ts';

interface Parts {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly log: Logger;
  readonly now: () => Date;
}

/** The daily look at the quality of every registry, and searches for duplicates that were asked for. */
export const qualityJobs = ({ db, catalogue, log, now }: Parts): JobSpec[] => [
  {
    name: 'measure-quality',
    schedule: { cron: '31 3 * * *', timeZone: 'UTC' },
    expireInSeconds: 3600,
    handle: (_, signal) =>
      measureAll(db, catalogue, now(), signal, (error, code) =>
        log.warn({ err: error, registry: code }, 'quality could not be measured'),
      ),
  },
  {
    name: searchJob,
    expireInSeconds: 3600,
    handle: (data, signal) => runSearch(db, catalogue, (data as { search: string }).search, signal),
  },
];
