import { defineOperation, Type } from '@govstack/platform/operation';
import { Id, OrNull, OutlineElement, OutlineFlow, Time, Uuid } from './schemas.ts';

const administrator = { caller: 'application', person: 'optional' } as const;
const processId = Type.Object({ processId: Id });

const getProcessDrawing = defineOperation({
  id: 'getProcessDrawing',
  method: 'GET',
  path: '/processes/{processId}/drawing',
  summary: 'A process as BPMN 2.0 XML with the places of its elements',
  description:
    'Of a process that was deployed without a drawing one is made, sub-processes open, without pools, lanes, data and annotations. `bpmn` is null when none can be made: show the outline as a table.',
  requirements: ['WF-4.3', 'WF-6.3-b'],
  access: administrator,
  params: processId,
  responses: {
    200: Type.Object({
      processRef: Type.String(),
      bpmn: OrNull(Type.String()),
      made: Type.Boolean({ description: 'Whether the drawing was made here' }),
    }),
  },
});

const getProcessOutline = defineOperation({
  id: 'getProcessOutline',
  method: 'GET',
  path: '/processes/{processId}/outline',
  summary: 'Elements and flows of a process, with how many instances stand where',
  requirements: ['WF-6.3-b'],
  access: administrator,
  params: processId,
  responses: {
    200: Type.Object({
      processRef: Type.String(),
      elements: Type.Array(
        Type.Object({ ...OutlineElement, active: Type.Integer(), incidents: Type.Integer() }),
      ),
      flows: Type.Array(Type.Object(OutlineFlow)),
    }),
  },
});

const ElementState = Type.Union([
  Type.Literal('active'),
  Type.Literal('incident'),
  Type.Literal('completed'),
  Type.Literal('cancelled'),
]);

const getInstanceDiagram = defineOperation({
  id: 'getInstanceDiagram',
  method: 'GET',
  path: '/instances/{instanceId}/diagram',
  summary: 'Elements and flows of an instance with the state of each: all that a drawing needs',
  requirements: ['WF-4.3', 'WF-6.3-b'],
  access: administrator,
  params: Type.Object({ instanceId: Id }),
  responses: {
    200: Type.Object({
      instanceId: Uuid,
      processRef: Type.String(),
      elements: Type.Array(
        Type.Object({
          ...OutlineElement,
          state: Type.Optional(ElementState),
          passes: Type.Integer(),
          since: Type.Optional(Time),
          until: Type.Optional(Time),
        }),
      ),
      flows: Type.Array(Type.Object({ ...OutlineFlow, passes: Type.Integer() })),
    }),
  },
});

/** How processes and instances look. */
export const drawingOperations = { getProcessDrawing, getProcessOutline, getInstanceDiagram };
