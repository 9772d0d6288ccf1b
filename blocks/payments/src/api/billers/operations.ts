import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { Currency, closed, Id, Instant, Limit, Text } from '../schemas.ts';

const Code = Type.String({ pattern: '^[A-Za-z0-9._-]{1,20}$' });
const BillerId = Type.String({ pattern: '^B[0-9]{5,9}$' });
const Service = Type.String({ maxLength: 500, description: 'INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE' });
const Application = Type.String({
  maxLength: 400,
  description: 'INSTANCE/CLASS/MEMBER/APPLICATION that calls',
});

const anyone = { caller: 'application', person: 'optional' } as const;
const officer = { caller: 'application', person: 'required' } as const;

const payerFields = {
  application: Application,
  name: Text(100),
  bic: Type.Optional(
    Type.String({ pattern: '^[A-Z0-9]{4,11}$', description: 'By which type 00 requests name it' }),
  ),
  service: Type.Optional(Service),
  active: Type.Optional(Type.Boolean()),
};
const PayerView = Type.Object({ payerId: Type.String(), ...payerFields, active: Type.Boolean() });

const aggregatorFields = {
  name: Text(100),
  application: Application,
  service: Service,
  active: Type.Optional(Type.Boolean()),
};
const AggregatorView = Type.Object({
  aggregatorId: Type.String(),
  ...aggregatorFields,
  active: Type.Boolean(),
});

const AggregatorProposalView = Type.Object({
  proposalId: Id,
  aggregatorId: Type.String(),
  settings: Type.Object({ ...aggregatorFields, active: Type.Boolean() }),
  state: Type.String({ description: 'proposed, approved or rejected' }),
  proposedBy: Type.String(),
  decidedBy: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  createdAt: Instant,
  decidedAt: Type.Optional(Instant),
});

const Outcome = Type.Union([
  Type.Literal('unpaid'),
  Type.Literal('paid'),
  Type.Literal('expired'),
  Type.Literal('unknown'),
]);
const billerFields = {
  name: Text(100),
  shortName: Type.String({ minLength: 1, maxLength: 10, description: 'For the published messages' }),
  agency: Type.String({ maxLength: 300, description: 'INSTANCE/CLASS/MEMBER whose officers look after it' }),
  aggregatorId: Type.Optional(Code),
  application: Type.Optional(Application),
  service: Type.Optional(Service),
  group: Type.String({ pattern: '^[A-Za-z0-9-]{1,20}$', description: 'Kind of biller: tax, water …' }),
  currency: Currency,
  billIdLength: Type.Integer({
    minimum: 4,
    maximum: 20,
    description: 'Characters of a bill id with its prefix',
  }),
  billIdCheck: Type.Union([Type.Literal('none'), Type.Literal('luhn'), Type.Literal('mod97')], {
    description: 'Check digits of the part behind the prefix',
  }),
  allowsPartPayment: Type.Boolean(),
  statusCodes: Type.Record(Type.String({ maxLength: 20 }), Outcome, {
    maxProperties: 50,
    description: 'What the biller’s own status codes mean',
  }),
  inquiryTimeoutSeconds: Type.Number({ exclusiveMinimum: 0, maximum: 60 }),
  prefix: Type.Optional(
    Type.String({ pattern: '^[0-9A-Z]{2,8}$', description: 'Wanted; one is allotted when absent' }),
  ),
  disclaimer: Type.Optional(Type.String({ maxLength: 1000, description: 'What payers must know first' })),
  institution: Type.String({ minLength: 4, maxLength: 11, description: 'Of its account' }),
};
const account = Type.String({ minLength: 4, maxLength: 34 });
const within = Type.Optional(BillerId);

const BillerView = Type.Object({
  billerId: Type.String(),
  ...billerFields,
  prefix: Type.String(),
  account: Type.String({ description: 'Last four characters' }),
  suspended: Type.Boolean(),
});
const ProposalView = Type.Object({
  proposalId: Id,
  billerId: Type.Optional(Type.String()),
  prefix: Type.Optional(Type.String({ description: 'Allotted' })),
  settings: Type.Object({ ...billerFields, within }),
  account: Type.String({ description: 'Last four characters' }),
  state: Type.String({ description: 'proposed, approved or rejected' }),
  proposedBy: Type.String(),
  decidedBy: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  createdAt: Instant,
  decidedAt: Type.Optional(Instant),
});
const ofProposal = { params: Type.Object({ proposalId: Id }) } as const;
const ofBiller = { params: Type.Object({ billerId: BillerId }) } as const;
const reason = Type.Object({ reason: Text(300) }, closed);

export const putPayerInstitution = defineOperation({
  id: 'putPayerInstitution',
  method: 'PUT',
  path: '/payer-institutions/{payerId}',
  summary: 'Register a payer institution, or change it',
  requirements: ['PAY-6.16.3-e'],
  access: anyone,
  params: Type.Object({ payerId: Code }),
  body: Type.Object(payerFields, closed),
  responses: { 200: PayerView },
});

