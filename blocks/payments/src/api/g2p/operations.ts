import { Bytes, defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { callbackHeaders, institutionHeaders, signatureHeaders } from '../published-headers.ts';
import { optional, Text } from '../schemas.ts';

export const mapperHeaders = { ...signatureHeaders, ...callbackHeaders, ...institutionHeaders };

const Beneficiary = Type.Object({
  payeeIdentity: Text(36),
  PaymentModality: optional(2),
  paymentModality: optional(2),
  bankingInstitutionCode: optional(11),
  FinancialAddress: optional(40),
  financialAddress: optional(40),
});

export const Beneficiaries = Type.Array(Beneficiary, { minItems: 1, maxItems: 50_000 });

const Accepted = Type.Object({
  responseCode: Type.String({ maxLength: 2, description: '00: taken over' }),
  responseDescription: Type.String({ maxLength: 200 }),
  requestID: Type.String(),
});

const MapperResult = Type.Object({
  requestID: Type.String(),
  registerRequestID: Type.String(),
  numberFailedCases: Type.Integer(),
  failedCases: Type.Array(
    Type.Object({
      payeeIdentity: Type.Optional(Type.String()),
      payeeFunctionalID: Type.Optional(Type.String()),
      paymentModality: Type.String(),
      bankingInstitutionCode: Type.Optional(Type.String()),
      failureReason: Type.String(),
    }),
  ),
});

export const PaymentModalityList = Type.Object({
  requestId: Type.String(),
  paymentModalityList: Type.Array(
    Type.Object({
      payeeIdentity: Type.String(),
      paymentModality: Type.String(),
      financialAddress: Type.Optional(
        Type.String({ description: 'Only its last four characters are shown' }),
      ),
      bankingInstitutionCode: Type.Optional(Type.String()),
    }),
  ),
});

export const registerBeneficiary = defineOperation({
  id: 'registerBeneficiary',
  method: 'POST',
  path: '/identityAccountMapper/beneficiary',
  summary: 'Register payees with the account each wants to be paid to',
  description:
    'Acknowledged at once; each record is taken on its own. Failed records come by callback and can be read with getRegistrationResult. The same RequestID again changes nothing.',
  requirements: ['PAY-8.1.2-a', 'PAY-8.1.2-b', 'PAY-9.1.1-a', 'PAY-6.3-a'],
  access: { caller: 'application' },
  bodyLimit: 32 * 1024 * 1024,
  keepsBytes: true,
  headers: Type.Object(mapperHeaders),
  bodyCheckedBy: 'handler',
  body: Type.Object({
    RequestID: optional(36),
    requestID: optional(36),
    Beneficiaries: Type.Optional(Beneficiaries),
    beneficiaries: Type.Optional(Beneficiaries),
  }),
  responses: { 200: Accepted },
});

export const updateBeneficiary = defineOperation({
  id: 'updateBeneficiary',
  method: 'PUT',
  path: '/identityAccountMapper/beneficiary',
  summary: 'Change modality, account or standing of registered payees',
  description: 'What a record does not name stays as it is. The payee identity cannot change.',
  requirements: ['PAY-8.1.3-a', 'PAY-8.1.3-b'],
  access: { caller: 'application' },
  bodyLimit: 32 * 1024 * 1024,
  keepsBytes: true,
  headers: Type.Object(mapperHeaders),
  bodyCheckedBy: 'handler',
  body: Type.Object({
    requestID: optional(36),
    RequestID: optional(36),
    sourceBBID: optional(36),
    beneficiaries: Type.Array(
      Type.Object({
        ...Beneficiary.properties,
        status: Type.Optional(Type.Union([Type.Literal('0'), Type.Literal('1')])),
      }),
      { minItems: 1, maxItems: 50_000 },
    ),
  }),
  responses: { 200: Accepted },
});

const resultParams = Type.Object({ requestID: Text(36) });

export const getRegistrationResult = defineOperation({
  id: 'getRegistrationResult',
  method: 'GET',
  path: '/identityAccountMapper/registrations/{requestID}',
  summary: 'The records of an earlier registration that failed: what the callback says',
  requirements: ['PAY-8.1.2-b'],
  access: { caller: 'application' },
  params: resultParams,
  responses: { 200: MapperResult },
});

export const getUpdateResult = defineOperation({
  id: 'getUpdateResult',
  method: 'GET',
  path: '/identityAccountMapper/updates/{requestID}',
  summary: 'The records of an earlier update that failed: what the callback says',
  requirements: ['PAY-8.1.3-b'],
  access: { caller: 'application' },
  params: resultParams,
  responses: { 200: MapperResult },
});

export const getBeneficiary = defineOperation({
  id: 'getBeneficiary',
  method: 'GET',
  path: '/beneficiary',
  summary: 'How a registered payee is to be paid',
  requirements: ['PAY-5.3.1-j', 'PAY-6.3-a'],
  access: { caller: 'application' },
  query: Type.Object({ payeeIdentity: Text(36), requestId: Text(36) }),
  headers: Type.Object({ ...callbackHeaders, ...institutionHeaders }),
  responses: { 200: PaymentModalityList },
});

export const listBeneficiaries = defineOperation({
  id: 'listBeneficiaries',
  method: 'PUT',
  path: '/beneficiary',
  summary: 'How registered payees are to be paid; payees that are not registered are left out',
  requirements: ['PAY-5.3.1-j', 'PAY-6.3-a'],
  access: { caller: 'application' },
  headers: Type.Object({ ...callbackHeaders, ...institutionHeaders }),
  bodyCheckedBy: 'handler',
  body: Type.Object({
    requestId: Text(36),
    payeePartyIds: Type.Array(Text(36), { minItems: 1, maxItems: 1000 }),
  }),
  responses: { 200: PaymentModalityList },
});

const amount = Type.Union(
  [Type.String({ minLength: 1, maxLength: 24 }), Type.Number({ exclusiveMinimum: 0 })],
  { description: 'Decimal text; a JSON number is taken as long as it is exact' },
);

export const prepaymentValidation = defineOperation({
  id: 'prepaymentValidation',
  method: 'POST',
  path: '/prepayment-validation',
  summary: 'Check before a run which payees could not be paid',
  description:
    'Acknowledged at once. Failing instructions come by callback and can be read with getPrepaymentValidation.',
  requirements: ['PAY-9.1.2', 'PAY-5.1.6'],
  access: { caller: 'application' },
  bodyLimit: 64 * 1024 * 1024,
  keepsBytes: true,
  headers: Type.Object({
    ...signatureHeaders,
    ...callbackHeaders,
    ...institutionHeaders,
    'x-program-id': optional(36),
  }),
  bodyCheckedBy: 'handler',
  body: Type.Object({
    requestID: Text(36),
    sourceBBID: optional(36),
    batchID: Text(50),
    creditInstructions: Type.Array(
      Type.Object({
        instructionID: Text(50),
        payeeFunctionalID: Text(36),
        amount,
        currency: Text(3),
        narration: Type.Optional(Type.String({ maxLength: 50 })),
      }),
      { minItems: 1, maxItems: 100_000 },
    ),
  }),
  responses: { 200: Accepted },
});

export const getPrepaymentValidation = defineOperation({
  id: 'getPrepaymentValidation',
  method: 'GET',
  path: '/prepayment-validation/{batchID}',
  summary: 'The instructions of a pre-payment validation that would fail: what the callback says',
  requirements: ['PAY-9.1.2'],
  access: { caller: 'application' },
  params: Type.Object({ batchID: Text(50) }),
  responses: {
    200: Type.Object({
      requestID: Type.String(),
      batchID: Type.String(),
      state: Type.Union([Type.Literal('validating'), Type.Literal('validated')]),
      numberFailedCases: Type.Integer(),
      failedAccounts: Type.Array(Type.Object({ instructionID: Type.String(), failureReason: Type.String() })),
    }),
  },
});

const Party = Type.Array(Type.Object({ key: Text(50), value: Text(100) }), { minItems: 1, maxItems: 10 });

export const batchHeaders = {
  ...signatureHeaders,
  ...callbackHeaders,
  ...institutionHeaders,
  'x-correlationid': Text(50),
  'platform-tenantid': optional(36),
  'x-program-id': optional(36),
  'x-initiator': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      description: 'Id of the person who started the run in the source; may not approve it',
    }),
  ),
  'x-batch-count': Type.Optional(
    Type.String({
      pattern: '^[0-9]{1,9}$',
      description: 'How many instructions there are; others are refused as a whole',
    }),
  ),
  'x-batch-total': Type.Optional(
    Type.String({
      maxLength: 24,
      description: 'Their sum, decimal text; a batch of another sum is refused as a whole',
    }),
  ),
  'x-not-before': Type.Optional(
    Type.String({ format: 'date-time', description: 'Nothing is sent to a rail before this instant' }),
  ),
};

