/** How many messages this process is delivering to each source, so that one that is slow holds up nobody else. */
export interface CallbackTraffic {
  /** Sources that have their share of the lanes. */
  full(): string[];
  during<T>(sourceId: string, work: () => Promise<T>): Promise<T>;
}

export function createCallbackTraffic(lanes: number): CallbackTraffic {
  const share = Math.max(1, Math.floor(lanes / 4));
  const underWay = new Map<string, number>();
  return {
    full: () => [...underWay].filter(([, count]) => count >= share).map(([id]) => id),
    async during(sourceId, work) {
      underWay.set(sourceId, (underWay.get(sourceId) ?? 0) + 1);
      try {
        return await work();
      } finally {
        const left = (underWay.get(sourceId) ?? 1) - 1;
        if (left === 0) underWay.delete(sourceId);
        else underWay.set(sourceId, left);
      }
    },
  };
}
