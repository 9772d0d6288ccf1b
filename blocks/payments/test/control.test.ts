import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approve,
  available,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  pay,
  payees,
  programme,
  reaches,
  startTreasury,
  type Treasury,
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
    expect(await retry(run.batchId)).toEqual({ batchId: third.batchId, repeated: true });
    await approve(t.node, third.batchId);
    expect((await reaches(t.node, third.batchId, ...over)).state).toBe('completed');
    expect(await retry(run.batchId)).toEqual({ batchId: third.batchId, repeated: true });
    for (const payeeIdentity of [good, bad]) {
      const { items } = (
        await t.admin.listPayeePayments({ body: { sourceId: programme.sourceId, payeeIdentity } })
      ).body;
      expect(items.filter((one) => one.state === 'completed')).toHaveLength(1);
    }
    expect(await brokenBooks(t.node)).toEqual([]);
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
