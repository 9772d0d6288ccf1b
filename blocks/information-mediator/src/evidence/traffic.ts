import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';

export interface ServiceTraffic {
  readonly service: string;
  readonly answered: number;
  /** Refused by the mediator, or not answered by the provider. */
  readonly refused: number;
  readonly meanMs: number;
  readonly p95Ms: number;
  readonly lastAt: string;
}

export const maxServices = 500;

/** Exchanges per service between two instants, the busiest first. */
export async function trafficByService(
  db: Kysely<MediatorTables>,
  period: { readonly from: Date; readonly to: Date },
): Promise<ServiceTraffic[]> {
  const { rows } = await sql<{
    service: string;
    answered: number;
    refused: number;
    mean_ms: number;
    p95_ms: number;
    last_at: string;
  }>`
    select service,
      count(*) filter (where error is null)::integer as answered,
      count(*) filter (where error is not null)::integer as refused,
      coalesce(avg(duration_ms), 0)::float8 as mean_ms,
      coalesce(percentile_cont(0.95) within group (order by duration_ms), 0)::float8 as p95_ms,
      max(at) as last_at
    from message_log
    where kind = 'response' and at >= ${period.from} and at < ${period.to}
    group by service
    order by count(*) desc, service
    limit ${maxServices}`.execute(db);
  return rows.map((row) => ({
    service: row.service,
    answered: row.answered,
    refused: row.refused,
    meanMs: Math.round(row.mean_ms * 10) / 10,
    p95Ms: Math.round(row.p95_ms * 10) / 10,
    lastAt: row.last_at,
  }));
}
