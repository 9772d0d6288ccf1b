import { conflict, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { openCases } from '../cases/cases.ts';
import type { Payments } from '../payments-context.ts';
import type { Rail, RailResult } from '../rails/port.ts';
import { applyResults } from './apply-results.ts';
import { resultsByRail } from './results-by-rail.ts';

/**
 * Keeps what an operator of rails reports and applies it, in one transaction. The event id makes a repeat of it known.
 * Answers whether it was one. Other results under an id that was used before are a case, and a 409: nobody can tell which
 * are true.
 */
export async function takeNotice(
  payments: Payments,
  rails: readonly Rail[],
  first: Rail,
  notice: {
    readonly eventId: string;
    readonly body: unknown;
    readonly signature: unknown;
    readonly results: readonly RailResult[];
  },
): Promise<boolean> {
  const taken = await transaction(payments.db, async (trx) => {
    const inserted = await trx
      .insertInto('rail_notice')
      .values({
        rail_id: first.id,
        event_id: notice.eventId,
        body: JSON.stringify(notice.body),
        signature: notice.signature === undefined ? null : JSON.stringify(notice.signature),
      })
      .onConflict((clash) => clash.constraint('rail_notice_pkey').doNothing())
      .returning('event_id')
      .executeTakeFirst();
    if (!inserted) {
      const { rows } = await sql<{ same: boolean }>`
        select body -> 'results' is not distinct from ${JSON.stringify(notice.body)}::jsonb -> 'results' as same
        from rail_notice
        where rail_id = ${first.id} and event_id = ${notice.eventId}`.execute(trx);
      if (rows[0]?.same) return 'before';
      await openCases(trx, [
        {
          kind: 'contradiction',
          key: `notice/${first.id}/${notice.eventId}`,
          railId: first.id,
          detail: `The rail used the id of notice ${notice.eventId} again with other results, which were not taken`,
        },
      ]);
      return 'never';
    }
    for (const [railId, own] of await resultsByRail(trx, rails, first, notice.results))
      await applyResults(payments, railId, own, 'callback', trx);
    return 'now';
  });
  payments.wake();
  if (taken === 'never') throw conflict('Another notice with this event id was taken before');
  return taken === 'before';
}
