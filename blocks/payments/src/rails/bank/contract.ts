import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });

/** Decimal text in the currency's own exponent, for example `1250.00`. */
const Amount = Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?$', maxLength: 24 });

/** What a bank knows about one transfer. `busy` was refused for now and not executed; `unknown` was never received. */
export const BankTransferResult = Type.Object({
  reference: Text(50),
  status: Type.Union([
    Type.Literal('completed'),
    Type.Literal('rejected'),
    Type.Literal('pending'),
    Type.Literal('busy'),
    Type.Literal('unknown'),
  ]),
  bankReference: Type.Optional(Text(50)),
  /** ISO 20022 external status reason code, for example AC01, AC04, AM04. */
  reasonCode: Type.Optional(Text(10)),
});

/**
 * What this block asks of a bank that is a payer rail: credit transfers in batches, answered at once. A transfer is
 * identified by its reference: sending it again never credits twice.
 */
export const bankRail = defineSurface({
  name: 'rail-v1',
  title: 'Bank rail',
  version: '1.0.0',
  operations: {
    postTransferBatch: defineOperation({
      id: 'postTransferBatch',
      method: 'POST',
      path: '/transfer-batches',
      summary: 'Credit each payee of a batch from the debtor account',
      access: { caller: 'application' },
      bodyLimit: 4 * 1024 * 1024,
      body: Type.Object({
        batchId: Text(50),
        debtorAccount: Text(34),
        currency: Text(3),
        transfers: Type.Array(
          Type.Object({
            reference: Text(50),
            creditorAccount: Text(34),
            creditorInstitution: Type.Optional(Text(11)),
            amount: Amount,
            narration: Type.Optional(Type.String({ maxLength: 50 })),
          }),
          { minItems: 1, maxItems: 1000 },
        ),
      }),
      responses: { 200: Type.Object({ batchId: Text(50), results: Type.Array(BankTransferResult) }) },
    }),
    getTransfer: defineOperation({
      id: 'getTransfer',
      method: 'GET',
      path: '/transfers/{reference}',
      summary: 'What became of a transfer; 404 when it was never received',
      access: { caller: 'application' },
      params: Type.Object({ reference: Text(50) }),
      responses: { 200: BankTransferResult },
    }),
    validateAccounts: defineOperation({
      id: 'validateAccounts',
      method: 'POST',
      path: '/account-validations',
      summary: 'Which of these accounts cannot be credited with these amounts',
      access: { caller: 'application' },
      bodyLimit: 4 * 1024 * 1024,
      body: Type.Object({
        batchId: Text(50),
        currency: Text(3),
        accounts: Type.Array(
          Type.Object({
            reference: Text(50),
            creditorAccount: Text(34),
            creditorInstitution: Type.Optional(Text(11)),
            amount: Amount,
          }),
          { minItems: 1, maxItems: 1000 },
        ),
      }),
      responses: {
        200: Type.Object({
          batchId: Text(50),
          failures: Type.Array(Type.Object({ reference: Text(50), reasonCode: Text(10) })),
        }),
      },
    }),
    authoriseFunds: defineOperation({
      id: 'authoriseFunds',
      method: 'POST',
      path: '/fund-authorisations',
      summary: 'Whether the debtor account covers a batch (official name: getAuthorization)',
      access: { caller: 'application' },
      body: Type.Object({ batchId: Text(50), payerIdentifier: Text(34), currency: Text(3), amount: Amount }),
      responses: {
        200: Type.Object({
          batchId: Text(50),
          status: Type.Union([Type.Literal('Y'), Type.Literal('N')]),
          reason: Type.Optional(Type.String({ maxLength: 100 })),
        }),
      },
    }),
  },
});