/** One payment as the published bulk message has it. */
export const SingleTransaction = Type.Object({
  requestId: Text(50),
  creditParty: Party,
  debitParty: Type.Optional(Type.Array(Type.Object({ key: Text(50), value: Text(100) }), { maxItems: 10 })),
  paymentMode: Type.Optional(Type.String({ maxLength: 20 })),
  amount,
  currency: Text(3),
  descriptionText: Type.Optional(Type.String({ maxLength: 50 })),
  retryOf: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 50,
      description: 'requestId of a failed instruction that this one pays anew',
    }),
  ),
});

export const Transactions = Type.Array(SingleTransaction, { minItems: 1, maxItems: 100_000 });

export const batchTransactions = defineOperation({
  id: 'batchTransactions',
  method: 'POST',
  path: '/batchtransactions',
  summary: 'Hand over a batch of credit instructions',
  description:
    'X-CorrelationID identifies the batch: handing the same over again answers the same batchId, other content is refused with 409. creditParty names the payee by its functional id and no account; the account comes from the mapper. The run is paid after a person has approved it.',
  requirements: ['PAY-8.1.4-a', 'PAY-5.3.4-a', 'PAY-5.3.4-d', 'PAY-5.3.4-f', 'PAY-6.4-c'],
  access: { caller: 'application', person: 'optional' },
  bodyLimit: 64 * 1024 * 1024,
  query: Type.Object({ type: Type.Optional(Type.Literal('raw')) }),
  keepsBytes: true,
  headers: Type.Object(batchHeaders),
  bodyCheckedBy: 'handler',
  body: Transactions,
  responses: { 202: Type.Object({ batchId: Type.String({ format: 'uuid' }) }) },
});

