import { memberOf } from '@govstack/platform';
import { sql, type Transaction } from 'kysely';
import type { Command } from '../execution/command.ts';
import type { InstanceState } from '../execution/state.ts';
import type { StepResult } from '../execution/step.ts';
import { type Actor, nameOf } from '../history/actor.ts';
import type { InstanceRow, WorkflowTables } from '../tables.ts';

/** An event that an instance has taken, with everything that must now become true. */
export interface Change {
  readonly row: InstanceRow;
  readonly before: InstanceState;
  readonly result: StepResult;
  readonly event: string;
  readonly actor: Actor;
  readonly at: string;
}

/** A worker that may take jobs over as they are made, without looking for them afterwards. */
export interface Handover {
  readonly workerId: string;
  readonly until: string;
  readonly capacity: number;
}

type Row = Record<string, unknown>;
type Of<T extends Command['type']> = Extract<Command, { type: T }>;

interface Writes {
  readonly tokenIds: Set<string>;
  readonly tokens: Map<string, Row>;
  readonly scopeIds: Set<string>;
  readonly scopes: Map<string, Row>;
  readonly instances: Map<string, Row>;
  readonly history: Row[];
}

const text = (value: unknown): string => JSON.stringify(value);

function diff(writes: Writes, change: Change): void {
  const { before, result, row } = change;
  const after = result.state;
  for (const [id, token] of after.tokens) {
    if (before.tokens.get(id) === token) continue;
    writes.tokens.set(id, {
      id,
      instance_id: row.id,
      scope_id: token.scopeId,
      element_id: token.elementId,
      flow_id: token.flowId ?? null,
      wait: token.wait,
      subscriptions: token.subscriptions,
    });
  }
  for (const id of before.tokens.keys()) {
    if (after.tokens.has(id)) continue;
    writes.tokens.delete(id);
    writes.tokenIds.add(id);
  }
  for (const [id, scope] of after.scopes) {
    if (before.scopes.get(id) === scope) continue;
    writes.scopes.set(id, {
      id,
      instance_id: row.id,
      kind: scope.kind,
      element_id: scope.elementId,
      parent_id: scope.parent ?? null,
      owner_token_id: scope.owner ?? null,
      iteration: scope.index ?? null,
      variables: scope.variables,
    });
  }
  for (const id of before.scopes.keys()) {
    if (after.scopes.has(id)) continue;
    writes.scopes.delete(id);
    writes.scopeIds.add(id);
  }
  if (result.taken) {
    const known = writes.instances.get(row.id);
    writes.instances.set(row.id, {
      id: row.id,
      status: after.status,
      error_code: after.errorCode ?? null,
      events: ((known?.events as number | undefined) ?? 0) + 1,
      changed_at: change.at,
      ended_at: after.status === 'running' ? null : change.at,
    });
  }
  if (result.taken || result.history.length > 0) {
    writes.history.push({
      instance_id: row.id,
      at: change.at,
      event: change.event,
      application: change.actor.application,
      actor: nameOf(change.actor),
      organisation: change.actor.organisation,
      entries: result.history,
    });
  }
}

