import { fetch } from 'undici';
import type { SigningKey } from '../durable/signing-key.ts';
import { type Destination, type Notice, postingOf } from './notice.ts';

export interface DeliveryOptions {
  readonly key: SigningKey;
  readonly destination: Destination;
  /** Called once for each notice that was taken (2xx) or given up. */
  readonly finished: (eventId: string, outcome: 'delivered' | 'given-up') => void;
  /** Wait before the second attempt; it doubles up to a minute. */
  readonly firstRetryMs?: number;
}

export interface Delivery {
  /** Hands a notice over; it is sent until somebody takes it, for three days. `repeated`: it is sent once more. */
  send(notice: Notice, options?: { readonly delayMs?: number; readonly repeated?: boolean }): void;
  /** Changes the address, and tries it at once for everything that is waiting. */
  redirect(url: string): void;
  /** Notices that nobody has taken yet. */
  pending(): number;
  stop(): Promise<void>;
}

interface Entry {
  readonly notice: Notice;
  readonly since: number;
  attempts: number;
  repeated: boolean;
}

const giveUpMs = 3 * 86_400_000;
const longestWaitMs = 60_000;
const answerTimeoutMs = 15_000;
const lanes = 8;

/** Sends notices at least once, several at a time and in no promised order. */
export function startDelivery(options: DeliveryOptions): Delivery {
  const { key, finished, firstRetryMs = 200 } = options;
  let destination = options.destination;
  let stopped = false;
  const delayed = new Map<Entry, NodeJS.Timeout>();
  const retries = new Map<Entry, NodeJS.Timeout>();
  const ready: Entry[] = [];
  const running = new Map<Promise<void>, AbortController>();

  const later = (where: Map<Entry, NodeJS.Timeout>, entry: Entry, ms: number): void => {
    const timer = setTimeout(() => {
      where.delete(entry);
      ready.push(entry);
      work();
    }, ms);
    where.set(entry, timer);
  };
  const post = async (notice: Notice, stop: AbortController): Promise<boolean> => {
    const timer = setTimeout(() => stop.abort(), answerTimeoutMs);
    try {
      const posting = await postingOf(notice, destination, key);
      if (!posting) return false;
      const response = await fetch(posting.url, {
        method: 'POST',
        headers: posting.headers,
        body: posting.body,
        redirect: 'manual',
        signal: stop.signal,
      });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  };
  const attempt = async (entry: Entry, stop: AbortController): Promise<void> => {
    entry.attempts++;
    const taken = await post(entry.notice, stop);
    if (stopped) return;
    if (taken && entry.repeated) {
      entry.repeated = false;
      ready.push(entry);
    } else if (taken) finished(entry.notice.eventId, 'delivered');
    else if (Date.now() - entry.since > giveUpMs) finished(entry.notice.eventId, 'given-up');
    else {
      const wait = Math.min(longestWaitMs, firstRetryMs * 2 ** Math.min(entry.attempts - 1, 20));
      later(retries, entry, wait * (0.5 + Math.random() / 2));
    }
  };
  const work = (): void => {
    while (!stopped && running.size < lanes) {
      const entry = ready.shift();
      if (!entry) return;
      const stop = new AbortController();
      const run = attempt(entry, stop).finally(() => {
        running.delete(run);
        work();
      });
      running.set(run, stop);
    }
  };
  return {
    send(notice, { delayMs = 0, repeated = false } = {}) {
      const entry = { notice, since: Date.now(), attempts: 0, repeated };
      if (delayMs > 0) return later(delayed, entry, delayMs);
      ready.push(entry);
      work();
    },
    redirect(url) {
      destination = { ...destination, url };
      for (const [entry, timer] of retries) {
        clearTimeout(timer);
        ready.push(entry);
      }
      retries.clear();
      work();
    },
    pending: () => delayed.size + retries.size + ready.length + running.size,
    async stop() {
      stopped = true;
      for (const timer of [...delayed.values(), ...retries.values()]) clearTimeout(timer);
      for (const stop of running.values()) stop.abort();
      await Promise.all(running.keys());
    },
  };
}
