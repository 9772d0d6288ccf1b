import { transaction } from '@govstack/platform';
import type { Payments } from '../payments-context.ts';
import type { Rail, RailResult } from '../rails/port.ts';
import { applyResults } from './apply-results.ts';
import { resultsByRail } from './results-by-rail.ts';

/**
 * Keeps what an operator of rails reports and applies it, in one transaction. The event id makes a repeat of it known.
 * Answers whether it was one.
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
  const repeated = await transaction(payments.db, async (trx) => {
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
    if (!inserted) return true;
    for (const [railId, own] of await resultsByRail(trx, rails, first, notice.results))
      await applyResults(payments, railId, own, 'callback', trx);
    return false;
  });
  payments.wake();
  return repeated;
}
