import { memberOf } from '@govstack/platform';
import type { Transaction } from 'kysely';
import type { WorkflowTables } from '../tables.ts';
import { chosen, type Given, rowsOf } from './change.ts';

/** Writes user tasks: new ones and ended ones. */
export async function writeTasks(trx: Transaction<WorkflowTables>, all: readonly Given[]): Promise<void> {
  const created = chosen(all, 'createTask');
  if (created.length > 0) {
    await trx
      .insertInto('user_task')
      .values(
        created.map(({ change, command }) => ({
          id: command.taskId,
          instance_id: change.row.id,
          owner: change.row.owner,
          agency: memberOf(change.row.owner),
          process_key: change.row.process_key,
          element_id: command.elementId,
          name: command.name,
          business_key: change.row.business_key,
          candidate_role: command.candidateRole ?? null,
          form_ref: command.formRef ?? null,
          assignee: command.assignee ?? null,
          excluded_persons: [...command.excludedPersons],
          inputs: rowsOf(command.inputs) as never,
          due_at: command.dueAt ?? null,
          state: 'open' as const,
          completed_by: null,
          completion_key: null,
          created_at: change.at,
          ended_at: null,
        })),
      )
      .execute();
  }
  for (const { change, command } of chosen(all, 'endTask')) {
    await trx
      .updateTable('user_task')
      .set({ state: command.outcome, completed_by: command.completedBy ?? null, ended_at: change.at })
      .where('id', '=', command.taskId)
      .execute();
  }
}

/** Writes incidents: raised and resolved. */
export async function writeIncidents(trx: Transaction<WorkflowTables>, all: readonly Given[]): Promise<void> {
  const raised = chosen(all, 'raiseIncident');
  if (raised.length > 0) {
    await trx
      .insertInto('incident')
      .values(
        raised.map(({ change, command }) => ({
          id: command.incidentId,
          instance_id: change.row.id,
          owner: change.row.owner,
          token_id: command.tokenId,
          element_id: command.elementId,
          job_id: command.jobId ?? null,
          message: command.message,
          raised_at: change.at,
          resolved_at: null,
        })),
      )
      .execute();
  }
  for (const { change, command } of chosen(all, 'resolveIncident')) {
    await trx
      .updateTable('incident')
      .set({ resolved_at: change.at })
      .where('id', '=', command.incidentId)
      .execute();
  }
}

/** Writes what waits for messages. */
export async function writeSubscriptions(
  trx: Transaction<WorkflowTables>,
  all: readonly Given[],
): Promise<void> {
  const ended = chosen(all, 'unsubscribe').map(({ command }) => command.subscriptionId);
  const gone = new Set(ended);
  const made = chosen(all, 'subscribe').filter(({ command }) => !gone.has(command.subscriptionId));
  if (ended.length > 0) await trx.deleteFrom('subscription').where('id', 'in', ended).execute();
  if (made.length === 0) return;
  await trx
    .insertInto('subscription')
    .values(
      made.map(({ change, command }) => ({
        id: command.subscriptionId,
        owner: change.row.owner,
        instance_id: change.row.id,
        token_id: command.tokenId,
        element_id: command.elementId,
        message_name: command.message,
        correlation_key: command.correlationKey,
        created_at: change.at,
      })),
    )
    .execute();
}
