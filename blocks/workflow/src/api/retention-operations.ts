import { defineOperation, Type } from '@govstack/platform/operation';
import { Id, OrNull, Reason, Time, Uuid } from './schemas.ts';

const administrator = { caller: 'application', person: 'optional' } as const;
const processId = Type.Object({ processId: Id });
const days = OrNull(Type.Integer({ minimum: 1, maximum: 36_500, description: 'null: kept for ever' }));
const Retention = Type.Object({ processKey: Type.String(), days });

const getRetention = defineOperation({
  id: 'getRetention',
  method: 'GET',
  path: '/processes/{processId}/retention',
  summary: 'How many days ended instances of a process are kept',
  access: administrator,
  params: processId,
  responses: { 200: Retention },
});

const setRetention = defineOperation({
  id: 'setRetention',
  method: 'PUT',
  path: '/processes/{processId}/retention',
  summary: 'Keep ended instances of a process, all revisions, for so many days only',
  description:
    'Afterwards they are removed with their history, a bounded number at a time; the log of changes tells how many.',
  requirements: ['WF-5.1.2-a', 'WF-5.1.2-b'],
  access: administrator,
  params: processId,
  body: Type.Object({ days, reason: Reason }, { additionalProperties: false }),
  responses: { 200: Retention },
});

const eraseVariables = defineOperation({
  id: 'eraseVariables',
  method: 'POST',
  path: '/instances/{instanceId}/erase',
  summary: 'Erase variables of an ended instance, named ones or all',
  description:
    'With what its tasks showed, comments, messages and the words of incidents. `reason` is the legal ground. History and log keep the names, who and why.',
  requirements: ['WF-5.1.2-a', 'WF-5.1.2-b'],
  access: administrator,
  idempotent: true,
  params: Type.Object({ instanceId: Uuid }),
  body: Type.Object(
    {
      variables: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000]*$' }), {
          minItems: 1,
          maxItems: 1000,
        }),
      ),
      reason: Reason,
    },
    { additionalProperties: false },
  ),
  responses: { 200: Type.Object({ erased: Type.Array(Type.String()) }) },
});

const listChanges = defineOperation({
  id: 'listChanges',
  method: 'GET',
  path: '/changes',
  summary:
    'What was decided about instances as data, what was removed, and what rights people were given, newest first',
  requirements: ['WF-5.1.2-a', 'WF-5.1.2-b'],
  access: administrator,
  query: Type.Object({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
    before: Type.Optional(
      Type.String({ pattern: '^\\d{1,18}$', description: 'The `next` of the page before' }),
    ),
  }),
  responses: {
    200: Type.Object({
      changes: Type.Array(
        Type.Object({
          id: Type.String(),
          at: Time,
          processKey: OrNull(Type.String()),
          instanceId: OrNull(Uuid),
          action: Type.String(),
          detail: Type.String(),
          reason: OrNull(Type.String()),
          application: Type.String(),
          actor: Type.String(),
          organisation: Type.String(),
        }),
      ),
      next: Type.Optional(Type.String()),
    }),
  },
});

/** How long instances are kept, and what is erased before. */
export const retentionOperations = { getRetention, setRetention, eraseVariables, listChanges };
