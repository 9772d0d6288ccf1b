import { defineOperation, Type } from '@govstack/platform/operation';
import { reading } from './record-operations.ts';

export const collectorFormats = ['otlp', 'webhook'] as const;
export const collectorShips = ['records', 'log', 'indicators'] as const;
export type CollectorFormat = (typeof collectorFormats)[number];
export type CollectorShips = (typeof collectorShips)[number];

const format = Type.Unsafe<CollectorFormat>({
  type: 'string',
  enum: [...collectorFormats],
  description:
    'otlp: OTLP/HTTP in JSON, below the URL under /v1/logs and /v1/metrics; webhook: one JSON document a batch to the URL',
});
const ships = Type.Array(Type.Unsafe<CollectorShips>({ type: 'string', enum: [...collectorShips] }), {
  minItems: 1,
  uniqueItems: true,
  maxItems: collectorShips.length,
});

export const collectorOperations = {
  getCollector: defineOperation({
    id: 'getCollector',
    method: 'GET',
    path: '/collector',
    summary: 'Where observations are shipped to, and how that goes on the node that answers',
    requirements: ['IM-5.2-e', 'IM-5.2-f'],
    access: reading,
    responses: {
      200: Type.Object({
        url: Type.Union([Type.String(), Type.Null()], { description: 'Null: nothing is shipped' }),
        format,
        ships: Type.Array(Type.String()),
        authorized: Type.Boolean({ description: 'A value for the header Authorization is set' }),
        waiting: Type.Integer(),
        lost: Type.Integer(),
        shipped: Type.Integer(),
        lastShippedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
        lastFailure: Type.Union([Type.String(), Type.Null()]),
      }),
    },
  }),
  putCollector: defineOperation({
    id: 'putCollector',
    method: 'PUT',
    path: '/collector',
    summary: 'Ship observations to an external service, in batches, from now on',
    description:
      'What cannot be shipped waits, up to a bound, and is tried again with growing delay. Every node ships its own, within seconds of the change.',
    requirements: ['IM-5.2-e', 'IM-5.2-f'],
    access: reading,
    body: Type.Object(
      {
        url: Type.String({ minLength: 1, maxLength: 2000 }),
        format,
        ships,
        authorization: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 4000,
            pattern: '^[\\x21-\\x7e]+( [\\x21-\\x7e]+)*$',
            description: 'Value of the header Authorization; it is kept sealed and never shown',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    responses: { 204: null },
  }),
  deleteCollector: defineOperation({
    id: 'deleteCollector',
    method: 'DELETE',
    path: '/collector',
    summary: 'Ship nothing from now on, whatever the settings say',
    requirements: ['IM-5.2-f'],
    access: reading,
    responses: { 204: null },
  }),
};
