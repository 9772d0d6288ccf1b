import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { signedBySource } from '../published-headers.ts';
import { Code, Currency, closed, Flag, Id, Instant, Limit, Text } from '../schemas.ts';
import { Calendar } from './calendar.ts';
import { dispatchOperations } from './dispatch-operations.ts';
import { readFailures } from './failure-operations.ts';

const Amount = Type.String({
  pattern: '^[0-9]{1,18}(\\.[0-9]{1,8})?$',
  description: 'Decimal text in the currency',
});

const administrator = { caller: 'application', person: 'optional' } as const;
const overseer = { caller: 'application', person: 'optional' } as const;

const sourceFields = {
  application: Type.String({ maxLength: 400, description: 'INSTANCE/CLASS/MEMBER/APPLICATION that calls' }),
  name: Text(100),
  institutionId: Type.String({ minLength: 1, maxLength: 36, description: 'Registering institution' }),
  callbackService: Type.Optional(
    Type.String({ maxLength: 500, description: 'Service id that callbacks go to, through the mediator' }),
  ),
  callbackPath: Type.Optional(
    Type.String({ pattern: '^/', maxLength: 200, description: 'Used when a request names no callback' }),
  ),
  callbackUrls: Type.Optional(
    Type.Array(Text(300), {
      maxItems: 20,
      description: 'Addresses outside the mediator that may be called back',
    }),
  ),
  active: Type.Optional(Flag),
};
const SourceView = Type.Object({
  sourceId: Type.String(),
  ...sourceFields,
  callbackUrls: Type.Array(Type.String()),
  active: Flag,
  autoApproveLimit: Type.Optional(Amount),
  autoApproveCurrency: Type.Optional(Currency),
});

const programmeFields = {
  name: Text(100),
  agency: Type.Optional(
    Type.String({ maxLength: 300, description: 'INSTANCE/CLASS/MEMBER of its officers' }),
  ),
  currency: Currency,
  fundingAccount: Type.String({ minLength: 4, maxLength: 34, description: 'Account at the payer bank' }),
  payerRail: Type.Optional(
    Type.String({ maxLength: 36, description: 'Rail of the payer bank, asked to authorise each run' }),
  ),
  maximumInstructionAmount: Type.Optional(Amount),
  maximumRunAmount: Type.Optional(Amount),
};
const ProgrammeView = Type.Object({
  sourceId: Type.String(),
  programmeId: Type.String(),
  ...programmeFields,
  agency: Type.String(),
  available: Type.String({ description: 'Released and not yet reserved' }),
});

const railFields = {
  adapter: Type.String({
    pattern: '^[a-z][a-z0-9-]{0,35}$',
    description: 'How the rail is spoken to: bank, mobile-money, gsma, file, by-hand',
  }),
  settings: Type.Optional(
    Type.Record(Type.String({ maxLength: 60 }), Type.Unknown(), {
      description: 'What the adapter must be told, by its own schema',
    }),
  ),
  service: Type.String({
    maxLength: 500,
    description:
      'INSTANCE/CLASS/MEMBER/APPLICATION/SERVICE of the rail; its application reports results and fetches files',
  }),
  name: Text(100),
  modalities: Type.Array(
    Type.Union([
      Type.Literal('00'),
      Type.Literal('01'),
      Type.Literal('02'),
      Type.Literal('03'),
      Type.Literal('04'),
    ]),
    { minItems: 1, description: '02 (voucher): for the adapter `voucher` only, alone' },
  ),
  institutions: Type.Optional(Type.Array(Text(11), { maxItems: 1000 })),
  currencies: Type.Array(Currency, { minItems: 1 }),
  isDefault: Type.Optional(
    Type.Boolean({ description: 'Also takes accounts at institutions that no rail lists' }),
  ),
  rank: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1000,
      description: 'Of several rails that take a payment the lowest is chosen',
    }),
  ),
  maximumAmounts: Type.Optional(
    Type.Record(Currency, Amount, { description: 'Largest transfer it takes, by currency' }),
  ),
  transfersPerSecond: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 10_000, description: 'Over all nodes' }),
  ),
  calendar: Type.Optional(Calendar),
  answerWithinSeconds: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 30 * 86_400, description: 'Silence longer than that is a case' }),
  ),
  batchSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
  debtorAccount: Type.Optional(
    Type.String({
      minLength: 4,
      maxLength: 34,
      description: 'Debited at this rail instead of the funding account',
    }),
  ),
  publicKey: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'JSON Web Key with which its notices are signed',
    }),
  ),
  active: Type.Optional(Flag),
};
const RailView = Type.Object({
  railId: Type.String(),
  ...railFields,
  settings: Type.Record(Type.String(), Type.Unknown()),
  rank: Type.Integer(),
  institutions: Type.Array(Type.String()),
  isDefault: Flag,
  batchSize: Type.Integer(),
  concurrency: Type.Integer(),
  active: Flag,
});

