import type { Kysely } from 'kysely';
import { type Actor, nameOf } from '../history/actor.ts';
import { ownedBy, type Viewer } from '../history/viewer.ts';
import { isUuid } from '../instances/read.ts';
import type { WorkflowTables } from '../tables.ts';

/** Ends a trigger: its row stays as the log of who defined and who removed it. */
export const removalBy = (actor: Actor, at: string) => ({
  removed_at: at,
  removed_by: nameOf(actor),
  removed_through: actor.application,
  removed_for: actor.organisation,
});

/** Removes a trigger in force that the viewer may see; answers whether there was one. */
export async function removeInForce(
  db: Kysely<WorkflowTables>,
  table: 'clock_trigger' | 'flow_trigger',
  viewer: Viewer,
  id: string,
  removal: ReturnType<typeof removalBy>,
): Promise<boolean> {
  if (!isUuid(id)) return false;
  const removed = await db
    .updateTable(table)
    .set(removal)
    .where('id', '=', id)
    .where(ownedBy(viewer, 'owner'))
    .where('removed_at', 'is', null)
    .executeTakeFirst();
  return removed.numUpdatedRows === 1n;
}
