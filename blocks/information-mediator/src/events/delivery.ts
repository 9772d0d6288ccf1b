import { newContext, withContext } from '@govstack/platform';
import type { CloudEvent } from '@govstack/platform/operation';
import { type Kysely, sql } from 'kysely';
import type { Logger } from 'pino';
import { bodyOf } from '../exchange/body.ts';
import type { CarryOut } from '../exchange/exchange.ts';
import { headerValue } from '../exchange/headers.ts';
import type { MediatorTables } from '../tables.ts';

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

interface Due {
  seq: string;
  source: string;
  event_id: string;
  event_type: string;
  subscriber: string;
  attempts: number;
  document: CloudEvent;
}

const pollMs = 500;
const inFlight = 32;
/** Taken at a time; a subscriber with as many under way gets no more, so that a slow one cannot hold up the others. */
const share = 8;

/**
 * Takes due deliveries for this node. Of those with the same ordering key only the first that is not yet delivered or
 * dead is due: the next one waits for it, whichever node delivers it.
 */
async function lease(
  db: Kysely<MediatorTables>,
  leaseMs: number,
  busySubscribers: readonly string[],
): Promise<Due[]> {
  const { rows } = await sql<Due>`
    with due as (
      select seq
      from delivery d
      where state = 'waiting' and next_at <= now()
        and subscriber <> all(${[...busySubscribers]}::text[])
        and (ordering_key is null or not exists (
          select from delivery earlier
          where earlier.subscriber = d.subscriber and earlier.ordering_key = d.ordering_key
            and earlier.state = 'waiting' and earlier.seq < d.seq
        ))
      order by next_at, seq
      limit ${share}
      for update skip locked
    )
    update delivery d
    set attempts = d.attempts + 1, next_at = now() + make_interval(secs => ${leaseMs / 1000})
    from due, event e
    where d.seq = due.seq and e.source = d.source and e.id = d.event_id
    returning d.seq, d.source, d.event_id, d.event_type, d.subscriber, d.attempts, e.document`.execute(db);
  return rows;
}

export interface Delivery {
  /** Looks for due deliveries now. */
  wake(): void;
  /** Takes no more, waits for the attempts under way. */
  stop(): Promise<void>;
}

/** Delivers waiting events until stopped: at least once each, with growing delay, then set aside as dead. */
export function startDelivery(
  db: Kysely<MediatorTables>,
  carry: CarryOut,
  policy: RetryPolicy,
  log: Logger,
  observe: (outcome: 'delivered' | 'failed' | 'dead') => void,
): Delivery {
  let stopped = false;
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
      correlationId: due.document.correlationid,
      traceparent: due.document.traceparent,
    });
    const response = await withContext(context, () =>
      carry(
        {
          client: due.source,
          operator: undefined,
          service: `${due.subscriber}/events-v1`,
          method: 'POST',
          path: '/events',
          headers: [
            ['Content-Type', 'application/json'],
            ['X-Correlation-Id', context.correlationId],
            ['Traceparent', context.traceparent],
          ],
          body: bodyOf(Buffer.from(JSON.stringify(due.document))),
          signal: undefined,
        },
        `subscription ${due.event_type}`,
      ),
    );
    const error = headerValue(response.headers, 'x-road-error');
    const delivered = response.status >= 200 && response.status < 300;
    const outcome = delivered ? 'delivered' : due.attempts >= policy.attempts ? 'dead' : 'failed';
    const delay = Math.min(policy.maxDelayMs, policy.delayMs * policy.multiplier ** (due.attempts - 1));
    await sql`
      update delivery
      set state = ${outcome === 'failed' ? 'waiting' : outcome},
        next_at = now() + make_interval(secs => ${delay / 1000}),
        delivered_at = ${delivered ? new Date() : null},
        last_error = ${delivered ? null : `${response.status} ${error ?? ''}`.trim()}
      where seq = ${due.seq} and state = 'waiting'`.execute(db);
    observe(outcome);
    if (outcome !== 'delivered')
      log[outcome === 'dead' ? 'error' : 'warn'](
        { event: due.event_id, subscriber: due.subscriber, attempts: due.attempts, status: response.status },
        outcome === 'dead' ? 'an event could not be delivered' : 'a delivery failed, it will be tried again',
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
        const busy = [...underWay].filter(([, count]) => count >= share).map(([subscriber]) => subscriber);
        const due = attempts.size + share > inFlight ? [] : await lease(db, policy.leaseMs, busy);
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
      await Promise.all(attempts);
    },
  };
}
