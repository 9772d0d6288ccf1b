import type { Rail } from '../rails/port.ts';

/** How much this process has under way with each rail, and which rails it leaves alone for a moment. */
export interface RailTraffic {
  /** Rails nothing may be sent to now: full, or not answering. */
  blocked(): string[];
  during<T>(rail: Rail, work: () => Promise<T>): Promise<T>;
  succeeded(railId: string): void;
  failed(railId: string): void;
}

/** A rail that did not answer is left alone for a second, doubling up to half a minute (circuit breaker). */
export function createRailTraffic(now: () => number = Date.now): RailTraffic {
  const underWay = new Map<string, number>();
  const limits = new Map<string, number>();
  const faults = new Map<string, { count: number; until: number }>();
  return {
    blocked() {
      const full = [...underWay].filter(([id, count]) => count >= (limits.get(id) ?? 1)).map(([id]) => id);
      const resting = [...faults].filter(([, fault]) => fault.until > now()).map(([id]) => id);
      return [...new Set([...full, ...resting])];
    },
    async during(rail, work) {
      limits.set(rail.id, rail.concurrency);
      underWay.set(rail.id, (underWay.get(rail.id) ?? 0) + 1);
      try {
        return await work();
      } finally {
        underWay.set(rail.id, (underWay.get(rail.id) ?? 1) - 1);
      }
    },
    succeeded: (railId) => void faults.delete(railId),
    failed(railId) {
      const count = (faults.get(railId)?.count ?? 0) + 1;
      faults.set(railId, { count, until: now() + Math.min(30_000, 500 * 2 ** Math.min(count, 6)) });
    },
  };
}
