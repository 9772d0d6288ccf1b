import { Bytes, defineOperation, Type } from '@govstack/platform/operation';
import { Code, Currency, closed, Id, Instant, Limit, Text } from '../schemas.ts';
import { itemClasses, lineClasses, resolutionNames } from './classes.ts';
import { officer, oneOf, overseer, treasury } from './schemas.ts';

const StatementView = Type.Object({
  statementId: Id,
  fileId: Id,
  bankStatementId: Type.String({ description: 'Id the bank gave it' }),
  accountId: Type.String({ description: 'Ledger account that mirrors the bank account' }),
  kind: oneOf(['statement', 'notification']),
  currency: Type.String(),
  opening: Type.String(),
  closing: Type.String(),
  from: Instant,
  to: Instant,
  entryCount: Type.Integer(),
  continuous: Type.Boolean({ description: 'Begins with the balance with which the one before ended' }),
  state: oneOf(['loaded', 'matched']),
  loadedAt: Instant,
  matchedAt: Type.Optional(Instant),
});

const LineView = Type.Object({
  lineId: Id,
  position: Type.Integer({ description: '0: the balance with which the books of the account begin' }),
  direction: oneOf(['credit', 'debit']),
  amount: Type.String(),
  currency: Type.String(),
  bookedOn: Type.String(),
  endToEndId: Type.Optional(Type.String()),
  railReference: Type.Optional(Type.String()),
  entryReference: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  class: Type.Optional(oneOf(lineClasses)),
  paymentId: Type.Optional(Type.String()),
  batchId: Type.Optional(Id),
  settled: Type.Boolean(),
  pairLineId: Type.Optional(Id),
});

const Programme = Type.Object({ sourceId: Code, programmeId: Code }, closed);

const Resolution = Type.Object(
  {
    resolution: oneOf(resolutionNames),
    note: Text(500),
    paymentId: Type.Optional(Type.String({ maxLength: 50 })),
    railId: Type.Optional(Code),
    lineId: Type.Optional(Id),
    programme: Type.Optional(Programme),
    releases: Type.Optional(
      Type.Array(Type.Object({ ...Programme.properties, reference: Text(50) }, closed), {
        minItems: 1,
        maxItems: 100,
      }),
    ),
  },
  closed,
);

const ItemView = Type.Object({
  itemId: Id,
  class: oneOf(itemClasses),
  detail: Type.String(),
  state: oneOf(['open', 'proposed', 'resolved']),
  amount: Type.String(),
  currency: Type.String(),
  accountId: Type.Optional(Type.String()),
  lineId: Type.Optional(Id),
  paymentId: Type.Optional(Type.String()),
  batchId: Type.Optional(Id),
  rail: Type.Optional(Type.String()),
  owner: Type.Optional(Type.String()),
  openedAt: Instant,
  ageDays: Type.Integer({ description: 'How long it waits, or has waited' }),
  proposal: Type.Optional(Resolution),
  proposedBy: Type.Optional(Type.String()),
  resolution: Type.Optional(Type.String()),
  resolvedBy: Type.Optional(Type.String()),
  resolvedAt: Type.Optional(Instant),
  note: Type.Optional(Type.String()),
});

const ProofView = Type.Object({
  proofId: Id,
  accountId: Type.String(),
  currency: Type.String(),
  statementId: Id,
  ledgerBalance: Type.String(),
  closingBalance: Type.String(),
  releasesNotSeen: Type.String({ description: 'Booked here, not yet shown by the bank' }),
  creditsOpen: Type.String({ description: 'Shown by the bank, not yet booked here' }),
  debitsOpen: Type.String({ description: 'Taken by the bank, not yet booked here' }),
  difference: Type.String({ description: 'What nothing explains' }),
  balances: Type.Boolean(),
  madeAt: Instant,
});

const decision = Type.Object({ note: Type.Optional(Text(500)) }, closed);
const inItem = { params: Type.Object({ itemId: Id }) } as const;

