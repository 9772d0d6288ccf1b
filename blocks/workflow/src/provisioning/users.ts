import { notFound } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { writeHistory } from '../history/write-history.ts';
import type { WorkflowTables } from '../tables.ts';
import type { Equality } from './filter.ts';
import { type Db, type Provisioner, type Provisioning, record, type Trx } from './provisioner.ts';
import type { Resource } from './read-resource.ts';
import { refusal } from './refusal.ts';

export type UserRow = Selectable<WorkflowTables['provisioned_user']>;

export interface Page {
  /** Rows before the page. */
  readonly offset: number;
  readonly limit: number;
}

const inClear = ['userName', 'externalId', 'active'];

/** Names and addresses: what of a person lies sealed. */
const profileOf = (user: Resource): Resource =>
  Object.fromEntries(Object.entries(user).filter(([name]) => !inClear.includes(name)));

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
export const isId = (value: unknown): value is string => typeof value === 'string' && uuid.test(value);

/** A person of the agency. Throws 404. */
export async function findUser(db: Db, { agency }: Provisioner, id: string): Promise<UserRow> {
  const row = isId(id)
    ? await db
        .selectFrom('provisioned_user')
        .selectAll()
        .where('agency', '=', agency)
        .where('id', '=', id)
        .where('removed_at', 'is', null)
        .executeTakeFirst()
    : undefined;
  if (!row) throw notFound('User');
  return row;
}

/** Persons of the agency, in the order in which they came, and how many there are. Throws 400 `invalidFilter`. */
export async function listUsers(
  db: Db,
  { agency }: Provisioner,
  filter: readonly Equality[],
  page: Page,
): Promise<{ readonly total: number; readonly rows: readonly UserRow[] }> {
  let found = db.selectFrom('provisioned_user').where('agency', '=', agency).where('removed_at', 'is', null);
  for (const { path, value } of filter) {
    if (path === 'username') found = found.where(sql<boolean>`lower(user_name) = lower(${String(value)})`);
    else if (path === 'externalid') found = found.where('external_id', '=', String(value));
    else if (path === 'id') found = found.where('id', '=', isId(value) ? value : noId);
    else throw refusal('invalidFilter', 'Persons are found by userName, externalId or id');
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

/** An id that nothing has. */
export const noId = '00000000-0000-0000-0000-000000000000';

const taken = () => refusal('uniqueness', 'There is a person with this userName');

/** A person who was removed and comes again is the same one. Throws 409 when there is one with this name. */
export async function createUser(
  trx: Trx,
  { vault, newId }: Provisioning,
  by: Provisioner,
  user: Resource,
  at: string,
): Promise<UserRow> {
  const userName = user.userName as string;
  const known = await trx
    .selectFrom('provisioned_user')
    .selectAll()
    .where('agency', '=', by.agency)
    .where(sql<boolean>`lower(user_name) = lower(${userName})`)
    .executeTakeFirst();
  if (known && known.removed_at === null) throw taken();
  // Without a word about it a person is active.
  const active = user.active !== false;
  const values = {
    user_name: userName,
    external_id: (user.externalId as string | undefined) ?? null,
    active,
    profile: vault.seal(profileOf(user)),
    created_at: at,
    changed_at: at,
    removed_at: null,
  };
  const row = known
    ? await trx
        .updateTable('provisioned_user')
        .set({ ...values, revision: known.revision + 1 })
        .where('id', '=', known.id)
        .returningAll()
        .executeTakeFirstOrThrow()
    : await trx
        .insertInto('provisioned_user')
        .values({ id: newId(), agency: by.agency, revision: 1, ...values })
        .returningAll()
        .executeTakeFirstOrThrow();
  await record(trx, by, 'person-provisioned', [`person ${row.id}${active ? '' : ', not active'}`], at);
  if (!active) await releaseTasks(trx, by, row, at);
  return row;
}

/** What is kept of a person, as a client would send it. */
export const contentOf = ({ vault }: Provisioning, row: UserRow): Resource => ({
  userName: row.user_name,
  ...(row.external_id === null ? {} : { externalId: row.external_id }),
  active: row.active,
  ...vault.open(row.profile),
});

/** Keeps a person as they are now said to be. Throws 400 when they are said to be another one. */
export async function saveUser(
  trx: Trx,
  provisioning: Provisioning,
  by: Provisioner,
  before: UserRow,
  user: Resource,
  at: string,
): Promise<UserRow> {
  if (user.userName !== before.user_name)
    throw refusal('mutability', 'userName is who the person is: create another person');
  // A person about whom nothing is said stays as they are: only what is said gives rights back.
  const active = (user.active as boolean | undefined) ?? before.active;
  const next: Resource = { ...user, active };
  if (isSame(next, contentOf(provisioning, before))) return before;
  const row = await trx
    .updateTable('provisioned_user')
    .set({
      external_id: (user.externalId as string | undefined) ?? null,
      active,
      profile: provisioning.vault.seal(profileOf(user)),
      revision: before.revision + 1,
      changed_at: at,
    })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  const action =
    active === before.active ? 'person-changed' : active ? 'person-activated' : 'person-deactivated';
  await record(trx, by, action, [`person ${row.id}`], at);
  if (before.active && !active) await releaseTasks(trx, by, row, at);
  return row;
}

const sorted = (value: Resource): string =>
  JSON.stringify(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
const isSame = (one: Resource, other: Resource): boolean => sorted(one) === sorted(other);

/**
 * Removes a person. Who they are stays on record, so that their token gives no rights either until they are provisioned
 * again; their roles, names and addresses go.
 */
export async function removeUser(
  trx: Trx,
  { vault }: Provisioning,
  by: Provisioner,
  row: UserRow,
  at: string,
): Promise<void> {
  const left = await trx
    .deleteFrom('provisioned_membership')
    .where('user_id', '=', row.id)
    .returning('role_id')
    .execute();
  if (left.length > 0) {
    await trx
      .updateTable('provisioned_role')
      .set((role) => ({ revision: role('revision', '+', 1), changed_at: at }))
      .where(
        'id',
        'in',
        left.map((one) => one.role_id),
      )
      .execute();
  }
  await trx
    .updateTable('provisioned_user')
    .set({
      active: false,
      external_id: null,
      profile: vault.seal({}),
      revision: row.revision + 1,
      changed_at: at,
      removed_at: at,
    })
    .where('id', '=', row.id)
    .execute();
  await record(trx, by, 'person-removed', [`person ${row.id}`], at);
  await releaseTasks(trx, by, row, at);
}

/** Tasks that somebody has taken who has no rights any more are everybody's again. */
async function releaseTasks(trx: Trx, { actor }: Provisioner, row: UserRow, at: string): Promise<void> {
  const tasks = await trx
    .updateTable('user_task')
    .set({ assignee: null })
    .where('agency', '=', row.agency)
    .where('assignee', '=', row.user_name)
    .where('state', '=', 'open')
    .returning(['instance_id', 'element_id'])
    .execute();
  for (const task of tasks) {
    await writeHistory(trx, {
      instanceId: task.instance_id,
      event: 'task-delegated',
      entries: [
        {
          event: 'delegated',
          elementId: task.element_id,
          detail: 'to whoever has its role: rights withdrawn',
        },
      ],
      reason: undefined,
      actor,
      at,
    });
  }
}
