import { transaction } from '@govstack/platform';
import { type RawBuilder, sql } from 'kysely';
import type { Db, Trx } from '../tables.ts';

/** An append-only table with `sequence` and `transaction_id`, and the table of seals over its closed stretches. */
export interface SealedStream {
  readonly table: string;
  readonly seals: string;
  /** Column of a seal that says how many rows it is over. */
  readonly count: string;
  /** What of a row `r` is sealed, as text. */
  readonly line: RawBuilder<string>;
}

const digestOf = ({ line }: SealedStream) =>
  sql`encode(sha256(convert_to(coalesce(string_agg(${line}, E'\n' order by r.sequence), ''), 'UTF8')), 'hex')`;

/**
 * Closes a stream up to now with a seal: a hash over its rows and the seal before, so that a later change of any sealed
 * row shows. Only transactions older than any still running are sealed. Answers how many rows were sealed.
 */
export async function seal(db: Db, stream: SealedStream): Promise<number> {
  const [table, seals, count] = [sql.table(stream.table), sql.table(stream.seals), sql.ref(stream.count)];
  return transaction(db, async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext(${`payments/${stream.seals.replaceAll('_', '-')}`}))`.execute(
      trx,
    );
    const { rows } = await sql<{ sealed: string }>`
      with last as (
        select coalesce(max(s.number), 0) as number from ${seals} s
      ),
      span as (
        select
          last.number + 1 as number,
          coalesce(s.to_transaction, '0'::xid8) as from_transaction,
          pg_snapshot_xmin(pg_current_snapshot()) as to_transaction,
          coalesce(s.hash, '') as previous_hash
        from last
        left join ${seals} s on s.number = last.number
      ),
      content as (
        select count(*) as sealed, ${digestOf(stream)} as digest
        from ${table} r, span
        where r.transaction_id >= span.from_transaction
          and r.transaction_id < span.to_transaction
      )
      insert into ${seals} (number, from_transaction, to_transaction, ${count}, previous_hash, hash)
      select
        span.number, span.from_transaction, span.to_transaction, content.sealed, span.previous_hash,
        encode(sha256(convert_to(concat_ws('|', span.number, span.from_transaction, span.to_transaction,
          content.sealed, span.previous_hash, content.digest), 'UTF8')), 'hex')
      from span, content
      where content.sealed > 0
      returning ${count} as sealed`.execute(trx);
    return Number(rows[0]?.sealed ?? 0);
  });
}

/** Numbers of a stream's seals that no longer fit their rows or their predecessor. Empty when nothing was tampered with. */
export async function brokenSealsOf(db: Db | Trx, stream: SealedStream): Promise<number[]> {
  const [table, seals] = [sql.table(stream.table), sql.table(stream.seals)];
  const count = sql.ref(`s.${stream.count}`);
  const { rows } = await sql<{ number: string }>`
    with bounds as (
      select array_agg(s.from_transaction::text::bigint order by s.number) as starts from ${seals} s
    ),
    content as (
      select
        width_bucket(r.transaction_id::text::bigint, bounds.starts) as number,
        count(*) as sealed,
        ${digestOf(stream)} as digest
      from ${table} r, bounds
      where r.transaction_id < (select max(s.to_transaction) from ${seals} s)
      group by 1
    )
    select s.number
    from ${seals} s
    left join ${seals} p on p.number = s.number - 1
    left join content c on c.number = s.number
    where s.previous_hash <> coalesce(p.hash, '')
      or (s.number > 1 and s.from_transaction is distinct from p.to_transaction)
      or ${count} <> coalesce(c.sealed, 0)
      or s.hash <> encode(sha256(convert_to(concat_ws('|', s.number, s.from_transaction, s.to_transaction,
           ${count}, s.previous_hash, c.digest), 'UTF8')), 'hex')
    order by s.number`.execute(db);
  return rows.map((row) => Number(row.number));
}
