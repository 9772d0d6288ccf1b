import { newId } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { EngineEvent } from '../execution/event.ts';
import { type InstanceState, newInstance } from '../execution/state.ts';
import type { Actor } from '../history/actor.ts';
import type { InstanceRow, WorkflowTables } from '../tables.ts';
import type { Engine } from './apply.ts';
import type { CommandOf } from './change.ts';
import { limitDuration } from './limit.ts';
import { readVariables } from './read.ts';
import { readStartVariables } from './start-variables.ts';

/** An instance that has just been made, and what happens to it first. */
export interface Opened {
  readonly row: InstanceRow;
  readonly state: InstanceState;
  readonly event: EngineEvent;
}

interface Place {
  readonly id: string;
  readonly parent: { readonly instanceId: string; readonly tokenId: string } | undefined;
  readonly businessKey: string | null;
  readonly actor: string;
}

interface Target {
  readonly process: string;
  readonly revision: number | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * Makes an instance that another one has caused, of a process of the same application. A text: why it cannot be begun.
 */
export async function openInstance(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  cause: InstanceRow,
  target: Target,
  place: Place,
): Promise<Opened | string> {
  const depth = cause.depth + 1;
  if (depth > engine.limits.maxDepth) return `more than ${engine.limits.maxDepth} processes call one another`;
  const definition = await trx
    .selectFrom('definition')
    .select(['id', 'is_executable'])
    .where('owner', '=', cause.owner)
    .where('key', '=', target.process)
    .where('enabled', '=', true)
    .where('deleted_at', 'is', null)
    .$if(target.revision !== undefined, (query) => query.where('revision', '=', target.revision as number))
    .orderBy('revision', 'desc')
    .executeTakeFirst();
  const named = [target.process, target.revision].filter((part) => part !== undefined).join(' revision ');
  if (!definition) return `there is no enabled process ${named}`;
  if (!definition.is_executable) return `the process ${named} is not executable`;
  const model = await engine.models(definition.id, trx);
  if (!model.starts.has(model.key)) return `the process ${named} has no plain start event`;
  const { variables, errors } = readStartVariables(model.startVariables, {
    variables: target.variables,
    pairs: [],
  });
  const [error] = errors;
  if (error) return `the process ${named} does not take ${error.pointer}: ${error.detail}`;
  const at = engine.now().toISOString();
  const row: InstanceRow = {
    id: place.id,
    definition_id: definition.id,
    owner: cause.owner,
    process_key: target.process,
    business_key: place.businessKey,
    status: 'running',
    error_code: null,
    started_by: place.actor,
    start_key: null,
    start_fingerprint: '',
    correlation_id: cause.correlation_id,
    revision: 0,
    parent_instance_id: place.parent?.instanceId ?? null,
    parent_token_id: place.parent?.tokenId ?? null,
    depth,
    suspended_at: null,
    overdue_at: null,
    callback: null,
    started_at: at,
    changed_at: at,
    ended_at: null,
  };
  await trx.insertInto('instance').values(row).execute();
  await limitDuration(trx, engine, row, model);
  const state = newInstance(row.id, at, row.business_key ?? undefined);
  return { row, state, event: { type: 'start', variables } };
}

/** Makes the instance that a call activity has called; its business key is that of the caller. */
export const openCalled = (
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  caller: InstanceRow,
  command: CommandOf<'callProcess'>,
  actor: Actor,
): Promise<Opened | string> =>
  openInstance(trx, engine, caller, command, {
    id: command.instanceId,
    parent: { instanceId: caller.id, tokenId: command.tokenId },
    businessKey: caller.business_key,
    actor: actor.application,
  });

/** How a called instance ended, for its caller. */
export async function readReturn(db: Kysely<WorkflowTables>, instanceId: string): Promise<EngineEvent> {
  const row = await db
    .selectFrom('instance')
    .select(['status', 'error_code'])
    .where('id', '=', instanceId)
    .executeTakeFirst();
  const status = row && row.status !== 'running' ? row.status : 'stopped';
  const variables = status === 'completed' ? await readVariables(db, instanceId) : {};
  return { type: 'returned', instanceId, status, errorCode: row?.error_code ?? undefined, variables };
}

/** Leaves word for the caller of an instance that has ended; it is taken in a transaction of its own. */
export async function returnToCaller(
  trx: Transaction<WorkflowTables>,
  ended: InstanceRow,
  at: string,
): Promise<boolean> {
  if (ended.parent_instance_id === null) return false;
  await sql`
    insert into job (id, kind, instance_id, token_id, element_id, due_at)
    select ${ended.id}, 'return', id, ${ended.parent_token_id}, ${ended.process_key}, ${at}
    from instance
    where id = ${ended.parent_instance_id}
      and status = 'running'`.execute(trx);
  return true;
}

/**
 * Leaves word for the caller of an instance of an escalation that nothing there catches. The word of its end is not
 * taken before that.
 */
export async function escalateToCaller(
  trx: Transaction<WorkflowTables>,
  row: InstanceRow,
  code: string,
  at: string,
): Promise<boolean> {
  if (row.parent_instance_id === null) return false;
  await sql`
    insert into job (id, kind, instance_id, token_id, element_id, request, due_at)
    select ${newId()}, 'escalation', id, ${row.parent_token_id}, ${row.process_key},
      ${JSON.stringify({ from: row.id, code })}::jsonb, ${at}
    from instance
    where id = ${row.parent_instance_id}
      and status = 'running'`.execute(trx);
  return true;
}

/** The escalation that a job brings to a caller. */
export async function readEscalation(db: Kysely<WorkflowTables>, jobId: string): Promise<EngineEvent> {
  const { request } = await db
    .selectFrom('job')
    .select('request')
    .where('id', '=', jobId)
    .executeTakeFirstOrThrow();
  const { from, code } = request as unknown as { readonly from: string; readonly code: string };
  return { type: 'escalatedBelow', instanceId: from, code };
}
