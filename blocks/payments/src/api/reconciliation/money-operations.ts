import { Bytes, defineOperation, Type } from '@govstack/platform/operation';
import { Code, Currency, closed, Day, Id, Instant, Limit, Text } from '../schemas.ts';
import { Amount, Modality, officer, oneOf, overseer, treasury } from './schemas.ts';

const SuspenseView = Type.Object({
  entryId: Id,
  kind: oneOf(['return', 'deposit', 'difference']),
  state: oneOf(['held', 'proposed', 'released']),
  amount: Type.String(),
  currency: Type.String(),
  since: Instant,
  ageDays: Type.Integer(),
  instructionId: Type.Optional(Id),
  redemptionId: Type.Optional(Id),
  batchId: Type.Optional(Id),
  lineId: Type.Optional(Id),
  reasonCode: Type.Optional(Type.String()),
  sourceId: Type.Optional(Type.String()),
  programmeId: Type.Optional(Type.String()),
  proposedBy: Type.Optional(Type.String()),
  releasedBy: Type.Optional(Type.String()),
  releasedAt: Type.Optional(Instant),
  note: Type.Optional(Type.String()),
});
const inEntry = { params: Type.Object({ entryId: Id }) } as const;
const decision = Type.Object({ note: Type.Optional(Text(500)) }, closed);

export const listSuspense = defineOperation({
  id: 'listSuspense',
  method: 'GET',
  path: '/suspense',
  summary: 'Money that came back or belongs to nobody known, and since when; the longest first',
  requirements: ['PAY-9.1.3-c', 'PAY-6.9-i'],
  access: treasury,
  query: Type.Object({
    state: Type.Optional(oneOf(['held', 'proposed', 'released'])),
    currency: Type.Optional(Currency),
    batchId: Type.Optional(Id),
    after: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(SuspenseView), next: Type.Optional(Id) }) },
});

export const releaseSuspense = defineOperation({
  id: 'releaseSuspense',
  method: 'POST',
  path: '/suspense/{entryId}/release',
  summary: 'Give money in suspense back to its programme',
  description:
    'At once up to the limit of a single decision; above it when another person accepts. A return goes to the programme that paid; for anything else name one.',
  requirements: ['PAY-9.1.3-c'],
  access: officer,
  ...inEntry,
  body: Type.Object(
    { note: Text(500), sourceId: Type.Optional(Code), programmeId: Type.Optional(Code) },
    closed,
  ),
  responses: { 200: SuspenseView },
});

export const acceptRelease = defineOperation({
  id: 'acceptRelease',
  method: 'POST',
  path: '/suspense/{entryId}/accept',
  summary: 'Accept the release that another person proposed',
  requirements: ['PAY-9.1.3-c'],
  access: officer,
  ...inEntry,
  body: decision,
  responses: { 200: SuspenseView },
});

export const declineRelease = defineOperation({
  id: 'declineRelease',
  method: 'POST',
  path: '/suspense/{entryId}/decline',
  summary: 'Decline a proposed release; the money stays in suspense',
  access: officer,
  ...inEntry,
  body: decision,
  responses: { 200: SuspenseView },
});

const LimitView = Type.Object({ currency: Type.String(), amount: Type.Optional(Type.String()) });

export const putSingleDecisionLimit = defineOperation({
  id: 'putSingleDecisionLimit',
  method: 'PUT',
  path: '/limits/{currency}',
  summary: 'Up to which amount one person decides alone where money goes; null: every decision needs two',
  access: { caller: 'application', person: 'required', roles: ['administrator'] },
  params: Type.Object({ currency: Currency }),
  body: Type.Object({ amount: Type.Union([Amount, Type.Null()]) }, closed),
  responses: { 200: LimitView },
});

export const listSingleDecisionLimits = defineOperation({
  id: 'listSingleDecisionLimits',
  method: 'GET',
  path: '/limits',
  summary: 'Limits of single decisions per currency',
  access: treasury,
  responses: { 200: Type.Object({ items: Type.Array(LimitView) }) },
});

const Figures = Type.Object({
  railId: Type.String(),
  currency: Type.String(),
  businessDay: Type.String(),
  paidCount: Type.Integer(),
  grossPaid: Type.String(),
  returnedCount: Type.Integer(),
  grossReturned: Type.String(),
  net: Type.String({ description: 'Paid less returned' }),
  fees: Type.String(),
});
const SettlementView = Type.Object({
  settlementId: Id,
  ...Figures.properties,
  closedAt: Instant,
  settledAt: Type.Optional(Instant),
});

export const getSettlementFigures = defineOperation({
  id: 'getSettlementFigures',
  method: 'GET',
  path: '/settlement-figures',
  summary: 'Gross and net positions of a business day per rail and currency, as they are now',
  requirements: ['PAY-5.1.12-a', 'PAY-5.1.12-b'],
  access: treasury,
  query: Type.Object({ day: Day, railId: Type.Optional(Code), currency: Type.Optional(Currency) }),
  responses: { 200: Type.Object({ items: Type.Array(Figures) }) },
});