const StateTotals = Type.Array(
  Type.Object({ state: Type.String(), count: Type.Integer(), amount: Type.String() }),
);

export const BatchView = Type.Object({
  batchId: Id,
  clientBatchId: Type.String(),
  sourceId: Type.String(),
  programmeId: Type.String(),
  state: Type.String(),
  reason: Type.Optional(Type.String()),
  currency: Type.String(),
  instructionCount: Type.Integer(),
  totalAmount: Type.String(),
  validCount: Type.Optional(Type.Integer()),
  validAmount: Type.Optional(Type.String()),
  feeAmount: Type.String({ description: 'What rails charge for it, reserved and paid beside the amounts' }),
  possibleDuplicates: Type.Integer(),
  contentHash: Type.Optional(Type.String({ description: 'To be given back with the approval' })),
  makerApplication: Type.String(),
  makerPerson: Type.Optional(Type.String()),
  paused: Flag,
  stopped: Type.Boolean({ description: 'Nothing more leaves; what is out is awaited' }),
  priority: Type.String({ description: 'urgent, normal or low' }),
  notBefore: Type.Optional(Instant),
  createdAt: Instant,
  completedAt: Type.Optional(Instant),
});

const BatchDetail = Type.Object({
  ...BatchView.properties,
  totals: StateTotals,
  approval: Type.Optional(
    Type.Object({
      decision: Type.String(),
      person: Type.String(),
      agency: Type.Optional(Type.String()),
      reason: Type.Optional(Type.String()),
      at: Instant,
    }),
  ),
  history: Type.Array(
    Type.Object({
      from: Type.Optional(Type.String()),
      to: Type.String(),
      reason: Type.Optional(Type.String()),
      actor: Type.String(),
      at: Instant,
    }),
  ),
  subBatches: Type.Array(
    Type.Object({
      rail: Type.String(),
      count: Type.Integer(),
      settled: Type.Integer(),
      instructions: Type.Integer(),
    }),
  ),
});

const InstructionView = Type.Object({
  instructionId: Type.String({ description: 'Our end-to-end id, the reference at the rail' }),
  requestId: Type.String({ description: 'Id the source gave it' }),
  batchId: Id,
  payeeIdentity: Type.String(),
  account: Type.Optional(Type.String({ description: 'Last four characters' })),
  rail: Type.Optional(Type.String()),
  amount: Type.String(),
  fee: Type.String({ description: 'Borne by the payer; the payee gets the full amount' }),
  currency: Type.String(),
  narration: Type.Optional(Type.String()),
  state: Type.String(),
  isoStatus: Type.String(),
  reasonCode: Type.Optional(Type.String()),
  railReference: Type.Optional(Type.String()),
  possibleDuplicate: Flag,
  retryOf: Type.Optional(Type.String()),
  position: Type.Integer(),
  updatedAt: Instant,
});

const inBatch = { params: Type.Object({ batchId: Id }) } as const;
const inSource = { params: Type.Object({ sourceId: Code }) } as const;
const inProgramme = { params: Type.Object({ sourceId: Code, programmeId: Code }) } as const;
const decision = {
  contentHash: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Of the content you have seen' }),
};

export const putSource = defineOperation({
  id: 'putSource',
  method: 'PUT',
  path: '/sources/{sourceId}',
  summary: 'Register a source of payments, or change it',
  requirements: ['PAY-6.4-a', 'PAY-9.1.1-b'],
  access: administrator,
  ...inSource,
  body: Type.Object(sourceFields, closed),
  responses: { 200: SourceView },
});

export const listSources = defineOperation({
  id: 'listSources',
  method: 'GET',
  path: '/sources',
  summary: 'Registered sources',
  access: administrator,
  responses: { 200: Type.Object({ items: Type.Array(SourceView) }) },
});

