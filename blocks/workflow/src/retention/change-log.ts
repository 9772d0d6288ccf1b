import type { Kysely, Transaction } from 'kysely';
import { type Actor, nameOf } from '../history/actor.ts';
import { ownedBy, type Viewer } from '../history/viewer.ts';
import type { WorkflowTables } from '../tables.ts';

export interface LoggedChange {
  readonly owner: string;
  /** Process it is about, unless it is about people. */
  readonly processKey?: string;
  readonly instanceId?: string;
  readonly action: WorkflowTables['change_log']['action'];
  readonly detail: string;
  readonly reason?: string;
  readonly actor: Actor;
  readonly at: string;
}

/** Writes who decided something about instances as data, removed them, or gave people rights, and why. */
export async function logChanges(
  trx: Transaction<WorkflowTables>,
  changes: readonly LoggedChange[],
): Promise<void> {
  await trx
    .insertInto('change_log')
    .values(
      changes.map((change) => ({
        owner: change.owner,
        process_key: change.processKey ?? null,
        instance_id: change.instanceId ?? null,
        action: change.action,
        detail: change.detail,
        reason: change.reason ?? null,
        at: change.at,
        application: change.actor.application,
        actor: nameOf(change.actor),
        organisation: change.actor.organisation,
      })),
    )
    .execute();
}

export const logChange = (trx: Transaction<WorkflowTables>, change: LoggedChange): Promise<void> =>
  logChanges(trx, [change]);

/** The log of changes, newest first, before row `before`. */
export const readChanges = (
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  page: { readonly limit: number; readonly before: string | undefined },
) =>
  db
    .selectFrom('change_log')
    .selectAll()
    .where(ownedBy(viewer, 'owner'))
    .$if(page.before !== undefined, (query) => query.where('id', '<', page.before as string))
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute();
