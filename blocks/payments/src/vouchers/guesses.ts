import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import type { Db, Trx } from '../tables.ts';

/** Counts one wrong guess of somebody. Answers its id, to take it back with. */
export async function guessed(trx: Trx, scope: string): Promise<string> {
  const { rows } = await sql<{ id: string }>`
    insert into voucher_guess (scope) values (${scope}) returning id`.execute(trx);
  return (rows[0] as { id: string }).id;
}

export const takeBackGuess = (db: Db, id: string) =>
  sql`delete from voucher_guess where id = ${id}`.execute(db);

/** Whether somebody has guessed wrong so often of late that they have to wait. */
export async function tooManyGuesses(
  payments: Payments,
  trx: Trx,
  scope: string,
  most: number,
): Promise<boolean> {
  // One after the other: tries at the same moment see each other.
  await sql`select pg_advisory_xact_lock(hashtext(${`payments/voucher-guess/${scope}`}))`.execute(trx);
  await sql`
    delete from voucher_guess
    where scope = ${scope}
      and at < now() - make_interval(secs => ${payments.config.voucherGuessWindowSeconds})`.execute(trx);
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from voucher_guess where scope = ${scope}`.execute(trx);
  return (rows[0]?.count ?? 0) >= most;
}
