import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fate } from './fixtures/rail.ts';
import { bankOf, classesOf, credit, debit, proofs, reconciliationOf, take } from './fixtures/statement.ts';
import {
  apiOf,
  approve,
  available,
  brokenBooks,
  instructionsOf,
  ministry,
  over,
  payees,
  programme,
  reaches,
  refusal,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
const bank = bankOf();
const manner = {
  name: 'Cash transfer',
  agency: ministry,
  currency: 'USD',
  fundingAccount: 'US00TREASURY01',
  payerRail: 'bank',
};
const put = (body: Partial<Parameters<Treasury['admin']['putProgramme']>[0]['body']>) =>
  t.admin.putProgramme({ params: programme, body: { ...manner, ...body } });
beforeAll(async () => {
  t = await startTreasury({ subBatchSize: 4 });
  await put({ combinePayments: true });
});
afterAll(() => t.stop());

let runs = 0;
/** Hands over payments in this order: payee and amount. */
async function handOver(payments: readonly (readonly [payee: string, amount: string])[]): Promise<string> {
  runs += 1;
  const id = `together-${runs}`;
  const { body } = await apiOf(t.node).batchTransactions({
    query: {},
    headers: { 'x-correlationid': id, 'x-initiator': 'maker-1', 'x-program-id': programme.programmeId },
    body: payments.map(([value, amount], index) => ({
      requestId: `${id}-${index}`,
      creditParty: [{ key: 'functionalId', value }],
      amount,
      currency: 'USD',
    })),
  });
  return body.batchId;
}
/** Every payee gets each of the amounts; those of one payee lie far apart in the list. */
const each = (ids: readonly string[], ...amounts: string[]) =>
  amounts.flatMap((amount) => ids.map((id) => [id, amount] as const));
async function paid(payments: readonly (readonly [string, string])[]) {
  const batchId = await handOver(payments);
  await approve(t.node, batchId, true);
  const run = await reaches(t.node, batchId, ...over);
  return { run, rows: await instructionsOf(t.node, batchId) };
}
const atBank = async (count: number): Promise<string[]> =>
  (await payees(t.node, count * 2)).filter((_, index) => index % 2 === 0);

describe('payments of a run to the same payee', () => {
  it('[PAY-6.9-b][PAY-6.1-f] leave as one transfer of their sum, and each is told of under its own id', async () => {
    const ids = await payees(t.node, 6);
    const { run, rows } = await paid(each(ids, '4.00', '5.50', '1.01'));
    expect(run).toMatchObject({ state: 'completed', combinePayments: true, instructionCount: 18 });
    for (const payments of Map.groupBy(rows, (row) => row.payeeIdentity).values()) {
      const [{ combinedWith = '' } = {}] = payments;
      expect(payments.map((row) => [row.state, row.amount, row.combinedWith])).toEqual([
        ['completed', '4.00', combinedWith],
        ['completed', '5.50', combinedWith],
        ['completed', '1.01', combinedWith],
      ]);
      const { credited } = payments[0]?.rail === 'bank' ? t.bank : t.wallets;
      expect(payments.filter((row) => credited.has(row.instructionId))).toHaveLength(1);
      expect(credited.get(combinedWith)).toMatchObject({ amount: '10.51', times: 1 });
      const [last] = payments.slice(-1);
      const { body } = await t.admin.getInstruction({
        params: { instructionId: last?.instructionId as string },
      });
      expect(body.attempts).toMatchObject([{ number: 1, state: 'succeeded' }]);
    }
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.9-b] of a submission of any size leave together, too, and lie side by side', async () => {
    const ids = await atBank(3);
    const lines = each(ids, '4.20', '5.20').map(([value, amount], index) =>
      JSON.stringify({
        requestId: `submitted-${index}`,
        creditParty: [{ key: 'functionalId', value }],
        amount,
        currency: 'USD',
      }),
    );
    const { submissionId } = (
      await apiOf(t.node).submitInstructions({
        headers: {
          'x-correlationid': 'submitted',
          'x-initiator': 'maker-1',
          'x-program-id': programme.programmeId,
        },
        body: Buffer.from(lines.join('\n')),
      })
    ).body;
    const batch = async () =>
      (await apiOf(t.node).getSubmission({ params: { submissionId }, query: {} })).body.batches[0];
    await expect.poll(async () => (await batch())?.state).toBe('awaiting-approval');
    const batchId = (await batch())?.batchId as string;
    await approve(t.node, batchId, true);
    await reaches(t.node, batchId, 'completed');
    const rows = await instructionsOf(t.node, batchId);
    expect(rows.map((row) => row.payeeIdentity)).toEqual(ids.flatMap((id) => [id, id]));
    for (const row of rows) expect(t.bank.credited.get(row.combinedWith as string)?.amount).toBe('9.40');
  });

  it('[PAY-6.9-b] are failed together, and paid anew together', async () => {
    const ids = await atBank(1);
    const before = await available(t.node);
    t.bank.fate = () => ({ rejected: 'AC04' });
    const { run, rows } = await paid(each(ids, '2.00', '3.00'));
    t.bank.fate = () => 'completed';
    expect(run.state).toBe('failed');
    expect(rows.map((row) => [row.state, row.reasonCode])).toEqual([
      ['failed', 'AC04'],
      ['failed', 'AC04'],
    ]);
    expect(await available(t.node)).toBe(before);
    const { batchId } = (await t.admin.retryFailedInstructions({ params: { batchId: run.batchId } })).body;
    await approve(t.node, batchId);
    await reaches(t.node, batchId, 'completed');
    const [again] = await instructionsOf(t.node, batchId);
    expect(t.bank.credited.get(again?.combinedWith as string)?.amount).toBe('5.00');
  });

  it('[PAY-6.9-b][PAY-6.1-c] are taken back together when their run is stopped', async () => {
    const before = await available(t.node);
    t.bank.fate = () => 'busy';
    const batchId = await handOver(each(await atBank(1), '2.50', '3.50'));
    await approve(t.node, batchId);
    const [{ instructionId = '' } = {}] = await instructionsOf(t.node, batchId);
    await expect
      .poll(async () => (await t.admin.getInstruction({ params: { instructionId } })).body.attempts[0]?.state)
      .toBe('refused');
    await t.admin.stopBatch({ params: { batchId }, body: { reason: 'Enough' } });
    await reaches(t.node, batchId, ...over);
    t.bank.fate = () => 'completed';
    const rows = await instructionsOf(t.node, batchId);
    expect(rows.map((row) => [row.state, row.reasonCode])).toEqual([
      ['failed', 'run-stopped'],
      ['failed', 'run-stopped'],
    ]);
    expect(await available(t.node)).toBe(before);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.9-b] stay apart where the rail does not take the sum, and cost a fee each only then', async () => {
    const ids = await atBank(1);
    const rail = {
      adapter: 'bank',
      service: 'TEST/COM/BANK/rail/rail-v1',
      name: 'Bank',
      modalities: ['00' as const],
      currencies: ['USD'],
      isDefault: true,
      batchSize: 5,
      concurrency: 2,
    };
    const params = { railId: 'bank' };
    await reconciliationOf(t.node).postFeeSchedule({
      body: { ...params, currency: 'USD', bands: [{ flat: '0.10' }] },
    });
    await t.admin.putRail({ params, body: { ...rail, maximumAmounts: { USD: '9.00' } } });
    const apart = await paid(each(ids, '6.00', '3.01'));
    expect(apart.rows.map((row) => row.combinedWith)).toEqual([undefined, undefined]);
    expect(apart.run.feeAmount).toBe('0.20');
    const together = await paid(each(ids, '6.50', '2.50'));
    expect(together.run.feeAmount).toBe('0.10');
    expect(t.bank.credited.get(together.rows[0]?.combinedWith as string)?.amount).toBe('9.00');
    await t.admin.putRail({ params, body: rail });
    await put({});
    const alone = await paid(each(ids, '7.50', '1.50'));
    await put({ combinePayments: true });
    expect(alone.run.combinePayments).toBe(false);
    expect(alone.rows.map((row) => t.bank.credited.get(row.instructionId)?.amount)).toEqual(['7.50', '1.50']);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.9-b] keep their rail from becoming one at which people see each alone', async () => {
    const batchId = await handOver(each(await atBank(1), '4.40', '5.60'));
    await reaches(t.node, batchId, 'awaiting-approval');
    const { items } = (await t.admin.listRails({})).body;
    const { railId, ...known } = items.find((one) => one.railId === 'bank') as (typeof items)[number];
    const become = (adapter: string) =>
      t.admin.putRail({ params: { railId }, body: { ...known, adapter, settings: {} } });
    expect((await refusal(become('by-hand'))).status).toBe(409);
    await t.admin.cancelBatch({ params: { batchId }, body: { reason: 'Looked at' } });
    expect((await become('by-hand')).body.adapter).toBe('by-hand');
    await become('bank');
  });

  it('[PAY-6.9-b][PAY-5.3.1-k] are one line of a statement, and come back as one', async () => {
    await take(t.node, bank.statement([credit(10_000_000n, 'b-1')]));
    const { run, rows } = await paid(each(await atBank(2), '20.00', '1.25'));
    const leaders = [...new Set(rows.map((row) => row.combinedWith as string))];
    expect(leaders).toHaveLength(2);
    const shown = await take(t.node, bank.statement(leaders.map((id) => debit(2125n, id))));
    expect(await classesOf(t.node, shown.statementId)).toEqual(['matched', 'matched']);
    const { reconciled, closedAt } = (
      await reconciliationOf(t.node).getRunReconciliation({ params: { batchId: run.batchId } })
    ).body;
    expect(closedAt).toBeDefined();
    expect(reconciled).toMatchObject({ count: 2, amount: '42.50' });
    const back = await take(
      t.node,
      bank.statement([credit(2125n, leaders[0], { type: 'return', description: 'AC04' })]),
    );
    expect(await classesOf(t.node, back.statementId)).toEqual(['return']);
    const states = (await instructionsOf(t.node, run.batchId)).map((row) => [row.combinedWith, row.state]);
    expect(states).toEqual(
      rows.map((row) => [row.combinedWith, row.combinedWith === leaders[0] ? 'returned' : 'completed']),
    );
    for (const proof of await proofs(t.node)) expect(proof).toMatchObject({ difference: '0.00' });
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.9-b][PAY-6.1-c] end alike, with their sum paid once or not at all, whatever the rail does', async () => {
    const fates: fc.Arbitrary<Fate> = fc.constantFrom<Fate>('completed', 'silent', 'lost', 'busy', {
      rejected: 'AC04',
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fates), { minLength: 1, maxLength: 4 }),
        async (plan) => {
          const ids = await atBank(plan.length);
          const fated = new Map<string, Fate>();
          const accountOf = (id: string) => id.slice(2).padStart(12, '0');
          for (const [index, [, fate]] of plan.entries()) fated.set(accountOf(ids[index] as string), fate);
          // What fails for now or gets lost does so once.
          t.bank.fate = ({ address }) => {
            const fate = fated.get(address) ?? 'completed';
            if (typeof fate === 'string') fated.delete(address);
            return fate;
          };
          const { rows } = await paid(
            plan.flatMap(([count], index) =>
              Array.from({ length: count }, (_, n) => [ids[index] as string, `${n + 1}.00`] as const),
            ),
          );
          for (const [payee, payments] of Map.groupBy(rows, (row) => row.payeeIdentity)) {
            const refused = typeof plan[ids.indexOf(payee)]?.[1] === 'object';
            expect(new Set(payments.map((row) => row.state))).toEqual(
              new Set([refused ? 'failed' : 'completed']),
            );
            const transfers = [...t.bank.credited.values()].filter((one) => one.address === accountOf(payee));
            const sum = (payments.length * (payments.length + 1)) / 2;
            expect(transfers.map((one) => one.amount)).toEqual(refused ? [] : [`${sum}.00`]);
          }
        },
      ),
      { numRuns: 8 },
    );
    t.bank.fate = () => 'completed';
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});