export const closeSettlementDay = defineOperation({
  id: 'closeSettlementDay',
  method: 'POST',
  path: '/settlements',
  summary: 'Close a business day that is over; its figures no longer change',
  requirements: ['PAY-5.1.12-a', 'PAY-5.1.12-b'],
  access: treasury,
  body: Type.Object({ railId: Code, currency: Currency, day: Day }, closed),
  responses: { 200: SettlementView },
});

export const listSettlements = defineOperation({
  id: 'listSettlements',
  method: 'GET',
  path: '/settlements',
  summary: 'Closed business days, newest first',
  requirements: ['PAY-5.1.12-a'],
  access: treasury,
  query: Type.Object({
    railId: Type.Optional(Code),
    currency: Type.Optional(Currency),
    before: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(SettlementView), next: Type.Optional(Id) }) },
});

export const getSettlement = defineOperation({
  id: 'getSettlement',
  method: 'GET',
  path: '/settlements/{settlementId}',
  summary: 'A closed business day, and how much of it statements have shown',
  requirements: ['PAY-5.1.12-a'],
  access: treasury,
  params: Type.Object({ settlementId: Id }),
  responses: {
    200: Type.Object({
      ...SettlementView.properties,
      state: oneOf(['settled', 'open']),
      paidSeen: Type.String(),
      returnedSeen: Type.String(),
    }),
  },
});

export const getSettlementFile = defineOperation({
  id: 'getSettlementFile',
  method: 'GET',
  path: '/settlements/{settlementId}/file',
  summary: 'The figures of a closed business day as CSV, for the settlement system',
  requirements: ['PAY-5.1.12-a'],
  access: treasury,
  params: Type.Object({ settlementId: Id }),
  responses: { 200: Bytes() },
});

const Band = Type.Object(
  {
    upTo: Type.Optional(Amount),
    flat: Type.Optional(Amount),
    perMille: Type.Optional(
      Type.String({
        pattern: '^[0-9]{1,3}(\\.[0-9]{1,3})?$',
        description: 'Share of the amount in thousandths',
      }),
    ),
    minimum: Type.Optional(Amount),
    maximum: Type.Optional(Amount),
  },
  closed,
);
const scheduleFields = {
  railId: Code,
  modality: Type.Optional(Modality),
  currency: Currency,
  bands: Type.Array(Band, { maxItems: 50, description: 'By amount, in order; none: nothing is charged' }),
  validFrom: Type.Optional(Instant),
  validTo: Type.Optional(Instant),
};
const ScheduleView = Type.Object({
  scheduleId: Id,
  ...scheduleFields,
  version: Type.Integer(),
  validFrom: Instant,
  createdBy: Type.String(),
  createdAt: Instant,
});

export const postFeeSchedule = defineOperation({
  id: 'postFeeSchedule',
  method: 'POST',
  path: '/fee-schedules',
  summary: 'Set what a rail charges per payment, as a new version',
  description:
    'Holds for payments of one modality, or of all without an own schedule. Runs that are validated already keep their fees.',
  requirements: ['PAY-6.1-l', 'PAY-6.1-q'],
  access: treasury,
  body: Type.Object(scheduleFields, closed),
  responses: { 200: ScheduleView },
});

export const listFeeSchedules = defineOperation({
  id: 'listFeeSchedules',
  method: 'GET',
  path: '/fee-schedules',
  summary: 'Fee schedules with all their versions, newest first',
  requirements: ['PAY-6.1-l'],
  access: treasury,
  query: Type.Object({
    railId: Type.Optional(Code),
    currency: Type.Optional(Currency),
    before: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(ScheduleView), next: Type.Optional(Id) }) },
});

export const quoteFee = defineOperation({
  id: 'quoteFee',
  method: 'POST',
  path: '/fee-quotes',
  summary: 'What one payment would cost now',
  requirements: ['PAY-6.1-l'],
  access: treasury,
  body: Type.Object({ railId: Code, modality: Modality, currency: Currency, amount: Amount }, closed),
  responses: {
    200: Type.Object({ fee: Type.String(), currency: Type.String(), scheduleId: Type.Optional(Id) }),
  },
});

export const getRunFees = defineOperation({
  id: 'getRunFees',
  method: 'GET',
  path: '/runs/{batchId}/fees',
  summary: 'What a run costs, by the schedules it was computed with',
  requirements: ['PAY-6.1-q'],
  access: overseer,
  params: Type.Object({ batchId: Id }),
  responses: {
    200: Type.Object({
      batchId: Id,
      currency: Type.String(),
      fees: Type.String(),
      items: Type.Array(
        Type.Object({
          scheduleId: Id,
          railId: Type.String(),
          modality: Type.Optional(Type.String()),
          version: Type.Integer(),
          count: Type.Integer(),
          amount: Type.String(),
        }),
      ),
    }),
  },
});
