/** How many messages this process is delivering to each recipient, so that one that is slow holds up nobody else. */
export interface CallbackTraffic {
  /** Recipients that have their share of the lanes. */
  full(): string[];
  during<T>(recipient: string, work: () => Promise<T>): Promise<T>;
}

export function createCallbackTraffic(lanes: number): CallbackTraffic {
  const share = Math.max(1, Math.floor(lanes / 4));
  const underWay = new Map<string, number>();
  return {
    full: () => [...underWay].filter(([, count]) => count >= share).map(([id]) => id),
    async during(recipient, work) {
      underWay.set(recipient, (underWay.get(recipient) ?? 0) + 1);
      try {
        return await work();
      } finally {
        const left = (underWay.get(recipient) ?? 1) - 1;
        if (left === 0) underWay.delete(recipient);
        else underWay.set(recipient, left);
      }
    },
  };
}
