import { type Caller, forbidden, type Person, transaction } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import { actorOf } from '../history/actor.ts';
import { sees, viewerOf } from '../history/viewer.ts';
import { writeHistory } from '../history/write-history.ts';
import { findInstance } from '../instances/read.ts';
import { observer, viewer, type WorkflowService } from '../service.ts';
import type { inspectionOperations } from './inspection-operations.ts';

const mostTasks = 500;
const most = 2000;

const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;

/** Handlers of what an instance consists of. */
export function inspectionHandlers(service: WorkflowService): Handlers<typeof inspectionOperations> {
  const { db, engine, dataRoles } = service;
  const mayRead = (owner: string, caller: Caller, person: Person | undefined): boolean =>
    sees(viewerOf(caller, person, dataRoles), owner);
  const scopesOf = (instanceId: string) =>
    db
      .selectFrom('scope')
      .select(['id', 'element_id', 'variables'])
      .where('instance_id', '=', instanceId)
      .orderBy('id')
      .limit(most)
      .execute();
  return {
    async listInstanceTasks({ params, caller, person }) {
      const instance = await findInstance(db, observer(service, caller, person), params.instanceId);
      const rows = await db
        .selectFrom('user_task')
        .selectAll()
        .where('instance_id', '=', instance.id)
        .orderBy('id')
        .limit(mostTasks)
        .execute();
      const tasks = rows.map((row) => ({
        id: row.id,
        name: row.name,
        elementId: row.element_id,
        state: row.state,
        candidateRole: row.candidate_role,
        assignee: row.assignee,
        dueDate: row.due_at,
        created: row.created_at,
        ended: row.ended_at,
        completedBy: row.completed_by,
      }));
      return { status: 200, body: { tasks } };
    },
    async listInstanceVariables({ params, caller, person }) {
      const instance = await findInstance(db, viewer(service, caller, person), params.instanceId);
      const variables = (await scopesOf(instance.id)).flatMap((scope) =>
        Object.entries(scope.variables).map(([name, value]) => ({
          name,
          type: typeOf(value),
          scopeId: scope.id,
          elementId: scope.element_id,
        })),
      );
      const readable = mayRead(instance.owner, caller, person);
      return {
        status: 200,
        body: { revision: instance.revision, readable, variables: variables.slice(0, most) },
      };
    },
    async readInstanceVariables({ params, body: { reason }, caller, person }) {
      const instance = await findInstance(db, viewer(service, caller, person), params.instanceId);
      if (!mayRead(instance.owner, caller, person)) {
        throw forbidden('The values of variables are for people with another role');
      }
      const scopes = (await scopesOf(instance.id)).map((scope) => ({
        scopeId: scope.id,
        elementId: scope.element_id,
        variables: scope.variables,
      }));
      // Who has seen them is on record before they are given.
      await transaction(db, (trx) =>
        writeHistory(trx, {
          instanceId: instance.id,
          event: 'variablesRead',
          entries: [],
          actor: actorOf(caller, person),
          reason,
          at: engine.now().toISOString(),
        }),
      );
      return { status: 200, body: { revision: instance.revision, scopes } };
    },
  };
}
