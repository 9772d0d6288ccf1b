import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adminOf,
  approve,
  available,
  brokenBooks,
  handOver,
  instructionsOf,
  ministry,
  over,
  payees,
  reaches,
  refusal,
  source,
  startTreasury,
  type Treasury,
  treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
beforeAll(async () => {
  // The bank is held for as long as a test needs.
  t = await startTreasury({ subBatchSize: 1, dispatchWorkers: 1, railTimeoutSeconds: 60 });
});
afterAll(() => t.stop());

const reason = { reason: 'The list is being looked at' };
const pause = (batchId: string) => t.admin.pauseBatch({ params: { batchId }, body: reason });
const stop = (batchId: string) => t.admin.stopBatch({ params: { batchId }, body: reason });
const resume = async (batchId: string) =>
  t.admin.resumeBatch({
    params: { batchId },
    personToken: await t.node.token({ id: 'officer', roles: ['payment-approver'], agency: treasury }),
  });
const statesOf = async (batchId: string) => {
  const { totals } = (await t.admin.getBatch({ params: { batchId } })).body;
  return Object.fromEntries(totals.map((one) => [one.state, one.count]));
};
const bankPayees = async (count: number): Promise<string[]> =>
  (await payees(t.node, count * 2)).filter((_, index) => index % 2 === 0);

/** A run of which one payment has reached the bank, which takes its time until it is let go. */
async function underPayment(count: number, amount: string) {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let first = true;
  t.bank.delay = async () => {
    if (!first) return;
    first = false;
    await held;
  };
  const before = t.bank.requests.filter((one) => one.includes('/transfer-batches')).length;
  const batchId = await handOver(t.node, await bankPayees(count), { amount });
  await approve(t.node, batchId);
  await expect
    .poll(() => t.bank.requests.filter((one) => one.includes('/transfer-batches')).length, {
      timeout: 30_000,
    })
    .toBeGreaterThan(before);
  return { batchId, release };
}

