import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bankOf, debit, take } from './fixtures/statement.ts';
import {
  approve,
  available,
  bankService,
  brokenBooks,
  handOver,
  instructionsOf,
  noticesOf,
  over,
  pay,
  payees,
  programme,
  reaches,
  refusal,
  startTreasury,
  type Treasury,
  treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
beforeAll(async () => {
  t = await startTreasury();
});
afterAll(() => t.stop());

const cancel = (batchId: string) =>
  t.admin.cancelBatch({ params: { batchId }, body: { reason: 'Wrong month' } });

describe('a run that is withdrawn', () => {
  it('[PAY-5.3.1-h] while it waits for its time pays nobody and gives the money back', async () => {
    const [payee = ''] = await payees(t.node, 1);
    const before = await available(t.node);
    const batchId = await handOver(t.node, [payee], { amount: '15.00', notBefore: 3_600_000 });
    await approve(t.node, batchId);
    await reaches(t.node, batchId, 'authorised');
    expect(Number(await available(t.node))).toBeCloseTo(Number(before) - 15, 2);
    expect((await cancel(batchId)).body.state).toBe('cancelled');
    expect((await cancel(batchId)).body.state).toBe('cancelled');
    expect((await instructionsOf(t.node, batchId)).map((row) => row.state)).toEqual(['cancelled']);
    expect(await available(t.node)).toBe(before);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-k] at the very moment it is sent is either paid whole or not at all', async () => {
    const ids = await payees(t.node, 4);
    const before = Number(await available(t.node));
    const batchId = await handOver(t.node, ids);
    await approve(t.node, batchId);
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => cancel(batchId)));
    const withdrawn = outcomes.some((one) => one.status === 'fulfilled');
    const run = await reaches(t.node, batchId, 'cancelled', ...over);
    expect(run.state).toBe(withdrawn ? 'cancelled' : 'completed');
    const references = (await instructionsOf(t.node, batchId)).map((row) => row.instructionId);
    const credited = references.filter((one) => t.bank.credited.has(one) || t.wallets.credited.has(one));
    expect(credited).toHaveLength(withdrawn ? 0 : 4);
    expect(Number(await available(t.node))).toBeCloseTo(before - (withdrawn ? 0 : 50), 2);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('is refused once something has left', async () => {
    const batchId = await handOver(t.node, await payees(t.node, 2));
    await approve(t.node, batchId);
    await reaches(t.node, batchId, ...over);
    await expect(cancel(batchId)).rejects.toMatchObject({ status: 409 });
  });
});

