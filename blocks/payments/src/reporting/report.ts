import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import { translateDue } from './translate.ts';

/** What payments can be told apart by in a report. Amounts of different currencies are never added up (PAY-5.1.16-b). */
export const dimensions = {
  source: sql`r.source_id`,
  programme: sql`r.source_id || '/' || r.programme_id`,
  agency: sql`r.agency`,
  rail: sql`coalesce(s.rail, '')`,
  institution: sql`coalesce(s.institution, '')`,
  state: sql`s.state`,
  reason: sql`coalesce(s.reason, '')`,
  day: sql`s.day::text`,
  month: sql`to_char(s.day, 'YYYY-MM')`,
} as const;
export type Dimension = keyof typeof dimensions;

export interface ReportLine {
  readonly keys: readonly string[];
  readonly currency: string;
  readonly payments: number;
  readonly amount: string;
  readonly completed: number;
  readonly completedAmount: string;
  readonly failed: number;
  readonly open: number;
  /** Seconds from first sending to completion. */
  readonly averageTurnaround: number;
  readonly longestTurnaround: number;
  readonly turnaroundBreaches: number;
}

const most = 2000;

/** Counts and sums of payments over any of the dimensions, per currency and period, from the reporting store. */
export async function paymentReport(
  payments: Payments,
  request: {
    readonly by: readonly Dimension[];
    readonly from?: string | undefined;
    readonly to?: string | undefined;
    readonly currency?: string | undefined;
    readonly sourceId?: string | undefined;
    readonly programmeId?: string | undefined;
    readonly agency?: string | undefined;
  },
): Promise<ReportLine[]> {
  await translateDue(payments);
  const keys = request.by.map((dimension) => dimensions[dimension]);
  const only = [
    ...(request.from === undefined ? [] : [sql`s.day >= ${request.from}::date`]),
    ...(request.to === undefined ? [] : [sql`s.day <= ${request.to}::date`]),
    ...(request.currency === undefined ? [] : [sql`r.currency = ${request.currency}`]),
    ...(request.sourceId === undefined ? [] : [sql`r.source_id = ${request.sourceId}`]),
    ...(request.programmeId === undefined ? [] : [sql`r.programme_id = ${request.programmeId}`]),
    ...(request.agency === undefined ? [] : [sql`r.agency = ${request.agency}`]),
  ];
  const { rows } = await sql<{
    keys: string[];
    currency: string;
    payments: string;
    amount: string;
    completed: string;
    completed_amount: string;
    failed: string;
    turnaround_sum: string;
    turnaround_max: string;
    breaches: string;
  }>`
    select
      array[${keys.length === 0 ? sql`` : sql.join(keys)}]::text[] as keys,
      r.currency,
      sum(s.payments) as payments,
      sum(s.amount) as amount,
      coalesce(sum(s.payments) filter (where s.state = 'completed'), 0) as completed,
      coalesce(sum(s.amount) filter (where s.state = 'completed'), 0) as completed_amount,
      coalesce(sum(s.payments) filter (where s.state in ('rejected', 'failed', 'returned', 'cancelled')), 0) as failed,
      sum(s.turnaround_sum) as turnaround_sum,
      max(s.turnaround_max) as turnaround_max,
      sum(s.turnaround_breaches) as breaches
    from reporting.result s
    join reporting.run r on r.batch_id = s.batch_id
    ${only.length === 0 ? sql`` : sql`where ${sql.join(only, sql` and `)}`}
    group by 1, 2
    order by 2, 1
    limit ${most}`.execute(payments.db);
  return rows.map((row) => {
    const text = (amount: string): string => (Number(amount) === 0 ? '0' : amount);
    const exponent = payments.currencies(row.currency) ?? 2;
    const decimals = (amount: string): string => {
      const [whole = '0', fraction = ''] = text(amount).split('.');
      return exponent === 0 ? whole : `${whole}.${fraction.slice(0, exponent).padEnd(exponent, '0')}`;
    };
    const completed = Number(row.completed);
    const failed = Number(row.failed);
    return {
      keys: row.keys,
      currency: row.currency,
      payments: Number(row.payments),
      amount: decimals(row.amount),
      completed,
      completedAmount: decimals(row.completed_amount),
      failed,
      open: Number(row.payments) - completed - failed,
      averageTurnaround: completed === 0 ? 0 : Number(row.turnaround_sum) / completed,
      longestTurnaround: Number(row.turnaround_max),
      turnaroundBreaches: Number(row.breaches),
    };
  });
}

export interface PayeeLine {
  readonly sourceId: string;
  readonly programmeId: string;
  readonly currency: string;
  readonly state: string;
  readonly payments: number;
  /** Minor units. */
  readonly amount: bigint;
  readonly lastAt: string;
}

/** What one payee was to be paid, over programmes of the given sources, by state and currency (PAY-6.6-e). */
export async function payeeReport(
  payments: Payments,
  payeeIdentity: string,
  sourceIds: readonly string[],
  agency: string | undefined,
): Promise<PayeeLine[]> {
  const { rows } = await sql<{
    source_id: string;
    programme_id: string;
    currency: string;
    state: string;
    payments: string;
    amount: string;
    last_at: string;
  }>`
    select i.source_id, b.programme_id, i.currency, i.state, count(*) as payments, sum(i.amount) as amount,
      max(i.updated_at) as last_at
    from unnest(
      ${[...sourceIds]}::text[],
      ${sourceIds.map((id) => payments.vault.token(payeeIdentity, `payee/${id}`))}::bytea[]
    ) as payee (source_id, token)
    join instruction i on i.source_id = payee.source_id and i.payee_token = payee.token
    join batch b on b.id = i.batch_id
    join programme p on p.source_id = b.source_id and p.id = b.programme_id
    where i.purpose = 'payment'
      ${agency === undefined ? sql`` : sql`and p.agency = ${agency}`}
    group by 1, 2, 3, 4
    order by 1, 2, 3, 4
    limit ${most}`.execute(payments.db);
  return rows.map((row) => ({
    sourceId: row.source_id,
    programmeId: row.programme_id,
    currency: row.currency,
    state: row.state,
    payments: Number(row.payments),
    amount: BigInt(row.amount),
    lastAt: row.last_at,
  }));
}
