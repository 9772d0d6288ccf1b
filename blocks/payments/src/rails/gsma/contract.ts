import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const Amount = Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?$', maxLength: 24 });
const Party = Type.Array(Type.Object({ key: Text(30), value: Text(60) }), { minItems: 1, maxItems: 3 });

/** Error object of the Mobile Money API, also part of a failed request state. */
export const GsmaError = Type.Object({
  errorCategory: Text(40),
  errorCode: Text(60),
  errorDescription: Type.Optional(Type.String({ maxLength: 1000 })),
});

/** A transaction as the provider has it. */
export const GsmaTransaction = Type.Object({
  transactionReference: Text(60),
  transactionStatus: Text(30),
  requestingOrganisationTransactionReference: Type.Optional(Text(60)),
});

/** Where a request that was taken over stands. */
export const GsmaRequestState = Type.Object({
  serverCorrelationId: Text(60),
  status: Type.Union([Type.Literal('pending'), Type.Literal('completed'), Type.Literal('failed')]),
  /** Reference of the transaction, once there is one. */
  objectReference: Type.Optional(Text(60)),
  error: Type.Optional(GsmaError),
});

/**
 * The part of the GSMA Mobile Money API (1.2) that this block asks of a provider: disbursements one by one, taken over
 * with a request state and reported later to the callback (operation `putTransaction` of payments-gsma-callback-v1), and
 * the way to find out about a request whose answer was missed. The correlation id names a request for ever: sent again,
 * it is executed once.
 */
export const gsmaRail = defineSurface({
  name: 'mobile-money-v1',
  title: 'Mobile-money rail after the GSMA Mobile Money API',
  version: '1.2.0',
  operations: {
    postTransaction: defineOperation({
      id: 'postTransaction',
      method: 'POST',
      path: '/transactions/type/{transactionType}',
      summary: 'Take over a transaction; its result follows by callback',
      access: { caller: 'application' },
      params: Type.Object({ transactionType: Type.Literal('disbursement') }),
      headers: Type.Object({
        'x-correlationid': Type.String({ format: 'uuid' }),
        'x-date': Type.String({ format: 'date-time' }),
        'x-callback-url': Type.Optional(Text(500)),
      }),
      body: Type.Object({
        amount: Amount,
        currency: Text(3),
        debitParty: Party,
        creditParty: Party,
        requestingOrganisationTransactionReference: Text(60),
        descriptionText: Type.Optional(Type.String({ maxLength: 160 })),
      }),
      responses: { 201: GsmaTransaction, 202: GsmaRequestState },
    }),
    getResponse: defineOperation({
      id: 'getResponse',
      method: 'GET',
      path: '/responses/{clientCorrelationId}',
      summary: 'Where the outcome of an earlier request can be read; 404 when it was never received',
      access: { caller: 'application' },
      params: Type.Object({ clientCorrelationId: Text(60) }),
      responses: { 200: Type.Object({ link: Text(500) }) },
    }),
    getRequestState: defineOperation({
      id: 'getRequestState',
      method: 'GET',
      path: '/requeststates/{serverCorrelationId}',
      summary: 'Where a request that was taken over stands',
      access: { caller: 'application' },
      params: Type.Object({ serverCorrelationId: Text(60) }),
      responses: { 200: GsmaRequestState },
    }),
    getTransaction: defineOperation({
      id: 'getTransaction',
      method: 'GET',
      path: '/transactions/{transactionReference}',
      summary: 'A transaction',
      access: { caller: 'application' },
      params: Type.Object({ transactionReference: Text(60) }),
      responses: { 200: GsmaTransaction },
    }),
    getAccountStatus: defineOperation({
      id: 'getAccountStatus',
      method: 'GET',
      path: '/accounts/{identifierType}/{identifier}/status',
      summary: 'Whether an account can be credited',
      access: { caller: 'application' },
      params: Type.Object({ identifierType: Text(30), identifier: Text(60) }),
      responses: { 200: Type.Object({ accountStatus: Text(30) }) },
    }),
  },
});
