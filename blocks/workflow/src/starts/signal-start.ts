import type { Transaction } from 'kysely';
import type { Json } from '../feel/json.ts';
import { engineActor } from '../history/actor.ts';
import type { Aftermath, Engine } from '../instances/apply.ts';
import { createInstance } from '../instances/start.ts';
import type { WorkflowTables } from '../tables.ts';

export interface SignalledStart {
  readonly owner: string;
  readonly processKey: string;
  readonly elementId: string;
  readonly payload: Json;
  readonly depth: number;
}

/** Starts a process with a signal, in the revision in force; undefined when it no longer begins with one. */
export async function startBySignal(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  { owner, processKey, elementId, payload, depth }: SignalledStart,
): Promise<Aftermath | undefined> {
  const start = await trx
    .selectFrom('signal_start')
    .select('definition_id')
    .where('owner', '=', owner)
    .where('process_key', '=', processKey)
    .where('element_id', '=', elementId)
    .executeTakeFirst();
  if (!start) return undefined;
  const made = await createInstance(
    trx,
    engine,
    { id: start.definition_id, owner, key: processKey },
    { businessKey: undefined, actor: engineActor(engine.application), depth },
    { type: 'start', variables: {}, at: { elementId, brought: { signal: payload } } },
  );
  return made?.aftermath;
}