export const submitInstructions = defineOperation({
  id: 'submitInstructions',
  method: 'POST',
  path: '/submissions',
  summary: 'Hand over any number of credit instructions',
  description:
    'For what is larger than a batch: the body is read as it comes, as lines of JSON, as a JSON array, or as CSV whose first line names the columns requestId, payeeIdentity, amount, currency and descriptionText. All of it is taken over or, when a row is not valid, nothing. It is then split into batches (`getSubmission` lists them), which go the way of any other. X-CorrelationID identifies the submission: the same again answers the same submissionId.',
  requirements: ['PAY-5.3.4-a', 'PAY-5.3.4-b', 'PAY-5.3.4-d', 'PAY-6.1-i', 'PAY-6.9-d', 'PAY-6.9-g'],
  access: { caller: 'application', person: 'optional' },
  consumes: ['application/x-ndjson', 'application/json', 'text/csv'],
  bodyAs: 'stream',
  bodyLimit: 4 * 1024 * 1024 * 1024,
  headers: Type.Object({
    ...batchHeaders,
    'x-program-id': Text(36),
    'content-type': Type.Optional(Type.String()),
    'content-digest': Type.Optional(
      Type.String({
        maxLength: 100,
        description:
          'sha-256=:…: of the body (RFC 9530). A signed submission needs it: its signature is over an empty body and covers this header',
      }),
    ),
  }),
  body: Bytes({ description: 'Instructions as batchTransactions has them, without debitParty and retryOf' }),
  responses: { 202: Type.Object({ submissionId: Type.String({ format: 'uuid' }) }) },
});

export const getSubmission = defineOperation({
  id: 'getSubmission',
  method: 'GET',
  path: '/submissions/{submissionId}',
  summary: 'The batches of a submission',
  requirements: ['PAY-5.3.4-b'],
  access: { caller: 'application', person: 'optional' },
  params: Type.Object({ submissionId: Type.String({ format: 'uuid' }) }),
  query: Type.Object({
    after: Type.Optional(Type.Integer({ minimum: 0, description: 'Part after which to go on' })),
  }),
  responses: {
    200: Type.Object({
      submissionId: Type.String(),
      correlationId: Type.String(),
      state: Type.Union([Type.Literal('received'), Type.Literal('split')], {
        description: 'split: every instruction is in one of the batches',
      }),
      currency: Type.String(),
      instructionCount: Type.Integer(),
      totalAmount: Type.String({ description: 'Decimal text' }),
      batches: Type.Array(
        Type.Object({
          batchId: Type.String(),
          part: Type.Integer({ description: 'From 1' }),
          state: Type.String(),
          instructionCount: Type.Integer(),
          totalAmount: Type.String(),
        }),
      ),
      more: Type.Boolean(),
    }),
  },
});

export const BatchStatus = Type.Object({
  requestId: Type.String(),
  batchId: Type.String(),
  TotalTransactions: Type.Integer(),
  ongoing: Type.Integer(),
  failed: Type.Integer(),
  completed: Type.Integer(),
  currency: Type.String(),
  totalAmount: Type.Number(),
  completed_amount: Type.Number(),
  ongoing_amount: Type.Number(),
  failed_amount: Type.Number(),
  result_file: Type.Null(),
  resultGeneratedAt: Type.String({ format: 'date-time' }),
  note: Type.String({ description: 'State of the batch' }),
});

