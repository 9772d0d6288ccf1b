import { conflict, transaction } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import { actorOf } from '../history/actor.ts';
import { readHistory } from '../history/read-history.ts';
import { sees } from '../history/viewer.ts';
import { applyEvents } from '../instances/apply.ts';
import { findInstance, listInstances, readVariables } from '../instances/read.ts';
import { startInstance } from '../instances/start.ts';
import { follow, observer, viewer, type WorkflowService } from '../service.ts';
import type { workflowApi } from './operations.ts';
import { toInstance, toStarted } from './views.ts';

type Operations = Handlers<(typeof workflowApi)['operations']>;
type InstanceHandlers = Pick<Operations, 'start' | 'getInstances' | 'getInstance' | 'stop'>;

const logLines = 500;

/** What the client prefers (RFC 7240): not to wait, or to wait so many seconds. */
function preferenceOf(header: string | undefined): {
  readonly async: boolean;
  readonly waitMs: number | undefined;
} {
  const parts = (header ?? '').split(/[,;]/).map((part) => part.trim().toLowerCase());
  const wait = parts.map((part) => /^wait=(\d{1,4})$/.exec(part)?.[1]).find((text) => text !== undefined);
  return {
    async: parts.includes('respond-async'),
    waitMs: wait === undefined ? undefined : Number(wait) * 1000,
  };
}

/** Handlers of the run time operations: instances. */
export function instanceHandlers(service: WorkflowService): InstanceHandlers {
  const { db, engine, worker } = service;
  return {
    async start({ params, headers, body, caller, person, idempotencyKey, signal }) {
      const { row, aftermath } = await startInstance(
        db,
        engine,
        {
          viewer: viewer(service, caller, person),
          process: params.processId,
          businessKey: body.businessKey,
          callbackUrl: body.callbackUrl,
          variables: body.variables ?? {},
          pairs: [...(body.InstanceValues ?? []), ...(body.instanceValues ?? [])],
          startKey: idempotencyKey,
          actor: actorOf(caller, person),
        },
        worker.handover,
      );
      follow(service, aftermath);
      const preference = preferenceOf(headers.prefer);
      const waits = body.synchronous === true || preference.waitMs !== undefined;
      if (!waits || row.status !== 'running') {
        return { status: preference.async ? 202 : 201, body: toStarted(row) };
      }
      const waitMs = Math.min(preference.waitMs ?? service.longestWaitMs, service.longestWaitMs);
      let latest = row;
      const ended = await service.ends.wait(row.id, waitMs, signal, async () => {
        latest = await db
          .selectFrom('instance')
          .selectAll()
          .where('id', '=', row.id)
          .executeTakeFirstOrThrow();
        return latest.status !== 'running';
      });
      return { status: ended ? 201 : 202, body: toStarted(latest) };
    },
    async getInstances({ query, caller, person }) {
      const rows = await listInstances(db, observer(service, caller, person), {
        limit: query.limit ?? 100,
        ...(query.processId === undefined ? {} : { process: query.processId }),
        ...(query.businessKey === undefined ? {} : { businessKey: query.businessKey }),
        ...(query.state === undefined ? {} : { status: query.state }),
        ...(query.calledBy === undefined ? {} : { calledBy: query.calledBy }),
        ...(query.incidents === undefined ? {} : { incidents: query.incidents }),
        ...(query.overdue === undefined ? {} : { overdue: query.overdue }),
        ...(query.before === undefined ? {} : { before: query.before }),
      });
      return { status: 200, body: rows.map((row) => toInstance(row)) };
    },
    async getInstance({ params, caller, person }) {
      const row = await findInstance(db, observer(service, caller, person), params.instanceId);
      if (!sees(viewer(service, caller, person), row.owner)) return { status: 200, body: toInstance(row) };
      const history = await readHistory(db, row.id, { limit: logLines });
      const log = history.flatMap(({ at, entries }) =>
        entries.map(({ event, elementId, detail }) => ({
          at,
          event,
          elementId,
          ...(detail === undefined ? {} : { detail }),
        })),
      );
      const own = row.owner === caller.application;
      return {
        status: 200,
        body: toInstance(row, { log, ...(own ? { variables: await readVariables(db, row.id) } : {}) }),
      };
    },
    async stop({ params, caller, person }) {
      const known = await findInstance(db, viewer(service, caller, person), params.instanceId);
      const aftermath = await transaction(db, (trx) =>
        applyEvents(trx, engine, [
          { instanceId: known.id, event: { type: 'stop' }, actor: actorOf(caller, person) },
        ]),
      );
      const [outcome] = aftermath.outcomes;
      if (!outcome?.taken) throw conflict('The instance has ended');
      follow(service, aftermath);
      return { status: 201, body: toStarted({ ...known, status: 'stopped' }) };
    },
  };
}
