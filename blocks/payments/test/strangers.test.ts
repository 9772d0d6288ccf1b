import { randomUUID } from 'node:crypto';
import { CallFailed } from '@govstack/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  collection,
  g2p,
  gsmaCallback,
  oversight,
  p2g,
  paymentsAdmin,
  paymentsBillers,
  phee,
  railCallback,
  railFiles,
  reconciliation,
  voucherAdmin,
  vouchers,
} from '../src/api/operations.ts';
import { payments } from '../src/block.ts';
import * as bills from './fixtures/bills.ts';
import { bankOf } from './fixtures/statement.ts';
import {
  brokenBooks,
  handOver,
  instructionsOf,
  oversightOf,
  source as ownSource,
  payees,
  programme,
  reaches,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';
import { active, setUpVouchers, stateOf } from './fixtures/vouchers.ts';

/** A submission of one payment whose batch waits for approval. */
async function submitted(payee: string): Promise<string> {
  const line = {
    requestId: 's-1',
    creditParty: [{ key: 'functionalId', value: payee }],
    amount: '2.00',
    currency: 'USD',
  };
  const { submissionId } = (
    await t.api.submitInstructions({
      headers: { 'x-correlationid': 's-1', 'x-program-id': programme.programmeId },
      body: Buffer.from(JSON.stringify(line)),
    })
  ).body;
  for (;;) {
    const { batches } = (await t.api.getSubmission({ params: { submissionId }, query: {} })).body;
    if (batches[0]?.state === 'awaiting-approval') break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return submissionId;
}

let t: Treasury;
let inputs: { readonly [surface: string]: Readonly<Record<string, object>> };
let secrets: readonly string[];
let voucherSerial: string;
const rival = 'TEST/GOV/OTHER/payroll';
beforeAll(async () => {
  t = await startTreasury();
  await t.admin.putSource({
    params: { sourceId: 'payroll' },
    body: { application: rival, name: 'Payroll', institutionId: 'OTHER' },
  });
  const [payee = ''] = await payees(t.node, 1);
  const batchId = await handOver(t.node, [payee]);
  const { contentHash = '' } = await reaches(t.node, batchId, 'awaiting-approval');
  const submissionId = await submitted(payee);
  const [row] = await instructionsOf(t.node, batchId);
  const instructionId = row?.instructionId as string;
  await setUpVouchers(t.node);
  const [voucher] = await active(t.node);
  const { serial: serialNumber = '', number: voucherNumber = '' } = voucher ?? {};
  voucherSerial = serialNumber;
  const ofVoucher = { params: { serialNumber }, body: { reason: 'x' } };
  const ofGroup = { params: { sourceId: programme.sourceId, groupCode: 'ANY' } };
  const ofRequest = { params: { requestID: 'q-1' } };
  const serials = { requestID: 'x', voucherInstructions: [{ serialNumber }] };
  const { items: accounts } = (await t.admin.listAccounts({ query: {} })).body;
  await t.admin.putSource({
    params: { sourceId: programme.sourceId },
    body: {
      application: ownSource,
      name: 'Cash transfer',
      institutionId: 'MSP',
      callbackService: `${ownSource}/results-v1`,
      callbackPath: '/results',
    },
  });
  await oversightOf(t.node).putInstitution({
    params: { code: 'TESTUS33' },
    body: { name: 'Test bank', member: 'TEST/COM/BANK' },
  });
  const complaint = { instructionId, reason: 'late', text: 'Where is it?' } as const;
  const { dispute } = (
    await oversightOf(t.node, ownSource).openDispute({ body: { ...complaint, clientId: 'd-1' } })
  ).body;
  const { items: notices } = (await oversightOf(t.node).listNotices({ query: {} })).body;
  const { items: entries } = (await oversightOf(t.node).listAuditEntries({ query: { limit: 1 } })).body;
  const inDispute = { params: { disputeId: dispute.disputeId } };
  const inBank = { params: { code: 'TESTUS33' } };
  const inSubBatch = { params: { code: 'TESTUS33', subBatchId: randomUUID() } };
  const source = { sourceId: programme.sourceId };
  secrets = [
    batchId,
    submissionId,
    instructionId,
    payee,
    dispute.disputeId,
    ...notices.map((one) => one.noticeId),
    ...accounts.map((one) => one.accountId),
  ];
  const run = { params: { batchId } };
  const personToken = await t.node.token({ id: 'citizen' });
  const item = { params: { itemId: randomUUID() } };
  const entry = { params: { entryId: randomUUID() } };
  /** With the roles, of another agency. */
  const official = await t.node.token({
    id: 'official',
    roles: ['administrator', 'payment-approver'],
    agency: 'TEST/GOV/OTHER',
  });
  const beneficiaries = [{ payeeIdentity: payee, financialAddress: '999999999999' }];
  const instruction = { amount: '1.00', currency: 'USD' };
  const { billerId, prefix } = await bills.onboard(t.node);
  const officer = await bills.officer(t.node, 'maker-2');
  const proposed = await bills.adminOf(t.node).proposeBiller({ body: bills.settings, personToken: officer });
  const proposal = { params: { proposalId: proposed.body.proposalId } };
  const { proposalId: aggregatorProposalId } = (
    await bills.adminOf(t.node).proposeAggregator({
      body: {
        aggregatorId: 'utilities',
        name: 'Utilities',
        application: 'TEST/COM/AGGREGATOR/bills',
        service: 'TEST/COM/AGGREGATOR/bills/biller-v1',
      },
      personToken: officer,
    })
  ).body;
  const ofBiller = { params: { billerId } };
  const reason = { body: { reason: 'x' } };
  const billId = `${prefix}000001`;
  const headers = {};
  const period = { from: new Date(Date.now() - 60_000).toISOString(), to: new Date().toISOString() };
  const rtp = { params: { transferRequestId: '1' }, headers };
  inputs = {
    [paymentsAdmin.name]: {
      putSource: { params: source, body: { application: rival, name: 'Mine', institutionId: 'X' } },
      listSources: {},
      setAutoApproveLimit: { params: source, body: { limit: '1.00', currency: 'USD' }, personToken },
      putRequestSigning: { params: source, body: { required: false, keys: [] } },
      getRequestSigning: { params: source },
      putDirectory: { params: source, body: { service: null } },
      getDirectory: { params: source },
      putProgramme: {
        params: programme,
        body: { name: 'Mine', currency: 'USD', fundingAccount: 'US00MINE' },
      },
      getProgramme: { params: programme },
      listProgrammes: { params: source },
      releaseBudget: { params: programme, body: { reference: 'x', amount: '1.00', currency: 'USD' } },
      putRail: {
        params: { railId: 'bank' },
        body: {
          adapter: 'bank',
          service: `${rival}/rail-v1`,
          name: 'X',
          modalities: ['00'],
          currencies: ['USD'],
        },
      },
      listRails: {},
      listBatches: { query: {} },
      getBatch: run,
      listInstructions: { ...run, query: {} },
      getInstruction: { params: { instructionId } },
      listPayeePayments: { body: { ...source, payeeIdentity: payee } },
      approveBatch: { ...run, body: { contentHash }, personToken },
      rejectBatch: { ...run, body: { contentHash, reason: 'x' }, personToken },
      cancelBatch: { ...run, body: { reason: 'x' } },
      resumeBatch: { ...run, personToken },
      retryFailedInstructions: run,
      getCertificate: run,
      readFailures: run,
      listAccounts: { query: {} },
      listTransfers: { params: { accountId: accounts[0]?.accountId }, query: {} },
      ledgerInvariants: {},
      listCases: { query: {} },
      resolveCase: { params: { caseId: randomUUID() }, body: { outcome: 'paid', note: 'x' }, personToken },
      getSigningKeys: {},
      pauseBatch: { ...run, body: { reason: 'x' } },
      stopBatch: { ...run, body: { reason: 'x' } },
      setBatchPriority: { ...run, body: { priority: 'urgent', reason: 'x' } },
      failWaitingInstructions: { ...run, body: { railId: 'bank', reason: 'x' } },
      listRailTraffic: {},
      listUnknowns: { query: {} },
      askRail: { params: { instructionId } },
      decideUnknown: {
        params: { instructionId },
        body: { outcome: 'paid', evidence: 'x' },
        personToken: await t.node.token({ id: 'stranger', roles: ['administrator', 'payment-approver'] }),
      },
      rotateSigningKey: { body: { replaces: 'callbacks' }, personToken },
    },
    [g2p.name]: {
      registerBeneficiary: { headers: {}, body: { requestID: 'x', beneficiaries } },
      updateBeneficiary: { headers: {}, body: { requestID: 'x', beneficiaries } },
      getRegistrationResult: { params: { requestID: `r-${payee}` } },
      getUpdateResult: { params: { requestID: `r-${payee}` } },
      getBeneficiary: { query: { payeeIdentity: payee, requestId: 'x' }, headers: {} },
      listBeneficiaries: { body: { requestId: 'x', payeePartyIds: [payee] }, headers: {} },
      prepaymentValidation: {
        headers: {},
        body: {
          requestID: 'x',
          batchID: 'x',
          creditInstructions: [{ ...instruction, instructionID: 'x', payeeFunctionalID: payee }],
        },
      },
      getPrepaymentValidation: { params: { batchID: 'x' } },
      batchTransactions: {
        query: {},
        headers: { 'x-correlationid': 'x' },
        body: [{ ...instruction, requestId: 'x', creditParty: [{ key: 'functionalId', value: payee }] }],
      },
      submitInstructions: {
        headers: { 'x-correlationid': 's-1', 'x-program-id': programme.programmeId },
        body: Buffer.from('{}'),
      },
      getSubmission: { params: { submissionId }, query: {} },
      getBatchStatus: { query: { batchId } },
      getBatchDetails: { query: { batchId }, headers: {} },
      postTransaction: {
        query: { waitSeconds: 0 },
        headers: {},
        body: { ...instruction, requestId: 'z', creditParty: [{ key: 'functionalId', value: payee }] },
      },
      getTransaction: { params: { requestId: row?.requestId ?? '' } },
    },
    [phee.name]: {
      registerPayees: { headers: {}, body: { requestID: 'y', beneficiaries } },
      updateOrLookUpPayees: { headers: {}, body: { requestID: 'y', beneficiaries } },
      lookUpPayee: { query: { payeeIdentity: payee, requestId: 'y' }, headers: {} },
      handOverBatch: {
        query: {},
        headers: { 'x-correlationid': 'y' },
        body: [{ ...instruction, requestId: 'y', creditParty: [{ key: 'functionalId', value: payee }] }],
      },
      batchSummary: { query: { batchId } },
      batchDetail: { query: { batchId }, headers: {} },
    },
    [vouchers.name]: {
      postVouchers: { query: { command: 'cancel' }, headers: {}, body: serials },
      putVouchers: { query: { command: 'suspend' }, headers: {}, body: serials },
      getVoucherDetails: ofRequest,
      getActivationResult: ofRequest,
      getCancellationResult: ofRequest,
      getVoucherStatus: { params: { serialNumber }, query: {} },
      getVoucher: { params: { serialNumber }, query: {} },
      getVoucherValidity: { query: { serialNumber } },
      getValidity: { query: { serialNumber } },
      checkVoucherValidity: { body: { voucherNumber, groupCode: 'ANY' } },
      getVoucherCode: { params: { serialNumber } },
      getVoucherKeys: {},
    },
    [voucherAdmin.name]: {
      putVoucherGroup: {
        ...ofGroup,
        body: { programmeId: programme.programmeId, name: 'Mine', validitySeconds: 1 },
      },
      listVoucherGroups: { query: {} },
      provisionVouchers: { ...ofGroup, body: { reference: 'x', denomination: '1.00', count: 1 } },
      putRecipientKey: { ...ofGroup, params: source, body: { publicKey: { kty: 'EC' } } },
      putMerchant: {
        params: { merchantId: 'shop-1' },
        body: { name: 'Mine', application: rival, paymentModality: '00', financialAddress: '99999999' },
      },
      listMerchants: { query: {} },
      listVouchers: { query: {} },
      getVoucher: { params: { serialNumber } },
      suspendVoucher: ofVoucher,
      unsuspendVoucher: ofVoucher,
      blockVoucher: ofVoucher,
      unblockVoucher: ofVoucher,
      cancelVoucher: ofVoucher,
      purgeVoucher: ofVoucher,
      validateVoucher: { body: { serialNumber, voucherNumber } },
      voucherReport: { query: {} },
      rotateVoucherKey: { personToken },
      listVoucherKeys: { personToken },
    },
    [railCallback.name]: {
      postTransferResults: {
        body: { eventId: 'x', results: [{ reference: instructionId, status: 'completed' }] },
      },
    },
    [oversight.name]: {
      listAuditEntries: { query: {} },
      requestDisclosure: {
        params: { entryId: entries[0]?.entryId },
        body: { reason: 'Curious' },
        personToken,
      },
      listDisclosures: { query: {} },
      decideDisclosure: {
        params: { disclosureId: randomUUID() },
        body: { decision: 'granted' },
        personToken,
      },
      readDisclosure: { params: { disclosureId: randomUUID() }, personToken },
      searchRecords: { body: { reference: batchId, payeeIdentity: payee } },
      getApprovalSignature: run,
      getReceipt: { params: { instructionId } },
      listPayeeReceipts: { body: { ...source, payeeIdentity: payee } },
      acknowledgeReceipt: { params: { instructionId }, body: { hash: '0'.repeat(64) } },
      listNotices: { query: {} },
      getNotice: { params: { noticeId: notices[0]?.noticeId } },
      resendNotice: { params: { noticeId: notices[0]?.noticeId } },
      openDispute: { body: { ...complaint, clientId: 'theirs' } },
      listDisputes: { query: {} },
      getDispute: inDispute,
      commentDispute: { ...inDispute, body: { text: 'x' } },
      assignDispute: { ...inDispute, body: { assignee: 'x' }, personToken },
      moveDispute: { ...inDispute, body: { to: 'withdrawn' } },
      putInstitution: { ...inBank, body: { name: 'Mine', member: 'TEST/GOV/OTHER' } },
      listInstitutions: {},
      listCustomerSubBatches: { ...inBank, query: {} },
      listCustomerPayments: { ...inBank, query: {} },
      getCustomerFile: inSubBatch,
      getCustomerTable: inSubBatch,
      reportCustomerResults: {
        ...inBank,
        body: { uploadId: 'x', results: [{ reference: instructionId, status: 'completed' }] },
      },
      putScreeningCheck: {
        params: { checkId: 'x' },
        body: { name: 'X', kind: 'other', service: `${rival}/screening-v1`, onHit: 'reject' },
      },
      listScreeningChecks: {},
      listReviews: { query: {} },
      decideReview: {
        params: { reviewId: randomUUID() },
        body: { decision: 'released', note: 'x' },
        personToken,
      },
      listSharedAccounts: { query: {} },
      reportPayments: { query: { by: 'source' } },
      reportPayee: { body: { payeeIdentity: payee } },
      listVaultKeys: { personToken },
      rotateVaultKey: { body: { reason: 'x' }, personToken },
    },
    [gsmaCallback.name]: {
      putTransaction: {
        headers: { 'x-correlationid': instructionId },
        body: { transactionReference: 'x', transactionStatus: 'completed' },
      },
    },
    [railFiles.name]: {
      listRailFiles: { params: { railId: 'bank' }, query: {} },
      fetchRailFile: { params: { railId: 'bank', fileId: randomUUID() } },
      loadRailReport: { params: { railId: 'bank' }, body: Buffer.from('<x/>') },
    },
    [reconciliation.name]: {
      loadStatements: { query: { format: 'csv' }, body: Buffer.from(bankOf().statement([])) },
      listStatements: { query: {} },
      getStatement: { params: { statementId: randomUUID() } },
      listStatementLines: { params: { statementId: randomUUID() }, query: {} },
      listWorklist: { query: {} },
      assignItem: { ...item, body: {}, personToken: official },
      getWorklistItem: item,
      getSuggestions: item,
      proposeResolution: { ...item, body: { resolution: 'acknowledged', note: 'x' }, personToken: official },
      acceptResolution: { ...item, body: {}, personToken: official },
      declineResolution: { ...item, body: {}, personToken: official },
      makeProofs: {},
      listProofs: { query: {} },
      getRunReconciliation: run,
      getCreditsReport: { query: { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' } },
      listSuspense: { query: {} },
      releaseSuspense: { ...entry, body: { note: 'x' }, personToken: official },
      acceptRelease: { ...entry, body: {}, personToken: official },
      declineRelease: { ...entry, body: {}, personToken: official },
      putSingleDecisionLimit: {
        params: { currency: 'USD' },
        body: { amount: '1.00' },
        personToken: official,
      },
      listSingleDecisionLimits: {},
      getSettlementFigures: { query: { day: '2026-01-01' } },
      closeSettlementDay: { body: { railId: 'bank', currency: 'USD', day: '2026-01-01' } },
      listSettlements: { query: {} },
      getSettlement: { params: { settlementId: randomUUID() } },
      getSettlementFile: { params: { settlementId: randomUUID() } },
      postFeeSchedule: { body: { railId: 'bank', currency: 'USD', bands: [] } },
      listFeeSchedules: { query: {} },
      quoteFee: { body: { railId: 'bank', modality: '00', currency: 'USD', amount: '1.00' } },
      getRunFees: run,
    },
    [p2g.name]: {
      inquireBill: { params: { billId }, query: { requestId: 'x' }, headers },
      postBill: { params: { billId }, query: {}, headers, body: { requestId: 'x', code: '00' } },
      getBillInquiry: { params: { requestId: 'x' }, headers },
      billTransferRequest: {
        headers,
        body: { requestId: 'x', billId, billInquiryRequestId: 'x', paymentReferenceID: 'x' },
      },
      getBillTransferRequest: { params: { paymentReferenceID: 'x' }, headers },
      rtpRequest: {
        headers: { 'x-billerid': billerId },
        body: {
          requestId: 'x',
          rtpId: 1,
          billID: billId,
          requestType: '00',
          payerFiDetails: { payerFIBIC: 'BANKUS33' },
          billDetails: { amount: 1 },
        },
      },
      rtpResponse: { headers, body: { RequestId: 'x', txnId: 'T00000000001', rtpStatus: '00' } },
      getTransferRequest: { ...rtp, query: {} },
      cancelTransferRequest: rtp,
      voucherRedemption: {
        headers,
        body: { requestId: 'x', billInquiryRequestId: 'x', billId, VoucherSecretHash: 'x' },
      },
      putPayerAlias: { headers, body: { aliasType: '00', aliasId: 'x' } },
    },
    [paymentsBillers.name]: {
      putPayerInstitution: {
        params: { payerId: 'MINE' },
        body: { application: rival, name: 'Mine', service: `${rival}/payer-fi-v1` },
      },
      listPayerInstitutions: {},
      listAggregators: {},
      proposeAggregator: {
        body: { aggregatorId: 'mine', name: 'Mine', application: rival, service: `${rival}/biller-v1` },
        personToken,
      },
      listAggregatorProposals: { query: {}, personToken },
      approveAggregatorProposal: { params: { proposalId: aggregatorProposalId }, personToken },
      rejectAggregatorProposal: { params: { proposalId: aggregatorProposalId }, ...reason, personToken },
      proposeBiller: { body: bills.settings, personToken },
      listBillerProposals: { query: {}, personToken },
      getBillerProposal: { ...proposal, personToken },
      approveBillerProposal: { ...proposal, personToken },
      rejectBillerProposal: { ...proposal, ...reason, personToken },
      listBillers: { query: {} },
      getBiller: ofBiller,
      suspendBiller: { ...ofBiller, ...reason },
      resumeBiller: { ...ofBiller, ...reason },
      getBillerTable: { query: {} },
      listBillPayments: { query: period },
      reportBillPayments: { query: period },
      reportBillActivity: { query: period },
    },
    [collection.name]: {
      listPaymentInstitutions: { personToken },
      lookUpBill: { body: { billId }, personToken },
      getBill: { params: { inquiryId: randomUUID() }, personToken },
      startBillPayment: {
        body: { inquiryId: randomUUID(), payerInstitutionId: 'BANK', approvedText: 'x' },
        personToken,
      },
      getBillPayment: { params: { paymentId: randomUUID() }, query: {}, personToken },
      listOwnBillPayments: { query: {}, personToken },
      cancelBillPayment: { params: { paymentId: randomUUID() }, personToken },
    },
  };
});
afterAll(() => t.stop());

type Call = (input: object) => Promise<{ status: number; body: unknown }>;
const surfaces = payments.surfaces.filter((surface) => !surface.compliance);
const operations = surfaces.flatMap((surface) =>
  Object.keys(surface.operations).map((operation) => [surface.name, operation] as const),
);
const callOf = (as: string, name: string, operation: string): Call => {
  const surface = surfaces.find((one) => one.name === name) as (typeof surfaces)[number];
  return (t.node.client(surface, { as }) as unknown as Record<string, Call>)[operation] as Call;
};
const ask = async (as: string, surface: string, operation: string) => {
  const input = inputs[surface]?.[operation];
  if (!input) throw new Error(`nobody has tried ${operation} as a stranger`);
  try {
    const { status, body } = await callOf(as, surface, operation)(input);
    return { status, body };
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    return { status: error.status, body: error.problem };
  }
};
/** Public by nature: with it receivers check signatures. */
const open = ['getSigningKeys', 'getVoucherKeys'];
/** What every source may do with its own records; it never sees another's. */
const own = [
  'listBatches',
  'registerBeneficiary',
  'updateBeneficiary',
  'getBeneficiary',
  'listBeneficiaries',
  'listNotices',
  'listDisputes',
  'reportPayments',
  'reportPayee',
  'postVouchers',
  'putVouchers',
  'getVoucherValidity',
  'getValidity',
  'checkVoucherValidity',
  'registerPayees',
  'updateOrLookUpPayees',
  'lookUpPayee',
];

describe('an application that is neither a source nor a rail nor the treasury’s', () => {
  it.each(operations)('[PAY-6.14-c][PAY-6.4-a] gets nothing from %s %s', async (surface, operation) => {
    const { status } = await ask('TEST/GOV/STRANGER/app', surface, operation);
    if (open.includes(operation)) expect(status).toBe(200);
    else expect([403, 404]).toContain(status);
  });
});

describe('another source', () => {
  it.each(
    operations,
  )('[PAY-6.14-c] sees and changes nothing of this one by %s %s', async (surface, operation) => {
    const { status, body } = await ask(rival, surface, operation);
    const text = JSON.stringify(body);
    if (own.includes(operation)) for (const secret of secrets) expect(text).not.toContain(secret);
    else if (!open.includes(operation)) expect([400, 403, 404]).toContain(status);
  });

  it('leaves all as it was', async () => {
    const { items } = (await t.admin.listBatches({ query: { sourceId: programme.sourceId } })).body;
    expect(items.map((one) => one.state)).toEqual(['awaiting-approval', 'awaiting-approval']);
    const payeeIdentity = secrets[3] as string;
    const { body } = await t.api.getBeneficiary({ query: { payeeIdentity, requestId: 'q' }, headers: {} });
    expect(body.paymentModalityList[0]?.financialAddress).not.toContain('9999');
    expect(await stateOf(t.node, voucherSerial)).toBe('activated');
    expect((await t.admin.listSources({})).body.items).toHaveLength(2);
    expect((await t.admin.listRails({})).body.items.find((one) => one.railId === 'bank')?.name).toBe('Bank');
    const billers = (await bills.adminOf(t.node).listBillers({ query: {} })).body.items;
    expect(billers.map((one) => [one.suspended, one.name])).toEqual([[false, bills.settings.name]]);
    expect((await bills.adminOf(t.node).listPayerInstitutions({})).body.items).toEqual([]);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});
