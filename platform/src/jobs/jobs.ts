import type { Transaction } from 'kysely';
import { CompiledQuery } from 'kysely';
import { PgBoss } from 'pg-boss';
import type { Logger } from 'pino';
import { newId } from '../context/ids.ts';
import { currentContext, newContext, withContext } from '../context/request-context.ts';

/** A durable piece of work. Handlers must be idempotent: after a crash the same job runs again. */
export interface JobSpec<D extends object = object> {
  readonly name: string;
  /** Throws to have the job retried with growing delay, until `retryLimit` is used up. */
  readonly handle: (data: D, signal: AbortSignal) => Promise<void>;
  /** Jobs worked on at the same time in this process. */
  readonly concurrency?: number;
  readonly retryLimit?: number;
  /** The longest that one attempt may take; then it is told to end and tried again. */
  readonly expireInSeconds?: number;
  /** Cron expression and IANA time zone, for work that comes back by the clock. */
  readonly schedule?: { readonly cron: string; readonly timeZone: string };
}

export interface SendOptions {
  /** At most one waiting job per key. */
  readonly singletonKey?: string;
  readonly startAfter?: Date;
}

export interface Jobs {
  /** Enqueues a job in the transaction of the change that asks for it. */
  send<DB>(trx: Transaction<DB>, name: string, data: object, options?: SendOptions): Promise<void>;
}

/** A worker says this often, twice over, that it is alive; the jobs of one that died go to another. */
const heartbeatSeconds = 10;

/** A job that is sent wakes the workers; polling is for those that wait for their time or for another try. */
const polling = { batchSize: 1, pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 2 };

interface Envelope {
  readonly correlationId: string;
  readonly traceparent: string;
  readonly data: object;
}

/** Queries of pg-boss inside a Kysely transaction. */
const inside = <DB>(trx: Transaction<DB>) => ({
  executeSql: async (text: string, values: unknown[] = []) => {
    const result = await trx.executeQuery(CompiledQuery.raw(text, values));
    return { rows: result.rows as never[] };
  },
});

export interface RunningJobs extends Jobs {
  /** Creates the queues; call before anything is sent. */
  prepare(jobs: readonly JobSpec[]): Promise<void>;
  /** Begins to work. */
  work(jobs: readonly JobSpec[]): Promise<void>;
  /** Lets running jobs finish for at most `drainMs`, then hands the rest back. */
  stop(drainMs: number): Promise<void>;
}

/** Durable jobs and schedules in a block's own database. */
export function createJobs(connectionString: string, log: Logger): RunningJobs {
  let boss: PgBoss | undefined;
  let stopping = false;
  /** Jobs that shutdown interrupted, and their queues. */
  const interrupted = new Map<string, string>();
  const started = async (): Promise<PgBoss> => {
    if (boss) return boss;
    const created = new PgBoss({
      connectionString,
      schema: 'jobs',
      max: 4,
      application_name: 'jobs',
      useListenNotify: true,
      superviseIntervalSeconds: 10,
      maintenanceIntervalSeconds: 60,
      monitorIntervalSeconds: 10,
    });
    created.on('error', (error) => log.error({ err: error }, 'job queue'));
    await created.start();
    boss = created;
    return created;
  };
  return {
    async send(trx, name, data, options = {}) {
      if (!boss) throw new Error(`job ${name} sent before the queue was prepared`);
      const context = currentContext() ?? newContext();
      const envelope: Envelope = {
        correlationId: context.correlationId,
        traceparent: context.traceparent,
        data,
      };
      await boss.send(name, envelope, {
        db: inside(trx),
        // A `short` queue keeps one waiting job per key; without a key of its own a job must not meet others.
        singletonKey: options.singletonKey ?? newId(),
        ...(options.startAfter === undefined ? {} : { startAfter: options.startAfter }),
      });
    },
    async prepare(jobs) {
      if (jobs.length === 0) return;
      const queue = await started();
      for (const job of jobs) {
        const settings = {
          retryLimit: job.retryLimit ?? 10,
          retryDelay: 2,
          retryBackoff: true,
          retryDelayMax: 3600,
          expireInSeconds: job.expireInSeconds ?? 300,
          heartbeatSeconds,
          notify: true,
        };
        // Creating leaves a queue of an earlier version as it is.
        await queue.createQueue(job.name, { policy: 'short', ...settings });
        await queue.updateQueue(job.name, settings);
        if (job.schedule)
          await queue.schedule(job.name, job.schedule.cron, {}, { tz: job.schedule.timeZone });
        else await queue.unschedule(job.name);
      }
    },
    async work(jobs) {
      const queue = await started();
      const take = async (job: JobSpec): Promise<void> => {
        const worker: string = await queue.work<Partial<Envelope>>(job.name, polling, async ([taken]) => {
          if (!taken) return;
          // What waits behind this job comes right after it.
          queue.notifyWorker(worker);
          const { id, signal } = taken;
          signal.addEventListener('abort', () => stopping && interrupted.set(id, job.name), { once: true });
          const envelope = taken.data ?? {};
          const context = newContext({
            ...(envelope.correlationId ? { correlationId: envelope.correlationId } : {}),
            ...(envelope.traceparent ? { traceparent: envelope.traceparent } : {}),
            signal,
          });
          await withContext(context, () => job.handle(envelope.data ?? {}, signal));
        });
      };
      for (const job of jobs) for (let lane = 0; lane < (job.concurrency ?? 1); lane += 1) await take(job);
    },
    async stop(drainMs) {
      if (!boss) return;
      stopping = true;
      await boss.stop({ graceful: true, timeout: drainMs, close: false });
      // The queue counts an interruption as a failed attempt; it must not be the last one.
      for (const [id, name] of interrupted) await boss.retry(name, id);
      await boss.stop({ close: true });
      boss = undefined;
    },
  };
}
