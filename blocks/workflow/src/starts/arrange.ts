import { conflict } from '@govstack/platform';
import type { Transaction } from 'kysely';
import type { Models } from '../definitions/definitions.ts';
import type { ProcessModel, StartEvent, StartTrigger } from '../model/model.ts';
import type { DefinitionRow, WorkflowTables } from '../tables.ts';
import { nextOccurrence } from './occurrences.ts';

type StartOf<K extends StartTrigger['kind']> = StartEvent & {
  readonly trigger: Extract<StartTrigger, { kind: K }>;
};

const startsOf = <K extends StartTrigger['kind']>(model: ProcessModel, kind: K): StartOf<K>[] =>
  [...model.elements.values()].filter(
    (one): one is StartOf<K> => one.kind === 'startEvent' && one.trigger.kind === kind,
  );

/** Of two processes that begin with the same message only one could get it: the second is refused. */
async function arrangeMessages(
  trx: Transaction<WorkflowTables>,
  process: Pick<DefinitionRow, 'id' | 'owner' | 'key'>,
  model: ProcessModel,
): Promise<void> {
  for (const { id, trigger } of startsOf(model, 'message')) {
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('message_start')
      .values({
        owner: process.owner,
        message_name: trigger.name,
        process_key: process.key,
        element_id: id,
        definition_id: process.id,
      })
      .onConflict((on) => on.constraint('message_start_pkey').doNothing())
      .executeTakeFirst();
    if (numInsertedOrUpdatedRows !== 1n) {
      throw conflict(`Another process begins with the message ${trigger.name}`);
    }
  }
}

/**
 * Makes what starts by itself follow the revision in force: the newest enabled one of this process. A cycle that this
 * revision has from the one before goes on where it stands; everything else begins with the deployment, and what has
 * passed by then starts nothing. Call it after every change of a definition, in its transaction. Throws 409.
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
  for (const table of ['message_start', 'signal_start'] as const) {
    await trx.deleteFrom(table).where('owner', '=', owner).where('process_key', '=', key).execute();
  }
  if (!current || !model) return;
  await arrangeMessages(trx, { id: current.id, owner, key }, model);
  const signals = startsOf(model, 'signal').map(({ id, trigger }) => ({
    owner,
    process_key: key,
    element_id: id,
    signal_name: trigger.name,
    definition_id: current.id,
  }));
  if (signals.length > 0) await trx.insertInto('signal_start').values(signals).execute();
  const schedules = startsOf(model, 'timer').map(({ id, trigger }) => {
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
