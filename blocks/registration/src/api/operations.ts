import { defineEvent, defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { RequestDeclarations, RequestOffer, RequestView } from './request-shapes.ts';

const application = { caller: 'application', person: 'optional' } as const;
const officer = {
  caller: 'application',
  person: 'required',
  roles: ['officer', 'programme-manager'],
} as const;
const Id = Type.String({ minLength: 1, maxLength: 100 });
const Texts = Type.Record(Type.String(), Type.String());
const Anything = Type.Record(Type.String(), Type.Unknown());
const OrNull = <T extends Parameters<typeof Type.Optional>[0]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

const Service = Type.Object({
  id: Type.String(),
  code: Type.String(),
  name: Type.String(),
  type: Type.Literal('Public'),
  version: Type.String(),
  isExecutable: Type.Boolean(),
  isClosed: Type.Boolean(),
  description: Type.String(),
  serviceBody: Type.Array(Type.Object({ code: Type.String(), value: Type.String() })),
  sheet: Anything,
  owner: Type.String(),
  consent: OrNull(Type.Object({ dataAgreementId: Type.String() })),
});
const EFormHeader = Type.Object({
  eFormId: Type.String(),
  name: Type.String(),
  description: Type.String(),
  version: Type.String(),
  latest: Type.Boolean(),
});
const Status = Type.Object({ code: Type.String(), title: Type.String() });
const Submission = Type.Object({
  applicantId: Type.String({ minLength: 1, maxLength: 200 }),
  applicationName: Type.Optional(Type.String({ maxLength: 200 })),
  created: Type.Optional(Type.String({ maxLength: 40 })),
  consentRecordId: Type.Optional(Type.String({ maxLength: 100 })),
  formData: Type.Object({ data: Anything, eFormId: Type.String({ maxLength: 100 }) }),
  documentUrls: Type.Optional(Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 50 })),
});
const Outcome = Type.Object(
  {
    status: Type.Union([Type.Literal('APPROVED'), Type.Literal('REJECTED')]),
    reasons: Type.Array(Type.Object({ code: Type.String({ maxLength: 100 }), text: Texts }), {
      maxItems: 50,
    }),
    appeal: Type.Optional(Texts),
    facts: Type.Optional(Anything),
    requestId: Type.Optional(
      Type.String({
        maxLength: 100,
        description:
          'The open request that this decides. Only by one is an outcome changed; the reasons are its answer',
      }),
    ),
  },
  { additionalProperties: false },
);
const FileView = Type.Object({
  fileId: Type.String(),
  reference: Type.String({ description: 'Number to quote' }),
  registered: Type.String(),
  serviceId: Type.String(),
  serviceName: Type.String(),
  status: Status,
  ended: OrNull(Type.String()),
  applicationData: Submission,
  outcome: OrNull(Outcome),
  correlationId: Type.String(),
  history: Type.Array(Type.Object({ at: Type.String(), kind: Type.String(), note: Type.Optional(Anything) })),
  requests: Type.Array(RequestView),
  offers: Type.Array(RequestOffer, { description: 'What the asker can ask for about this file now' }),
});
const FileRow = Type.Object({
  fileId: Type.String(),
  reference: Type.String(),
  status: Type.String(),
  applicantId: Type.String(),
  registered: Type.String(),
  serviceId: Type.String(),
  serviceName: Type.String(),
  eformId: Type.String(),
  ended: OrNull(Type.String()),
});
const taskFields = {
  taskId: Type.String(),
  assigneeId: OrNull(Type.String()),
  roleId: Type.String(),
  created: Type.String(),
  description: Type.String(),
  serviceId: Type.String(),
  serviceName: Type.String(),
  fileId: Type.String(),
  reference: Type.String(),
  eFormId: Type.String(),
  status: Type.String(),
  form: Type.String({ description: '`answer`: words are asked for; else a decision' }),
};
const Decision = Type.Object(
  {
    status: Type.Union([Type.Literal('APPROVED'), Type.Literal('REJECTED')]),
    reason: Type.String({ minLength: 3, maxLength: 2000 }),
  },
  { additionalProperties: false },
);
/** `data` of a completion: what the form of the task asks for, and nothing else. */
const Completion = Type.Union([
  Type.Object({ decision: Decision }, { additionalProperties: false }),
  Type.Object(
    {
      answer: Type.Object(
        { text: Type.String({ minLength: 3, maxLength: 4000 }) },
        { additionalProperties: false },
      ),
    },
    { additionalProperties: false },
  ),
]);
const paging = {
  firstResult: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000_000 })),
  maxResult: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
};

