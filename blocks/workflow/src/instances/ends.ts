export interface Ends {
  /** Tells whoever waits in this process that an instance has ended. */
  ended(instanceId: string): void;
  /**
   * Waits for the end of an instance, at most `ms`. Answers whether it has ended, by `check`, which also sees what other
   * nodes did.
   */
  wait(instanceId: string, ms: number, signal: AbortSignal, check: () => Promise<boolean>): Promise<boolean>;
}

const lookMs = 500;

/** Waiting for instances to end, for synchronous starts (WF-6.2-f). At most `limit` wait at once. */
export function createEnds(limit: number): Ends {
  const waiting = new Map<string, Set<() => void>>();
  let count = 0;
  return {
    ended(instanceId) {
      for (const wake of waiting.get(instanceId) ?? []) wake();
    },
    async wait(instanceId, ms, signal, check) {
      if (count >= limit) return check();
      count += 1;
      const deadline = Date.now() + ms;
      const own = waiting.get(instanceId) ?? new Set<() => void>();
      waiting.set(instanceId, own);
      let wake = (): void => undefined;
      const listener = (): void => wake();
      own.add(listener);
      signal.addEventListener('abort', listener);
      try {
        for (;;) {
          const turn = new Promise<void>((resolve) => {
            wake = resolve;
          });
          if (await check()) return true;
          const left = deadline - Date.now();
          if (left <= 0 || signal.aborted) return false;
          const timer = setTimeout(() => wake(), Math.min(left, lookMs));
          await turn;
          clearTimeout(timer);
        }
      } finally {
        count -= 1;
        signal.removeEventListener('abort', listener);
        own.delete(listener);
        if (own.size === 0) waiting.delete(instanceId);
      }
    },
  };
}