export const loadStatements = defineOperation({
  id: 'loadStatements',
  method: 'POST',
  path: '/statements',
  summary: 'Load a file of bank statements',
  description:
    'ISO 20022 camt.053 or camt.054, MT940, or CSV with the header `statementId,account,currency,from,to,openingBalance,closingBalance,entryReference,bookingDate,valueDate,direction,amount,endToEndId,railReference,type,description`. Taken whole or not at all: opening and entries must give the closing balance, the account must be one that is paid from here. The same file again answers the same statements. Its lines are looked at right after.',
  requirements: ['PAY-5.3.3-b', 'PAY-6.6-i', 'PAY-6.1-k'],
  access: treasury,
  consumes: ['application/octet-stream'],
  bodyLimit: 64 * 1024 * 1024,
  query: Type.Object({ format: oneOf(['camt.053', 'camt.054', 'csv', 'mt940'] as const) }),
  body: Bytes({ description: 'The file in UTF-8, at most 64 MiB' }),
  responses: {
    200: Type.Object({ fileId: Id, repeated: Type.Boolean(), statements: Type.Array(StatementView) }),
  },
});

export const listStatements = defineOperation({
  id: 'listStatements',
  method: 'GET',
  path: '/statements',
  summary: 'Loaded statements, newest first',
  requirements: ['PAY-5.3.3-b'],
  access: treasury,
  query: Type.Object({
    accountId: Type.Optional(Id),
    currency: Type.Optional(Currency),
    before: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(StatementView), next: Type.Optional(Id) }) },
});

export const getStatement = defineOperation({
  id: 'getStatement',
  method: 'GET',
  path: '/statements/{statementId}',
  summary: 'A statement, and how many of its lines are what',
  requirements: ['PAY-6.6-i'],
  access: treasury,
  params: Type.Object({ statementId: Id }),
  responses: {
    200: Type.Object({
      ...StatementView.properties,
      classes: Type.Array(
        Type.Object({
          class: oneOf(lineClasses),
          direction: oneOf(['credit', 'debit']),
          count: Type.Integer(),
          amount: Type.String(),
          settled: Type.Integer(),
        }),
      ),
    }),
  },
});

export const listStatementLines = defineOperation({
  id: 'listStatementLines',
  method: 'GET',
  path: '/statements/{statementId}/lines',
  summary: 'Lines of a statement in their order',
  requirements: ['PAY-6.8-b'],
  access: treasury,
  params: Type.Object({ statementId: Id }),
  query: Type.Object({
    class: Type.Optional(oneOf(lineClasses)),
    after: Type.Optional(Type.Integer({ minimum: 0 })),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(LineView), next: Type.Optional(Type.Integer()) }) },
});

export const listWorklist = defineOperation({
  id: 'listWorklist',
  method: 'GET',
  path: '/worklist',
  summary: 'What does not explain itself, the longest waiting first',
  requirements: ['PAY-5.3.1-k', 'PAY-6.9-i'],
  access: treasury,
  query: Type.Object({
    state: Type.Optional(oneOf(['open', 'proposed', 'resolved'])),
    class: Type.Optional(oneOf(itemClasses)),
    currency: Type.Optional(Currency),
    owner: Type.Optional(Text(100)),
    batchId: Type.Optional(Id),
    after: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(ItemView), next: Type.Optional(Id) }) },
});

export const getWorklistItem = defineOperation({
  id: 'getWorklistItem',
  method: 'GET',
  path: '/worklist/{itemId}',
  summary: 'One item of the worklist',
  requirements: ['PAY-6.9-i'],
  access: treasury,
  ...inItem,
  responses: { 200: ItemView },
});

export const assignItem = defineOperation({
  id: 'assignItem',
  method: 'POST',
  path: '/worklist/{itemId}/assign',
  summary: 'Give an item to a person, or back to all',
  requirements: ['PAY-6.9-i'],
  access: officer,
  ...inItem,
  body: Type.Object({ owner: Type.Optional(Text(100)) }, closed),
  responses: { 200: ItemView },
});

