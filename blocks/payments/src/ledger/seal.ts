import { transaction } from '@govstack/platform';
import { sql } from 'kysely';
import type { Db, Trx } from '../tables.ts';

const line = sql`jsonb_build_array(t.id, t.sequence, t.type, t.debit_account, t.credit_account, t.currency, t.amount,
  t.pending_id, t.cause, t.cause_id, t.batch_id, t.instruction_id, extract(epoch from t.created_at))::text`;

const digest = sql`encode(sha256(convert_to(coalesce(string_agg(${line}, E'\n' order by t.sequence), ''), 'UTF8')), 'hex')`;

/**
 * Closes the stream of finished transfers with a seal: a hash over them and the seal before, so that a later change
 * of any sealed transfer shows (PAY-6.14-d). Only transactions older than any still running are sealed. Answers how
 * many transfers were sealed.
 */
export async function sealTransfers(db: Db): Promise<number> {
  return transaction(db, async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('payments/ledger-seal'))`.execute(trx);
    const { rows } = await sql<{ transfers: string }>`
      with last as (
        select coalesce(max(s.number), 0) as number from ledger_seal s
      ),
      span as (
        select
          last.number + 1 as number,
          coalesce(s.to_transaction, '0'::xid8) as from_transaction,
          pg_snapshot_xmin(pg_current_snapshot()) as to_transaction,
          coalesce(s.hash, '') as previous_hash
        from last
        left join ledger_seal s on s.number = last.number
      ),
      content as (
        select count(*) as transfers, ${digest} as digest
        from ledger_transfer t, span
        where t.transaction_id >= span.from_transaction
          and t.transaction_id < span.to_transaction
      )
      insert into ledger_seal (number, from_transaction, to_transaction, transfers, previous_hash, hash)
      select
        span.number, span.from_transaction, span.to_transaction, content.transfers, span.previous_hash,
        encode(sha256(convert_to(concat_ws('|', span.number, span.from_transaction, span.to_transaction,
          content.transfers, span.previous_hash, content.digest), 'UTF8')), 'hex')
      from span, content
      where content.transfers > 0
      returning transfers`.execute(trx);
    return Number(rows[0]?.transfers ?? 0);
  });
}

/** Numbers of seals that no longer fit their transfers or their predecessor. Empty when nothing was tampered with. */
export async function brokenSeals(db: Db | Trx): Promise<number[]> {
  const { rows } = await sql<{ number: string }>`
    with bounds as (
      select array_agg(s.from_transaction::text::bigint order by s.number) as starts from ledger_seal s
    ),
    content as (
      select
        width_bucket(t.transaction_id::text::bigint, bounds.starts) as number,
        count(*) as transfers,
        ${digest} as digest
      from ledger_transfer t, bounds
      where t.transaction_id < (select max(s.to_transaction) from ledger_seal s)
      group by 1
    )
    select s.number
    from ledger_seal s
    left join ledger_seal p on p.number = s.number - 1
    left join content c on c.number = s.number
    where s.previous_hash <> coalesce(p.hash, '')
      or (s.number > 1 and s.from_transaction is distinct from p.to_transaction)
      or s.transfers <> coalesce(c.transfers, 0)
      or s.hash <> encode(sha256(convert_to(concat_ws('|', s.number, s.from_transaction, s.to_transaction,
           s.transfers, s.previous_hash, c.digest), 'UTF8')), 'hex')
    order by s.number`.execute(db);
  return rows.map((row) => Number(row.number));
}
