import { defineOperation, Type } from '@govstack/platform/operation';
import { reading } from './record-operations.ts';

const text = (maxLength: number) => Type.Optional(Type.String({ minLength: 1, maxLength }));

export const indicatorOperations = {
  getIndicators: defineOperation({
    id: 'getIndicators',
    method: 'GET',
    path: '/indicators',
    summary: 'Resource use, throughput, latency and backlogs of the node that answers',
    requirements: ['IM-5.2-a', 'IM-5.2-b', 'IM-8.5-a'],
    access: reading,
    responses: {
      200: Type.Object({
        node: Type.String(),
        at: Type.String({ format: 'date-time' }),
        uptimeSeconds: Type.Integer(),
        throughput: Type.Object({
          windowSeconds: Type.Integer(),
          exchanges: Type.Integer(),
          failed: Type.Integer(),
          perSecond: Type.Number(),
        }),
        latency: Type.Union(
          [
            Type.Object({
              mean: Type.Number(),
              p50: Type.Number(),
              p95: Type.Number(),
              p99: Type.Number(),
              max: Type.Number(),
            }),
            Type.Null(),
          ],
          {
            description:
              'Milliseconds from request to answer, of the same window; quantiles to a fifth; null: there was no exchange',
          },
        ),
        resources: Type.Object({
          processorPercent: Type.Number({ description: 'Of one processor, since the last look' }),
          eventLoopPercent: Type.Number({ description: 'How much of the time the event loop was busy' }),
          residentBytes: Type.Integer(),
          heapBytes: Type.Integer(),
          load: Type.Array(Type.Number()),
          databaseConnections: Type.Object({
            open: Type.Integer(),
            idle: Type.Integer(),
            waiting: Type.Integer({ description: 'Who waits for one' }),
          }),
        }),
        backlogs: Type.Object({
          messageLog: Type.Integer(),
          operationalRecords: Type.Integer(),
          systemLog: Type.Integer(),
          collector: Type.Integer(),
          eventDeliveries: Type.Integer(),
          deadDeliveries: Type.Integer(),
          jobs: Type.Integer({ description: 'Background work that waits' }),
        }),
        lost: Type.Object({ operationalRecords: Type.Integer(), collector: Type.Integer() }),
      }),
    },
  }),
  getPrometheusMetrics: defineOperation({
    id: 'getPrometheusMetrics',
    method: 'GET',
    path: '/metrics',
    summary: 'All metrics of the node that answers, in the text form of Prometheus',
    requirements: ['IM-5.2-b'],
    access: reading,
    responses: { 200: Type.String({ contentMediaType: 'text/plain' }) },
  }),
  searchSystemLog: defineOperation({
    id: 'searchSystemLog',
    method: 'GET',
    path: '/system-log',
    summary: 'Warnings and errors of the mediator, the newest first',
    description:
      'Refusals for want of a right are among the warnings. Lines hold ids, never what was exchanged.',
    requirements: ['IM-8.4-a'],
    access: reading,
    query: Type.Object({
      level: Type.Optional(
        Type.Unsafe<'warn' | 'error' | 'fatal'>({
          type: 'string',
          enum: ['warn', 'error', 'fatal'],
          description: 'This one and graver ones; warn unless said otherwise',
        }),
      ),
      text: text(200),
      exchangeId: text(36),
      correlationId: text(128),
      from: Type.Optional(Type.String({ format: 'date-time' })),
      to: Type.Optional(Type.String({ format: 'date-time' })),
      pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
      pageToken: text(100),
    }),
    responses: {
      200: Type.Object({
        items: Type.Array(
          Type.Object({
            at: Type.String({ format: 'date-time' }),
            node: Type.String(),
            level: Type.String(),
            message: Type.String(),
            fields: Type.Record(Type.String(), Type.Unknown()),
          }),
        ),
        nextPageToken: Type.Optional(Type.String()),
      }),
    },
  }),
};
