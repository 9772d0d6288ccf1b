import { type Kysely, sql } from 'kysely';
import type { Policy } from '../api/gateway/policy.ts';
import { change } from '../directory/change.ts';
import type { MediatorTables } from '../tables.ts';

/** Makes this the policy of a service. */
export const putPolicy = (db: Kysely<MediatorTables>, service: string, policy: Policy): Promise<boolean> =>
  change(db, [
    sql`
      insert into gateway_policy (service_id, policy)
      values (${service}, ${JSON.stringify(policy)}::jsonb)
      on conflict on constraint gateway_policy_pkey do update
      set policy = excluded.policy
      where gateway_policy.policy <> excluded.policy`,
  ]);

export const deletePolicy = (db: Kysely<MediatorTables>, service: string): Promise<boolean> =>
  change(db, [sql`delete from gateway_policy where service_id = ${service}`]);

/** Sets the sealed credential of a service, or takes it away. */
export const putCredential = (
  db: Kysely<MediatorTables>,
  service: string,
  sealed: Buffer | null,
): Promise<boolean> =>
  change(db, [
    sql`
      insert into gateway_policy (service_id, policy, credential)
      values (${service}, '{}', ${sealed})
      on conflict on constraint gateway_policy_pkey do update
      set credential = excluded.credential`,
  ]);