export const setAutoApproveLimit = defineOperation({
  id: 'setAutoApproveLimit',
  method: 'PUT',
  path: '/sources/{sourceId}/auto-approve-limit',
  summary:
    'Let runs of a source through without a person up to an amount; without a limit every run needs one',
  access: { caller: 'application', person: 'required', roles: ['administrator'] },
  ...inSource,
  body: Type.Object({ limit: Type.Union([Amount, Type.Null()]), currency: Currency }, closed),
  responses: { 200: SourceView },
});

const SigningPolicy = Type.Object(
  {
    required: Type.Boolean({ description: 'Whether requests that change something are refused unsigned' }),
    keys: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
      maxItems: 5,
      description: 'Public JSON Web Keys with alg; two while one replaces the other',
    }),
  },
  closed,
);

export const putRequestSigning = defineOperation({
  id: 'putRequestSigning',
  method: 'PUT',
  path: '/sources/{sourceId}/request-signing',
  summary: 'With which keys a source signs its requests, and whether it must',
  requirements: ['PAY-6.14-b', 'PAY-6.14-f'],
  access: administrator,
  ...inSource,
  body: SigningPolicy,
  responses: { 200: SigningPolicy },
});

export const getRequestSigning = defineOperation({
  id: 'getRequestSigning',
  method: 'GET',
  path: '/sources/{sourceId}/request-signing',
  summary: 'With which keys a source signs its requests, and whether it must',
  access: administrator,
  ...inSource,
  responses: { 200: SigningPolicy },
});

const DirectorySettings = Type.Object(
  {
    service: Type.Union([Type.String({ maxLength: 500 }), Type.Null()], {
      description: 'Service that is asked; null: the source registers its payees here',
    }),
    validSeconds: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 31_536_000, description: 'How long an answer is good; an hour' }),
    ),
  },
  closed,
);

export const putDirectory = defineOperation({
  id: 'putDirectory',
  method: 'PUT',
  path: '/sources/{sourceId}/directory',
  summary: 'Have the payees of a source looked up in a directory that somebody else runs',
  requirements: ['PAY-6.3-c'],
  access: administrator,
  ...inSource,
  body: DirectorySettings,
  responses: { 200: DirectorySettings },
});

export const getDirectory = defineOperation({
  id: 'getDirectory',
  method: 'GET',
  path: '/sources/{sourceId}/directory',
  summary: 'Where the payees of a source are looked up',
  access: administrator,
  ...inSource,
  responses: { 200: DirectorySettings },
});

export const putProgramme = defineOperation({
  id: 'putProgramme',
  method: 'PUT',
  path: '/sources/{sourceId}/programmes/{programmeId}',
  summary: 'Set up a programme with its budget account, or change it',
  requirements: ['PAY-6.1-o', 'PAY-5.1.16-a'],
  access: administrator,
  ...inProgramme,
  body: Type.Object(programmeFields, closed),
  responses: { 200: ProgrammeView },
});

export const getProgramme = defineOperation({
  id: 'getProgramme',
  method: 'GET',
  path: '/sources/{sourceId}/programmes/{programmeId}',
  summary: 'A programme and what it may still spend',
  access: overseer,
  ...inProgramme,
  responses: { 200: ProgrammeView },
});

export const listProgrammes = defineOperation({
  id: 'listProgrammes',
  method: 'GET',
  path: '/sources/{sourceId}/programmes',
  summary: 'Programmes of a source',
  access: overseer,
  ...inSource,
  responses: { 200: Type.Object({ items: Type.Array(ProgrammeView) }) },
});

export const releaseBudget = defineOperation({
  id: 'releaseBudget',
  method: 'POST',
  path: '/sources/{sourceId}/programmes/{programmeId}/releases',
  summary: 'Book money released by the treasury to a programme',
  description: 'The reference identifies the release. Runs held for lack of budget are tried again.',
  requirements: ['PAY-5.1.7', 'PAY-6.16.1-a'],
  access: administrator,
  ...inProgramme,
  body: Type.Object({ reference: Text(50), amount: Amount, currency: Currency }, closed),
  responses: { 200: Type.Object({ booked: Flag, available: Type.String(), currency: Type.String() }) },
});

export const putRail = defineOperation({
  id: 'putRail',
  method: 'PUT',
  path: '/rails/{railId}',
  summary: 'Register a payer rail, or change it',
  requirements: ['PAY-6.5-a', 'PAY-6.6-g', 'PAY-5.1.11'],
  access: administrator,
  params: Type.Object({ railId: Code }),
  body: Type.Object(railFields, closed),
  responses: { 200: RailView },
});

