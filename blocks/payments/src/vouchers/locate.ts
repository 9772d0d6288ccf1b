import { timingSafeEqual } from 'node:crypto';
import { transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { engineActor } from '../batches/move.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
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

const guessed = (trx: Trx, scope: string) =>
  sql`insert into voucher_guess (scope) values (${scope})`.execute(trx);

async function tooManyGuesses(payments: Payments, trx: Trx, scope: string): Promise<boolean> {
  const { voucherGuesses, voucherGuessWindowSeconds } = payments.config;
  // One after the other: tries at the same moment see each other.
  await sql`select pg_advisory_xact_lock(hashtext(${`payments/voucher-guess/${scope}`}))`.execute(trx);
  await sql`
    delete from voucher_guess
    where scope = ${scope} and at < now() - make_interval(secs => ${voucherGuessWindowSeconds})`.execute(trx);
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from voucher_guess where scope = ${scope}`.execute(trx);
  return (rows[0]?.count ?? 0) >= voucherGuesses;
}

async function bySerial(
  payments: Payments,
  trx: Trx,
  serial: string,
  number: string,
  scope: string,
  repeated: string | undefined,
): Promise<Located> {
  const voucher = await findVoucher(trx, serial);
  if (!voucher || voucher.state === 'provisioned' || voucher.state === 'purged') {
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
  const { rows } = await sql<{ wrong_numbers: number }>`
    update voucher set wrong_numbers = wrong_numbers + 1 where id = ${voucher.id} returning wrong_numbers`.execute(
    trx,
  );
  if ((rows[0]?.wrong_numbers ?? 0) >= most) await block();
  return { refusal: 'unknown-number' };
}

async function byNumber(payments: Payments, trx: Trx, number: string, scope: string): Promise<Located> {
  const tokens = (await voucherKeys(payments, trx)).map((key) => numberToken(key, number));
  const { rows } = await sql<Voucher>`
    select *
    from voucher
    where number_token = any (${tokens}::bytea[])
      and state not in ('provisioned', 'purged')`.execute(trx);
  const [voucher] = rows;
  if (voucher) return { voucher };
  await guessed(trx, scope);
  return { refusal: 'unknown-number' };
}

/**
 * Finds the voucher a number belongs to. Wrong numbers are counted, also when the rest of the request fails: whoever
 * (`scope`) presents too many has to wait, and a voucher whose serial was presented with too many is blocked
 * (PAY-5.3.2-b), but for who repeats a request about it (`repeated`: its id). Neither the answer nor the time it takes
 * tells how close a number was. Throws `VoucherRefused`.
 */
export async function locateVoucher(
  payments: Payments,
  presented: Presented,
  scope: string,
  repeated?: string,
): Promise<Voucher> {
  const { number, serial } = presented;
  const located = await transaction(payments.db, async (trx): Promise<Located> => {
    if (await tooManyGuesses(payments, trx, scope)) return { refusal: 'too-many-tries' };
    if (!isDigits(number)) return { refusal: 'unknown-number' };
    return serial === undefined
      ? byNumber(payments, trx, number, scope)
      : bySerial(payments, trx, serial, number, scope, repeated);
  });
  if ('refusal' in located) throw new VoucherRefused(located.refusal);
  return located.voucher;
}
