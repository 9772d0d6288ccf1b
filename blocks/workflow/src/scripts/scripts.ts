import { Worker } from 'node:worker_threads';
import { createTurns } from '../jobs/turns.ts';
import type { Script, ScriptLimits, ScriptOutcome } from './sandbox.ts';
import type { Task } from './script-thread.ts';

export interface Scripts {
  /** Runs a script when a thread is free. Rejects when the threads are stopped, cannot be started, or too many wait. */
  run(script: Script): Promise<ScriptOutcome>;
  stop(): Promise<void>;
}

interface Waiting {
  readonly task: Task;
  readonly resolve: (outcome: ScriptOutcome) => void;
  readonly reject: (error: Error) => void;
}

/** What some built-in functions cannot be interrupted in: the thread is ended this much after the time is over. */
const graceMs = 500;
const mostWaiting = 2000;
const program = new URL('./script-thread.ts', import.meta.url);

/** A thread that is ready for scripts. It knows nothing of the environment. */
const begin = (): Promise<Worker> =>
  new Promise((resolve, reject) => {
    const thread = new Worker(program, {
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 128 },
    });
    // Whatever becomes of a thread, the node goes on.
    thread.on('error', () => undefined);
    const failed = (): void => reject(new Error('a thread for scripts could not begin'));
    thread.once('exit', failed);
    thread.once('message', () => {
      thread.off('exit', failed);
      resolve(thread);
    });
  });

/** Threads that do tasks, so many at a time, each within so many milliseconds. */
function createThreads(threads: number, timeMs: number) {
  const queue = createTurns<Waiting>();
  let busy = 0;
  const idle: Worker[] = [];
  const living = new Set<Worker>();
  let stopped = false;

  const forget = (thread: Worker): void => {
    living.delete(thread);
    const index = idle.indexOf(thread);
    if (index >= 0) idle.splice(index, 1);
  };

  const newThread = async (): Promise<Worker> => {
    const thread = await begin();
    living.add(thread);
    thread.once('exit', () => forget(thread));
    if (stopped) await thread.terminate();
    return thread;
  };

  const runOn = (thread: Worker, task: Task): Promise<ScriptOutcome> =>
    new Promise((resolve) => {
      const end = (outcome: ScriptOutcome, whole: boolean): void => {
        clearTimeout(timer);
        thread.off('message', take).off('exit', broken);
        thread.unref();
        if (whole) idle.push(thread);
        else {
          forget(thread);
          void thread.terminate();
        }
        resolve(outcome);
      };
      const take = (outcome: ScriptOutcome): void => end(outcome, true);
      const broken = (): void =>
        end({ kind: 'limit', message: 'the script was too much for its sandbox' }, false);
      const timer = setTimeout(
        () => end({ kind: 'limit', message: `the script took longer than ${timeMs} ms` }, false),
        timeMs + graceMs,
      );
      thread.ref();
      thread.on('message', take).on('exit', broken);
      thread.postMessage(task);
    });

  const work = async ({ task, resolve, reject }: Waiting): Promise<void> => {
    busy += 1;
    try {
      const thread = idle.pop() ?? (await newThread());
      if (stopped) throw new Error('the threads for scripts are stopped');
      resolve(await runOn(thread, task));
    } catch (error) {
      reject(error as Error);
    } finally {
      busy -= 1;
      next();
    }
  };

  function next(): void {
    while (busy < threads) {
      const one = queue.take();
      if (!one) return;
      void work(one);
    }
  }

  return {
    run: (owner: string, task: Task): Promise<ScriptOutcome> =>
      new Promise((resolve, reject) => {
        if (stopped) return reject(new Error('the threads for scripts are stopped'));
        if (queue.size >= mostWaiting) return reject(new Error('too many scripts are waiting'));
        queue.add(owner, { task, resolve, reject });
        next();
      }),
    async stop() {
      stopped = true;
      for (const one of queue.clear()) one.reject(new Error('the threads for scripts are stopped'));
      await Promise.all([...living].map((thread) => thread.terminate()));
    },
  };
}

/**
 * Runs scripts in threads beside the event loop of the node, which a long one does not hold up. A thread that a script
 * has worn out, or that does not come back in time, is ended, and another takes its place.
 */
export function createScripts(count: number, limits: ScriptLimits): Scripts {
  const threads = createThreads(count, limits.timeMs);
  return {
    run: (script) => threads.run(script.owner, { script, limits }),
    stop: () => threads.stop(),
  };
}

let compiling: ReturnType<typeof createThreads> | undefined;

/** What is wrong with the syntax of a script; undefined: nothing. It is compiled, beside the event loop, and not run. */
export async function checkSyntax(code: string): Promise<string | undefined> {
  compiling ??= createThreads(1, 5_000);
  const outcome = await compiling.run('', { code });
  return outcome.kind === 'result' ? undefined : 'message' in outcome ? outcome.message : undefined;
}
