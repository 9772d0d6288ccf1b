import { defineOperation, Type } from '@govstack/platform/operation';
import { Code, closed, Flag, Id, Instant, Limit, Text } from '../schemas.ts';

const administrator = { caller: 'application', person: 'optional' } as const;

const checkFields = {
  name: Text(100),
  kind: Type.Union([
    Type.Literal('kyc'),
    Type.Literal('aml'),
    Type.Literal('sanctions'),
    Type.Literal('deceased'),
    Type.Literal('account-status'),
    Type.Literal('other'),
  ]),
  service: Type.String({
    maxLength: 500,
    description: 'INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE that speaks screening-v1',
  }),
  sourceId: Type.Optional(Code),
  programmeId: Type.Optional(Code),
  onHit: Type.Union([Type.Literal('reject'), Type.Literal('review')], {
    description: '`review`: the run waits until a person has released or rejected the payment',
  }),
  sendsAccount: Type.Optional(Type.Boolean({ description: 'Whether the service is told the account, too' })),
  timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 300 })),
  active: Type.Optional(Flag),
};
const CheckView = Type.Object({
  checkId: Type.String(),
  ...checkFields,
  sendsAccount: Flag,
  timeoutSeconds: Type.Integer(),
  active: Flag,
});

export const putScreeningCheck = defineOperation({
  id: 'putScreeningCheck',
  method: 'PUT',
  path: '/screening/checks/{checkId}',
  summary: 'Have an outside service asked about payees before a run can be approved',
  description:
    'For all payments, those of a source, or of one programme. A service that does not answer delays the run.',
  requirements: ['PAY-5.1.4', 'PAY-5.1.6', 'PAY-6.1-j'],
  access: administrator,
  params: Type.Object({ checkId: Code }),
  body: Type.Object(checkFields, closed),
  responses: { 200: CheckView },
});

export const listScreeningChecks = defineOperation({
  id: 'listScreeningChecks',
  method: 'GET',
  path: '/screening/checks',
  summary: 'Outside services that are asked about payees',
  access: administrator,
  responses: { 200: Type.Object({ items: Type.Array(CheckView) }) },
});

const ReviewView = Type.Object({
  reviewId: Id,
  batchId: Id,
  instructionId: Id,
  check: Type.String(),
  checkName: Type.Optional(Type.String({ description: 'Of a check that is set up; not of the block’s own' })),
  reasonCode: Type.Optional(Type.String()),
  state: Type.String(),
  openedAt: Instant,
  decidedBy: Type.Optional(Type.String()),
  decidedAt: Type.Optional(Instant),
  note: Type.Optional(Type.String()),
});

export const listReviews = defineOperation({
  id: 'listReviews',
  method: 'GET',
  path: '/screening/reviews',
  summary: 'Payments that wait for a person, or that one has decided',
  requirements: ['PAY-6.9-i', 'PAY-6.1-j'],
  access: administrator,
  query: Type.Object({
    state: Type.Optional(
      Type.Union([Type.Literal('open'), Type.Literal('released'), Type.Literal('rejected')]),
    ),
    batchId: Type.Optional(Id),
    instructionId: Type.Optional(Id),
    after: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(ReviewView), next: Type.Optional(Id) }) },
});

export const decideReview = defineOperation({
  id: 'decideReview',
  method: 'POST',
  path: '/screening/reviews/{reviewId}/decision',
  summary:
    'Release a payment that a check has stopped, or reject it; as another person than the maker of the run',
  requirements: ['PAY-6.9-i', 'PAY-6.1-j', 'PAY-6.1-h'],
  access: { caller: 'application', person: 'required' },
  params: Type.Object({ reviewId: Id }),
  body: Type.Object(
    { decision: Type.Union([Type.Literal('released'), Type.Literal('rejected')]), note: Text(1000) },
    closed,
  ),
  responses: { 200: ReviewView },
});

export const listSharedAccounts = defineOperation({
  id: 'listSharedAccounts',
  method: 'GET',
  path: '/mapper/shared-accounts',
  summary: 'Accounts to which several payees want to be paid, the most shared first',
  requirements: ['PAY-6.9-g'],
  access: administrator,
  query: Type.Object({ least: Type.Optional(Type.Integer({ minimum: 2, maximum: 1000 })) }),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          account: Type.String({ description: 'Last four characters' }),
          payees: Type.Integer(),
          sources: Type.Array(Type.String()),
          entries: Type.Array(Type.String()),
        }),
      ),
    }),
  },
});

export const screeningOperations = {
  putScreeningCheck,
  listScreeningChecks,
  listReviews,
  decideReview,
  listSharedAccounts,
};