export const getSuggestions = defineOperation({
  id: 'getSuggestions',
  method: 'GET',
  path: '/worklist/{itemId}/suggestions',
  summary: 'What a line might be about: same amount, same account, near in time',
  requirements: ['PAY-6.6-i'],
  access: treasury,
  ...inItem,
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          kind: oneOf(['payment', 'release', 'line'] as const),
          paymentId: Type.Optional(Type.String()),
          batchId: Type.Optional(Type.String()),
          sourceId: Type.Optional(Type.String()),
          programmeId: Type.Optional(Type.String()),
          reference: Type.Optional(Type.String()),
          lineId: Type.Optional(Type.String()),
          at: Instant,
        }),
      ),
    }),
  },
});

export const proposeResolution = defineOperation({
  id: 'proposeResolution',
  method: 'POST',
  path: '/worklist/{itemId}/propose',
  summary: 'Say what becomes of an item',
  description:
    'What moves no money, or no more than the limit of a single decision, is done at once. Anything else when another person accepts.',
  requirements: ['PAY-5.3.1-k'],
  access: officer,
  ...inItem,
  body: Resolution,
  responses: { 200: ItemView },
});

export const acceptResolution = defineOperation({
  id: 'acceptResolution',
  method: 'POST',
  path: '/worklist/{itemId}/accept',
  summary: 'Accept what another person proposed; it is booked',
  requirements: ['PAY-5.3.1-k'],
  access: officer,
  ...inItem,
  body: decision,
  responses: { 200: ItemView },
});

export const declineResolution = defineOperation({
  id: 'declineResolution',
  method: 'POST',
  path: '/worklist/{itemId}/decline',
  summary: 'Decline what was proposed; the item waits on',
  access: officer,
  ...inItem,
  body: decision,
  responses: { 200: ItemView },
});

export const makeProofs = defineOperation({
  id: 'makeProofs',
  method: 'POST',
  path: '/proofs',
  summary: 'Prove all funding accounts against their latest statements now',
  requirements: ['PAY-5.3.3-b'],
  access: treasury,
  responses: { 200: Type.Object({ items: Type.Array(ProofView) }) },
});

export const listProofs = defineOperation({
  id: 'listProofs',
  method: 'GET',
  path: '/proofs',
  summary: 'Proofs of funding accounts against statements, newest first',
  requirements: ['PAY-5.3.3-b', 'PAY-5.1.16-a'],
  access: treasury,
  query: Type.Object({
    accountId: Type.Optional(Id),
    currency: Type.Optional(Currency),
    before: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(ProofView), next: Type.Optional(Id) }) },
});

const counter = Type.Object({ count: Type.Integer(), amount: Type.String() });

export const getRunReconciliation = defineOperation({
  id: 'getRunReconciliation',
  method: 'GET',
  path: '/runs/{batchId}',
  summary: 'How far the payments of a run were found at the bank',
  description: 'Closed when each paid instruction is found on a statement or decided by a person.',
  requirements: ['PAY-6.1-k', 'PAY-6.8-b'],
  access: overseer,
  params: Type.Object({ batchId: Id }),
  responses: {
    200: Type.Object({
      batchId: Id,
      currency: Type.String(),
      shipped: counter,
      paid: counter,
      reconciled: counter,
      decided: counter,
      missing: counter,
      reversed: counter,
      open: counter,
      closedAt: Type.Optional(Instant),
    }),
  },
});

export const getCreditsReport = defineOperation({
  id: 'getCreditsReport',
  method: 'GET',
  path: '/report',
  summary:
    'Successful credits by programme, rail, payment type and currency, with their further way and timing',
  requirements: ['PAY-6.1-k', 'PAY-5.1.16-b'],
  access: treasury,
  query: Type.Object({ from: Instant, to: Instant, currency: Type.Optional(Currency) }),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          sourceId: Type.String(),
          programmeId: Type.String(),
          railId: Type.String(),
          modality: Type.String(),
          currency: Type.String(),
          paid: counter,
          fees: Type.String(),
          returned: counter,
          reconciled: counter,
          secondsToCredit: Type.Optional(Type.Number()),
          longestSecondsToCredit: Type.Optional(Type.Number()),
          daysToStatement: Type.Optional(Type.Number()),
        }),
      ),
    }),
  },
});
