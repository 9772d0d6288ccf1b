import { type Caller, notFound, type Person, Problem, transaction } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import { changeDefinition, findDefinition, listDefinitions } from '../definitions/definitions.ts';
import { type Actor, actorOf } from '../history/actor.ts';
import { readHistory } from '../history/read-history.ts';
import { listIncidents, retryIncident } from '../incidents/incidents.ts';
import { countInstances, findInstance } from '../instances/read.ts';
import { resumeInstance, runningOf, suspendInstance } from '../instances/suspend.ts';
import { isOutage } from '../jobs/completions.ts';
import { follow, observer, viewer, type WorkflowService } from '../service.ts';
import { arrangeStarts } from '../starts/arrange.ts';
import { defineClockTrigger, listClockTriggers, removeClockTrigger } from '../starts/clock-trigger.ts';
import { defineTrigger, listTriggers, removeTrigger } from '../starts/flow-trigger.ts';
import { listSchedules } from '../starts/schedule.ts';
import type { DefinitionRow } from '../tables.ts';
import { checkVariables } from './check-variables.ts';
import { connectionHandlers } from './connection-handlers.ts';
import { draftHandlers } from './draft-handlers.ts';
import { drawingHandlers } from './drawing-handlers.ts';
import { givenReason } from './given-reason.ts';
import { inspectionHandlers } from './inspection-handlers.ts';
import { migrationHandlers } from './migration-handlers.ts';
import { modellingHandlers } from './modelling-handlers.ts';
import { monitoringHandlers } from './monitoring-handlers.ts';
import type { workflowAdmin } from './operations.ts';
import { repairHandlers } from './repair-handlers.ts';
import { retentionHandlers } from './retention-handlers.ts';
import { toClockTrigger, toIncident, toListedProcess, toProcess, toStarted, toTrigger } from './views.ts';

const bulk = 1000;

