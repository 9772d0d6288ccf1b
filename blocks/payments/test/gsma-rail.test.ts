import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gsmaCallback } from '../src/api/operations.ts';
import {
  forwardWithHeaders,
  type GsmaProvider,
  gsmaApplication,
  gsmaService,
  startGsmaProvider,
} from './fixtures/gsma-provider.ts';
import {
  approve,
  brokenBooks,
  handOver,
  instructionsOf,
  noticesOf,
  over,
  pay,
  payees,
  reaches,
  refusal,
  startTreasury,
  type Treasury,
  walletService,
} from './fixtures/treasury.ts';

let t: Treasury;
let provider: GsmaProvider;
/** How long the provider takes for each disbursement. */
let slow = async (): Promise<void> => undefined;
const gsmaRail = (settings: Record<string, unknown> = {}, more: object = {}) =>
  t.admin.putRail({
    params: { railId: 'gsma' },
    body: {
      adapter: 'gsma',
      service: gsmaService,
      name: 'Provider',
      modalities: ['01'],
      currencies: ['USD'],
      isDefault: true,
      rank: 1,
      batchSize: 10,
      debtorAccount: 'FLOAT-0009',
      settings,
      ...more,
    },
  });
beforeAll(async () => {
  provider = await startGsmaProvider();
  t = await startTreasury(
    {},
    {
      providers: {
        [gsmaService]: async (request) => {
          if (request.method === 'POST') await slow();
          return forwardWithHeaders(provider.url, request);
        },
      },
    },
  );
  await gsmaRail();
});
afterAll(async () => {
  await t.stop();
  await provider.stop();
});

const walletPayees = async (count: number): Promise<string[]> =>
  (await payees(t.node, count * 2)).filter((_, index) => index % 2 === 1);
const report = (reference: string, body: object, as = gsmaApplication) =>
  t.node.client(gsmaCallback, { as }).putTransaction({ headers: { 'x-correlationid': reference }, body });
const stateOf = async (instructionId: string) =>
  (await t.admin.getInstruction({ params: { instructionId } })).body;
/** Payments that were taken over and of which the provider says nothing when it is asked. */
async function taken(count: number, amount: string) {
  provider.answersQuestions = false;
  const batchId = await handOver(t.node, await walletPayees(count), { amount });
  await approve(t.node, batchId);
  const out = async () =>
    (await instructionsOf(t.node, batchId)).every((row) => ['submitted', 'unknown'].includes(row.state));
  await expect.poll(out).toBe(true);
  return { batchId, references: (await instructionsOf(t.node, batchId)).map((row) => row.instructionId) };
}

