import { jsonResponse } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  available,
  brokenBooks,
  noticesOf,
  programme,
  refusal,
  source,
  startTreasury,
  type Treasury,
  walletService,
} from './fixtures/treasury.ts';
import {
  active,
  cancel,
  creditedTo,
  type Issued,
  liability,
  look,
  merchantApplication,
  nextId,
  order,
  redeem,
  setUpVouchers,
  stateOf,
  voucherAdminOf,
  voucherOfficer,
  vouchersOf,
} from './fixtures/vouchers.ts';

const registry = 'TEST/GOV/REG/people/registry-data-v1';
const shops = 'TEST/COM/CHAMBER/merchants/merchant-registry-v1';
let asked: unknown[] = [];
let registryAnswers: 'yes' | 'no' | 'nothing' = 'yes';

let t: Treasury;
/** A second node on the same database and rails. */
let other: Treasury;
beforeAll(async () => {
  const config = {
    merchantRegistry: shops,
    voucherGuesses: 100,
    escalateAfterSeconds: 1,
    railTimeoutSeconds: 30,
  };
  t = await startTreasury(config, {
    providers: {
      [registry]: async (request) => {
        asked.push(JSON.parse(String(request.body)));
        if (registryAnswers === 'nothing')
          return {
            status: 500,
            headers: { 'x-road-error': 'Server.ServerProxy.ServiceFailed.HttpError' },
            body: Buffer.from('{}'),
          };
        return jsonResponse(200, { answer: { status: registryAnswers === 'yes', message: '' } });
      },
      [shops]: async ({ path }) =>
        path === '/merchants/shop-9'
          ? jsonResponse(200, {
              merchantId: 'shop-9',
              name: 'Ninth',
              application: merchantApplication,
              voucherGroups: ['grocer'],
              paymentModality: '00',
              financialAddress: '000000000009',
            })
          : jsonResponse(404, { title: 'Not found' }),
    },
  });
  await setUpVouchers(t.node);
  other = await startTreasury(config, {
    rails: [t.bank, t.wallets],
    databasePrefix: t.node.databasePrefix,
  });
});
afterEach(async () => {
  for (const rail of [t.bank, t.wallets]) {
    rail.fate = () => 'completed';
    rail.answersQuestions = true;
    rail.invalid = () => undefined;
    rail.covers = () => true;
  }
  asked = [];
  registryAnswers = 'yes';
});
afterAll(async () => {
  expect(await brokenBooks(t.node)).toEqual([]);
  await other.stop();
  await t.stop();
});

const one = async (more: Parameters<typeof active>[2] = {}): Promise<Issued> =>
  (await active(t.node, 1, more))[0] as Issued;
const paidTo = (address: string) => creditedTo(t, address).length;
const shop1 = '000000000001';

