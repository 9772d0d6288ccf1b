import os from 'node:os';
import { type Kysely, sql } from 'kysely';
import type pg from 'pg';
import type { MediatorTables } from '../tables.ts';
import type { Load } from './load.ts';

export interface IndicatorSources {
  readonly node: string;
  readonly db: Kysely<MediatorTables>;
  readonly pool: pg.Pool;
  readonly now: () => Date;
  readonly load: () => Load;
  readonly backlogs: () => Readonly<
    Record<'messageLog' | 'operationalRecords' | 'systemLog' | 'collector', number>
  >;
  readonly lost: () => Readonly<Record<'operationalRecords' | 'collector', number>>;
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** What is measured all the time (IM-5.2-a), read at one moment. */
export function openIndicators(sources: IndicatorSources) {
  const { db, pool } = sources;
  let usage = process.cpuUsage();
  let loop = performance.eventLoopUtilization();
  let looked = performance.now();

  /** Looks at what only grows, and says how fast. */
  function rates(): { processorPercent: number; eventLoopPercent: number } {
    const [usageNow, loopNow, lookedNow] = [
      process.cpuUsage(),
      performance.eventLoopUtilization(),
      performance.now(),
    ];
    const microseconds = usageNow.user + usageNow.system - usage.user - usage.system;
    const rate = {
      processorPercent: round(microseconds / (lookedNow - looked) / 10),
      eventLoopPercent: round(performance.eventLoopUtilization(loopNow, loop).utilization * 100),
    };
    [usage, loop, looked] = [usageNow, loopNow, lookedNow];
    return rate;
  }

  return async () => {
    const { rows } = await sql<{ waiting: number; dead: number; jobs: number }>`
      select (select count(*) from delivery where state = 'waiting')::integer as waiting,
        (select count(*) from delivery where state = 'dead')::integer as dead,
        (select count(*) from jobs.job where state in ('created', 'retry') and start_after <= now())::integer
          as jobs`.execute(db);
    const { waiting = 0, dead = 0, jobs = 0 } = rows[0] ?? {};
    const { latency, ...throughput } = sources.load();
    const { rss, heapUsed } = process.memoryUsage();
    return {
      node: sources.node,
      at: sources.now().toISOString(),
      uptimeSeconds: Math.floor(process.uptime()),
      throughput,
      latency: latency ?? null,
      resources: {
        ...rates(),
        residentBytes: rss,
        heapBytes: heapUsed,
        load: os.loadavg().map(round),
        databaseConnections: { open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount },
      },
      backlogs: { ...sources.backlogs(), eventDeliveries: waiting, deadDeliveries: dead, jobs },
      lost: sources.lost(),
    };
  };
}

export type Indicators = Awaited<ReturnType<ReturnType<typeof openIndicators>>>;
