import { badRequest, conflict, notFound, Problem, type ProblemDetail } from '@govstack/platform';
import { type Kysely, sql } from 'kysely';
import { assertFilters } from '../records/fixed-filter.ts';
import type { Catalogue, Registry } from '../schema/catalogue.ts';
import { targetOf } from '../schema/publish.ts';
import type { RegistryTables } from '../tables.ts';
import { compileView, type DefinitionInput } from './compile-view.ts';
import { usedFields, type ViewDefinition } from './definition.ts';
import { isClosed } from './findings.ts';

type Db = Kysely<RegistryTables>;

/** A view as its owner defined it. */
export interface View {
  readonly id: string;
  readonly owner: string;
  readonly code: string;
  readonly registry: { readonly id: string; readonly code: string };
  readonly name: string;
  readonly description: string;
  readonly definition: ViewDefinition;
  /** The registry and those it is joined with. */
  readonly registries: readonly string[];
  readonly revision: number;
  readonly createdAt: string;
  readonly modifiedAt: string;
  /** Since when anybody may read it; null: it is not open data. */
  readonly openedAt: string | null;
  /** It may stay open: the owner confirmed it, or every registry it uses is classified as open. */
  readonly mayBeOpen: boolean;
}

const allOpen = sql<boolean>`not exists (
  select from registry r where r.id = any(v.registries) and r.classification <> 'open')`;

async function select(db: Db, condition: ReturnType<typeof sql>): Promise<View[]> {
  const { rows } = await sql<{
    id: string;
    owner: string;
    code: string;
    registry_id: string;
    registry_code: string;
    name: string;
    description: string;
    definition: ViewDefinition;
    registries: string[];
    revision: number;
    created_at: string;
    modified_at: string;
    opened_at: string | null;
    may_be_open: boolean;
  }>`
    select v.id, v.owner, v.code, v.registry_id, r.code as registry_code, v.name, v.description, v.definition,
      v.registries, v.revision, v.created_at, v.modified_at, v.opened_at, v.confirmed or ${allOpen} as may_be_open
    from registry_view v
    join registry r on r.id = v.registry_id
    where ${condition}
    order by v.owner, v.code
    limit 1000`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    owner: row.owner,
    code: row.code,
    registry: { id: row.registry_id, code: row.registry_code },
    name: row.name,
    description: row.description,
    definition: row.definition,
    registries: row.registries,
    revision: row.revision,
    createdAt: row.created_at,
    modifiedAt: row.modified_at,
    openedAt: row.opened_at,
    mayBeOpen: row.may_be_open,
  }));
}

export async function findView(db: Db, owner: string, code: string): Promise<View> {
  const [view] = await select(db, sql`v.owner = ${owner} and v.code = ${code}`);
  if (!view) throw notFound('View');
  return view;
}

export const viewsOf = (db: Db, owner: string): Promise<View[]> => select(db, sql`v.owner = ${owner}`);

/** Every view that anybody may read, of all owners or one registry. */
export const openViews = async (db: Db): Promise<View[]> =>
  (await select(db, sql`v.opened_at is not null`)).filter(({ mayBeOpen }) => mayBeOpen);

export interface ViewInput {
  readonly registry: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly definition: DefinitionInput;
}

/** The newest version of a registry by code or id; undefined when the owner has published none. */
export async function registryNamed(
  db: Db,
  catalogue: Catalogue,
  owner: string,
  key: string,
): Promise<Registry | undefined> {
  const row = await targetOf(db, owner, key);
  if (!row || row.state === 'draft') return undefined;
  return (await catalogue.find(owner, row.code, 'latest')).registry;
}

/** Where a view uses what may not be shown to anybody. */
export async function closedParts(
  db: Db,
  catalogue: Catalogue,
  owner: string,
  registryId: string,
  definition: ViewDefinition,
): Promise<ProblemDetail[]> {
  const used = usedFields(registryId, definition);
  const fields = new Map<string, Registry['current']>();
  for (const id of new Set(used.map(({ registry }) => registry)))
    fields.set(id, (await registryNamed(db, catalogue, owner, id))?.current ?? []);
  return used.flatMap(({ registry, field: id, pointer }) => {
    const field = fields.get(registry)?.find((one) => one.id === id);
    if (field && !isClosed(field)) return [];
    const detail = field ? `${field.name} is personal or secret` : 'is not a field any more';
    return [{ in: 'body' as const, pointer: `/definition${pointer}`, detail }];
  });
}