describe('a redemption', () => {
  it('[PAY-5.3.2-f][PAY-5.3.2-g][PAY-6.2.3-b][PAY-6.2.4-d][PAY-8.2.3][PAY-6.1-v] pays the merchant through a rail and uses the voucher up, whole', async () => {
    const voucher = await one({ amount: '33.00' });
    const before = { paid: paidTo(shop1), available: await available(t.node), owed: await liability(t.node) };
    const answer = await redeem(t.node, voucher);
    expect(answer).toMatchObject({
      http: 200,
      status: 1,
      message: 'Redeemed',
      serialNumber: voucher.serial,
      value: 33,
    });
    expect(answer.transactionId).toHaveLength(12);
    expect(creditedTo(t, shop1).at(-1)).toMatchObject({ amount: '33.00', times: 1 });
    expect(paidTo(shop1)).toBe(before.paid + 1);
    expect(await available(t.node)).toBe(before.available);
    expect(Number((await liability(t.node))?.outstanding)).toBe(Number(before.owed?.outstanding) - 33);
    expect(await look(t.node, voucher.serial)).toMatchObject({
      state: 'redeemed',
      redemptions: [{ state: 'succeeded', payee: 'merchant/shop-1', rail: 'bank', overridden: false }],
    });
    const told = () =>
      [...t.node.published, ...other.node.published].some(
        ({ type, subject }) => type === 'payments.voucher-redeemed.v1' && subject === voucher.serial,
      );
    await expect.poll(told).toBe(true);
  });

  it('by number alone, at a wallet that answers later, is told when it is done', async () => {
    const { number } = await one();
    const { body } = await vouchersOf(t.node, merchantApplication).putVouchers({
      query: { command: 'redeemPay' },
      headers: {},
      body: { RequestId: nextId(), agentId: 'shop-2', voucherSecretNumber: Number(number) },
    });
    expect(body).toMatchObject({ status: 1 });
    expect(paidTo('+15550000002')).toBe(1);
  });

  it('[PAY-6.2.3-c] said again by the same merchant gets the same answer; by another it is already used', async () => {
    const voucher = await one();
    const requestID = nextId();
    const first = await redeem(t.node, voucher, { requestID });
    const before = paidTo(shop1);
    expect(await redeem(t.node, voucher, { requestID })).toEqual(first);
    expect(await redeem(other.node, voucher, { requestID })).toEqual(first);
    for (const agentID of ['shop-1', 'shop-2'])
      expect(await redeem(t.node, voucher, { agentID })).toMatchObject({
        status: 0,
        message: 'Already used',
      });
    expect(paidTo(shop1)).toBe(before);
    expect((await refusal(redeem(t.node, await one(), { requestID }))).status).toBe(409);
  });

  it('[PAY-6.2.3-a][PAY-9.2.3-b] at a merchant outside the group is refused; the override skips that check only, for those who may, and is kept', async () => {
    await voucherAdminOf(t.node).provisionVouchers({
      params: { sourceId: programme.sourceId, groupCode: 'FOD' },
      body: { reference: nextId(), denomination: '10.00', count: 5 },
    });
    const voucher = await one({ groupCode: 'FOD' });
    const at = { agentID: 'shop-3' };
    expect(await redeem(t.node, voucher, at)).toMatchObject({ status: 0, message: 'Wrong voucher group' });
    const override = { ...at, more: { override: true } };
    expect((await refusal(redeem(t.node, voucher, override))).status).toBe(403);
    const citizen = await voucherOfficer(t.node, ['citizen']);
    expect((await refusal(redeem(t.node, voucher, { ...override, personToken: citizen }))).status).toBe(403);
    const personToken = await voucherOfficer(t.node);
    t.bank.invalid = () => 'AC04';
    expect(await redeem(t.node, voucher, { ...override, personToken })).toMatchObject({
      message: 'Cannot credit',
    });
    t.bank.invalid = () => undefined;
    expect(await redeem(t.node, voucher, { ...override, personToken })).toMatchObject({ status: 1 });
    expect((await look(t.node, voucher.serial)).redemptions[0]).toMatchObject({ overridden: true });
    const { rows } = await sql<{ actor: string }>`
      select actor from audit_entry
      where action = 'redeem-override' and subject = ${`voucher/${voucher.serial}`}`.execute(
      t.node.database('payments'),
    );
    expect(rows).toEqual([{ actor: `${merchantApplication} for officer-voucher-administrator` }]);
  });

  it('[PAY-5.2.2] at a merchant that only the merchant registry knows asks it; nobody else redeems', async () => {
    expect(await redeem(t.node, await one(), { agentID: 'shop-9' })).toMatchObject({ status: 1 });
    expect(paidTo('000000000009')).toBe(1);
    const voucher = await one();
    expect(await redeem(t.node, voucher, { agentID: 'shop-8', as: source })).toMatchObject({
      status: 0,
      message: 'Cannot credit',
    });
    for (const agentID of ['shop-1', 'shop-9', 'shop-8'])
      expect((await refusal(redeem(t.node, voucher, { agentID, as: 'TEST/COM/SHOPS/other' }))).status).toBe(
        403,
      );
    expect(await redeem(t.node, voucher, { as: source })).toMatchObject({ status: 1 });
  });

  it('[PAY-6.1-x] of a group that says so needs the payee, known to a registry', async () => {
    await voucherAdminOf(t.node).putVoucherGroup({
      params: { sourceId: programme.sourceId, groupCode: 'ID' },
      body: {
        programmeId: programme.programmeId,
        name: 'Named',
        validitySeconds: 3600,
        onDemand: true,
        variableAmounts: true,
        payeeCheck: {
          service: registry,
          registry: 'people',
          version: '1.0',
          identityField: 'personId',
          evidenceFields: ['BirthDate'],
        },
      },
    });
    const voucher = await one({ groupCode: 'ID', payee: 'P-4711' });
    const show = (evidence: object) => redeem(t.node, voucher, { more: { evidence } });
    const unverified = { status: 0, message: 'Payee not verified' };
    expect(await show({})).toMatchObject(unverified);
    expect(asked).toEqual([]);
    registryAnswers = 'no';
    expect(await show({ BirthDate: '2000-01-01', personId: 'P-1' })).toMatchObject(unverified);
    registryAnswers = 'nothing';
    expect((await refusal(show({ BirthDate: '1990-01-01' }))).status).toBe(503);
    expect(await stateOf(t.node, voucher.serial)).toBe('activated');
    registryAnswers = 'yes';
    expect(await show({ BirthDate: '1990-01-01' })).toMatchObject({ status: 1 });
    expect(asked.at(-1)).toEqual({ query: { content: { personId: 'P-4711', BirthDate: '1990-01-01' } } });
  });
});