describe('what failed', () => {
  const retry = async (batchId: string) =>
    (await t.admin.retryFailedInstructions({ params: { batchId } })).body;
  const account = (payeeIdentity: string, financialAddress: string) =>
    t.api.updateBeneficiary({
      headers: {},
      body: {
        requestID: `a-${financialAddress}`,
        beneficiaries: [{ payeeIdentity, financialAddress }],
      },
    });

  it('[PAY-5.3.1-k][PAY-6.9-i] can be paid anew until it is paid, each payee once, whatever becomes of the attempts', async () => {
    const [good = '', , bad = ''] = await payees(t.node, 3);
    t.bank.fate = () => ({ rejected: 'AC04' });
    const run = await pay(t.node, [good, bad], { amount: '31.00' });
    t.bank.fate = () => 'completed';
    expect(run.state).toBe('failed');
    // At the first attempt the bank takes one of them and does not know the new account of the other.
    await account(bad, '777700000404');
    t.bank.invalid = (address) => (address === '777700000404' ? 'AC01' : undefined);
    const first = await retry(run.batchId);
    await approve(t.node, first.batchId);
    expect((await reaches(t.node, first.batchId, ...over)).state).toBe('partially-completed');
    await account(bad, '777700000200');
    const second = await retry(run.batchId);
    expect(second).toMatchObject({ repeated: false });
    expect((await instructionsOf(t.node, second.batchId)).map((row) => row.payeeIdentity)).toEqual([bad]);
    // The second one is refused, the third one is paid.
    await reaches(t.node, second.batchId, 'awaiting-approval');
    await cancel(second.batchId);
    const third = await retry(run.batchId);
    expect(await retry(run.batchId)).toEqual({ batchId: third.batchId, repeated: true, leftOut: [] });
    await approve(t.node, third.batchId);
    expect((await reaches(t.node, third.batchId, ...over)).state).toBe('completed');
    expect(await retry(run.batchId)).toEqual({ batchId: third.batchId, repeated: true, leftOut: [] });
    for (const payeeIdentity of [good, bad]) {
      const { items } = (
        await t.admin.listPayeePayments({ body: { sourceId: programme.sourceId, payeeIdentity } })
      ).body;
      expect(items.filter((one) => one.state === 'completed')).toHaveLength(1);
    }
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-k][PAY-6.9-i] and was paid after all, as its rail or a statement says later, is not paid anew', async () => {
    const ids = (await payees(t.node, 8)).filter((_, index) => index % 2 === 0);
    t.bank.fate = () => ({ rejected: 'AC04' });
    const run = await pay(t.node, ids, { amount: '32.00' });
    t.bank.fate = () => 'completed';
    const failed = await instructionsOf(t.node, run.batchId);
    const [told = '', shown = '', toldLater = '', never = ''] = failed.map((row) => row.instructionId);
    const tell = (reference: string) =>
      noticesOf(t.node, bankService.split('/').slice(0, 4).join('/')).postTransferResults({
        body: { eventId: randomUUID(), results: [{ reference, status: 'completed' }] },
      });
    await tell(told);
    await take(t.node, bankOf().statement([debit(3100n, shown)]));
    const first = await retry(run.batchId);
    expect(first.leftOut.toSorted((a, b) => (a.reason < b.reason ? -1 : 1))).toEqual([
      { reason: 'contradiction-open', count: 1 },
      { reason: 'debited-at-bank', count: 1 },
    ]);
    // Its source cannot do it either.
    const own = t.api.batchTransactions({
      query: {},
      headers: { 'x-correlationid': 'own-retry', 'x-program-id': programme.programmeId },
      body: [
        {
          requestId: 'own-retry-1',
          creditParty: [{ key: 'functionalId', value: ids[0] as string }],
          amount: '32.00',
          currency: 'USD',
          retryOf: failed[0]?.requestId as string,
        },
      ],
    });
    expect((await refusal(own)).status).toBe(409);
    // While the run waits for its approval the rail says so of another one.
    await reaches(t.node, first.batchId, 'awaiting-approval');
    await tell(toldLater);
    await approve(t.node, first.batchId);
    await reaches(t.node, first.batchId, ...over);
    expect((await instructionsOf(t.node, first.batchId)).map((row) => [row.state, row.reasonCode])).toEqual([
      ['failed', 'may-be-paid-before'],
      ['completed', undefined],
    ]);
    expect((await retry(run.batchId)).batchId).toBe(first.batchId);
    // Somebody looks and finds that the rail was wrong.
    const { items } = (await t.admin.listCases({ query: { batchId: run.batchId, state: 'open' } })).body;
    const personToken = await t.node.token({ id: 'o', roles: ['payment-approver'], agency: treasury });
    const close = (outcome: 'paid' | 'not-paid') =>
      t.admin.resolveCase({
        params: { caseId: items.find((one) => one.instructionId === told)?.caseId as string },
        body: { outcome, note: 'The bank took its word back' },
        personToken,
      });
    expect((await refusal(close('paid'))).status).toBe(409);
    await close('not-paid');
    const second = await retry(run.batchId);
    expect(second.leftOut).toEqual([{ reason: 'debited-at-bank', count: 1 }]);
    await approve(t.node, second.batchId);
    expect((await reaches(t.node, second.batchId, ...over)).state).toBe('completed');
    const paid = [...t.bank.credited.values()].filter((one) => one.amount === '32.00');
    expect(paid).toHaveLength(2);
    expect(new Set([told, shown, toldLater, never]).size).toBe(4);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('can be paid anew whatever ids its source has used: those of the retry are others', async () => {
    const [one = '', , two = ''] = await payees(t.node, 3);
    t.bank.fate = () => ({ rejected: 'AC04' });
    const run = await pay(t.node, [one], { id: 'odd', amount: '33.00' });
    t.bank.fate = () => 'completed';
    const batch = (id: string, requestId: string) =>
      t.api.batchTransactions({
        query: {},
        headers: { 'x-correlationid': id, 'x-program-id': programme.programmeId },
        body: [
          {
            requestId,
            creditParty: [{ key: 'functionalId', value: two }],
            amount: '33.50',
            currency: 'USD',
          },
        ],
      });
    await batch('odd.R1', 'something-else');
    await batch('even', `odd-${one}.R2`);
    const retried = await retry(run.batchId);
    expect(retried.repeated).toBe(false);
    expect((await reaches(t.node, retried.batchId, 'awaiting-approval')).clientBatchId).toBe('odd.R3');
    expect(await retry(run.batchId)).toEqual({ ...retried, repeated: true });
  });

  it('is nothing in a run that paid everybody', async () => {
    const run = await pay(t.node, await payees(t.node, 1));
    await expect(retry(run.batchId)).rejects.toMatchObject({ status: 409 });
  });
});

it('[PAY-6.9-c] a run of which too much fails is paused; the rest is paid when a person lets it go on', async () => {
  const careful = await startTreasury({
    subBatchSize: 1,
    stopAfterResults: 4,
    stopAtFailureShare: 0.5,
    dispatchWorkers: 1,
  });
  try {
    const ids = (await payees(careful.node, 40)).filter((_, index) => index % 2 === 0);
    careful.bank.fate = () => ({ rejected: 'AC04' });
    const batchId = await handOver(careful.node, ids);
    await approve(careful.node, batchId);
    const cases = async () =>
      (await careful.admin.listCases({ query: { batchId } })).body.items.map((one) => one.kind);
    await expect.poll(cases, { timeout: 30_000, interval: 10 }).toEqual(['failure-rate']);
    careful.bank.fate = () => 'completed';
    const { state, totals } = await reaches(careful.node, batchId, 'processing', ...over);
    expect(state).toBe('processing');
    expect(totals.find((one) => one.state === 'failed')?.count).toBe(4);
    const personToken = await careful.node.token({
      id: 'approver-2',
      roles: ['payment-approver'],
      agency: 'TEST/GOV/BLOCKS',
    });
    await careful.admin.resumeBatch({ params: { batchId }, personToken });
    const run = await reaches(careful.node, batchId, ...over);
    expect(run.totals.map((one) => [one.state, one.count])).toEqual([
      ['completed', 16],
      ['failed', 4],
    ]);
    expect(await brokenBooks(careful.node)).toEqual([]);
  } finally {
    await careful.stop();
  }
});
