import { badRequest, conflict, newId, notFound, transaction } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import type { ResolutionName } from '../api/reconciliation/classes.ts';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';

export type Settlement = Selectable<PaymentsTables['settlement']>;

export interface Figures {
  readonly rail_id: string;
  readonly currency: string;
  readonly business_day: string;
  readonly paid_count: number;
  readonly paid_amount: string;
  readonly returned_count: number;
  readonly returned_amount: string;
  readonly fee_amount: string;
}

interface Day {
  readonly railId?: string;
  readonly currency?: string;
  /** `YYYY-MM-DD` in the time zone of business days. */
  readonly day: string;
}

/** Beginning and end of a business day. */
const bounds = (payments: Payments, day: string) => {
  const zone = payments.config.businessTimeZone;
  return {
    from: sql`(${day}::date::timestamp at time zone ${zone})`,
    to: sql`((${day}::date + 1)::timestamp at time zone ${zone})`,
  };
};

/**
 * Gross figures of a business day per rail and currency (PAY-5.1.12-a): what was paid, what came back, what it costs.
 * Nothing is converted (PAY-5.1.12-b). Vouchers count when they are redeemed, not when they are given. Net is paid less returned.
 */
export async function dayFigures(payments: Payments, db: Db | Trx, wanted: Day): Promise<Figures[]> {
  const { from, to } = bounds(payments, wanted.day);
  const rail = wanted.railId ?? null;
  const currency = wanted.currency ?? null;
  const { rows } = await sql<Figures>`
    with moved as (
      select t.rail_id, i.currency, i.amount as paid, 0::bigint as returned, i.fee
      from attempt t
      join carried_payment i on i.id = t.instruction_id
      join rail r on r.id = t.rail_id and r.adapter <> 'voucher'
      where t.state = 'succeeded' and t.answered_at >= ${from} and t.answered_at < ${to}
      union all
      select d.rail_id, d.currency, d.amount, 0, 0
      from voucher_redemption d
      where d.state in ('succeeded', 'returned') and d.answered_at >= ${from} and d.answered_at < ${to}
      union all
      select i.rail_id, s.currency, 0, sum(s.amount), 0
      from suspense_entry s
      join instruction i on i.id = s.instruction_id
      left join combined_instruction k on k.instruction_id = i.id
      where s.kind = 'return' and s.since >= ${from} and s.since < ${to}
      group by i.rail_id, s.currency, coalesce(k.leader_id, i.id)
      union all
      select d.rail_id, s.currency, 0, s.amount, 0
      from suspense_entry s
      join voucher_redemption d on d.id = s.redemption_id
      where s.kind = 'return' and s.since >= ${from} and s.since < ${to}
    )
    select
      rail_id, currency, ${wanted.day}::text as business_day,
      count(*) filter (where paid > 0)::integer as paid_count, sum(paid)::bigint as paid_amount,
      count(*) filter (where returned > 0)::integer as returned_count, sum(returned)::bigint as returned_amount,
      sum(fee)::bigint as fee_amount
    from moved
    where (${rail}::text is null or rail_id = ${rail}) and (${currency}::text is null or currency = ${currency})
    group by rail_id, currency
    order by rail_id, currency
    limit 1000`.execute(db);
  return rows;
}

/** Id under which the instruction left, alone or with others. */
const leader = sql`
  coalesce((select k.leader_id from combined_instruction k where k.instruction_id = i.id), i.id)::text`;
/** Whether a statement shows the instruction leaving or coming back. */
const shown = (lineClass: 'matched' | 'return') => sql`
  exists (
    select from statement_line l
    where l.payment_kind = 'instruction' and l.payment_id = ${leader} and l.class = ${lineClass})`;
/** Whether a person decided so about an instruction that was missing at the bank. */
const decided = (resolutions: readonly ResolutionName[]) => sql`
  exists (
    select from reconciliation_item d
    where d.payment_kind = 'instruction' and d.payment_id = ${leader} and d.class = 'missing-at-bank'
      and d.state = 'resolved' and d.resolution = any (${resolutions}::text[]))`;