describe('a provider of the GSMA Mobile Money API', () => {
  it('[PAY-5.2.1][PAY-6.5-b] gets each disbursement with its correlation id, date and where to report', async () => {
    const before = t.node.exchanges.length;
    const run = await pay(t.node, await walletPayees(2), { amount: '30.10' });
    expect(run.state).toBe('completed');
    const sent = t.node.exchanges
      .slice(before)
      .filter((one) => one.service === gsmaService && one.path === '/transactions/type/disbursement');
    expect(sent).toHaveLength(2);
    for (const { headers, body } of sent) {
      const reference = headers['x-correlationid'] as string;
      expect(headers['x-callback-url']).toBe(
        'TEST/GOV/BLOCKS/payments/payments-gsma-callback-v1/transactions',
      );
      expect(Date.parse(headers['x-date'] as string)).toBeLessThanOrEqual(Date.now());
      expect(JSON.parse(String(body))).toMatchObject({
        amount: '30.10',
        currency: 'USD',
        debitParty: [{ key: 'accountid', value: 'FLOAT-0009' }],
        requestingOrganisationTransactionReference: reference,
      });
    }
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.1-c] that takes long for each disbursement gets each once: nobody asks or sends again meanwhile', async () => {
    await gsmaRail({}, { concurrency: 1 });
    slow = () => new Promise((resolve) => setTimeout(resolve, 250));
    const before = provider.requests.length;
    const run = await pay(t.node, await walletPayees(4), { amount: '30.15' });
    slow = async () => undefined;
    await gsmaRail();
    expect(run.state).toBe('completed');
    const seen = provider.requests.slice(before).filter((one) => !one.includes('/accounts/'));
    expect(seen.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => 'POST /transactions/type/disbursement'));
    expect(seen.filter((one) => one.startsWith('POST'))).toHaveLength(4);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.3-a] may answer with the finished transaction at once', async () => {
    provider.synchronous = true;
    const run = await pay(t.node, await walletPayees(2), { amount: '30.20' });
    provider.synchronous = false;
    expect(run.state).toBe('completed');
    const [row] = await instructionsOf(t.node, run.batchId);
    expect(row?.railReference).toMatch(/^T-/);
    expect((await stateOf(row?.instructionId as string)).attempts[0]?.answeredBy).toBe('answer');
  });

  it('[PAY-6.5-c] reports results late, twice and at odds: the first word counts, a contradiction is a case', async () => {
    const { batchId, references } = await taken(2, '30.30');
    const [paid = '', failed = ''] = references;
    const completed = { transactionReference: 'GS-1', transactionStatus: 'completed' };
    await Promise.all([1, 2, 3].map(() => report(paid, completed)));
    await report(failed, { errorCategory: 'businessRule', errorCode: 'PayeeLimitError' });
    expect((await reaches(t.node, batchId, ...over)).state).toBe('partially-completed');
    expect(await stateOf(paid)).toMatchObject({
      state: 'completed',
      railReference: 'GS-1',
      isoStatus: 'ACCC',
    });
    expect(await stateOf(failed)).toMatchObject({ state: 'failed', reasonCode: 'PayeeLimitError' });
    await report(paid, { ...completed, transactionStatus: 'failed' });
    expect((await stateOf(paid)).state).toBe('completed');
    const { items } = (await t.admin.listCases({ query: { batchId } })).body;
    expect(items.map((one) => one.kind)).toContain('contradiction');
    provider.answersQuestions = true;
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-9.1.3-c] reports a reversal: the money is in suspense', async () => {
    const run = await pay(t.node, await walletPayees(1), { amount: '30.40' });
    const [row] = await instructionsOf(t.node, run.batchId);
    const reference = row?.instructionId as string;
    await report(reference, { transactionReference: 'GS-2', transactionStatus: 'reversed' });
    expect((await stateOf(reference)).state).toBe('returned');
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.6-h][PAY-6.14-c] is believed about its own payments only, and reports of others change nothing', async () => {
    const { batchId, references } = await taken(1, '30.50');
    const [reference = ''] = references;
    const completed = { transactionReference: 'GS-3', transactionStatus: 'completed' };
    const wallet = walletService.split('/').slice(0, 4).join('/');
    for (const as of [wallet, 'TEST/GOV/OTHER/app'])
      expect((await refusal(report(reference, completed, as))).status).toBe(403);
    const notice = { eventId: randomUUID(), results: [{ reference, status: 'failed' as const }] };
    await noticesOf(t.node, wallet).postTransferResults({ body: notice });
    const two = { ...completed, requestingOrganisationTransactionReference: randomUUID() };
    expect((await refusal(report(reference, two))).status).toBe(400);
    expect((await refusal(report(reference, {}))).status).toBe(400);
    expect(['submitted', 'unknown']).toContain((await stateOf(reference)).state);
    provider.answersQuestions = true;
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
  });

  it('[PAY-6.9-f] is asked about accounts when the rail says so, and only then', async () => {
    await gsmaRail({ checkAccounts: true, debitPartyKey: 'walletid' });
    let seen = '';
    provider.unavailable = (msisdn) => {
      seen ||= msisdn;
      return msisdn === seen;
    };
    const batchId = await handOver(t.node, await walletPayees(2), { amount: '30.60' });
    await reaches(t.node, batchId, 'awaiting-approval');
    expect((await instructionsOf(t.node, batchId)).map((row) => row.reasonCode).sort()).toEqual([
      'AccountUnavailable',
      undefined,
    ]);
    provider.unavailable = () => false;
    await gsmaRail();
    const before = provider.requests.filter((one) => one.includes('/accounts/')).length;
    await reaches(
      t.node,
      await handOver(t.node, await walletPayees(1), { amount: '30.70' }),
      'awaiting-approval',
    );
    expect(provider.requests.filter((one) => one.includes('/accounts/'))).toHaveLength(before);
  });

  it('cannot have a key for signatures: its reports carry none', async () => {
    const put = gsmaRail({}, { publicKey: { kty: 'EC', crv: 'P-256', x: 'a', y: 'b' } });
    expect((await refusal(put)).status).toBe(400);
  });
});
