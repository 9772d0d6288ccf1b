import { Counter, Gauge, type Registry } from 'prom-client';
import type { Health } from './health.ts';

export interface WatchedBacklog {
  readonly waiting: () => number;
  readonly lost: () => number;
}

/** Health of services and the state of monitoring itself, for external monitors (IM-6.7-c). */
export function watchMonitoring(registry: Registry, health: Health, records: WatchedBacklog): void {
  const registers = [registry];
  new Gauge({
    name: 'govstack_service_window_requests',
    help: 'Requests to a service in the window of its health data',
    labelNames: ['service', 'outcome'] as const,
    registers,
    collect() {
      this.reset();
      for (const { service, successes, failures } of health.services()) {
        this.set({ service, outcome: 'success' }, successes);
        this.set({ service, outcome: 'failure' }, failures);
      }
    },
  });
  new Gauge({
    name: 'govstack_service_last_request_seconds',
    help: 'When a service last succeeded or failed, seconds since 1970',
    labelNames: ['service', 'outcome'] as const,
    registers,
    collect() {
      this.reset();
      for (const { service, lastSuccess, lastFailure } of health.services()) {
        if (lastSuccess !== undefined) this.set({ service, outcome: 'success' }, lastSuccess / 1000);
        if (lastFailure !== undefined) this.set({ service, outcome: 'failure' }, lastFailure / 1000);
      }
    },
  });
  new Gauge({
    name: 'govstack_operational_records_waiting',
    help: 'Operational records that wait to be written',
    registers,
    collect() {
      this.set(records.waiting());
    },
  });
  new Counter({
    name: 'govstack_operational_records_lost_total',
    help: 'Operational records lost because too many waited, or refused by the database',
    registers,
    collect() {
      this.reset();
      this.inc(records.lost());
    },
  });
}
