import { notFound } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import type { WorkflowTables } from '../tables.ts';
import type { Equality } from './filter.ts';
import { type Db, type Provisioner, type Provisioning, record, type Trx } from './provisioner.ts';
import { type Complex, mostValues, type Resource } from './read-resource.ts';
import { refusal } from './refusal.ts';
import { isId, noId, type Page } from './users.ts';

export type RoleRow = Selectable<WorkflowTables['provisioned_role']>;

/** Most roles of an agency. */
const mostRoles = 1000;
const step = 1000;

/** A role of the agency. Throws 404. */
export async function findRole(db: Db, { agency }: Provisioner, id: string): Promise<RoleRow> {
  const row = isId(id)
    ? await db
        .selectFrom('provisioned_role')
        .selectAll()
        .where('agency', '=', agency)
        .where('id', '=', id)
        .executeTakeFirst()
    : undefined;
  if (!row) throw notFound('Group');
  return row;
}

/** Roles of the agency, in the order in which they came, and how many there are. Throws 400 `invalidFilter`. */
export async function listRoles(
  db: Db,
  { agency }: Provisioner,
  filter: readonly Equality[],
  page: Page,
): Promise<{ readonly total: number; readonly rows: readonly RoleRow[] }> {
  let found = db.selectFrom('provisioned_role').where('agency', '=', agency);
  for (const { path, value } of filter) {
    if (path === 'displayname') found = found.where(sql<boolean>`lower(name) = lower(${String(value)})`);
    else if (path === 'externalid') found = found.where('external_id', '=', String(value));
    else if (path === 'id') found = found.where('id', '=', isId(value) ? value : noId);
    else if (path === 'members' || path === 'members.value') {
      found = found.where('id', 'in', (members) =>
        members
          .selectFrom('provisioned_membership')
          .select('role_id')
          .where('user_id', '=', isId(value) ? value : noId),
      );
    } else throw refusal('invalidFilter', 'Roles are found by displayName, externalId, id or members');
  }
  const { total } = await found
    .select((count) => count.fn.countAll<string>().as('total'))
    .executeTakeFirstOrThrow();
  const rows =
    page.limit === 0
      ? []
      : await found.selectAll().orderBy('id').offset(page.offset).limit(page.limit).execute();
  return { total: Number(total), rows };
}

