import { transaction } from '@govstack/platform';
import { sql } from 'kysely';
import type { Db, Trx } from '../tables.ts';

const line = sql`jsonb_build_array(e.id, e.sequence, e.component, e.action, e.subject, e.actor, e.terminal, e.outcome,
  e.detail, encode(e.sealed, 'hex'), e.key_id, e.correlation_id, extract(epoch from e.at))::text`;

const digest = sql`encode(sha256(convert_to(coalesce(string_agg(${line}, E'\n' order by e.sequence), ''), 'UTF8')), 'hex')`;

/**
 * Closes the log up to now with a seal, as the books are sealed: a hash over the entries and the seal before, so that a
 * later change of any sealed entry shows (PAY-6.12-b). Only transactions older than any still running are sealed.
 * Answers how many entries were.
 */
export async function sealAudit(db: Db): Promise<number> {
  return transaction(db, async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('payments/audit-seal'))`.execute(trx);
    const { rows } = await sql<{ entries: string }>`
      with last as (
        select coalesce(max(s.number), 0) as number from audit_seal s
      ),
      span as (
        select
          last.number + 1 as number,
          coalesce(s.to_transaction, '0'::xid8) as from_transaction,
          pg_snapshot_xmin(pg_current_snapshot()) as to_transaction,
          coalesce(s.hash, '') as previous_hash
        from last
        left join audit_seal s on s.number = last.number
      ),
      content as (
        select count(*) as entries, ${digest} as digest
        from audit_entry e, span
        where e.transaction_id >= span.from_transaction
          and e.transaction_id < span.to_transaction
      )
      insert into audit_seal (number, from_transaction, to_transaction, entries, previous_hash, hash)
      select
        span.number, span.from_transaction, span.to_transaction, content.entries, span.previous_hash,
        encode(sha256(convert_to(concat_ws('|', span.number, span.from_transaction, span.to_transaction,
          content.entries, span.previous_hash, content.digest), 'UTF8')), 'hex')
      from span, content
      where content.entries > 0
      returning entries`.execute(trx);
    return Number(rows[0]?.entries ?? 0);
  });
}

/** Numbers of seals that no longer fit their entries or their predecessor. Empty when nothing was tampered with. */
export async function brokenAuditSeals(db: Db | Trx): Promise<number[]> {
  const { rows } = await sql<{ number: string }>`
    with bounds as (
      select array_agg(s.from_transaction::text::bigint order by s.number) as starts from audit_seal s
    ),
    content as (
      select
        width_bucket(e.transaction_id::text::bigint, bounds.starts) as number,
        count(*) as entries,
        ${digest} as digest
      from audit_entry e, bounds
      where e.transaction_id < (select max(s.to_transaction) from audit_seal s)
      group by 1
    )
    select s.number
    from audit_seal s
    left join audit_seal p on p.number = s.number - 1
    left join content c on c.number = s.number
    where s.previous_hash <> coalesce(p.hash, '')
      or (s.number > 1 and s.from_transaction is distinct from p.to_transaction)
      or s.entries <> coalesce(c.entries, 0)
      or s.hash <> encode(sha256(convert_to(concat_ws('|', s.number, s.from_transaction, s.to_transaction,
           s.entries, s.previous_hash, c.digest), 'UTF8')), 'hex')
    order by s.number`.execute(db);
  return rows.map((row) => Number(row.number));
}
