import type { MediatedResponse } from '@govstack/platform';
import { jsonResponse } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { g2p, paymentsAdmin, phee, railCallback } from '../src/api/operations.ts';
import {
  adminOf,
  approve,
  bankService,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  payees,
  programme,
  reaches,
  source,
  startTreasury,
  type Treasury,
  treasury,
} from './fixtures/treasury.ts';

type Told = Record<string, unknown>;
const told: { path: string; body: Told }[] = [];
const callbackService = `${source}/payments-callback-v1`;
const take = async (request: { path: string; body?: unknown }): Promise<MediatedResponse> => {
  told.push({ path: request.path, body: JSON.parse(String(request.body)) as Told });
  return jsonResponse(200, {});
};
let t: Treasury;
beforeAll(async () => {
  t = await startTreasury({}, { providers: { [callbackService]: take } });
  await t.admin.putSource({
    params: { sourceId: programme.sourceId },
    body: {
      application: source,
      name: 'Cash transfer',
      institutionId: 'MSP',
      callbackService,
      callbackPath: '/told',
    },
  });
});
afterAll(() => t.stop());

const heard = async (path: string): Promise<Told> => {
  const one = () => told.find((message) => message.path.startsWith(path));
  await expect.poll(one, { timeout: 30_000, interval: 10 }).toBeDefined();
  return (one() as { body: Told }).body;
};
const setLimit = async (limit: string | null) =>
  t.admin.setAutoApproveLimit({
    params: { sourceId: programme.sourceId },
    body: { limit, currency: 'USD' },
    personToken: await t.node.token({ id: 'admin-1', roles: ['administrator'], agency: treasury }),
  });
const transaction = (requestId: string, value: string, amount = '7.00') => ({
  requestId,
  creditParty: [{ key: 'functionalId', value }],
  amount,
  currency: 'USD',
});

describe('the published mapper messages', () => {
  it('[PAY-8.1.2-b] a registration is answered, called back and polled alike, in the words of the file', async () => {
    const answer = await t.api.registerBeneficiary({
      headers: { 'x-callback-url': '/registered' },
      body: {
        RequestID: 'reg-1',
        Beneficiaries: [
          { payeeIdentity: 'pub-1', PaymentModality: '00', FinancialAddress: '12345678' },
          {
            payeeIdentity: 'pub-2',
            PaymentModality: '01',
            bankingInstitutionCode: 'TESTUS33',
            FinancialAddress: '1',
          },
        ],
      },
    });
    expect(answer.body).toEqual({
      responseCode: '00',
      responseDescription: expect.any(String),
      requestID: 'reg-1',
    });
    const message = await heard('/registered');
    expect(message).toEqual({
      requestID: 'reg-1',
      registerRequestID: 'reg-1',
      numberFailedCases: 1,
      failedCases: [
        {
          payeeIdentity: 'pub-2',
          paymentModality: '01',
          bankingInstitutionCode: 'TESTUS33',
          failureReason: expect.any(String),
        },
      ],
    });
    const polled = (await t.api.getRegistrationResult({ params: { requestID: 'reg-1' } })).body;
    expect(polled).toEqual(message);
  });

  it('[PAY-8.1.3-a][PAY-8.1.3-b] an update likewise, which names payees as its file does and cannot change who they are', async () => {
    await t.api.updateBeneficiary({
      headers: { 'x-callback-url': '/updated' },
      body: {
        requestID: 'upd-1',
        sourceBBID: programme.sourceId,
        beneficiaries: [
          { payeeIdentity: 'pub-1', paymentModality: '01', financialAddress: '+15550000001' },
          { payeeIdentity: 'pub-9', paymentModality: '00', financialAddress: '12345678' },
        ],
      },
    });
    const message = await heard('/updated');
    expect(message).toMatchObject({
      requestID: 'upd-1',
      registerRequestID: 'upd-1',
      numberFailedCases: 1,
      failedCases: [{ payeeFunctionalID: 'pub-9', paymentModality: '00' }],
    });
    expect((await t.api.getUpdateResult({ params: { requestID: 'upd-1' } })).body).toEqual(message);
    const { body } = await t.api.listBeneficiaries({
      headers: {},
      body: { requestId: 'q', payeePartyIds: ['pub-1', 'pub-9'] },
    });
    expect(body.paymentModalityList).toEqual([
      { payeeIdentity: 'pub-1', paymentModality: '01', financialAddress: '••••0001' },
    ]);
    const off = { requestID: 'upd-2', beneficiaries: [{ payeeIdentity: 'pub-1', status: '0' as const }] };
    await t.api.updateBeneficiary({ headers: {}, body: off });
    const one = { query: { payeeIdentity: 'pub-1', requestId: 'q' }, headers: {} };
    expect((await t.api.getBeneficiary(one)).body.paymentModalityList).toEqual([]);
  });

  it('[PAY-8.4] a business with a functional id is registered, updated and paid as a person is', async () => {
    const business = { payeeIdentity: 'ORG-4711', financialAddress: '55550001', paymentModality: '00' };
    await t.api.registerBeneficiary({ headers: {}, body: { requestID: 'biz', beneficiaries: [business] } });
    const moved = { ...business, financialAddress: '55550002' };
    await t.api.updateBeneficiary({ headers: {}, body: { requestID: 'biz', beneficiaries: [moved] } });
    const batchId = await handOver(t.node, ['ORG-4711']);
    await approve(t.node, batchId);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    expect([...t.bank.credited.values()].map((one) => one.address)).toContain('55550002');
  });
});