async function writeState(trx: Transaction<WorkflowTables>, writes: Writes): Promise<void> {
  if (writes.instances.size > 0) {
    await sql`
      update instance
      set status = new.status, error_code = new.error_code, revision = instance.revision + new.events,
        changed_at = new.changed_at, ended_at = new.ended_at
      from json_to_recordset(${text([...writes.instances.values()])}::json) as new (
        id uuid, status text, error_code text, events integer, changed_at timestamptz, ended_at timestamptz
      )
      where instance.id = new.id`.execute(trx);
  }
  if (writes.tokenIds.size > 0) {
    await trx
      .deleteFrom('token')
      .where('id', 'in', [...writes.tokenIds])
      .execute();
  }
  if (writes.scopeIds.size > 0) {
    await trx
      .deleteFrom('scope')
      .where('id', 'in', [...writes.scopeIds])
      .execute();
  }
  if (writes.scopes.size > 0) {
    await sql`
      insert into scope (id, instance_id, kind, element_id, parent_id, owner_token_id, iteration, variables)
      select id, instance_id, kind, element_id, parent_id, owner_token_id, iteration, variables
      from json_to_recordset(${text([...writes.scopes.values()])}::json) as new (
        id uuid, instance_id uuid, kind text, element_id text, parent_id uuid, owner_token_id uuid,
        iteration integer, variables jsonb
      )
      on conflict on constraint scope_pkey do update set variables = excluded.variables`.execute(trx);
  }
  if (writes.tokens.size > 0) {
    await sql`
      insert into token (id, instance_id, scope_id, element_id, flow_id, wait, subscriptions)
      select id, instance_id, scope_id, element_id, flow_id, wait, subscriptions
      from json_to_recordset(${text([...writes.tokens.values()])}::json) as new (
        id uuid, instance_id uuid, scope_id uuid, element_id text, flow_id text, wait jsonb, subscriptions jsonb
      )
      on conflict on constraint token_pkey do update
      set element_id = excluded.element_id, flow_id = excluded.flow_id, wait = excluded.wait,
        subscriptions = excluded.subscriptions`.execute(trx);
  }
  if (writes.history.length > 0) {
    await sql`
      insert into history (instance_id, at, event, application, actor, organisation, entries)
      select instance_id, at, event, application, actor, organisation, entries
      from json_to_recordset(${text(writes.history)}::json) as new (
        instance_id uuid, at timestamptz, event text, application text, actor text, organisation text, entries jsonb
      )`.execute(trx);
  }
}

export interface NewCall {
  readonly id: string;
  readonly row: InstanceRow;
  readonly command: Of<'createJob'>;
}

interface Given {
  readonly change: Change;
  readonly command: Command;
}

const chosen = <T extends Command['type']>(
  all: readonly Given[],
  type: T,
): readonly { readonly change: Change; readonly command: Of<T> }[] =>
  all.filter((one) => one.command.type === type) as never;

async function writeJobs(
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
  ];
  if (rows.length > 0) {
    await sql`
      insert into job (id, kind, instance_id, token_id, element_id, request, timeout_ms, due_at, leases, locked_by,
        locked_until)
      select id, kind, instance_id, token_id, element_id, request, timeout_ms, due_at, leases, locked_by, locked_until
      from json_to_recordset(${text(rows)}::json) as new (
        id uuid, kind text, instance_id uuid, token_id uuid, element_id text, request jsonb, timeout_ms integer,
        due_at timestamptz, leases integer, locked_by uuid, locked_until timestamptz
      )`.execute(trx);
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
      set due_at = new.due_at, attempts = new.attempts, leases = 0, locked_by = null, locked_until = null
      from json_to_recordset(${text(later)}::json) as new (id uuid, due_at timestamptz, attempts integer)
      where job.id = new.id`.execute(trx);
  }
  return handed.map(({ change, command }) => ({ id: command.jobId, row: change.row, command }));
}

async function writeTasks(trx: Transaction<WorkflowTables>, all: readonly Given[]): Promise<void> {
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
          inputs: text(command.inputs) as never,
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

async function writeIncidents(trx: Transaction<WorkflowTables>, all: readonly Given[]): Promise<void> {
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

async function writeSubscriptions(trx: Transaction<WorkflowTables>, all: readonly Given[]): Promise<void> {
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

/**
 * Makes changes of any number of locked instances true, in few statements. Answers the calls that were handed to the
 * worker that asked for them.
 */
export async function saveChanges(
  trx: Transaction<WorkflowTables>,
  changes: readonly Change[],
  handover: Handover | undefined,
): Promise<readonly NewCall[]> {
  const writes: Writes = {
    tokenIds: new Set(),
    tokens: new Map(),
    scopeIds: new Set(),
    scopes: new Map(),
    instances: new Map(),
    history: [],
  };
  for (const change of changes) diff(writes, change);
  await writeState(trx, writes);
  const commands = changes.flatMap((change) =>
    change.result.commands.map((command) => ({ change, command })),
  );
  const calls = await writeJobs(trx, commands, handover);
  await writeTasks(trx, commands);
  await writeIncidents(trx, commands);
  await writeSubscriptions(trx, commands);
  return calls;
}