describe('a run that leaves in steps', () => {
  it('[PAY-6.1-f] pays so many payees, waits, and pays the next', async () => {
    await put({ stagger: { payees: 3, seconds: 1 } });
    const times: number[] = [];
    t.bank.fate = () => {
      times.push(Date.now());
      return 'completed';
    };
    const batchId = await handOver(each(await atBank(7), '8.00'));
    expect((await reaches(t.node, batchId, 'awaiting-approval')).stagger).toEqual({ payees: 3, seconds: 1 });
    // A run keeps to what was said when it was handed over.
    await put({});
    await approve(t.node, batchId);
    const { history } = await reaches(t.node, batchId, 'completed');
    t.bank.fate = () => 'completed';
    const began = Date.parse(history.find((one) => one.to === 'processing')?.at ?? '');
    expect(times).toHaveLength(7);
    expect((times[3] ?? 0) - began).toBeGreaterThanOrEqual(1000);
    expect((times[6] ?? 0) - began).toBeGreaterThanOrEqual(2000);
  });

  it('[PAY-6.1-f] is refused with a step of nobody, and nothing changes', async () => {
    await put({ stagger: { payees: 3, seconds: 60 } });
    expect((await refusal(put({ stagger: { payees: 0, seconds: 60 } }))).status).toBe(400);
    const { stagger } = (await t.admin.getProgramme({ params: programme })).body;
    expect(stagger).toEqual({ payees: 3, seconds: 60 });
  });
});
