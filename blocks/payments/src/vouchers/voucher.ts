import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import type { Db, PaymentsTables, Trx } from '../tables.ts';
import { forgetNumbers } from './sent-numbers.ts';
import { finalVoucherStates, type VoucherState } from './states.ts';

export type Voucher = Selectable<PaymentsTables['voucher']>;

export interface Mover {
  /** Who moves it, and why: kept in the voucher's history. */
  readonly actor: string;
  readonly reason?: string;
}

export async function findVoucher(db: Db | Trx, serial: string): Promise<Voucher | undefined> {
  return db.selectFrom('voucher').selectAll().where('serial', '=', serial).executeTakeFirst();
}

/** The vouchers with these serials that there are, locked in one order. */
export async function lockVouchers(trx: Trx, serials: readonly string[]): Promise<Voucher[]> {
  const { rows } = await sql<Voucher>`
    select * from voucher where serial = any (${serials}::text[]) order by id for update`.execute(trx);
  return rows;
}

/**
 * Moves vouchers that are in one of some states and answers those it moved; others stay as they are. Of several who try
 * at the same moment one succeeds. A number that can no longer be used, or is in the payee's hands, is no longer kept.
 */
export async function moveVouchers(
  payments: Payments,
  trx: Trx,
  ids: readonly string[],
  from: readonly VoucherState[],
  to: VoucherState,
  by: Mover,
  set?: RawBuilder<unknown>,
): Promise<Voucher[]> {
  const ends = (finalVoucherStates as readonly VoucherState[]).includes(to);
  const { rows } = await sql<Voucher>`
    update voucher v
    set state = ${to},
        actor = ${by.actor},
        reason = ${by.reason ?? null},
        number_cipher = case when ${to === 'pre-activated'} then v.number_cipher end,
        purge_after = case
          when ${ends} then now() + make_interval(secs => ${payments.config.voucherRetentionSeconds})
          else v.purge_after
        end,
        updated_at = now()
        ${set ? sql`, ${set}` : sql``}
    where v.id = any (${ids}::uuid[])
      and v.state = any (${from}::text[])
    returning v.*`.execute(trx);
  if (rows.length > 0 && from.includes('pre-activated')) await forgetNumbers(payments, trx, rows);
  return rows;
}
