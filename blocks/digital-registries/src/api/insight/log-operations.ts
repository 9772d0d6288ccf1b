import { defineOperation, Type } from '@govstack/platform/operation';
import { application } from '../shapes.ts';
import { analyst, closed, code, moment, next, nullable, paging, text, uuid } from './shapes.ts';

const who = {
  person: Type.Optional(text(200, 'Id of the person who did it')),
  application: Type.Optional(text(400, 'The application through which it was done')),
  from: Type.Optional(moment),
  to: Type.Optional(moment),
};
const about = {
  registry: Type.Optional(code),
  record: Type.Optional(uuid),
  field: Type.Optional(text(100, 'Name of a field')),
};
const actor = {
  application: Type.String(),
  operator: nullable(Type.String({ description: 'The application that acted for it' })),
  person: nullable(Type.String()),
  exchangeId: Type.String({ description: 'In the message log of the information mediator' }),
};

/** What is done to records, and to a registry itself: what the logs are searched for. */
export const recordActions = ['create', 'update', 'delete', 'archive', 'restore', 'erase'] as const;
export const schemaActions = [
  'draft',
  'discard',
  'publish',
  'version',
  'archive',
  'delete',
  'access',
  'rights',
  'settings',
  'logs',
] as const;

const RecordAction = Type.Enum([...recordActions]);
const SchemaAction = Type.Enum([...schemaActions]);
const ReadMethod = Type.Union([Type.Literal('read'), Type.Literal('exists'), Type.Literal('list')]);

const ChangeEntry = Type.Object({
  seq: Type.String(),
  registry: Type.String(),
  record: Type.String(),
  rowVersion: Type.Integer(),
  action: Type.String(),
  fields: Type.Array(Type.String(), {
    description: 'What changed, never what it said: that is in the history',
  }),
  erased: Type.Boolean(),
  ...actor,
  at: Type.String(),
});
const SchemaEntry = Type.Object({
  seq: Type.String(),
  registry: Type.String(),
  action: Type.String(),
  ...actor,
  at: Type.String(),
  before: Type.Unknown(),
  after: Type.Unknown(),
  report: Type.Unknown({ description: 'What publishing changed for records and clients' }),
});
/** A look at personal data (DRS-8). */
export const ReadEntry = Type.Object({
  id: Type.String(),
  registry: Type.String(),
  registryName: Type.String(),
  records: Type.Array(Type.String()),
  fields: Type.Array(Type.String()),
  fieldIds: Type.Array(Type.Integer()),
  personalDataIds: Type.Array(Type.String(), { description: 'Keyed hashes: the same person, the same hash' }),
  method: Type.String(),
  readerId: nullable(Type.String()),
  readerInitials: nullable(Type.String({ description: 'As the reading application said' })),
  readerRoles: Type.Array(Type.String()),
  readerApplication: Type.String(),
  institution: Type.String({ description: 'Member that the reader belongs to' }),
  purpose: nullable(Type.String()),
  consentReference: nullable(Type.String()),
  legalGround: nullable(Type.String()),
  references: Type.Array(Type.String(), { description: 'Files or cases the reader named' }),
  exchangeId: Type.String(),
  time: Type.String(),
});
const page = <T extends Parameters<typeof Type.Array>[0]>(entry: T) =>
  Type.Object({ entries: Type.Array(entry), next });

export const logOperations = {
  searchChanges: defineOperation({
    id: 'searchChanges',
    method: 'POST',
    path: '/changes/search',
    summary: 'Changes of records, newest first: who, when, which fields',
    requirements: ['REG-6.1-7-a', 'REG-6.1-7-b', 'REG-4.1-h', 'REG-9.2-a'],
    access: analyst,
    body: Type.Object({ ...about, ...who, action: Type.Optional(RecordAction), ...paging }, closed),
    responses: { 200: page(ChangeEntry) },
  }),
  searchSchemaChanges: defineOperation({
    id: 'searchSchemaChanges',
    method: 'POST',
    path: '/schema-changes/search',
    summary: 'What was done to registries, newest first: drafts, versions, access, life cycle',
    requirements: ['REG-6.1-7-a', 'REG-6.1-7-b'],
    access: analyst,
    body: Type.Object(
      { registry: about.registry, ...who, action: Type.Optional(SchemaAction), ...paging },
      closed,
    ),
    responses: { 200: page(SchemaEntry) },
  }),
  searchReads: defineOperation({
    id: 'searchReads',
    method: 'POST',
    path: '/reads/search',
    summary: 'Looks at personal data, newest first. Searching is itself on record',
    requirements: ['REG-6.1-7-b', 'REG-6.1-8-a', 'REG-6.1-8-b', 'REG-6.1-8-c'],
    access: analyst,
    body: Type.Object({ ...about, ...who, method: Type.Optional(ReadMethod), ...paging }, closed),
    responses: { 200: page(ReadEntry) },
  }),
  readUsageReport: defineOperation({
    id: 'readUsageReport',
    method: 'POST',
    path: '/usage',
    summary: 'Who has read data about a person: analysts about anybody, people about themselves',
    description:
      'The identifier travels in the body, never in the address; people may leave it out, it is taken from their identity. Reading the report is on record, and in it.',
    requirements: ['REG-6.1-8-c', 'REG-6.1-8-d', 'REG-6.2-35-a', 'REG-6.2-37'],
    access: application,
    body: Type.Object(
      {
        identifier: Type.Optional(text(100)),
        registry: Type.Optional(code),
        from: Type.Optional(moment),
        to: Type.Optional(moment),
        ...paging,
      },
      closed,
    ),
    responses: {
      200: page(
        Type.Object({
          ...ReadEntry.properties,
          inWords: Type.String({ description: 'The entry as a sentence for the person' }),
        }),
      ),
    },
  }),
  askAboutUsage: defineOperation({
    id: 'askAboutUsage',
    method: 'POST',
    path: '/usage/{id}/questions',
    summary: 'Ask or complain about an entry of the own report',
    requirements: ['REG-6.2-37'],
    access: { caller: 'application', person: 'required' },
    params: Type.Object({ id: uuid }),
    body: Type.Object({ question: text(2000) }, closed),
    responses: { 201: Type.Object({ id: Type.String() }) },
  }),
  listUsageQuestions: defineOperation({
    id: 'listUsageQuestions',
    method: 'GET',
    path: '/usage-questions',
    summary: 'Questions about entries: analysts see all, people their own',
    access: application,
    responses: {
      200: Type.Array(
        Type.Object({
          id: Type.String(),
          entry: Type.String(),
          question: Type.String(),
          askedAt: Type.String(),
          answer: nullable(Type.String()),
          answeredAt: nullable(Type.String()),
        }),
      ),
    },
  }),
  answerUsageQuestion: defineOperation({
    id: 'answerUsageQuestion',
    method: 'PUT',
    path: '/usage-questions/{id}/answer',
    summary: 'Answer a question about an entry',
    access: analyst,
    params: Type.Object({ id: uuid }),
    body: Type.Object({ answer: text(2000) }, closed),
    responses: { 204: null },
  }),
};
