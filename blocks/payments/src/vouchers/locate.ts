import { timingSafeEqual } from 'node:crypto';
import { transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { engineActor } from '../batches/move.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { guessed, tooManyGuesses } from './guesses.ts';
import { numberToken, voucherKeys } from './keys.ts';
import { isDigits } from './numbers.ts';
import { type Refusal, VoucherRefused } from './refused.ts';
import { findVoucher, moveVouchers, type Voucher } from './voucher.ts';

/** What is read off a voucher: its secret number, alone or with the serial number. */
export interface Presented {
  readonly number: string;
  readonly serial?: string | undefined;
}

type Located = { readonly voucher: Voucher } | { readonly refusal: Refusal };

/** Who presents a number. */
export interface Presenter {
  /** Who it verifiably is, not what it says of itself: wrong numbers are counted for it. */
  readonly scope: string;
  /** Vouchers it may present; any other is as unknown. All when absent. */
  readonly knows?: (voucher: Voucher) => boolean;
  /** Whether it could use the voucher: only then is a wrong number counted against the voucher as well. */
  readonly mayUse?: (trx: Trx, voucher: Voucher) => Promise<boolean>;
  /** Id of the voucher that it presented before under the same request. */
  readonly repeated?: string | undefined;
}

async function bySerial(
  payments: Payments,
  trx: Trx,
  serial: string,
  number: string,
  { scope, knows, mayUse, repeated }: Presenter,
): Promise<Located> {
  const voucher = await findVoucher(trx, serial);
  const there = voucher && voucher.state !== 'provisioned' && voucher.state !== 'purged';
  if (!there || knows?.(voucher) === false) {
    await guessed(trx, scope);
    return { refusal: 'unknown-number' };
  }
  const most = payments.config.voucherWrongNumbers;
  const block = () =>
    moveVouchers(payments, trx, [voucher.id], ['activated'], 'blocked', {
      actor: engineActor,
      reason: 'wrong-numbers',
    });
  // Not compared any more: the answer would tell a right number from a wrong one. Who had the right one before learns nothing.
  if (voucher.id !== repeated) {
    if (voucher.state === 'blocked') return { refusal: 'blocked' };
    if (voucher.wrong_numbers >= most) {
      await block();
      return { refusal: 'blocked' };
    }
  }
  const key = (await voucherKeys(payments, trx)).find((one) => one.id === voucher.key_id);
  if (key && timingSafeEqual(numberToken(key, number), voucher.number_token)) return { voucher };
  await guessed(trx, scope);
  if ((await mayUse?.(trx, voucher)) === false) return { refusal: 'unknown-number' };
  const { rows } = await sql<{ wrong_numbers: number }>`
    update voucher set wrong_numbers = wrong_numbers + 1 where id = ${voucher.id} returning wrong_numbers`.execute(
    trx,
  );
  if ((rows[0]?.wrong_numbers ?? 0) >= most) await block();
  return { refusal: 'unknown-number' };
}

async function byNumber(
  payments: Payments,
  trx: Trx,
  number: string,
  { scope, knows }: Presenter,
): Promise<Located> {
  const tokens = (await voucherKeys(payments, trx)).map((key) => numberToken(key, number));
  const { rows } = await sql<Voucher>`
    select *
    from voucher
    where number_token = any (${tokens}::bytea[])
      and state not in ('provisioned', 'purged')`.execute(trx);
  const [voucher] = rows;
  if (voucher && knows?.(voucher) !== false) return { voucher };
  await guessed(trx, scope);
  return { refusal: 'unknown-number' };
}

/**
 * Finds the voucher a number belongs to. Wrong numbers are counted, also when the rest of the request fails: whoever
 * presents too many has to wait, and a voucher whose serial was presented with too many is blocked (PAY-5.3.2-b), but for
 * who repeats a request about it. Neither the answer nor the time it takes tells how close a number was. Throws
 * `VoucherRefused`.
 */
export async function locateVoucher(
  payments: Payments,
  presented: Presented,
  presenter: Presenter,
): Promise<Voucher> {
  const { number, serial } = presented;
  const located = await transaction(payments.db, async (trx): Promise<Located> => {
    if (await tooManyGuesses(payments, trx, presenter.scope, payments.config.voucherGuesses))
      return { refusal: 'too-many-tries' };
    if (!isDigits(number)) return { refusal: 'unknown-number' };
    return serial === undefined
      ? byNumber(payments, trx, number, presenter)
      : bySerial(payments, trx, serial, number, presenter);
  });
  if ('refusal' in located) throw new VoucherRefused(located.refusal);
  return located.voucher;
}
