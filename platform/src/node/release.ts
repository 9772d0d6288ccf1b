import { setTimeout as delay } from 'node:timers/promises';

/** Releases one thing after the other; one that fails does not keep the rest. Throws what failed when all is done. */
export async function releaseAll(steps: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, 'several things could not be released');
}

/** The outcome of `work`, or an error when it takes longer. */
export async function within<T>(milliseconds: number, work: Promise<T>, what: string): Promise<T> {
  const settled = new AbortController();
  const late = delay(milliseconds, undefined, { signal: settled.signal }).then(() => {
    throw new Error(`${what} took longer than ${milliseconds} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    settled.abort();
  }
}
