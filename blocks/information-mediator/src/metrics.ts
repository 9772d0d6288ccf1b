import type { Kysely } from 'kysely';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { MessageLog } from './evidence/message-log.ts';
import type { ObservedExchange } from './exchange/observation.ts';
import type { MediatorTables } from './tables.ts';

export interface MediatorMetrics {
  exchange(exchange: ObservedExchange): void;
  /** Records written to the log with one commit. */
  batch(records: number): void;
  delivery(outcome: 'delivered' | 'failed' | 'dead'): void;
  /** Messages that do not match the description of their service. */
  readonly mismatches: Counter<'service' | 'message'>;
  /** Shows for how long the oldest record waits for its time stamp. */
  stamping(waitingSince: () => Date | undefined): void;
  /** Shows how many records wait to be written. */
  watch(log: MessageLog): void;
}

/** What operators watch of the mediator (IM-5.2-a): volume, time, backlog. Service labels are registered ones only. */
export function createMediatorMetrics(registry: Registry, db: Kysely<MediatorTables>): MediatorMetrics {
  const registers = [registry];
  const exchanges = new Histogram({
    name: 'govstack_exchange_duration_seconds',
    help: 'Time of an exchange including its evidence',
    labelNames: ['service', 'status'] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });
  const batches = new Histogram({
    name: 'govstack_message_log_batch_records',
    help: 'Records written to the message log with one commit',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 500],
    registers,
  });
  const deliveries = new Counter({
    name: 'govstack_event_delivery_attempts_total',
    help: 'Attempts to deliver an event',
    labelNames: ['outcome'] as const,
    registers,
  });
  new Gauge({
    name: 'govstack_event_deliveries',
    help: 'Event deliveries that wait or were given up',
    labelNames: ['state'] as const,
    registers,
    async collect() {
      const rows = await db
        .selectFrom('delivery')
        .select(['state', (count) => count.fn.countAll<string>().as('count')])
        .where('state', 'in', ['waiting', 'dead'])
        .groupBy('state')
        .execute();
      for (const state of ['waiting', 'dead'] as const)
        this.set({ state }, Number(rows.find((row) => row.state === state)?.count ?? 0));
    },
  });
  return {
    mismatches: new Counter({
      name: 'govstack_gateway_mismatches_total',
      help: 'Messages that do not match the OpenAPI document of their service',
      labelNames: ['service', 'message'] as const,
      registers,
    }),
    exchange: ({ known, service, status, requestIn, responseOut }) =>
      exchanges.observe(
        { service: known ? service : 'unknown', status: String(status) },
        (responseOut - requestIn) / 1000,
      ),
    batch: (records) => batches.observe(records),
    delivery: (outcome) => deliveries.inc({ outcome }),
    stamping(waitingSince) {
      new Gauge({
        name: 'govstack_message_log_unstamped_seconds',
        help: 'For how long the oldest record waits for its time stamp, as of the last round',
        registers,
        collect() {
          const since = waitingSince();
          this.set(since ? (Date.now() - since.getTime()) / 1000 : 0);
        },
      });
    },
    watch(log) {
      new Gauge({
        name: 'govstack_message_log_waiting_records',
        help: 'Records that wait to be written to the message log',
        registers,
        collect() {
          this.set(log.waiting());
        },
      });
    },
  };
}
