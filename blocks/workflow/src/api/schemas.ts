import { type TSchema, Type } from '@govstack/platform/operation';

export const OrNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const Id = Type.String({ minLength: 1, maxLength: 300 });
export const Uuid = Type.String({ format: 'uuid' });
export const Time = Type.String({ format: 'date-time' });
export const Variables = Type.Record(Type.String(), Type.Unknown());

/** A time as it is given: in years that every part of the system can hold. */
export const GivenTime = Type.String({ format: 'date-time', pattern: '^[1-9]\\d{3}-' });
/** What somebody writes: never blank. */
export const Written = (maxLength: number) =>
  Type.String({ maxLength, pattern: '^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$' });
/** Why something is done: what an auditor will read. */
export const Reason = Written(1000);

/** A code and a value, as the published API carries properties. */
const Property = Type.Object({ code: Type.String({ maxLength: 200 }), value: Type.String() });

const definition = {
  name: Type.String({ minLength: 1, maxLength: 200 }),
  type: Type.Union([Type.Literal('None'), Type.Literal('Private'), Type.Literal('Public')]),
  version: Type.String({ minLength: 1, maxLength: 50 }),
  isExecutable: Type.Optional(Type.Boolean()),
  isClosed: Type.Optional(Type.Boolean()),
  description: Type.Optional(Type.String({ maxLength: 5000 })),
};

/** A process to deploy; its body carries BPMN 2.0 XML, DMN documents and bindings (WF-7.2.2). */
export const ProcessDefinition = Type.Object(
  {
    ...definition,
    processBody: Type.Array(Property, {
      maxItems: 100,
      description:
        '`bpmn20xml`: the process; `dmn`: a document with decisions, any number; `binding.NAME`: the application behind a logical name',
    }),
  },
  { title: 'ProcessDefinition' },
);

const Described = Type.Object({
  ...definition,
  processBody: Type.Optional(Type.Array(Property)),
});

/** The fields of the definition stand on the process itself too: callers of the published API look there. */
export const Process = Type.Object(
  {
    id: Type.String(),
    ...definition,
    processBody: Type.Optional(Type.Array(Property)),
    processDefinition: Described,
    key: Type.String({
      description: 'What all revisions of the process share; stands for the newest in `start`',
    }),
    revision: Type.Integer(),
    state: Type.Union([Type.Literal('active'), Type.Literal('suspended')]),
    deployedAt: Time,
    missingConnections: Type.Optional(
      Type.Array(Type.String(), {
        description: 'Told at deployment: connections that tasks name and that are not defined yet',
      }),
    ),
  },
  { title: 'Process' },
);

const InstanceState = Type.Union([
  Type.Literal('running'),
  Type.Literal('suspended'),
  Type.Literal('completed'),
  Type.Literal('failed'),
  Type.Literal('stopped'),
]);

const LifeCycle = Type.Union(
  [Type.Literal('Active'), Type.Literal('Completed'), Type.Literal('Failed'), Type.Literal('Terminated')],
  { description: 'The state in the words of BPMN 2.0.2, 13.2.2' },
);

const startAnswer = {
  id: Uuid,
  processRef: Type.String(),
  suspended: Type.Boolean(),
  ended: Type.Boolean(),
  state: InstanceState,
};

/** Answer to start and stop (WF-8.1-c, WF-8.2-c). */
export const StartedInstance = Type.Object(startAnswer, { title: 'StartedInstance' });

const LogLine = Type.Object({
  at: Time,
  event: Type.String(),
  elementId: Type.String(),
  detail: Type.Optional(Type.String()),
});

/** An instance (WF-7.2.3); `variables` only for the application that owns the process (WF-5.1.1). */
export const ProcessInstance = Type.Object(
  {
    ...startAnswer,
    initTime: Time,
    lastChangeTime: Time,
    processKey: Type.String(),
    businessKey: OrNull(Type.String()),
    parentInstanceId: OrNull(Uuid),
    lifeCycleState: LifeCycle,
    endTime: OrNull(Time),
    errorCode: OrNull(Type.String()),
    overdueSince: OrNull(Time),
    incidents: Type.Integer({ description: 'Open incidents' }),
    revision: Type.Integer({
      description: 'Counts what has happened to it; repairs name the one they have seen',
    }),
    variables: Type.Optional(Variables),
    log: Type.Optional(Type.Array(LogLine)),
  },
  { title: 'ProcessInstance' },
);

const PairValue = Type.Object({ code: Type.String({ maxLength: 200 }), value: Type.Unknown() });

export const ProcessInstancePayload = Type.Object(
  {
    processStartedBy: Type.Optional(
      Type.String({
        maxLength: 200,
        description: 'Informative; the verified caller is who started it',
      }),
    ),
    InstanceValues: Type.Optional(Type.Array(PairValue, { maxItems: 1000 })),
    instanceValues: Type.Optional(Type.Array(PairValue, { maxItems: 1000 })),
    variables: Type.Optional(Variables),
    businessKey: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    callbackUrl: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 2000,
        description:
          'Is told each new state by POST; lies below an HTTP connection of the application that owns the process',
      }),
    ),
    synchronous: Type.Optional(
      Type.Boolean({ description: 'Answer when the instance has ended, or after the longest wait' }),
    ),
  },
  { title: 'ProcessInstancePayload' },
);

