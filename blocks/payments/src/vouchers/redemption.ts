import { type Selectable, sql } from 'kysely';
import type { InstructionState } from '../batches/states.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';

/** One cashing in of one voucher; its id is the reference at the rail. */
export type Redemption = Selectable<PaymentsTables['voucher_redemption']>;

/** The state of a redemption `d` in the words for payments. */
export const stateAsPayment = sql<InstructionState>`
  case d.state when 'sent' then 'submitted' when 'succeeded' then 'completed' else d.state end`;

export const findRedemption = (
  db: Db | Trx,
  payee: string,
  requestId: string,
): Promise<Redemption | undefined> =>
  db
    .selectFrom('voucher_redemption')
    .selectAll()
    .where('payee', '=', payee)
    .where('request_id', '=', requestId)
    .executeTakeFirst();

/** Redemptions of a voucher, newest first. */
export const listRedemptions = (db: Db, voucherId: string): Promise<Redemption[]> =>
  db
    .selectFrom('voucher_redemption')
    .selectAll()
    .where('voucher_id', '=', voucherId)
    .orderBy('sent_at', 'desc')
    .limit(100)
    .execute();
