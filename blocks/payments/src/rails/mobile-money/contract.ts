import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const Amount = Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?$', maxLength: 24 });

export const WalletTransferStatus = Type.Object({
  reference: Text(50),
  status: Type.Union([
    Type.Literal('completed'),
    Type.Literal('failed'),
    Type.Literal('pending'),
    Type.Literal('busy'),
    Type.Literal('unknown'),
  ]),
  transactionId: Type.Optional(Text(50)),
  errorCode: Type.Optional(Text(40)),
});

/**
 * What this block asks of a mobile-money provider that is a payer rail: transfers taken with 202, their results sent
 * later to the callback service (operation `postTransferResults` of payments-rail-callback-v1) and open to query.
 * A transfer is identified by its reference: sending it again never credits twice.
 */
export const mobileMoneyRail = defineSurface({
  name: 'rail-v1',
  title: 'Mobile-money rail',
  version: '1.0.0',
  operations: {
    postDisbursements: defineOperation({
      id: 'postDisbursements',
      method: 'POST',
      path: '/disbursements',
      summary: 'Take over transfers to wallets; results follow by callback',
      access: { caller: 'application' },
      bodyLimit: 4 * 1024 * 1024,
      body: Type.Object({
        batchId: Text(50),
        debtorAccount: Text(34),
        currency: Text(3),
        /** Service id (INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE) to which results are sent. */
        callbackService: Text(400),
        transfers: Type.Array(
          Type.Object({
            reference: Text(50),
            msisdn: Text(34),
            amount: Amount,
            narration: Type.Optional(Type.String({ maxLength: 50 })),
          }),
          { minItems: 1, maxItems: 1000 },
        ),
      }),
      responses: { 202: Type.Object({ batchId: Text(50), accepted: Type.Integer() }) },
    }),
    getDisbursement: defineOperation({
      id: 'getDisbursement',
      method: 'GET',
      path: '/disbursements/{reference}',
      summary: 'What became of a transfer; 404 when it was never received',
      access: { caller: 'application' },
      params: Type.Object({ reference: Text(50) }),
      responses: { 200: WalletTransferStatus },
    }),
    validateWallets: defineOperation({
      id: 'validateWallets',
      method: 'POST',
      path: '/wallet-validations',
      summary: 'Which of these wallets cannot be credited with these amounts',
      access: { caller: 'application' },
      bodyLimit: 4 * 1024 * 1024,
      body: Type.Object({
        batchId: Text(50),
        currency: Text(3),
        wallets: Type.Array(Type.Object({ reference: Text(50), msisdn: Text(34), amount: Amount }), {
          minItems: 1,
          maxItems: 1000,
        }),
      }),
      responses: {
        200: Type.Object({
          batchId: Text(50),
          failures: Type.Array(Type.Object({ reference: Text(50), errorCode: Text(40) })),
        }),
      },
    }),
  },
});
