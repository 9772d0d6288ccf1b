import { sql } from 'kysely';
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
  treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
beforeAll(async () => {
  t = await startTreasury({ maximumSends: 2 });
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

/** A run of one payment at the bank. */
async function atBank(amount: string) {
  const [payee = ''] = await payees(t.node, 1);
  const batchId = await handOver(t.node, [payee], { amount });
  await approve(t.node, batchId);
  await reaches(t.node, batchId, 'processing', ...over);
  const [row] = await instructionsOf(t.node, batchId);
  const instructionId = row?.instructionId as string;
  const read = async () => (await t.admin.getInstruction({ params: { instructionId } })).body;
  return {
    batchId,
    instructionId,
    read,
    states: async () => (await read()).attempts.map((one) => one.state),
  };
}

it('[PAY-5.3.1-k] a payment that was sent as often as may be is failed only if its rail refused each sending', async () => {
  t.bank.fate = () => 'busy';
  const refused = await atBank('1.03');
  expect((await reaches(t.node, refused.batchId, ...over)).state).toBe('failed');
  expect(await refused.states()).toEqual(['refused', 'failed']);
  let sent = 0;
  t.bank.fate = () => {
    sent += 1;
    return sent === 1 ? 'lost' : 'busy';
  };
  // The first sending may arrive after all, though the bank knows nothing of it yet.
  const lost = await atBank('1.04');
  await expect.poll(() => sent).toBe(2);
  const questions = () => t.bank.requests.filter((one) => one.startsWith('GET /transfers/')).length;
  const asked = questions();
  await expect.poll(questions).toBeGreaterThan(asked);
  expect((await lost.read()).state).toBe('unknown');
  expect((await lost.states())[0]).toBe('not-received');
  t.bank.fate = () => 'completed';
  await t.admin.decideUnknown({
    params: { instructionId: lost.instructionId },
    body: { outcome: 'not-paid', evidence: 'Asked the bank' },
    personToken: await t.node.token({ id: 'o', roles: ['payment-approver'], agency: treasury }),
  });
  expect((await reaches(t.node, lost.batchId, ...over)).state).toBe('failed');
  expect(await brokenBooks(t.node)).toEqual([]);
});

it('[PAY-5.3.1-k][PAY-6.1-c] the late answer to a sending says nothing about the next one, only that the payee was paid', async () => {
  const db = t.node.database('payments');
  const answers: PromiseWithResolvers<void>[] = [];
  t.bank.delay = () => {
    const answer = Promise.withResolvers<void>();
    answers.push(answer);
    return answer.promise;
  };
  let fate: 'busy' | 'completed' = 'busy';
  t.bank.fate = () => fate;
  const { batchId, states } = await atBank('1.05');
  await expect.poll(() => answers.length).toBe(1);
  // As if the sender had stood still until it was time to ask about it.
  await sql`update attempt set next_check_at = now() where state = 'open'`.execute(db);
  await expect.poll(() => answers.length).toBe(2);
  // The bank takes two calls at a time: another payment leaves when the first answer was dealt with.
  const other = await atBank('1.06');
  answers[0]?.resolve();
  await expect.poll(() => answers.length).toBe(3);
  expect(await states()).toEqual(['not-received', 'open']);
  fate = 'completed';
  for (const answer of answers) answer.resolve();
  for (const run of [batchId, other.batchId])
    expect((await reaches(t.node, run, ...over)).state).toBe('completed');
  expect(await states()).toEqual(['not-received', 'succeeded']);
  t.bank.delay = async () => undefined;
  t.bank.fate = () => 'completed';
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
