import { defineOperation, Type } from '@govstack/platform/operation';
import { closed, Flag, Id, Instant, Limit, Text } from '../schemas.ts';

const AuditView = Type.Object({
  entryId: Id,
  sequence: Type.String(),
  component: Type.String(),
  action: Type.String(),
  subject: Type.String(),
  actor: Type.String(),
  terminal: Type.Optional(Type.String({ description: 'Application the request came from' })),
  outcome: Type.String(),
  detail: Type.Unknown(),
  keyId: Type.Optional(Type.String({ description: 'Key under which the entry keeps values encrypted' })),
  correlationId: Type.String(),
  at: Instant,
});

export const listAuditEntries = defineOperation({
  id: 'listAuditEntries',
  method: 'GET',
  path: '/audit',
  summary: 'Who did what, newest first, refusals among it',
  description: 'Looking into the log is itself on record.',
  requirements: ['PAY-6.12-j', 'PAY-6.12-f', 'PAY-6.12-k', 'PAY-6.11-a'],
  access: { caller: 'application', person: 'optional' },
  query: Type.Object({
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_600 })),
    component: Type.Optional(Text(60)),
    action: Type.Optional(Text(60)),
    actor: Type.Optional(Text(500)),
    subject: Type.Optional(Text(300)),
    outcome: Type.Optional(
      Type.Union([Type.Literal('succeeded'), Type.Literal('refused'), Type.Literal('failed')]),
    ),
    correlationId: Type.Optional(Text(128)),
    before: Type.Optional(Type.String({ pattern: '^[0-9]{1,18}$' })),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(AuditView), next: Type.Optional(Type.String()) }) },
});

const DisclosureView = Type.Object({
  disclosureId: Id,
  entryId: Id,
  reason: Type.String(),
  requestedBy: Type.String(),
  requestedAt: Instant,
  decision: Type.Optional(Type.String()),
  decidedBy: Type.Optional(Type.String()),
  decidedAt: Type.Optional(Instant),
});

export const requestDisclosure = defineOperation({
  id: 'requestDisclosure',
  method: 'POST',
  path: '/audit/{entryId}/disclosures',
  summary: 'Ask to be shown what an entry keeps encrypted',
  requirements: ['PAY-6.12-j'],
  access: { caller: 'application', person: 'required', roles: ['auditor'] },
  params: Type.Object({ entryId: Id }),
  body: Type.Object({ reason: Text(500) }, closed),
  responses: { 200: DisclosureView },
});

export const listDisclosures = defineOperation({
  id: 'listDisclosures',
  method: 'GET',
  path: '/disclosures',
  summary: 'Disclosures that were asked for, newest first',
  requirements: ['PAY-6.12-j'],
  access: { caller: 'application', person: 'optional' },
  query: Type.Object({ open: Type.Optional(Flag), before: Type.Optional(Id), limit: Limit }),
  responses: { 200: Type.Object({ items: Type.Array(DisclosureView), next: Type.Optional(Id) }) },
});

export const decideDisclosure = defineOperation({
  id: 'decideDisclosure',
  method: 'POST',
  path: '/disclosures/{disclosureId}/decision',
  summary: 'Grant or refuse a disclosure, as another person than the one who asked',
  requirements: ['PAY-6.12-j'],
  access: { caller: 'application', person: 'required', roles: ['administrator'] },
  params: Type.Object({ disclosureId: Id }),
  body: Type.Object({ decision: Type.Union([Type.Literal('granted'), Type.Literal('refused')]) }, closed),
  responses: { 200: DisclosureView },
});

export const readDisclosure = defineOperation({
  id: 'readDisclosure',
  method: 'POST',
  path: '/disclosures/{disclosureId}/content',
  summary: 'What was disclosed, for the one who asked; each look is on record',
  requirements: ['PAY-6.12-j'],
  access: { caller: 'application', person: 'required', roles: ['auditor'] },
  params: Type.Object({ disclosureId: Id }),
  responses: { 200: Type.Object({ entryId: Id, content: Type.Unknown() }) },
});

export const searchRecords = defineOperation({
  id: 'searchRecords',
  method: 'POST',
  path: '/search',
  summary: 'Find records by any reference they carry, or by the payee',
  description:
    'Our ids, the source’s, the rail’s, a correlation id, the number of a receipt. What is looked for stands in the body, never in the address.',
  requirements: ['PAY-6.1-af', 'PAY-6.8-a', 'PAY-6.8-b'],
  access: { caller: 'application', person: 'optional' },
  body: Type.Object(
    { reference: Type.Optional(Text(128)), payeeIdentity: Type.Optional(Text(36)) },
    { ...closed, minProperties: 1 },
  ),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          kind: Type.String(),
          id: Type.String(),
          sourceId: Type.Optional(Type.String()),
          batchId: Type.Optional(Id),
          state: Type.Optional(Type.String()),
          by: Type.String({ description: 'By which of its references it was found' }),
          at: Instant,
        }),
      ),
    }),
  },
});

export const getApprovalSignature = defineOperation({
  id: 'getApprovalSignature',
  method: 'GET',
  path: '/batches/{batchId}/approval-signature',
  summary: 'What binds the person who decided to the content they decided on',
  requirements: ['PAY-5.3.4-e', 'PAY-6.14-d'],
  access: { caller: 'application', person: 'optional' },
  params: Type.Object({ batchId: Id }),
  responses: {
    200: Type.Object({
      signature: Type.String({ description: 'JWS; verified with the key of payments-admin-v1 /keys' }),
      tokenHash: Type.String({ description: 'SHA-256 of the access token the person came with' }),
      claims: Type.Record(Type.String(), Type.Unknown()),
      at: Instant,
    }),
  },
});

export const auditOperations = {
  listAuditEntries,
  requestDisclosure,
  listDisclosures,
  decideDisclosure,
  readDisclosure,
  searchRecords,
  getApprovalSignature,
};
