import type { Logger } from 'pino';

export interface WorkLoop {
  readonly name: string;
  /** Steps running at the same time. */
  readonly lanes: number;
  /** Does one piece of work; answers whether there was any. */
  readonly step: () => Promise<boolean>;
}

export interface Engine {
  start(): void;
  /** There may be work: look now. */
  wake(): void;
  /** Lets running steps finish. */
  stop(): Promise<void>;
}

/**
 * Runs loops over work that waits in the database. A lane that finds work wakes the others and goes on; one that finds
 * none sleeps until woken or until the next poll, which finds what another process or a crash left behind.
 */
export function createEngine(loops: readonly WorkLoop[], pollMs: number, log: Logger): Engine {
  let stopped = false;
  let sleepers: (() => void)[] = [];
  let running: Promise<void>[] = [];
  let wakes = 0;
  const wake = (): void => {
    wakes += 1;
    const awakened = sleepers;
    sleepers = [];
    for (const go of awakened) go();
  };
  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      sleepers.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  const lane = async (loop: WorkLoop, index: number): Promise<void> => {
    let faults = 0;
    while (!stopped) {
      const before = wakes;
      try {
        if (await loop.step()) {
          faults = 0;
          if (loop.lanes > 1 && index === 0) wake();
          continue;
        }
        faults = 0;
      } catch (error) {
        faults += 1;
        log.error(
          { err: error, loop: loop.name },
          'a step of the payment engine failed; it will be repeated',
        );
      }
      if (stopped) return;
      // The first lane polls often; the others stand by for when it is held up.
      if (faults > 0) await sleep(Math.min(30_000, pollMs * 2 ** Math.min(faults, 6)));
      else if (wakes === before) await sleep(index === 0 ? pollMs : pollMs * (4 + index));
    }
  };
  return {
    start() {
      running = loops.flatMap((loop) => Array.from({ length: loop.lanes }, (_, index) => lane(loop, index)));
    },
    wake,
    async stop() {
      stopped = true;
      wake();
      await Promise.all(running);
    },
  };
}
