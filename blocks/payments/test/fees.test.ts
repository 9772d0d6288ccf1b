import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../src/tables.ts';
import { balancesOf, bankOf, debit, proofs, reconciliationOf, take, worklist } from './fixtures/statement.ts';
import {
  approve,
  available,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  pay,
  payees,
  reaches,
  refusal,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
let recon: ReturnType<typeof reconciliationOf>;
beforeAll(async () => {
  t = await startTreasury();
  recon = reconciliationOf(t.node);
});
afterAll(() => t.stop());

const schedule = (body: object) =>
  recon.postFeeSchedule({ body: { railId: 'bank', currency: 'USD', bands: [], ...body } });
const quote = async (amount: string, railId = 'bank', modality: '00' | '01' = '00') =>
  (await recon.quoteFee({ body: { railId, modality, currency: 'USD', amount } })).body.fee;

describe('a fee schedule', () => {
  it('[PAY-6.1-l] says what a rail charges by amount: flat, a share, at least and at most', async () => {
    expect(await quote('100.00')).toBe('0.00');
    await schedule({
      bands: [
        { upTo: '10.00', flat: '0.05' },
        { upTo: '100.00', flat: '0.10', perMille: '2.5', maximum: '0.30' },
        { perMille: '1', minimum: '0.40', maximum: '1.00' },
      ],
    });
    expect(await quote('10.00')).toBe('0.05');
    expect(await quote('10.01')).toBe('0.13');
    expect(await quote('80.00')).toBe('0.30');
    expect(await quote('100.00')).toBe('0.30');
    expect(await quote('100.01')).toBe('0.40');
    expect(await quote('700.00')).toBe('0.70');
    expect(await quote('2000.00')).toBe('1.00');
    expect(await quote('2000.00', 'wallets', '01')).toBe('0.00');
  });

  it('[PAY-6.1-l] holds from its time on, in versions, the payment type’s own before the general one', async () => {
    await schedule({ railId: 'wallets', bands: [{ flat: '0.20' }] });
    await schedule({ railId: 'wallets', modality: '01', bands: [{ flat: '0.30' }] });
    expect(await quote('5.00', 'wallets', '01')).toBe('0.30');
    const later = new Date(Date.now() + 3_600_000).toISOString();
    await schedule({ railId: 'wallets', modality: '01', bands: [{ flat: '9.00' }], validFrom: later });
    expect(await quote('5.00', 'wallets', '01')).toBe('0.30');
    const { items } = (await recon.listFeeSchedules({ query: { railId: 'wallets' } })).body;
    expect(items.map((one) => [one.modality, one.version])).toEqual([
      ['01', 2],
      ['01', 1],
      [undefined, 1],
    ]);
    expect((await refusal(schedule({ railId: 'wallets', modality: '01' }))).status).toBe(409);
  });

  it.each([
    ['an unknown rail', { railId: 'nobody' }],
    ['another currency', { currency: 'EUR' }],
    ['a modality the rail does not pay to', { modality: '01' }],
    ['bands out of order', { bands: [{ upTo: '5.00' }, { upTo: '4.00' }, {}] }],
    ['bands that end', { bands: [{ upTo: '5.00' }] }],
    ['a minimum above the maximum', { bands: [{ minimum: '2.00', maximum: '1.00' }] }],
    ['too many decimals', { bands: [{ flat: '0.001' }] }],
    ['the past', { validFrom: '2020-01-01T00:00:00Z' }],
  ])('[PAY-6.1-l] of %s is refused', async (_what, body) => {
    expect((await refusal(schedule(body))).status).toBe(400);
  });

  it('computes as plain arithmetic does', async () => {
    const db = t.node.database('payments') as unknown as Db;
    const amounts = fc.bigInt({ min: 1n, max: 10n ** 15n });
    const small = fc.nat(100_000);
    await fc.assert(
      fc.asyncProperty(
        amounts,
        small,
        fc.nat(999_999),
        small,
        small,
        async (amount, flat, share, one, other) => {
          const [minimum, maximum] = [Math.min(one, other), Math.max(one, other)];
          const plain = BigInt(flat) + (amount * BigInt(share) + 500_000n) / 1_000_000n;
          const most = plain > BigInt(maximum) ? BigInt(maximum) : plain;
          const bands = JSON.stringify([{ flat, perMillion: share, minimum, maximum }]);
          const { rows } = await sql<{ fee: string }>`
          select fee_of(${amount.toString()}::bigint, ${bands}::jsonb) as fee`.execute(db);
          expect(BigInt(rows[0]?.fee ?? -1)).toBe(most < BigInt(minimum) ? BigInt(minimum) : most);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the fees of a run', () => {
  it('[PAY-6.1-q][PAY-6.1-l] are shown before the approval, reserved with it, and charged for what was paid only', async () => {
    const before = Number(await available(t.node));
    const ids = await payees(t.node, 4);
    t.wallets.fate = () => ({ rejected: 'NOACC' });
    const batchId = await handOver(t.node, ids, { amount: '20.00', notBefore: 3_600_000 });
    const waiting = await reaches(t.node, batchId, 'awaiting-approval');
    // Two payments by the bank at 0.10 + 2.5 per mille, two to wallets at 0.30.
    expect(waiting).toMatchObject({ validAmount: '80.00', feeAmount: '0.90' });
    const { items, fees } = (await recon.getRunFees({ params: { batchId } })).body;
    expect(fees).toBe('0.90');
    expect(items.map((one) => [one.railId, one.count, one.amount])).toEqual([
      ['bank', 2, '0.30'],
      ['wallets', 2, '0.60'],
    ]);
    await approve(t.node, batchId);
    await reaches(t.node, batchId, 'authorised');
    expect(Number(await available(t.node))).toBeCloseTo(before - 80.9, 2);
    const db = t.node.database('payments') as unknown as Db;
    await sql`update batch set next_at = now() where id = ${batchId}`.execute(db);
    await reaches(t.node, batchId, ...over);
    t.wallets.fate = () => 'completed';
    // Each payee got the full amount; what failed costs nothing.
    for (const credited of t.bank.credited.values()) expect(credited.amount).toBe('20.00');
    const rows = await instructionsOf(t.node, batchId);
    expect(rows.map((row) => [row.rail, row.state, row.fee]).sort()).toEqual([
      ['bank', 'completed', '0.15'],
      ['bank', 'completed', '0.15'],
      ['wallets', 'failed', '0.30'],
      ['wallets', 'failed', '0.30'],
    ]);
    expect(Number(await available(t.node))).toBeCloseTo(before - 40.3, 2);
    const { content } = (await t.admin.getCertificate({ params: { batchId } })).body;
    expect(content.fees).toBe('0.30');
    expect(content.accounts.find((one) => one.kind === 'reserved')).toMatchObject({
      incoming: '80.90',
      outgoing: '80.90',
    });
    expect(await balancesOf(t.admin, 'fees')).toEqual({ bank: '0.30' });
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.1-q] count against the budget: a run that covers its payments and not its fees is held', async () => {
    const rest = await available(t.node);
    await t.admin.putProgramme({
      params: { sourceId: 'cash-transfer', programmeId: 'small' },
      body: { name: 'Small', currency: 'USD', fundingAccount: 'US00TREASURY01' },
    });
    const params = { sourceId: 'cash-transfer', programmeId: 'small' };
    await t.admin.releaseBudget({ params, body: { reference: 's-1', amount: '20.00', currency: 'USD' } });
    const [payee = ''] = await payees(t.node, 1);
    const batchId = await handOver(t.node, [payee], { amount: '20.00', programmeId: 'small' });
    await approve(t.node, batchId);
    expect(await reaches(t.node, batchId, 'held')).toMatchObject({ reason: 'insufficient-budget' });
    await t.admin.releaseBudget({ params, body: { reference: 's-2', amount: '0.15', currency: 'USD' } });
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    expect(await available(t.node)).toBe(rest);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.1-q] are part of what is approved: a fee changed afterwards stops the run', async () => {
    const [payee = ''] = await payees(t.node, 1);
    const batchId = await handOver(t.node, [payee], { amount: '33.00' });
    const { contentHash } = await reaches(t.node, batchId, 'awaiting-approval');
    const db = t.node.database('payments') as unknown as Db;
    await sql`update instruction set fee = fee - 1 where batch_id = ${batchId}`.execute(db);
    const personToken = await t.node.token({
      id: 'a-2',
      roles: ['payment-approver'],
      agency: 'TEST/GOV/BLOCKS',
    });
    const body = { contentHash: contentHash as string };
    expect((await refusal(t.admin.approveBatch({ params: { batchId }, body, personToken }))).status).toBe(
      409,
    );
    await t.admin.cancelBatch({ params: { batchId }, body: { reason: 'Changed' } });
  });

  it('[PAY-6.1-l] are settled against what the bank charges, and what it charges beyond waits for a person', async () => {
    const run = await pay(t.node, await payees(t.node, 1), { amount: '40.00' });
    expect(run.feeAmount).toBe('0.20');
    // 0.65 are owed to the bank: of two charges the first is covered.
    const bank = bankOf();
    const charge = (amount: bigint) => debit(amount, undefined, { type: 'charge' });
    const { classes } = await take(t.node, bank.statement([charge(60n), charge(10n)]));
    expect(classes).toEqual([{ class: 'charge', direction: 'debit', count: 2, amount: '0.70', settled: 1 }]);
    expect((await balancesOf(t.admin, 'fees')).bank).toBe('0.05');
    expect((await worklist(t.node)).filter((one) => one.class === 'charge')).toMatchObject([
      { amount: '0.10', rail: 'bank', state: 'open' },
    ]);
    for (const proof of await proofs(t.node)) expect(proof.balances).toBe(true);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});