export const listPayerInstitutions = defineOperation({
  id: 'listPayerInstitutions',
  method: 'GET',
  path: '/payer-institutions',
  summary: 'Registered payer institutions',
  access: anyone,
  responses: { 200: Type.Object({ items: Type.Array(PayerView) }) },
});

export const proposeAggregator = defineOperation({
  id: 'proposeAggregator',
  method: 'POST',
  path: '/aggregator-proposals',
  summary:
    'Propose an aggregator of billers, or other settings for one and so for where its billers are reached',
  requirements: ['PAY-6.16.3-c', 'PAY-9.3.1'],
  access: officer,
  body: Type.Object({ aggregatorId: Code, ...aggregatorFields }, closed),
  responses: { 201: AggregatorProposalView },
});

export const listAggregatorProposals = defineOperation({
  id: 'listAggregatorProposals',
  method: 'GET',
  path: '/aggregator-proposals',
  summary: 'Proposals of aggregators, newest first',
  access: officer,
  query: Type.Object({
    state: Type.Optional(
      Type.Union([Type.Literal('proposed'), Type.Literal('approved'), Type.Literal('rejected')]),
    ),
    before: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(AggregatorProposalView) }) },
});

export const approveAggregatorProposal = defineOperation({
  id: 'approveAggregatorProposal',
  method: 'POST',
  path: '/aggregator-proposals/{proposalId}/approval',
  summary: 'Let an aggregator in, or its new settings; somebody else proposed them',
  requirements: ['PAY-6.16.3-c', 'PAY-9.3.1'],
  access: officer,
  ...ofProposal,
  responses: { 200: AggregatorProposalView },
});

export const rejectAggregatorProposal = defineOperation({
  id: 'rejectAggregatorProposal',
  method: 'POST',
  path: '/aggregator-proposals/{proposalId}/rejection',
  summary: 'Refuse a proposal of an aggregator for good',
  access: officer,
  ...ofProposal,
  body: reason,
  responses: { 200: AggregatorProposalView },
});

export const listAggregators = defineOperation({
  id: 'listAggregators',
  method: 'GET',
  path: '/aggregators',
  summary: 'Registered aggregators',
  access: anyone,
  responses: { 200: Type.Object({ items: Type.Array(AggregatorView) }) },
});

export const proposeBiller = defineOperation({
  id: 'proposeBiller',
  method: 'POST',
  path: '/biller-proposals',
  summary: 'Propose a biller, or with billerId other settings for one',
  description:
    'The longest prefix leads to a biller. One that lengthens another biller’s takes bill ids from it: that biller is named in `within`.',
  requirements: ['PAY-9.3.1', 'PAY-6.16.3-c'],
  access: officer,
  body: Type.Object({ ...billerFields, within, account, billerId: Type.Optional(BillerId) }, closed),
  responses: { 201: ProposalView },
});

export const listBillerProposals = defineOperation({
  id: 'listBillerProposals',
  method: 'GET',
  path: '/biller-proposals',
  summary: 'Proposals, newest first',
  access: officer,
  query: Type.Object({
    state: Type.Optional(
      Type.Union([Type.Literal('proposed'), Type.Literal('approved'), Type.Literal('rejected')]),
    ),
    before: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(ProposalView) }) },
});

export const getBillerProposal = defineOperation({
  id: 'getBillerProposal',
  method: 'GET',
  path: '/biller-proposals/{proposalId}',
  summary: 'A proposal',
  access: officer,
  ...ofProposal,
  responses: { 200: ProposalView },
});

export const approveBillerProposal = defineOperation({
  id: 'approveBillerProposal',
  method: 'POST',
  path: '/biller-proposals/{proposalId}/approval',
  summary: 'Let a biller in, or its new settings; somebody else proposed them',
  description:
    'A new biller is allotted its unique id and the prefix that stands before each of its bill ids.',
  requirements: ['PAY-9.3.1', 'PAY-6.16.3-c'],
  access: officer,
  ...ofProposal,
  responses: { 200: ProposalView },
});

export const rejectBillerProposal = defineOperation({
  id: 'rejectBillerProposal',
  method: 'POST',
  path: '/biller-proposals/{proposalId}/rejection',
  summary: 'Refuse a proposal for good',
  access: officer,
  ...ofProposal,
  body: reason,
  responses: { 200: ProposalView },
});

export const listBillers = defineOperation({
  id: 'listBillers',
  method: 'GET',
  path: '/billers',
  summary: 'Registered billers with all settings',
  access: anyone,
  query: Type.Object({ after: Type.Optional(BillerId), limit: Limit }),
  responses: { 200: Type.Object({ items: Type.Array(BillerView) }) },
});

export const getBiller = defineOperation({
  id: 'getBiller',
  method: 'GET',
  path: '/billers/{billerId}',
  summary: 'A biller',
  access: anyone,
  ...ofBiller,
  responses: { 200: BillerView },
});

export const suspendBiller = defineOperation({
  id: 'suspendBiller',
  method: 'POST',
  path: '/billers/{billerId}/suspension',
  summary: 'Let no inquiry and no request of a biller through; payments that were made still reach it',
  access: anyone,
  ...ofBiller,
  body: reason,
  responses: { 200: BillerView },
});

