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

/** Translates some of what was due up to `last`; answers of how many runs. */
async function translateSome(payments: Payments, translator: Translator, last: string): Promise<number> {
  return transaction(payments.db, async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('payments/reporting'))`.execute(trx);
    // What changes after this is due again, so nothing is missed and the order does not matter.
    const { rows } = await sql<{ batch_id: string }>`
      with taken as (
        delete from reporting_due
        where batch_id in (select batch_id from reporting_due where id <= ${last} order by id limit ${most})
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

/** Brings the reporting store up to what was due when it began (PAY-6.13-c), however much a run adds meanwhile. */
export async function translateDue(payments: Payments, translator: Translator = summaries): Promise<void> {
  const { rows } = await sql<{ last: string | null }>`select max(id) as last from reporting_due`.execute(
    payments.db,
  );
  const last = rows[0]?.last ?? null;
  while (last !== null && (await translateSome(payments, translator, last)) > 0);
}
