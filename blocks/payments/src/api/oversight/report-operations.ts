import { defineOperation, Type } from '@govstack/platform/operation';
import { Code, Currency, closed, Day, Flag, Instant, Text } from '../schemas.ts';

const overseer = { caller: 'application', person: 'optional' } as const;
const custodian = { caller: 'application', person: 'required', roles: ['key-custodian'] } as const;

export const reportPayments = defineOperation({
  id: 'reportPayments',
  method: 'GET',
  path: '/reports/payments',
  summary: 'Counts and sums of payments with what became of them, by what you choose, per currency',
  requirements: ['PAY-6.6-e', 'PAY-6.6-j', 'PAY-5.1.16-b', 'PAY-5.1.5', 'PAY-6.1-k'],
  access: overseer,
  query: Type.Object({
    by: Type.Optional(
      Type.String({
        pattern: '^[a-z]{1,20}(,[a-z]{1,20}){0,4}$',
        description:
          'One or several of source, programme, agency, rail, institution, state, reason, day, month; comma between them',
      }),
    ),
    from: Type.Optional(Day),
    to: Type.Optional(Day),
    currency: Type.Optional(Currency),
    sourceId: Type.Optional(Code),
    programmeId: Type.Optional(Code),
  }),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          by: Type.Record(Type.String(), Type.String()),
          currency: Type.String(),
          payments: Type.Integer(),
          amount: Type.String(),
          completed: Type.Integer(),
          completedAmount: Type.String(),
          failed: Type.Integer(),
          open: Type.Integer(),
          successShare: Type.Number({ description: 'Completed among those that are over, 0 to 1' }),
          averageTurnaroundSeconds: Type.Number(),
          longestTurnaroundSeconds: Type.Number(),
          turnaroundBreaches: Type.Integer({ description: 'Completed later than configured' }),
        }),
      ),
    }),
  },
});

export const reportPayee = defineOperation({
  id: 'reportPayee',
  method: 'POST',
  path: '/reports/payee',
  summary: 'What one payee was to be paid over all programmes you may see',
  requirements: ['PAY-6.6-e'],
  access: overseer,
  body: Type.Object({ payeeIdentity: Text(36) }, closed),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          sourceId: Type.String(),
          programmeId: Type.String(),
          currency: Type.String(),
          state: Type.String(),
          payments: Type.Integer(),
          amount: Type.String(),
          lastAt: Instant,
        }),
      ),
    }),
  },
});

const KeyView = Type.Object({
  number: Type.Integer(),
  provider: Type.String(),
  inUse: Flag,
  createdBy: Type.String(),
  createdAt: Instant,
  sealed: Type.Array(Type.Object({ place: Type.String(), count: Type.Integer() })),
});

export const listVaultKeys = defineOperation({
  id: 'listVaultKeys',
  method: 'GET',
  path: '/vault-keys',
  summary: 'Keys under which personal and account data are sealed, and how much with each',
  requirements: ['PAY-6.15'],
  access: custodian,
  responses: { 200: Type.Object({ items: Type.Array(KeyView) }) },
});

export const rotateVaultKey = defineOperation({
  id: 'rotateVaultKey',
  method: 'POST',
  path: '/vault-keys',
  summary: 'Take the next key into use; what was sealed before is sealed anew',
  requirements: ['PAY-6.15', 'PAY-6.3-b'],
  access: custodian,
  body: Type.Object(
    {
      reason: Text(500),
      replaces: Type.Optional(
        Type.Integer({
          minimum: 0,
          description: 'Number of the key that is replaced; once it is, nothing more happens',
        }),
      ),
    },
    closed,
  ),
  responses: { 200: Type.Object({ number: Type.Integer() }) },
});

export const reportOperations = {
  reportPayments,
  reportPayee,
  listVaultKeys,
  rotateVaultKey,
};
