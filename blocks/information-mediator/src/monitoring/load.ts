import type { ObservedExchange } from '../exchange/observation.ts';
import { succeeded } from './operational-record.ts';

/** What this node has carried in the last minute. */
export interface Load {
  readonly windowSeconds: number;
  readonly exchanges: number;
  readonly failed: number;
  readonly perSecond: number;
  /** Milliseconds; undefined when there was none. Quantiles are right to a tenth of their value. */
  readonly latency:
    | {
        readonly mean: number;
        readonly p50: number;
        readonly p95: number;
        readonly p99: number;
        readonly max: number;
      }
    | undefined;
}

const steps = 12;
const stepMs = 5000;
/** Bounds of the classes of latencies grow by a fifth: 1 ms to more than ten minutes. */
const growth = 1.2;
const classes = 80;
const classOf = (ms: number): number =>
  ms <= 1 ? 0 : Math.min(classes - 1, Math.ceil(Math.log(ms) / Math.log(growth)));

interface Step {
  readonly number: number;
  count: number;
  failed: number;
  sum: number;
  max: number;
  readonly counts: Uint32Array;
}

export function openLoad(now: () => number) {
  const ring: (Step | undefined)[] = [];
  const startedAt = now();
  return {
    observe(exchange: ObservedExchange): void {
      const number = Math.floor(now() / stepMs);
      let step = ring[number % steps];
      if (step?.number !== number) {
        step = { number, count: 0, failed: 0, sum: 0, max: 0, counts: new Uint32Array(classes) };
        ring[number % steps] = step;
      }
      const ms = Math.max(0, exchange.responseOut - exchange.requestIn);
      step.count += 1;
      step.sum += ms;
      step.max = Math.max(step.max, ms);
      if (!succeeded(exchange)) step.failed += 1;
      const index = classOf(ms);
      step.counts[index] = (step.counts[index] ?? 0) + 1;
    },
    current(): Load {
      const oldest = Math.floor(now() / stepMs) - steps + 1;
      const inWindow = ring.filter((step) => step !== undefined && step.number >= oldest) as Step[];
      const sum = (of: (step: Step) => number): number => inWindow.reduce((all, step) => all + of(step), 0);
      const exchanges = sum(({ count }) => count);
      const max = Math.max(0, ...inWindow.map((step) => step.max));
      const quantile = (share: number): number => {
        let left = Math.ceil(exchanges * share);
        for (let index = 0; index < classes; index += 1) {
          left -= sum(({ counts }) => counts[index] ?? 0);
          if (left <= 0) return Math.min(max, Math.round(growth ** index * 10) / 10);
        }
        return max;
      };
      const windowSeconds = Math.min((steps * stepMs) / 1000, Math.max(1, (now() - startedAt) / 1000));
      return {
        windowSeconds: Math.round(windowSeconds),
        exchanges,
        failed: sum(({ failed }) => failed),
        perSecond: Math.round((exchanges / windowSeconds) * 100) / 100,
        latency:
          exchanges === 0
            ? undefined
            : {
                mean: Math.round((sum((step) => step.sum) / exchanges) * 10) / 10,
                p50: quantile(0.5),
                p95: quantile(0.95),
                p99: quantile(0.99),
                max,
              },
      };
    },
  };
}
