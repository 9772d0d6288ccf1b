import type { Kysely } from 'kysely';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { EngineEvent } from '../execution/event.ts';
import { engineActor } from '../history/actor.ts';
import type { Aftermath, Engine } from '../instances/apply.ts';
import { readEscalation, readReturn } from '../instances/called.ts';
import type { Handover, NewCall } from '../instances/write-jobs.ts';
import { deliverSignals } from '../signals/deliver-signals.ts';
import type { WorkflowTables } from '../tables.ts';
import { createCompletions } from './completions.ts';
import { type LeasedJob, leaseJobs, renew } from './lease.ts';
import { buryDead, enter, type Presence } from './presence.ts';
import { createTurns, mayHave } from './turns.ts';

export interface WorkerOptions {
  readonly db: Kysely<WorkflowTables>;
  readonly pool: pg.Pool;
  readonly engine: Engine;
  readonly log: Logger;
  /** Calls under way at the same time. */
  readonly concurrency: number;
  /** Milliseconds between looks for work of others: timers that come due, jobs of other nodes. */
  readonly pollMs: number;
  /** Milliseconds a lease lasts; longer than any call. */
  readonly leaseMs: number;
  /** Makes the call of a job; never rejects. Undefined: cut off, to be made again. */
  readonly perform: (job: LeasedJob) => Promise<EngineEvent | undefined>;
  readonly onEnded: (instanceId: string) => void;
  /** Starts what starts by itself; runs at every look for work of others. */
  readonly startDue: () => Promise<void>;
  /** Delivers the messages that processes have sent; answers whether there may be more. */
  readonly deliverMessages: () => Promise<boolean>;
  /** Runs now and then: deliveries that crossed each other, expired messages. */
  readonly upkeep: () => Promise<void>;
}

export interface Worker {
  start(): Promise<void>;
  /** Asks the worker to look for jobs now. */
  wake(): void;
  /** Lets a transaction hand new calls to this worker; pass its aftermath to `took`. */
  handover(): Handover | undefined;
  took(aftermath: Aftermath): void;
  /** Signals have been put on their way by someone else than an instance. */
  announce(): void;
  stop(): Promise<void>;
}

/**
 * A job leased this often without any end is suspected of bringing down its worker each time: it is stopped, not
 * repeated for ever. Generous, since workers also die of other things.
 */
const maxLeases = 20;
/** Upkeep runs once in so many looks. */
const looksPerUpkeep = 10;

/** A job that has waited here longer than this is leased anew before it begins: its lease is for the call. */
const longestWaitMs = 30_000;

const toJob = ({ id, row, command }: NewCall, at: Date): LeasedJob => ({
  id,
  kind: 'call',
  instanceId: row.id,
  request: command.request,
  timeoutMs: command.timeoutMs,
  attempts: 0,
  leases: 1,
  owner: row.owner,
  correlationId: row.correlation_id,
  admitted: false,
  leasedAt: at.getTime(),
});

/** What a job that is no call lets happen. */
async function eventOf(db: Kysely<WorkflowTables>, job: LeasedJob): Promise<EngineEvent> {
  if (job.kind === 'timer') return { type: 'triggered', subscriptionId: job.id, payload: null };
  if (job.kind === 'overdue') return { type: 'overdue' };
  if (job.kind === 'escalation') return readEscalation(db, job.id);
  return job.kind === 'stop' ? { type: 'stop' } : readReturn(db, job.id);
}

/**
 * Works the queue of one process: leases due jobs, makes calls concurrently outside any transaction, and lets their
 * answers happen to the instances. At least one call per job, exactly one effect on the instance.
 */