/** Handlers of supervision. */
export function adminHandlers(service: WorkflowService): Handlers<(typeof workflowAdmin)['operations']> {
  const { db, engine, worker } = service;
  const find = async (
    processId: string,
    caller: Caller,
    person: Person | undefined,
  ): Promise<DefinitionRow> => {
    const row = await findDefinition(db, viewer(service, caller, person), processId);
    if (!row) throw notFound('Process');
    return row;
  };
  const change = async (
    processId: string,
    action: 'enabled' | 'disabled',
    caller: Caller,
    person: Person | undefined,
  ) => {
    const known = await find(processId, caller, person);
    if (known.enabled === (action === 'enabled')) return { status: 200 as const, body: toProcess(known) };
    const at = engine.now().toISOString();
    const actor = actorOf(caller, person);
    const row = await transaction(db, async (trx) => {
      const changed = await changeDefinition(trx, known.id, action, actor, at);
      await arrangeStarts(trx, engine.models, changed, at);
      return changed;
    });
    return { status: 200 as const, body: toProcess(row) };
  };
  const suspend = (id: string, actor: Actor, reason: string | undefined): Promise<void> =>
    transaction(db, (trx) => suspendInstance(trx, id, actor, engine.now().toISOString(), reason));
  const resume = async (id: string, actor: Actor, reason: string | undefined): Promise<void> => {
    follow(
      service,
      await transaction(db, (trx) => resumeInstance(trx, engine, id, actor, worker.handover(), reason)),
    );
    worker.wake();
  };
  /** Suspends or resumes a revision with its instances, each in a transaction of its own. */
  const standStill = async (
    processId: string,
    still: boolean,
    sent: unknown,
    caller: Caller,
    person: Person | undefined,
  ) => {
    const reason = givenReason(sent);
    if (!processId.includes(':')) throw new Problem(400, 'This needs the id of a revision, not a key');
    const { body } = await change(processId, still ? 'disabled' : 'enabled', caller, person);
    const { ids, more } = await runningOf(db, body.id, !still);
    const actor = actorOf(caller, person);
    let instances = 0;
    const failed: { instanceId: string; detail: string }[] = [];
    for (const id of ids) {
      try {
        await (still ? suspend(id, actor, reason) : resume(id, actor, reason));
        instances += 1;
      } catch (error) {
        // Ended in the meantime.
        if (error instanceof Problem && error.status === 409) continue;
        if (isOutage(error)) throw error;
        service.log.error({ err: error, instanceId: id }, 'an instance could not be suspended or resumed');
        failed.push({
          instanceId: id,
          detail: error instanceof Problem ? error.message : 'it could not be done; the log tells why',
        });
      }
    }
    return { status: 200 as const, body: { processRef: body.id, instances, more, failed } };
  };
  return {
    ...drawingHandlers(service),
    ...inspectionHandlers(service),
    ...repairHandlers(service),
    ...migrationHandlers(service),
    ...monitoringHandlers(service),
    ...retentionHandlers(service),
    ...draftHandlers(service),
    ...modellingHandlers(service),
    ...connectionHandlers(service),
    async listAllProcesses({ query, caller, person }) {
      const limit = query.limit ?? 100;
      const rows = await listDefinitions(db, observer(service, caller, person), {
        current: false,
        limit: limit + 1,
        ...(query.after === undefined ? {} : { after: query.after }),
        ...(query.processKey === undefined ? {} : { key: query.processKey }),
      });
      const processes = rows.slice(0, limit).map(toListedProcess);
      const last = processes.at(-1);
      return {
        status: 200,
        body: { processes, ...(rows.length > limit && last ? { next: last.id } : {}) },
      };
    },
    enableProcess: ({ params, caller, person }) => change(params.processId, 'enabled', caller, person),
    disableProcess: ({ params, caller, person }) => change(params.processId, 'disabled', caller, person),
    async getProcessLog({ params, caller, person }) {
      const row = await find(params.processId, caller, person);
      const entries = await db
        .selectFrom('definition_log')
        .select(['at', 'action', 'application', 'actor', 'organisation'])
        .where('definition_id', '=', row.id)
        .orderBy('id')
        .limit(500)
        .execute();
      return { status: 200, body: { entries } };
    },
    async listSchedules({ caller, person }) {
      const by = viewer(service, caller, person);
      const rows = await listSchedules(db, by);
      const defined = await listClockTriggers(db, by);
      return {
        status: 200,
        body: {
          schedules: rows.map((row) => ({
            processKey: row.process_key,
            processRef: row.definition_id,
            elementId: row.element_id,
            next: row.due_at,
          })),
          defined: defined.map(toClockTrigger),
        },
      };
    },
    async defineSchedule({ body, caller, person }) {
      const checked = checkVariables(body.variables) ?? {};
      const { when, at: text, timeZone, missed = 'once' } = body;
      const timer = { kind: 'timer', when, text: text.trim(), timeZone, missed } as const;
      const by = viewer(service, caller, person);
      const request = { process: body.process, timer, variables: checked };
      const row = await transaction(db, (trx) =>
        defineClockTrigger(trx, engine, by, request, actorOf(caller, person)),
      );
      return { status: 200, body: toClockTrigger(row) };
    },
    async removeSchedule({ params, caller, person }) {
      const at = engine.now().toISOString();
      const by = viewer(service, caller, person);
      await removeClockTrigger(db, by, params.scheduleId, actorOf(caller, person), at);
      return { status: 204 };
    },
    async defineFlowTrigger({ body, caller, person }) {
      const at = engine.now().toISOString();
      const request = {
        source: body.source,
        outcome: body.on,
        target: body.target,
        mappings: body.variables,
      };
      const by = viewer(service, caller, person);
      const row = await transaction(db, (trx) =>
        defineTrigger(trx, by, request, actorOf(caller, person), at),
      );
      return { status: 200, body: toTrigger(row) };
    },
    async listFlowTriggers({ query, caller, person }) {
      const limit = query.limit ?? 100;
      const rows = await listTriggers(db, viewer(service, caller, person), {
        limit: limit + 1,
        ...(query.after === undefined ? {} : { after: query.after }),
      });
      const triggers = rows.slice(0, limit).map(toTrigger);
      const last = triggers.at(-1);
      return {
        status: 200,
        body: { triggers, ...(rows.length > limit && last ? { next: last.id } : {}) },
      };
    },
    async removeFlowTrigger({ params, caller, person }) {
      const at = engine.now().toISOString();
      const by = viewer(service, caller, person);
      await removeTrigger(db, by, params.triggerId, actorOf(caller, person), at);
      return { status: 204 };
    },
    async getStatistics({ caller, person }) {
      const rows = await countInstances(db, observer(service, caller, person));
      return {
        status: 200,
        body: {
          processes: rows.map((row) => ({
            processKey: row.process_key,
            owner: row.owner,
            name: row.name,
            running: row.running,
            suspended: row.suspended,
            overdue: row.overdue,
            completed: row.completed,
            failed: row.failed,
            stopped: row.stopped,
            openIncidents: row.open_incidents,
            openTasks: row.open_tasks,
          })),
        },
      };
    },
    suspendProcess: ({ params, body, caller, person }) =>
      standStill(params.processId, true, body, caller, person),
    resumeProcess: ({ params, body, caller, person }) =>
      standStill(params.processId, false, body, caller, person),
    async suspendInstance({ params, body, caller, person }) {
      const reason = givenReason(body);
      const { id } = await findInstance(db, viewer(service, caller, person), params.instanceId);
      await suspend(id, actorOf(caller, person), reason);
      return { status: 200, body: toStarted(await findInstance(db, viewer(service, caller, person), id)) };
    },
    async resumeInstance({ params, body, caller, person }) {
      const reason = givenReason(body);
      const { id } = await findInstance(db, viewer(service, caller, person), params.instanceId);
      await resume(id, actorOf(caller, person), reason);
      return { status: 200, body: toStarted(await findInstance(db, viewer(service, caller, person), id)) };
    },
    async getInstanceHistory({ params, query, caller, person }) {
      const instance = await findInstance(db, viewer(service, caller, person), params.instanceId);
      const after = query.after ?? '0';
      if (!/^\d{1,18}$/.test(after)) throw new Problem(400, 'The page is not known');
      const limit = query.limit ?? 100;
      const rows = await readHistory(db, instance.id, { limit: limit + 1, after });
      const events = rows.slice(0, limit).map((row) => ({
        id: row.id,
        at: row.at,
        event: row.event,
        application: row.application,
        actor: row.actor ?? row.application,
        organisation: row.organisation,
        ...(row.reason === null ? {} : { reason: row.reason }),
        entries: row.entries.map((entry) => ({ ...entry })),
      }));
      const last = events.at(-1);
      return {
        status: 200,
        body: { events, ...(rows.length > limit && last ? { next: last.id } : {}) },
      };
    },
    async listIncidents({ query, caller, person }) {
      const limit = query.limit ?? 100;
      const rows = await listIncidents(db, viewer(service, caller, person), {
        ...query,
        open: query.open ?? true,
        limit: limit + 1,
      });
      const incidents = rows.slice(0, limit).map(toIncident);
      const last = incidents.at(-1);
      return {
        status: 200,
        body: { incidents, ...(rows.length > limit && last ? { next: last.id } : {}) },
      };
    },
    async retryIncident({ params, body, caller, person }) {
      const variables = checkVariables(body.variables);
      const by = viewer(service, caller, person);
      const actor = actorOf(caller, person);
      const aftermath = await transaction(db, (trx) =>
        retryIncident(trx, engine, by, params.incidentId, variables, actor, worker.handover(), body.reason),
      );
      follow(service, aftermath);
      return { status: 204 };
    },
    async retryIncidents({ body, caller, person }) {
      const by = viewer(service, caller, person);
      const actor = actorOf(caller, person);
      const { limit = bulk, reason, ...filter } = body;
      const incidents = await listIncidents(db, by, { ...filter, open: true, limit: limit + 1 });
      let retried = 0;
      let failed = 0;
      for (const { id } of incidents.slice(0, limit)) {
        const aftermath = await transaction(db, (trx) =>
          retryIncident(trx, engine, by, id, undefined, actor, worker.handover(), reason),
        ).catch((error: unknown) => {
          if (!(error instanceof Problem)) throw error;
          // Solved by someone else in the meantime, unless it is refused.
          if (error.status !== 409) failed += 1;
          return undefined;
        });
        if (!aftermath) continue;
        retried += 1;
        follow(service, aftermath);
      }
      return { status: 200, body: { retried, failed, more: incidents.length > limit } };
    },
  };
}
