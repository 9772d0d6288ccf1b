import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approve,
  bankService,
  brokenBooks,
  handOver,
  instructionsOf,
  ministry,
  payees,
  programme,
  reaches,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
beforeAll(async () => {
  t = await startTreasury({ maximumInstructions: 9_500 });
});
afterAll(() => t.stop());

const row = (requestId: string, payee: string, amount: string | number, currency = 'USD') => ({
  requestId,
  creditParty: [{ key: 'functionalId', value: payee }],
  amount,
  currency,
});
const batch = (id: string, body: ReturnType<typeof row>[], programmeId = programme.programmeId) =>
  t.api.batchTransactions({
    query: {},
    headers: { 'x-correlationid': id, 'x-program-id': programmeId },
    body,
  });
const runs = async (): Promise<number> =>
  (await t.admin.listBatches({ query: { limit: 500 } })).body.items.length;
const put = (programmeId: string, more: object) =>
  t.admin.putProgramme({
    params: { ...programme, programmeId },
    body: {
      name: programmeId,
      agency: ministry,
      currency: 'USD',
      fundingAccount: `US00${programmeId}`,
      ...more,
    },
  });

describe('a batch', () => {
  it('[PAY-6.9-e] whose sum no account could hold is refused, not broken', async () => {
    await put('huge', {});
    const before = await runs();
    const rows = Array.from({ length: 9_300 }, (_, n) => row(`huge-${n}`, `P-${n}`, '9999999999999.99'));
    await expect(batch('huge', rows, 'huge')).rejects.toMatchObject({ status: 400 });
    expect(await runs()).toBe(before);
  });

  it('with more instructions than are taken at once is refused whole; in parts nothing is lost or doubled', async () => {
    const before = await runs();
    const rows = Array.from({ length: 9_501 }, (_, n) => row(`many-${n}`, `M-${n}`, '1.00'));
    await expect(batch('many', rows)).rejects.toMatchObject({ status: 400 });
    expect(await runs()).toBe(before);
    await batch('many-a', rows.slice(0, 3));
    await expect(batch('many-b', rows.slice(2, 5))).rejects.toMatchObject({ status: 409 });
    const { body } = await batch('many-b', rows.slice(3, 5));
    expect(await runs()).toBe(before + 2);
    expect((await instructionsOf(t.node, body.batchId)).map((one) => one.requestId)).toEqual([
      'many-3',
      'many-4',
    ]);
  });

  it('[PAY-5.3.4-c][PAY-6.16.1-a] above the limits of its programme is refused; one taken over before stays what it was', async () => {
    const ids = await payees(t.node, 3);
    const rows = (id: string, amount: string) => ids.map((payee) => row(`${id}-${payee}`, payee, amount));
    await put('limited', { maximumInstructionAmount: '40.00', maximumRunAmount: '100.00' });
    await expect(batch('l-1', rows('l-1', '40.01'), 'limited')).rejects.toMatchObject({ status: 400 });
    await expect(batch('l-2', rows('l-2', '33.34'), 'limited')).rejects.toMatchObject({ status: 400 });
    const first = await batch('l-3', rows('l-3', '33.33'), 'limited');
    await put('limited', { maximumInstructionAmount: '10.00', maximumRunAmount: '10.00' });
    expect((await batch('l-3', rows('l-3', '33.33'), 'limited')).body).toEqual(first.body);
    await expect(batch('l-4', rows('l-4', '33.33'), 'limited')).rejects.toMatchObject({ status: 400 });
  });

  it('[PAY-4.16][PAY-5.1.10-b] is paid and booked in its own currency with its own decimals: none, two or three', async () => {
    await t.admin.putRail({
      params: { railId: 'abroad' },
      body: {
        adapter: 'bank',
        service: bankService,
        name: 'Abroad',
        modalities: ['00'],
        currencies: ['JPY', 'KWD'],
        isDefault: true,
      },
    });
    const [payee = ''] = await payees(t.node, 1);
    for (const [currency, amount, finer] of [
      ['JPY', '1250', '1250.5'],
      ['USD', '12.50', '12.505'],
      ['KWD', '1.255', '1.2555'],
    ] as const) {
      await put(currency, { currency });
      await t.admin.releaseBudget({
        params: { ...programme, programmeId: currency },
        body: { reference: 'b', amount: '2000', currency },
      });
      const refused = batch(`${currency}-bad`, [row(`${currency}-bad`, payee, finer, currency)], currency);
      await expect(refused).rejects.toMatchObject({ status: 400 });
      const { body } = await batch(
        `${currency}-1`,
        [row(`${currency}-1`, payee, amount, currency)],
        currency,
      );
      await approve(t.node, body.batchId);
      await reaches(t.node, body.batchId, 'completed');
      const [paid] = await instructionsOf(t.node, body.batchId);
      expect(t.bank.credited.get(paid?.instructionId as string)?.amount).toBe(amount);
      const { items } = (await t.admin.listAccounts({ query: { kind: 'paid', currency } })).body;
      expect(items.map((one) => one.balance)).toEqual([amount]);
    }
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.1.10-b] has a sum, a budget and limits far above the largest payment', async () => {
    await put('dinars', { currency: 'KWD', maximumRunAmount: '9000000000000.000' });
    const params = { ...programme, programmeId: 'dinars' };
    const release = (reference: string, amount: string) =>
      t.admin.releaseBudget({ params, body: { reference, amount, currency: 'KWD' } });
    await release('b', '90000000000000.000');
    await expect(release('c', '100000000000000.001')).rejects.toMatchObject({ status: 400 });
    expect((await t.admin.getProgramme({ params })).body.available).toBe('90000000000000.000');
    const declared = (id: string, total: string) =>
      t.api.batchTransactions({
        query: {},
        headers: { 'x-correlationid': id, 'x-program-id': 'dinars', 'x-batch-total': total },
        body: [1, 2, 3].map((n) => row(`${id}-${n}`, `D-${n}`, '900000000000.001', 'KWD')),
      });
    await expect(declared('kwd-2', '2700000000000.002')).rejects.toMatchObject({ status: 400 });
    const { body } = await declared('kwd-3', '2700000000000.003');
    expect(await instructionsOf(t.node, body.batchId)).toHaveLength(3);
  });

  it('[PAY-4.16][PAY-5.4-b] in another currency than its programme, in two, or in none that ISO 4217 knows, is refused', async () => {
    const [one = '', two = ''] = await payees(t.node, 2);
    const before = await runs();
    await expect(batch('eur', [row('eur-1', one, '1.00', 'EUR')])).rejects.toMatchObject({ status: 400 });
    const mixed = [row('mix-1', one, '1.00'), row('mix-2', two, '1.00', 'EUR')];
    await expect(batch('mixed', mixed)).rejects.toMatchObject({ status: 400 });
    await expect(batch('qqq', [row('qqq-1', one, '1.00', 'QQQ')])).rejects.toMatchObject({
      status: 400,
      problem: { errors: [{ pointer: '/0/currency' }] },
    });
    expect(await runs()).toBe(before);
  });

  it('[PAY-8.1.4-a] handed over many times at the same moment is one run', async () => {
    const ids = await payees(t.node, 3);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => handOver(t.node, ids, { id: 'many' })),
    );
    expect(new Set(answers).size).toBe(1);
    const { instructionCount } = await reaches(t.node, answers[0] as string, 'awaiting-approval');
    expect(instructionCount).toBe(3);
  });
});
