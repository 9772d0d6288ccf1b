import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const open = { caller: 'public' } as const;

/** The answer of every G2P message of the suite: 00 taken over, 01 refused. */
export const Answer = Type.Object({
  ResponseCode: Type.Union([Type.Literal('00'), Type.Literal('01')]),
  ResponseDescription: Type.String({ minLength: 1, maxLength: 200 }),
  RequestID: Type.String(),
});

export const ValidationOutcome = Type.Object({
  RequestID: Type.String(),
  Source_BatchID: Type.String(),
  NumberFailedCases: Type.Optional(Type.Integer()),
  FailedAccounts: Type.Optional(
    Type.Array(Type.Object({ InstructionID: Type.String(), FailureReason: Type.String() })),
  ),
});

/** The handlers read the bodies: a faulty one gets the suite's own answer, with its RequestID. */
const message = { method: 'POST', access: open, body: Type.Unknown(), bodyCheckedBy: 'handler' } as const;
const refusable = { 200: Answer, 400: Answer } as const;

/** The dialect of the official compliance suite: the G2P messages of the first edition, bare paths, no caller. */
export const g2pSuite = defineSurface({
  name: 'payments-g2p-suite',
  title: 'Payments, as the compliance suite calls it: government to person',
  version: '1.0.0',
  compliance: true,
  operations: {
    healthcheck: defineOperation({
      id: 'healthcheck',
      method: 'GET',
      path: '/healthcheck',
      summary: 'Whether the block answers',
      access: open,
      responses: { 200: Type.Object({ status: Type.String() }) },
    }),
    registerSuiteBeneficiary: defineOperation({
      ...message,
      id: 'registerSuiteBeneficiary',
      path: '/register-beneficiary',
      summary: 'Register payees',
      responses: refusable,
    }),
    updateSuiteBeneficiary: defineOperation({
      ...message,
      id: 'updateSuiteBeneficiary',
      path: '/update-beneficiary-details',
      summary: 'Change registered payees',
      responses: refusable,
    }),
    validateSuitePayments: defineOperation({
      ...message,
      id: 'validateSuitePayments',
      path: '/prepayment-validation',
      summary: 'Check which payees could not be paid; what is refused is answered with 200 and 01',
      responses: { 200: Answer },
    }),
    getSuiteValidation: defineOperation({
      ...message,
      id: 'getSuiteValidation',
      path: '/prepayment-validation-response',
      summary: 'What a validation found; without the counts while it goes on',
      responses: { 200: ValidationOutcome, 400: Answer },
    }),
    paySuiteBatch: defineOperation({
      ...message,
      id: 'paySuiteBatch',
      path: '/bulk-payment',
      summary: 'Hand over credit instructions',
      responses: refusable,
    }),
  },
  errorShape: (problem, operationId) => ({
    status: operationId === 'validateSuitePayments' && problem.status < 500 ? 200 : problem.status,
    body: {
      ResponseCode: '01',
      ResponseDescription: (problem.detail ?? problem.title).slice(0, 200),
      RequestID: '',
    },
  }),
});
