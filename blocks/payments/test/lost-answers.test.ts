import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  apiOf,
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

let t: Treasury;
beforeAll(async () => {
  t = await startTreasury();
});
afterAll(() => t.stop());

it('[PAY-5.3.1-k][PAY-6.1-c] answers that are lost for every twentieth payment credit nobody twice; all are known in the end', async () => {
  const before = Number(await available(t.node));
  const ids = await payees(t.node, 120);
  let count = 0;
  const seen = new Set<string>();
  const fate = ({ reference }: { reference: string }) => {
    if (seen.has(reference)) return 'completed' as const;
    seen.add(reference);
    count += 1;
    return count % 20 === 0
      ? ('silent' as const)
      : count % 31 === 0
        ? ('lost' as const)
        : ('completed' as const);
  };
  t.bank.fate = fate;
  t.wallets.fate = fate;
  const batchId = await handOver(t.node, ids, { amount: '1.01' });
  await approve(t.node, batchId);
  const run = await reaches(t.node, batchId, ...over);
  expect(run.state).toBe('completed');
  const rows = await instructionsOf(t.node, batchId);
  expect(rows).toHaveLength(120);
  expect(t.bank.credited.size + t.wallets.credited.size).toBe(120);
  for (const row of rows) {
    const rail = row.rail === 'bank' ? t.bank : t.wallets;
    expect(rail.credited.get(row.instructionId)?.amount).toBe('1.01');
  }
  expect((await t.admin.listUnknowns({ query: {} })).body.items).toEqual([]);
  expect(Number(await available(t.node))).toBeCloseTo(before - 121.2, 2);
  expect(await brokenBooks(t.node)).toEqual([]);
});

it('[PAY-6.1-h] a payee who is struck from the mapper between approval and payment is not paid', async () => {
  const [gone = '', stays = ''] = (await payees(t.node, 3)).filter((_, index) => index % 2 === 0);
  const batchId = await handOver(t.node, [gone, stays], { amount: '1.02', notBefore: 2500 });
  await approve(t.node, batchId);
  await apiOf(t.node).updateBeneficiary({
    headers: {},
    body: { requestID: 'struck', beneficiaries: [{ payeeIdentity: gone, status: '0' }] },
  });
  expect((await reaches(t.node, batchId, ...over)).state).toBe('partially-completed');
  const rows = await instructionsOf(t.node, batchId);
  expect(rows.find((row) => row.payeeIdentity === gone)).toMatchObject({
    state: 'failed',
    reasonCode: 'payee-inactive',
  });
  expect(rows.find((row) => row.payeeIdentity === stays)?.state).toBe('completed');
  expect(await brokenBooks(t.node)).toEqual([]);
});
