import { defineOperation, Type } from '@govstack/platform/operation';
import { CsvText, reading } from './record-operations.ts';

/** By what exchanges can be told apart in a report (IM-6.6-f). */
const dimensionNames = [
  'organisation',
  'application',
  'service',
  'consumer',
  'consumerOrganisation',
  'status',
  'error',
] as const;
export type Dimension = (typeof dimensionNames)[number];

const query = Type.Object({
  from: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'The hour in which this is; 31 days before `to` when left out',
    }),
  ),
  to: Type.Optional(
    Type.String({ format: 'date-time', description: 'Hours that begin before this; now when left out' }),
  ),
  interval: Type.Optional(
    Type.Union([Type.Literal('hour'), Type.Literal('day'), Type.Literal('period')], {
      description: 'Sums of each hour, each UTC day, or of the whole period (unless said otherwise)',
    }),
  ),
  by: Type.Optional(
    Type.Array(Type.Unsafe<Dimension>({ type: 'string', enum: [...dimensionNames] }), {
      maxItems: dimensionNames.length,
      uniqueItems: true,
      description:
        'What is told apart; the service unless said otherwise. organisation and application are those that provide the service, consumer is an application',
    }),
  ),
  service: Type.Optional(Type.String({ maxLength: 504 })),
  consumer: Type.Optional(Type.String({ maxLength: 403 })),
  pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  pageToken: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
});

const StatisticsRow = Type.Object({
  from: Type.String({ format: 'date-time' }),
  organisation: Type.Optional(Type.String()),
  application: Type.Optional(Type.String()),
  service: Type.Optional(Type.String({ description: '`unknown`: one that was not registered' })),
  consumer: Type.Optional(Type.String()),
  consumerOrganisation: Type.Optional(Type.String()),
  status: Type.Optional(Type.Integer()),
  error: Type.Optional(
    Type.String({ description: 'X-Road error type, empty when the mediator did not refuse' }),
  ),
  exchanges: Type.Integer(),
  succeeded: Type.Integer(),
  failed: Type.Integer(),
  refused: Type.Integer({ description: 'Of the failed: refused by the mediator' }),
  meanMs: Type.Number(),
  longestMs: Type.Integer(),
  requestBytes: Type.Integer(),
  responseBytes: Type.Integer(),
});

export const statisticsOperations = {
  getStatistics: defineOperation({
    id: 'getStatistics',
    method: 'GET',
    path: '/statistics',
    summary: 'Exchanges per organisation, application, service, consumer and status in a period',
    description:
      'An exchange counts once in the hour in which it began. Sums outlive the records they come from.',
    requirements: ['IM-6.6-f', 'IM-4.5-a'],
    access: reading,
    query,
    responses: {
      200: Type.Object({ items: Type.Array(StatisticsRow), nextPageToken: Type.Optional(Type.String()) }),
    },
  }),
  getStatisticsCsv: defineOperation({
    id: 'getStatisticsCsv',
    method: 'GET',
    path: '/statistics.csv',
    summary: 'The same as a table; the token of the next page stands in the header X-Next-Page-Token',
    requirements: ['IM-6.6-f'],
    access: reading,
    query,
    responses: { 200: CsvText },
  }),
};
