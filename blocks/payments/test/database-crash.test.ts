import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OwnPostgres, startOwnPostgres } from './fixtures/own-postgres.ts';
import {
  approve,
  available,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  payees,
  reaches,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let postgres: OwnPostgres;
let t: Treasury;
beforeAll(async () => {
  postgres = await startOwnPostgres();
  t = await startTreasury({ subBatchSize: 5 }, { adminUrl: postgres.adminUrl });
});
afterAll(async () => {
  await t.stop();
  await postgres.stop();
});

/** Hands over batches until a call fails; answers those that were acknowledged. */
async function handOverUntilItFails(ids: readonly string[]): Promise<string[]> {
  const acknowledged: string[] = [];
  try {
    for (let n = 0; ; n += 1)
      acknowledged.push(await handOver(t.node, ids, { amount: `${n + 1}.00`, id: `flood-${n}` }));
  } catch {
    return acknowledged;
  }
}

it('[PAY-6.1-c][PAY-5.3.1-k] the database dies while a run is paid: what was acknowledged is there, everybody is paid once', async () => {
  const ids = await payees(t.node, 120);
  const before = Number(await available(t.node));
  const run = await handOver(t.node, ids);
  const flood = handOverUntilItFails(ids.slice(0, 5));
  await approve(t.node, run);
  const sent = () => t.bank.requests.length + t.wallets.requests.length;
  const from = sent();
  await expect.poll(() => sent() - from, { interval: 2, timeout: 30_000 }).toBeGreaterThan(4);
  await postgres.powerCut();
  const acknowledged = await flood;
  await expect
    .poll(
      () =>
        t.node.ready().then(
          () => 'ready',
          () => 'not ready',
        ),
      { timeout: 30_000 },
    )
    .toBe('ready');

  expect(await reaches(t.node, run, ...over)).toMatchObject({ state: 'completed' });
  expect(acknowledged.length).toBeGreaterThan(0);
  for (const batchId of acknowledged) expect(await instructionsOf(t.node, batchId)).toHaveLength(5);
  const credited = [...t.bank.credited.values(), ...t.wallets.credited.values()];
  expect(credited).toHaveLength(120);
  expect(new Set(credited.map((one) => one.address)).size).toBe(120);
  expect(Number(await available(t.node))).toBeCloseTo(before - 120 * 12.5, 2);
  expect(await brokenBooks(t.node)).toEqual([]);
});
