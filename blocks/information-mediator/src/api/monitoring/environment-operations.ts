import { defineOperation, Type } from '@govstack/platform/operation';
import {
  EnvironmentSample,
  EnvironmentSnapshot,
  type SampledPart,
  type SnapshotPart,
  sampledParts,
  snapshotParts,
} from './environment-schema.ts';
import { reading } from './record-operations.ts';

const period = {
  from: Type.Optional(Type.String({ format: 'date-time', description: 'A day before `to` when left out' })),
  to: Type.Optional(Type.String({ format: 'date-time', description: 'Now when left out' })),
  node: Type.Optional(Type.String({ maxLength: 255, description: 'Only this machine' })),
  pageToken: Type.Optional(Type.String({ minLength: 1, maxLength: 400 })),
};
const parts = Type.Optional(
  Type.Array(Type.Unsafe<SampledPart>({ type: 'string', enum: [...sampledParts] }), {
    minItems: 1,
    maxItems: sampledParts.length,
    description: 'Only these parts; all that may be read when left out',
  }),
);
const part = Type.Unsafe<SnapshotPart>({ type: 'string', enum: [...snapshotParts] });

export const environmentOperations = {
  getEnvironment: defineOperation({
    id: 'getEnvironment',
    method: 'GET',
    path: '/environment',
    summary: 'The machine that answers, now',
    description: 'The owner of the server sees all parts, others those that the settings let them see.',
    requirements: ['IM-6.7-e', 'IM-6.7-f', 'IM-6.7-g'],
    access: reading,
    query: Type.Object({ parts }),
    responses: { 200: EnvironmentSample },
  }),
  listEnvironment: defineOperation({
    id: 'listEnvironment',
    method: 'GET',
    path: '/environment/history',
    summary: 'The machines of this server over a period, a sample a minute',
    requirements: ['IM-6.7-e', 'IM-6.7-f', 'IM-6.7-g', 'IM-4.5-a'],
    access: reading,
    query: Type.Object({
      ...period,
      parts,
      pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 1500 })),
    }),
    responses: {
      200: Type.Object({
        items: Type.Array(EnvironmentSample),
        nextPageToken: Type.Optional(Type.String()),
      }),
    },
  }),
  takeEnvironmentSnapshot: defineOperation({
    id: 'takeEnvironmentSnapshot',
    method: 'POST',
    path: '/environment/snapshots/{part}',
    summary: 'Look at what runs or is installed on the machine that answers, and keep it in the history',
    requirements: ['IM-6.7-e', 'IM-6.7-g'],
    access: reading,
    params: Type.Object({ part }),
    responses: { 200: EnvironmentSnapshot },
  }),
  listEnvironmentSnapshots: defineOperation({
    id: 'listEnvironmentSnapshots',
    method: 'GET',
    path: '/environment/snapshots/{part}/history',
    summary: 'What ran or was installed in a period, as it was looked at each hour and on demand',
    requirements: ['IM-6.7-e', 'IM-6.7-g'],
    access: reading,
    params: Type.Object({ part }),
    query: Type.Object({
      ...period,
      pageSize: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 24, description: '24 unless said otherwise' }),
      ),
    }),
    responses: {
      200: Type.Object({
        items: Type.Array(EnvironmentSnapshot),
        nextPageToken: Type.Optional(Type.String()),
      }),
    },
  }),
};
