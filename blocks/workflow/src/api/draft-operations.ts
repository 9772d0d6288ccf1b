import { defineOperation, Type } from '@govstack/platform/operation';
import { Id, OrNull, Time, Uuid, Written } from './schemas.ts';

const designer = { caller: 'application', person: 'required' } as const;
const strict = { additionalProperties: false } as const;
const draftId = Type.Object({ draftId: Uuid });
const revision = Type.Integer({ minimum: 1, description: 'Revision of the draft that has been read' });
const limit = 4 * 1024 * 1024;
export const Document = Type.String({ minLength: 1, maxLength: 2_000_000 });

/** What is drawn, decided and bound. */
export const content = {
  bpmn: Document,
  dmn: Type.Optional(Type.Array(Document, { maxItems: 50 })),
  bindings: Type.Optional(
    Type.Record(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]{0,99}$' }), Type.String({ maxLength: 500 }), {
      maxProperties: 100,
    }),
  ),
};
const Application = Type.String({
  pattern: '^[^/]{1,100}(/[^/]{1,100}){3}$',
  description:
    'Application that owns the process: INSTANCE/CLASS/MEMBER/APPLICATION, of the designer’s agency',
});

const listed = {
  id: Uuid,
  application: Type.String(),
  name: Type.String(),
  revision: Type.Integer(),
  processRef: OrNull(Type.String({ description: 'What it was last deployed as, or began as' })),
  createdAt: Time,
  changedAt: Time,
  changedBy: Type.String(),
};
const Draft = Type.Object(
  {
    ...listed,
    bpmn: Type.String(),
    dmn: Type.Array(Type.String()),
    bindings: Type.Record(Type.String(), Type.String()),
  },
  { title: 'Draft' },
);

const listDrafts = defineOperation({
  id: 'listDrafts',
  method: 'GET',
  path: '/drafts',
  summary: 'Drafts of processes of the designer’s agency',
  requirements: ['WF-4.1'],
  access: designer,
  query: Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
    after: Type.Optional(Uuid),
  }),
  responses: {
    200: Type.Object({ drafts: Type.Array(Type.Object(listed)), next: Type.Optional(Uuid) }),
  },
});

const createDraft = defineOperation({
  id: 'createDraft',
  method: 'POST',
  path: '/drafts',
  summary: 'Keep a new draft: an own document, one of another tool, or a copy of what is deployed',
  description:
    '`bpmn` (XML) or `json` (as the export gives it) or `from` (id or key of a process) or none of them: a start event. A document that cannot be read is refused; one that cannot be run is kept.',
  requirements: ['WF-4.1', 'WF-6.1-a'],
  access: designer,
  idempotent: true,
  body: Type.Object(
    {
      ...content,
      application: Application,
      name: Written(200),
      bpmn: Type.Optional(Document),
      json: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      from: Type.Optional(Id),
    },
    strict,
  ),
  bodyLimit: limit,
  responses: { 201: Draft },
});

const readDraft = defineOperation({
  id: 'readDraft',
  method: 'GET',
  path: '/drafts/{draftId}',
  summary: 'One draft with its documents',
  access: designer,
  params: draftId,
  responses: { 200: Draft },
});

const changeDraft = defineOperation({
  id: 'changeDraft',
  method: 'PUT',
  path: '/drafts/{draftId}',
  summary: 'Change a draft in the revision that has been read (409 otherwise)',
  requirements: ['WF-4.1'],
  access: designer,
  params: draftId,
  body: Type.Object({ ...content, name: Written(200), revision }, strict),
  bodyLimit: limit,
  responses: { 200: Draft },
});

const removeDraft = defineOperation({
  id: 'removeDraft',
  method: 'DELETE',
  path: '/drafts/{draftId}',
  summary: 'Remove a draft; its log stays',
  access: designer,
  params: draftId,
  query: Type.Object({ revision }),
  responses: { 204: null },
});

const getDraftLog = defineOperation({
  id: 'getDraftLog',
  method: 'GET',
  path: '/drafts/{draftId}/log',
  summary: 'Who made, changed, deployed and removed a draft',
  access: designer,
  params: draftId,
  responses: {
    200: Type.Object({
      entries: Type.Array(
        Type.Object({
          at: Time,
          action: Type.String(),
          revision: Type.Integer(),
          detail: OrNull(Type.String()),
          application: Type.String(),
          actor: Type.String(),
          organisation: Type.String(),
        }),
      ),
    }),
  },
});

const exportDraft = defineOperation({
  id: 'exportDraft',
  method: 'GET',
  path: '/drafts/{draftId}/json',
  summary: 'The process of a draft as JSON, drawing and all; the draft itself has it as XML',
  requirements: ['WF-6.1-a'],
  access: designer,
  params: draftId,
  responses: { 200: Type.Record(Type.String(), Type.Unknown()) },
});

const deployDraft = defineOperation({
  id: 'deployDraft',
  method: 'POST',
  path: '/drafts/{draftId}/deploy',
  summary: 'Deploy a draft in the name of the application that owns it: a new revision of its process',
  description:
    '409 when the draft is no longer in the revision seen; 422 with every defect when it cannot be run.',
  requirements: ['WF-4.1'],
  access: designer,
  params: draftId,
  body: Type.Object(
    { revision, version: Type.Optional(Type.String({ minLength: 1, maxLength: 50 })) },
    strict,
  ),
  responses: {
    201: Type.Object({ processRef: Type.String(), key: Type.String(), revision: Type.Integer() }),
  },
});

const compareDraft = defineOperation({
  id: 'compareDraft',
  method: 'GET',
  path: '/drafts/{draftId}/comparison',
  summary: 'What a draft adds, removes and changes against what is deployed, element by element',
  description:
    'Against the newest enabled revision of its process, or the one named. The drawing does not count.',
  access: designer,
  params: draftId,
  query: Type.Object({ with: Type.Optional(Id) }),
  responses: {
    200: Type.Object({
      processRef: OrNull(Type.String({ description: 'Null: nothing is deployed yet' })),
      differences: Type.Array(
        Type.Object({
          elementId: Type.String(),
          type: Type.String(),
          name: Type.Optional(Type.String()),
          change: Type.String({ description: '`added`, `removed` or `changed`' }),
          parts: Type.Array(
            Type.Object({
              part: Type.String(),
              before: Type.Optional(Type.String()),
              after: Type.Optional(Type.String()),
            }),
          ),
        }),
      ),
      decisions: Type.Boolean({ description: 'Whether the DMN documents differ' }),
      bindings: Type.Boolean({ description: 'Whether the addresses differ' }),
    }),
  },
});

/** Drafts of processes: kept, changed, compared and deployed by designers. */
export const draftOperations = {
  listDrafts,
  createDraft,
  readDraft,
  changeDraft,
  removeDraft,
  getDraftLog,
  exportDraft,
  deployDraft,
  compareDraft,
};
