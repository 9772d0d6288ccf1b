import { newId } from '@govstack/platform';
import { sql, type Transaction } from 'kysely';
import type { InstanceRow, WorkflowTables } from '../tables.ts';
import { type CommandOf, chosen, type Given, rowsOf } from './change.ts';

/** A worker that may take jobs over as they are made, without looking for them afterwards. */
export interface Handover {
  readonly workerId: string;
  readonly until: string;
  readonly capacity: number;
}

/** A call that was handed to a worker. */
export interface NewCall {
  readonly id: string;
  readonly row: InstanceRow;
  readonly command: CommandOf<'createJob'>;
}

/** Writes calls, timers and stops of called instances; answers the calls that were handed over. */
export async function writeJobs(
  trx: Transaction<WorkflowTables>,
  all: readonly Given[],
  handover: Handover | undefined,
): Promise<readonly NewCall[]> {
  const removed = [
    ...chosen(all, 'removeJob').map(({ command }) => command.jobId),
    ...chosen(all, 'removeTimer').map(({ command }) => command.timerId),
  ];
  const gone = new Set(removed);
  if (removed.length > 0) await trx.deleteFrom('job').where('id', 'in', removed).execute();
  const calls = chosen(all, 'createJob').filter(({ command }) => !gone.has(command.jobId));
  const timers = chosen(all, 'createTimer').filter(({ command }) => !gone.has(command.timerId));
  // What is called and cancelled in one breath is never begun.
  const unbegun = new Set(chosen(all, 'callProcess').map(({ command }) => command.instanceId));
  const stops = chosen(all, 'stopCalled').filter(({ command }) => !unbegun.has(command.instanceId));
  const handed = calls.slice(0, handover?.capacity ?? 0);
  const rows = [
    ...calls.map(({ change, command }, index) => ({
      id: command.jobId,
      kind: 'call',
      instance_id: change.row.id,
      token_id: command.tokenId,
      element_id: command.elementId,
      request: command.request,
      timeout_ms: command.timeoutMs ?? null,
      due_at: change.at,
      leases: index < handed.length ? 1 : 0,
      locked_by: index < handed.length ? handover?.workerId : null,
      locked_until: index < handed.length ? handover?.until : null,
    })),
    ...timers.map(({ change, command }) => ({
      id: command.timerId,
      kind: 'timer',
      instance_id: change.row.id,
      token_id: command.tokenId,
      element_id: command.elementId,
      due_at: command.dueAt,
      leases: 0,
    })),
    ...stops.map(({ change, command }) => ({
      id: newId(),
      kind: 'stop',
      instance_id: command.instanceId,
      token_id: command.tokenId,
      element_id: command.elementId,
      due_at: change.at,
      leases: 0,
    })),
  ];
  if (rows.length > 0) {
    await sql`
      insert into job (id, kind, instance_id, token_id, element_id, request, timeout_ms, due_at, leases, locked_by,
        locked_until)
      select id, kind, instance_id, token_id, element_id, request, timeout_ms, due_at, leases, locked_by, locked_until
      from json_to_recordset(${rowsOf(rows)}::json) as new (
        id uuid, kind text, instance_id uuid, token_id uuid, element_id text, request jsonb, timeout_ms integer,
        due_at timestamptz, leases integer, locked_by uuid, locked_until timestamptz
      )
      -- What was called may never have begun, or be gone.
      where new.kind <> 'stop' or exists (select from instance i where i.id = new.instance_id)`.execute(trx);
  }
  const later = [
    ...chosen(all, 'retryJob').map(({ command }) => ({
      id: command.jobId,
      due_at: command.dueAt,
      attempts: command.attempts,
    })),
    ...chosen(all, 'parkJob').map(({ command }) => ({ id: command.jobId, due_at: 'infinity', attempts: 0 })),
  ];
  if (later.length > 0) {
    await sql`
      update job
      set due_at = new.due_at, attempts = new.attempts, admitted = false, leases = 0, locked_by = null,
        locked_until = null
      from json_to_recordset(${rowsOf(later)}::json) as new (id uuid, due_at timestamptz, attempts integer)
      where job.id = new.id and job.id = any (${later.map((row) => row.id)}::uuid[])`.execute(trx);
  }
  return handed.map(({ change, command }) => ({ id: command.jobId, row: change.row, command }));
}
