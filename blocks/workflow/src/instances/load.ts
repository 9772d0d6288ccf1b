import type { Transaction } from 'kysely';
import type { InstanceState, Scope, Token } from '../execution/state.ts';
import type { InstanceRow, WorkflowTables } from '../tables.ts';

export interface LoadedInstance {
  readonly row: InstanceRow;
  readonly state: InstanceState;
}

/** Locks instances for this transaction, in the order of their ids, and reads their state. */
export async function lockInstances(
  trx: Transaction<WorkflowTables>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, LoadedInstance>> {
  const rows = await trx
    .selectFrom('instance')
    .selectAll()
    .where('id', 'in', ids)
    .orderBy('id')
    .forUpdate()
    .execute();
  if (rows.length === 0) return new Map();
  const locked = rows.map((row) => row.id);
  const scopeRows = await trx
    .selectFrom('scope')
    .selectAll()
    .where('instance_id', 'in', locked)
    .orderBy('id')
    .execute();
  const tokenRows = await trx
    .selectFrom('token')
    .selectAll()
    .where('instance_id', 'in', locked)
    .orderBy('id')
    .execute();
  const scopes = Map.groupBy(scopeRows, (row) => row.instance_id);
  const tokens = Map.groupBy(tokenRows, (row) => row.instance_id);
  return new Map(
    rows.map((row) => [
      row.id,
      {
        row,
        state: {
          id: row.id,
          businessKey: row.business_key ?? undefined,
          startedAt: row.started_at,
          status: row.status,
          errorCode: row.error_code ?? undefined,
          scopes: new Map((scopes.get(row.id) ?? []).map((one) => [one.id, toScope(one)])),
          tokens: new Map((tokens.get(row.id) ?? []).map((one) => [one.id, toToken(one)])),
        },
      },
    ]),
  );
}

const toScope = (row: WorkflowTables['scope']): Scope => ({
  id: row.id,
  kind: row.kind,
  elementId: row.element_id,
  parent: row.parent_id ?? undefined,
  owner: row.owner_token_id ?? undefined,
  variables: row.variables,
  index: row.iteration ?? undefined,
  subscriptions: row.subscriptions,
  compensable: row.compensable,
});

const toToken = (row: WorkflowTables['token']): Token => ({
  id: row.id,
  scopeId: row.scope_id,
  elementId: row.element_id,
  flowId: row.flow_id ?? undefined,
  wait: row.wait,
  subscriptions: row.subscriptions,
});
