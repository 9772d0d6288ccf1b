import { sql } from 'kysely';
import type { Db } from '../../tables.ts';
import type { RailAdapter, RailResult } from '../port.ts';

/** Why a payment of a run cannot be made with a voucher; null: it can. */
async function judged(db: Db, references: readonly string[]): Promise<RailResult[]> {
  const { rows } = await sql<{ reference: string; reason: string | null }>`
    select
      i.id as reference,
      case
        when g.code is null then 'voucher-not-offered'
        when v.id is not null then 'voucher-id-used'
      end as reason
    from instruction i
    join batch b on b.id = i.batch_id
    left join voucher_group g
      on g.source_id = b.source_id and g.programme_id = b.programme_id and g.for_runs and g.active
    left join voucher v on v.source_id = i.source_id and v.instruction_id = i.client_id
    where i.id = any (${references}::uuid[])`.execute(db);
  return rows.map(({ reference, reason }) =>
    reason === null
      ? { reference, outcome: 'succeeded' }
      : { reference, outcome: 'failed', reasonCode: reason },
  );
}

/**
 * Payees who want no account (PAY-6.1-y): each gets a voucher, made in the transaction that completes the payment, so
 * that there is one or the other never. Nothing leaves the block and there is nobody to ask.
 */
export const voucher: RailAdapter = {
  largestBatch: 1000,
  givesVouchers: true,
  signedNotices: false,
  submit: ({ db }, { transfers }) =>
    judged(
      db,
      transfers.map((one) => one.reference),
    ),
  status: ({ db }, references) => judged(db, references),
  validate: async () => new Map(),
};