describe('the published bulk messages', () => {
  it('[PAY-9.1.2] a validation is called back and polled alike', async () => {
    const [known = ''] = await payees(t.node, 1);
    t.bank.invalid = (address) => (address === '66660001' ? 'AC04' : undefined);
    const closed = { payeeIdentity: 'pub-closed', financialAddress: '66660001', paymentModality: '00' };
    await t.api.registerBeneficiary({ headers: {}, body: { requestID: 'closed', beneficiaries: [closed] } });
    const credit = { amount: '5.00', currency: 'USD' };
    const { body } = await t.api.prepaymentValidation({
      headers: { 'x-callback-url': '/validated' },
      body: {
        requestID: 'val-1',
        batchID: 'val-1',
        creditInstructions: [
          { ...credit, instructionID: 'v-1', payeeFunctionalID: known },
          { ...credit, instructionID: 'v-2', payeeFunctionalID: 'pub-nobody' },
          { ...credit, instructionID: 'v-3', payeeFunctionalID: 'pub-closed' },
        ],
      },
    });
    expect(body).toMatchObject({ responseCode: '00', requestID: 'val-1' });
    const message = await heard('/validated');
    expect(message).toEqual({
      requestID: 'val-1',
      batchID: 'val-1',
      numberFailedCases: 2,
      failedAccounts: [
        { instructionID: 'v-2', failureReason: 'payee-not-registered' },
        { instructionID: 'v-3', failureReason: 'AC04' },
      ],
    });
    const polled = (await t.api.getPrepaymentValidation({ params: { batchID: 'val-1' } })).body;
    expect(polled).toEqual({ ...message, state: 'validated' });
    t.bank.invalid = () => undefined;
  });

  it('[PAY-6.4-c] an instruction without one of its parts is refused, named, and nothing of its batch is kept', async () => {
    const [payee = ''] = await payees(t.node, 1);
    const whole = transaction('part-1', payee);
    for (const name of Object.keys(whole)) {
      const { [name]: _, ...rest } = whole as Record<string, unknown>;
      const refused = t.api.batchTransactions({
        query: {},
        headers: { 'x-correlationid': 'parts' },
        body: [transaction('part-0', payee), rest as never],
      });
      await expect(refused).rejects.toMatchObject({
        status: 400,
        problem: { errors: [{ in: 'body', pointer: `/1/${name}` }] },
      });
    }
    await expect(
      t.api.batchTransactions({ query: {}, headers: {} as never, body: [whole] }),
    ).rejects.toMatchObject({ status: 400 });
    const { items } = (await t.admin.listBatches({ query: {} })).body;
    expect(items.map((one) => one.clientBatchId)).not.toContain('parts');
  });

  it('[PAY-5.3.4-c] a batch that is not the one its source declared is refused as a whole', async () => {
    const ids = await payees(t.node, 2);
    const send = (id: string, headers: Record<string, string>) =>
      t.api.batchTransactions({
        query: {},
        headers: { 'x-correlationid': id, ...headers },
        body: ids.map((payee) => transaction(`${id}-${payee}`, payee, '2.50')),
      });
    for (const headers of [
      { 'x-batch-count': '3' },
      { 'x-batch-count': '1' },
      { 'x-batch-count': '2', 'x-batch-total': '5.01' },
      { 'x-batch-total': '5.001' },
      { 'x-batch-total': 'much' },
    ])
      await expect(send('declared', headers as never)).rejects.toMatchObject({ status: 400 });
    expect((await send('declared', { 'x-batch-count': '2', 'x-batch-total': '5.00' })).status).toBe(202);
  });

  it('[PAY-5.3.3-e][PAY-8.1.4-c] details are told page by page, by state and by direction, to who knows the batch', async () => {
    const ids = await payees(t.node, 3);
    t.bank.fate = (one) =>
      one.address === (ids[0] as string).slice(2).padStart(12, '0') ? { rejected: 'AC04' } : 'completed';
    const batchId = await handOver(t.node, ids, { id: 'details' });
    await approve(t.node, batchId);
    await reaches(t.node, batchId, ...over);
    t.bank.fate = () => 'completed';
    const detail = async (query: object) =>
      (await t.api.getBatchDetails({ query: { batchId, ...query }, headers: {} })).body;
    expect((await detail({})).map((one) => one.payeePartyId)).toEqual(ids);
    expect((await detail({ pageNo: 1, pageSize: 2 })).map((one) => one.payeePartyId)).toEqual([ids[2]]);
    expect(await detail({ status: 'failed', direction: 'outgoing', 'X-CorrelationID': 'details' })).toEqual([
      {
        transactionId: expect.any(String),
        requestId: `details-${ids[0]}`,
        startedAt: expect.any(String),
        completedAt: expect.any(String),
        status: 'failed',
        statusDetail: 'RJCT',
        payeeDfspId: 'bank',
        payeePartyId: ids[0],
        payeePartyIdType: 'functionalId',
        payerPartyId: programme.programmeId,
        payerPartyIdType: 'programmeId',
        amount: 12.5,
        currency: 'USD',
        direction: 'OUTGOING',
        errorInformation: 'AC04',
        batchId,
      },
    ]);
    expect(await detail({ direction: 'INCOMING' })).toEqual([]);
    await expect(detail({ 'X-CorrelationID': 'other' })).rejects.toMatchObject({ status: 404 });
  });

  it('[PAY-9.1.1-c] nobody is paid in a currency that no rail of their account carries', async () => {
    await t.admin.putProgramme({
      params: { sourceId: programme.sourceId, programmeId: 'euro' },
      body: { name: 'Euro', currency: 'EUR', fundingAccount: 'EU00TREASURY01' },
    });
    const [payee = ''] = await payees(t.node, 1);
    const send = (id: string, programmeId: string) =>
      t.api.batchTransactions({
        query: {},
        headers: { 'x-correlationid': id, 'x-program-id': programmeId },
        body: [{ ...transaction(id, payee), currency: 'EUR' }],
      });
    await expect(send('euro-1', programme.programmeId)).rejects.toMatchObject({ status: 400 });
    const { batchId } = (await send('euro-2', 'euro')).body;
    await reaches(t.node, batchId, 'failed');
    expect((await instructionsOf(t.node, batchId))[0]).toMatchObject({ reasonCode: 'no-rail-for-account' });
  });

  it('[PAY-5.1.1][PAY-5.3.3-d] pays whom a source has registered before, to the account that is looked up, and nobody else', async () => {
    const [payee = ''] = await payees(t.node, 1);
    const batchId = await handOver(t.node, [payee, 'pub-never-enrolled']);
    await approve(t.node, batchId);
    await reaches(t.node, batchId, ...over);
    const rows = await instructionsOf(t.node, batchId);
    expect(rows.map((one) => [one.state, one.reasonCode])).toEqual([
      ['completed', undefined],
      ['rejected', 'payee-not-registered'],
    ]);
    expect(t.bank.credited.get(rows[0]?.instructionId as string)?.address).toBe(
      payee.slice(2).padStart(12, '0'),
    );
    const asked = { query: { payeeIdentity: 'pub-never-enrolled', requestId: 'q' }, headers: {} };
    expect((await t.api.getBeneficiary(asked)).body.paymentModalityList).toEqual([]);
  });

  it('[PAY-6.8-a][PAY-6.8-b][PAY-6.8-d] one id with its time in it leads from the source’s own to the bank’s', async () => {
    const [payee = ''] = await payees(t.node, 1);
    const batchId = await handOver(t.node, [payee], { id: 'chain' });
    await approve(t.node, batchId);
    await reaches(t.node, batchId, ...over);
    const { body } = await t.api.getTransaction({ params: { requestId: `chain-${payee}` } });
    const id = body.transactionId;
    expect(t.bank.credited.get(id)).toMatchObject({ amount: '12.50', times: 1 });
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
    expect(Math.abs(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16) - Date.now())).toBeLessThan(
      60_000,
    );
    const kept = (await adminOf(t.node).getInstruction({ params: { instructionId: id } })).body;
    expect(kept).toMatchObject({ requestId: `chain-${payee}`, railReference: `B-${id.slice(-12)}` });
  });

  it('[PAY-5.3.1-m][PAY-5.3.1-h] a run is made by an application, by a person, or for a later time', async () => {
    const ids = await payees(t.node, 3);
    const send = async (id: string, payee: string | undefined, headers: object, personToken?: string) => {
      const { body } = await t.api.batchTransactions({
        query: {},
        headers: { 'x-correlationid': id, 'x-program-id': programme.programmeId, ...headers },
        body: [transaction(id, payee as string, '3.00')],
        ...(personToken === undefined ? {} : { personToken }),
      });
      await approve(t.node, body.batchId);
      await reaches(t.node, body.batchId, ...over);
      return (await t.admin.getBatch({ params: { batchId: body.batchId } })).body;
    };
    expect((await send('by-event', ids[0], {})).state).toBe('completed');
    const clerk = await t.node.token({ id: 'clerk-1' });
    expect((await send('by-user', ids[1], {}, clerk)).makerPerson).toBe('clerk-1');
    const instant = new Date(Date.now() + 1500);
    const later = await send('by-time', ids[2], { 'x-not-before': instant.toISOString() });
    expect(Date.parse(later.completedAt as string)).toBeGreaterThanOrEqual(instant.getTime());
  });
});

