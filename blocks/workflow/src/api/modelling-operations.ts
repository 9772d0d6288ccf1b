import { defineOperation, Type } from '@govstack/platform/operation';
import { content } from './draft-operations.ts';
import { Time, Variables } from './schemas.ts';

const designer = { caller: 'application', person: 'required' } as const;
const strict = { additionalProperties: false } as const;
const Application = Type.String({ pattern: '^[^/]{1,100}(/[^/]{1,100}){3}$' });
const Anything = Type.Unknown();
const bodyLimit = 4 * 1024 * 1024;

const getModellingLanguage = defineOperation({
  id: 'getModellingLanguage',
  method: 'GET',
  path: '/modelling-language',
  summary: 'What may be written on elements beside BPMN itself, for editors',
  description:
    '`extension`: attributes and elements as a moddle descriptor (the format of bpmn-js `moddleExtensions`).',
  requirements: ['WF-6.1-a'],
  access: designer,
  responses: {
    200: Type.Object({
      extension: Type.Record(Type.String(), Anything),
      variableTypes: Type.Array(Type.String()),
    }),
  },
});

const checkModel = defineOperation({
  id: 'checkModel',
  method: 'POST',
  path: '/checks',
  summary: 'Check a process as a deployment would, with advice beside; keeps nothing',
  description:
    '`error`: cannot be deployed. `warning`: can, but `rule` says what a reviewer would remark on. At most 500.',
  requirements: ['WF-4.1'],
  access: designer,
  body: Type.Object({ application: Application, ...content }, strict),
  bodyLimit,
  responses: {
    200: Type.Object({
      deployable: Type.Boolean(),
      findings: Type.Array(
        Type.Object({
          elementId: Type.String(),
          severity: Type.String({ description: '`error` or `warning`' }),
          rule: Type.String(),
          message: Type.String(),
        }),
      ),
      decisions: Type.Array(Type.String(), { description: 'Ids of the decisions that a task can take' }),
      startVariables: Type.Array(
        Type.Object({
          name: Type.String(),
          type: Type.Optional(Type.String()),
          required: Type.Boolean(),
        }),
      ),
    }),
  },
});

const Pinned = Type.Object(
  {
    status: Type.Optional(Type.Integer({ minimum: 100, maximum: 599, description: 'Of a service; 200' })),
    headers: Type.Optional(Type.Record(Type.String(), Type.String())),
    body: Type.Optional(Anything),
    failure: Type.Optional(Type.String({ maxLength: 1000, description: 'The service gave no answer' })),
    form: Type.Optional(Type.Record(Type.String(), Anything, { description: 'What a person enters' })),
    completedBy: Type.Optional(Type.String({ maxLength: 200 })),
    payload: Type.Optional(Anything),
    result: Type.Optional(Type.Record(Type.String(), Anything, { description: 'Of a called process' })),
    errorCode: Type.Optional(
      Type.String({ maxLength: 200, description: 'The called process fails with it' }),
    ),
  },
  strict,
);

const tryModel = defineOperation({
  id: 'tryModel',
  method: 'POST',
  path: '/trials',
  summary: 'Run a process on sample data: nothing is called, nothing is kept',
  description:
    'The interpreter of real instances on a clock of its own. `answers` holds what comes from outside, by element, in order: an event (message, signal, timer; `{}` lets a boundary timer pass) once for each, work with the last one again and again. Decisions are taken, scripts run. Timers in the flow pass by themselves. `from` begins at an element, `only` runs that element alone. 422 when it cannot be run or begun.',
  requirements: ['WF-4.1'],
  access: designer,
  body: Type.Object(
    {
      application: Application,
      ...content,
      variables: Type.Optional(Variables),
      answers: Type.Optional(
        Type.Record(Type.String({ maxLength: 200 }), Type.Array(Pinned, { maxItems: 100 }), {
          maxProperties: 500,
        }),
      ),
      from: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
      only: Type.Optional(Type.Boolean()),
      businessKey: Type.Optional(Type.String({ maxLength: 200 })),
      now: Type.Optional(Time),
    },
    strict,
  ),
  bodyLimit,
  responses: {
    200: Type.Object({
      outcome: Type.String({
        description: '`completed`, `failed`, `waiting`, `incident`, `refused` (an answer) or `limit`',
      }),
      reason: Type.Optional(Type.String()),
      errorCode: Type.Optional(Type.String()),
      variables: Variables,
      steps: Type.Array(
        Type.Object({
          number: Type.Integer(),
          elementId: Type.String(),
          name: Type.Optional(Type.String()),
          kind: Type.String(),
          flowId: Type.Optional(Type.String()),
          at: Time,
          until: Type.Optional(Time),
          outcome: Type.String(),
          notes: Type.Array(Type.String()),
          input: Type.Optional(Anything),
          output: Type.Optional(Anything),
          before: Variables,
          after: Type.Optional(Variables),
        }),
      ),
      waits: Type.Array(Type.Object({ elementId: Type.String(), kind: Type.String(), detail: Anything })),
      incidents: Type.Array(Type.Object({ elementId: Type.String(), message: Type.String() })),
      unused: Type.Array(Type.String()),
    }),
  },
});

const drawModel = defineOperation({
  id: 'drawModel',
  method: 'POST',
  path: '/drawings',
  summary: 'The same document with a drawing, if it has none; one that is drawn comes back as it is',
  requirements: ['WF-6.1-a'],
  access: designer,
  body: Type.Object({ bpmn: content.bpmn }, strict),
  bodyLimit,
  responses: { 200: Type.Object({ bpmn: Type.String() }) },
});

/** What an editor asks while somebody draws. */
export const modellingOperations = { getModellingLanguage, checkModel, drawModel, tryModel };
