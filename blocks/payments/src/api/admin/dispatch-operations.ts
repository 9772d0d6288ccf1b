import { defineOperation, Type } from '@govstack/platform/operation';
import { signedBySource } from '../published-headers.ts';
import { closed, Id, Instant } from '../schemas.ts';

const RailId = Type.String({ pattern: '^[A-Za-z0-9._-]{1,36}$' });
const Reason = Type.String({ minLength: 1, maxLength: 500 });
const access = { caller: 'application', person: 'optional' } as const;
const decider = {
  caller: 'application',
  person: 'required',
  roles: ['administrator', 'payment-approver'],
} as const;

const inBatch = { params: Type.Object({ batchId: Id }) } as const;
const ofInstruction = { params: Type.Object({ instructionId: Id }) } as const;

const RunState = Type.Object({
  batchId: Id,
  state: Type.String(),
  paused: Type.Boolean(),
  stopped: Type.Boolean({ description: 'Nothing more leaves; what is out is awaited' }),
  priority: Type.String(),
});

const pauseBatch = defineOperation({
  id: 'pauseBatch',
  method: 'POST',
  path: '/batches/{batchId}/pause',
  summary: 'Let nothing more of a run leave until it is resumed',
  description: 'What is being sent at this moment still goes out. `resumeBatch` lets the run go on.',
  requirements: ['PAY-6.1-j', 'PAY-6.1-c'],
  access,
  ...signedBySource,
  ...inBatch,
  body: Type.Object({ reason: Reason }, closed),
  responses: { 200: RunState },
});

const stopBatch = defineOperation({
  id: 'stopBatch',
  method: 'POST',
  path: '/batches/{batchId}/stop',
  summary: 'End a run under payment: what has not left goes back, what is out is awaited',
  requirements: ['PAY-6.1-c'],
  access,
  ...signedBySource,
  ...inBatch,
  body: Type.Object({ reason: Reason }, closed),
  responses: { 200: RunState },
});

const setBatchPriority = defineOperation({
  id: 'setBatchPriority',
  method: 'PUT',
  path: '/batches/{batchId}/priority',
  summary: 'Have a run paid before or after others: emergency payments first',
  requirements: ['PAY-6.1-i', 'PAY-6.9-d'],
  access,
  ...inBatch,
  body: Type.Object(
    {
      priority: Type.Union([Type.Literal('urgent'), Type.Literal('normal'), Type.Literal('low')]),
      reason: Reason,
    },
    closed,
  ),
  responses: { 200: RunState },
});

const failWaitingInstructions = defineOperation({
  id: 'failWaitingInstructions',
  method: 'POST',
  path: '/batches/{batchId}/fail-waiting',
  summary: 'Fail what of a run waits for a rail that is not active any more',
  description:
    'Nothing of it has left. `retryFailedInstructions` makes a run of it that goes over the rails that are active then, and needs its own approval.',
  requirements: ['PAY-6.1-c', 'PAY-6.9-i'],
  access,
  ...signedBySource,
  ...inBatch,
  body: Type.Object({ railId: RailId, reason: Reason }, closed),
  responses: { 200: Type.Object({ failed: Type.Integer() }) },
});

const listRailTraffic = defineOperation({
  id: 'listRailTraffic',
  method: 'GET',
  path: '/rails/traffic',
  summary:
    'How things stand at each rail: circuit breaker, opening hours, payments that wait, are out or unknown',
  requirements: ['PAY-6.1-b', 'PAY-6.9-d'],
  access,
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          railId: Type.String(),
          active: Type.Boolean(),
          open: Type.Boolean({ description: 'Whether its calendar lets payments leave now' }),
          circuit: Type.String({ description: 'closed, open (nothing is sent) or half-open (one tries it)' }),
          faults: Type.Integer({
            description: 'Sendings without an answer since the last one with an answer',
          }),
          restUntil: Type.Optional(Instant),
          waiting: Type.Integer({ description: 'Payments in sub-batches that wait' }),
          waitingSubBatches: Type.Integer(),
          out: Type.Integer({ description: 'Payments sent and not answered finally' }),
          unknown: Type.Integer(),
          oldestOutAt: Type.Optional(Instant),
        }),
      ),
    }),
  },
});

const listUnknowns = defineOperation({
  id: 'listUnknowns',
  method: 'GET',
  path: '/unknowns',
  summary: 'Payments that left and of which nobody has said how they ended, oldest first',
  requirements: ['PAY-5.3.1-k', 'PAY-6.1-c'],
  access,
  query: Type.Object({
    railId: Type.Optional(RailId),
    olderThanSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 365 * 86_400 })),
    after: Type.Optional(Id),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
  }),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          instructionId: Id,
          batchId: Id,
          rail: Type.String(),
          amount: Type.String(),
          currency: Type.String(),
          state: Type.String(),
          isoStatus: Type.String(),
          reasonCode: Type.Optional(Type.String()),
          firstSentAt: Instant,
          sends: Type.Integer(),
          asked: Type.Integer(),
        }),
      ),
      next: Type.Optional(Id),
    }),
  },
});

const askRail = defineOperation({
  id: 'askRail',
  method: 'POST',
  path: '/instructions/{instructionId}/ask',
  summary: 'Ask the rail now what became of a payment that is out',
  requirements: ['PAY-5.3.1-k'],
  access,
  ...ofInstruction,
  responses: {
    200: Type.Object({
      said: Type.String({ description: 'What the rail says' }),
      state: Type.String({ description: 'State of the payment after it' }),
      isoStatus: Type.String(),
    }),
  },
});

const decideUnknown = defineOperation({
  id: 'decideUnknown',
  method: 'POST',
  path: '/instructions/{instructionId}/decide',
  summary: 'Decide on evidence what became of a payment of unknown outcome',
  requirements: ['PAY-5.3.1-k', 'PAY-6.1-c'],
  access: decider,
  ...ofInstruction,
  body: Type.Object(
    {
      outcome: Type.Union([Type.Literal('paid'), Type.Literal('not-paid')]),
      evidence: Type.String({ minLength: 1, maxLength: 1000 }),
    },
    closed,
  ),
  responses: { 200: Type.Object({ caseId: Id, outcome: Type.String() }) },
});

/** Control over what leaves, and over what left without an answer. */
export const dispatchOperations = {
  pauseBatch,
  stopBatch,
  setBatchPriority,
  failWaitingInstructions,
  listRailTraffic,
  listUnknowns,
  askRail,
  decideUnknown,
} as const;
