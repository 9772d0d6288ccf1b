import { Worker } from 'node:worker_threads';
import type { Script, ScriptLimits, ScriptOutcome } from './sandbox.ts';
import type { Task } from './script-thread.ts';

export interface Scripts {
  /** Runs a script when a thread is free. Rejects when the threads are stopped, or cannot be started. */
  run(script: Script): Promise<ScriptOutcome>;
  stop(): Promise<void>;
}

interface Waiting {
  readonly script: Script;
  readonly resolve: (outcome: ScriptOutcome) => void;
  readonly reject: (error: Error) => void;
}

/** What some built-in functions cannot be interrupted in: the thread is ended this much after the time is over. */
const graceMs = 500;
const program = new URL('./script-thread.ts', import.meta.url);

/** A thread that is ready for scripts. It knows nothing of the environment. */
const begin = (): Promise<Worker> =>
  new Promise((resolve, reject) => {
    const thread = new Worker(program, {
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 128 },
    });
    thread.unref();
    const failed = (): void => reject(new Error('a thread for scripts could not begin'));
    thread.once('error', failed).once('exit', failed);
    thread.once('message', () => {
      thread.off('error', failed).off('exit', failed);
      resolve(thread);
    });
  });

/**
 * Runs scripts in threads beside the event loop of the node, which a long one does not hold up. A thread that a script
 * has worn out, or that does not come back in time, is ended, and another takes its place.
 */
export function createScripts(threads: number, limits: ScriptLimits): Scripts {
  const queue: Waiting[] = [];
  const idle: Worker[] = [];
  const living = new Set<Worker>();
  let busy = 0;
  let stopped = false;

  const runOn = (thread: Worker, script: Script): Promise<ScriptOutcome> =>
    new Promise((resolve) => {
      const end = (outcome: ScriptOutcome, whole: boolean): void => {
        clearTimeout(timer);
        thread.off('message', take).off('error', broken).off('exit', broken);
        if (whole) idle.push(thread);
        else {
          living.delete(thread);
          thread.on('error', () => undefined);
          void thread.terminate();
        }
        resolve(outcome);
      };
      const take = (outcome: ScriptOutcome): void => end(outcome, true);
      const broken = (): void =>
        end({ kind: 'limit', message: 'the script was too much for its sandbox' }, false);
      const timer = setTimeout(
        () => end({ kind: 'limit', message: `the script took longer than ${limits.timeMs} ms` }, false),
        limits.timeMs + graceMs,
      );
      thread.on('message', take).on('error', broken).on('exit', broken);
      thread.postMessage({ script, limits } satisfies Task);
    });

  const work = async ({ script, resolve, reject }: Waiting): Promise<void> => {
    busy += 1;
    try {
      const thread = idle.pop() ?? (await begin());
      living.add(thread);
      if (stopped) throw new Error('the threads for scripts are stopped');
      resolve(await runOn(thread, script));
    } catch (error) {
      reject(error as Error);
    } finally {
      busy -= 1;
      next();
    }
  };

  function next(): void {
    while (busy < threads) {
      const one = queue.shift();
      if (!one) return;
      void work(one);
    }
  }

  return {
    run(script) {
      return new Promise((resolve, reject) => {
        if (stopped) {
          reject(new Error('the threads for scripts are stopped'));
          return;
        }
        queue.push({ script, resolve, reject });
        next();
      });
    },
    async stop() {
      stopped = true;
      for (const one of queue.splice(0)) one.reject(new Error('the threads for scripts are stopped'));
      await Promise.all([...living].map((thread) => thread.terminate()));
    },
  };
}