describe('a redemption that cannot be paid leaves the voucher usable:', () => {
  it.each([
    ['the account cannot be credited', 'Cannot credit', () => (t.bank.invalid = () => 'AC04')],
    ['the funding account is short', 'Insufficient funds', () => (t.bank.covers = () => false)],
    ['the rail refuses', 'Cannot credit', () => (t.bank.fate = () => ({ rejected: 'AC06' }))],
    [
      'the rail says funds are short',
      'Insufficient funds',
      () => (t.bank.fate = () => ({ rejected: 'AM04' })),
    ],
    ['the rail is busy', 'Cannot credit', () => (t.bank.fate = () => 'busy')],
  ])('[PAY-6.2.3-c] %s', async (_what, message, fault) => {
    const voucher = await one();
    const before = { paid: paidTo(shop1), owed: await liability(t.node) };
    fault();
    const requestID = nextId();
    expect(await redeem(t.node, voucher, { requestID })).toMatchObject({ status: 0, message });
    expect(await stateOf(t.node, voucher.serial)).toBe('activated');
    expect(await liability(t.node)).toEqual(before.owed);
    expect(paidTo(shop1)).toBe(before.paid);
    t.bank.invalid = () => undefined;
    t.bank.covers = () => true;
    t.bank.fate = () => 'completed';
    expect(await redeem(t.node, voucher)).toMatchObject({ status: 1 });
    expect(paidTo(shop1)).toBe(before.paid + 1);
  });

  it('[PAY-9.2.3-a] a redemption is never reversed: a contradicting rail is a case', async () => {
    const voucher = await one();
    await redeem(t.node, voucher, { agentID: 'shop-2' });
    const [redemption] = (await look(t.node, voucher.serial)).redemptions;
    const reference = redemption?.transactionId as string;
    for (const status of ['failed', 'returned'] as const)
      await noticesOf(t.node, 'TEST/COM/MOBILE/rail').postTransferResults({
        body: { eventId: nextId(), results: [{ reference, status }] },
      });
    expect(await stateOf(t.node, voucher.serial)).toBe('redeemed');
    const { items } = (await t.admin.listCases({ query: { state: 'open' } })).body;
    const disputes = items.filter((item) => item.instructionId === reference);
    expect(disputes.map((item) => item.kind)).toEqual(['contradiction', 'contradiction']);
  });
});

