import { forbidden, type Person, prepared } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import type { WorkflowTables } from '../tables.ts';

/**
 * The person with the rights they have here: the roles of their token, and those that their agency has provisioned
 * beside them. Throws 403 for one whom the agency has deactivated or removed, whatever their token says. A name that is
 * written in another case is enough to take rights away (SCIM does not tell cases apart), and not to give them.
 */
export async function actingPerson(db: Kysely<WorkflowTables>, person: Person): Promise<Person> {
  if (person.agency === undefined) return person;
  const { rows } = await sql<{ active: boolean; named: boolean; roles: string[] }>`
    ${prepared}
    select active, user_name = ${person.id} as named,
      array(
        select provisioned_role.name
        from provisioned_membership
        join provisioned_role on provisioned_role.id = provisioned_membership.role_id
        where provisioned_membership.user_id = provisioned_user.id
      ) as roles
    from provisioned_user
    where agency = ${person.agency} and lower(user_name) = lower(${person.id})`.execute(db);
  const [known] = rows;
  if (!known) return person;
  if (!known.active) throw forbidden('Your agency has withdrawn your rights in workflow');
  if (!known.named) return person;
  return { ...person, roles: [...new Set([...person.roles, ...known.roles])] };
}

/** Whether the agency has deactivated or removed a person, who then can have no task either. */
export async function isWithdrawn(
  db: Kysely<WorkflowTables>,
  agency: string,
  personId: string,
): Promise<boolean> {
  const row = await db
    .selectFrom('provisioned_user')
    .select('id')
    .where('agency', '=', agency)
    .where(sql<boolean>`lower(user_name) = lower(${personId})`)
    .where('active', '=', false)
    .executeTakeFirst();
  return row !== undefined;
}

type Handle = (input: never) => Promise<unknown>;

/** Handlers that get the person with the rights they have here in place of what the token alone says. */
export const withRights = <H extends object>(db: Kysely<WorkflowTables>, handlers: H): H =>
  Object.fromEntries(
    Object.entries(handlers as Record<string, Handle>).map(([name, handle]) => [
      name,
      async (input: { readonly person: Person | undefined }) =>
        handle((input.person ? { ...input, person: await actingPerson(db, input.person) } : input) as never),
    ]),
  ) as H;
