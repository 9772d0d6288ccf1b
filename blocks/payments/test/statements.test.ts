import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { testAdminUrl } from '@govstack/platform/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Fate, type Rail, startRail, type Transfer } from './fixtures/rail.ts';
import {
  available,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  payees,
  programme,
  reaches,
  startTreasury,
  treasury,
} from './fixtures/treasury.ts';

const secret = randomBytes(32);
const program = fileURLToPath(new URL('fixtures/mortal-worker.ts', import.meta.url));
let rails: readonly [Rail, Rail];
beforeAll(async () => {
  rails = await Promise.all([startRail(), startRail()]);
});
afterAll(() => Promise.all(rails.map((rail) => rail.stop())));

/**
 * Some accounts have trouble the first time: the answer is lost, the transfer is, the rail is busy, the account is closed.
 * Answers are lost once per rail only: a rail that is silent again and again is left alone for ever longer.
 */
const troubleOf = (account: number): Fate => {
  if ([7, 8].includes(account)) return 'silent';
  if ([31, 32].includes(account)) return 'lost';
  if ([13, 14].includes(account % 20)) return 'busy';
  return [17, 18].includes(account % 20) ? { rejected: 'AC04' } : 'completed';
};
const troubled = () => {
  const seen = new Set<string>();
  return ({ reference, address }: Transfer): Fate => {
    const trouble = troubleOf(Number(address.slice(-3)));
    if (seen.has(reference) && typeof trouble === 'string') return 'completed';
    seen.add(reference);
    return trouble;
  };
};

/** One life of a worker, to its death at a statement. */
async function live(databasePrefix: string, at: number, moment: string): Promise<void> {
  const [bank, wallets] = rails;
  const child = spawn(
    process.execPath,
    [program, testAdminUrl(), databasePrefix, secret.toString('hex'), bank.url, wallets.url, `${at}`, moment],
    { stdio: 'ignore' },
  );
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect([code, signal]).toEqual([null, 'SIGKILL']);
}

const death = fc.tuple(fc.integer({ min: 1, max: 90 }), fc.constantFrom('before', 'after'));

it('[PAY-6.1-c][PAY-5.3.1-k] killed at any statement, with rails in trouble, it pays everybody once and accounts for every cent', async () => {
  const first = await startTreasury({ workers: false }, { rails, secret });
  const { databasePrefix } = first.node;
  await first.admin.setAutoApproveLimit({
    params: { sourceId: programme.sourceId },
    body: { limit: '5000.00', currency: 'USD' },
    personToken: await first.node.token({ id: 'a', roles: ['administrator'], agency: treasury }),
  });
  const before = Number(await available(first.node));
  const runs: string[] = [];
  for (let n = 0; n < 3; n += 1) runs.push(await handOver(first.node, await payees(first.node, 20)));
  await first.stop();
  for (const rail of rails) rail.fate = troubled();

  const seed = Number(process.env.CRASH_SEED ?? randomBytes(4).readUInt32BE());
  const told = `CRASH_SEED=${seed}`;
  // The first dies while the runs are validated, whatever the others do.
  const deaths: [number, string][] = [[20, 'after'], ...fc.sample(death, { seed, numRuns: 4 })];
  for (const [at, moment] of deaths) await live(databasePrefix, at, moment);

  const last = await startTreasury({}, { rails, secret, databasePrefix });
  try {
    const references = new Set<string>();
    let paid = 0;
    for (const batchId of runs) {
      const run = await reaches(last.node, batchId, ...over);
      expect(run.state, told).toBe('partially-completed');
      const rows = await instructionsOf(last.node, batchId);
      expect(rows, told).toHaveLength(20);
      for (const row of rows) {
        const credit = rails[row.rail === 'bank' ? 0 : 1].credited.get(row.instructionId);
        expect(row.state, told).toBe(credit ? 'completed' : 'failed');
        if (!credit) continue;
        references.add(row.instructionId);
        expect(credit.amount, told).toBe(row.amount);
        paid += Number(row.amount);
      }
      const { content } = (await last.admin.getCertificate({ params: { batchId } })).body;
      expect(content.moneyIn, told).toBe(content.moneyOut);
    }
    const credited = rails.flatMap((rail) => [...rail.credited.values()]);
    expect(credited.map((one) => one.reference).sort(), told).toEqual([...references].sort());
    expect(new Set(credited.map((one) => one.address)).size, told).toBe(credited.length);
    expect(Number(await available(last.node)), told).toBeCloseTo(before - paid, 2);
    expect(await brokenBooks(last.node), told).toEqual([]);
  } finally {
    await last.stop();
  }
}, 300_000);
