import { newId, notFound } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import type { ItemClass } from '../api/reconciliation/classes.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';

export type Item = Selectable<PaymentsTables['reconciliation_item']>;

/** Who resolved what follows from the rules. */
export const byRule = 'payments';

export interface NewItem {
  readonly class: ItemClass;
  readonly accountId: string | undefined;
  readonly lineId: string | undefined;
  readonly paymentKind: string | undefined;
  readonly paymentId: string | undefined;
  readonly batchId: string | undefined;
  readonly railId: string | undefined;
  readonly amount: bigint;
  readonly currency: string;
  /** For people, without personal data. */
  readonly detail: string;
}

/** Puts what does not explain itself on the worklist. */
export async function openItems(trx: Trx, items: readonly NewItem[]): Promise<void> {
  if (items.length === 0) return;
  const rows = items.map((one) => ({
    id: newId(),
    class: one.class,
    account_id: one.accountId ?? null,
    line_id: one.lineId ?? null,
    payment_kind: one.paymentKind ?? null,
    payment_id: one.paymentId ?? null,
    batch_id: one.batchId ?? null,
    rail_id: one.railId ?? null,
    amount: one.amount.toString(),
    currency: one.currency,
    detail: one.detail,
  }));
  await sql`
    insert into reconciliation_item
      (id, class, account_id, line_id, payment_kind, payment_id, batch_id, rail_id, amount, currency, detail)
    select
      r.id, r.class, r.account_id, r.line_id, r.payment_kind, r.payment_id, r.batch_id, r.rail_id, r.amount,
      r.currency, r.detail
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r
      (id uuid, class text, account_id uuid, line_id uuid, payment_kind text, payment_id text, batch_id uuid,
       rail_id text, amount bigint, currency text, detail text)
    on conflict do nothing`.execute(trx);
}

/** Takes items off the worklist because their lines have explained themselves. */
export async function resolveByLines(
  trx: Trx,
  lineIds: readonly string[],
  resolution: string,
): Promise<void> {
  if (lineIds.length === 0) return;
  await sql`
    update reconciliation_item
    set state = 'resolved', resolution = ${resolution}, resolved_by = ${byRule}, resolved_at = now()
    where line_id = any (${[...lineIds]}::uuid[]) and state <> 'resolved'`.execute(trx);
}

/** Payments that were missing at the bank, and that a statement shows after all. */
export async function resolveMissing(trx: Trx, paymentIds: readonly string[]): Promise<void> {
  if (paymentIds.length === 0) return;
  await sql`
    update reconciliation_item
    set state = 'resolved', resolution = 'seen-later', resolved_by = ${byRule}, resolved_at = now()
    where payment_id = any (${[...paymentIds]}::text[])
      and class = 'missing-at-bank'
      and state <> 'resolved'`.execute(trx);
}

export async function readItem(db: Db, id: string): Promise<Item> {
  const row = await db.selectFrom('reconciliation_item').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw notFound('Item of the worklist');
  return row;
}

/** The worklist, the longest waiting first; a page after an item. Resolved items only when asked for. */
export const listItems = (
  db: Db,
  filter: {
    readonly state?: Item['state'];
    readonly class?: ItemClass;
    readonly currency?: string;
    readonly owner?: string;
    readonly batchId?: string;
    readonly after?: string;
    readonly limit: number;
  },
): Promise<Item[]> =>
  db
    .selectFrom('reconciliation_item')
    .selectAll()
    .$if(filter.state !== undefined, (query) => query.where('state', '=', filter.state as 'open'))
    .$if(filter.state === undefined, (query) => query.where('state', '<>', 'resolved'))
    .$if(filter.class !== undefined, (query) => query.where('class', '=', filter.class as ItemClass))
    .$if(filter.currency !== undefined, (query) => query.where('currency', '=', filter.currency as string))
    .$if(filter.owner !== undefined, (query) => query.where('owner', '=', filter.owner as string))
    .$if(filter.batchId !== undefined, (query) => query.where('batch_id', '=', filter.batchId as string))
    .$if(filter.after !== undefined, (query) => query.where('id', '>', filter.after as string))
    .orderBy('id')
    .limit(filter.limit)
    .execute();
