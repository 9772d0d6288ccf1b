import { badRequest, notFound } from '@govstack/platform';
import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import { findAggregator } from './aggregator.ts';
import { faultOfBillId } from './bill-id.ts';

export type Biller = Selectable<PaymentsTables['biller']>;

export async function readBiller(db: Db | Trx, id: string): Promise<Biller> {
  const row = await db.selectFrom('biller').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw notFound('Biller');
  return row;
}

/** The biller whose prefix is the longest one that a bill id begins with; a suspended one is found too. */
export async function billerOfBill(db: Db | Trx, billId: string): Promise<Biller | undefined> {
  const prefixes = Array.from({ length: 7 }, (_, index) => billId.slice(0, index + 2));
  const { rows } = await sql<Biller>`
    select *
    from biller
    where prefix = any (${prefixes}::text[])
    order by length(prefix) desc
    limit 1`.execute(db);
  return rows[0];
}

/** The biller that can be asked about a bill; a bill id that leads to none is refused. */
export async function openBillerOf(db: Db | Trx, billId: string): Promise<Biller> {
  const biller = await billerOfBill(db, billId);
  if (!biller) throw badRequest('No biller is registered for this bill id');
  const fault = faultOfBillId(billId, biller);
  if (fault !== undefined) throw badRequest(fault);
  const closed = await closedBecause(db, biller);
  if (closed !== undefined) throw badRequest(closed);
  return biller;
}

/** Why nothing new of a biller is let through, in words for the caller; undefined: it is. */
export async function closedBecause(db: Db | Trx, biller: Biller): Promise<string | undefined> {
  if (biller.suspended_at !== null) return 'The biller of this bill is suspended';
  if (biller.aggregator_id === null) return undefined;
  const aggregator = await findAggregator(db, biller.aggregator_id);
  return aggregator?.active ? undefined : 'The aggregator of this biller is not active';
}

/** Billers by id, a page after an id. */
export const listBillers = (
  db: Db,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<Biller[]> =>
  db
    .selectFrom('biller')
    .selectAll()
    .$if(page.after !== undefined, (query) => query.where('id', '>', page.after as string))
    .orderBy('id')
    .limit(page.limit)
    .execute();

/** Whether an application speaks for a biller: its own, or that of its aggregator. */
export const speaksFor = (biller: Biller, application: string): boolean => biller.application === application;
