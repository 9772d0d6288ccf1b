import { type Kysely, sql } from 'kysely';
import { isSecret } from '../records/fixed-filter.ts';
import { type Finding, pointerOf } from '../schema/compatibility.ts';
import type { Field } from '../schema/field.ts';
import type { RegistryTables } from '../tables.ts';
import { usedFields, type ViewDefinition } from './definition.ts';

type Db = Kysely<RegistryTables>;

/** Whether a field may not be shown to just anybody. */
export const isClosed = (field: Field): boolean => field.personal || field.owner || isSecret(field);

async function viewsOn(db: Db, registryId: string) {
  const { rows } = await sql<{
    id: string;
    code: string;
    registry_id: string;
    definition: ViewDefinition;
    open: boolean;
  }>`
    select id, code, registry_id, definition, opened_at is not null as open
    from registry_view
    where registries @> array[${registryId}::bigint]
    order by code`.execute(db);
  return rows.map((row) => ({
    ...row,
    uses: new Set(
      usedFields(row.registry_id, row.definition)
        .filter(({ registry }) => registry === registryId)
        .map(({ field }) => field),
    ),
  }));
}

/** What a version with these fields would change for the views that use them (DRS-9): there is no older one for them. */
export async function viewFindings(
  db: Db,
  registryId: string,
  before: readonly Field[],
  after: readonly Field[],
): Promise<Finding[]> {
  const views = await viewsOn(db, registryId);
  if (views.length === 0) return [];
  const found: Finding[] = [];
  for (const old of before)
    if (!after.some(({ id }) => id === old.id))
      for (const { code } of views.filter(({ uses }) => uses.has(old.id)))
        found.push({ pointer: pointerOf(old.name), breaking: true, detail: `is used by the view ${code}` });
  for (const field of after.filter(isClosed))
    for (const { code } of views.filter(({ open, uses }) => open && uses.has(field.id)))
      found.push({
        pointer: pointerOf(field.name),
        breaking: true,
        detail: `becomes personal or secret and is open data in the view ${code}, which would be closed`,
      });
  return found;
}

/** Closes the open views that use a field which is personal or secret now. */
export async function closeViews(db: Db, registryId: string, fields: readonly Field[]): Promise<void> {
  const closed = fields.filter(isClosed).map(({ id }) => id);
  if (closed.length === 0) return;
  const views = (await viewsOn(db, registryId)).filter(
    ({ open, uses }) => open && closed.some((id) => uses.has(id)),
  );
  for (const { id } of views)
    await db
      .updateTable('registry_view')
      .set({ opened_at: null, opened_by: null, confirmed: false, revision: sql`revision + 1` })
      .where('id', '=', id)
      .execute();
}
