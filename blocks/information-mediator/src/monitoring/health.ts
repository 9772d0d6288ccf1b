import type { ObservedExchange } from '../exchange/observation.ts';
import { succeeded } from './operational-record.ts';

/** Smallest, mean, largest and deviation of some values; of none there is none of them. */
export interface Spread {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Sum of the squared distances from the mean (Welford): exact where sums of squares lose digits. */
  readonly squares: number;
}

const nothing: Spread = { count: 0, min: Number.POSITIVE_INFINITY, max: 0, mean: 0, squares: 0 };

const together = (a: Spread, b: Spread): Spread => {
  const count = a.count + b.count;
  if (count === 0) return nothing;
  const distance = b.mean - a.mean;
  return {
    count,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    mean: a.mean + (distance * b.count) / count,
    squares: a.squares + b.squares + (distance ** 2 * a.count * b.count) / count,
  };
};
const one = (value: number): Spread => ({ count: 1, min: value, max: value, mean: value, squares: 0 });

/** What happened to a service in a part of the window. Durations and sizes are of successes only, as in X-Road. */
interface Slot {
  readonly number: number;
  successes: number;
  failures: number;
  duration: Spread;
  requestSize: Spread;
  responseSize: Spread;
}

interface Watched {
  lastSuccess: number | undefined;
  lastFailure: number | undefined;
  readonly slots: (Slot | undefined)[];
}

export interface ServiceHealth extends Omit<Slot, 'number'> {
  readonly service: string;
  /** Milliseconds since 1970; undefined: never since the start. */
  readonly lastSuccess: number | undefined;
  readonly lastFailure: number | undefined;
}

export interface Health {
  readonly startedAt: number;
  readonly windowSeconds: number;
  observe(exchange: ObservedExchange): void;
  /** Services that this server provides and that somebody has called, by name. */
  services(): ServiceHealth[];
}

/** The window moves in this many steps. */
const steps = 60;

/** The state of each service over a window that moves along (IM-6.7-b), in memory, on this node. */
export function openHealth(windowSeconds: number, now: () => Date): Health {
  const stepMs = (windowSeconds * 1000) / steps;
  const watched = new Map<string, Watched>();
  const startedAt = now().getTime();
  const current = (): number => Math.floor(now().getTime() / stepMs);

  function slotOf({ slots }: Watched): Slot {
    const number = current();
    const known = slots[number % steps];
    if (known?.number === number) return known;
    const slot: Slot = {
      number,
      successes: 0,
      failures: 0,
      duration: nothing,
      requestSize: nothing,
      responseSize: nothing,
    };
    slots[number % steps] = slot;
    return slot;
  }

  return {
    startedAt,
    windowSeconds,
    observe(exchange) {
      // Registered services only: what strangers make up must not fill the memory.
      if (exchange.side === 'client' || !exchange.known) return;
      let service = watched.get(exchange.service);
      if (!service) {
        service = { lastSuccess: undefined, lastFailure: undefined, slots: new Array(steps).fill(undefined) };
        watched.set(exchange.service, service);
      }
      const slot = slotOf(service);
      if (!succeeded(exchange)) {
        service.lastFailure = exchange.responseOut;
        slot.failures += 1;
        return;
      }
      service.lastSuccess = exchange.responseOut;
      slot.successes += 1;
      slot.duration = together(slot.duration, one(exchange.responseOut - exchange.requestIn));
      slot.requestSize = together(slot.requestSize, one(exchange.requestSize));
      slot.responseSize = together(slot.responseSize, one(exchange.responseSize));
    },
    services() {
      const oldest = current() - steps + 1;
      return [...watched]
        .map(([service, { lastSuccess, lastFailure, slots }]) => {
          const inWindow = slots.filter((slot) => slot !== undefined && slot.number >= oldest) as Slot[];
          const spread = (of: (slot: Slot) => Spread): Spread => inWindow.map(of).reduce(together, nothing);
          return {
            service,
            lastSuccess,
            lastFailure,
            successes: inWindow.reduce((sum, slot) => sum + slot.successes, 0),
            failures: inWindow.reduce((sum, slot) => sum + slot.failures, 0),
            duration: spread((slot) => slot.duration),
            requestSize: spread((slot) => slot.requestSize),
            responseSize: spread((slot) => slot.responseSize),
          };
        })
        .sort((a, b) => (a.service < b.service ? -1 : 1));
    },
  };
}

/** Standard deviation of all values there were. */
export const deviationOf = ({ count, squares }: Spread): number =>
  count === 0 ? 0 : Math.sqrt(squares / count);
