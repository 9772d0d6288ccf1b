import { defineOperation, Type } from '@govstack/platform/operation';
import { Reason, StartedInstance, Time, Uuid, Variables } from './schemas.ts';

const administrator = { caller: 'application', person: 'optional' } as const;
const instanceId = Type.Object({ instanceId: Uuid });
const tokenOf = Type.Object({ instanceId: Uuid, tokenId: Uuid });
const revision = Type.Integer({
  minimum: 0,
  description: 'Revision of the instance that the operator has seen',
});
const strict = { additionalProperties: false } as const;
const Repaired = Type.Object({ ...StartedInstance.properties, revision: Type.Integer() });

const getInstanceTokens = defineOperation({
  id: 'getInstanceTokens',
  method: 'GET',
  path: '/instances/{instanceId}/tokens',
  summary: 'Where an instance stands: its scopes and tokens, what each waits for; at most 2,000 of each',
  access: administrator,
  params: instanceId,
  responses: {
    200: Type.Object({
      revision: Type.Integer(),
      scopes: Type.Array(
        Type.Object({
          id: Uuid,
          kind: Type.String(),
          elementId: Type.String(),
          parent: Type.Optional(Uuid),
          index: Type.Optional(Type.Integer({ description: 'Place in the collection, of an iteration' })),
        }),
      ),
      tokens: Type.Array(
        Type.Object({
          id: Uuid,
          scopeId: Uuid,
          elementId: Type.String(),
          waitsFor: Type.String({
            description: '`job`, `task`, `event`, `join`, `scope`, `adHoc`, `incident`, …',
          }),
          timers: Type.Array(Type.Object({ elementId: Type.String(), due: Time })),
        }),
      ),
    }),
  },
});

const setInstanceVariables = defineOperation({
  id: 'setInstanceVariables',
  method: 'POST',
  path: '/instances/{instanceId}/variables',
  summary: 'Set variables of a running instance',
  description:
    'Of the process, or as seen from a scope. 409 when the instance is no longer in the revision seen. The history keeps their names, who and why; never their values.',
  requirements: ['WF-5.1.2-a', 'WF-5.1.2-b'],
  access: administrator,
  idempotent: true,
  params: instanceId,
  body: Type.Object({ revision, variables: Variables, scopeId: Type.Optional(Uuid), reason: Reason }, strict),
  bodyLimit: 4 * 1024 * 1024,
  responses: { 200: Repaired },
});

const moveToken = defineOperation({
  id: 'moveToken',
  method: 'POST',
  path: '/instances/{instanceId}/tokens/{tokenId}/move',
  summary: 'Move a token to another element of its scope',
  description:
    'What it waited for is withdrawn: task, job, timers, messages, sub-process. 422 when a join would wait for ever, or for a place where no token can stand.',
  access: administrator,
  idempotent: true,
  params: tokenOf,
  body: Type.Object(
    { revision, elementId: Type.String({ minLength: 1, maxLength: 200 }), reason: Reason },
    strict,
  ),
  responses: { 200: Repaired },
});

const cancelToken = defineOperation({
  id: 'cancelToken',
  method: 'POST',
  path: '/instances/{instanceId}/tokens/{tokenId}/cancel',
  summary: 'Remove a token with all it waits for; the others go on',
  description: '422 for the last token of its scope, and when a join would wait for ever.',
  access: administrator,
  idempotent: true,
  params: tokenOf,
  body: Type.Object({ revision, reason: Reason }, strict),
  responses: { 200: Repaired },
});

const activateElement = defineOperation({
  id: 'activateElement',
  method: 'POST',
  path: '/instances/{instanceId}/tokens/{tokenId}/activate',
  summary: 'Begin an activity of an ad-hoc sub-process',
  description:
    'The token is the one that waits for the sub-process (`adHoc`). In a sequential one it is begun after what is under way. 422 for an activity to which a flow leads, and when the sub-process is over.',
  access: administrator,
  idempotent: true,
  params: tokenOf,
  body: Type.Object(
    { revision, elementId: Type.String({ minLength: 1, maxLength: 200 }), reason: Reason },
    strict,
  ),
  responses: { 200: Repaired },
});

const cancelInstance = defineOperation({
  id: 'cancelInstance',
  method: 'POST',
  path: '/instances/{instanceId}/cancel',
  summary: 'End a running instance, saying why',
  access: administrator,
  idempotent: true,
  params: instanceId,
  body: Type.Object({ reason: Reason }, strict),
  responses: { 200: Repaired },
});

/** What an operator does to a running instance: each is one event, in one transaction, with who and why. */
export const repairOperations = {
  getInstanceTokens,
  setInstanceVariables,
  moveToken,
  cancelToken,
  activateElement,
  cancelInstance,
};
