import { newContext, withContext } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { bodyOf } from '../exchange/body.ts';
import type { CarryOut } from '../exchange/exchange.ts';
import type { MediatorTables } from '../tables.ts';
import { type Due, expire, giveBack, lease, retryDefault, settle } from './due.ts';
import { messageOf } from './message.ts';
import { judge } from './outcome.ts';

export interface RetryPolicy {
  /** Attempts after which a delivery is set aside as dead. */
  readonly attempts: number;
  /** Milliseconds before the second attempt. */
  readonly delayMs: number;
  /** How much longer each wait is than the one before. */
  readonly multiplier: number;
  readonly maxDelayMs: number;
  /** A node that dies while it delivers loses what it holds to another one after this long. */
  readonly leaseMs: number;
}

const pollMs = 500;
const inFlight = 32;
/** Taken at a time; a subscriber with as many under way gets no more, so that a slow one cannot hold up the others. */
const share = 8;
/** Milliseconds that attempts under way get to end when deliveries are stopped. */
const graceMs = 2_000;

export interface Delivery {
  /** Looks for due deliveries now. */
  wake(): void;
  /** Takes no more, and gives the attempts under way a moment to end; what is broken off is delivered later. */
  stop(): Promise<void>;
}

/** Delivers waiting events until stopped: at least once each, with growing delay, then set aside as dead. */
export function startDelivery(
  db: Kysely<MediatorTables>,
  carry: CarryOut,
  policy: RetryPolicy,
  log: Logger,
  /** What a subscription to a room needs: its secret, and whether its subscriber may still have events. */
  rooms: {
    readonly secretOf: (sealed: Buffer, context: string) => Buffer;
    readonly entitled: (room: string, eventType: string, subscriber: string) => boolean;
  },
  observe: (outcome: 'delivered' | 'failed' | 'dead') => void,
): Delivery {
  const ending = new AbortController();
  let stopped = false;
  let expiryDue = 0;
  let woken = false;
  let wakeUp: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (woken || stopped) return resolve();
      wakeUp = resolve;
      timer = setTimeout(resolve, ms);
    });

  async function attempt(due: Due): Promise<void> {
    const context = newContext({
      correlationId: due.document.correlationid as string | undefined,
      traceparent: due.document.traceparent as string | undefined,
    });
    if (due.publisher !== null && !rooms.entitled(due.source, due.event_type, due.subscriber)) {
      const error = 'the subscriber has no right to subscribe any more';
      await settle(db, due, { state: 'dead', status: 403, error, delay: 0, suspend: false });
      return observe('dead');
    }
    const { service, path, headers, body } = messageOf(due, context, rooms.secretOf);
    const response = await withContext(context, () =>
      carry(
        {
          client: due.source,
          operator: undefined,
          service,
          method: 'POST',
          path,
          headers,
          body: bodyOf(body),
          signal: ending.signal,
        },
        `subscription ${due.event_type}`,
      ),
    );
    response.body.release();
    // What was broken off here says nothing about the subscriber.
    if (ending.signal.aborted) return giveBack(db, due);
    const outcome = judge(due, response, { ...policy, ...(await retryDefault(db)), ...due.retry });
    await settle(db, due, outcome);
    observe(outcome.state === 'waiting' ? 'failed' : outcome.state);
    if (outcome.state !== 'delivered')
      log[outcome.state === 'dead' ? 'error' : 'warn'](
        { event: due.event_id, subscriber: due.subscriber, attempts: due.attempts, status: response.status },
        outcome.state === 'dead'
          ? 'an event could not be delivered'
          : 'a delivery failed, it will be tried again',
      );
  }

  const underWay = new Map<string, number>();
  const attempts = new Set<Promise<void>>();
  const count = (subscriber: string, by: 1 | -1): void => {
    underWay.set(subscriber, (underWay.get(subscriber) ?? 0) + by);
  };
  const wake = (): void => {
    woken = true;
    wakeUp?.();
  };

  function begin(due: Due): void {
    count(due.subscriber, 1);
    const running = attempt(due)
      .catch((error: unknown) =>
        log.warn({ err: error, event: due.event_id }, 'a delivery broke off, it will be tried again'),
      )
      .finally(() => {
        count(due.subscriber, -1);
        attempts.delete(running);
        wake();
      });
    attempts.add(running);
  }

  async function loop(): Promise<void> {
    while (!stopped) {
      try {
        woken = false;
        if (performance.now() >= expiryDue) {
          await expire(db);
          expiryDue = performance.now() + pollMs;
        }
        const busy = [...underWay].filter(([, count]) => count >= share).map(([subscriber]) => subscriber);
        const due = attempts.size + share > inFlight ? [] : await lease(db, policy.leaseMs, busy, share);
        for (const one of due) begin(one);
        if (due.length === 0) await pause(pollMs);
      } catch (error) {
        if (stopped) return;
        log.warn({ err: error }, 'deliveries could not be read');
        await pause(2000);
      }
    }
  }
  const running = loop();
  return {
    wake,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      wakeUp?.();
      await running;
      const grace = setTimeout(() => ending.abort(), graceMs);
      await Promise.all(attempts);
      clearTimeout(grace);
    },
  };
}
