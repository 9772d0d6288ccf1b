import { jsonResponse } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { reconciliationOf, treasurer } from './fixtures/statement.ts';
import {
  available,
  bankService,
  brokenBooks,
  noticesOf,
  oversightOf,
  programme,
  refusal,
  source,
  startTreasury,
  type Treasury,
  treasury,
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
/** Wrong numbers to the serial number of a voucher, as many as block it. */
async function guessWrong({ serial }: Issued): Promise<void> {
  for (let tries = 0; tries < 3; tries += 1)
    await redeem(t.node, { serial, number: '1234567890123456' }, { agentID: 'shop-3' });
}
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

  it('[PAY-6.9-a] goes through the rail that a payment of its amount would: rank and largest amount count', async () => {
    const putCheap = (active: boolean) =>
      t.admin.putRail({
        params: { railId: 'cheap' },
        body: {
          adapter: 'bank',
          service: bankService,
          name: 'Cheap',
          modalities: ['00'],
          currencies: ['USD'],
          isDefault: true,
          rank: 1,
          maximumAmounts: { USD: '20.00' },
          active,
        },
      });
    await putCheap(true);
    const railOf = async (amount: string) => {
      const voucher = await one({ amount });
      expect(await redeem(t.node, voucher)).toMatchObject({ status: 1 });
      return (await look(t.node, voucher.serial)).redemptions[0]?.rail;
    };
    expect([await railOf('20.00'), await railOf('20.01')]).toEqual(['cheap', 'bank']);
    await putCheap(false);
    expect(await railOf('20.00')).toBe('bank');
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
    await guessWrong(voucher);
    expect(await redeem(t.node, voucher, { requestID })).toEqual(first);
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
    // What the payee knows is not found by trying, with another voucher of theirs neither; after a while they may again.
    const issued = await active(t.node, 2, { groupCode: 'ID', payee: 'P-4712' });
    const tries = (n: number, BirthDate: string) =>
      redeem(t.node, issued[n % 2] as Issued, { more: { evidence: { BirthDate } } }).then(
        ({ message }) => message,
        (error: { status: number }) => error.status,
      );
    registryAnswers = 'no';
    asked = [];
    const guesses = await Promise.all(Array.from({ length: 8 }, (_, n) => tries(n, `2000-01-0${n + 1}`)));
    expect(guesses.filter((one) => one === 'Payee not verified')).toHaveLength(5);
    expect(guesses.filter((one) => one === 429)).toHaveLength(3);
    expect(asked).toHaveLength(5);
    registryAnswers = 'yes';
    expect(await tries(0, '1990-01-01')).toBe(429);
    await sql`update voucher_guess set at = at - interval '2 hours'`.execute(t.node.database('payments'));
    expect(await tries(0, '1990-01-01')).toBe('Redeemed');
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
    await noticesOf(t.node, 'TEST/COM/MOBILE/rail').postTransferResults({
      body: { eventId: nextId(), results: [{ reference, status: 'failed' }] },
    });
    expect(await stateOf(t.node, voucher.serial)).toBe('redeemed');
    const { items } = (await t.admin.listCases({ query: { state: 'open' } })).body;
    const disputes = items.filter((item) => item.instructionId === reference);
    expect(disputes.map((item) => item.kind)).toEqual(['contradiction']);
  });

  it('[PAY-9.1.3-c][PAY-9.2.3-a] whose payment comes back stays used up; its money lies in suspense until two people give it back', async () => {
    const voucher = await one({ amount: '21.00' });
    const requestID = nextId();
    await redeem(t.node, voucher, { agentID: 'shop-2', requestID });
    const [redemption] = (await look(t.node, voucher.serial)).redemptions;
    const reference = redemption?.transactionId as string;
    const before = await available(t.node);
    const comesBack = () =>
      noticesOf(t.node, 'TEST/COM/MOBILE/rail').postTransferResults({
        body: { eventId: nextId(), results: [{ reference, status: 'returned', reasonCode: 'AC04' }] },
      });
    await comesBack();
    await comesBack();
    expect(await look(t.node, voucher.serial)).toMatchObject({
      state: 'redeemed',
      redemptions: [{ transactionId: reference, state: 'returned', reasonCode: 'AC04' }],
    });
    expect(await redeem(t.node, voucher, { agentID: 'shop-2', requestID })).toMatchObject({ status: 1 });
    const told = () =>
      [...t.node.published, ...other.node.published].filter(
        ({ type, subject }) => type === 'payments.voucher-returned.v1' && subject === voucher.serial,
      ).length;
    await expect.poll(told).toBe(1);
    const { items: cases } = (await t.admin.listCases({ query: { state: 'open' } })).body;
    const opened = cases.filter((item) => item.instructionId === reference).map((item) => item.kind);
    expect(opened.filter((kind) => kind !== 'unknown-too-long')).toEqual(['voucher-returned']);
    const books = reconciliationOf(t.node);
    const held = async () =>
      (await books.listSuspense({ query: { limit: 500 } })).body.items.find(
        (item) => item.redemptionId === reference,
      );
    expect(await held()).toMatchObject({
      kind: 'return',
      state: 'held',
      amount: '21.00',
      programmeId: programme.programmeId,
    });
    const day = new Date().toISOString().slice(0, 10);
    const figures = async () =>
      (await books.getSettlementFigures({ query: { day, railId: 'wallets' } })).body.items[0];
    expect(await figures()).toMatchObject({ returnedCount: 1, grossReturned: '21.00' });
    expect(Number((await figures())?.grossPaid)).toBeGreaterThanOrEqual(21);
    expect(await brokenBooks(t.node)).toEqual([]);
    const params = { entryId: (await held())?.entryId as string };
    await books.releaseSuspense({
      params,
      body: { note: 'The shop is paid another way' },
      personToken: await treasurer(t.node),
    });
    await books.acceptRelease({ params, body: {}, personToken: await treasurer(t.node, 'treasurer-2') });
    expect(await held()).toBeUndefined();
    expect(Number(await available(t.node))).toBeCloseTo(Number(before) + 21, 2);
  });
});

