import type { Transaction } from 'kysely';
import type { Models } from '../definitions/definitions.ts';
import type { ProcessModel, StartEvent, StartTimer } from '../model/model.ts';
import type { DefinitionRow, WorkflowTables } from '../tables.ts';
import { nextOccurrence } from './occurrences.ts';

export type TimerStart = StartEvent & { readonly trigger: StartTimer };

/** Start events of the process itself that begin instances without being asked. */
const timerStarts = (model: ProcessModel): TimerStart[] =>
  [...model.elements.values()].filter(
    (one): one is TimerStart => one.kind === 'startEvent' && one.trigger.kind === 'timer',
  );

/**
 * Makes what starts by itself follow the revision in force: the newest enabled one of this process. A cycle that this
 * revision has from the one before goes on where it stands; everything else begins with the deployment, and what has
 * passed by then starts nothing. Call it after every change of a definition, in its transaction.
 */
export async function arrangeStarts(
  trx: Transaction<WorkflowTables>,
  models: Models,
  process: Pick<DefinitionRow, 'owner' | 'key'>,
  now: string,
): Promise<void> {
  const { owner, key } = process;
  const current = await trx
    .selectFrom('definition')
    .select(['id', 'is_executable', 'deployed_at'])
    .where('owner', '=', owner)
    .where('key', '=', key)
    .where('enabled', '=', true)
    .where('deleted_at', 'is', null)
    .orderBy('revision', 'desc')
    .executeTakeFirst();
  const model = current?.is_executable ? await models(current.id, trx) : undefined;
  const before = await trx
    .deleteFrom('schedule')
    .where('owner', '=', owner)
    .where('process_key', '=', key)
    .returningAll()
    .execute();
  if (!current || !model) return;
  const schedules = timerStarts(model).map(({ id, trigger }) => {
    const { when, text, timeZone } = trigger;
    const timer = [when, text, timeZone].filter((part) => part !== undefined).join(' ');
    const old = before.find((row) => row.element_id === id && row.timer === timer);
    const base = { owner, process_key: key, element_id: id, definition_id: current.id, timer };
    if (old && (when === 'cycle' || old.definition_id === current.id)) {
      return { ...base, anchor: old.anchor, due_at: old.due_at };
    }
    const anchor = current.deployed_at;
    return { ...base, anchor, due_at: nextOccurrence(trigger, anchor, now) ?? null };
  });
  if (schedules.length > 0) await trx.insertInto('schedule').values(schedules).execute();
}
