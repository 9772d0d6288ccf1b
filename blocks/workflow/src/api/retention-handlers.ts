import { type Caller, notFound, once, type Person, transaction } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import { actorOf, nameOf } from '../history/actor.ts';
import { findInstance } from '../instances/read.ts';
import { readChanges } from '../retention/change-log.ts';
import { eraseVariables } from '../retention/erase.ts';
import { findProcess, readRetention, setRetention } from '../retention/retention.ts';
import { viewer, type WorkflowService } from '../service.ts';
import type { retentionOperations } from './retention-operations.ts';

/** Handlers of retention and erasure. */
export function retentionHandlers(service: WorkflowService): Handlers<typeof retentionOperations> {
  const { db, engine } = service;
  const find = async (processId: string, caller: Caller, person: Person | undefined) => {
    const process = await findProcess(db, viewer(service, caller, person), processId);
    if (!process) throw notFound('Process');
    return process;
  };
  return {
    async getRetention({ params, caller, person }) {
      const process = await find(params.processId, caller, person);
      return { status: 200, body: { processKey: process.key, days: await readRetention(db, process) } };
    },
    async setRetention({ params, body: { days, reason }, caller, person }) {
      const process = await find(params.processId, caller, person);
      const by = { actor: actorOf(caller, person), reason, at: engine.now().toISOString() };
      await transaction(db, (trx) => setRetention(trx, process, days, by));
      return { status: 200, body: { processKey: process.key, days } };
    },
    async eraseVariables({ params, body, caller, person, idempotencyKey }) {
      const { instanceId } = params;
      await findInstance(db, viewer(service, caller, person), instanceId);
      const actor = actorOf(caller, person);
      const by = { actor, reason: body.reason, at: engine.now().toISOString() };
      return once(
        db,
        {
          scope: `${caller.application}/${nameOf(actor)}/erase`,
          key: idempotencyKey,
          request: { instanceId, ...body },
        },
        async (trx) => ({
          status: 200 as const,
          body: { erased: [...(await eraseVariables(trx, instanceId, body.variables, by))] },
        }),
      );
    },
    async listChanges({ query, caller, person }) {
      const limit = query.limit ?? 100;
      const rows = await readChanges(db, viewer(service, caller, person), {
        limit: limit + 1,
        before: query.before,
      });
      const changes = rows.slice(0, limit).map((row) => ({
        id: row.id,
        at: row.at,
        processKey: row.process_key,
        instanceId: row.instance_id,
        action: row.action as string,
        detail: row.detail,
        reason: row.reason,
        application: row.application,
        actor: row.actor,
        organisation: row.organisation,
      }));
      const last = changes.at(-1);
      return { status: 200, body: { changes, ...(rows.length > limit && last ? { next: last.id } : {}) } };
    },
  };
}
