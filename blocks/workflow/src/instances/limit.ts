import type { Transaction } from 'kysely';
import { plusDuration } from '../model/duration.ts';
import type { ProcessModel } from '../model/model.ts';
import type { InstanceRow, WorkflowTables } from '../tables.ts';
import type { Engine } from './apply.ts';

/** Sets the alarm of an instance whose process limits its duration (WF-6.5-b). */
export async function limitDuration(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  row: InstanceRow,
  model: ProcessModel,
): Promise<void> {
  if (model.maxDuration === undefined) return;
  await trx
    .insertInto('job')
    .values({
      id: engine.newId(),
      kind: 'overdue',
      instance_id: row.id,
      token_id: row.id,
      element_id: model.key,
      request: null,
      timeout_ms: null,
      due_at: plusDuration(row.started_at, model.maxDuration),
      attempts: 0,
      leases: 0,
      locked_by: null,
      locked_until: null,
    })
    .execute();
}

/** Takes the alarms of instances back that have ended. */
export async function liftLimits(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  ended: readonly InstanceRow[],
): Promise<void> {
  const limited: string[] = [];
  for (const row of ended) {
    const model = await engine.models(row.definition_id, trx);
    if (model.maxDuration !== undefined) limited.push(row.id);
  }
  if (limited.length === 0) return;
  await trx.deleteFrom('job').where('kind', '=', 'overdue').where('instance_id', 'in', limited).execute();
}
