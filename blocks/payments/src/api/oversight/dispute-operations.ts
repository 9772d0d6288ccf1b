import { defineOperation, Type } from '@govstack/platform/operation';
import { signedBySource } from '../published-headers.ts';
import { Code, closed, Flag, Id, Instant, Limit, Text } from '../schemas.ts';

const party = { caller: 'application', person: 'optional' } as const;
const manager = { caller: 'application', person: 'required' } as const;
const ofDispute = { params: Type.Object({ disputeId: Id }) } as const;
const References = Type.Optional(
  Type.Array(Text(100), { maxItems: 20, description: 'Numbers of documents and messages elsewhere' }),
);

const Reason = Type.Union([
  Type.Literal('not-received'),
  Type.Literal('wrong-amount'),
  Type.Literal('wrong-account'),
  Type.Literal('paid-twice'),
  Type.Literal('not-entitled'),
  Type.Literal('late'),
  Type.Literal('other'),
]);
const Outcome = Type.Union([Type.Literal('upheld'), Type.Literal('rejected')]);

const DisputeView = Type.Object({
  disputeId: Id,
  clientId: Type.String(),
  instructionId: Id,
  batchId: Id,
  sourceId: Type.String(),
  openedByParty: Type.String(),
  openedBy: Type.String(),
  reason: Reason,
  state: Type.String(),
  outcome: Type.Optional(Outcome),
  assignedTo: Type.Optional(Type.String()),
  caseId: Type.Optional(Id),
  openedAt: Instant,
  deadline: Instant,
  overdue: Flag,
  closedAt: Type.Optional(Instant),
});

export const openDispute = defineOperation({
  id: 'openDispute',
  method: 'POST',
  path: '/disputes',
  summary: 'Dispute or complain about a payment',
  description:
    'For its source, its rail, the institution of the payee, the payee (signed in, or through the source), and officers on a payee’s behalf. The payment stays what it is. The same id again answers the same dispute.',
  requirements: ['PAY-5.3.3-c', 'PAY-6.1-n'],
  access: party,
  ...signedBySource,
  body: Type.Object(
    {
      clientId: Code,
      instructionId: Id,
      reason: Reason,
      text: Text(4000),
      references: References,
      forPayee: Type.Optional(Flag),
      caseId: Type.Optional(Id),
    },
    closed,
  ),
  responses: { 200: Type.Object({ dispute: DisputeView, repeated: Flag }) },
});

export const listDisputes = defineOperation({
  id: 'listDisputes',
  method: 'GET',
  path: '/disputes',
  summary: 'Disputes you may see, newest first',
  requirements: ['PAY-5.3.3-c'],
  access: party,
  query: Type.Object({
    state: Type.Optional(Type.String({ maxLength: 20 })),
    instructionId: Type.Optional(Id),
    overdue: Type.Optional(Flag),
    mine: Type.Optional(Type.Boolean({ description: 'Only what you have opened yourself' })),
    before: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(DisputeView), next: Type.Optional(Id) }) },
});

export const getDispute = defineOperation({
  id: 'getDispute',
  method: 'GET',
  path: '/disputes/{disputeId}',
  summary: 'A dispute with everything that was said and done about it',
  requirements: ['PAY-5.3.3-c', 'PAY-6.1-n'],
  access: party,
  ...ofDispute,
  responses: {
    200: Type.Object({
      ...DisputeView.properties,
      entries: Type.Array(
        Type.Object({
          kind: Type.String(),
          from: Type.Optional(Type.String()),
          to: Type.Optional(Type.String()),
          actor: Type.String(),
          text: Type.Optional(Type.String()),
          references: Type.Array(Type.String()),
          at: Instant,
        }),
      ),
    }),
  },
});

export const commentDispute = defineOperation({
  id: 'commentDispute',
  method: 'POST',
  path: '/disputes/{disputeId}/comments',
  summary: 'Add evidence or an answer',
  access: party,
  ...signedBySource,
  ...ofDispute,
  body: Type.Object({ text: Text(4000), references: References }, closed),
  responses: { 200: DisputeView },
});

export const assignDispute = defineOperation({
  id: 'assignDispute',
  method: 'POST',
  path: '/disputes/{disputeId}/assignment',
  summary: 'Give a dispute to a person; it is under review from then on',
  access: manager,
  ...ofDispute,
  body: Type.Object({ assignee: Text(100) }, closed),
  responses: { 200: DisputeView },
});

export const moveDispute = defineOperation({
  id: 'moveDispute',
  method: 'POST',
  path: '/disputes/{disputeId}/state',
  summary: 'Take a dispute further: review, wait, resolve with an outcome; whoever opened it may withdraw it',
  requirements: ['PAY-5.3.3-c'],
  access: party,
  ...signedBySource,
  ...ofDispute,
  body: Type.Object(
    {
      to: Type.Union([
        Type.Literal('in-review'),
        Type.Literal('waiting'),
        Type.Literal('resolved'),
        Type.Literal('withdrawn'),
      ]),
      outcome: Type.Optional(Outcome),
      text: Type.Optional(Text(4000)),
    },
    closed,
  ),
  responses: { 200: DisputeView },
});

export const disputeOperations = {
  openDispute,
  listDisputes,
  getDispute,
  commentDispute,
  assignDispute,
  moveDispute,
};
