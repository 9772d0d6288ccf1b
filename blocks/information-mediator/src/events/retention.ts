import { transaction } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';

/**
 * Erases events older than `days` that every subscriber has received, that had none, that have expired or were stopped.
 * What waits or is dead stays.
 * Answers how many events were erased.
 */
export const eraseOldEvents = (db: Kysely<MediatorTables>, days: number, now: Date): Promise<number> =>
  transaction(db, async (trx) => {
    const before = new Date(now.getTime() - days * 86_400_000);
    await sql`
      delete from delivery
      where state in ('delivered', 'expired', 'stopped') and coalesce(delivered_at, created_at) < ${before}`.execute(
      trx,
    );
    const { numAffectedRows } = await sql`
      delete from event e
      where received_at < ${before}
        and not exists (
          select from delivery d
          where d.source = e.source and d.event_id = e.id
        )`.execute(trx);
    return Number(numAffectedRows ?? 0n);
  });
