import { conflict, notFound, Problem } from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import { sql } from 'kysely';
import type { EngineEvent } from '../execution/event.ts';
import type { Actor } from '../history/actor.ts';
import type { InstanceRow, WorkflowTables } from '../tables.ts';
import { type Aftermath, applyEvents, type Engine } from './apply.ts';
import { lockInstances } from './load.ts';
import type { Handover } from './write-jobs.ts';

export interface Repair {
  readonly instanceId: string;
  /** Revision the operator has seen; undefined: whatever it is. */
  readonly revision: number | undefined;
  readonly event: EngineEvent;
  readonly reason: string;
  readonly actor: Actor;
}

/**
 * Lets an operator's command happen to a running instance. Throws problems: 404 no such instance, token or scope;
 * 409 ended, or changed since it was seen; 422 a state it cannot be in.
 */
export async function repair(
  trx: Transaction<WorkflowTables>,
  engine: Engine,
  { instanceId, revision, event, reason, actor }: Repair,
  handover: Handover | undefined,
): Promise<{ readonly row: InstanceRow; readonly aftermath: Aftermath }> {
  const held = (await lockInstances(trx, [instanceId])).get(instanceId);
  if (!held) throw notFound('Instance');
  if (held.row.status !== 'running') throw conflict('The instance has ended');
  if (revision !== undefined && revision !== held.row.revision) {
    throw conflict(`The instance has changed: it is in revision ${held.row.revision}`);
  }
  const aftermath = await applyEvents(trx, engine, [{ instanceId, event, actor, reason }], handover);
  const [outcome] = aftermath.outcomes;
  if (outcome?.refusal !== undefined) throw new Problem(422, outcome.refusal);
  if (!outcome?.taken) throw notFound('scopeId' in event ? 'Scope' : 'Token');
  const row = await trx
    .selectFrom('instance')
    .selectAll()
    .where('id', '=', instanceId)
    .executeTakeFirstOrThrow();
  return { row, aftermath };
}

const most = 2000;

/** Scopes and tokens of an instance, without variables. */
export async function readTokens(db: Kysely<WorkflowTables>, instanceId: string) {
  const scopes = await db
    .selectFrom('scope')
    .select(['id', 'kind', 'element_id', 'parent_id', 'iteration'])
    .where('instance_id', '=', instanceId)
    .orderBy('id')
    .limit(most)
    .execute();
  const tokens = await db
    .selectFrom('token')
    .select(['id', 'scope_id', 'element_id', sql<string>`wait ->> 'kind'`.as('waits_for')])
    .where('instance_id', '=', instanceId)
    .orderBy('id')
    .limit(most)
    .execute();
  const timers = await db
    .selectFrom('job')
    .select(['token_id', 'element_id', 'due_at'])
    .where('instance_id', '=', instanceId)
    .where('kind', '=', 'timer')
    .orderBy('due_at')
    .limit(most)
    .execute();
  const timersOf = Map.groupBy(timers, (timer) => timer.token_id);
  return {
    scopes: scopes.map((scope) => ({
      id: scope.id,
      kind: scope.kind as string,
      elementId: scope.element_id,
      ...(scope.parent_id === null ? {} : { parent: scope.parent_id }),
      ...(scope.iteration === null ? {} : { index: scope.iteration }),
    })),
    tokens: tokens.map((token) => ({
      id: token.id,
      scopeId: token.scope_id,
      elementId: token.element_id,
      waitsFor: token.waits_for,
      timers: (timersOf.get(token.id) ?? []).map((timer) => ({
        elementId: timer.element_id,
        due: timer.due_at,
      })),
    })),
  };
}
