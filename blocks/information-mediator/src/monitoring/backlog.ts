export interface BacklogOptions<T> {
  /** Items that may wait; the oldest is lost when one more comes. */
  readonly capacity: number;
  /** Items given to `write` at most at once. */
  readonly batch: number;
  /** Milliseconds in which what comes is gathered. */
  readonly everyMs: number;
  /** Milliseconds to wait at most after failures, one after the other. */
  readonly longestPauseMs: number;
  /** Writes a batch, in its order; what it rejects stays and is tried again. */
  readonly write: (batch: readonly T[]) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

/** Items that wait to be written, off the path of what caused them: adding one never waits and never fails. */
export interface Backlog<T> {
  add(item: T): void;
  waiting(): number;
  /** How many were lost because too many waited. */
  lost(): number;
  /** Resolves when what has been added is written, or could not be. */
  flush(): Promise<void>;
  /** Writes what waits, once, and takes nothing more. */
  close(): Promise<void>;
}

export function openBacklog<T>(options: BacklogOptions<T>): Backlog<T> {
  const { capacity, batch, everyMs, longestPauseMs, write, onFailure } = options;
  let items: T[] = [];
  /** Items before this one are written or lost. */
  let first = 0;
  let lost = 0;
  let failures = 0;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  const waiting = (): number => items.length - first;

  function drop(count: number): void {
    first += count;
    if (first < capacity) return;
    items = items.slice(first);
    first = 0;
  }

  async function drain(): Promise<void> {
    while (waiting() > 0) {
      const taken = items.slice(first, first + batch);
      const lostBefore = lost;
      try {
        await write(taken);
      } catch (error) {
        failures += 1;
        onFailure(error);
        return;
      }
      failures = 0;
      // Some of them may have been lost meanwhile, but they are written.
      drop(Math.max(0, taken.length - (lost - lostBefore)));
    }
  }

  function start(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    running ??= drain().finally(() => {
      running = undefined;
      arm();
    });
    return running;
  }

  function arm(): void {
    if (closed || timer || running || waiting() === 0) return;
    timer = setTimeout(start, failures === 0 ? everyMs : Math.min(longestPauseMs, everyMs * 2 ** failures));
    timer.unref();
  }

  return {
    add(item) {
      if (closed) return;
      if (waiting() >= capacity) {
        drop(1);
        lost += 1;
      }
      items.push(item);
      arm();
    },
    waiting,
    lost: () => lost,
    async flush() {
      // What is being written may have begun before the last items came.
      await running;
      if (waiting() > 0) await start();
    },
    async close() {
      closed = true;
      await running;
      await start();
    },
  };
}
