import { type Caller, once, type Person } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import type { EngineEvent } from '../execution/event.ts';
import { actorOf, nameOf } from '../history/actor.ts';
import type { Aftermath } from '../instances/apply.ts';
import { findInstance } from '../instances/read.ts';
import { readTokens, repair } from '../instances/repair.ts';
import { follow, observer, viewer, type WorkflowService } from '../service.ts';
import { checkVariables } from './check-variables.ts';
import type { repairOperations } from './repair-operations.ts';
import { toStarted } from './views.ts';

interface Asked {
  readonly caller: Caller;
  readonly person: Person | undefined;
  readonly idempotencyKey: string | undefined;
}

/** Handlers of what an operator does to a running instance. */
export function repairHandlers(service: WorkflowService): Handlers<typeof repairOperations> {
  const { db, engine, worker } = service;
  const command = async (
    instanceId: string,
    { reason, ...body }: { readonly revision?: number; readonly reason: string },
    event: EngineEvent,
    { caller, person, idempotencyKey }: Asked,
  ) => {
    await findInstance(db, viewer(service, caller, person), instanceId);
    const actor = actorOf(caller, person);
    let left: Aftermath | undefined;
    const answer = await once(
      db,
      {
        scope: `${caller.application}/${nameOf(actor)}/repair`,
        key: idempotencyKey,
        request: { instanceId, event, reason, ...body },
      },
      async (trx) => {
        const asked = { instanceId, revision: body.revision, event, reason, actor };
        const { row, aftermath } = await repair(trx, engine, asked, worker.handover());
        left = aftermath;
        return { status: 200 as const, body: { ...toStarted(row), revision: row.revision } };
      },
    );
    follow(service, left);
    return answer;
  };
  return {
    async getInstanceTokens({ params, caller, person }) {
      const instance = await findInstance(db, observer(service, caller, person), params.instanceId);
      const { scopes, tokens } = await readTokens(db, instance.id);
      return { status: 200, body: { revision: instance.revision, scopes, tokens } };
    },
    setInstanceVariables: async ({ params, body: { variables, scopeId, ...body }, ...asked }) =>
      command(
        params.instanceId,
        body,
        { type: 'setVariables', scopeId, variables: checkVariables(variables) ?? {} },
        asked,
      ),
    moveToken: ({ params, body: { elementId, ...body }, ...asked }) =>
      command(params.instanceId, body, { type: 'moveToken', tokenId: params.tokenId, elementId }, asked),
    cancelToken: ({ params, body, ...asked }) =>
      command(params.instanceId, body, { type: 'cancelToken', tokenId: params.tokenId }, asked),
    activateElement: ({ params, body: { elementId, ...body }, ...asked }) =>
      command(params.instanceId, body, { type: 'activate', tokenId: params.tokenId, elementId }, asked),
    cancelInstance: ({ params, body, ...asked }) => command(params.instanceId, body, { type: 'stop' }, asked),
  };
}
