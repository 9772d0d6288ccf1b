import { transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { engineActor } from '../batches/move.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { giveBack } from './money.ts';
import { finalVoucherStates, type VoucherState } from './states.ts';
import { type Mover, moveVouchers, type Voucher } from './voucher.ts';

const most = 500;

const expiring: readonly VoucherState[] = ['pre-activated', 'activated', 'suspended', 'blocked'];

/** Ends vouchers whose time is over and gives their value back to the programme. */
export async function expireVouchers(
  payments: Payments,
  trx: Trx,
  ids: readonly string[],
  by: Mover,
): Promise<Voucher[]> {
  const moved = await moveVouchers(payments, trx, ids, expiring, 'expired', by);
  await giveBack(trx, moved);
  return moved;
}

/** Removes what vouchers that are over say of their payees; serial, hash of the number and history stay. */
export async function purgeVouchers(
  payments: Payments,
  trx: Trx,
  ids: readonly string[],
  by: Mover,
): Promise<Voucher[]> {
  const set = sql`payee_token = null, payee_cipher = null, narration = null`;
  const moved = await moveVouchers(payments, trx, ids, finalVoucherStates, 'purged', by, set);
  await sql`
    update voucher_redemption
    set address_cipher = null, institution_code = null
    where voucher_id = any (${moved.map((one) => one.id)}::uuid[])
      and state in ('succeeded', 'failed', 'returned')`.execute(trx);
  return moved;
}

/** Expires and purges vouchers whose time has come, some at a time. Answers whether there were any. */
export async function dueNext(payments: Payments): Promise<boolean> {
  return transaction(payments.db, async (trx) => {
    const { rows } = await sql<{ id: string; state: VoucherState }>`
      select id, state
      from voucher
      where due_at <= now()
      order by due_at
      limit ${most}
      for update skip locked`.execute(trx);
    if (rows.length === 0) return false;
    const of = (over: boolean): string[] =>
      rows.filter((row) => expiring.includes(row.state) !== over).map((row) => row.id);
    await expireVouchers(payments, trx, of(false), { actor: engineActor, reason: 'time-over' });
    await purgeVouchers(payments, trx, of(true), { actor: engineActor, reason: 'retention-over' });
    return true;
  });
}