describe('a rail that', () => {
  it.each([
    'silent',
    'lost',
  ] as const)('[PAY-6.2.3-c][PAY-6.1-c] is %s leaves the voucher reserved until it is known, and the merchant is paid once', async (fate) => {
    const voucher = await one();
    const before = paidTo(shop1);
    const seen = new Set<string>();
    t.bank.answersQuestions = false;
    t.bank.fate = ({ reference }) => {
      if (seen.has(reference)) return 'completed';
      seen.add(reference);
      return fate;
    };
    const requestID = nextId();
    expect(await redeem(t.node, voucher, { requestID })).toMatchObject({
      http: 202,
      status: 0,
      message: 'In progress',
    });
    expect(await stateOf(t.node, voucher.serial)).toBe('redeeming');
    expect(Number((await liability(t.node))?.promised)).toBeGreaterThan(0);
    expect(await redeem(t.node, voucher, { agentID: 'shop-3' })).toMatchObject({ message: 'Already used' });
    expect(await cancel(t.node, [voucher])).toMatchObject([{ failureReason: 'Already used' }]);
    expect((await redeem(t.node, voucher, { requestID })).http).toBe(202);
    // Whoever may have it stays the one who is asked.
    const moved = t.admin.putRail({
      params: { railId: 'bank' },
      body: {
        adapter: 'bank',
        service: walletService,
        name: 'Bank',
        modalities: ['00'],
        currencies: ['USD'],
        isDefault: true,
      },
    });
    expect((await refusal(moved)).status).toBe(409);
    t.bank.answersQuestions = true;
    await expect.poll(() => stateOf(t.node, voucher.serial)).toBe('redeemed');
    expect(await redeem(t.node, voucher, { requestID })).toMatchObject({ http: 200, status: 1 });
    expect(paidTo(shop1)).toBe(before + 1);
  });

  it('never tells is a case, which a person decides on evidence from outside', async () => {
    t.bank.answersQuestions = false;
    const cases = async (reference: string) =>
      (await t.admin.listCases({ query: { state: 'open' } })).body.items.find(
        (item) => item.kind === 'unknown-too-long' && item.instructionId === reference,
      );
    for (const [fate, outcome, state] of [
      ['silent', 'paid', 'redeemed'],
      ['lost', 'not-paid', 'activated'],
    ] as const) {
      t.bank.fate = () => fate;
      const voucher = await one();
      expect((await redeem(t.node, voucher)).http).toBe(202);
      const [redemption] = (await look(t.node, voucher.serial)).redemptions;
      const reference = redemption?.transactionId as string;
      await expect.poll(() => cases(reference)).toBeDefined();
      const personToken = await t.node.token({
        id: 'treasurer',
        roles: ['administrator'],
        agency: 'TEST/GOV/BLOCKS',
      });
      await t.admin.resolveCase({
        params: { caseId: (await cases(reference))?.caseId as string },
        body: { outcome, note: 'Bank statement' },
        personToken,
      });
      expect(await stateOf(t.node, voucher.serial)).toBe(state);
    }
  });
});

describe('at the same moment', () => {
  it('[PAY-6.2.3-c] of 200 redemptions of one voucher at two nodes one succeeds', async () => {
    const voucher = await one({ amount: '77.00' });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        redeem(index % 2 === 0 ? t.node : other.node, voucher, {
          agentID: index % 4 < 2 ? 'shop-1' : 'shop-3',
        }),
      ),
    );
    expect(answers.filter((answer) => answer.status === 1)).toHaveLength(1);
    expect(new Set(answers.filter((answer) => answer.status === 0).map((answer) => answer.message))).toEqual(
      new Set(['Already used']),
    );
    const credited = [...t.bank.credited.values()].filter((transfer) => transfer.amount === '77.00');
    expect(credited).toHaveLength(1);
  });

  it('[PAY-6.2.3-c] the same request many times is one redemption with one answer', async () => {
    const voucher = await one({ amount: '78.00' });
    const requestID = nextId();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        redeem(index % 2 === 0 ? t.node : other.node, voucher, { requestID }),
      ),
    );
    expect(new Set(answers.map((answer) => answer.transactionId)).size).toBe(1);
    expect(answers.every((answer) => answer.message === 'Redeemed' || answer.message === 'In progress')).toBe(
      true,
    );
    expect([...t.bank.credited.values()].filter((transfer) => transfer.amount === '78.00')).toHaveLength(1);
  });

  const because = (serialNumber: string) => ({ params: { serialNumber }, body: { reason: 'race' } });
  it.each([
    [
      'cancels',
      'cancelled',
      async ({ serial }: Issued) => void (await voucherAdminOf(other.node).cancelVoucher(because(serial))),
    ],
    [
      'suspends',
      'suspended',
      async ({ serial }: Issued) => void (await voucherAdminOf(other.node).suspendVoucher(because(serial))),
    ],
    [
      'blocks',
      'blocked',
      async ({ serial }: Issued) => void (await voucherAdminOf(other.node).blockVoucher(because(serial))),
    ],
  ])('of somebody who redeems and somebody who %s exactly one wins', async (_word, lost, contend) => {
    const rounds = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const voucher = await one();
        const contender = () =>
          contend(voucher).then(
            () => true,
            () => false,
          );
        const [redeemed, contended] =
          index % 2 === 0
            ? await Promise.all([redeem(t.node, voucher), contender()])
            : (await Promise.all([contender(), redeem(t.node, voucher)])).reverse();
        const state = await stateOf(t.node, voucher.serial);
        return [(redeemed as { status: number }).status === 1, contended, state] as const;
      }),
    );
    for (const [redeemed, contended, state] of rounds) {
      expect(redeemed).not.toBe(contended);
      expect(state).toBe(redeemed ? 'redeemed' : lost);
    }
  });

  it('of a redemption and the end of its time exactly one wins', async () => {
    await voucherAdminOf(t.node).putVoucherGroup({
      params: { sourceId: programme.sourceId, groupCode: 'SEC' },
      body: {
        programmeId: programme.programmeId,
        name: 'A second',
        validitySeconds: 1,
        onDemand: true,
        variableAmounts: true,
      },
    });
    const before = paidTo(shop1);
    const issued = await active(t.node, 8, { groupCode: 'SEC' });
    const ends = Math.min(
      ...(await Promise.all(
        issued.map(async ({ serial }) => Date.parse((await look(t.node, serial)).expiresAt ?? '')),
      )),
    );
    // From before the end until after it, one after the other.
    const wins: number[] = [];
    for (const voucher of issued) {
      const answer = await redeem(t.node, voucher);
      if (answer.status === 1) wins.push(Date.now() - ends);
      else expect(answer.message).toBe('Expired');
      await expect
        .poll(() => Date.now() - ends > -900 + 250 * issued.indexOf(voucher), { timeout: 3000 })
        .toBe(true);
    }
    const states = await Promise.all(issued.map(({ serial }) => stateOf(t.node, serial)));
    expect(states.filter((state) => state === 'redeemed')).toHaveLength(wins.length);
    expect(paidTo(shop1)).toBe(before + wins.length);
    await expect
      .poll(
        async () =>
          (await Promise.all(issued.map(({ serial }) => stateOf(t.node, serial)))).filter(
            (state) => state === 'expired',
          ).length,
        { timeout: 30_000 },
      )
      .toBe(issued.length - wins.length);
  });
});

