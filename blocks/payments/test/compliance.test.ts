import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paymentsAdmin } from '../src/api/operations.ts';
import { payments } from '../src/block.ts';
import { forward } from './fixtures/forward.ts';
import { type Rail, startRail } from './fixtures/rail.ts';
import { adminOf, application, bankService, brokenBooks, over, quick, reaches } from './fixtures/treasury.ts';

let node: TestNode;
let url: string;
let bank: Rail;
const start = (prefix?: string) =>
  startTestNode({
    blocks: [{ block: payments, config: quick }],
    providers: { [bankService]: (request) => forward(bank.url, request) },
    node: { profile: 'compliance' },
    ...(prefix === undefined ? {} : { databasePrefix: prefix }),
  });
beforeAll(async () => {
  bank = await startRail();
  node = await start();
  url = await node.listen({ port: 0, all: 'payments' });
  await node.client(paymentsAdmin, { as: application }).putRail({
    params: { railId: 'bank' },
    body: {
      adapter: 'bank',
      service: bankService,
      name: 'Bank',
      modalities: ['00'],
      currencies: ['USD'],
      isDefault: true,
    },
  });
});
afterAll(async () => {
  await node.stop();
  await bank.stop();
});

const call = async (path: string, body?: unknown, headers: Record<string, string> = {}) => {
  const response = await fetch(`${url}/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    body: (await response.json()) as Record<string, unknown>,
  };
};

const instruction = {
  InstructionID: 'InstructionID111',
  PayeeFunctionalID: 'PayeeFunctionalID111',
  Amount: 100,
  Currency: 'USD',
};
const run = {
  RequestID: 'RequestID111',
  SourceBBID: 'SourceBBID11',
  BatchID: 'BatchID11111',
  CreditInstructions: [instruction],
};
const known = (payee?: Partial<Record<string, string>>) => ({
  RequestID: '4a0425ef-008',
  SourceBBID: '11668d2a-a8f',
  Beneficiaries: [{ PayeeFunctionalID: '2ba5ed20-0f42-4eff-8', ...payee }],
});

describe('the dialect of the compliance suite', () => {
  it('answers that it is there, and hides the suite’s paths without the profile', async () => {
    expect((await call('healthcheck')).status).toBe(200);
    const plain = await startTestNode({ blocks: [{ block: payments, config: { workers: false } }] });
    try {
      const address = await plain.listen({ port: 0, all: 'payments' });
      const tried = await fetch(`${address}/bulk-payment`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(run),
      });
      expect(tried.status).toBe(404);
    } finally {
      await plain.stop();
    }
  });

  it.each([
    ['register-beneficiary', '4a0425ef-008', known({ PaymentModality: '00', FinancialAddress: '12345678' })],
    [
      'update-beneficiary-details',
      'c2b861bf-ef7',
      {
        RequestID: 'c2b861bf-ef7',
        SourceBBID: '049d8b3b-146',
        Beneficiaries: [
          { PayeeFunctionalID: '1d591f0d-eff5-424d-b', PaymentModality: '01', FinancialAddress: '+15550100' },
        ],
      },
    ],
  ])('[PAY-8.1.2-a][PAY-8.1.3-a] %s takes payees, twice the same, and refuses what is faulty', async (path, RequestID, body) => {
    for (const _ of [1, 2]) {
      const {
        status,
        type,
        body: answer,
      } = await call(path, body, { 'X-Callback-URL': 'https://nobody.test/x' });
      expect([status, answer.ResponseCode, answer.RequestID]).toEqual([200, '00', RequestID]);
      expect(type).toContain('application/json');
    }
    const { SourceBBID, Beneficiaries, ...rest } = body;
    for (const faulty of [
      { ...rest, Beneficiaries },
      { ...body, Beneficiaries: [] },
      { ...body, SourceBBID: 'invalid' },
      { ...body, SourceBBID: 'unknown12345' },
      { ...body, Beneficiaries: [{ PayeeFunctionalID: 'invalid' }] },
      { ...body, Beneficiaries: [...Beneficiaries, { PayeeFunctionalID: 'other-payee-00000001' }] },
    ]) {
      const { status, body: answer } = await call(path, faulty);
      expect([status, answer.ResponseCode, answer.RequestID]).toEqual([400, '01', RequestID]);
      expect(answer.ResponseDescription).not.toBe('');
    }
  });

  it('[PAY-9.1.2] validates: what is refused is answered 200 and 01, the outcome can be asked for', async () => {
    const check = {
      ...run,
      RequestID: 'd5267933-c71',
      SourceBBID: 'e680db9f-223',
      BatchID: 'aa4533fc-018',
      CreditInstructions: [
        { ...instruction, PayeeFunctionalID: 'a98bc16e-f724-410e-b', Narration: '' },
        {
          ...instruction,
          InstructionID: 'InstructionID112',
          PayeeFunctionalID: 'not-registered-00001',
          Narration: '',
        },
      ],
    };
    for (const _ of [1, 2])
      expect((await call('prepayment-validation', check)).body).toMatchObject({
        ResponseCode: '00',
        RequestID: 'd5267933-c71',
      });
    const asked = { RequestID: 'd5267933-c71', Source_BatchID: 'aa4533fc-018' };
    const outcome = async () => (await call('prepayment-validation-response', asked)).body;
    await expect.poll(async () => (await outcome()).NumberFailedCases).toBe(1);
    expect(await outcome()).toEqual({
      ...asked,
      NumberFailedCases: 1,
      FailedAccounts: [{ InstructionID: 'InstructionID112', FailureReason: 'payee-not-registered' }],
    });
    const [first] = check.CreditInstructions;
    const without = (name: string) => {
      const { [name]: _, ...rest } = first as Record<string, unknown>;
      return { ...check, CreditInstructions: [rest] };
    };
    const { BatchID: _, ...noBatch } = check;
    for (const faulty of [
      noBatch,
      ...Object.keys(first as object).map(without),
      { ...check, BatchID: 'batchID' },
      { ...check, CreditInstructions: [{ ...first, Amount: null }] },
      { ...check, CreditInstructions: [{ ...first, Currency: 'XXQ' }] },
      '{"RequestID": ',
    ]) {
      const { status, body } = await call('prepayment-validation', faulty);
      expect([status, body.ResponseCode]).toEqual([200, '01']);
    }
  });

  it('[PAY-8.1.4-a][PAY-6.9-f] pays a batch within its source’s limit without a person, once however often it comes', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => call('bulk-payment', run)));
    for (const { status, body } of answers)
      expect([status, body.ResponseCode, body.RequestID]).toEqual([200, '00', 'RequestID111']);
    const { items } = (await adminOf(node).listBatches({ query: { sourceId: 'SourceBBID11' } })).body;
    expect(items).toHaveLength(1);
    expect((await reaches(node, items[0]?.batchId as string, ...over)).state).toBe('completed');
    expect([...bank.credited.values()].map(({ amount, times }) => [amount, times])).toEqual([['100.00', 1]]);
    const other = { ...run, CreditInstructions: [{ ...instruction, Amount: 101 }] };
    const { SourceBBID: _, ...noSource } = run;
    for (const faulty of [
      other,
      noSource,
      { ...run, CreditInstructions: [] },
      { ...run, BatchID: 'invalid' },
      {
        ...run,
        BatchID: 'BatchID11112',
        CreditInstructions: [instruction, { ...instruction, InstructionID: 'InstructionID113' }],
      },
      '[',
      '',
    ])
      expect((await call('bulk-payment', faulty)).status).toBe(400);
    expect(await brokenBooks(node)).toEqual([]);
  });

  it('stands as it was left when it is started again', async () => {
    const again = await start(node.databasePrefix);
    try {
      const address = await again.listen({ port: 0, all: 'payments' });
      const response = await fetch(`${address}/bulk-payment`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(run),
      });
      expect(response.status).toBe(200);
      expect(bank.credited.size).toBe(1);
      expect(await brokenBooks(again)).toEqual([]);
    } finally {
      await again.stop();
    }
  });
});
