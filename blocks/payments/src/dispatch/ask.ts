import { newContext, withContext } from '@govstack/platform';
import { sql } from 'kysely';
import { openCases } from '../cases/cases.ts';
import type { Payments } from '../payments-context.ts';
import type { RailResult } from '../rails/port.ts';
import { adapterOf, findRail, railContext } from '../rails/registry.ts';
import { applyResults, ofAttempts } from './apply-results.ts';

interface Due {
  instruction_id: string;
  number: number;
  rail_id: string;
  batch_id: string;
  old: boolean;
}

const most = 500;

/**
 * Attempts without a final answer whose time to ask has come: the rail was silent, the answer was lost, or the process
 * that sent them died. A rail that is closed to new payments is asked too. The next time is set in the same statement, so two processes never ask about the same one.
 */
async function claimDue(payments: Payments): Promise<Due[]> {
  const { statusAfterSeconds, escalateAfterSeconds } = payments.config;
  const { rows } = await sql<Due>`
    update attempt a
    set checks = a.checks + 1,
        next_check_at = now() + make_interval(
          secs => least(300, ${statusAfterSeconds}::float8 * power(2, least(a.checks, 8))))
    from instruction i, rail r
    where i.id = a.instruction_id
      and r.id = a.rail_id
      and (a.instruction_id, a.number) in (
        select w.instruction_id, w.number
        from attempt w
        where w.state in ('open', 'unknown')
          and w.next_check_at <= now()
        order by w.next_check_at
        limit ${most}
        for update of w skip locked
      )
    returning
      a.instruction_id,
      a.number,
      a.rail_id,
      i.batch_id,
      a.sent_at < now() - make_interval(
        secs => coalesce(r.answer_within_seconds::float8, ${escalateAfterSeconds}::float8)) as old`.execute(
    payments.db,
  );
  return rows;
}

/** Asks the rails about attempts that are due. Answers whether there were any. */
export async function askNext(payments: Payments): Promise<boolean> {
  const due = await claimDue(payments);
  if (due.length === 0) return false;
  await openCases(
    payments.db,
    due
      .filter((one) => one.old)
      .map((one) => ({
        kind: 'unknown-too-long' as const,
        key: one.instruction_id,
        batchId: one.batch_id,
        instructionId: one.instruction_id,
        railId: one.rail_id,
        detail: 'The rail cannot say what became of this payment; it is asked further on',
      })),
  );
  for (const [railId, group] of Map.groupBy(due, (one) => one.rail_id)) {
    const rail = await findRail(payments.db, railId);
    if (!rail) continue;
    await withContext(newContext(), async () => {
      const references = group.map((one) => one.instruction_id);
      const results = await adapterOf(rail)
        .status(railContext(payments, rail), references)
        .catch((error: unknown): RailResult[] => {
          payments.ctx.log.warn({ err: error, rail: railId }, 'the rail does not answer about transfers');
          return references.map((reference) => ({ reference, outcome: 'unknown', reasonCode: 'no-answer' }));
        });
      const attempts = new Map(group.map((one) => [one.instruction_id, one.number]));
      await applyResults(payments, railId, ofAttempts(results, attempts), 'poll');
    });
  }
  return true;
}