describe('who guesses', () => {
  it('[PAY-5.3.2-b] a number to a serial number blocks the voucher, and learns nothing by going on', async () => {
    const voucher = await one();
    const wrong = { ...voucher, number: '1000000000000000' };
    for (let n = 0; n < 3; n += 1)
      expect(await redeem(t.node, wrong)).toMatchObject({ status: 0, message: 'Invalid voucher' });
    expect(await stateOf(t.node, voucher.serial)).toBe('blocked');
    expect(await redeem(t.node, wrong)).toMatchObject({ message: 'Blocked' });
    expect(await redeem(t.node, voucher)).toMatchObject({ message: 'Blocked' });
    await voucherAdminOf(t.node).unblockVoucher({
      params: { serialNumber: voucher.serial },
      body: { reason: 'The payee showed it' },
    });
    expect(await redeem(t.node, voucher)).toMatchObject({ status: 1 });
  });

  it('[PAY-5.3.2-b] numbers has to wait after some, also when trying all at once; others do not', async () => {
    const strict = await startTreasury({ voucherGuesses: 5 });
    try {
      await setUpVouchers(strict.node);
      const [voucher] = (await active(strict.node)) as [Issued];
      const guess = (n: number) =>
        redeem(strict.node, voucher, {
          more: { voucherSerialNumber: undefined, voucherSecretNumber: 2_000_000_000_000_000 + n },
        }).then(
          (answer) => answer.message,
          (error: { status: number }) => error.status,
        );
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => guess(n)));
      expect(answers.filter((answer) => answer === 'Invalid voucher')).toHaveLength(5);
      expect(answers.filter((answer) => answer === 429)).toHaveLength(15);
      expect((await refusal(redeem(strict.node, voucher))).status).toBe(429);
      expect(await redeem(strict.node, voucher, { agentID: 'shop-3' })).toMatchObject({ status: 1 });
    } finally {
      await strict.stop();
    }
  });
});

it('a pre-activated voucher is not redeemed by whoever knows its number', async () => {
  const [voucher] = (await order(t.node)) as [Issued];
  expect(await redeem(t.node, voucher)).toMatchObject({ message: 'Not activated' });
});
