import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import {
  BatchStatus,
  Beneficiaries,
  batchHeaders,
  getBatchDetails,
  getBatchStatus,
  mapperHeaders,
  PaymentModalityList,
  registerBeneficiary,
  Transactions,
  updateBeneficiary,
} from '../g2p/operations.ts';
import { Text } from '../schemas.ts';

const caller = { caller: 'application' } as const;
const withPerson = { caller: 'application', person: 'optional' } as const;

/** The acknowledgement of a mapper request. */
const Accepted = registerBeneficiary.responses[200];
const requestID = Text(36);
const { sourceBBID, beneficiaries } = updateBeneficiary.body.properties;

/** What comes with PUT /beneficiary: an update, or the payees that are looked up. */
export const Update = Type.Object({ requestID, sourceBBID, beneficiaries });
export const Lookup = Type.Object({
  requestId: Text(36),
  payeePartyIds: Type.Array(Text(36), { minItems: 1, maxItems: 1000 }),
});
export const Registration = Type.Object({
  requestID,
  sourceBBID,
  beneficiaries: Beneficiaries,
});

/** The messages of Payment Hub EE and of the reference cash-transfer client, which differ from the published ones. */
export const phee = defineSurface({
  name: 'payments-phee-v1',
  title: 'Payments: as Payment Hub EE is called',
  version: '1.0.0',
  description:
    'For clients written against Payment Hub EE or the reference cash-transfer backend: the same mapper and runs as payments-g2p-v1 under their paths and spellings. Field names are read whatever their case. Callbacks about payees carry requestId.',
  operations: {
    registerPayees: defineOperation({
      id: 'registerPayees',
      method: 'POST',
      path: '/beneficiary',
      summary: 'Register payees; a payee that is registered already is told by callback and can be updated',
      requirements: ['PAY-8.1.2-a', 'PAY-8.1.2-b'],
      access: caller,
      bodyLimit: 32 * 1024 * 1024,
      keepsBytes: true,
      headers: Type.Object(mapperHeaders),
      bodyCheckedBy: 'handler',
      body: Registration,
      responses: { 200: Accepted },
    }),
    updateOrLookUpPayees: defineOperation({
      id: 'updateOrLookUpPayees',
      method: 'PUT',
      path: '/beneficiary',
      summary: 'Change registered payees (beneficiaries), or look payees up (payeePartyIds)',
      requirements: ['PAY-8.1.3-a', 'PAY-8.1.3-b', 'PAY-5.3.1-j'],
      access: caller,
      bodyLimit: 32 * 1024 * 1024,
      keepsBytes: true,
      headers: Type.Object(mapperHeaders),
      bodyCheckedBy: 'handler',
      body: Type.Union([Update, Lookup]),
      responses: { 200: Type.Union([Accepted, PaymentModalityList]) },
    }),
    lookUpPayee: defineOperation({
      id: 'lookUpPayee',
      method: 'GET',
      path: '/beneficiary',
      summary: 'How a registered payee is to be paid',
      requirements: ['PAY-5.3.1-j'],
      access: caller,
      query: Type.Object({ payeeIdentity: Text(36), requestId: Text(36) }),
      headers: Type.Object(mapperHeaders),
      responses: { 200: PaymentModalityList },
    }),
    handOverBatch: defineOperation({
      id: 'handOverBatch',
      method: 'POST',
      path: '/batchtransactions',
      summary: 'Hand over a batch of credit instructions, as JSON (type raw) or as a file (type csv)',
      description:
        'The batch is known by X-CorrelationID or X-Client-Correlation-ID. A file has a row of names: request_id, payee_identifier, amount, currency and, if wanted, id, payment_mode, payer_identifier_type, payer_identifier, payee_identifier_type, note, account_number, program_shortcode, cycle. It names payees by functional id; account_number is empty, because the account comes from the mapper.',
      requirements: ['PAY-8.1.4-a', 'PAY-5.3.1-i', 'PAY-5.3.4-a', 'PAY-5.3.4-f'],
      access: withPerson,
      bodyLimit: 64 * 1024 * 1024,
      keepsBytes: true,
      consumes: ['application/json', 'text/csv', 'multipart/form-data'],
      query: Type.Object({ type: Type.Optional(Type.Union([Type.Literal('raw'), Type.Literal('csv')])) }),
      headers: Type.Object({
        ...batchHeaders,
        'x-correlationid': Type.Optional(Text(50)),
        'x-client-correlation-id': Type.Optional(Text(50)),
        'x-platform-tenantid': Type.Optional(Text(36)),
        type: Type.Optional(Type.Union([Type.Literal('raw'), Type.Literal('csv')])),
        purpose: Type.Optional(Type.String({ maxLength: 100 })),
      }),
      bodyCheckedBy: 'handler',
      body: Transactions,
      responses: {
        202: Type.Object({ batchId: Type.String({ format: 'uuid' }), PollingPath: Type.String() }),
      },
    }),
    batchSummary: defineOperation({
      id: 'batchSummary',
      method: 'GET',
      path: '/api/v1/batch',
      summary: 'Counts and sums of a batch: what the status callback says',
      requirements: ['PAY-8.1.4-b'],
      access: withPerson,
      query: getBatchStatus.query,
      responses: { 200: BatchStatus },
    }),
    batchDetail: defineOperation({
      id: 'batchDetail',
      method: 'GET',
      path: '/api/v1/batch/detail',
      summary: 'The transactions of a batch, page by page',
      requirements: ['PAY-5.3.3-e', 'PAY-8.1.4-c'],
      access: withPerson,
      query: getBatchDetails.query,
      headers: getBatchDetails.headers,
      responses: getBatchDetails.responses,
    }),
  },
  errorShape: (problem) => ({
    status: problem.status,
    body: {
      ...problem,
      responseCode: '01',
      responseDescription: (problem.detail ?? problem.title).slice(0, 200),
    },
  }),
});
