import { createSecretKey } from 'node:crypto';
import { hostname } from 'node:os';
import type { JobSpec } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { ObservedExchange } from '../exchange/observation.ts';
import type { MediatorTables } from '../tables.ts';
import { openBacklog } from './backlog.ts';
import { type Collector, openCollector } from './collector.ts';
import { type Environment, openEnvironment } from './environment/environment.ts';
import { type Health, openHealth } from './health.ts';
import { type Indicators, openIndicators } from './indicators.ts';
import { openLoad } from './load.ts';
import { watchMonitoring } from './metrics.ts';
import { openOperationalData } from './operational-data.ts';
import { type OperationalRow, operationalRow } from './operational-record.ts';
import { eraseOldMonitoringData } from './retention.ts';
import type { MonitoringSettings } from './settings.ts';
import { keepLines, type LogLine, levels, tapLog } from './system-log.ts';

export interface MonitoringDependencies {
  readonly db: Kysely<MediatorTables>;
  readonly pool: pg.Pool;
  /** The mediator's own application, and the version of its program. */
  readonly own: string;
  readonly version: string;
  readonly settings: MonitoringSettings;
  /** PEM file of the certificate of the clients' own listener. */
  readonly listenerCertificate: string | undefined;
  readonly registry: Registry;
  readonly log: Logger;
  readonly now: () => Date;
  readonly secret: (purpose: string) => Buffer;
  /** Records that wait to be written to the message log. */
  readonly messageLogWaiting: () => number;
}

export interface Monitoring {
  readonly node: string;
  readonly settings: MonitoringSettings;
  readonly registry: Registry;
  readonly health: Health;
  readonly environment: Environment;
  readonly collector: Collector;
  readonly indicators: () => Promise<Indicators>;
  /** Told of every exchange: takes note of it, and waits for nothing. */
  observe(exchange: ObservedExchange): void;
  /** Resolves when what was observed can be read. */
  settled(): Promise<void>;
  readonly jobs: readonly JobSpec[];
  close(): Promise<void>;
}

/** What this server knows of the exchanges it carries and of itself, apart from the evidence. */
export async function openMonitoring(deps: MonitoringDependencies): Promise<Monitoring> {
  const { db, pool, settings, registry, log, now } = deps;
  const node = hostname();
  const health = openHealth(settings.healthWindowSeconds, now);
  const load = openLoad(() => now().getTime());
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
  const lines = openBacklog<LogLine>({
    capacity: 1000,
    batch: 500,
    everyMs: 1000,
    longestPauseMs: 60_000,
    write: (batch) => keepLines(db, node, batch),
    // A line about it would be one more to write; the line itself stands in the log of the machine.
    onFailure: () => undefined,
  });
  const collector = await openCollector({
    db,
    key: createSecretKey(deps.secret('monitoring-collector')),
    shipper: { service: deps.own, node, version: deps.version },
    initial: settings.collector && { ...settings.collector, authorization: settings.collector.authorization },
    log,
  });
  const untap = tapLog(log, levels.warn, (line) => {
    if (settings.systemLogLines > 0) lines.add(line);
    if (!collector.wants('log')) return;
    const { at, level, message, fields } = line;
    collector.add({ kind: 'log', at: Date.parse(at), level, message, values: fields });
  });
  const lost = (): number => records.lost() + data.refused();
  watchMonitoring(registry, health, { waiting: records.waiting, lost });
  const indicators = openIndicators({
    node,
    db,
    pool,
    now,
    load: load.current,
    backlogs: () => ({
      messageLog: deps.messageLogWaiting(),
      operationalRecords: records.waiting(),
      systemLog: lines.waiting(),
      collector: collector.state().waiting,
    }),
    lost: () => ({ operationalRecords: lost(), collector: collector.state().lost }),
  });
  let shipping: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    if (!collector.wants('indicators')) return;
    shipping = indicators()
      .then((values) => collector.add({ kind: 'indicators', at: now().getTime(), values: { ...values } }))
      .catch((error: unknown) => log.warn({ err: error }, 'indicators could not be read'));
  }, settings.indicatorSeconds * 1000);
  timer.unref();
  const environment = openEnvironment({
    db,
    node,
    version: deps.version,
    sampleSeconds: settings.sampleSeconds,
    listenerCertificate: deps.listenerCertificate,
    log,
    now,
  });

  return {
    node,
    settings,
    registry,
    health,
    environment,
    collector,
    indicators,
    observe(exchange) {
      health.observe(exchange);
      load.observe(exchange);
      const row = operationalRow(exchange, recording);
      records.add(row);
      if (!collector.wants('records')) return;
      const { counted_client: _client, counted_service: _service, ...values } = row;
      collector.add({ kind: 'record', at: row.response_out, values });
    },
    async settled() {
      await Promise.all([records.flush(), lines.flush()]);
    },
    jobs: [
      {
        name: 'erase-old-monitoring-data',
        schedule: { cron: '23 * * * *', timeZone: 'UTC' },
        handle: () => eraseOldMonitoringData(db, settings, now()),
      },
    ],
    async close() {
      clearInterval(timer);
      await shipping;
      await environment.close();
      await collector.close();
      await records.close();
      untap();
      await lines.close();
    },
  };
}
