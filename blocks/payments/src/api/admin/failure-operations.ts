import { defineOperation, Type } from '@govstack/platform/operation';

export const readFailures = defineOperation({
  id: 'readFailures',
  method: 'GET',
  path: '/batches/{batchId}/failures',
  summary: 'Why payments of a run were not made, by reason and rail, most frequent first',
  requirements: ['PAY-5.3.1-k', 'PAY-6.6-j'],
  access: { caller: 'application', person: 'optional' },
  params: Type.Object({ batchId: Type.String({ format: 'uuid' }) }),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          state: Type.String(),
          reasonCode: Type.Optional(Type.String()),
          rail: Type.Optional(Type.String({ description: 'Absent when no rail was asked' })),
          count: Type.Integer(),
          amount: Type.String(),
        }),
      ),
    }),
  },
});
