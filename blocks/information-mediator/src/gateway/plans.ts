import { type Kysely, sql, type Transaction } from 'kysely';
import type { Plan, Policy } from '../api/gateway/policy.ts';
import { change } from '../directory/change.ts';
import type { MediatorTables } from '../tables.ts';

export const findPlan = (policy: Policy | undefined, name: string): Plan | undefined =>
  policy?.plans?.find((plan) => plan.name === name);

/** Puts an application on a plan of a service, from now for as long as the plan lasts. Throws when there is none. */
export async function subscribeToPlan(
  trx: Transaction<MediatorTables>,
  service: string,
  consumer: string,
  name: string,
): Promise<void> {
  const row = await trx
    .selectFrom('gateway_policy')
    .select('policy')
    .where('service_id', '=', service)
    .executeTakeFirst();
  const plan = findPlan(row?.policy as Policy | undefined, name);
  if (!plan) throw new Error(`${service} offers no plan ${name} any more`);
  await sql`
    insert into plan_subscription (service_id, consumer, plan, expires_at)
    values (${service}, ${consumer}, ${name}, now() + make_interval(days => ${plan.days ?? null}))
    on conflict on constraint plan_subscription_pkey do update
    set plan = excluded.plan, since = now(), expires_at = excluded.expires_at`.execute(trx);
}

/** Takes away the rights of applications whose plans have ended. Answers whether there were any. */
export const endPlans = (db: Kysely<MediatorTables>, now: Date): Promise<boolean> =>
  change(db, [
    sql`
      delete from access_right r
      using plan_subscription p
      where p.expires_at <= ${now} and r.service_id = p.service_id and r.subject = p.consumer`,
    sql`delete from plan_subscription where expires_at <= ${now}`,
  ]);
