import { defineOperation, Type } from '@govstack/platform/operation';
import { closed, Flag, Id, Instant, Limit, Text } from '../schemas.ts';
import { InstitutionCode } from './shapes.ts';

const institution = { caller: 'application', person: 'optional' } as const;
const inInstitution = { params: Type.Object({ code: InstitutionCode }) } as const;
const inSubBatch = { params: Type.Object({ code: InstitutionCode, subBatchId: Id }) } as const;

const InstitutionView = Type.Object({
  code: Type.String(),
  name: Type.String(),
  member: Type.String({ description: 'INSTANCE/CLASS/MEMBER of its officers and applications' }),
  active: Flag,
});

export const putInstitution = defineOperation({
  id: 'putInstitution',
  method: 'PUT',
  path: '/institutions/{code}',
  summary: 'Register an institution that may process payments of its customers, or change it',
  requirements: ['PAY-6.6-g', 'PAY-6.6-c'],
  access: institution,
  ...inInstitution,
  body: Type.Object({ name: Text(100), member: Text(300), active: Type.Optional(Flag) }, closed),
  responses: { 200: InstitutionView },
});

export const listInstitutions = defineOperation({
  id: 'listInstitutions',
  method: 'GET',
  path: '/institutions',
  summary: 'Registered institutions; their own officers see their own',
  requirements: ['PAY-6.6-g'],
  access: institution,
  responses: { 200: Type.Object({ items: Type.Array(InstitutionView) }) },
});

export const listCustomerSubBatches = defineOperation({
  id: 'listCustomerSubBatches',
  method: 'GET',
  path: '/institutions/{code}/sub-batches',
  summary: 'Sub-batches by hand with payments to customers of an institution; others in them are not counted',
  requirements: ['PAY-6.6-h', 'PAY-6.16.1-b'],
  access: institution,
  ...inInstitution,
  query: Type.Object({ before: Type.Optional(Id), limit: Limit }),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          subBatchId: Id,
          rail: Type.String(),
          railName: Type.String(),
          currency: Type.String(),
          count: Type.Integer(),
          open: Type.Integer({ description: 'What the file of the sub-batch holds now' }),
          amount: Type.String(),
        }),
      ),
      next: Type.Optional(Id),
    }),
  },
});

export const listCustomerPayments = defineOperation({
  id: 'listCustomerPayments',
  method: 'GET',
  path: '/institutions/{code}/payments',
  summary: 'Payments to customers of an institution, and no others',
  requirements: ['PAY-6.6-h'],
  access: institution,
  ...inInstitution,
  query: Type.Object({
    subBatchId: Type.Optional(Id),
    state: Type.Optional(Type.String({ maxLength: 20 })),
    after: Type.Optional(Id),
    limit: Limit,
  }),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          instructionId: Id,
          subBatchId: Id,
          rail: Type.String(),
          byHand: Type.Boolean({ description: 'Whether the institution reports what became of it' }),
          account: Type.String({ description: 'Last four characters' }),
          amount: Type.String(),
          currency: Type.String(),
          narration: Type.Optional(Type.String()),
          state: Type.String(),
          reasonCode: Type.Optional(Type.String()),
          updatedAt: Instant,
        }),
      ),
      next: Type.Optional(Id),
    }),
  },
});

export const getCustomerFile = defineOperation({
  id: 'getCustomerFile',
  method: 'GET',
  path: '/institutions/{code}/sub-batches/{subBatchId}/initiation',
  summary: 'What an institution still has to credit by hand, as elements of ISO 20022 pain.001; on record',
  requirements: ['PAY-6.16.1-b', 'PAY-6.6-h'],
  access: institution,
  ...inSubBatch,
  responses: {
    200: Type.Object({
      CstmrCdtTrfInitn: Type.Object({
        GrpHdr: Type.Object({ MsgId: Id, CreDtTm: Instant, NbOfTxs: Type.String() }),
        PmtInf: Type.Array(
          Type.Object({
            PmtInfId: Id,
            PmtMtd: Type.Literal('TRF'),
            CdtTrfTxInf: Type.Array(
              Type.Object({
                PmtId: Type.Object({ EndToEndId: Id }),
                Amt: Type.Object({ InstdAmt: Type.Object({ Ccy: Type.String(), value: Type.String() }) }),
                CdtrAgt: Type.Object({
                  FinInstnId: Type.Object({ ClrSysMmbId: Type.Object({ MmbId: Type.String() }) }),
                }),
                CdtrAcct: Type.Object({ Id: Type.Object({ Othr: Type.Object({ Id: Type.String() }) }) }),
                RmtInf: Type.Optional(Type.Object({ Ustrd: Type.Array(Type.String()) })),
              }),
            ),
          }),
        ),
      }),
    }),
  },
});

export const getCustomerTable = defineOperation({
  id: 'getCustomerTable',
  method: 'GET',
  path: '/institutions/{code}/sub-batches/{subBatchId}/table',
  summary: 'The same as comma-separated values',
  requirements: ['PAY-6.16.1-b', 'PAY-6.6-h'],
  access: institution,
  ...inSubBatch,
  responses: { 200: Type.String({ contentMediaType: 'text/csv' }) },
});

export const reportCustomerResults = defineOperation({
  id: 'reportCustomerResults',
  method: 'POST',
  path: '/institutions/{code}/results',
  summary: 'What became of payments that an institution processes itself',
  description:
    'All or none. Only of payments to its customers, and only where the rail is processed by hand. A final result is never overwritten; a contradiction is a case.',
  requirements: ['PAY-6.6-h', 'PAY-6.16.1-b', 'PAY-6.5-c'],
  access: institution,
  ...inInstitution,
  bodyLimit: 4 * 1024 * 1024,
  body: Type.Object(
    {
      uploadId: Text(100),
      results: Type.Array(
        Type.Object(
          {
            reference: Id,
            status: Type.Union([Type.Literal('completed'), Type.Literal('failed'), Type.Literal('returned')]),
            institutionReference: Type.Optional(Text(50)),
            reasonCode: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]{1,40}$' })),
          },
          closed,
        ),
        { minItems: 1, maxItems: 1000 },
      ),
    },
    closed,
  ),
  responses: { 200: Type.Object({ uploadId: Type.String(), repeated: Flag }) },
});

export const institutionOperations = {
  putInstitution,
  listInstitutions,
  listCustomerSubBatches,
  listCustomerPayments,
  getCustomerFile,
  getCustomerTable,
  reportCustomerResults,
};
