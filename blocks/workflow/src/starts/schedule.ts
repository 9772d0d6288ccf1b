import { transaction } from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import type { Logger } from 'pino';
import { engineActor } from '../history/actor.ts';
import { ownedBy, type Viewer } from '../history/viewer.ts';
import type { Aftermath, Engine } from '../instances/apply.ts';
import { createInstance } from '../instances/start.ts';
import type { WorkflowTables } from '../tables.ts';
import { dueClockTriggers, startByClock } from './clock-trigger.ts';
import { dueOccurrences } from './occurrences.ts';

type Schedule = WorkflowTables['schedule'];
type ScheduleKey = Pick<Schedule, 'owner' | 'process_key' | 'element_id'>;

/** When processes that the viewer may see start by themselves, the next first; at most 1,000. */
export const listSchedules = (db: Kysely<WorkflowTables>, viewer: Viewer): Promise<Schedule[]> =>
  db
    .selectFrom('schedule')
    .selectAll()
    .where(ownedBy(viewer, 'owner'))
    .orderBy('due_at')
    .orderBy('process_key')
    .orderBy('element_id')
    .limit(1000)
    .execute();

/**
 * Starts what is due of one schedule and moves it on, in one transaction: each occurrence starts one instance, however
 * many nodes look.
 */
async function startOne(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  key: ScheduleKey,
): Promise<readonly Aftermath[]> {
  const now = engine.now().toISOString();
  const row = await trx
    .selectFrom('schedule')
    .selectAll()
    .where('owner', '=', key.owner)
    .where('process_key', '=', key.process_key)
    .where('element_id', '=', key.element_id)
    .where('due_at', '<=', now)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  if (!row?.due_at) return [];
  const model = await engine.models(row.definition_id, trx);
  const event = model.elements.get(row.element_id);
  if (event?.kind !== 'startEvent' || event.trigger.kind !== 'timer') return [];
  const { starts, next } = dueOccurrences(event.trigger, row.anchor, row.due_at, now);
  const definition = { id: row.definition_id, owner: row.owner, key: row.process_key };
  const origin = { businessKey: undefined, actor: engineActor(engine.application) };
  const aftermaths: Aftermath[] = [];
  for (const occurrence of starts) {
    const made = await createInstance(trx, engine, definition, origin, {
      type: 'start',
      variables: {},
      at: { elementId: row.element_id, brought: { occurrence } },
    });
    if (made) aftermaths.push(made.aftermath);
  }
  await trx
    .updateTable('schedule')
    .set({ due_at: next ?? null })
    .where('owner', '=', row.owner)
    .where('process_key', '=', row.process_key)
    .where('element_id', '=', row.element_id)
    .execute();
  return aftermaths;
}

/** Starts the instances whose time has come (WF-6.2-h). One schedule that fails does not hold up the others. */
export async function startDue(
  db: Kysely<WorkflowTables>,
  engine: Engine,
  log: Logger,
  after: (aftermath: Aftermath) => void,
): Promise<void> {
  const due = await db
    .selectFrom('schedule')
    .select(['owner', 'process_key', 'element_id'])
    .where('due_at', '<=', engine.now().toISOString())
    .orderBy('due_at')
    .limit(100)
    .execute();
  const attempt = async (
    processKey: string,
    work: (trx: Transaction<WorkflowTables>) => Promise<readonly Aftermath[]>,
  ): Promise<void> => {
    try {
      for (const aftermath of await transaction(db, work)) after(aftermath);
    } catch (error) {
      log.warn({ err: error, processKey }, 'a scheduled start failed; trying again');
    }
  };
  for (const key of due) await attempt(key.process_key, (trx) => startOne(trx, engine, key));
  for (const { id, process_key } of await dueClockTriggers(db, engine.now().toISOString())) {
    await attempt(process_key, (trx) => startByClock(trx, engine, id));
  }
}
