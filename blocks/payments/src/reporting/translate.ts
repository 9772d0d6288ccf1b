import { transaction } from '@govstack/platform';
import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { summaries } from './summaries.ts';

/** Turns what this block knows of runs into the model that reports are made from; another one can take its place. */
export interface Translator {
  /** Writes everything about these runs anew. */
  translate(payments: Payments, trx: Trx, batchIds: readonly string[]): Promise<void>;
}

const most = 50;

async function translateSome(payments: Payments, translator: Translator): Promise<number> {
  return transaction(payments.db, async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('payments/reporting'))`.execute(trx);
    // What changes after this is due again, so nothing is missed and the order does not matter.
    const { rows } = await sql<{ batch_id: string }>`
      with taken as (
        delete from reporting_due
        where batch_id in (select batch_id from reporting_due order by id limit ${most})
        returning batch_id
      )
      select distinct batch_id from taken order by batch_id`.execute(trx);
    if (rows.length > 0)
      await translator.translate(
        payments,
        trx,
        rows.map((row) => row.batch_id),
      );
    return rows.length;
  });
}

/** Brings the reporting store up to date (PAY-6.13-c). */
export async function translateDue(payments: Payments, translator: Translator = summaries): Promise<void> {
  while ((await translateSome(payments, translator)) > 0);
}
