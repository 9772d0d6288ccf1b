import { sql } from 'kysely';
import type { Rail } from '../rails/port.ts';
import type { Db } from '../tables.ts';

/** How much this process has under way with each rail, and what became of it for all nodes to see. */
export interface RailTraffic {
  /** Rails this process is busy enough with. */
  blocked(): string[];
  /** Takes one of the rail's places; false when all are taken, by claims that were made at the same moment. */
  enter(rail: Pick<Rail, 'id' | 'concurrency'>): boolean;
  leave(railId: string): void;
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
    enter({ id, concurrency }) {
      limits.set(id, concurrency);
      const count = underWay.get(id) ?? 0;
      if (count >= concurrency) return false;
      underWay.set(id, count + 1);
      return true;
    },
    leave: (railId) => void underWay.set(railId, (underWay.get(railId) ?? 1) - 1),
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