export const resumeBiller = defineOperation({
  id: 'resumeBiller',
  method: 'POST',
  path: '/billers/{billerId}/resumption',
  summary: 'Let a suspended biller be asked again',
  access: anyone,
  ...ofBiller,
  body: reason,
  responses: { 200: BillerView },
});

export const getBillerTable = defineOperation({
  id: 'getBillerTable',
  method: 'GET',
  path: '/biller-table',
  summary: 'The billers as payer institutions need them: prefix, bill ids, account to be credited',
  requirements: ['PAY-6.16.3-b'],
  access: anyone,
  query: Type.Object({ after: Type.Optional(BillerId), limit: Limit }),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          billerId: Type.String(),
          prefix: Type.String(),
          name: Type.String(),
          shortName: Type.String(),
          group: Type.String(),
          currency: Type.String(),
          billIdLength: Type.Integer(),
          billIdCheck: Type.String(),
          allowsPartPayment: Type.Boolean(),
          institution: Type.String(),
          account: Type.String(),
          active: Type.Boolean(),
          updatedAt: Instant,
        }),
      ),
    }),
  },
});

const period = {
  from: Type.String({ format: 'date-time' }),
  to: Type.String({ format: 'date-time', description: 'Not included; at most 366 days after from' }),
  billerId: Type.Optional(BillerId),
  aggregatorId: Type.Optional(Code),
  payerId: Type.Optional(Code),
  currency: Type.Optional(Currency),
};
const PaymentState = Type.Union([
  Type.Literal('tendering'),
  Type.Literal('pending'),
  Type.Literal('acknowledged'),
  Type.Literal('rejected'),
  Type.Literal('refused'),
]);

export const listBillPayments = defineOperation({
  id: 'listBillPayments',
  method: 'GET',
  path: '/bill-payments',
  summary:
    'Payments of bills in a period, newest first: those of the caller’s billers, or of its own customers',
  requirements: ['PAY-6.16.3-d', 'PAY-5.3.1-d'],
  access: anyone,
  query: Type.Object({
    ...period,
    state: Type.Optional(PaymentState),
    before: Type.Optional(Id),
    limit: Limit,
  }),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          paymentId: Id,
          billId: Type.String(),
          billerId: Type.String(),
          payerId: Type.String(),
          paymentReference: Type.String(),
          method: Type.String(),
          amount: Type.String(),
          currency: Type.String(),
          state: Type.String(),
          rejectReason: Type.Optional(Type.String()),
          timesSent: Type.Integer(),
          createdAt: Instant,
          answeredAt: Type.Optional(Instant),
        }),
      ),
    }),
  },
});

export const reportBillPayments = defineOperation({
  id: 'reportBillPayments',
  method: 'GET',
  path: '/reports/bill-payments',
  summary: 'Payments of a period, counted and summed',
  requirements: ['PAY-6.16.3-d'],
  access: anyone,
  query: Type.Object({ ...period, state: Type.Optional(PaymentState) }),
  responses: {
    200: Type.Object({
      lines: Type.Array(
        Type.Object({
          billerId: Type.String(),
          aggregatorId: Type.Optional(Type.String()),
          payerId: Type.String(),
          state: Type.String(),
          currency: Type.String(),
          count: Type.Integer(),
          amount: Type.String(),
        }),
      ),
      totals: Type.Array(
        Type.Object({
          state: Type.String(),
          currency: Type.String(),
          count: Type.Integer(),
          amount: Type.String(),
        }),
      ),
    }),
  },
});

export const reportBillActivity = defineOperation({
  id: 'reportBillActivity',
  method: 'GET',
  path: '/reports/bill-activity',
  summary: 'Inquiries by outcome and requests-to-pay by state in a period',
  requirements: ['PAY-6.16.3-d'],
  access: anyone,
  query: Type.Object(period),
  responses: {
    200: Type.Object({
      lines: Type.Array(
        Type.Object({
          activity: Type.Union([Type.Literal('inquiry'), Type.Literal('request-to-pay')]),
          billerId: Type.String(),
          payerId: Type.Optional(Type.String()),
          result: Type.String(),
          count: Type.Integer(),
        }),
      ),
    }),
  },
});

/** Administration of billers, aggregators and payer institutions, and their reports. */
export const paymentsBillers = defineSurface({
  name: 'payments-billers-v1',
  title: 'Payments: billers',
  version: '1.0.0',
  description: 'Billers, aggregators and payer institutions, and reports for them.',
  operations: {
    putPayerInstitution,
    listPayerInstitutions,
    listAggregators,
    proposeAggregator,
    listAggregatorProposals,
    approveAggregatorProposal,
    rejectAggregatorProposal,
    proposeBiller,
    listBillerProposals,
    getBillerProposal,
    approveBillerProposal,
    rejectBillerProposal,
    listBillers,
    getBiller,
    suspendBiller,
    resumeBiller,
    getBillerTable,
    listBillPayments,
    reportBillPayments,
    reportBillActivity,
  },
});