describe('a run under payment', () => {
  it('[PAY-6.1-j][PAY-6.1-c] pauses when it is told to, and goes on when it is told to; both are written down', async () => {
    const { batchId, release } = await underPayment(6, '7.10');
    expect((await pause(batchId)).body).toMatchObject({ state: 'processing', paused: true });
    expect((await pause(batchId)).body.paused).toBe(true);
    release();
    await expect.poll(async () => (await statesOf(batchId)).completed).toBe(1);
    const credited = t.bank.credited.size;
    // Another run is paid meanwhile.
    const other = await handOver(t.node, await bankPayees(2), { amount: '7.20' });
    await approve(t.node, other);
    await reaches(t.node, other, ...over);
    expect(t.bank.credited.size).toBe(credited + 2);
    expect(await statesOf(batchId)).toEqual({ completed: 1, queued: 5 });
    expect((await resume(batchId)).body.paused).toBe(false);
    const run = await reaches(t.node, batchId, ...over);
    expect(run.state).toBe('completed');
    const notes = run.history.map((one) => one.reason).filter((one) => one !== undefined);
    expect(notes).toEqual([`paused: ${reason.reason}`, 'resumed']);
    expect((await refusal(resume(batchId))).status).toBe(409);
    expect((await refusal(pause(batchId))).status).toBe(409);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.1-c][PAY-5.3.1-k] that is stopped pays no more, awaits what is out, gives the rest back, and is over', async () => {
    const before = Number(await available(t.node));
    const { batchId, release } = await underPayment(5, '8.10');
    const stopped = await Promise.all([stop(batchId), stop(batchId), stop(batchId)]);
    expect(stopped.every(({ body }) => body.stopped)).toBe(true);
    expect(await statesOf(batchId)).toEqual({ submitted: 1, cancelled: 4 });
    // That the bank does not know yet what is on its way says nothing.
    const out = (await instructionsOf(t.node, batchId)).find((row) => row.state === 'submitted');
    const asked = await t.admin.askRail({ params: { instructionId: out?.instructionId as string } });
    expect(asked.body).toMatchObject({ said: 'not-received', state: 'submitted' });
    release();
    const run = await reaches(t.node, batchId, ...over);
    expect(run).toMatchObject({ state: 'partially-completed', stopped: true });
    expect(await statesOf(batchId)).toEqual({ completed: 1, cancelled: 4 });
    const rows = await instructionsOf(t.node, batchId);
    expect(rows.filter((row) => row.isoStatus === 'CANC').map((row) => row.reasonCode)).toEqual(
      Array.from({ length: 4 }, () => 'run-stopped'),
    );
    expect(Number(await available(t.node))).toBeCloseTo(before - 8.1, 2);
    expect(run.history.filter((one) => one.reason?.startsWith('stopped')).length).toBe(1);
    expect((await stop(batchId)).body.stopped).toBe(true);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-k] that is stopped does not send again what a rail refused for now', async () => {
    t.bank.fate = () => 'busy';
    const batchId = await handOver(t.node, await bankPayees(2), { amount: '8.20' });
    await approve(t.node, batchId);
    const refused = async () => {
      const [row] = await instructionsOf(t.node, batchId);
      const { body } = await t.admin.getInstruction({
        params: { instructionId: row?.instructionId as string },
      });
      return body.attempts.at(-1)?.state;
    };
    await expect.poll(refused).toBe('refused');
    await stop(batchId);
    const run = await reaches(t.node, batchId, ...over);
    t.bank.fate = () => 'completed';
    expect(run.state).toBe('failed');
    for (const row of await instructionsOf(t.node, batchId)) {
      expect(row.reasonCode).toBe('run-stopped');
      expect(t.bank.credited.has(row.instructionId)).toBe(false);
    }
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-k] that is stopped at the very moment it is sent loses no cent and pays nobody twice', async () => {
    const before = Number(await available(t.node));
    const runs = [];
    for (const amount of ['9.10', '9.20', '9.30']) {
      const batchId = await handOver(t.node, await payees(t.node, 6), { amount });
      await approve(t.node, batchId);
      runs.push(batchId);
    }
    await Promise.all(runs.map((batchId) => reaches(t.node, batchId, 'processing', ...over)));
    await Promise.allSettled(runs.map(stop));
    let paid = 0;
    for (const batchId of runs) {
      await reaches(t.node, batchId, ...over);
      for (const row of await instructionsOf(t.node, batchId)) {
        const credited = t.bank.credited.has(row.instructionId) || t.wallets.credited.has(row.instructionId);
        expect([row.state, credited]).toEqual(credited ? ['completed', true] : ['cancelled', false]);
        if (credited) paid += Number(row.amount);
      }
    }
    expect(Number(await available(t.node))).toBeCloseTo(before - paid, 2);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.14-c] is paused and stopped by its source and by managers, not by those who only look on', async () => {
    const batchId = await handOver(t.node, await bankPayees(1), { amount: '9.90' });
    await reaches(t.node, batchId, 'awaiting-approval');
    expect((await refusal(stop(batchId))).status).toBe(409);
    expect((await refusal(pause(batchId))).status).toBe(409);
    const auditor = await t.node.token({ id: 'auditor', roles: ['auditor'], agency: ministry });
    const looking = adminOf(t.node).stopBatch({ params: { batchId }, body: reason, personToken: auditor });
    expect((await refusal(looking)).status).toBe(403);
    const priority = adminOf(t.node, source).setBatchPriority({
      params: { batchId },
      body: { priority: 'urgent', reason: 'We want it first' },
    });
    expect((await refusal(priority)).status).toBe(403);
    const own = adminOf(t.node, source).pauseBatch({ params: { batchId }, body: reason });
    expect((await refusal(own)).status).toBe(409);
  });
});
