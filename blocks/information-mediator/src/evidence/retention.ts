import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';

const batch = 5000;

/**
 * Erases the contents of messages older than `days`. The log itself stays: its digests, signatures and chain still
 * prove what was said to whoever kept the message. Answers how many were erased.
 */
export async function eraseOldContents(db: Kysely<MediatorTables>, days: number, now: Date): Promise<number> {
  const before = new Date(now.getTime() - days * 86_400_000);
  const { rows } = await sql<{ seq: string | null }>`
    select max(seq) as seq
    from message_log
    where at < ${before}`.execute(db);
  await sql`
    delete from message_body
    where written_at < ${before}`.execute(db);
  const last = rows[0]?.seq;
  if (last === null || last === undefined) return 0;
  let erased = 0;
  for (;;) {
    const { numAffectedRows } = await sql`
      delete from message_content
      where seq in (
        select seq from message_content
        where seq <= ${last}
        order by seq
        limit ${batch}
      )`.execute(db);
    erased += Number(numAffectedRows ?? 0n);
    if (Number(numAffectedRows ?? 0n) < batch) return erased;
  }
}
