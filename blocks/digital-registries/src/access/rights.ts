import { type Caller, conflict, notFound, type Person } from '@govstack/platform';
import canonicalize from 'canonicalize';
import { type Kysely, sql, type Transaction } from 'kysely';
import { type Group, type Right, type Standing, standing } from '../api/rights/right.ts';
import { actorOf, logSchema } from '../history/schema-log.ts';
import type { RegistryTables } from '../tables.ts';

type Db = Kysely<RegistryTables>;
type Trx = Transaction<RegistryTables>;

/** A right as it is kept, with where it comes from. */
export interface StoredRight {
  readonly name: string;
  /** The template it belongs to; undefined: given on the registry itself. */
  readonly template: string | undefined;
  readonly right: Right;
}

export interface Template {
  readonly name: string;
  readonly title: string;
  readonly everywhere: boolean;
  readonly registries: readonly string[];
  readonly rights: Readonly<Record<string, Right>>;
}

/** All rights that one owner has given, as of one revision. */
export interface OwnersRights {
  readonly revision: string;
  of(registryId: string): readonly StoredRight[];
  standing(registryId: string): Standing;
  readonly groups: ReadonlyMap<string, Group>;
}

async function load(db: Db, owner: string, revision: string): Promise<OwnersRights> {
  const [rights, templates, uses, groups, standings] = await Promise.all([
    db.selectFrom('access_right').selectAll().where('owner', '=', owner).orderBy('name').execute(),
    db.selectFrom('rights_template').selectAll().where('owner', '=', owner).orderBy('name').execute(),
    db.selectFrom('rights_template_use').selectAll().where('owner', '=', owner).execute(),
    db.selectFrom('rights_group').selectAll().where('owner', '=', owner).execute(),
    db
      .selectFrom('standing_rights')
      .innerJoin('registry', 'registry.id', 'standing_rights.registry_id')
      .select(['registry_id', 'applications', 'analysts', 'registrars'])
      .where('owner', '=', owner)
      .execute(),
  ]);
  const stored = rights.map((row) => ({
    registry: row.registry_id,
    name: row.name,
    template: row.template ?? undefined,
    right: row.content,
  }));
  const everywhere = new Set(templates.filter((one) => one.everywhere).map(({ name }) => name));
  const used = new Set(uses.map((one) => `${one.registry_id}/${one.template}`));
  const said = new Map(standings.map(({ registry_id, ...one }) => [registry_id, one]));
  const known = new Map<string, StoredRight[]>();
  return {
    revision,
    of(registryId) {
      const found =
        known.get(registryId) ??
        stored.filter(({ registry, template }) =>
          template === undefined
            ? registry === registryId
            : everywhere.has(template) || used.has(`${registryId}/${template}`),
        );
      known.set(registryId, found);
      return found;
    },
    standing: (registryId) => said.get(registryId) ?? standing,
    groups: new Map(groups.map(({ name, title, members }) => [name, { title, members } as Group])),
  };
}

/** The rights of every owner, remembered: what this node changes counts at once, what another one does a second later. */
export interface Rights {
  of(owner: string): Promise<OwnersRights>;
  forget(owner: string): void;
}

const rememberedMs = 1000;
const mostRemembered = 1000;

export async function revisionOf(db: Db, owner: string): Promise<string> {
  const row = await db
    .selectFrom('rights_revision')
    .select('revision')
    .where('owner', '=', owner)
    .executeTakeFirst();
  return row?.revision ?? '0';
}

export function openRights(db: Db): Rights {
  const known = new Map<string, { readonly until: number; readonly rights: Promise<OwnersRights> }>();
  async function look(owner: string, before: Promise<OwnersRights> | undefined): Promise<OwnersRights> {
    const [revision, last] = await Promise.all([revisionOf(db, owner), before?.catch(() => undefined)]);
    return last?.revision === revision ? last : load(db, owner, revision);
  }
  return {
    of(owner) {
      const found = known.get(owner);
      if (found && found.until > Date.now()) return found.rights;
      const rights = look(owner, found?.rights);
      if (known.size >= mostRemembered) known.clear();
      known.set(owner, { until: Date.now() + rememberedMs, rights });
      rights.catch(() => known.delete(owner));
      return rights;
    },
    forget(owner) {
      known.delete(owner);
    },
  };
}

/** Who changes rights. */
export interface Changer {
  readonly owner: string;
  readonly caller: Caller;
  readonly person: Person | undefined;
}

export type ChangeKind =
  | 'access'
  | 'right'
  | 'standing'
  | 'template'
  | 'group'
  | 'identifiers'
  | 'delegation';

