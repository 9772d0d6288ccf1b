import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

export interface NodeMetrics {
  readonly registry: Registry;
  readonly requests: Histogram<'block' | 'operation' | 'status'>;
  readonly refusals: Counter<'block' | 'status'>;
}

/** Prometheus metrics of one node. */
export function createMetrics(withDefaults: boolean): NodeMetrics {
  const registry = new Registry();
  if (withDefaults) collectDefaultMetrics({ register: registry });
  return {
    registry,
    requests: new Histogram({
      name: 'govstack_request_duration_seconds',
      help: 'Time from a request reaching a block to its answer',
      labelNames: ['block', 'operation', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers: [registry],
    }),
    refusals: new Counter({
      name: 'govstack_refusals_total',
      help: 'Requests answered 401 or 403',
      labelNames: ['block', 'status'],
      registers: [registry],
    }),
  };
}
