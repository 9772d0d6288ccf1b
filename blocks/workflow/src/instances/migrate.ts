import { conflict, notFound, Problem } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import { type Move, type Obstacle, planMigration } from '../execution/migrate.ts';
import { step } from '../execution/step.ts';
import type { Actor } from '../history/actor.ts';
import { ownedBy, type Viewer } from '../history/viewer.ts';
import type { ProcessModel } from '../model/model.ts';
import type { DefinitionRow, WorkflowTables } from '../tables.ts';
import { type Aftermath, applyEvents, type Engine } from './apply.ts';
import { rowsOf } from './change.ts';
import { lockInstances } from './load.ts';
import type { Handover } from './write-jobs.ts';

export interface Migration {
  readonly from: DefinitionRow;
  readonly to: DefinitionRow;
  /** Elements and flows that have another id in the other revision; all others keep theirs. */
  readonly elements: ReadonlyMap<string, string>;
}

/** A revision that the viewer may see, also a removed one: its instances go on. */
export const findRevision = (
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  id: string,
): Promise<DefinitionRow | undefined> =>
  db
    .selectFrom('definition')
    .selectAll()
    .where(ownedBy(viewer, 'owner'))
    .where('id', '=', id)
    .executeTakeFirst();

/** Checks the map against both revisions. Throws problems. */
export async function checkMigration(
  db: Kysely<WorkflowTables>,
  engine: Engine,
  { from, to, elements }: Migration,
): Promise<void> {
  if (from.id === to.id) throw new Problem(400, 'The two revisions are the same');
  if (from.owner !== to.owner || from.key !== to.key) {
    throw new Problem(400, 'An instance goes over to another revision of the same process only');
  }
  const has = (model: ProcessModel, id: string): boolean => model.elements.has(id) || model.flows.has(id);
  const [source, target] = [await engine.models(from.id, db), await engine.models(to.id, db)];
  const errors = [...elements].flatMap(([one, other]) => {
    const pointer = `/elements/${one}`;
    return [
      ...(has(source, one) ? [] : [{ in: 'body' as const, pointer, detail: 'is not in the revision' }]),
      ...(has(target, other)
        ? []
        : [{ in: 'body' as const, pointer, detail: `${other} is not in the other revision` }]),
    ];
  });
  if (errors.length > 0) throw new Problem(400, 'The map of elements is not valid', { errors });
}

export interface MigrationPage {
  /** These instances, or all running ones of the revision. */
  readonly instanceIds: readonly string[] | undefined;
  readonly limit: number;
  readonly after: string | undefined;
}

/** Instances that are to go over, by id: running on the one revision, or named and on either. */
export async function instancesToMigrate(
  db: Kysely<WorkflowTables>,
  viewer: Viewer,
  { from, to }: Migration,
  { instanceIds, limit, after }: MigrationPage,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('instance')
    .select('id')
    .where(ownedBy(viewer, 'owner'))
    .$if(instanceIds === undefined, (query) =>
      query.where('definition_id', '=', from.id).where('status', '=', 'running'),
    )
    .$if(instanceIds !== undefined, (query) =>
      query.where('id', 'in', [...(instanceIds ?? [])]).where('definition_id', 'in', [from.id, to.id]),
    )
    .$if(after !== undefined, (query) => query.where('id', '>', after as string))
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map((row) => row.id);
}

export interface Preview {
  readonly moves: readonly Move[];
  readonly obstacles: readonly Obstacle[];
}

/** What going over would do to an instance; changes nothing. */
export async function previewMigration(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  { from, to, elements }: Migration,
  instanceId: string,
): Promise<Preview> {
  const held = (await lockInstances(trx, [instanceId])).get(instanceId);
  const obstacle = (message: string): Preview => ({
    moves: [],
    obstacles: [{ elementId: from.key, message }],
  });
  if (held?.row.status !== 'running') return obstacle('the instance has ended');
  if (held.row.definition_id === to.id) return { moves: [], obstacles: [] };
  const [previous, model] = [await engine.models(from.id, trx), await engine.models(to.id, trx)];
  const plan = planMigration(previous, model, elements, held.state);
  if (plan.obstacles.length > 0) return plan;
  const context = { ...engine.limits, now: engine.now().toISOString(), newId: engine.newId };
  const { refusal } = step(model, held.state, { type: 'migrate', previous, elements }, context);
  return refusal === undefined ? plan : { ...plan, obstacles: obstacle(refusal).obstacles };
}

const tables = ['job', 'subscription', 'signal_subscription', 'user_task', 'incident'] as const;

/** What an instance waits for is from now on at the elements of the other revision. */
async function renameWaits(
  trx: Transaction<WorkflowTables>,
  instanceId: string,
  elements: ReadonlyMap<string, string>,
) {
  const names = rowsOf([...elements].map(([one, other]) => ({ one, other })));
  for (const table of tables) {
    await sql`
      update ${sql.table(table)}
      set element_id = new.other
      from json_to_recordset(${names}::json) as new (one text, other text)
      where instance_id = ${instanceId}
        and element_id = new.one`.execute(trx);
  }
}

/**
 * Takes an instance over to another revision, in this transaction. Open calls keep their idempotency key, tasks and
 * timers stay as they are. One that is there already is left alone. Throws problems: 404, 409 ended, 422 with what is
 * in the way.
 */
export async function migrateInstance(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  { from, to, elements }: Migration,
  instanceId: string,
  by: { readonly actor: Actor; readonly reason: string },
  handover: Handover | undefined,
): Promise<Aftermath | undefined> {
  const held = (await lockInstances(trx, [instanceId])).get(instanceId);
  if (!held) throw notFound('Instance');
  if (held.row.definition_id === to.id) return undefined;
  if (held.row.status !== 'running' || held.row.definition_id !== from.id) {
    throw conflict('the instance has ended');
  }
  await trx.updateTable('instance').set({ definition_id: to.id }).where('id', '=', instanceId).execute();
  if (elements.size > 0) await renameWaits(trx, instanceId, elements);
  const previous = await engine.models(from.id, trx);
  const event = { type: 'migrate', previous, elements } as const;
  const aftermath = await applyEvents(trx, engine, [{ instanceId, event, ...by }], handover);
  const refusal = aftermath.outcomes[0]?.refusal;
  if (refusal !== undefined) throw new Problem(422, refusal);
  return aftermath;
}
