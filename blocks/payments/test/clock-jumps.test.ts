import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  approve,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  payees,
  reaches,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

const hour = 3_600_000;
let t: Treasury;
beforeAll(async () => {
  t = await startTreasury({
    subBatchSize: 2,
    leaseSeconds: 5,
    statusAfterSeconds: 0.05,
    lostAfterSeconds: 1,
  });
});
afterAll(async () => {
  vi.useRealTimers();
  await t.stop();
});

/** The clock of the node's machine is wrong from now on; the database's is not. */
const jump = (milliseconds: number): void => {
  vi.useRealTimers();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + milliseconds });
};

it('[PAY-6.1-c] a clock that jumps an hour ahead and back while a run is paid loses and doubles nothing', async () => {
  const { bank, wallets, node } = t;
  const rails = [bank, wallets];
  let sent = 0;
  // The clock jumps at each request; each tenth answer is lost, so that there is something to ask about.
  for (const rail of rails)
    rail.fate = () => {
      sent += 1;
      jump([hour, 0, -hour][sent % 3] as number);
      return sent % 10 === 0 ? 'silent' : 'completed';
    };
  const batchId = await handOver(node, await payees(node, 30));
  await approve(node, batchId);
  await expect.poll(() => sent).toBeGreaterThanOrEqual(30);
  vi.useRealTimers();
  expect((await reaches(node, batchId, ...over)).state).toBe('completed');
  for (const { instructionId, rail } of await instructionsOf(node, batchId))
    expect((rail === 'bank' ? bank : wallets).credited.has(instructionId)).toBe(true);
  expect(rails.flatMap((rail) => [...rail.credited])).toHaveLength(30);
  expect(await brokenBooks(node)).toEqual([]);
});

it('[PAY-6.9-d] a run that is to wait does not leave because a clock is ahead', async () => {
  const { bank, wallets, node } = t;
  for (const rail of [bank, wallets]) rail.fate = () => 'completed';
  const known = bank.credited.size + wallets.credited.size;
  const later = await handOver(node, await payees(node, 2), { notBefore: hour / 2 });
  await approve(node, later);
  await reaches(node, later, 'processing', 'approved');
  jump(hour);
  // Another run is handed over and paid meanwhile, by the same workers.
  const next = await handOver(node, await payees(node, 2));
  await approve(node, next);
  expect((await reaches(node, next, ...over)).state).toBe('completed');
  expect(bank.credited.size + wallets.credited.size).toBe(known + 2);
  vi.useRealTimers();
});
