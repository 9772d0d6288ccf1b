import { sql } from 'kysely';
import type { Db, Trx } from '../tables.ts';

/**
 * What an approver signs off: a hash over every instruction that would be paid, with payee, amount, account version,
 * rail and fee. Computed from the stored rows each time, so any change of them shows.
 */
export async function contentHash(db: Db | Trx, batchId: string): Promise<string> {
  const { rows } = await sql<{ hash: string }>`
    select encode(sha256(convert_to(
      json_build_array(b.id, b.source_id, b.programme_id, b.currency, b.not_before)::text
        || case when b.stagger_payees is null then '' else ' ' || b.stagger_payees || ' per ' || b.stagger_seconds end || E'\n'
        || coalesce((
          select string_agg(
            json_build_array(i.position, i.client_id, encode(i.payee_token, 'hex'), i.amount, i.currency,
              i.narration, i.version_id, i.rail_id, i.retry_of)::text
              || case when i.fee > 0 then ' fee ' || i.fee else '' end
              || coalesce((
                select ' with ' || k.leader_id from combined_instruction k where k.instruction_id = i.id), ''),
            E'\n' order by i.position)
          from instruction i
          where i.batch_id = b.id
            and i.state not in ('received', 'rejected')
        ), ''),
      'UTF8')), 'hex') as hash
    from batch b
    where b.id = ${batchId}`.execute(db);
  return rows[0]?.hash ?? '';
}