describe('a single payment', () => {
  const post = (requestId: string, payee: string, waitSeconds: number, amount = '4.00') =>
    t.api.postTransaction({
      query: { waitSeconds },
      headers: { 'x-program-id': programme.programmeId },
      body: transaction(requestId, payee, amount),
    });

  it('[PAY-6.4-b][PAY-5.3.1-d] is paid and answered in one call, and the same again is the same payment', async () => {
    await setLimit('10.00');
    const [payee = '', other = ''] = await payees(t.node, 3);
    const first = await post('single-1', payee, 30);
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      requestId: 'single-1',
      status: 'completed',
      statusDetail: 'ACCC',
      amount: 4,
    });
    const again = await Promise.all([1, 2, 3].map(() => post('single-1', payee, 30)));
    for (const { body } of again) expect(body).toEqual(first.body);
    expect(t.bank.credited.get(first.body.transactionId)?.times).toBe(1);
    expect((await t.api.getTransaction({ params: { requestId: 'single-1' } })).body).toEqual(first.body);
    await expect(post('single-1', other, 0)).rejects.toMatchObject({ status: 409 });
    const unknown = await post('single-2', 'pub-nobody', 30);
    expect(unknown.body).toMatchObject({ status: 'rejected', errorInformation: 'payee-not-registered' });
    await setLimit(null);
  });

  it('[PAY-6.4-b][PAY-8.1.4-c] that waits for a person or a rail is answered in time, with where it stands', async () => {
    const [payee = '', , other = ''] = await payees(t.node, 3);
    const waits = await post('single-3', payee, 30);
    expect([waits.status, waits.body.status, waits.body.statusDetail]).toEqual([202, 'validated', 'ACTC']);
    await approve(t.node, waits.body.batchId);
    const asked = () => t.api.getTransaction({ params: { requestId: 'single-3' } });
    await expect.poll(async () => (await asked()).body.status).toBe('completed');
    await setLimit('10.00');
    t.bank.fate = () => 'lost';
    t.bank.answersQuestions = false;
    const silent = await post('single-4', other, 0.5, '5.00');
    expect(silent.status).toBe(202);
    expect(['received', 'validated', 'queued', 'submitted', 'unknown']).toContain(silent.body.status);
    t.bank.fate = () => 'completed';
    t.bank.answersQuestions = true;
    const later = () => t.api.getTransaction({ params: { requestId: 'single-4' } });
    await expect.poll(async () => (await later()).body.status).toBe('completed');
    await setLimit(null);
    await expect(t.api.getTransaction({ params: { requestId: 'single-9' } })).rejects.toMatchObject({
      status: 404,
    });
  });
});

it('[PAY-5.1.14] publishes each of its interfaces, and reaches others through the mediator only', async () => {
  const url = await t.node.listen({ port: 0, all: 'payments' });
  for (const surface of [g2p, phee, paymentsAdmin, railCallback]) {
    const document = (await (await fetch(`${url}/${surface.name}/openapi.json`)).json()) as { paths: object };
    const declared = new Set(Object.values(surface.operations).map((one) => one.path));
    expect(Object.keys(document.paths)).toHaveLength(declared.size);
  }
  expect(t.node.exchanges.some(({ service }) => service === bankService)).toBe(true);
  expect(t.node.exchanges.filter(({ service }) => service === bankService).length).toBe(
    t.bank.requests.length,
  );
  expect(await brokenBooks(t.node)).toEqual([]);
});
