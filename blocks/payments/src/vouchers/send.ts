import { newContext, withContext } from '@govstack/platform';
import { sql } from 'kysely';
import { openCases } from '../cases/cases.ts';
import { applyResults } from '../dispatch/apply-results.ts';
import { formatAmount } from '../money/amount.ts';
import type { Payments } from '../payments-context.ts';
import type { Outcome, RailResult } from '../rails/port.ts';
import { outcomeOfRefusal } from '../rails/refusal.ts';
import { findRail, railContext } from '../rails/registry.ts';
import { readProgramme } from '../sources/programme.ts';
import type { Redemption } from './redemption.ts';

/** Sends one transfer, under the redemption's own id however often, and lets the answer take effect. Answers it. */
export async function sendRedemption(payments: Payments, redemption: Redemption): Promise<Outcome> {
  const { id, rail_id: railId, currency } = redemption;
  const rail = await findRail(payments.db, railId);
  if (!rail || redemption.address_cipher === null) throw new Error(`redemption ${id} cannot be sent`);
  const voucher = await payments.db
    .selectFrom('voucher')
    .select(['serial', 'source_id', 'programme_id'])
    .where('id', '=', redemption.voucher_id)
    .executeTakeFirstOrThrow();
  const programme = await readProgramme(payments.db, voucher.source_id, voucher.programme_id);
  let result: RailResult;
  try {
    const results = await payments.payoutAdapter(rail).submit(railContext(payments, rail), {
      subBatchId: id,
      debtorAccount: rail.debtor_account ?? programme.funding_account,
      currency,
      transfers: [
        {
          reference: id,
          address: payments.vault.open(redemption.address_cipher, `redemption/${id}`),
          institution: redemption.institution_code ?? undefined,
          amount: formatAmount(redemption.amount, payments.currencies(currency) ?? 2),
          narration: `Voucher ${voucher.serial}`,
        },
      ],
    });
    result = results.find((one) => one.reference === id) ?? {
      reference: id,
      outcome: 'unknown',
      reasonCode: 'missing-in-answer',
    };
  } catch (error) {
    result = { reference: id, ...outcomeOfRefusal(error) };
    payments.ctx.log.warn(
      { err: error, rail: railId, outcome: result.outcome },
      'paying a voucher out gave no usable answer',
    );
  }
  await applyResults(payments, railId, [result], 'answer');
  return result.outcome;
}

/** What the rail says now became of a redemption. */
export async function askAgain(payments: Payments, redemption: Redemption): Promise<RailResult[]> {
  const silent: RailResult = { reference: redemption.id, outcome: 'unknown', reasonCode: 'no-answer' };
  const rail = await findRail(payments.db, redemption.rail_id);
  if (!rail) return [silent];
  return payments
    .payoutAdapter(rail)
    .status(railContext(payments, rail), [redemption.id])
    .catch((error: unknown) => {
      payments.ctx.log.warn({ err: error, rail: rail.id }, 'the rail does not answer about a redemption');
      return [silent];
    });
}

/**
 * Takes the next redemption without a final answer whose time to ask has come: the rail was silent, the answer was lost,
 * or the process that sent it died. The next time is set in the same statement, so no two processes ask about one. A rail
 * that is closed to new payments is asked too, and nothing is sent to it.
 */
async function claimDue(
  payments: Payments,
): Promise<(Redemption & { send: boolean; old: boolean }) | undefined> {
  const { statusAfterSeconds, escalateAfterSeconds } = payments.config;
  const { rows } = await sql<Redemption & { send: boolean; old: boolean }>`
    update voucher_redemption d
    set checks = d.checks + 1,
        sends = d.sends + case when due.resend then 1 else 0 end,
        resend = false,
        next_check_at = now() + make_interval(
          secs => least(300, ${statusAfterSeconds}::float8 * power(2, least(d.checks, 8))))
    from (
      select w.id, w.resend and r.active as resend, r.answer_within_seconds
      from voucher_redemption w
      join rail r on r.id = w.rail_id
      where w.state in ('sent', 'unknown')
        and w.next_check_at <= now()
      order by w.next_check_at
      limit 1
      for update of w skip locked
    ) due
    where d.id = due.id
    returning
      d.*,
      due.resend as send,
      d.sent_at < now() - make_interval(
        secs => coalesce(due.answer_within_seconds::float8, ${escalateAfterSeconds}::float8)) as old`.execute(
    payments.db,
  );
  return rows[0];
}

/** Finds out what became of one redemption, or sends it again when it never arrived. Answers whether there was one. */
export async function redemptionNext(payments: Payments): Promise<boolean> {
  const due = await claimDue(payments);
  if (!due) return false;
  if (due.old)
    await openCases(payments.db, [
      {
        kind: 'unknown-too-long',
        key: due.id,
        instructionId: due.id,
        railId: due.rail_id,
        detail: 'The rail cannot say what became of the payment of a voucher; it is asked further on',
      },
    ]);
  await withContext(newContext({ correlationId: due.correlation_id }), async () => {
    if (due.send) await sendRedemption(payments, due);
    else await applyResults(payments, due.rail_id, await askAgain(payments, due), 'poll');
  });
  return true;
}
