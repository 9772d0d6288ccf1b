import { type Caller, forbidden, isApplicationId, type Person, transaction } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import {
  listConnections,
  putConnection,
  readConnectionLog,
  removeConnection,
} from '../connections/connections.ts';
import { actorOf } from '../history/actor.ts';
import { sees } from '../history/viewer.ts';
import { listNotices, sendAgain } from '../notices/notices.ts';
import { viewer, type WorkflowService } from '../service.ts';
import type { connectionOperations } from './connection-operations.ts';

/** Handlers of connections and notices. */
export function connectionHandlers(service: WorkflowService): Handlers<typeof connectionOperations> {
  const { db, engine, sealing } = service;
  /** Whose connection is meant: the caller's own, or one of the agency that the person supervises. */
  const ownerOf = (application: string | undefined, caller: Caller, person: Person | undefined): string => {
    if (application === undefined || application === caller.application) return caller.application;
    if (!sees(viewer(service, caller, person), application) || !isApplicationId(application))
      throw forbidden('Connections of another application are for the supervisors of its agency');
    return application;
  };
  const list = async (caller: Caller, person: Person | undefined, name?: string) =>
    (await listConnections(db, viewer(service, caller, person), name)).map((row) => ({
      application: row.owner,
      name: row.name,
      settings: row.settings,
      hasSecret: row.has_secret,
      changed: row.changed_at,
      changedBy: row.changed_by,
    }));
  return {
    async listConnections({ caller, person }) {
      return { status: 200, body: { connections: await list(caller, person) } };
    },
    async putConnection({ params: { name }, body, caller, person }) {
      const owner = ownerOf(body.application, caller, person);
      const { settings, secret, reason } = body;
      const by = { actor: actorOf(caller, person), at: engine.now().toISOString(), reason };
      await transaction(db, (trx) => putConnection(trx, sealing, { owner, name, settings, secret }, by));
      service.worker.wake();
      const known = await list(caller, person, name);
      return {
        status: 200,
        body: known.find((one) => one.application === owner && one.name === name) as never,
      };
    },
    async removeConnection({ params: { name }, body, caller, person }) {
      const owner = ownerOf(body.application, caller, person);
      const by = { actor: actorOf(caller, person), at: engine.now().toISOString(), reason: body.reason };
      await transaction(db, (trx) => removeConnection(trx, owner, name, by));
      return { status: 204 };
    },
    async getConnectionLog({ params: { name }, query, caller, person }) {
      const rows = await readConnectionLog(db, ownerOf(query.application, caller, person), name);
      const entries = rows.map(({ secret_changed: secretChanged, ...row }) => ({ ...row, secretChanged }));
      return { status: 200, body: { entries } };
    },
    async listNotices({ query, caller, person }) {
      const limit = query.limit ?? 100;
      const rows = await listNotices(db, viewer(service, caller, person), {
        givenUp: query.givenUp,
        limit: limit + 1,
        after: query.after,
      });
      const notices = rows.slice(0, limit).map((row) => ({
        id: row.id,
        instanceId: row.instance_id,
        processKey: row.process_key,
        connection: row.connection,
        state: (row.body as { state: string }).state,
        created: row.created_at,
        next: row.due_at,
        attempts: row.attempts,
        refusal: row.refusal,
        givenUp: row.given_up_at,
      }));
      const last = notices.at(-1);
      return { status: 200, body: { notices, ...(rows.length > limit && last ? { next: last.id } : {}) } };
    },
    async sendNotice({ params, caller, person }) {
      const by = viewer(service, caller, person);
      const at = engine.now().toISOString();
      await transaction(db, (trx) => sendAgain(trx, by, params.noticeId, at));
      service.delivery.wake();
      return { status: 204 };
    },
  };
}
