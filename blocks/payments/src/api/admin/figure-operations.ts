import { defineOperation, Type } from '@govstack/platform/operation';

const Code = Type.String({ pattern: '^[A-Za-z0-9._-]{1,36}$' });
const Instant = Type.String({ format: 'date-time' });
const overseer = { caller: 'application', person: 'optional' } as const;

export const readFailures = defineOperation({
  id: 'readFailures',
  method: 'GET',
  path: '/batches/{batchId}/failures',
  summary: 'Why payments of a run were not made, by reason and rail, most frequent first',
  requirements: ['PAY-5.3.1-k', 'PAY-6.6-j'],
  access: overseer,
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

export const readFigures = defineOperation({
  id: 'readFigures',
  method: 'GET',
  path: '/figures',
  summary: 'Payments by period, programme, rail and state, of the runs you may see',
  description:
    'A payment belongs to the period in which its run was handed over. Periods begin at midnight UTC; at most 100 days or 40 months.',
  requirements: ['PAY-6.6-e', 'PAY-6.6-j', 'PAY-5.1.16-b'],
  access: overseer,
  query: Type.Object({
    interval: Type.Union([Type.Literal('day'), Type.Literal('month')]),
    from: Instant,
    to: Type.Optional(Instant),
    sourceId: Type.Optional(Code),
    programmeId: Type.Optional(Code),
  }),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          period: Type.String({ description: 'First day, YYYY-MM-DD' }),
          sourceId: Type.String(),
          programmeId: Type.String(),
          rail: Type.Optional(Type.String()),
          state: Type.String(),
          currency: Type.String(),
          count: Type.Integer(),
          amount: Type.String(),
        }),
      ),
    }),
  },
});