export const listRails = defineOperation({
  id: 'listRails',
  method: 'GET',
  path: '/rails',
  summary: 'Registered payer rails',
  access: administrator,
  responses: { 200: Type.Object({ items: Type.Array(RailView) }) },
});

export const listBatches = defineOperation({
  id: 'listBatches',
  method: 'GET',
  path: '/batches',
  summary: 'Payment runs you may see, newest first',
  requirements: ['PAY-6.6-f', 'PAY-5.3.1-e'],
  access: overseer,
  query: Type.Object({
    sourceId: Type.Optional(Code),
    programmeId: Type.Optional(Code),
    state: Type.Optional(Type.String({ maxLength: 30 })),
    before: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(BatchView), next: Type.Optional(Id) }) },
});

export const getBatch = defineOperation({
  id: 'getBatch',
  method: 'GET',
  path: '/batches/{batchId}',
  summary: 'A run with its totals, approval and history',
  requirements: ['PAY-5.3.1-d', 'PAY-6.1-b', 'PAY-5.3.4-h'],
  access: overseer,
  ...inBatch,
  responses: { 200: BatchDetail },
});

export const listInstructions = defineOperation({
  id: 'listInstructions',
  method: 'GET',
  path: '/batches/{batchId}/instructions',
  summary: 'Results per payee, page by page',
  requirements: ['PAY-5.3.3-e', 'PAY-5.3.4-h', 'PAY-6.1-aa'],
  access: overseer,
  ...inBatch,
  query: Type.Object({
    state: Type.Optional(Type.String({ maxLength: 20 })),
    after: Type.Optional(Type.Integer({ minimum: 0 })),
    limit: Limit,
  }),
  responses: {
    200: Type.Object({ items: Type.Array(InstructionView), next: Type.Optional(Type.Integer()) }),
  },
});

export const getInstruction = defineOperation({
  id: 'getInstruction',
  method: 'GET',
  path: '/instructions/{instructionId}',
  summary: 'One payment with every change of its state and every sending',
  requirements: ['PAY-5.3.1-l', 'PAY-8.1.4-c', 'PAY-6.8-b'],
  access: overseer,
  params: Type.Object({ instructionId: Id }),
  responses: {
    200: Type.Object({
      ...InstructionView.properties,
      history: Type.Array(
        Type.Object({
          from: Type.String(),
          to: Type.String(),
          isoStatus: Type.String({ description: 'ISO 20022 payment status of `to`' }),
          reasonCode: Type.Optional(Type.String()),
          at: Instant,
        }),
      ),
      attempts: Type.Array(
        Type.Object({
          number: Type.Integer(),
          state: Type.String(),
          sentAt: Instant,
          answeredAt: Type.Optional(Instant),
          answeredBy: Type.Optional(Type.String()),
          reasonCode: Type.Optional(Type.String()),
        }),
      ),
    }),
  },
});

export const listPayeePayments = defineOperation({
  id: 'listPayeePayments',
  method: 'POST',
  path: '/payee-payments',
  summary: 'Payments of one payee, newest first. The payee is named in the body, never in the address',
  requirements: ['PAY-8.1.4-c', 'PAY-5.3.1-c'],
  access: overseer,
  body: Type.Object(
    { sourceId: Type.Optional(Code), payeeIdentity: Text(36), before: Type.Optional(Id), limit: Limit },
    closed,
  ),
  responses: { 200: Type.Object({ items: Type.Array(InstructionView), next: Type.Optional(Id) }) },
});

export const approveBatch = defineOperation({
  id: 'approveBatch',
  method: 'POST',
  path: '/batches/{batchId}/approve',
  summary: 'Approve a run, as a person other than its maker',
  description:
    'Bound to the content you have seen. Its money is reserved at once: a run the budget does not cover is held. The same approval again answers the run; a different one is refused.',
  requirements: ['PAY-5.3.1-f', 'PAY-5.3.4-e', 'PAY-6.1-p', 'PAY-6.6-d'],
  access: { caller: 'application', person: 'required' },
  ...inBatch,
  body: Type.Object(
    { ...decision, acceptPossibleDuplicates: Type.Optional(Flag), reason: Type.Optional(Text(500)) },
    closed,
  ),
  responses: { 200: BatchView },
});

