import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Runs `ask` every 50 ms until stopped; answers how long each took, in milliseconds. */
export function startProbe(ask: () => Promise<unknown>): { stop(): Promise<number[]> } {
  const seen: number[] = [];
  const waiting = new Set<Promise<void>>();
  let stopped = false;
  const loop = async (): Promise<void> => {
    let due = performance.now();
    while (!stopped) {
      // Counted from when it was due: a process that is busy delays the question itself.
      const asked = due;
      const one = ask().then(() => void seen.push(performance.now() - asked));
      waiting.add(one);
      void one.finally(() => waiting.delete(one));
      due = Math.max(due + 50, performance.now() - 50);
      await delay(Math.max(0, due - performance.now()));
    }
  };
  const running = loop();
  return {
    async stop() {
      stopped = true;
      await running;
      await Promise.all(waiting);
      return seen;
    },
  };
}

/** Most memory of this process, in bytes, looked at every 20 ms. */
export function watchMemory(): { stop(): number } {
  let most = process.memoryUsage.rss();
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 20);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}

export const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ??
  Number.NaN;

/** Processor seconds a PostgreSQL has used: its postmaster, the backends it has now, and those that have ended (Linux). */
export function databaseSeconds(directory: string): number {
  const postmaster = Number(readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n')[0]);
  const numbers = (pid: number): number[] => {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
  };
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ');
  const ticks = [postmaster, ...children.map(Number)].map((pid) => {
    try {
      const [, , , , , , , , , , , user = 0, system = 0, endedUser = 0, endedSystem = 0] = numbers(pid);
      return user + system + (pid === postmaster ? endedUser + endedSystem : 0);
    } catch {
      return 0;
    }
  });
  return ticks.reduce((sum, one) => sum + one, 0) / 100;
}