/** How much of a closed day's payments and returns statements have shown, or people have decided. */
async function seenOf(
  payments: Payments,
  db: Db | Trx,
  row: Settlement,
): Promise<{ paid: bigint; returned: bigint }> {
  const { from, to } = bounds(payments, row.business_day);
  const { rows } = await sql<{ paid: string; returned: string }>`
    select
      coalesce((
        select sum(i.amount)
        from attempt t
        join carried_payment i on i.id = t.instruction_id and i.currency = ${row.currency}
        where t.state = 'succeeded' and t.rail_id = ${row.rail_id}
          and t.answered_at >= ${from} and t.answered_at < ${to}
          and (${shown('matched')} or ${decided(['not-executed', 'acknowledged'])})
      ), 0) + coalesce((
        select sum(d.amount)
        from voucher_redemption d
        join statement_line l on l.payment_kind = 'redemption' and l.payment_id = d.id::text and l.class = 'matched'
        where d.state in ('succeeded', 'returned') and d.rail_id = ${row.rail_id} and d.currency = ${row.currency}
          and d.answered_at >= ${from} and d.answered_at < ${to}
      ), 0) as paid,
      coalesce((
        select sum(s.amount)
        from suspense_entry s
        join instruction i on i.id = s.instruction_id and i.rail_id = ${row.rail_id}
        where s.kind = 'return' and s.currency = ${row.currency} and s.since >= ${from} and s.since < ${to}
          and (${shown('return')} or ${decided(['not-executed'])})
      ), 0) + coalesce((
        select sum(s.amount)
        from suspense_entry s
        join voucher_redemption d on d.id = s.redemption_id and d.rail_id = ${row.rail_id}
        join statement_line l on l.payment_kind = 'redemption' and l.payment_id = d.id::text and l.class = 'return'
        where s.kind = 'return' and s.currency = ${row.currency} and s.since >= ${from} and s.since < ${to}
      ), 0) as returned`.execute(db);
  return { paid: BigInt(rows[0]?.paid ?? 0), returned: BigInt(rows[0]?.returned ?? 0) };
}

const today = (payments: Payments): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone: payments.config.businessTimeZone }).format(payments.ctx.now());

/**
 * Closes a business day that is over: its figures are kept and no longer change. Closing it again answers the same. While
 * outcomes of payments sent on that day are open it can wait: they count for the day on which they are known.
 */
export async function closeDay(
  payments: Payments,
  wanted: Required<Day>,
  actor: string,
): Promise<Settlement> {
  if (Number.isNaN(Date.parse(wanted.day)) || wanted.day >= today(payments))
    throw badRequest('Only a business day that is over can be closed');
  return transaction(payments.db, async (trx) => {
    const known = () =>
      trx
        .selectFrom('settlement')
        .selectAll()
        .where('rail_id', '=', wanted.railId)
        .where('currency', '=', wanted.currency)
        .where(sql<boolean>`business_day = ${wanted.day}::date`)
        .executeTakeFirst();
    const before = await known();
    if (before) return before;
    const [figures] = await dayFigures(payments, trx, wanted);
    if (!figures) throw conflict('Nothing was paid or returned on that day by this rail in this currency');
    const row = await trx
      .insertInto('settlement')
      .values({ id: newId(), ...figures, closed_by: actor })
      .onConflict((clash) => clash.constraint('settlement_day_key').doNothing())
      .returningAll()
      .executeTakeFirst();
    if (!row) return (await known()) as Settlement;
    await audit(trx, {
      component: 'reconciliation',
      action: 'close-settlement-day',
      subject: `settlement/${row.id}`,
      actor,
      detail: { railId: row.rail_id, currency: row.currency, day: row.business_day },
    });
    return row;
  });
}

export interface SettlementOutcome {
  readonly settlement: Settlement;
  readonly seen: { readonly paid: bigint; readonly returned: bigint };
  readonly state: 'settled' | 'open';
}

/** How a closed day stands against the statements: settled once they have shown all of it, or people decided the rest. */
export async function settlementOutcome(payments: Payments, id: string): Promise<SettlementOutcome> {
  const row = await payments.db.selectFrom('settlement').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw notFound('Settlement');
  const seen = await seenOf(payments, payments.db, row);
  const settled = seen.paid === BigInt(row.paid_amount) && seen.returned === BigInt(row.returned_amount);
  if (settled && row.settled_at === null)
    await payments.db
      .updateTable('settlement')
      .set({ settled_at: payments.ctx.now() })
      .where('id', '=', id)
      .where('settled_at', 'is', null)
      .execute();
  return { settlement: row, seen, state: settled || row.settled_at !== null ? 'settled' : 'open' };
}

/** Looks at closed days that are not settled, the oldest first, whether statements have shown all of them by now. */
export async function trackSettlements(payments: Payments): Promise<void> {
  const open = await payments.db
    .selectFrom('settlement')
    .select('id')
    .where('settled_at', 'is', null)
    .orderBy('id')
    .limit(1000)
    .execute();
  for (const { id } of open) await settlementOutcome(payments, id);
}

/** Closed days, newest first, a page before a settlement id. */
export const listSettlements = (
  db: Db,
  filter: {
    readonly railId?: string;
    readonly currency?: string;
    readonly before?: string;
    readonly limit: number;
  },
): Promise<Settlement[]> =>
  db
    .selectFrom('settlement')
    .selectAll()
    .$if(filter.railId !== undefined, (query) => query.where('rail_id', '=', filter.railId as string))
    .$if(filter.currency !== undefined, (query) => query.where('currency', '=', filter.currency as string))
    .$if(filter.before !== undefined, (query) => query.where('id', '<', filter.before as string))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();
