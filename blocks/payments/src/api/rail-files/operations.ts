import { Bytes, defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { Id, Instant } from '../schemas.ts';

const ofRail = { railId: Type.String({ pattern: '^[A-Za-z0-9._-]{1,36}$' }) };
const access = { caller: 'application', person: 'optional' } as const;

const FileView = Type.Object({
  fileId: Id,
  direction: Type.String({ description: 'out: a payment order (pain.001); in: a status report (pain.002)' }),
  messageId: Type.String(),
  transfers: Type.Integer(),
  currency: Type.Optional(Type.String()),
  controlSum: Type.Optional(Type.String()),
  contentHash: Type.String({ description: 'SHA-256' }),
  createdAt: Instant,
  fetchedAt: Type.Optional(Instant),
  fetchedBy: Type.Optional(Type.String()),
});

const listRailFiles = defineOperation({
  id: 'listRailFiles',
  method: 'GET',
  path: '/rails/{railId}/files',
  summary: 'Files of a rail, newest first',
  requirements: ['PAY-6.5-a', 'PAY-6.16.1-b'],
  access,
  params: Type.Object(ofRail),
  query: Type.Object({
    direction: Type.Optional(Type.Union([Type.Literal('out'), Type.Literal('in')])),
    waiting: Type.Optional(Type.Boolean({ description: 'Only those that nobody has fetched yet' })),
    before: Type.Optional(Id),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
  }),
  responses: { 200: Type.Object({ items: Type.Array(FileView), next: Type.Optional(Id) }) },
});

const fetchRailFile = defineOperation({
  id: 'fetchRailFile',
  method: 'GET',
  path: '/rails/{railId}/files/{fileId}',
  summary: 'Content of a file; the first time it is written down who fetched it',
  requirements: ['PAY-6.5-b', 'PAY-6.16.1-b', 'PAY-5.4-a'],
  access,
  params: Type.Object({ ...ofRail, fileId: Id }),
  responses: { 200: Type.String({ contentMediaType: 'application/xml' }) },
});

const loadRailReport = defineOperation({
  id: 'loadRailReport',
  method: 'POST',
  path: '/rails/{railId}/reports',
  summary: 'Hand in a payment status report (ISO 20022 pain.002)',
  description:
    'Taken once: the same file again changes nothing. A file with a document type, one that is not well-formed, or one about a message that this rail was not given is refused as a whole.',
  requirements: ['PAY-6.5-c', 'PAY-5.4-a', 'PAY-5.3.4-h'],
  access,
  params: Type.Object(ofRail),
  consumes: ['application/octet-stream'],
  bodyLimit: 8 * 1024 * 1024,
  body: Bytes({ description: 'The file as it is' }),
  responses: {
    200: Type.Object({
      fileId: Id,
      repeated: Type.Boolean(),
      completed: Type.Integer(),
      failed: Type.Integer(),
      pending: Type.Integer(),
    }),
  },
});

/** Files to and from institutions that are reached by files: for the treasury and for officers of the institution. */
export const railFiles = defineSurface({
  name: 'payments-rail-files-v1',
  title: 'Payments: files to and from payer rails',
  version: '1.0.0',
  operations: { listRailFiles, fetchRailFile, loadRailReport },
});
