import { type Kysely, type SqlBool, sql } from 'kysely';
import type { Dimension } from '../api/monitoring/statistics-operations.ts';
import type { Scope } from '../evidence/exchanges.ts';
import type { MediatorTables } from '../tables.ts';

/** How each dimension of a report is found in a row. */
const dimensions: Readonly<Record<Dimension, string>> = {
  organisation: `(array_to_string((string_to_array(service, '/'))[1:3], '/'))`,
  application: `(array_to_string((string_to_array(service, '/'))[1:4], '/'))`,
  service: 'service',
  consumer: 'client',
  consumerOrganisation: `(array_to_string((string_to_array(client, '/'))[1:3], '/'))`,
  status: 'status',
  error: 'error',
};

export type Interval = 'hour' | 'day' | 'period';

export interface StatisticsQuery {
  readonly from: Date;
  readonly to: Date;
  readonly interval: Interval;
  readonly by: readonly Dimension[];
  readonly service: string | undefined;
  readonly consumer: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

export interface StatisticsRow {
  readonly from: string;
  readonly organisation?: string;
  readonly application?: string;
  readonly service?: string;
  readonly consumer?: string;
  readonly consumerOrganisation?: string;
  readonly status?: number;
  readonly error?: string;
  readonly exchanges: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Of the failed: refused by the mediator. */
  readonly refused: number;
  readonly meanMs: number;
  readonly longestMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

export const statisticsNames = (by: readonly Dimension[]): readonly string[] => [
  'from',
  ...by,
  'exchanges',
  'succeeded',
  'failed',
  'refused',
  'meanMs',
  'longestMs',
  'requestBytes',
  'responseBytes',
];

function within(scope: Scope) {
  if (scope.kind === 'all') return sql<SqlBool>`true`;
  if (scope.kind === 'application')
    return sql<SqlBool>`(client = ${scope.application} or starts_with(service, ${`${scope.application}/`}))`;
  const prefix = `${scope.member}/`;
  return sql<SqlBool>`(starts_with(client, ${prefix}) or starts_with(service, ${prefix}))`;
}

type Sums = Record<
  'exchanges' | 'succeeded' | 'refused' | 'duration' | 'longest' | 'requested' | 'responded',
  string
>;

/** Exchanges of whole hours between two instants, added up. Days are UTC days. */
export async function exchangeStatistics(
  db: Kysely<MediatorTables>,
  scope: Scope,
  { from, to, interval, by, service, consumer, limit, offset }: StatisticsQuery,
): Promise<StatisticsRow[]> {
  const start = interval === 'period' ? sql`${from}::timestamptz` : sql`date_trunc(${interval}, hour, 'UTC')`;
  const named = by.map((dimension) => sql`${sql.raw(dimensions[dimension])} as ${sql.ref(dimension)}`);
  const keys = [sql.raw('1'), ...by.map((_, index) => sql.raw(String(index + 2)))];
  const { rows } = await sql<Sums & { from: string } & Partial<Record<Dimension, never>>>`
    select ${sql.join([sql`${start} as "from"`, ...named])},
      sum(exchanges) as exchanges,
      coalesce(sum(exchanges) filter (where status < 400 and error = ''), 0) as succeeded,
      coalesce(sum(exchanges) filter (where error <> ''), 0) as refused,
      sum(duration_ms) as duration,
      max(longest_ms) as longest,
      sum(request_bytes) as requested,
      sum(response_bytes) as responded
    from exchange_statistics
    where hour >= date_trunc('hour', ${from}::timestamptz, 'UTC') and hour < ${to}
      and ${within(scope)}
      and ${service === undefined ? sql`true` : sql`service = ${service}`}
      and ${consumer === undefined ? sql`true` : sql`client = ${consumer}`}
    group by ${sql.join(keys)}
    order by ${sql.join(keys)}
    limit ${limit}
    offset ${offset}`.execute(db);
  return rows.map(({ exchanges, succeeded, refused, duration, longest, requested, responded, ...keys }) => ({
    ...keys,
    exchanges: Number(exchanges),
    succeeded: Number(succeeded),
    failed: Number(exchanges) - Number(succeeded),
    refused: Number(refused),
    meanMs: Math.round((Number(duration) / Number(exchanges)) * 10) / 10,
    longestMs: Number(longest),
    requestBytes: Number(requested),
    responseBytes: Number(responded),
  }));
}