export const rejectBatch = defineOperation({
  id: 'rejectBatch',
  method: 'POST',
  path: '/batches/{batchId}/reject',
  summary: 'Refuse a run for good',
  requirements: ['PAY-5.3.1-f', 'PAY-6.6-d'],
  access: { caller: 'application', person: 'required' },
  ...inBatch,
  body: Type.Object({ ...decision, reason: Text(500) }, closed),
  responses: { 200: BatchView },
});

export const cancelBatch = defineOperation({
  id: 'cancelBatch',
  method: 'POST',
  path: '/batches/{batchId}/cancel',
  summary: 'Withdraw a run of which nothing has left yet',
  access: overseer,
  ...signedBySource,
  ...inBatch,
  body: Type.Object({ reason: Text(500) }, closed),
  responses: { 200: BatchView },
});

export const resumeBatch = defineOperation({
  id: 'resumeBatch',
  method: 'POST',
  path: '/batches/{batchId}/resume',
  summary: 'Try a held run again, or let a paused one go on',
  requirements: ['PAY-6.1-j'],
  access: { caller: 'application', person: 'required' },
  ...inBatch,
  responses: { 200: BatchView },
});

export const retryFailedInstructions = defineOperation({
  id: 'retryFailedInstructions',
  method: 'POST',
  path: '/batches/{batchId}/retry',
  summary: 'Make a new run of the failed payments of a finished one; it needs its own approval',
  requirements: ['PAY-5.3.1-k', 'PAY-6.9-i'],
  access: overseer,
  ...signedBySource,
  ...inBatch,
  responses: { 200: Type.Object({ batchId: Id, repeated: Flag }) },
});

const Sums = { count: Type.Integer(), amount: Type.String() };

export const getCertificate = defineOperation({
  id: 'getCertificate',
  method: 'GET',
  path: '/batches/{batchId}/certificate',
  summary: 'How a run ended: counts, sums, and the money in and out of each account',
  requirements: ['PAY-6.1-k', 'PAY-5.1.16-b', 'PAY-6.6-j'],
  access: overseer,
  ...inBatch,
  responses: {
    200: Type.Object({
      content: Type.Object({
        batchId: Id,
        state: Type.String(),
        currency: Type.String(),
        total: Type.Object(Sums),
        byState: StateTotals,
        byRail: Type.Array(
          Type.Object({ rail: Type.Union([Type.String(), Type.Null()]), state: Type.String(), ...Sums }),
        ),
        accounts: Type.Array(
          Type.Object({
            kind: Type.String(),
            owner: Type.String(),
            incoming: Type.String(),
            outgoing: Type.String(),
          }),
        ),
        fees: Type.Optional(Type.String()),
        moneyIn: Type.String(),
        moneyOut: Type.String(),
        resultHash: Type.String(),
      }),
      hash: Type.String(),
      issuedAt: Instant,
    }),
  },
});

const AccountView = Type.Object({
  accountId: Id,
  kind: Type.String(),
  owner: Type.String(),
  currency: Type.String(),
  balance: Type.String(),
  free: Type.String(),
  debits: Type.String(),
  credits: Type.String(),
});

export const listAccounts = defineOperation({
  id: 'listAccounts',
  method: 'GET',
  path: '/ledger/accounts',
  summary: 'Ledger accounts with their balances',
  requirements: ['PAY-5.1.16-a', 'PAY-4.16'],
  access: administrator,
  query: Type.Object({
    kind: Type.Optional(Type.String({ maxLength: 20 })),
    currency: Type.Optional(Currency),
    after: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(AccountView), next: Type.Optional(Id) }) },
});

export const listTransfers = defineOperation({
  id: 'listTransfers',
  method: 'GET',
  path: '/ledger/accounts/{accountId}/transfers',
  summary: 'Transfers of an account, newest first',
  requirements: ['PAY-6.11-d', 'PAY-6.1-ab'],
  access: administrator,
  params: Type.Object({ accountId: Id }),
  query: Type.Object({ before: Type.Optional(Type.String({ pattern: '^[0-9]{1,18}$' })), limit: Limit }),
  responses: {
    200: Type.Object({
      items: Type.Array(
        Type.Object({
          transferId: Id,
          sequence: Type.String(),
          type: Type.String(),
          debit: Id,
          credit: Id,
          amount: Type.String(),
          currency: Type.String(),
          cause: Type.String(),
          causeId: Type.String(),
          batchId: Type.Optional(Id),
          instructionId: Type.Optional(Id),
          at: Instant,
        }),
      ),
      next: Type.Optional(Type.String()),
    }),
  },
});

