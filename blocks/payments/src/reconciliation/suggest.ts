import { sql } from 'kysely';
import type { Db } from '../tables.ts';
import type { Item } from './items.ts';

export type Suggestion =
  | { readonly kind: 'payment'; readonly paymentId: string; readonly batchId: string; readonly at: string }
  | {
      readonly kind: 'release';
      readonly sourceId: string;
      readonly programmeId: string;
      readonly reference: string;
      readonly at: string;
    }
  | { readonly kind: 'line'; readonly lineId: string; readonly at: string };

const days = 10;

/**
 * What a line without a usable reference might be about: the same amount, from the same account, within some days. Only a
 * person can make a match of it.
 */
export async function suggestions(db: Db, item: Item): Promise<Suggestion[]> {
  if (item.line_id === null) return [];
  const near = (instant: ReturnType<typeof sql>) =>
    sql`${instant} between l.booked_on - ${days}::integer and l.booked_on + ${days + 1}::integer`;
  const { rows } = await sql<{
    kind: Suggestion['kind'];
    id: string;
    source_id: string | null;
    programme_id: string | null;
    batch_id: string | null;
    at: string;
  }>`
    with line as (
      select l.id, l.account_id, l.amount, l.currency, l.direction, l.booked_on, a.owner
      from statement_line l
      join ledger_account a on a.id = l.account_id
      where l.id = ${item.line_id}
    )
    (
      select 'payment' as kind, i.id::text as id, b.source_id, b.programme_id, i.batch_id, t.answered_at as at
      from line l
      join attempt t on t.state = 'succeeded' and ${near(sql`t.answered_at`)}
      join carried_payment i on i.id = t.instruction_id and i.amount = l.amount and i.currency = l.currency
      join batch b on b.id = i.batch_id
      join programme p on p.source_id = b.source_id and p.id = b.programme_id
      join rail r on r.id = i.rail_id
      where coalesce(r.debtor_account, p.funding_account) = l.owner
        and not exists (
          select from statement_line m
          where m.payment_kind = 'instruction' and m.payment_id = i.id::text
            and m.class = case when l.direction = 'debit' then 'matched' else 'return' end
        )
      order by t.answered_at
      limit 20
    )
    union all
    (
      select 'release', r.reference, r.source_id, r.programme_id, null, r.released_at
      from line l
      join budget_release r on r.account_id = l.account_id and r.line_id is null and r.amount = l.amount
      where l.direction = 'credit'
      order by r.released_at
      limit 20
    )
    union all
    (
      select 'line', o.id::text, null, null, null, o.booked_on::timestamptz
      from line l
      join statement_line o
        on not o.settled and o.account_id <> l.account_id and o.amount = l.amount and o.currency = l.currency
        and o.direction <> l.direction and o.class is not null and ${near(sql`o.booked_on`)}
      order by o.id
      limit 20
    )`.execute(db);
  return rows.map((row): Suggestion => {
    if (row.kind === 'payment')
      return { kind: 'payment', paymentId: row.id, batchId: row.batch_id ?? '', at: row.at };
    if (row.kind === 'line') return { kind: 'line', lineId: row.id, at: row.at };
    return {
      kind: 'release',
      sourceId: row.source_id ?? '',
      programmeId: row.programme_id ?? '',
      reference: row.id,
      at: row.at,
    };
  });
}