export const UserTask = Type.Object(
  {
    id: Uuid,
    name: Type.String(),
    state: Type.Union([Type.Literal('open'), Type.Literal('completed'), Type.Literal('cancelled')]),
    instanceId: Uuid,
    processKey: Type.String(),
    elementId: Type.String(),
    businessKey: OrNull(Type.String()),
    candidateRole: OrNull(Type.String()),
    assignee: OrNull(Type.String()),
    excludedPersons: Type.Array(Type.String()),
    formRef: OrNull(Type.String()),
    dueDate: OrNull(Time),
    followUpDate: OrNull(Time),
    created: Time,
    ended: OrNull(Time),
    completedBy: OrNull(Type.String()),
    variables: Variables,
  },
  { title: 'UserTask' },
);

export const TaskComment = Type.Object(
  { id: Uuid, text: Type.String(), author: Type.String(), organisation: Type.String(), at: Time },
  { title: 'TaskComment' },
);

export const Incident = Type.Object(
  {
    id: Uuid,
    instanceId: Uuid,
    processRef: Type.String(),
    processKey: Type.String(),
    elementId: Type.String(),
    message: Type.String(),
    raised: Time,
    resolved: OrNull(Time),
  },
  { title: 'Incident' },
);

const clockFields = {
  process: Type.String({ minLength: 1, maxLength: 200, description: 'Key of the process that is started' }),
  when: Type.Union([Type.Literal('date'), Type.Literal('cycle')]),
  at: Type.String({
    minLength: 1,
    maxLength: 200,
    description: 'A date and time; of a cycle, `R[n]/[begin/]duration` (ISO 8601) or cron of five fields',
  }),
  timeZone: Type.Optional(
    Type.String({ minLength: 1, maxLength: 100, description: 'IANA name; cron needs it' }),
  ),
  missed: Type.Optional(
    Type.Union([Type.Literal('skip'), Type.Literal('once'), Type.Literal('all')], { default: 'once' }),
  ),
  variables: Type.Optional(Variables),
};

/** A start by the clock that an operator defines (WF-6.2-g). */
export const ClockTriggerDefinition = Type.Object(clockFields, { additionalProperties: false });

export const ClockTrigger = Type.Object(
  {
    id: Uuid,
    process: Type.String(),
    when: Type.String(),
    at: Type.String(),
    timeZone: OrNull(Type.String()),
    missed: Type.String(),
    next: OrNull(Time),
    createdBy: Type.String(),
    refusal: OrNull(Type.String({ description: 'Why the last start that failed could not begin' })),
    refused: OrNull(Time),
  },
  { title: 'ClockTrigger' },
);

const triggerFields = {
  source: Type.String({
    minLength: 1,
    maxLength: 200,
    description: 'Key of the process whose end starts another',
  }),
  on: Type.Union([Type.Literal('completed'), Type.Literal('failed')]),
  target: Type.String({ minLength: 1, maxLength: 200, description: 'Key of the process that is started' }),
  variables: Type.Array(
    Type.Object(
      {
        target: Type.String({ minLength: 1, maxLength: 100 }),
        source: Type.String({ minLength: 1, maxLength: 5000 }),
      },
      { additionalProperties: false },
    ),
    {
      maxItems: 100,
      description:
        'Start variables: `=` and FEEL over the variables with which the first process ended, `process` and `error.code`; or a constant text',
    },
  ),
};

/** A process that starts when another one ends (WF-6.2-i). */
export const FlowTriggerDefinition = Type.Object(triggerFields, { additionalProperties: false });

export const FlowTrigger = Type.Object(
  {
    id: Uuid,
    ...triggerFields,
    created: Time,
    createdBy: Type.String(),
    refusal: OrNull(Type.String({ description: 'Why the last start that failed could not begin' })),
    refused: OrNull(Time),
  },
  { title: 'FlowTrigger' },
);

const Point = { x: Type.Number(), y: Type.Number() };

export const OutlineElement = {
  id: Type.String(),
  kind: Type.String(),
  parent: Type.String(),
  name: Type.Optional(Type.String()),
  attachedTo: Type.Optional(Type.String()),
  bounds: Type.Optional(Type.Object({ ...Point, width: Type.Number(), height: Type.Number() })),
  sheet: Type.Optional(Type.String({ description: 'Collapsed sub-process on whose own sheet it is drawn' })),
};

export const OutlineFlow = {
  id: Type.String(),
  source: Type.String(),
  target: Type.String(),
  name: Type.Optional(Type.String()),
  waypoints: Type.Optional(Type.Array(Type.Object(Point))),
};