it('a redemption that failed, said again, gets the same answer when its voucher is blocked since; only with its number', async () => {
  const voucher = await one();
  const requestID = nextId();
  t.bank.fate = () => ({ rejected: 'AC04' });
  expect(await redeem(t.node, voucher, { requestID })).toMatchObject({ message: 'Cannot credit' });
  await guessWrong(voucher);
  expect(await stateOf(t.node, voucher.serial)).toBe('blocked');
  expect(await redeem(t.node, voucher, { requestID })).toMatchObject({ message: 'Cannot credit' });
  expect(await redeem(t.node, { ...voucher, number: '1234567890123456' }, { requestID })).toMatchObject({
    message: 'Invalid voucher',
  });
  expect(await redeem(t.node, voucher)).toMatchObject({ message: 'Blocked' });
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

describe('a voucher whose payment nobody can tell about', () => {
  const setBank = (active: boolean) =>
    t.admin.putRail({
      params: { railId: 'bank' },
      body: {
        adapter: 'bank',
        service: bankService,
        name: 'Bank',
        modalities: ['00'],
        currencies: ['USD'],
        batchSize: 5,
        concurrency: 2,
        isDefault: true,
        active,
      },
    });
  const unknownOf = async ({ serial }: Issued) =>
    (await t.admin.listUnknowns({ query: { railId: 'bank' } })).body.items.find(
      (one) => one.voucher === serial,
    );
  /** A voucher whose payment left, and the id under which it did. */
  async function out(fate: 'silent' | 'lost') {
    t.bank.answersQuestions = false;
    t.bank.fate = () => fate;
    const voucher = await one({ amount: '17.00' });
    expect((await redeem(t.node, voucher)).http).toBe(202);
    t.bank.fate = () => 'completed';
    const [redemption] = (await look(t.node, voucher.serial)).redemptions;
    return { voucher, id: redemption?.transactionId as string };
  }

  it('[PAY-5.3.1-k][PAY-6.1-b] stands in the list of unknowns, and its rail is asked at once', async () => {
    const { voucher, id } = await out('silent');
    await expect
      .poll(() => unknownOf(voucher))
      .toMatchObject({
        instructionId: id,
        rail: 'bank',
        amount: '17.00',
        state: 'unknown',
        isoStatus: 'PDNG',
        sends: 1,
      });
    expect((await unknownOf(voucher))?.batchId).toBeUndefined();
    const { items } = (await t.admin.listRailTraffic({})).body;
    const bank = items.find((one) => one.railId === 'bank');
    expect(bank?.unknown).toBeGreaterThan(0);
    expect(bank?.out).toBeGreaterThan(0);
    t.bank.answersQuestions = true;
    // The engine may have asked at the same moment.
    await t.admin.askRail({ params: { instructionId: id } }).catch((error) => expect(error.status).toBe(409));
    expect(await stateOf(t.node, voucher.serial)).toBe('redeemed');
    expect(await unknownOf(voucher)).toBeUndefined();
    expect((await refusal(t.admin.askRail({ params: { instructionId: id } }))).status).toBe(409);
  });

  it.each([
    ['silent', 'paid', 'redeemed'],
    ['lost', 'not-paid', 'activated'],
  ] as const)('[PAY-5.3.1-k][PAY-6.1-c] (%s) is decided by a person as %s, also after its case was only acknowledged', async (fate, outcome, state) => {
    const { voucher, id } = await out(fate);
    const cases = async () =>
      (await t.admin.listCases({ query: {} })).body.items.filter((item) => item.instructionId === id);
    await expect.poll(cases).toHaveLength(1);
    const personToken = await t.node.token({ id: 'decider', roles: ['payment-approver'], agency: treasury });
    const [found] = await cases();
    await t.admin.resolveCase({
      params: { caseId: found?.caseId as string },
      body: { outcome: 'acknowledged', note: 'The bank was called' },
      personToken,
    });
    const decide = () =>
      t.admin.decideUnknown({
        params: { instructionId: id },
        body: { outcome, evidence: 'Letter of the bank' },
        personToken,
      });
    await decide();
    expect(await stateOf(t.node, voucher.serial)).toBe(state);
    expect((await refusal(decide())).status).toBe(409);
    expect(await unknownOf(voucher)).toBeUndefined();
    expect((await cases()).map((item) => [item.state, item.outcome, item.note])).toEqual([
      ['resolved', outcome, 'Letter of the bank'],
      ['resolved', 'acknowledged', 'The bank was called'],
    ]);
    const query = { component: 'runs', action: 'decide-unknown', subject: `voucher/${voucher.serial}` };
    const { items } = (await oversightOf(t.node).listAuditEntries({ query })).body;
    expect(items).toMatchObject([{ detail: { outcome } }]);
  });

  it('[PAY-6.1-c] at a rail that is closed since is asked about further on, and ends', async () => {
    const { voucher, id } = await out('silent');
    await setBank(false);
    const before = t.bank.requests.length;
    // More than the one question that may have been on its way.
    await expect.poll(() => t.bank.requests.length).toBeGreaterThan(before + 1);
    t.bank.answersQuestions = true;
    await expect.poll(() => stateOf(t.node, voucher.serial)).toBe('redeemed');
    await setBank(true);
    expect(t.bank.credited.get(id)?.times).toBe(1);
  });

  it('[PAY-6.1-c] and that never arrived is not sent to a rail that is closed since, but when it opens', async () => {
    const { voucher, id } = await out('lost');
    await setBank(false);
    const before = t.bank.requests.length;
    t.bank.answersQuestions = true;
    const since = (method: string) =>
      t.bank.requests.slice(before).filter((request) => request.startsWith(method)).length;
    await expect.poll(() => since('GET')).toBeGreaterThan(2);
    expect(since('POST')).toBe(0);
    expect(await stateOf(t.node, voucher.serial)).toBe('redeeming');
    await setBank(true);
    await expect.poll(() => stateOf(t.node, voucher.serial)).toBe('redeemed');
    expect(t.bank.credited.get(id)?.times).toBe(1);
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
      // A source is counted for itself, whichever agent it names, and not against vouchers of others.
      const rival = 'TEST/GOV/RIVAL/source';
      await strict.admin.putSource({
        params: { sourceId: 'rival' },
        body: { application: rival, name: 'Rival', institutionId: 'R' },
      });
      const [theirs] = (await active(strict.node)) as [Issued];
      const wrong = { ...theirs, number: '3000000000000000' };
      for (const presented of [wrong, wrong, wrong, wrong, theirs])
        expect(await redeem(strict.node, presented, { as: rival, agentID: 'shop-2' })).toMatchObject({
          message: 'Invalid voucher',
        });
      for (const agentID of ['shop-2', 'shop-3'])
        expect((await refusal(redeem(strict.node, wrong, { as: rival, agentID }))).status).toBe(429);
      // Nor is a number of a shop that could not take the voucher anyway.
      await voucherAdminOf(strict.node).putVoucherGroup({
        params: { sourceId: programme.sourceId, groupCode: 'GRO' },
        body: {
          name: 'Groceries',
          programmeId: programme.programmeId,
          validitySeconds: 3600,
          onDemand: true,
          variableAmounts: true,
          merchantGroups: ['grocer'],
        },
      });
      const [grocery] = (await active(strict.node, 1, { groupCode: 'GRO' })) as [Issued];
      for (let n = 0; n < 3; n += 1)
        await redeem(strict.node, { ...grocery, number: '3000000000000000' }, { agentID: 'shop-3' });
      for (const { serial } of [theirs, grocery])
        expect(await stateOf(strict.node, serial)).toBe('activated');
      expect(await redeem(strict.node, theirs, { agentID: 'shop-2' })).toMatchObject({ status: 1 });
    } finally {
      await strict.stop();
    }
  });
});

it('a pre-activated voucher is not redeemed by whoever knows its number', async () => {
  const [voucher] = (await order(t.node)) as [Issued];
  expect(await redeem(t.node, voucher)).toMatchObject({ message: 'Not activated' });
});