const refusal = (errors: readonly ProblemDetail[]): Problem =>
  new Problem(409, 'Only what is neither personal nor secret can be open data', {
    type: 'urn:govstack:registries:not-open',
    errors,
  });

const changedMeanwhile = (): Problem => conflict('The view was changed meanwhile');
const mostViews = 1000;

/** Makes a view or changes it. An open one stays open only as long as everything in it may be shown to anybody. */
export async function putView(
  db: Db,
  catalogue: Catalogue,
  owner: string,
  code: string,
  input: ViewInput,
  by: string,
): Promise<View> {
  const { registry } = await catalogue.find(owner, input.registry, 'latest');
  const definition = await compileView(registry, input.definition, (key) =>
    registryNamed(db, catalogue, owner, key),
  );
  await assertFilters(db, registry, definition.filter);
  const joined = definition.kind === 'records' ? definition.joins.map((join) => join.registry) : [];
  const registries = [...new Set([registry.id, ...joined])];
  const views = await viewsOf(db, owner);
  const existing = views.find((one) => one.code === code);
  if (!existing && views.length >= mostViews) throw conflict(`An application has at most ${mostViews} views`);
  if (existing && existing.openedAt !== null) {
    if (registries.some((id) => !existing.registries.includes(id)))
      throw conflict('The view is open data: close it before it shows another registry');
    const closed = await closedParts(db, catalogue, owner, registry.id, definition);
    if (closed.length > 0) throw refusal(closed);
  }
  const columns = {
    registry_id: registry.id,
    name: input.name,
    description: input.description ?? '',
    definition: JSON.stringify(definition),
    registries,
    modified_by: by,
    modified_at: new Date().toISOString(),
  };
  const written = await db
    .insertInto('registry_view')
    .values({ owner, code, opened_at: null, opened_by: null, ...columns })
    .onConflict((one) =>
      one
        .constraint('registry_view_code_key')
        .doUpdateSet({ ...columns, revision: sql`registry_view.revision + 1` })
        .where('registry_view.revision', '=', existing?.revision ?? 0),
    )
    .executeTakeFirst();
  if (written.numInsertedOrUpdatedRows === 0n) throw changedMeanwhile();
  return findView(db, owner, code);
}

export async function deleteView(db: Db, owner: string, code: string): Promise<void> {
  await db.deleteFrom('registry_view').where('owner', '=', owner).where('code', '=', code).execute();
}

/**
 * Makes a view open data: anybody may read it. Only without any personal or secret field; of registries that are not
 * classified as open only when that is confirmed (DRS-9, DRS-27).
 */
export async function openView(
  db: Db,
  catalogue: Catalogue,
  owner: string,
  code: string,
  confirmed: boolean,
  by: string,
): Promise<void> {
  const view = await findView(db, owner, code);
  const closed = await closedParts(db, catalogue, owner, view.registry.id, view.definition);
  if (closed.length > 0) throw refusal(closed);
  if (!view.mayBeOpen && !confirmed)
    throw badRequest('The registry is not classified as open: confirm that everybody may read this view', [
      { in: 'body', pointer: '/confirmed', detail: 'must be true' },
    ]);
  const opened = await db
    .updateTable('registry_view')
    .set({
      opened_at: view.openedAt ?? new Date().toISOString(),
      opened_by: by,
      confirmed: sql`confirmed or ${confirmed}`,
      revision: sql`revision + 1`,
    })
    .where('id', '=', view.id)
    .where('revision', '=', view.revision)
    .executeTakeFirst();
  if (opened.numUpdatedRows === 0n) throw changedMeanwhile();
}

export async function closeView(db: Db, owner: string, code: string): Promise<void> {
  const { id } = await findView(db, owner, code);
  await db
    .updateTable('registry_view')
    .set({ opened_at: null, opened_by: null, confirmed: false, revision: sql`revision + 1` })
    .where('id', '=', id)
    .execute();
}
