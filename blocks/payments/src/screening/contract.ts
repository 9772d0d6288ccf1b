import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength });

/**
 * What this block asks of a service that checks payees: an AML or KYC system, a civil register that knows the deceased, a
 * directory of accounts. Every payment that was asked about must be in the answer.
 */
export const screeningService = defineSurface({
  name: 'screening-v1',
  title: 'Screening of payees',
  version: '1.0.0',
  operations: {
    screen: defineOperation({
      id: 'screen',
      method: 'POST',
      path: '/screenings',
      summary: 'What is known against paying these payees',
      access: { caller: 'application' },
      bodyLimit: 4 * 1024 * 1024,
      body: Type.Object({
        batchId: Text(50),
        kind: Text(20),
        subjects: Type.Array(
          Type.Object({
            reference: Text(50),
            payeeIdentity: Text(36),
            account: Type.Optional(Text(40)),
            institution: Type.Optional(Text(11)),
            amount: Text(24),
            currency: Text(3),
          }),
          { minItems: 1, maxItems: 500 },
        ),
      }),
      responses: {
        200: Type.Object({
          results: Type.Array(
            Type.Object({
              reference: Text(50),
              result: Type.Union([Type.Literal('clear'), Type.Literal('hit')]),
              reasonCode: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]{1,40}$' })),
            }),
          ),
        }),
      },
    }),
  },
});