export const ledgerInvariants = defineOperation({
  id: 'ledgerInvariants',
  method: 'GET',
  path: '/ledger/invariants',
  summary: 'Check now that the books are right',
  requirements: ['PAY-6.12-h', 'PAY-5.3.1-k'],
  access: administrator,
  responses: {
    200: Type.Object({
      hold: Flag,
      checkedAt: Instant,
      results: Type.Array(
        Type.Object({ id: Type.String(), statement: Type.String(), holds: Flag, violations: Type.Integer() }),
      ),
    }),
  },
});

const CaseView = Type.Object({
  caseId: Id,
  kind: Type.String(),
  detail: Type.String(),
  batchId: Type.Optional(Id),
  instructionId: Type.Optional(Id),
  rail: Type.Optional(Type.String()),
  state: Type.String(),
  openedAt: Instant,
  resolvedAt: Type.Optional(Instant),
  resolvedBy: Type.Optional(Type.String()),
  outcome: Type.Optional(Type.String()),
  note: Type.Optional(Type.String()),
});

export const listCases = defineOperation({
  id: 'listCases',
  method: 'GET',
  path: '/cases',
  summary: 'What a person has to look at, newest first',
  requirements: ['PAY-5.3.1-k', 'PAY-6.9-i'],
  access: administrator,
  query: Type.Object({
    state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('resolved')])),
    batchId: Type.Optional(Id),
    before: Type.Optional(Id),
    limit: Limit,
  }),
  responses: { 200: Type.Object({ items: Type.Array(CaseView), next: Type.Optional(Id) }) },
});

export const resolveCase = defineOperation({
  id: 'resolveCase',
  method: 'POST',
  path: '/cases/{caseId}/resolve',
  summary: 'Close a case with what was found',
  description:
    'For a payment of unknown outcome, `outcome` paid or not-paid decides it on evidence from outside; acknowledged only notes.',
  requirements: ['PAY-5.3.1-k', 'PAY-6.1-c'],
  access: { caller: 'application', person: 'required', roles: ['administrator', 'payment-approver'] },
  params: Type.Object({ caseId: Id }),
  body: Type.Object(
    {
      outcome: Type.Union([Type.Literal('paid'), Type.Literal('not-paid'), Type.Literal('acknowledged')]),
      note: Text(1000),
    },
    closed,
  ),
  responses: { 200: CaseView },
});

export const getSigningKeys = defineOperation({
  id: 'getSigningKeys',
  method: 'GET',
  path: '/keys',
  summary: 'Public keys with which callbacks outside the mediator are signed, the one in use first',
  description:
    'X-JWS-Signature of a callback is a detached JWS over its body. Its protected header carries iat (when it was sent), jti (the id of the message, as in X-Callback-Id), attempt and aud (the id of the source). Each attempt is signed anew: refuse one whose iat is more than five minutes away, and ignore a jti that was taken before.',
  requirements: ['PAY-6.14-f'],
  access: { caller: 'public' },
  responses: { 200: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) }) },
});

export const rotateSigningKey = defineOperation({
  id: 'rotateSigningKey',
  method: 'POST',
  path: '/keys/rotate',
  summary: 'Put a new key in place of the one that signs callbacks; the earlier stays published for a week',
  description: 'Naming a key that has been replaced changes nothing, so the request can be repeated.',
  requirements: ['PAY-6.14-b'],
  access: { caller: 'application', person: 'required', roles: ['administrator'] },
  body: Type.Object({ replaces: Text(100) }, closed),
  responses: { 200: Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) }) },
});

/** Administration and oversight: this block's own operations beside the published ones. */
export const paymentsAdmin = defineSurface({
  name: 'payments-admin-v1',
  title: 'Payments: administration and oversight',
  version: '1.0.0',
  operations: {
    putSource,
    listSources,
    setAutoApproveLimit,
    putRequestSigning,
    getRequestSigning,
    putDirectory,
    getDirectory,
    putProgramme,
    getProgramme,
    listProgrammes,
    releaseBudget,
    putRail,
    listRails,
    listBatches,
    getBatch,
    listInstructions,
    getInstruction,
    listPayeePayments,
    approveBatch,
    rejectBatch,
    cancelBatch,
    resumeBatch,
    retryFailedInstructions,
    getCertificate,
    readFailures,
    listAccounts,
    listTransfers,
    ledgerInvariants,
    listCases,
    resolveCase,
    getSigningKeys,
    ...dispatchOperations,
    rotateSigningKey,
  },
});
