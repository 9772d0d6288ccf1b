import { type RawBuilder, sql } from 'kysely';
import type { Db } from '../tables.ts';
import type { BillPayment } from './payment.ts';

/** Whose transactions may be seen: everybody's, or those of some billers, an agency's billers, or a payer institution. */
export type ReportScope =
  | { readonly of: 'everybody' }
  | { readonly of: 'application'; readonly application: string }
  | { readonly of: 'agency'; readonly agency: string }
  | { readonly of: 'payer'; readonly payerId: string };

export interface ReportFilter {
  /** From this instant, and before that one. */
  readonly from: Date;
  readonly to: Date;
  readonly billerId?: string | undefined;
  readonly aggregatorId?: string | undefined;
  readonly payerId?: string | undefined;
  readonly state?: string | undefined;
  readonly currency?: string | undefined;
}

/** Conditions on a row `r` with biller_id and payer_id, joined with its biller `b`. */
function visible(scope: ReportScope): RawBuilder<unknown> {
  switch (scope.of) {
    case 'everybody':
      return sql`true`;
    case 'application':
      return sql`b.application = ${scope.application}`;
    case 'agency':
      return sql`b.agency = ${scope.agency}`;
    case 'payer':
      return sql`r.payer_id = ${scope.payerId}`;
  }
}

const wanted = (filter: ReportFilter): RawBuilder<unknown> => sql`
  r.created_at >= ${filter.from}::timestamptz and r.created_at < ${filter.to}::timestamptz
  and (${filter.billerId ?? null}::text is null or r.biller_id = ${filter.billerId ?? null})
  and (${filter.aggregatorId ?? null}::text is null or b.aggregator_id = ${filter.aggregatorId ?? null})
  and (${filter.payerId ?? null}::text is null or r.payer_id = ${filter.payerId ?? null})
  and (${filter.currency ?? null}::text is null or r.currency = ${filter.currency ?? null})`;

export interface ReportLine {
  readonly biller_id: string;
  readonly aggregator_id: string | null;
  readonly payer_id: string | null;
  readonly state: string;
  readonly currency: string;
  readonly count: string;
  /** Minor units. */
  readonly amount: string;
}

/** Payments of a period, counted and summed by biller, payer institution, state and currency (PAY-6.16.3-d). */
export async function paymentTotals(
  db: Db,
  scope: ReportScope,
  filter: ReportFilter,
  limit: number,
): Promise<ReportLine[]> {
  const { rows } = await sql<ReportLine>`
    select r.biller_id, b.aggregator_id, r.payer_id, r.state, r.currency, count(*) as count, sum(r.amount) as amount
    from bill_payment r
    join biller b on b.id = r.biller_id
    where ${wanted(filter)} and ${visible(scope)}
      and (${filter.state ?? null}::text is null or r.state = ${filter.state ?? null})
    group by 1, 2, 3, 4, 5
    order by 1, 3 nulls first, 4, 5
    limit ${limit}`.execute(db);
  return rows;
}

export interface ActivityLine {
  readonly activity: 'inquiry' | 'request-to-pay';
  readonly biller_id: string;
  readonly payer_id: string | null;
  readonly result: string;
  readonly count: string;
}

/** What was asked in a period and how it ended: inquiries by outcome, requests-to-pay by state. */
export async function activity(
  db: Db,
  scope: ReportScope,
  filter: ReportFilter,
  limit: number,
): Promise<ActivityLine[]> {
  const { rows } = await sql<ActivityLine>`
    select 'inquiry' as activity, r.biller_id, r.payer_id, coalesce(r.outcome, 'asking') as result, count(*) as count
    from bill_inquiry r
    join biller b on b.id = r.biller_id
    where ${wanted(filter)} and ${visible(scope)}
      and (${filter.state ?? null}::text is null or coalesce(r.outcome, 'asking') = ${filter.state ?? null})
    group by 1, 2, 3, 4
    union all
    select 'request-to-pay', r.biller_id, r.payer_id, r.state, count(*)
    from request_to_pay r
    join biller b on b.id = r.biller_id
    where ${wanted(filter)} and ${visible(scope)}
      and (${filter.state ?? null}::text is null or r.state = ${filter.state ?? null})
    group by 1, 2, 3, 4
    order by 1, 2, 3 nulls first, 4
    limit ${limit}`.execute(db);
  return rows;
}

/** Payments of a period, newest first, a page before an id. */
export async function listBillPayments(
  db: Db,
  scope: ReportScope,
  filter: ReportFilter,
  page: { readonly before: string | undefined; readonly limit: number },
): Promise<BillPayment[]> {
  const { rows } = await sql<BillPayment>`
    select r.*
    from bill_payment r
    join biller b on b.id = r.biller_id
    where ${wanted(filter)} and ${visible(scope)}
      and (${filter.state ?? null}::text is null or r.state = ${filter.state ?? null})
      and (${page.before ?? null}::uuid is null or r.id < ${page.before ?? null}::uuid)
    order by r.id desc
    limit ${page.limit}`.execute(db);
  return rows;
}
