import { randomUUID } from 'node:crypto';
import type { MediatedResponse } from '@govstack/platform';
import { jsonResponse } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phee } from '../src/api/operations.ts';
import {
  adminOf,
  application,
  approve,
  brokenBooks,
  instructionsOf,
  over,
  programme,
  reaches,
  source,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

/** What the source was told through the mediator. */
const told: { path: string; body: Record<string, unknown> }[] = [];
const callbackService = `${source}/payments-callback-v1`;
const take = async (request: { path: string; body?: unknown }): Promise<MediatedResponse> => {
  told.push({ path: request.path, body: JSON.parse(String(request.body)) as Record<string, unknown> });
  return jsonResponse(200, {});
};
let t: Treasury;
beforeAll(async () => {
  t = await startTreasury({}, { providers: { [callbackService]: take } });
  await t.admin.putSource({
    params: { sourceId: programme.sourceId },
    body: { application: source, name: 'Cash transfer', institutionId: 'MSP', callbackService },
  });
});
afterAll(() => t.stop());

/** As the reference client sends: its own spellings, its own headers, what it leaves out left out. */
const send = async (
  method: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await t.node.mediator.exchange({
    client: source,
    service: `${application}/${phee.name}`,
    method: method as 'POST',
    path,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined
      ? {}
      : { body: body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return {
    status: response.status,
    body: JSON.parse(response.body.toString() || '{}') as Record<string, unknown>,
  };
};
const about = (requestId: string) => told.filter(({ body }) => body.requestId === requestId);
const answered = (requestId: string) =>
  expect.poll(() => about(requestId).length, { timeout: 30_000, interval: 10 }).toBe(1);

const mapperHeaders = { 'X-CallbackURL': '/beneficiary/callback', 'X-Registering-Institution-ID': 'MSP' };
const functionalId = (n: number): string => `${String(n).padStart(9, '0')}066283PKG`;
const beneficiary = (n: number) => ({
  payeeIdentity: functionalId(n),
  paymentModality: '00',
  financialAddress: String(10_000_000 + n),
  bankingInstitutionCode: 'TESTUS33',
});
const registered = async (...numbers: number[]) => {
  const requestID = randomUUID();
  const body = { requestID, sourceBBID: programme.sourceId, beneficiaries: numbers.map(beneficiary) };
  expect((await send('POST', '/beneficiary', body, mapperHeaders)).status).toBe(200);
  await answered(requestID);
  return about(requestID)[0]?.body as { numberFailedCases: number; failedCases: { payeeIdentity: string }[] };
};

describe('the mapper as the reference client calls it', () => {
  it('[PAY-8.1.2-b][PAY-8.1.3-a] tells which payees were known, and takes these as an update', async () => {
    await registered(1, 2);
    const outcome = await registered(2, 3);
    expect(outcome).toMatchObject({
      numberFailedCases: 1,
      failedCases: [{ payeeIdentity: functionalId(2) }],
    });
    const requestID = randomUUID();
    const moved = { ...beneficiary(2), financialAddress: '99990000' };
    const update = { requestID, beneficiaries: [moved] };
    const answer = await send('PUT', '/beneficiary', update, mapperHeaders);
    expect([answer.status, answer.body.responseCode, answer.body.requestID]).toEqual([200, '00', requestID]);
    await answered(requestID);
    expect(about(requestID)[0]).toMatchObject({
      path: '/beneficiary/callback',
      body: { requestID, numberFailedCases: 0 },
    });
    const lookup = { requestId: randomUUID(), payeePartyIds: [functionalId(2), functionalId(3), 'nobody'] };
    const { body } = await send('PUT', '/beneficiary', lookup, { 'X-Callback_URL': '/x' });
    expect(body).toMatchObject({ requestId: lookup.requestId });
    const list = body.paymentModalityList as { payeeIdentity: string; financialAddress: string }[];
    expect(list.map((one) => one.payeeIdentity)).toEqual([functionalId(2), functionalId(3)]);
    expect(list[0]?.financialAddress).toBe('••••0000');
    const one = await send('GET', `/beneficiary?payeeIdentity=${functionalId(2)}&requestId=x`, undefined);
    expect(one.body.paymentModalityList).toHaveLength(1);
  });

  it('[PAY-6.9-e] is read whatever the case of its names, and refused when one comes twice or is missing', async () => {
    const { payeeIdentity, ...rest } = beneficiary(4);
    const REQUESTID = randomUUID();
    const shouted = { REQUESTID, BENEFICIARIES: [{ PAYEEIDENTITY: payeeIdentity, ...rest }] };
    expect((await send('POST', '/beneficiary', shouted)).status).toBe(200);
    for (const faulty of [
      { beneficiaries: [beneficiary(5)] },
      { requestID: randomUUID(), requestid: 'x', beneficiaries: [beneficiary(5)] },
      { requestID: randomUUID(), beneficiaries: [{ paymentModality: '00' }] },
      { requestID: randomUUID(), beneficiaries: [] },
      '[]',
      '{',
    ]) {
      const { status, body } = await send('POST', '/beneficiary', faulty);
      expect([status, body.responseCode]).toEqual([400, '01']);
    }
    const asked = await send('PUT', '/beneficiary', { requestId: 'x', payeePartyIds: [functionalId(5)] });
    expect(asked.body.paymentModalityList).toEqual([]);
  });

  it('[PAY-9.1.1-b] refuses a request id with other content, another source and another institution', async () => {
    const requestID = randomUUID();
    const body = { requestID, beneficiaries: [beneficiary(6)] };
    for (const expected of [200, 200])
      expect((await send('POST', '/beneficiary', body)).status).toBe(expected);
    const other = { ...body, beneficiaries: [beneficiary(7)] };
    expect((await send('POST', '/beneficiary', other)).status).toBe(409);
    const named = { ...body, sourceBBID: 'somebody' };
    expect((await send('POST', '/beneficiary', named)).status).toBe(403);
    const foreign = { 'X-Registering-Institution-ID': 'OTHER' };
    expect((await send('POST', '/beneficiary', body, foreign)).status).toBe(403);
  });
});

describe('a run as the reference client hands it over', () => {
  const headers = (id: string) => ({
    type: 'raw',
    Purpose: 'Cash transfer',
    'Platform-TenantId': 'MSP',
    'X-Platform-TenantId': 'MSP',
    'X-Program-ID': programme.programmeId,
    'X-Client-Correlation-ID': id,
    'X-CallbackURL': '/status',
    'X-Registering-Institution-ID': 'MSP',
    'X-Road-Client': source,
  });
  const transaction = (n: number, amount: string | number = 1.25) => ({
    requestId: randomUUID(),
    creditParty: [{ key: 'functionalId', value: functionalId(n) }],
    paymentMode: 'CLOSEDLOOP',
    amount,
    currency: 'USD',
    descriptionText: 'June',
  });

  it('[PAY-5.3.1-i][PAY-5.3.4-f] is paid without a debit party: the payer follows from source and programme', async () => {
    await registered(11, 12);
    const id = randomUUID();
    const run = [transaction(11), transaction(12)];
    const first = await send('POST', '/batchtransactions?type=raw', run, headers(id));
    expect(first.status).toBe(202);
    const again = await send('POST', '/batchtransactions?type=raw', run, headers(id));
    expect(again.body).toEqual(first.body);
    const other = [transaction(11, 2), transaction(12)];
    expect((await send('POST', '/batchtransactions?type=raw', other, headers(id))).status).toBe(409);
    const batchId = first.body.batchId as string;
    await approve(t.node, batchId);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    const polled = await send('GET', first.body.PollingPath as string, undefined);
    expect(polled.body).toMatchObject({ requestId: id, completed: 2, completed_amount: 2.5 });
    await expect.poll(() => about(id).at(-1)?.body.completed).toBe(2);
    expect({ ...about(id).at(-1)?.body, resultGeneratedAt: '' }).toEqual({
      ...polled.body,
      resultGeneratedAt: '',
    });
    const detail = await send('GET', `/api/v1/batch/detail?batchId=${batchId}`, undefined);
    expect(detail.body).toHaveLength(2);
  });

  it('[PAY-5.3.4-f] is refused with an account, without an id, and when type and content do not agree', async () => {
    const run = [transaction(11)];
    const { 'X-Client-Correlation-ID': _, ...noId } = headers('x');
    expect((await send('POST', '/batchtransactions', run, noId)).status).toBe(400);
    const account = [{ ...transaction(11), creditParty: [{ key: 'accountId', value: '10000011' }] }];
    expect((await send('POST', '/batchtransactions', account, headers(randomUUID()))).status).toBe(400);
    expect((await send('POST', '/batchtransactions?type=csv', run, { 'x-correlationid': 'x' })).status).toBe(
      400,
    );
  });

  const columns =
    'id,request_id,payment_mode,payer_identifier_type,payer_identifier,payee_identifier_type,payee_identifier,amount,currency,note,account_number,program_shortcode,cycle';
  const row = (
    n: number,
    more: { amount?: string; account?: string; programme?: string; note?: string; kind?: string } = {},
  ) =>
    [
      n,
      randomUUID(),
      'gsma',
      '',
      '',
      more.kind ?? 'functionalId',
      functionalId(n),
      more.amount ?? '3.10',
      'USD',
      more.note ?? '"for June, with a comma"',
      more.account ?? '',
      more.programme ?? programme.programmeId,
      '6',
    ].join(',');
  const csv = (rows: string[], names = columns) => Buffer.from(`\uFEFF${[names, ...rows].join('\r\n')}\r\n`);
  const upload = async (file: Uint8Array, type = 'text/csv', id: string = randomUUID()) =>
    send('POST', '/batchtransactions?type=csv', file, { 'content-type': type, 'X-CorrelationID': id });

  it('[PAY-5.3.1-i][PAY-5.3.4-a] comes as a file as well, alone or in a form', async () => {
    await registered(21, 22, 23);
    const plain = await upload(csv([row(21), row(22, { amount: '4' })]));
    expect(plain.status).toBe(202);
    const rows = await instructionsOf(t.node, plain.body.batchId as string);
    expect(rows.map((one) => one.amount)).toEqual(['3.10', '4.00']);
    const boundary = `form-${randomUUID()}`;
    const form = Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="data"; filename="a.csv"\r\ncontent-type: text/csv\r\n\r\n${csv([row(23)])}\r\n--${boundary}--\r\n`,
    );
    const inForm = await upload(form, `multipart/form-data; boundary=${boundary}`);
    expect(inForm.status).toBe(202);
    expect(await instructionsOf(t.node, inForm.body.batchId as string)).toHaveLength(1);
  });

  it('[PAY-5.3.1-g][PAY-5.3.4-d] as a file is refused whole when a row of it is wrong, naming the row', async () => {
    const before = (await adminOf(t.node).listBatches({ query: {} })).body.items.length;
    const [twice = ''] = [row(21)];
    const faulty: [string, Uint8Array][] = [
      ['/1/account_number', csv([row(21), row(22, { account: '10000022' })])],
      ['/0/payee_identifier_type', csv([row(21, { kind: 'MSISDN' })])],
      ['/1/amount', csv([row(21), row(22, { amount: '' })])],
      ['/1/amount', csv([row(21), row(22, { amount: '1.234' })])],
      ['/1/note', csv([row(21), row(22, { note: 'a\0b' })])],
      ['/0/program_shortcode', csv([row(21, { programme: 'a\0b' })])],
      ['/1', csv([twice, twice])],
      ['', csv([row(21, { programme: 'a' }), row(22, { programme: 'b' })])],
      ['', csv([row(21)], columns.replace('amount', 'sum'))],
      ['', csv(['"'])],
      ['', csv([])],
      ['', Buffer.alloc(0)],
    ];
    for (const [pointer, file] of faulty) {
      const { status, body } = await upload(file);
      expect([pointer, status]).toEqual([pointer, 400]);
      if (pointer !== '')
        expect((body.errors as { pointer: string }[])[0]?.pointer.startsWith(pointer)).toBe(true);
    }
    expect((await upload(csv([row(21)]), 'text/html')).status).toBe(415);
    expect((await upload(Buffer.from('x'), 'multipart/form-data; boundary=none')).status).toBe(400);
    expect((await adminOf(t.node).listBatches({ query: {} })).body.items).toHaveLength(before);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});
