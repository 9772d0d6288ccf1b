import { notFound, Problem, transaction } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import { missingConnections } from '../connections/connections.ts';
import {
  changeDefinition,
  type Deployment,
  findDefinition,
  listDefinitions,
} from '../definitions/definitions.ts';
import { compileDeployment, deploy as deployModel } from '../definitions/deploy.ts';
import { type Actor, actorOf } from '../history/actor.ts';
import { observer, viewer, type WorkflowService } from '../service.ts';
import { arrangeStarts } from '../starts/arrange.ts';
import type { DefinitionRow } from '../tables.ts';
import type { workflowApi } from './operations.ts';
import { toListedProcess, toProcess } from './views.ts';

type Operations = Handlers<(typeof workflowApi)['operations']>;
type ProcessHandlers = Pick<
  Operations,
  'getProcessList' | 'addProcess' | 'getProcess' | 'getStartForm' | 'updateProcess' | 'deleteProcess'
>;

/** Handlers of the design time operations: what processes there are. */
export function processHandlers(service: WorkflowService): ProcessHandlers {
  const { db, engine } = service;
  const deploy = async (
    owner: string,
    deployment: Deployment,
    actor: Actor,
    key?: string,
  ): Promise<DefinitionRow> => {
    const model = await compileDeployment(owner, deployment);
    if (key !== undefined && model.key !== key) {
      throw new Problem(422, `The process has the id ${model.key}, not ${key}`);
    }
    return transaction(db, (trx) => deployModel(trx, engine, owner, deployment, model, actor));
  };
  return {
    async getProcessList({ caller, person }) {
      const rows = await listDefinitions(db, observer(service, caller, person), {
        current: true,
        limit: 500,
      });
      return { status: 200, body: rows.map(toListedProcess) };
    },
    async addProcess({ body, caller, person }) {
      const row = await deploy(caller.application, body, actorOf(caller, person));
      const missing = await missingConnections(db, row.owner, await engine.models(row.id, db));
      return {
        status: 201,
        body: { ...toProcess(row), ...(missing.length === 0 ? {} : { missingConnections: [...missing] }) },
        headers: { location: `/processes/${encodeURIComponent(row.id)}` },
      };
    },
    async getProcess({ params, caller, person }) {
      const row = await findDefinition(db, observer(service, caller, person), params.processId);
      if (!row) throw notFound('Process');
      return { status: 200, body: toProcess(row) };
    },
    async getStartForm({ params, caller, person }) {
      const row = await findDefinition(db, viewer(service, caller, person), params.processId);
      if (!row) throw notFound('Process');
      const model = await engine.models(row.id, db);
      return {
        status: 200,
        body: {
          processRef: row.id,
          name: row.name,
          startable: row.enabled && row.is_executable && model.starts.has(model.key),
          variables: model.startVariables.map(({ name, type, required }) => ({
            name,
            type: type ?? null,
            required,
          })),
        },
      };
    },
    async updateProcess({ params, body, caller, person }) {
      const known = await findDefinition(db, viewer(service, caller, person), params.processId);
      if (!known) throw notFound('Process');
      const row = await deploy(known.owner, body, actorOf(caller, person), known.key);
      return { status: 204, headers: { location: `/processes/${encodeURIComponent(row.id)}` } };
    },
    async deleteProcess({ params, caller, person }) {
      const known = await findDefinition(db, viewer(service, caller, person), params.processId);
      if (!known) throw notFound('Process');
      const at = engine.now().toISOString();
      const actor = actorOf(caller, person);
      await transaction(db, async (trx) => {
        const row = await changeDefinition(trx, known.id, 'deleted', actor, at);
        await arrangeStarts(trx, engine.models, row, at);
      });
      return { status: 200, body: { id: known.id } };
    },
  };
}
