import { defineOperation, Type } from '@govstack/platform/operation';
import { analyst, closed, code, nullable, text } from './shapes.ts';

const Checkpoint = Type.Object({
  number: Type.Integer(),
  from: Type.String({ description: 'First place of the chain under it' }),
  to: Type.String({ description: 'Last one' }),
  at: Type.String(),
  signed: Type.String({ description: 'Compact JWS (ES256) over what it says' }),
});

/** What shows that a change is in the chain: checked offline by `@govstack/digital-registries/verify`. */
const ProvenChange = Type.Object({
  position: Type.String(),
  registryId: Type.String(),
  record: Type.String(),
  rowVersion: Type.Integer(),
  action: Type.String(),
  application: Type.String(),
  operator: nullable(Type.String()),
  person: nullable(Type.String()),
  exchangeId: Type.String(),
  at: Type.String(),
  scheme: Type.Integer(),
  beforeDigest: nullable(Type.String()),
  afterDigest: nullable(Type.String()),
  digest: Type.String(),
  checkpoint: Type.Integer(),
  path: Type.String({ description: 'Steps from the change to the root that the checkpoint signs, base64' }),
  content: Type.Optional(
    Type.Object(
      {
        salt: nullable(Type.String()),
        before: nullable(Type.String()),
        after: nullable(Type.String()),
      },
      { description: 'What it said, by field id, when asked for and not erased' },
    ),
  ),
});

export const proofOperations = {
  listCheckpoints: defineOperation({
    id: 'listCheckpoints',
    method: 'GET',
    path: '/checkpoints',
    summary: 'Signed checkpoints of the chain of changes, oldest first unless the newest are asked for',
    requirements: ['REG-6.1-7-d', 'REG-6.1-7-e'],
    access: { caller: 'application' },
    query: Type.Object({
      after: Type.Optional(Type.Integer({ minimum: 0, description: 'Number of the last one known' })),
      newest: Type.Optional(Type.Boolean({ description: 'The newest, newest first' })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    }),
    responses: { 200: Type.Object({ checkpoints: Type.Array(Checkpoint) }) },
  }),
  listCheckpointKeys: defineOperation({
    id: 'listCheckpointKeys',
    method: 'GET',
    path: '/checkpoint-keys',
    summary: 'Public keys under checkpoints, as a JSON Web Key Set',
    access: { caller: 'application' },
    responses: { 200: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) }) },
  }),
  makeCheckpoint: defineOperation({
    id: 'makeCheckpoint',
    method: 'POST',
    path: '/checkpoints',
    summary: 'Sign what is in the chain now, without waiting for the hour',
    requirements: ['REG-6.1-7-d'],
    access: analyst,
    responses: { 200: Type.Object({ newest: Type.Integer({ description: '0: nothing was ever changed' }) }) },
  }),
  exportChanges: defineOperation({
    id: 'exportChanges',
    method: 'POST',
    path: '/changes/export',
    summary:
      'Changes of a registry under checkpoints, oldest first, each with the proof that it is in the chain',
    description: 'With `contents` what they said comes along, by field id; that is a read of personal data.',
    requirements: ['REG-6.1-7-d'],
    access: analyst,
    body: Type.Object(
      {
        registry: code,
        after: Type.Optional(text(20, 'Place of the last one known')),
        pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
        contents: Type.Optional(Type.Boolean()),
      },
      closed,
    ),
    responses: {
      200: Type.Object({ changes: Type.Array(ProvenChange), next: Type.Optional(Type.String()) }),
    },
  }),
  verifyChain: defineOperation({
    id: 'verifyChain',
    method: 'POST',
    path: '/changes/verification',
    summary: 'Recompute the chain over all changes, from a checkpoint onward',
    requirements: ['REG-6.1-7-d'],
    access: analyst,
    body: Type.Object(
      {
        fromCheckpoint: Type.Optional(
          Type.Integer({ minimum: 0, description: 'Trust what is under this one; 0: from the beginning' }),
        ),
      },
      closed,
    ),
    responses: {
      200: Type.Object({
        changes: Type.Integer({ description: 'How many were looked at and hold' }),
        brokenAt: nullable(Type.String({ description: 'The first place that does not hold' })),
        reason: nullable(Type.String()),
        checkpoints: Type.Integer({ description: 'Checkpoints that were compared' }),
        complete: Type.Boolean({ description: 'False: there are more than one call looks at' }),
      }),
    },
  }),
};
