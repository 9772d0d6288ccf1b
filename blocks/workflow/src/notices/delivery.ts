import { type Kysely, sql, type Updateable } from 'kysely';
import type { Logger } from 'pino';
import { NotCallable, noAnswer } from '../calls/descriptions.ts';
import { type ConnectionCalls, sendOverConnection } from '../calls/over-connection.ts';
import type { Json } from '../feel/json.ts';
import { mayHave } from '../jobs/turns.ts';
import { plusDuration } from '../model/duration.ts';
import type { WorkflowTables } from '../tables.ts';

export interface DeliveryOptions {
  readonly db: Kysely<WorkflowTables>;
  readonly calls: ConnectionCalls;
  readonly log: Logger;
  readonly now: () => Date;
  /** Pauses before further attempts (ISO 8601); then a notice is given up. */
  readonly retries: readonly string[];
  /** Milliseconds between looks for notices that are due. */
  readonly pollMs: number;
}

export interface Delivery {
  start(): void;
  /** Looks for notices now. */
  wake(): void;
  stop(): Promise<void>;
}

interface Due {
  id: string;
  owner: string;
  connection: string;
  path: string;
  body: Json;
  due_at: string;
  admitted: boolean;
  attempts: number;
}

const lanes = 8;
const timeoutMs = 30_000;
/** Longer than an attempt: a notice whose node has died is taken up by another. */
const leaseMs = 90_000;

/**
 * Tells states of instances: each notice at least once, under one id, those of an instance in order, until the other
 * side has taken it or the pauses are used up. A notice that is given up holds up nobody.
 */
export function createDelivery(options: DeliveryOptions): Delivery {
  const { db, calls, log, now, retries } = options;
  let stopping = false;
  let awake = false;
  let wakeUp = (): void => undefined;
  let looping: Promise<void> | undefined;
  const underWay = new Map<Promise<void>, string>();

  const claim = async (): Promise<Due | undefined> => {
    const at = now();
    const owners = [...underWay.values()];
    const free = lanes - owners.length;
    const full = owners.filter((owner) => !mayHave(owners.filter((one) => one === owner).length, free));
    const { rows } = await sql<Due>`
      update notice
      set due_at = ${new Date(at.getTime() + leaseMs).toISOString()}
      where id = (
        select id
        from notice as due
        where due_at <= ${at.toISOString()}
          and owner <> all (${full}::text[])
          and not exists (
            select
            from notice as earlier
            where earlier.instance_id = due.instance_id
              and earlier.id < due.id
              and earlier.due_at is not null
          )
        order by due_at
        limit 1
        for update skip locked
      )
      returning id, owner, connection, path, body, due_at, admitted, attempts`.execute(db);
    return rows[0];
  };

  /** Changes a notice that nobody else has taken up in the meantime. */
  const settle = (notice: Due, set: Updateable<WorkflowTables['notice']>) =>
    db
      .updateTable('notice')
      .set(set)
      .where('id', '=', notice.id)
      .where('due_at', '=', notice.due_at)
      .execute();

  const failed = async (notice: Due, refusal: string): Promise<void> => {
    const at = now().toISOString();
    const pause = retries[notice.attempts];
    const attempts = notice.attempts + 1;
    if (pause !== undefined) {
      await settle(notice, { due_at: plusDuration(at, pause), attempts, refusal, admitted: false });
      return;
    }
    log.warn({ notice: notice.id, refusal }, 'a notice is given up');
    await settle(notice, { due_at: null, given_up_at: at, attempts, refusal });
  };

  const deliver = async (notice: Due): Promise<void> => {
    const { owner, connection, path, body, id: key, admitted } = notice;
    try {
      const answer = await sendOverConnection(
        { kind: 'http', connection, method: 'POST', path, query: {}, headers: {}, body },
        { owner, key, timeoutMs, admitted },
        calls,
      );
      if ('later' in answer) await settle(notice, { due_at: answer.later, admitted: true });
      else if (answer.status >= 200 && answer.status < 300)
        await db.deleteFrom('notice').where('id', '=', notice.id).execute();
      else await failed(notice, `answered ${answer.status}`);
    } catch (error) {
      if (calls.signal.aborted) await settle(notice, { due_at: now().toISOString() });
      else await failed(notice, error instanceof NotCallable ? error.message : noAnswer(error));
    }
  };

  /** Takes up what is due while a lane is free; each that is done frees one. */
  const look = async (): Promise<void> => {
    while (!stopping && underWay.size < lanes) {
      const notice = await claim();
      if (!notice) return;
      const work = deliver(notice)
        .catch((error: unknown) =>
          log.warn({ err: error }, 'a notice could not be settled; it will be told again'),
        )
        .finally(() => {
          underWay.delete(work);
          delivery.wake();
        });
      underWay.set(work, notice.owner);
    }
  };

  const loop = async (): Promise<void> => {
    while (!stopping) {
      awake = false;
      await look().catch((error: unknown) =>
        log.warn({ err: error }, 'notices cannot be looked for; trying again'),
      );
      if (stopping || awake) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, options.pollMs);
        wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wakeUp = () => undefined;
    }
  };

  const delivery: Delivery = {
    start() {
      looping = loop();
    },
    wake() {
      awake = true;
      wakeUp();
    },
    async stop() {
      stopping = true;
      wakeUp();
      await looping;
      await Promise.all(underWay.keys());
    },
  };
  return delivery;
}
