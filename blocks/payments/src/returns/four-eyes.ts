import { type Caller, forbidden, type Person } from '@govstack/platform';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import { actorOf, personOf } from '../sources/access.ts';
import type { Db, Trx } from '../tables.ts';

/** Who decides, and for whom. */
export interface Officer {
  readonly caller: Caller;
  readonly person: Person;
}

/** Money whose way a person decides is decided by an officer of the treasury, and of nobody else. */
export function assertOfficer(payments: Payments, { person }: Officer): void {
  if (person.agency !== payments.treasury)
    throw forbidden('Only officers of the treasury decide where this money goes');
}

/** The one who proposed cannot be the one who agrees. */
export function assertOther(proposedBy: string | null, { person }: Officer): void {
  if (proposedBy === person.id) throw forbidden('A second person decides, not the one who proposed it');
}

/** Whether this person alone may decide on this amount: never the one who set up to which amount that is so. */
export async function mayDecideAlone(
  db: Db | Trx,
  currency: string,
  amount: bigint,
  { person }: Officer,
): Promise<boolean> {
  const row = await db
    .selectFrom('single_decision_limit')
    .select(['amount', 'set_by'])
    .where('currency', '=', currency)
    .executeTakeFirst();
  return row !== undefined && amount <= BigInt(row.amount) && personOf(row.set_by) !== person.id;
}

/** Sets up to which amount one other person decides alone in a currency; null: every decision needs two. */
export async function putSingleDecisionLimit(
  trx: Trx,
  currency: string,
  amount: bigint | null,
  officer: Officer,
): Promise<void> {
  const actor = actorOf(officer.caller, officer.person);
  if (amount === null)
    await trx.deleteFrom('single_decision_limit').where('currency', '=', currency).execute();
  else
    await trx
      .insertInto('single_decision_limit')
      .values({ currency, amount: amount.toString(), set_by: actor, updated_at: new Date() })
      .onConflict((clash) =>
        clash
          .column('currency')
          .doUpdateSet({ amount: amount.toString(), set_by: actor, updated_at: new Date() }),
      )
      .execute();
  await audit(trx, {
    component: 'reconciliation',
    action: 'single-decision-limit',
    subject: `currency/${currency}`,
    actor,
    detail: { amount: amount?.toString() ?? null },
  });
}

export const listSingleDecisionLimits = (db: Db) =>
  db.selectFrom('single_decision_limit').selectAll().orderBy('currency').limit(500).execute();
