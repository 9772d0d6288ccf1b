import { defineOperation, Type } from '@govstack/platform/operation';
import { reading } from './record-operations.ts';

const time = (what: string) =>
  Type.Optional(
    Type.Integer({ description: `${what}, milliseconds since 1970; absent: not since the start` }),
  );
const value = () => Type.Optional(Type.Number());

/** Names of X-Road’s health data [PR-OPMON]. */
const PeriodStatistics = Type.Object({
  successfulRequestCount: Type.Integer(),
  unsuccessfulRequestCount: Type.Integer(),
  requestMinDuration: value(),
  requestAverageDuration: value(),
  requestMaxDuration: value(),
  requestDurationStdDev: value(),
  requestMinSize: value(),
  requestAverageSize: value(),
  requestMaxSize: value(),
  requestSizeStdDev: value(),
  responseMinSize: value(),
  responseAverageSize: value(),
  responseMaxSize: value(),
  responseSizeStdDev: value(),
});

export const healthOperations = {
  listHealth: defineOperation({
    id: 'listHealth',
    method: 'GET',
    path: '/health',
    summary:
      'How the services this server provides have done of late: counts, durations (ms) and sizes (bytes)',
    description:
      'Durations and sizes are those of successful requests. An application sees the services it provides. The data are those of the node that answers, since it was started.',
    requirements: ['IM-6.7-b', 'IM-6.7-c'],
    access: reading,
    query: Type.Object({
      service: Type.Optional(Type.String({ maxLength: 504 })),
      pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      pageToken: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })),
    }),
    responses: {
      200: Type.Object({
        node: Type.String(),
        monitoringStartupTimestamp: Type.Integer(),
        statisticsPeriodSeconds: Type.Integer(),
        items: Type.Array(
          Type.Object({
            service: Type.String(),
            lastSuccessfulRequestTimestamp: time('Last success'),
            lastUnsuccessfulRequestTimestamp: time('Last failure'),
            lastPeriodStatistics: PeriodStatistics,
          }),
        ),
        nextPageToken: Type.Optional(Type.String()),
      }),
    },
  }),
};
