import { sql } from 'kysely';
import type { Rail } from '../rails/port.ts';
import type { Db } from '../tables.ts';

/** How much this process has under way with each rail, and what became of it for all nodes to see. */
export interface RailTraffic {
  /** Rails this process is busy enough with. */
  blocked(): string[];
  during<T>(rail: Rail, work: () => Promise<T>): Promise<T>;
  succeeded(railId: string): Promise<void>;
  failed(railId: string): Promise<void>;
}

/**
 * The circuit breaker of each rail: one that did not answer is left alone for a while, longer each time, by all
 * nodes; then a single sub-batch finds out whether it answers again (`claim.ts`).
 */
export function createRailTraffic(db: Db, restSeconds: number): RailTraffic {
  const underWay = new Map<string, number>();
  const limits = new Map<string, number>();
  return {
    blocked: () => [...underWay].filter(([id, count]) => count >= (limits.get(id) ?? 1)).map(([id]) => id),
    async during(rail, work) {
      limits.set(rail.id, rail.concurrency);
      underWay.set(rail.id, (underWay.get(rail.id) ?? 0) + 1);
      try {
        return await work();
      } finally {
        underWay.set(rail.id, (underWay.get(rail.id) ?? 1) - 1);
      }
    },
    async succeeded(railId) {
      await sql`
        update rail_traffic
        set faults = 0, rest_until = null, probe_until = null
        where rail_id = ${railId} and faults > 0`.execute(db);
    },
    async failed(railId) {
      await sql`
        update rail_traffic
        set faults = faults + 1,
            rest_until = now() + make_interval(secs => ${restSeconds}::float8 * least(30, power(2, least(faults, 5)))),
            probe_until = null
        where rail_id = ${railId}`.execute(db);
    },
  };
}
