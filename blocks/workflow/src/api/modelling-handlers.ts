import { Problem } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import { missingConnections } from '../connections/connections.ts';
import { asProblem } from '../definitions/deploy.ts';
import { withDrawing } from '../drawing/with-drawing.ts';
import type { Variables } from '../feel/json.ts';
import { readStartVariables } from '../instances/start-variables.ts';
import { checkSource } from '../model/check-source.ts';
import { compileProcess } from '../model/compile-process.ts';
import { govstackExtension } from '../model/govstack-extension.ts';
import { variableTypes } from '../model/model.ts';
import { scriptEvent } from '../scripts/script-event.ts';
import type { WorkflowService } from '../service.ts';
import type { PinnedAnswers } from '../trial/answers.ts';
import { CannotBegin } from '../trial/begin-at.ts';
import { type OwnWork, tryProcess } from '../trial/try-process.ts';
import { agencyOfDesigner, checkOwner } from './designer.ts';
import type { modellingOperations } from './modelling-operations.ts';

const defined = <T extends object>(from: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined)) as never;

/** As it is declared: the library that reads documents writes into what it is given. */
const extension = structuredClone(govstackExtension);

/** Handlers of what an editor asks while somebody draws: nothing is kept and nothing called. */
export function modellingHandlers(service: WorkflowService): Handlers<typeof modellingOperations> {
  const { engine } = service;
  const limits = { ...engine.limits, maxEvents: 500, maxMs: 3000, maxSize: 4_000_000 };
  // In turns with the applications' scripts: not before them.
  const trials = 'trials';
  const work: OwnWork = async ({ jobId, attempts, request }) =>
    request.kind === 'script'
      ? scriptEvent(service.scripts, { ...request, owner: trials }, { jobId, attempt: attempts + 1 })
      : undefined;
  return {
    async getModellingLanguage({ person }) {
      agencyOfDesigner(service, person);
      return { status: 200, body: { extension, variableTypes: [...variableTypes] } };
    },
    async checkModel({ body, person }) {
      const { application: owner, ...source } = body;
      checkOwner(service, person, owner);
      const { model, findings, decisions } = await checkSource({ ...source, owner });
      const missing = model ? await missingConnections(service.db, owner, model) : [];
      const unconnected = [...(model?.elements.values() ?? [])].filter(
        (one) =>
          one.kind === 'serviceTask' &&
          one.target.kind !== 'operation' &&
          missing.includes(one.target.connection),
      );
      return {
        status: 200,
        body: {
          deployable: model !== undefined,
          findings: [
            ...findings,
            ...unconnected.map(({ id: elementId }) => ({
              elementId,
              severity: 'warning',
              rule: 'no-connection',
              message: 'uses a connection that its application has not defined yet',
            })),
          ],
          decisions: [...decisions],
          startVariables: (model?.startVariables ?? []).map(defined),
        },
      };
    },
    async drawModel({ body, person }) {
      agencyOfDesigner(service, person);
      const drawn = await withDrawing(body.bpmn).catch((error: Error) => {
        throw new Problem(422, `The BPMN document cannot be read: ${error.message.split('\n')[0]}`);
      });
      if (drawn === undefined) throw new Problem(422, 'No drawing can be made of the process');
      return { status: 200, body: { bpmn: drawn } };
    },
    async tryModel({ body, person }) {
      const { application: owner, bpmn, dmn, bindings, variables, answers, now, ...trial } = body;
      checkOwner(service, person, owner);
      const source = { owner, bpmn, ...defined({ dmn, bindings }) };
      const model = await compileProcess(source).catch((error: unknown) => {
        throw asProblem(error);
      });
      const plain = trial.from === undefined && model.starts.has(model.key);
      const given = readStartVariables(plain ? model.startVariables : [], {
        variables: variables ?? {},
        pairs: [],
      });
      if (given.errors.length > 0) {
        throw new Problem(400, 'The variables are not valid', { errors: [...given.errors] });
      }
      try {
        const request = {
          ...trial,
          variables: given.variables as Variables,
          answers: (answers ?? {}) as PinnedAnswers,
          now: now === undefined ? engine.now().toISOString() : new Date(now).toISOString(),
        };
        const { steps, waits, incidents, unused, ...result } = await tryProcess(model, request, limits, work);
        return {
          status: 200,
          body: {
            ...defined(result),
            variables: { ...result.variables },
            steps: steps.map(defined),
            waits: [...waits],
            incidents: [...incidents],
            unused: [...unused],
          },
        };
      } catch (error) {
        if (error instanceof CannotBegin) throw new Problem(422, error.message);
        throw error;
      }
    },
  };
}
