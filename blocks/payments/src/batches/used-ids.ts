import { conflict } from '@govstack/platform';
import { sql } from 'kysely';
import type { Trx } from '../tables.ts';

/**
 * Submissions check their ids alone, batches side by side: what waits in the stage of one has no index that keeps others
 * from using its ids.
 */
export const lockIds = (trx: Trx, sourceId: string, mode: 'alone' | 'shared') =>
  sql`
    select ${sql.raw(mode === 'alone' ? 'pg_advisory_xact_lock' : 'pg_advisory_xact_lock_shared')}(
      hashtext('payments/instruction-ids/' || ${sourceId}))`.execute(trx);

/** Throws a 409 that names ids an earlier batch of the source has used, or a submission that is not split yet. */
export async function assertUnusedIds(
  trx: Trx,
  sourceId: string,
  clientIds: readonly string[],
): Promise<void> {
  await lockIds(trx, sourceId, 'shared');
  const { rows } = await sql<{ client_id: string }>`
    (
      select client_id
      from instruction
      where source_id = ${sourceId} and purpose = 'payment' and client_id = any (${clientIds}::text[])
      limit 10
    )
    union all
    (
      select r.client_id
      from submission s
      join submission_row r on r.submission_id = s.id
      where s.source_id = ${sourceId} and s.state = 'received' and r.client_id = any (${clientIds}::text[])
      limit 10
    )`.execute(trx);
  if (rows.length > 0)
    throw conflict(
      `Instruction ids are used once; these were used in an earlier batch: ${rows.map((row) => row.client_id).join(', ')}`,
    );
}
