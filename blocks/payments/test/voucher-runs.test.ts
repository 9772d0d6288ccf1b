import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { testAdminUrl } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reconciliation } from '../src/api/operations.ts';
import {
  apiOf,
  application,
  approve,
  available,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  pay,
  payees,
  programme,
  reaches,
  refusal,
  source,
  startTreasury,
  type Treasury,
  treasury,
} from './fixtures/treasury.ts';
import {
  activate,
  cancel,
  creditedTo,
  type Issued,
  liability,
  redeem,
  setUpVouchers,
  stateOf,
  voucherAdminOf,
  vouchersOf,
} from './fixtures/vouchers.ts';

const secret = randomBytes(32);
const notices: Record<string, unknown>[] = [];
const anything = {
  programmeId: programme.programmeId,
  name: 'Anything',
  validitySeconds: 86_400,
  onDemand: true,
  variableAmounts: true,
} as const;
const putGroup = (
  groupCode: string,
  body: Parameters<ReturnType<typeof voucherAdminOf>['putVoucherGroup']>[0]['body'],
) => voucherAdminOf(t.node).putVoucherGroup({ params: { sourceId: programme.sourceId, groupCode }, body });
const rail = {
  adapter: 'voucher',
  service: `${application}/vouchers-v1`,
  name: 'Vouchers',
  modalities: ['02' as const],
  currencies: ['USD'],
  isDefault: true,
  batchSize: 500,
};

let t: Treasury;
beforeAll(async () => {
  t = await startTreasury(
    {},
    {
      secret,
      providers: {
        [`${source}/messages-v1`]: async ({ body }) => {
          notices.push(JSON.parse(Buffer.from(body ?? '').toString()));
          return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from('{}') };
        },
      },
    },
  );
  await t.admin.putSource({
    params: { sourceId: programme.sourceId },
    body: {
      application: source,
      name: 'Cash transfer',
      institutionId: 'MSP',
      callbackService: `${source}/messages-v1`,
    },
  });
  await setUpVouchers(t.node);
  await t.admin.putRail({ params: { railId: 'vouchers' }, body: rail });
  await putGroup('ANY', { ...anything, forRuns: true });
});
afterAll(async () => {
  expect(await brokenBooks(t.node)).toEqual([]);
  await t.stop();
});

let people = 0;
/** Payees who want no account; their functional ids. */
async function withoutAccount(count: number): Promise<string[]> {
  people += 1;
  const ids = Array.from({ length: count }, (_, index) => `V-${people}-${index}`);
  for (let from = 0; from < count; from += 500)
    await apiOf(t.node).registerBeneficiary({
      headers: {},
      body: {
        requestID: `rv-${people}-${from}`,
        beneficiaries: ids
          .slice(from, from + 500)
          .map((payeeIdentity) => ({ payeeIdentity, paymentModality: '02' })),
      },
    });
  return ids;
}

/** What the source reads of the vouchers of a run. */
const given = async (batchId: string): Promise<(Issued & { instruction: string; amount: number })[]> => {
  const { body } = await vouchersOf(t.node).getVoucherDetails({ params: { requestID: batchId }, query: {} });
  return body.voucherInstructions.map((one) => ({
    serial: one.serialNumber,
    number: one.voucherNumber ?? '',
    instruction: one.instructionID,
    amount: one.amount,
  }));
};
const outstanding = async () => Number((await liability(t.node))?.outstanding ?? 0);