export const getBatchStatus = defineOperation({
  id: 'getBatchStatus',
  method: 'GET',
  path: '/api/v1/batch',
  summary: 'Counts and sums of a batch: what the status callback says',
  requirements: ['PAY-8.1.4-b', 'PAY-5.3.1-d'],
  access: { caller: 'application', person: 'optional' },
  query: Type.Object({ batchId: Type.String({ format: 'uuid' }) }),
  responses: { 200: BatchStatus },
});

/** One payment as the batch detail tells it; the published fields about fees are absent, there are none. */
export const Transaction = Type.Object({
  transactionId: Type.String(),
  requestId: Type.String(),
  startedAt: Type.String(),
  completedAt: Type.Optional(Type.String()),
  status: Type.String(),
  statusDetail: Type.String({ description: 'ISO 20022 payment status' }),
  payeeDfspId: Type.Optional(Type.String()),
  payeePartyId: Type.String(),
  payeePartyIdType: Type.String(),
  payerPartyId: Type.Optional(Type.String()),
  payerPartyIdType: Type.Optional(Type.String()),
  amount: Type.Number(),
  currency: Type.String(),
  direction: Type.String(),
  errorInformation: Type.Optional(Type.String()),
  batchId: Type.String(),
});

export const getBatchDetails = defineOperation({
  id: 'getBatchDetails',
  method: 'GET',
  path: '/api/v1/batch/detail',
  summary: 'The transactions of a batch, page by page',
  requirements: ['PAY-5.3.3-e', 'PAY-8.1.4-c', 'PAY-5.3.4-h'],
  access: { caller: 'application', person: 'optional' },
  query: Type.Object({
    batchId: Type.String({ format: 'uuid' }),
    pageNo: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
    pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    status: optional(20),
    direction: optional(12),
    'X-CorrelationID': optional(50),
  }),
  headers: Type.Object({ 'platform-tenantid': optional(36) }),
  responses: {
    200: Type.Array(Transaction),
  },
});

export const postTransaction = defineOperation({
  id: 'postTransaction',
  method: 'POST',
  path: '/transactions',
  summary: 'Hand over a single payment and wait for its outcome',
  description:
    'Answers 200 when the payment has its final state within waitSeconds, else 202 with the state it has; then ask getTransaction. The same payment again answers the same. It goes the way of every run: without a limit set for the source it waits for a person.',
  requirements: ['PAY-6.4-b', 'PAY-8.1.4-a'],
  access: { caller: 'application', person: 'optional' },
  keepsBytes: true,
  headers: Type.Object({
    ...batchHeaders,
    'x-correlationid': optional(50),
  }),
  query: Type.Object({
    waitSeconds: Type.Optional(
      Type.Number({ minimum: 0, maximum: 30, description: 'How long to wait; 10 unless said otherwise' }),
    ),
  }),
  bodyCheckedBy: 'handler',
  body: SingleTransaction,
  responses: { 200: Transaction, 202: Transaction },
});

export const getTransaction = defineOperation({
  id: 'getTransaction',
  method: 'GET',
  path: '/transactions/{requestId}',
  summary: 'What became of one payment, by the id its source gave it',
  requirements: ['PAY-8.1.4-c', 'PAY-5.3.1-d'],
  access: { caller: 'application' },
  params: Type.Object({ requestId: Text(50) }),
  responses: { 200: Transaction },
});

/** The official G2P messages of specification 3.0. */
export const g2p = defineSurface({
  name: 'payments-g2p-v1',
  title: 'Payments: government to person',
  version: '1.0.0',
  description: 'ID-account mapper and bulk payments as the Payments specification 3.0 publishes them.',
  operations: {
    registerBeneficiary,
    updateBeneficiary,
    getRegistrationResult,
    getUpdateResult,
    getBeneficiary,
    listBeneficiaries,
    prepaymentValidation,
    getPrepaymentValidation,
    batchTransactions,
    submitInstructions,
    getSubmission,
    getBatchStatus,
    getBatchDetails,
    postTransaction,
    getTransaction,
  },
  // The published files answer 400 with ResponseCode and ResponseDescription: they join the problem's own members.
  errorShape: (problem) => ({
    status: problem.status,
    body: {
      ...problem,
      ResponseCode: '01',
      ResponseDescription: (problem.detail ?? problem.title).slice(0, 200),
    },
  }),
});
