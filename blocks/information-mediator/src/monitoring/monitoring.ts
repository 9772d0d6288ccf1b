import { createSecretKey } from 'node:crypto';
import { hostname } from 'node:os';
import type { JobSpec } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { ObservedExchange } from '../exchange/observation.ts';
import type { MediatorTables } from '../tables.ts';
import { openBacklog } from './backlog.ts';
import { type Health, openHealth } from './health.ts';
import { watchMonitoring } from './metrics.ts';
import { dropOldRecords, openOperationalData } from './operational-data.ts';
import { type OperationalRow, operationalRow } from './operational-record.ts';
import type { MonitoringSettings } from './settings.ts';

export interface MonitoringDependencies {
  readonly db: Kysely<MediatorTables>;
  readonly pool: pg.Pool;
  readonly settings: MonitoringSettings;
  readonly registry: Registry;
  readonly log: Logger;
  readonly now: () => Date;
  readonly secret: (purpose: string) => Buffer;
}

export interface Monitoring {
  readonly node: string;
  readonly settings: MonitoringSettings;
  readonly health: Health;
  /** Told of every exchange: takes note of it, and waits for nothing. */
  observe(exchange: ObservedExchange): void;
  /** Resolves when what was observed can be read. */
  settled(): Promise<void>;
  readonly jobs: readonly JobSpec[];
  close(): Promise<void>;
}

/** What this server knows of the exchanges it carries, apart from their evidence. */
export function openMonitoring(deps: MonitoringDependencies): Monitoring {
  const { db, pool, settings, log, now } = deps;
  const node = hostname();
  const health = openHealth(settings.healthWindowSeconds, now);
  const recording = {
    node,
    userIds: settings.userIds,
    userIdKey: createSecretKey(deps.secret('monitoring-user-ids')),
  };
  const data = openOperationalData(pool, now);
  const records = openBacklog<OperationalRow>({
    capacity: settings.bufferRecords,
    batch: 1000,
    everyMs: 1000,
    longestPauseMs: 60_000,
    write: (rows) => data.write(rows),
    onFailure: (error) => log.warn({ err: error }, 'operational records could not be written yet'),
  });
  watchMonitoring(deps.registry, health, {
    waiting: records.waiting,
    lost: () => records.lost() + data.refused(),
  });

  return {
    node,
    settings,
    health,
    observe(exchange) {
      health.observe(exchange);
      records.add(operationalRow(exchange, recording));
    },
    settled: () => records.flush(),
    jobs: [
      {
        name: 'erase-old-monitoring-data',
        schedule: { cron: '23 * * * *', timeZone: 'UTC' },
        async handle() {
          const days = await dropOldRecords(pool, settings.operationalDataDays, now());
          const before = new Date(now().getTime() - settings.statisticsDays * 86_400_000);
          await sql`
            delete from exchange_statistics
            where hour < ${before}`.execute(db);
          if (days > 0) log.info({ days }, 'old operational records erased');
        },
      },
    ],
    async close() {
      await records.close();
    },
  };
}