describe('payees of a run who want no account', () => {
  it('[PAY-6.1-y] get vouchers beside those who are paid to accounts and wallets, and cash them in at an agent', async () => {
    const [banked, unbanked] = [await payees(t.node, 4), await withoutAccount(3)];
    const [money, owed] = [Number(await available(t.node)), await outstanding()];
    const run = await pay(t.node, [...banked, ...unbanked]);
    expect(run).toMatchObject({ state: 'completed' });
    expect(Number(await available(t.node))).toBeCloseTo(money - 7 * 12.5, 2);
    expect(await outstanding()).toBeCloseTo(owed + 3 * 12.5, 2);
    const vouchers = await given(run.batchId);
    expect(vouchers).toHaveLength(3);
    // The run names each payee's voucher; its number is the source's to hand over.
    const rows = (await instructionsOf(t.node, run.batchId)).filter((one) => one.rail === 'vouchers');
    expect(rows.map((one) => one.railReference).sort()).toEqual(vouchers.map((one) => one.serial).sort());
    const first = vouchers[0] as Issued;
    expect((await redeem(t.node, first)).message).toBe('Not activated');
    expect(await activate(t.node, vouchers)).toEqual([]);
    const before = creditedTo(t, '000000000001').length;
    expect(await redeem(t.node, first)).toMatchObject({ status: 1, value: 12.5 });
    expect(await redeem(t.node, first)).toMatchObject({ status: 0, message: 'Already used' });
    expect(creditedTo(t, '000000000001')).toHaveLength(before + 1);
    expect(await outstanding()).toBeCloseTo(owed + 2 * 12.5, 2);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.1-y] are counted by the certificate of the run, and no bank is expected to show them', async () => {
    const run = await pay(t.node, await withoutAccount(2), { amount: '20.00' });
    const { body } = await t.admin.getCertificate({ params: { batchId: run.batchId } });
    expect(body.content).toMatchObject({
      byRail: [{ rail: 'vouchers', state: 'completed', count: 2, amount: '40.00' }],
    });
    expect(body.content.accounts.find((one) => one.kind === 'voucher')).toMatchObject({
      incoming: '40.00',
      outgoing: '0.00',
    });
    expect(body.content.accounts.some((one) => one.kind === 'paid')).toBe(false);
    const books = t.node.client(reconciliation, { as: application });
    expect((await books.getRunReconciliation({ params: { batchId: run.batchId } })).body).toMatchObject({
      reconciled: { count: 2, amount: '40.00' },
      open: { count: 0 },
    });
    // What a rail settles with the bank has no vouchers in it.
    const day = new Date().toISOString().slice(0, 10);
    const figures = (await books.getSettlementFigures({ query: { day } })).body.items;
    expect(figures.some((one) => one.railId === 'vouchers')).toBe(false);
  });

  it('[PAY-6.1-y] have their money go back to the programme when vouchers are cancelled', async () => {
    const money = Number(await available(t.node));
    const run = await pay(t.node, await withoutAccount(2));
    const vouchers = await given(run.batchId);
    expect(Number(await available(t.node))).toBeCloseTo(money - 25, 2);
    expect(await cancel(t.node, vouchers)).toEqual([]);
    expect(Number(await available(t.node))).toBeCloseTo(money, 2);
    expect(await stateOf(t.node, (vouchers[0] as Issued).serial)).toBe('cancelled');
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.1-y] are told of to the source where it wants its messages', async () => {
    const [id] = (await withoutAccount(1)) as [string];
    const { body } = await apiOf(t.node).batchTransactions({
      query: {},
      headers: {
        'x-correlationid': `told-${id}`,
        'x-initiator': 'maker-1',
        'x-program-id': programme.programmeId,
        'x-callback-url': '/messages',
      },
      body: [
        {
          requestId: `told-${id}`,
          creditParty: [{ key: 'functionalId', value: id }],
          amount: '5.00',
          currency: 'USD',
        },
      ],
    });
    await approve(t.node, body.batchId);
    await reaches(t.node, body.batchId, 'completed');
    const about = () => notices.find((one) => one.requestID === body.batchId);
    await expect.poll(about).toMatchObject({
      voucherInstructions: [
        { instructionID: `told-${id}`, amount: 5, voucherNumber: expect.stringMatching(/^\d{16}$/) },
      ],
    });
  });

  it('[PAY-6.1-y] get none when the programme offers none, and an id that has its voucher gets no second one', async () => {
    await putGroup('ANY', { ...anything, forRuns: false });
    const batchId = await handOver(t.node, await withoutAccount(1));
    await reaches(t.node, batchId, ...over);
    expect(await instructionsOf(t.node, batchId)).toMatchObject([
      { state: 'rejected', reasonCode: 'voucher-not-offered' },
    ]);
    await putGroup('FIX', {
      ...anything,
      variableAmounts: false,
      forRuns: true,
      denominations: [{ amount: '10.00' }],
    });
    const odd = await handOver(t.node, await withoutAccount(1), { amount: '11.00' });
    await reaches(t.node, odd, ...over);
    expect(await instructionsOf(t.node, odd)).toMatchObject([{ reasonCode: 'voucher-amount-not-offered' }]);
    expect((await refusal(putGroup('ANY', { ...anything, forRuns: true }))).status).toBe(409);
    await putGroup('FIX', { ...anything, variableAmounts: false, denominations: [{ amount: '10.00' }] });
    await putGroup('ANY', { ...anything, forRuns: true });

    const [id] = (await withoutAccount(1)) as [string];
    const money = await available(t.node);
    await vouchersOf(t.node).postVouchers({
      query: {},
      headers: {},
      body: {
        requestID: 'before-run',
        voucherInstructions: [
          { instructionID: `twice-${id}`, groupCode: 'ANY', currency: 'USD', amount: '12.50' },
        ],
      },
    });
    const run = await pay(t.node, [id], { id: 'twice' });
    expect(run.state).toBe('failed');
    expect(await instructionsOf(t.node, run.batchId)).toMatchObject([{ reasonCode: 'voucher-id-used' }]);
    expect(Number(money) - Number(await available(t.node))).toBeCloseTo(12.5, 2);
  });

  it('only a rail of vouchers has modality 02, and no other', async () => {
    const wrong = [
      { ...rail, adapter: 'bank' },
      { ...rail, modalities: ['02' as const, '00' as const] },
    ];
    for (const body of wrong)
      expect((await refusal(t.admin.putRail({ params: { railId: 'odd' }, body }))).status).toBe(400);
  });

  it('[PAY-6.1-y] get one voucher each in a run of thousands', async () => {
    const ids = await withoutAccount(3_000);
    const batchId = await handOver(t.node, ids, { amount: '1.00' });
    await approve(t.node, batchId);
    await expect
      .poll(async () => (await t.admin.getBatch({ params: { batchId } })).body.state, { timeout: 60_000 })
      .toBe('completed');
    const vouchers = await given(batchId);
    expect(new Set(vouchers.map((one) => one.serial)).size).toBe(3_000);
    expect(new Set(vouchers.map((one) => one.number)).size).toBe(3_000);
    expect(new Set(vouchers.map((one) => one.instruction)).size).toBe(3_000);
  }, 120_000);

  it('[PAY-6.1-y] get one voucher each, whenever the process that gives them dies', async () => {
    const ids = await withoutAccount(40);
    const owed = await outstanding();
    const { databasePrefix } = t.node;
    await t.node.stop();
    const rails = [t.bank, t.wallets] as const;
    const idle = await startTreasury({ workers: false }, { rails, secret, databasePrefix });
    await idle.admin.setAutoApproveLimit({
      params: { sourceId: programme.sourceId },
      body: { limit: '5000.00', currency: 'USD' },
      personToken: await idle.node.token({ id: 'a', roles: ['administrator'], agency: treasury }),
    });
    const batchId = await handOver(idle.node, ids, { id: 'dying' });
    await idle.stop();
    for (const [at, moment] of [
      [60, 'after'],
      [90, 'before'],
      [40, 'after'],
      [70, 'before'],
      [50, 'after'],
      [55, 'before'],
    ] as const)
      await dieAt(at, moment, databasePrefix, rails);
    t = await startTreasury({ subBatchSize: 4 }, { rails, secret, databasePrefix });
    expect(await reaches(t.node, batchId, ...over)).toMatchObject({ state: 'completed' });
    const vouchers = await given(batchId);
    expect(new Set(vouchers.map((one) => one.instruction))).toEqual(new Set(ids.map((id) => `dying-${id}`)));
    expect(vouchers).toHaveLength(40);
    expect(await outstanding()).toBeCloseTo(owed + 40 * 12.5, 2);
    expect(await brokenBooks(t.node)).toEqual([]);
  }, 180_000);
});

const program = fileURLToPath(new URL('fixtures/mortal-worker.ts', import.meta.url));

/** Works in a process of its own that dies at a database statement, or is ended when it has nothing left to do. */
async function dieAt(
  at: number,
  moment: 'before' | 'after',
  databasePrefix: string,
  rails: readonly [Treasury['bank'], Treasury['bank']],
): Promise<void> {
  const [bank, wallets] = rails;
  const child = spawn(
    process.execPath,
    [program, testAdminUrl(), databasePrefix, secret.toString('hex'), bank.url, wallets.url, `${at}`, moment],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const tooLong = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await once(child, 'exit');
  clearTimeout(tooLong);
}
