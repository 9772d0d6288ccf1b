import { sql } from 'kysely';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Db } from '../tables.ts';

export interface PaymentMetrics {
  /** So many payments were completed so many seconds after they were first sent. */
  paid(rail: string, seconds: number, count: number): void;
}

/** What operators watch: how long rails take, what took too long, and messages and cases that wait (PAY-5.1.5). */
export function createPaymentMetrics(
  registry: Registry,
  db: Db,
  limits: { readonly turnaroundSeconds: number; readonly noticeOverdueSeconds: number },
): PaymentMetrics {
  const turnaround = new Histogram({
    name: 'govstack_payments_turnaround_seconds',
    help: 'Time from the first sending of a payment to its completion',
    labelNames: ['rail'],
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 3600, 86_400],
    registers: [registry],
  });
  const breaches = new Counter({
    name: 'govstack_payments_turnaround_breaches_total',
    help: 'Payments that took longer than the configured turnaround',
    labelNames: ['rail'],
    registers: [registry],
  });
  const count = (name: string, help: string, read: () => Promise<number>) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set(await read());
      },
    });
  const numberOf = async (query: ReturnType<typeof sql<{ count: string }>>): Promise<number> =>
    Number((await query.execute(db)).rows[0]?.count ?? 0);
  count('govstack_payments_notices_overdue', 'Messages to sources that are not delivered in time', () =>
    numberOf(sql<{ count: string }>`
      select count(*) as count from callback
      where state = 'waiting'
        and created_at < now() - make_interval(secs => ${limits.noticeOverdueSeconds})`),
  );
  count('govstack_payments_cases_open', 'What a person has to look at', () =>
    numberOf(sql<{ count: string }>`select count(*) as count from payment_case where state = 'open'`),
  );
  count('govstack_payments_disputes_overdue', 'Disputes past their deadline', () =>
    numberOf(sql<{ count: string }>`
      select count(*) as count from dispute where closed_at is null and deadline < now()`),
  );
  return {
    paid(rail, seconds, count) {
      for (let n = 0; n < count; n += 1) turnaround.observe({ rail }, seconds);
      if (seconds > limits.turnaroundSeconds) breaches.inc({ rail }, count);
    },
  };
}