/** Who has the roles, by the id of the role. */
export async function membersOf(
  db: Db,
  roleIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (roleIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('provisioned_membership')
    .selectAll()
    .where('role_id', 'in', [...roleIds])
    .orderBy('user_id')
    .execute();
  const groups = Map.groupBy(rows, (row) => row.role_id);
  return new Map([...groups].map(([id, members]) => [id, members.map((one) => one.user_id)]));
}

/** How many persons have each of the roles. */
export async function memberCounts(db: Db, roleIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (roleIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('provisioned_membership')
    .select((count) => ['role_id', count.fn.countAll<string>().as('members')])
    .where('role_id', 'in', [...roleIds])
    .groupBy('role_id')
    .execute();
  return new Map(rows.map((row) => [row.role_id, Number(row.members)]));
}

/** The roles of persons, by the id of the person. */
export async function rolesOf(
  db: Db,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, readonly { readonly id: string; readonly name: string }[]>> {
  if (userIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('provisioned_membership')
    .innerJoin('provisioned_role', 'provisioned_role.id', 'provisioned_membership.role_id')
    .select(['provisioned_membership.user_id', 'provisioned_role.id', 'provisioned_role.name'])
    .where('provisioned_membership.user_id', 'in', [...userIds])
    .orderBy('provisioned_role.id')
    .execute();
  return Map.groupBy(rows, (row) => row.user_id);
}

/** What is kept of a role, as a client would send it. */
export const contentOfRole = (row: RoleRow, members: readonly string[]): Resource => ({
  displayName: row.name,
  ...(row.external_id === null ? {} : { externalId: row.external_id }),
  ...(members.length === 0 ? {} : { members: members.map((value) => ({ value, type: 'User' })) }),
});

const idsIn = (role: Resource): string[] => {
  const members = (role.members ?? []) as readonly Complex[];
  for (const { value, type } of members) {
    if (type !== undefined && type !== 'User')
      throw refusal('invalidValue', 'Members are persons: roles have no roles');
    if (!isId(value)) throw refusal('invalidValue', 'A member is named by the id of a person');
  }
  return [...new Set(members.map(({ value }) => (value as string).toLowerCase()))];
};

/** Throws 400 unless all are persons of the agency. */
async function checkMembers(trx: Trx, agency: string, ids: readonly string[]): Promise<void> {
  const known = await trx
    .selectFrom('provisioned_user')
    .select('id')
    .where('agency', '=', agency)
    .where('removed_at', 'is', null)
    .where(sql<boolean>`id = any(${[...ids]}::uuid[])`)
    .execute();
  if (known.length !== ids.length)
    throw refusal('invalidValue', 'A member is not a person that is known here');
}

async function checkName(trx: Trx, agency: string, name: string, except: string): Promise<void> {
  if (!/^[^\p{Cc}]{1,200}$/u.test(name))
    throw refusal('invalidValue', 'displayName must have 1 to 200 characters that can be printed');
  const other = await trx
    .selectFrom('provisioned_role')
    .select('id')
    .where('agency', '=', agency)
    .where(sql<boolean>`lower(name) = lower(${name})`)
    .where('id', '!=', except)
    .executeTakeFirst();
  if (other) throw refusal('uniqueness', 'There is a group with this displayName');
}

/** Gives and takes a role, and puts each on record. */
async function setMembers(
  trx: Trx,
  by: Provisioner,
  role: { readonly id: string; readonly name: string },
  before: readonly string[],
  after: readonly string[],
  at: string,
): Promise<boolean> {
  if (after.length > mostValues) throw refusal('invalidValue', `A group has at most ${mostValues} members`);
  const had = new Set(before);
  const has = new Set(after);
  const given = after.filter((id) => !had.has(id));
  const takenAway = before.filter((id) => !has.has(id));
  if (given.length > 0) await checkMembers(trx, by.agency, given);
  for (let first = 0; first < given.length; first += step) {
    await trx
      .insertInto('provisioned_membership')
      .values(given.slice(first, first + step).map((id) => ({ role_id: role.id, user_id: id })))
      .execute();
  }
  if (takenAway.length > 0) {
    await trx
      .deleteFrom('provisioned_membership')
      .where('role_id', '=', role.id)
      .where(sql<boolean>`user_id = any(${takenAway}::uuid[])`)
      .execute();
  }
  const gave = given.map((id) => `role ${role.name} to person ${id}`);
  await record(trx, by, 'role-given', gave, at);
  const took = takenAway.map((id) => `role ${role.name} from person ${id}`);
  await record(trx, by, 'role-taken', took, at);
  return given.length + takenAway.length > 0;
}

/** Creates a role with those who have it. Throws 409 when there is one with this name. */
export async function createRole(
  trx: Trx,
  { newId }: Provisioning,
  by: Provisioner,
  role: Resource,
  at: string,
): Promise<RoleRow> {
  const name = role.displayName as string;
  const members = idsIn(role);
  await checkName(trx, by.agency, name, noId);
  const { roles } = await trx
    .selectFrom('provisioned_role')
    .select((count) => count.fn.countAll<string>().as('roles'))
    .where('agency', '=', by.agency)
    .executeTakeFirstOrThrow();
  if (Number(roles) >= mostRoles) throw refusal('tooMany', `An agency has at most ${mostRoles} groups`);
  const row = await trx
    .insertInto('provisioned_role')
    .values({
      id: newId(),
      agency: by.agency,
      name,
      external_id: (role.externalId as string | undefined) ?? null,
      revision: 1,
      created_at: at,
      changed_at: at,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await record(trx, by, 'role-provisioned', [`role ${name}`], at);
  await setMembers(trx, by, row, [], members, at);
  return row;
}

/** Keeps a role as it is now said to be: its name, and who has it. */
export async function saveRole(
  trx: Trx,
  by: Provisioner,
  before: RoleRow,
  had: readonly string[],
  role: Resource,
  at: string,
): Promise<RoleRow> {
  const name = role.displayName as string;
  const externalId = (role.externalId as string | undefined) ?? null;
  const members = idsIn(role);
  const renamed = name !== before.name;
  if (renamed) {
    await checkName(trx, by.agency, name, before.id);
    await record(trx, by, 'role-renamed', [`role ${before.name} to ${name}`], at);
  }
  const moved = await setMembers(trx, by, { id: before.id, name }, had, members, at);
  if (!renamed && !moved && externalId === before.external_id) return before;
  return trx
    .updateTable('provisioned_role')
    .set({ name, external_id: externalId, revision: before.revision + 1, changed_at: at })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Removes a role: nobody has it any more. */
export async function removeRole(trx: Trx, by: Provisioner, row: RoleRow, at: string): Promise<void> {
  await trx.deleteFrom('provisioned_role').where('id', '=', row.id).execute();
  await record(trx, by, 'role-removed', [`role ${row.name}`], at);
}
