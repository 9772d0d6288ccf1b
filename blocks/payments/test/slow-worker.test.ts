import type { MediatedRequest } from '@govstack/platform';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { forward } from './fixtures/forward.ts';
import { type Rail, startRail } from './fixtures/rail.ts';
import {
  approve,
  bankService,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  payees,
  reaches,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let bank: Rail;
let wallets: Rail;
let first: Treasury;
let second: Treasury;
let third: Treasury | undefined;
/** The first question about accounts is answered only when another node has done the work. */
let slow: Promise<void> | undefined;
const asked: number[] = [];
const toBank = async (request: MediatedRequest) => {
  if (request.path === '/account-validations') {
    asked.push(Date.now());
    if (asked.length === 1) await slow;
  }
  return forward(bank.url, request);
};
beforeAll(async () => {
  [bank, wallets] = await Promise.all([startRail(), startRail()]);
  const rails = [bank, wallets] as const;
  const config = { leaseSeconds: 1, railTimeoutSeconds: 20 };
  const providers = { [bankService]: toBank };
  first = await startTreasury(config, { rails, providers });
  second = await startTreasury(config, { rails, providers, databasePrefix: first.node.databasePrefix });
});
afterAll(async () => {
  await third?.stop();
  await Promise.all([bank.stop(), wallets.stop()]);
});

it('[PAY-6.1-c] a worker that is only slow writes nothing any more after another has taken its work over', async () => {
  let go: () => void = () => undefined;
  slow = new Promise((resolve) => {
    go = resolve;
  });
  const batchId = await handOver(first.node, await payees(first.node, 4), { amount: '6.66' });
  const { contentHash, history } = await reaches(first.node, batchId, 'awaiting-approval');
  expect(asked.length).toBe(2);
  await approve(first.node, batchId);
  expect((await reaches(first.node, batchId, ...over)).state).toBe('completed');
  go();
  // The slow one gets its answer now and looks what it may still write; a node stops when its workers are through.
  await Promise.all([first.stop(), second.stop()]);
  third = await startTreasury({}, { rails: [bank, wallets], databasePrefix: first.node.databasePrefix });
  const { node } = third;
  const after = await reaches(node, batchId, ...over);
  expect(after.contentHash).toBe(contentHash);
  expect(after.history.slice(0, history.length)).toEqual(history);
  expect(after.history.filter((one) => one.to === 'awaiting-approval')).toHaveLength(1);
  for (const row of await instructionsOf(node, batchId)) {
    expect(row.state).toBe('completed');
    const rail = row.rail === 'bank' ? bank : wallets;
    expect(rail.credited.get(row.instructionId)?.times).toBe(1);
  }
  expect(await brokenBooks(node)).toEqual([]);
});