export interface RightsChange {
  readonly kind: ChangeKind;
  readonly registry: string | null;
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

const json = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value);

/**
 * Changes rights of an owner, one change at a time, and puts it on record: `work` answers what was changed, or
 * undefined when nothing was.
 */
export const changeRights = (
  db: Db,
  { owner, caller, person }: Changer,
  work: (trx: Trx) => Promise<RightsChange | undefined>,
): Promise<void> =>
  db.transaction().execute(async (trx) => {
    // Taken first: changes wait for each other here, and so does what is read before them.
    await sql`
      insert into rights_revision (owner, revision)
      values (${owner}, 1)
      on conflict on constraint rights_revision_pkey do update
      set revision = rights_revision.revision + 1`.execute(trx);
    const change = await work(trx);
    if (!change || canonicalize(change.before) === canonicalize(change.after)) return;
    await trx
      .insertInto('rights_change')
      .values({
        owner,
        kind: change.kind,
        registry: change.registry,
        name: change.name,
        before: json(change.before),
        after: json(change.after),
        application: caller.application,
        person: person?.id ?? null,
        at: new Date().toISOString(),
      })
      .execute();
    const kind = change.kind === 'access' ? 'application' : change.kind;
    await logSchema(trx, actorOf({ caller, person }), {
      registry: { id: null, owner, code: change.registry ?? '' },
      action: change.kind === 'access' ? 'access' : 'rights',
      before: change.before && { [kind]: change.name, ...(change.before as object) },
      after: change.after && { [kind]: change.name, ...(change.after as object) },
    });
  });

const mostRights = 500;
const mostGroups = 500;
const mostTemplates = 200;

const bounded = async (count: Promise<{ n: string }>, most: number, what: string): Promise<void> => {
  if (Number((await count).n) > most) throw conflict(`There can be ${most} ${what}`);
};

/** Gives a right on a registry; undefined: takes it away. */
export async function putRight(
  trx: Trx,
  owner: string,
  registry: { readonly id: string; readonly code: string },
  name: string,
  right: Right | undefined,
): Promise<RightsChange | undefined> {
  const key = trx
    .selectFrom('access_right')
    .select('content')
    .where('owner', '=', owner)
    .where('registry_id', '=', registry.id)
    .where('name', '=', name);
  const before = (await key.executeTakeFirst())?.content ?? null;
  await trx
    .deleteFrom('access_right')
    .where('owner', '=', owner)
    .where('registry_id', '=', registry.id)
    .where('name', '=', name)
    .execute();
  if (right)
    await trx
      .insertInto('access_right')
      .values({ owner, registry_id: registry.id, template: null, name, content: JSON.stringify(right) })
      .execute();
  await bounded(
    trx
      .selectFrom('access_right')
      .select(sql<string>`count(*)`.as('n'))
      .where('registry_id', '=', registry.id)
      .executeTakeFirstOrThrow(),
    mostRights,
    'rights on a registry',
  );
  return { kind: 'right', registry: registry.code, name, before, after: right ?? null };
}

export async function putStanding(
  trx: Trx,
  registry: { readonly id: string; readonly code: string },
  said: Standing,
): Promise<RightsChange> {
  const before = await trx
    .selectFrom('standing_rights')
    .select(['applications', 'analysts', 'registrars'])
    .where('registry_id', '=', registry.id)
    .executeTakeFirst();
  await trx
    .insertInto('standing_rights')
    .values({ registry_id: registry.id, ...said })
    .onConflict((one) => one.constraint('standing_rights_pkey').doUpdateSet({ ...said }))
    .execute();
  const { applications, analysts, registrars } = said;
  return {
    kind: 'standing',
    registry: registry.code,
    name: 'standing',
    before: before ?? standing,
    after: { applications, analysts, registrars },
  };
}

export async function templatesOf(db: Db, owner: string, name?: string): Promise<Template[]> {
  const [templates, rights, uses] = await Promise.all([
    db
      .selectFrom('rights_template')
      .selectAll()
      .where('owner', '=', owner)
      .$if(name !== undefined, (query) => query.where('name', '=', name as string))
      .orderBy('name')
      .execute(),
    db
      .selectFrom('access_right')
      .select(['template', 'name', 'content'])
      .where('owner', '=', owner)
      .where('template', 'is not', null)
      .orderBy('name')
      .execute(),
    db
      .selectFrom('rights_template_use as u')
      .innerJoin('registry as r', 'r.id', 'u.registry_id')
      .select(['u.template', 'r.code'])
      .where('u.owner', '=', owner)
      .orderBy('r.code')
      .execute(),
  ]);
  return templates.map((one) => ({
    name: one.name,
    title: one.title,
    everywhere: one.everywhere,
    registries: uses.filter(({ template }) => template === one.name).map(({ code }) => code),
    rights: Object.fromEntries(
      rights
        .filter(({ template }) => template === one.name)
        .map(({ name: right, content }) => [right, content]),
    ),
  }));
}

