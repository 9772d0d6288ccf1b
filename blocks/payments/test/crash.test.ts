import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { testAdminUrl } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Rail, startRail } from './fixtures/rail.ts';
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
} from './fixtures/treasury.ts';

let rails: readonly [Rail, Rail];
const secret = randomBytes(32);
beforeAll(async () => {
  rails = await Promise.all([startRail(), startRail()]);
});
afterAll(() => Promise.all(rails.map((rail) => rail.stop())));

const program = fileURLToPath(new URL('fixtures/worker.ts', import.meta.url));

/** Works in a process of its own, which is killed when the rails have seen so many requests. */
async function workUntil(requests: number, databasePrefix: string): Promise<void> {
  const [bank, wallets] = rails;
  const seen = () => bank.requests.length + wallets.requests.length;
  const from = seen();
  const child = spawn(
    process.execPath,
    [program, testAdminUrl(), databasePrefix, secret.toString('hex'), bank.url, wallets.url],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  const deadline = Date.now() + 10_000;
  while (seen() - from < requests && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill('SIGKILL');
  await exited;
}

describe('a power cut', () => {
  it('[PAY-6.1-c] at any moment of a run leaves every payee paid once and every cent explained', async () => {
    const setting = await startTreasury({ workers: false, subBatchSize: 5 }, { rails, secret });
    // The first node sets everything up; validation and payment are left to processes that die.
    const { databasePrefix } = setting.node;
    const ids = await payees(setting.node, 60);
    const batchId = await handOver(setting.node, ids);
    const before = Number(await available(setting.node));
    await setting.stop();
    await workUntil(1, databasePrefix);
    const checked = await startTreasury({ subBatchSize: 5 }, { rails, secret, databasePrefix });
    await reaches(checked.node, batchId, 'awaiting-approval');
    await checked.stop();
    const approved = await startTreasury(
      { workers: false, subBatchSize: 5 },
      { rails, secret, databasePrefix },
    );
    await approve(approved.node, batchId);
    await approved.stop();
    for (const requests of [1, 2, 2, 3]) await workUntil(requests, databasePrefix);
    const last = await startTreasury({ subBatchSize: 5 }, { rails, secret, databasePrefix });
    try {
      expect((await reaches(last.node, batchId, ...over)).state).toBe('completed');
      const rows = await instructionsOf(last.node, batchId);
      expect(rows).toHaveLength(60);
      const credited = [...rails[0].credited.values(), ...rails[1].credited.values()];
      expect(credited).toHaveLength(60);
      expect(new Set(credited.map((one) => one.address)).size).toBe(60);
      expect(Number(await available(last.node))).toBeCloseTo(before - 60 * 12.5, 2);
      expect(await brokenBooks(last.node)).toEqual([]);
    } finally {
      await last.stop();
    }
  });
});
