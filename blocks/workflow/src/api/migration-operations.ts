import { defineOperation, Type } from '@govstack/platform/operation';
import { Id, Reason, Uuid } from './schemas.ts';

const administrator = { caller: 'application', person: 'optional' } as const;
const processId = Type.Object({ processId: Id });
const ElementId = Type.String({ minLength: 1, maxLength: 200 });

const migration = {
  to: Type.String({ minLength: 1, maxLength: 300, description: 'Id of the other revision' }),
  elements: Type.Optional(
    Type.Record(Type.String(), ElementId, {
      maxProperties: 1000,
      description: 'Elements and flows that have another id there; all others keep theirs',
    }),
  ),
  instanceIds: Type.Optional(Type.Array(Uuid, { minItems: 1, maxItems: 100, uniqueItems: true })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 100 })),
  after: Type.Optional(Uuid),
};
const Obstacles = Type.Array(Type.Object({ elementId: Type.String(), message: Type.String() }));

const previewMigration = defineOperation({
  id: 'previewMigration',
  method: 'POST',
  path: '/processes/{processId}/migrations/preview',
  summary: 'What would move, and what cannot and why, if running instances went over to another revision',
  access: administrator,
  params: processId,
  body: Type.Object(migration, { additionalProperties: false }),
  responses: {
    200: Type.Object({
      instances: Type.Array(
        Type.Object({
          instanceId: Uuid,
          possible: Type.Boolean(),
          moves: Type.Array(Type.Object({ tokenId: Uuid, from: Type.String(), to: Type.String() })),
          obstacles: Obstacles,
        }),
      ),
      next: Type.Optional(Uuid),
    }),
  },
});

const migrateInstances = defineOperation({
  id: 'migrateInstances',
  method: 'POST',
  path: '/processes/{processId}/migrations',
  summary: 'Let running instances go over to another revision of their process',
  description:
    'Each in its own transaction: one that cannot is left as it is and named, the others go. Calls under way keep their idempotency key; tasks, timers and messages waited for stay. Events that are new begin to wait, those that are gone end. One that is there already counts as gone over, so that a request may be repeated.',
  requirements: ['WF-5.1.2-a', 'WF-5.1.2-b'],
  access: administrator,
  params: processId,
  body: Type.Object({ ...migration, reason: Reason }, { additionalProperties: false }),
  responses: {
    200: Type.Object({
      migrated: Type.Integer(),
      instances: Type.Array(
        Type.Object({ instanceId: Uuid, migrated: Type.Boolean(), obstacles: Obstacles }),
      ),
      next: Type.Optional(Uuid),
    }),
  },
});

/** Running instances go over to another revision of their process. */
export const migrationOperations = { previewMigration, migrateInstances };
