import { defineOperation, Type } from '@govstack/platform/operation';
import { signedBySource } from '../published-headers.ts';
import { Code, closed, Flag, Id, Instant, Limit, Text } from '../schemas.ts';

const overseer = { caller: 'application', person: 'optional' } as const;
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });

const ReceiptView = Type.Object({
  receiptNumber: Type.String(),
  transactionId: Id,
  requestId: Type.String({ description: 'Id the source gave the payment' }),
  batchId: Id,
  paidAt: Instant,
  amount: Type.String(),
  currency: Type.String(),
  reason: Type.Optional(Type.String()),
  payer: Type.Object({
    sourceId: Type.String(),
    programmeId: Type.String(),
    programme: Type.String(),
    agency: Type.String(),
    institution: Type.String(),
  }),
  payeeToken: Type.String(),
  rail: Type.String(),
  railReference: Type.Optional(Type.String()),
  returned: Flag,
  hash: Hash,
  acknowledgements: Type.Array(Type.Object({ party: Type.String(), at: Instant })),
});

const ofPayment = { params: Type.Object({ instructionId: Id }) } as const;

export const getReceipt = defineOperation({
  id: 'getReceipt',
  method: 'GET',
  path: '/receipts/{instructionId}',
  summary: 'The receipt of a payment: for its source, officers who oversee it, and the payee',
  requirements: ['PAY-5.3.1-c', 'PAY-5.3.1-e', 'PAY-6.1-d'],
  access: overseer,
  ...ofPayment,
  responses: { 200: ReceiptView },
});

export const listPayeeReceipts = defineOperation({
  id: 'listPayeeReceipts',
  method: 'POST',
  path: '/payee-receipts',
  summary: 'Receipts of one payee, newest first. A payee who is signed in need not be named',
  requirements: ['PAY-5.3.1-c', 'PAY-6.1-d'],
  access: overseer,
  body: Type.Object(
    {
      sourceId: Type.Optional(Code),
      payeeIdentity: Type.Optional(Text(36)),
      before: Type.Optional(Type.String({ pattern: '^[0-9]{1,18}$' })),
      limit: Limit,
    },
    closed,
  ),
  responses: { 200: Type.Object({ items: Type.Array(ReceiptView), next: Type.Optional(Type.String()) }) },
});

export const acknowledgeReceipt = defineOperation({
  id: 'acknowledgeReceipt',
  method: 'POST',
  path: '/receipts/{instructionId}/acknowledgements',
  summary: 'Confirm that a receipt arrived, naming its hash',
  description: 'A source may confirm for its payee, who told it so.',
  requirements: ['PAY-6.14-e', 'PAY-6.1-d'],
  access: overseer,
  ...signedBySource,
  ...ofPayment,
  body: Type.Object({ hash: Hash, forPayee: Type.Optional(Flag) }, closed),
  responses: { 200: ReceiptView },
});

const NoticeView = Type.Object({
  noticeId: Id,
  sourceId: Type.Optional(Type.String()),
  recipient: Type.String({ description: 'source/, biller/ or payer/ and its id' }),
  kind: Type.String(),
  target: Type.String(),
  state: Type.String(),
  overdue: Flag,
  attempts: Type.Integer(),
  lastStatus: Type.Optional(Type.Integer()),
  correlationId: Type.String(),
  createdAt: Instant,
  deliveredAt: Type.Optional(Instant),
});

export const listNotices = defineOperation({
  id: 'listNotices',
  method: 'GET',
  path: '/notices',
  summary: 'Messages to sources, newest first: due, sent, overdue, given up',
  requirements: ['PAY-6.1-ac', 'PAY-6.7-a', 'PAY-6.7-b'],
  access: overseer,
  query: Type.Object({
    sourceId: Type.Optional(Code),
    state: Type.Optional(
      Type.Union([Type.Literal('waiting'), Type.Literal('delivered'), Type.Literal('dead')]),
    ),
    overdue: Type.Optional(Flag),
    before: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(NoticeView), next: Type.Optional(Id) }) },
});

export const getNotice = defineOperation({
  id: 'getNotice',
  method: 'GET',
  path: '/notices/{noticeId}',
  summary: 'A copy of a message as it was sent: for its source and the treasury’s auditors',
  description: 'What messages about vouchers say is shown to their source alone.',
  requirements: ['PAY-6.1-d'],
  access: overseer,
  params: Type.Object({ noticeId: Id }),
  responses: { 200: Type.Object({ ...NoticeView.properties, body: Type.Unknown() }) },
});

export const receiptOperations = {
  getReceipt,
  listPayeeReceipts,
  acknowledgeReceipt,
  listNotices,
  getNotice,
};
