import { transaction } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import type { Aftermath, Engine, Happening } from '../instances/apply.ts';
import { applyEvents } from '../instances/apply.ts';
import type { Handover } from '../instances/write-jobs.ts';
import type { WorkflowTables } from '../tables.ts';

export interface Completions {
  add(happening: Happening): void;
  /** Resolves when everything added so far is written or given up on. */
  drained(): Promise<void>;
}

export interface CompletionsOptions {
  readonly db: Kysely<WorkflowTables>;
  readonly engine: Engine;
  readonly log: Logger;
  readonly batchSize: number;
  /** What the worker can take over in the transaction that makes it. */
  readonly handover: () => Handover | undefined;
  readonly after: (aftermath: Aftermath) => void;
}

/** Whether the database itself is in trouble, so that the same transaction may work later. */
export function isOutage(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  return code !== undefined && (/^(08|53|57|40)/.test(code) || /^E[A-Z]+$/.test(code));
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Writes what has happened, as many events per transaction as have come in while the last one was being written: one
 * commit for many instances under load, no delay without it.
 */
export function createCompletions(options: CompletionsOptions): Completions {
  const { db, engine, log } = options;
  const queue: Happening[] = [];
  let writing: Promise<void> | undefined;

  const write = (batch: readonly Happening[]): Promise<Aftermath> =>
    transaction(db, (trx) => applyEvents(trx, engine, batch, options.handover()));

  /** An event that cannot be written must not come back for ever: it becomes an incident that says so. */
  const giveUp = async (happening: Happening, error: unknown): Promise<void> => {
    const { event, instanceId } = happening;
    log.error({ err: error, instanceId, event: event.type }, 'an event could not be written');
    if (event.type !== 'jobAnswered' && event.type !== 'jobThrew' && event.type !== 'jobFailed') return;
    const message = 'the answer could not be processed';
    options.after(
      await write([
        {
          ...happening,
          event: { type: 'jobFailed', jobId: event.jobId, attempt: event.attempt, message, temporary: false },
        },
      ]),
    );
  };

  const writeOneByOne = async (batch: readonly Happening[]): Promise<void> => {
    for (const happening of batch) {
      try {
        options.after(await write([happening]));
      } catch (error) {
        if (isOutage(error)) throw error;
        await giveUp(happening, error);
      }
    }
  };

  const run = async (): Promise<void> => {
    for (let failures = 0; queue.length > 0; ) {
      const batch = queue.slice(0, options.batchSize);
      try {
        options.after(await write(batch));
        queue.splice(0, batch.length);
        failures = 0;
      } catch (error) {
        if (!isOutage(error)) {
          await writeOneByOne(batch).catch((cause) =>
            log.error({ err: cause }, 'events could not be written'),
          );
          queue.splice(0, batch.length);
        } else {
          failures += 1;
          log.warn({ err: error, failures }, 'the database does not take events; trying again');
          // Leases outlast short outages; after a long one the calls are made again under the same keys.
          if (failures > 30) queue.splice(0, batch.length);
          await pause(Math.min(5_000, 100 * 2 ** failures));
        }
      }
    }
  };

  const begin = (): void => {
    writing ??= Promise.resolve()
      .then(run)
      .finally(() => {
        writing = undefined;
        if (queue.length > 0) begin();
      });
  };

  return {
    add(happening) {
      queue.push(happening);
      begin();
    },
    async drained() {
      while (writing) await writing;
    },
  };
}