/** The published registration API, with the operations the document lacks (drafts, claiming, outcome). */
export const registrationApi = defineSurface({
  name: 'registration-v1',
  title: 'Registration building block',
  version: '1.0.0',
  operations: {
    listServices: defineOperation({
      id: 'listServices',
      method: 'GET',
      path: '/services',
      summary: 'Services people can apply for',
      access: application,
      query: Type.Object({ name: Type.Optional(Type.String({ maxLength: 200 })) }),
      responses: { 200: Type.Array(Service) },
    }),
    readService: defineOperation({
      id: 'readService',
      method: 'GET',
      path: '/services/{serviceId}',
      summary: 'One service, by id or code',
      access: application,
      params: Type.Object({ serviceId: Id }),
      responses: { 200: Service },
    }),
    listEForms: defineOperation({
      id: 'listEForms',
      method: 'GET',
      path: '/services/{serviceId}/eForms',
      summary: 'Forms of a service',
      access: application,
      params: Type.Object({ serviceId: Id }),
      responses: { 200: Type.Array(EFormHeader) },
    }),
    readEForm: defineOperation({
      id: 'readEForm',
      method: 'GET',
      path: '/eForms/{eFormId}',
      summary: 'One form with its schema (docs/eform.md)',
      access: application,
      params: Type.Object({ eFormId: Id }),
      responses: { 200: Type.Object({ ...EFormHeader.properties, schema: Anything }) },
    }),
    submitApplication: defineOperation({
      id: 'submitApplication',
      method: 'POST',
      path: '/services/{serviceId}/applications',
      summary: 'Submit an application; validated against the form, then the process begins',
      access: application,
      idempotent: true,
      params: Type.Object({ serviceId: Id }),
      body: Submission,
      responses: { 200: FileView },
    }),
    listApplications: defineOperation({
      id: 'listApplications',
      method: 'GET',
      path: '/applications',
      summary: 'Applications the asker may see, newest first',
      access: application,
      query: Type.Object({
        ...paging,
        serviceId: Type.Optional(Id),
        applicantId: Type.Optional(Id),
        status: Type.Optional(Type.String()),
      }),
      responses: { 200: Type.Array(FileRow) },
    }),
    readApplication: defineOperation({
      id: 'readApplication',
      method: 'GET',
      path: '/applications/{fileId}',
      summary: 'One application with its history',
      access: application,
      params: Type.Object({ fileId: Id }),
      responses: { 200: FileView },
    }),
    recordOutcome: defineOperation({
      id: 'recordOutcome',
      method: 'POST',
      path: '/applications/{fileId}/outcome',
      summary:
        'The process of the service says how the application ended, with reasons; repeating it changes nothing',
      access: { caller: 'application' },
      params: Type.Object({ fileId: Id }),
      body: Outcome,
      responses: { 200: FileView },
    }),
    makeRequest: defineOperation({
      id: 'makeRequest',
      method: 'POST',
      path: '/applications/{fileId}/requests',
      summary:
        'The applicant appeals or complains, as the service offers it; its process hears it as a message',
      access: application,
      idempotent: true,
      params: Type.Object({ fileId: Id }),
      body: Type.Object(
        {
          kind: Type.String({ minLength: 1, maxLength: 41 }),
          text: Type.String({ minLength: 3, maxLength: 4000 }),
        },
        { additionalProperties: false },
      ),
      responses: { 201: RequestView },
    }),
    answerRequest: defineOperation({
      id: 'answerRequest',
      method: 'POST',
      path: '/applications/{fileId}/requests/{requestId}/answer',
      summary: 'The process of the service answers a request; repeating it changes nothing',
      access: { caller: 'application' },
      params: Type.Object({ fileId: Id, requestId: Id }),
      body: Type.Object({ text: Texts }, { additionalProperties: false }),
      responses: { 200: RequestView },
    }),
    saveDraft: defineOperation({
      id: 'saveDraft',
      method: 'PUT',
      path: '/services/{serviceId}/draft',
      summary: "Keep a person's unfinished answers",
      access: { caller: 'application', person: 'required' },
      params: Type.Object({ serviceId: Id }),
      body: Type.Object({ eFormId: Id, data: Anything }, { additionalProperties: false }),
      responses: { 200: Type.Object({ savedAt: Type.String() }) },
    }),
    readDraft: defineOperation({
      id: 'readDraft',
      method: 'GET',
      path: '/services/{serviceId}/draft',
      summary: "A person's unfinished answers",
      access: { caller: 'application', person: 'required' },
      params: Type.Object({ serviceId: Id }),
      responses: { 200: Type.Object({ eFormId: Type.String(), data: Anything, savedAt: Type.String() }) },
    }),
    listTasks: defineOperation({
      id: 'listTasks',
      method: 'GET',
      path: '/tasks',
      summary: "Open tasks of the officer's agency, oldest first",
      access: officer,
      query: Type.Object({ ...paging, fileId: Type.Optional(Id), assigneeId: Type.Optional(Id) }),
      responses: { 200: Type.Array(Type.Object({ ...taskFields, name: Type.String() })) },
    }),
    readTask: defineOperation({
      id: 'readTask',
      method: 'GET',
      path: '/tasks/{taskId}',
      summary: 'One task with what the officer needs to decide',
      access: officer,
      params: Type.Object({ taskId: Id }),
      responses: {
        200: Type.Object({ ...taskFields, taskName: Type.String(), formVariables: Anything, data: Anything }),
      },
    }),
    claimTask: defineOperation({
      id: 'claimTask',
      method: 'POST',
      path: '/tasks/{taskId}/claim',
      summary: 'Take a task; nobody else can decide it then',
      access: officer,
      params: Type.Object({ taskId: Id }),
      responses: { 200: Type.Object({ taskId: Type.String(), assigneeId: Type.String() }) },
    }),
    completeTask: defineOperation({
      id: 'completeTask',
      method: 'POST',
      path: '/tasks/{taskId}/complete',
      summary: 'Decide, with a reason; or answer, where the task asks for words',
      access: officer,
      idempotent: true,
      params: Type.Object({ taskId: Id }),
      body: Type.Object({ data: Completion }),
      responses: {
        200: Type.Object({
          taskId: Type.String(),
          fileId: Type.String(),
          serviceId: Type.String(),
          status: Type.String(),
          variables: Anything,
        }),
      },
    }),
    readStatistics: defineOperation({
      id: 'readStatistics',
      method: 'GET',
      path: '/data/statistics',
      summary: 'How many applications were processed, by outcome; no single person can be told',
      access: application,
      query: Type.Object({ serviceId: Id }),
      responses: {
        200: Type.Array(
          Type.Object({
            processed: Type.Integer(),
            pending: Type.Integer(),
            approved: Type.Integer(),
            sentBack: Type.Integer(),
            rejected: Type.Integer(),
          }),
        ),
      },
    }),
  },
});