/** Keeps a template; where it is applied, what it says now is so at once. */
export async function putTemplate(
  trx: Trx,
  owner: string,
  name: string,
  title: string,
  rights: Readonly<Record<string, Right>>,
): Promise<RightsChange> {
  const [before] = await templatesOf(trx, owner, name);
  await trx
    .insertInto('rights_template')
    .values({ owner, name, title, everywhere: false })
    .onConflict((one) => one.constraint('rights_template_pkey').doUpdateSet({ title }))
    .execute();
  await trx.deleteFrom('access_right').where('owner', '=', owner).where('template', '=', name).execute();
  const rows = Object.entries(rights).map(([right, content]) => ({
    owner,
    registry_id: null,
    template: name,
    name: right,
    content: JSON.stringify(content),
  }));
  if (rows.length > 0) await trx.insertInto('access_right').values(rows).execute();
  await bounded(
    trx
      .selectFrom('rights_template')
      .select(sql<string>`count(*)`.as('n'))
      .where('owner', '=', owner)
      .executeTakeFirstOrThrow(),
    mostTemplates,
    'templates',
  );
  const [after] = await templatesOf(trx, owner, name);
  return { kind: 'template', registry: null, name, before: before ?? null, after };
}

/** Applies a template to these registries and no others, or to every one. */
export async function applyTemplate(
  trx: Trx,
  owner: string,
  name: string,
  registries: 'all' | readonly string[],
): Promise<RightsChange> {
  const [before] = await templatesOf(trx, owner, name);
  if (!before) throw notFound('Template');
  await trx
    .deleteFrom('rights_template_use')
    .where('owner', '=', owner)
    .where('template', '=', name)
    .execute();
  await trx
    .updateTable('rights_template')
    .set({ everywhere: registries === 'all' })
    .where('owner', '=', owner)
    .where('name', '=', name)
    .execute();
  if (registries !== 'all' && registries.length > 0) {
    const codes = [...new Set(registries.map((code) => code.toLowerCase()))];
    const found = await trx
      .selectFrom('registry')
      .select(['id', 'code'])
      .where('owner', '=', owner)
      .where('code', 'in', codes)
      .execute();
    const unknown = codes.find((code) => !found.some((one) => one.code === code));
    if (unknown !== undefined) throw notFound(`Registry ${unknown}`);
    await trx
      .insertInto('rights_template_use')
      .values(found.map(({ id }) => ({ owner, template: name, registry_id: id })))
      .execute();
  }
  const [after] = await templatesOf(trx, owner, name);
  return { kind: 'template', registry: null, name, before, after };
}

export async function deleteTemplate(
  trx: Trx,
  owner: string,
  name: string,
): Promise<RightsChange | undefined> {
  const [before] = await templatesOf(trx, owner, name);
  if (!before) return undefined;
  await trx.deleteFrom('rights_template').where('owner', '=', owner).where('name', '=', name).execute();
  return { kind: 'template', registry: null, name, before, after: null };
}

/** Keeps a group; undefined: it is no more, and a right that names it is nobody's. */
export async function putGroup(
  trx: Trx,
  owner: string,
  name: string,
  group: Group | undefined,
): Promise<RightsChange> {
  const before = await trx
    .deleteFrom('rights_group')
    .where('owner', '=', owner)
    .where('name', '=', name)
    .returning(['title', 'members'])
    .executeTakeFirst();
  if (group)
    await trx
      .insertInto('rights_group')
      .values({ owner, name, title: group.title, members: JSON.stringify(group.members) })
      .execute();
  await bounded(
    trx
      .selectFrom('rights_group')
      .select(sql<string>`count(*)`.as('n'))
      .where('owner', '=', owner)
      .executeTakeFirstOrThrow(),
    mostGroups,
    'groups',
  );
  return { kind: 'group', registry: null, name, before: before ?? null, after: group ?? null };
}

/** Changes of rights, newest first. `before`: the number of the last one seen. */
export async function changesOf(db: Db, owner: string, limit: number, before: string | undefined) {
  const rows = await db
    .selectFrom('rights_change')
    .selectAll()
    .where('owner', '=', owner)
    .$if(before !== undefined, (query) => query.where('seq', '<', before as string))
    .orderBy('seq', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ seq, owner: _, at, ...row }) => ({
    ...row,
    number: Number(seq),
    at: new Date(at).toISOString(),
  }));
}
