import { type ImplementedSurface, implement, notFound, Problem, transaction } from '@govstack/platform';
import { findDefinition, listDefinitions } from '../../definitions/definitions.ts';
import { engineActor } from '../../history/actor.ts';
import { applyEvents } from '../../instances/apply.ts';
import { findInstance, listInstances } from '../../instances/read.ts';
import { startInstance } from '../../instances/start.ts';
import { follow, type WorkflowService } from '../../service.ts';
import { toInstance, toProcess, toStarted } from '../views.ts';
import { workflowSuite } from './operations.ts';

/** Answers the compliance suite for the block's own application, which owns the seeded process. */
export function answerSuite(service: WorkflowService): ImplementedSurface {
  const { db, engine } = service;
  const viewer = { application: engine.application, member: undefined };
  const actor = engineActor(engine.application);
  const definitionOf = async (processId: string) => {
    const row = await findDefinition(db, viewer, processId);
    if (!row) throw notFound('Process');
    return row;
  };
  const end = async (instanceId: string) => {
    const row = await findInstance(db, viewer, instanceId);
    const aftermath = await transaction(db, (trx) =>
      applyEvents(trx, engine, [{ instanceId: row.id, event: { type: 'stop' }, actor }]),
    );
    if (!aftermath.outcomes[0]?.taken) throw new Problem(409, 'The instance has ended');
    follow(service, aftermath);
    return { status: 201 as const, body: toStarted({ ...row, status: 'stopped' }) };
  };
  return implement(workflowSuite, {
    healthcheck: async () => ({ status: 200, body: { status: 'ok' } }),
    async getProcessList() {
      const rows = await listDefinitions(db, viewer, { current: true, limit: 100 });
      return { status: 200, body: rows.map(toProcess) };
    },
    getProcess: async ({ params }) => ({
      status: 200,
      body: toProcess(await definitionOf(params.processId)),
    }),
    async start({ params }) {
      const request = { viewer, process: params.processId, actor, pairs: [] };
      const { row, aftermath } = await startInstance(db, engine, {
        ...request,
        businessKey: undefined,
        callbackUrl: undefined,
        startKey: undefined,
      });
      follow(service, aftermath);
      return { status: 200, body: toStarted(row) };
    },
    async stopNewest({ params }) {
      const { id } = await definitionOf(params.processId);
      const [newest] = await listInstances(db, viewer, { process: id, status: 'running', limit: 1 });
      if (!newest) throw notFound('Instance');
      return end(newest.id);
    },
    async getInstances({ query }) {
      const rows = await listInstances(db, viewer, {
        limit: 100,
        ...(query.processId === undefined ? {} : { process: query.processId }),
      });
      return { status: 200, body: rows.map((row) => toInstance(row)) };
    },
    getInstance: async ({ params }) => ({
      status: 200,
      body: toInstance(await findInstance(db, viewer, params.instanceId)),
    }),
    stop: ({ params }) => end(params.instanceId),
  });
}
