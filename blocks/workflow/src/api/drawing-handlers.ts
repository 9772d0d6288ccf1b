import { notFound } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import { findDefinition } from '../definitions/definitions.ts';
import { outlineOf } from '../drawing/outline.ts';
import { countTokens, readElementStates } from '../history/read-history.ts';
import { findInstance } from '../instances/read.ts';
import { observer, type WorkflowService } from '../service.ts';
import type { drawingOperations } from './drawing-operations.ts';

/** Handlers of how processes and instances look. */
export function drawingHandlers(service: WorkflowService): Handlers<typeof drawingOperations> {
  const { db, engine, drawings } = service;
  const outline = async (definitionId: string) =>
    outlineOf(await engine.models(definitionId, db), (await drawings(definitionId, db))?.diagram);
  return {
    async getProcessDrawing({ params, caller, person }) {
      const row = await findDefinition(db, observer(service, caller, person), params.processId);
      if (!row) throw notFound('Process');
      const drawing = await drawings(row.id, db);
      return {
        status: 200,
        body: { processRef: row.id, bpmn: drawing?.bpmn ?? null, made: drawing?.made ?? false },
      };
    },
    async getProcessOutline({ params, caller, person }) {
      const row = await findDefinition(db, observer(service, caller, person), params.processId);
      if (!row) throw notFound('Process');
      const { elements, flows } = await outline(row.id);
      const counts = await countTokens(db, row.id);
      return {
        status: 200,
        body: {
          processRef: row.id,
          elements: elements.map((element) => ({
            ...element,
            ...(counts.get(element.id) ?? { active: 0, incidents: 0 }),
          })),
          flows,
        },
      };
    },
    async getInstanceDiagram({ params, caller, person }) {
      const instance = await findInstance(db, observer(service, caller, person), params.instanceId);
      const drawn = await outline(instance.definition_id);
      const { elements, flows } = await readElementStates(db, instance);
      return {
        status: 200,
        body: {
          instanceId: instance.id,
          processRef: instance.definition_id,
          elements: drawn.elements.map((element) => ({
            ...element,
            ...(elements.get(element.id) ?? { passes: 0 }),
          })),
          flows: drawn.flows.map((flow) => ({ ...flow, passes: flows.get(flow.id) ?? 0 })),
        },
      };
    },
  };
}