export function createWorker(options: WorkerOptions): Worker {
  const { db, engine, log } = options;
  const actor = engineActor(engine.application);
  const waiting = createTurns<LeasedJob>();
  const underWay = new Map<Promise<void>, string>();
  let presence: Presence | undefined;
  let stopping = false;
  let wakeUp: (() => void) | undefined;
  let awake = false;
  let lastUpkeep = 0;
  let lastStarts = 0;
  let lastSignals = 0;
  let signalsDue = true;
  let messagesDue = false;

  const capacity = (): number => Math.max(0, 2 * options.concurrency - underWay.size - waiting.size);
  const free = (): number => options.concurrency - underWay.size;
  const mayBegin = (owner: string): boolean =>
    mayHave([...underWay.values()].filter((one) => one === owner).length, free());
  const wait = (jobs: readonly LeasedJob[]): void => {
    for (const job of jobs) waiting.add(job.owner, job);
  };
  const until = (): string => new Date(engine.now().getTime() + options.leaseMs).toISOString();

  const worker: Worker = {
    wake() {
      awake = true;
      wakeUp?.();
    },
    handover() {
      if (stopping || !presence?.present()) return undefined;
      return { workerId: presence.workerId, until: until(), capacity: capacity() };
    },
    took(aftermath) {
      const at = engine.now();
      wait(aftermath.calls.map((call) => toJob(call, at)));
      for (const id of aftermath.ended) options.onEnded(id);
      for (const incident of aftermath.incidents)
        log.warn(incident, 'an instance cannot go on without an operator');
      begin();
      signalsDue ||= aftermath.signals;
      messagesDue ||= aftermath.messages;
      if (aftermath.moreJobs || aftermath.signals || aftermath.messages) worker.wake();
    },
    announce() {
      signalsDue = true;
      worker.wake();
    },
    async start() {
      await buryDead(db);
      presence = await enter(options.pool, engine.now().toISOString());
      looping = loop();
    },
    async stop() {
      stopping = true;
      worker.wake();
      await looping;
      await Promise.all(underWay.keys());
      await completions.drained();
      await presence?.leave();
    },
  };

  const completions = createCompletions({
    db,
    engine,
    log,
    batchSize: 50,
    handover: worker.handover,
    after: worker.took,
  });

  const isOurs = async (job: LeasedJob): Promise<boolean> => {
    // The distance, so that a clock set back takes nothing for fresh.
    if (Math.abs(engine.now().getTime() - job.leasedAt) <= longestWaitMs) return true;
    try {
      return presence !== undefined && (await renew(db, job.id, presence.workerId, until()));
    } catch (error) {
      // Whoever finds its lease ended takes it up.
      log.warn({ err: error }, 'a job could not be leased anew');
      return false;
    }
  };

  const perform = async (job: LeasedJob): Promise<void> => {
    if (!(await isOurs(job))) return;
    const event: EngineEvent | undefined =
      job.leases > maxLeases
        ? {
            type: 'jobFailed',
            jobId: job.id,
            attempt: job.attempts + 1,
            message: `the call was begun ${maxLeases} times and never ended`,
            temporary: false,
          }
        : await options.perform(job);
    if (event) completions.add({ instanceId: job.instanceId, event, actor });
  };

  /** Begins calls while there is room; each that ends makes room for the next. */
  function begin(): void {
    while (!stopping && free() > 0) {
      const job = waiting.take(mayBegin);
      if (!job) break;
      const work = perform(job).finally(() => {
        underWay.delete(work);
        begin();
        if (capacity() >= options.concurrency) worker.wake();
      });
      underWay.set(work, job.owner);
    }
  }

  const look = async (): Promise<boolean> => {
    if (!presence?.present()) {
      await presence?.leave().catch(() => undefined);
      presence = await enter(options.pool, engine.now().toISOString());
    }
    const now = engine.now();
    // The distance, so that a clock set back stops nothing.
    if (Math.abs(now.getTime() - lastUpkeep) >= looksPerUpkeep * options.pollMs) {
      lastUpkeep = now.getTime();
      await buryDead(db);
      await options.upkeep();
    }
    // Signals of this process are known of; those of others are looked for now and then.
    let more = false;
    if (signalsDue || Math.abs(now.getTime() - lastSignals) >= options.pollMs) {
      lastSignals = now.getTime();
      signalsDue = false;
      more = await deliverSignals({ db, engine, log, handover: worker.handover, after: worker.took });
      signalsDue ||= more;
    }
    if (messagesDue) {
      messagesDue = false;
      messagesDue = (await options.deliverMessages()) || messagesDue;
      more ||= messagesDue;
    }
    if (Math.abs(now.getTime() - lastStarts) >= options.pollMs) {
      lastStarts = now.getTime();
      await options.startDue();
    }
    // Who has calls here that may not begin yet gets no more of them; the others find room.
    const full = waiting.owners().filter((owner) => !mayBegin(owner));
    const room = full.length === 0 ? capacity() : Math.max(free(), capacity());
    if (room === 0) return more;
    const jobs = await leaseJobs(db, presence.workerId, now, until(), room, full);
    wait(jobs.filter((job) => job.kind === 'call'));
    begin();
    for (const job of jobs.filter((one) => one.kind !== 'call')) {
      const { instanceId, id: jobId } = job;
      try {
        completions.add({ instanceId, event: await eventOf(db, job), actor, jobId });
      } catch (error) {
        // The others go on; this one is taken up again.
        log.warn({ err: error }, 'a job could not be read');
        await db
          .updateTable('job')
          .set({ locked_by: null, locked_until: null })
          .where('id', '=', jobId)
          .execute()
          .catch(() => undefined);
      }
    }
    return more || jobs.length === room;
  };

  const loop = async (): Promise<void> => {
    for (let failures = 0; !stopping; ) {
      awake = false;
      let more = false;
      try {
        more = await look();
        failures = 0;
      } catch (error) {
        failures += 1;
        log.warn({ err: error, failures }, 'jobs cannot be looked for; trying again');
      }
      if (stopping || awake || more) continue;
      const ms = failures > 0 ? Math.min(5_000, options.pollMs * 2 ** failures) : options.pollMs;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wakeUp = undefined;
    }
  };

  let looping: Promise<void> | undefined;
  return worker;
}
