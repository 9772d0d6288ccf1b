import { sql, type Transaction } from 'kysely';
import { nameOf } from '../history/actor.ts';
import type { WorkflowTables } from '../tables.ts';
import { type Change, rowsOf } from './change.ts';

type Row = Record<string, unknown>;

interface Writes {
  readonly tokenIds: Set<string>;
  readonly tokens: Map<string, Row>;
  readonly scopeIds: Set<string>;
  readonly scopes: Map<string, Row>;
  readonly instances: Map<string, Row>;
  readonly history: Row[];
}

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
      subscriptions: scope.subscriptions,
      compensable: scope.compensable,
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
      reason: change.reason ?? null,
    });
  }
}

/** Writes tokens, variables, standing and history of any number of changes, the last of each row. */
export async function writeState(
  trx: Transaction<WorkflowTables>,
  changes: readonly Change[],
): Promise<void> {
  const writes: Writes = {
    tokenIds: new Set(),
    tokens: new Map(),
    scopeIds: new Set(),
    scopes: new Map(),
    instances: new Map(),
    history: [],
  };
  for (const change of changes) diff(writes, change);
  if (writes.instances.size > 0) {
    // Of the rows in JSON the planner knows nothing, and would read the whole table for one; the ids lead it to the key.
    await sql`
      update instance
      set status = new.status, error_code = new.error_code, revision = instance.revision + new.events,
        changed_at = new.changed_at, ended_at = new.ended_at
      from json_to_recordset(${rowsOf([...writes.instances.values()])}::json) as new (
        id uuid, status text, error_code text, events integer, changed_at timestamptz, ended_at timestamptz
      )
      where instance.id = new.id and instance.id = any (${[...writes.instances.keys()]}::uuid[])`.execute(
      trx,
    );
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
      insert into scope (id, instance_id, kind, element_id, parent_id, owner_token_id, iteration, variables,
        subscriptions, compensable)
      select id, instance_id, kind, element_id, parent_id, owner_token_id, iteration, variables, subscriptions,
        compensable
      from json_to_recordset(${rowsOf([...writes.scopes.values()])}::json) as new (
        id uuid, instance_id uuid, kind text, element_id text, parent_id uuid, owner_token_id uuid,
        iteration integer, variables jsonb, subscriptions jsonb, compensable jsonb
      )
      on conflict on constraint scope_pkey do update
      set element_id = excluded.element_id, variables = excluded.variables, subscriptions = excluded.subscriptions,
        compensable = excluded.compensable`.execute(trx);
  }
  if (writes.tokens.size > 0) {
    await sql`
      insert into token (id, instance_id, scope_id, element_id, flow_id, wait, subscriptions)
      select id, instance_id, scope_id, element_id, flow_id, wait, subscriptions
      from json_to_recordset(${rowsOf([...writes.tokens.values()])}::json) as new (
        id uuid, instance_id uuid, scope_id uuid, element_id text, flow_id text, wait jsonb, subscriptions jsonb
      )
      on conflict on constraint token_pkey do update
      set element_id = excluded.element_id, flow_id = excluded.flow_id, wait = excluded.wait,
        subscriptions = excluded.subscriptions`.execute(trx);
  }
  if (writes.history.length > 0) {
    await sql`
      insert into history (instance_id, at, event, application, actor, organisation, entries, reason)
      select instance_id, at, event, application, actor, organisation, entries, reason
      from json_to_recordset(${rowsOf(writes.history)}::json) as new (
        instance_id uuid, at timestamptz, event text, application text, actor text, organisation text, entries jsonb,
        reason text
      )`.execute(trx);
  }
}