/** Service design: what an installer or a designer writes. */
export const registrationDesign = defineSurface({
  name: 'registration-design-v1',
  title: 'Registration: service design',
  version: '1.0.0',
  operations: {
    putService: defineOperation({
      id: 'putService',
      method: 'PUT',
      path: '/services/{code}',
      summary: 'Publish a service with its form and process; the same definition again changes nothing',
      access: { caller: 'application' },
      bodyLimit: 4 * 1024 * 1024,
      params: Type.Object({ code: Type.String({ pattern: '^[a-z][a-z0-9-]{1,60}$' }) }),
      body: Type.Object(
        {
          name: Texts,
          description: Texts,
          sheet: Anything,
          eForm: Type.Unknown({ description: 'docs/eform.md' }),
          process: Type.Object(
            {
              service: Type.String({
                description: 'Service id of the process engine, INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE',
              }),
              processId: Type.String({ minLength: 1, maxLength: 200 }),
            },
            { additionalProperties: false },
          ),
          consent: Type.Optional(
            Type.Object(
              { dataAgreementId: Type.String({ maxLength: 100 }) },
              { additionalProperties: false },
            ),
          ),
          requests: Type.Optional(RequestDeclarations),
          onePerApplicant: Type.Optional(Type.Boolean()),
          timeZone: Type.Optional(Type.String({ maxLength: 100 })),
          active: Type.Optional(Type.Boolean()),
        },
        { additionalProperties: false },
      ),
      responses: {
        200: Type.Object({ serviceId: Type.String(), eFormId: Type.String(), version: Type.Integer() }),
      },
    }),
  },
});

export const fileSubmitted = defineEvent({
  type: 'registration.file-submitted.v1',
  summary: 'An application was submitted',
  data: Type.Object({ fileId: Type.String(), serviceId: Type.String() }),
});
export const fileDecided = defineEvent({
  type: 'registration.file-decided.v1',
  summary: 'An application ended',
  data: Type.Object({ fileId: Type.String(), serviceId: Type.String(), status: Type.String() }),
});
