import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../src/tables.ts';
import {
  balancesOf,
  bankOf,
  classesOf,
  credit,
  debit,
  linesOf,
  minor,
  proofs,
  reconciliationOf,
  type StatedLine,
  sumOf,
  take,
  treasurer,
  worklist,
} from './fixtures/statement.ts';
import {
  approve,
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
} from './fixtures/treasury.ts';
import { active, type Issued, redeem, setUpVouchers } from './fixtures/vouchers.ts';

let t: Treasury;
let recon: ReturnType<typeof reconciliationOf>;
const bank = bankOf();
beforeAll(async () => {
  t = await startTreasury();
  recon = reconciliationOf(t.node);
});
afterAll(() => t.stop());

/** Payees with an account at the bank. */
const atBank = async (count: number): Promise<string[]> =>
  (await payees(t.node, count * 2)).filter((_, index) => index % 2 === 0);
const paid = async (count: number, amount = '12.50') => {
  const run = await pay(t.node, await atBank(count), { amount });
  const ids = (await instructionsOf(t.node, run.batchId)).map((row) => row.instructionId);
  return { batchId: run.batchId, ids: ids as [string, ...string[]] };
};
const counters = async (batchId: string) => (await recon.getRunReconciliation({ params: { batchId } })).body;
const itemOf = async (paymentId: string) => {
  const found = (await worklist(t.node)).find((one) => one.paymentId === paymentId);
  if (!found) throw new Error('nothing of this payment is on the worklist');
  return found;
};
const propose = async (itemId: string, body: object, id = 'treasurer-1') =>
  (
    await recon.proposeResolution({
      params: { itemId },
      body: { note: 'Seen', resolution: 'acknowledged', ...body },
      personToken: await treasurer(t.node, id),
    })
  ).body;
const accept = async (itemId: string, id = 'treasurer-2') =>
  (await recon.acceptResolution({ params: { itemId }, body: {}, personToken: await treasurer(t.node, id) }))
    .body;

/** A camt.054 that tells of one movement. */
function notification(id: string, direction: 'CRDT' | 'DBIT', amount: string, endToEndId: string): string {
  const day = new Date().toISOString().slice(0, 10);
  return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><Ntfctn>
    <Id>${id}</Id><CreDtTm>${day}T10:00:00Z</CreDtTm>
    <Acct><Id><Othr><Id>US00TREASURY01</Id></Othr></Id><Ccy>USD</Ccy></Acct>
    <Ntry><Amt Ccy="USD">${amount}</Amt><CdtDbtInd>${direction}</CdtDbtInd><BookgDt><Dt>${day}</Dt></BookgDt>
    <NtryDtls><TxDtls><Refs><EndToEndId>${endToEndId.replaceAll('-', '')}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>
    </Ntfctn></BkToCstmrDbtCdtNtfctn></Document>`;
}

/** A statement of its first day only. */
const onTheFirstDay = (file: string): string =>
  file.replaceAll(/(\d{4}-\d\d-\d\d),\d{4}-\d\d-\d\d/g, '$1,$1');

/** Every account is proved, and nothing is unexplained. */
async function expectProved(): Promise<void> {
  for (const proof of await proofs(t.node))
    expect(proof).toMatchObject({ difference: '0.00', balances: true });
  expect(await brokenBooks(t.node)).toEqual([]);
}

describe('a statement', () => {
  it('[PAY-6.1-o][PAY-5.3.3-b] shows the deposit that a budget release announced, and it is not counted twice', async () => {
    const before = await balancesOf(t.admin, 'funding');
    const { statementId } = await take(t.node, bank.statement([credit(10_000_000n, 'b-1')]));
    expect(await classesOf(t.node, statementId)).toEqual(['deposit']);
    expect(await worklist(t.node)).toEqual([]);
    expect(await balancesOf(t.admin, 'funding')).toEqual(before);
    // One that comes before its release waits for it.
    await take(t.node, bank.statement([credit(5_000n, 'b-2')]));
    expect(await worklist(t.node)).toMatchObject([{ class: 'deposit', amount: '50.00' }]);
    expect((await proofs(t.node))[0]).toMatchObject({ creditsOpen: '50.00', difference: '0.00' });
    await t.admin.releaseBudget({
      params: programme,
      body: { reference: 'b-2', amount: '50.00', currency: 'USD' },
    });
    expect((await proofs(t.node))[0]).toMatchObject({ creditsOpen: '0.00', ledgerBalance: '100050.00' });
    expect(await worklist(t.node)).toEqual([]);
    await expectProved();
  });

  it('[PAY-5.3.1-k][PAY-6.6-i][PAY-6.8-a] with missing, doubled and altered lines and reversals has each in the right class, and the proof balances', async () => {
    const { batchId, ids } = await paid(6);
    const [plain, doubled, altered, reversed, twiceReversed, missing] = ids as unknown as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const statement = await take(
      t.node,
      bank.statement([
        debit(1250n, plain),
        debit(1250n, doubled),
        debit(1250n, doubled),
        debit(1520n, altered),
        debit(1250n, reversed),
        credit(1250n, reversed, { type: 'return' }),
        debit(1250n, twiceReversed),
        debit(1250n, twiceReversed),
        credit(1250n, twiceReversed),
        debit(777n, 'of-nobody'),
        debit(30n, undefined, { type: 'charge' }),
        credit(4200n, 'gift'),
      ]),
    );
    expect(await classesOf(t.node, statement.statementId)).toEqual([
      'matched',
      'matched',
      'duplicate-at-bank',
      'amount-differs',
      'matched',
      'return',
      'matched',
      'duplicate-at-bank',
      'reversal',
      'missing-here',
      'charge',
      'deposit',
    ]);
    const items = await worklist(t.node);
    expect(items.map((one) => [one.class, one.paymentId, one.amount]).sort()).toEqual(
      [
        ['duplicate-at-bank', doubled, '12.50'],
        ['amount-differs', altered, '15.20'],
        ['missing-at-bank', altered, '12.50'],
        ['missing-here', undefined, '7.77'],
        ['charge', undefined, '0.30'],
        ['deposit', undefined, '42.00'],
        ['missing-at-bank', missing, '12.50'],
      ].sort(),
    );
    const states = new Map(
      (await instructionsOf(t.node, batchId)).map((row) => [row.instructionId, row.state]),
    );
    expect(states.get(reversed)).toBe('returned');
    expect(states.get(twiceReversed)).toBe('completed');
    expect(await counters(batchId)).toMatchObject({
      shipped: { count: 6, amount: '75.00' },
      paid: { count: 6 },
      reconciled: { count: 4, amount: '50.00' },
      missing: { count: 2 },
      reversed: { count: 1, amount: '12.50' },
      open: { count: 2 },
    });
    expect((await counters(batchId)).closedAt).toBeUndefined();
    // Statement less what is not booked: 12.50 doubled, 15.20 altered, 7.77 unknown, 0.30 charged; 42.00 came in.
    expect((await proofs(t.node))[0]).toMatchObject({
      debitsOpen: '35.77',
      creditsOpen: '42.00',
      difference: '0.00',
    });
    await expectProved();
  });

  it('[PAY-5.3.1-k][PAY-6.8-b] settles what a silent rail left open, and contradicts what it refused', async () => {
    t.bank.fate = () => 'silent';
    t.bank.answersQuestions = false;
    const silent = await handOver(t.node, await atBank(1), { amount: '21.00' });
    await approve(t.node, silent);
    await expect
      .poll(async () => (await instructionsOf(t.node, silent)).map((row) => row.state))
      .toEqual(['unknown']);
    const [open] = await instructionsOf(t.node, silent);
    t.bank.fate = () => ({ rejected: 'AC04' });
    t.bank.answersQuestions = true;
    const refused = await pay(t.node, await atBank(1), { amount: '22.00' });
    t.bank.fate = () => 'completed';
    const [failed] = await instructionsOf(t.node, refused.batchId);
    const { statementId } = await take(
      t.node,
      bank.statement([debit(2100n, open?.instructionId), debit(2200n, failed?.instructionId)]),
    );
    expect(await classesOf(t.node, statementId)).toEqual(['matched', 'missing-here']);
    expect((await reaches(t.node, silent, ...over)).state).toBe('completed');
    expect((await instructionsOf(t.node, refused.batchId)).map((row) => row.state)).toEqual(['failed']);
    const { items } = (await t.admin.listCases({ query: { batchId: refused.batchId } })).body;
    expect(items).toMatchObject([{ kind: 'contradiction', instructionId: failed?.instructionId }]);
    await expectProved();
  });

  it('[PAY-6.8-b][PAY-5.3.3-b] shows a voucher that was paid out to its merchant, and that came back', async () => {
    await setUpVouchers(t.node);
    const [voucher] = await active(t.node, 1, { amount: '15.00' });
    await redeem(t.node, voucher as Issued);
    const paidOut = [...t.bank.credited.values()].find((one) => one.amount === '15.00');
    const { statementId } = await take(t.node, bank.statement([debit(1500n, paidOut?.reference)]));
    expect(await classesOf(t.node, statementId)).toEqual(['matched']);
    await expectProved();
    const again = await take(t.node, bank.statement([credit(1500n, paidOut?.reference)]));
    expect(await classesOf(t.node, again.statementId)).toEqual(['return']);
    const { items } = (await reconciliationOf(t.node).listSuspense({ query: { limit: 500 } })).body;
    expect(items.filter((one) => one.redemptionId === paidOut?.reference)).toMatchObject([
      { kind: 'return', amount: '15.00', state: 'held', reasonCode: 'bank-statement' },
    ]);
    await expectProved();
  });

  it('[PAY-5.1.16-a][PAY-4.16] is of one account in one currency: each is proved apart', async () => {
    const euro = { sourceId: programme.sourceId, programmeId: 'euro' };
    await t.admin.putProgramme({
      params: euro,
      body: { name: 'Euro', currency: 'EUR', fundingAccount: 'EU00TREASURY02' },
    });
    await t.admin.releaseBudget({
      params: euro,
      body: { reference: 'e-1', amount: '900.00', currency: 'EUR' },
    });
    const other = bankOf('EU00TREASURY02', 'EUR');
    await take(t.node, other.statement([credit(90_000n, 'e-1')]));
    const all = await proofs(t.node);
    expect(all.map((one) => one.currency).sort()).toEqual(['EUR', 'USD']);
    expect(all.find((one) => one.currency === 'EUR')).toMatchObject({
      closingBalance: '900.00',
      ledgerBalance: '900.00',
      difference: '0.00',
    });
    await expectProved();
  });

  it('[PAY-5.3.3-b] that begins with a balance begins the books of its account: a person says which releases it is', async () => {
    const third = { sourceId: programme.sourceId, programmeId: 'third' };
    await t.admin.putProgramme({
      params: third,
      body: { name: 'Third', currency: 'USD', fundingAccount: 'US00TREASURY03' },
    });
    for (const [reference, amount] of [
      ['t-1', '60.00'],
      ['t-2', '40.00'],
    ] as const)
      await t.admin.releaseBudget({ params: third, body: { reference, amount, currency: 'USD' } });
    await take(t.node, bankOf('US00TREASURY03').statement([], { opening: 10_000n }));
    const item = (await worklist(t.node)).find((one) => one.class === 'deposit' && one.amount === '100.00');
    const releases = (...references: string[]) => ({
      resolution: 'releases',
      releases: references.map((reference) => ({ ...third, reference })),
    });
    expect((await refusal(propose(item?.itemId as string, releases('t-1')))).status).toBe(409);
    expect((await refusal(propose(item?.itemId as string, releases('t-1', 'b-2')))).status).toBe(409);
    expect(await propose(item?.itemId as string, releases('t-1', 't-2'))).toMatchObject({
      state: 'resolved',
    });
    expect((await balancesOf(t.admin, 'funding')).US00TREASURY03).toBe('100.00');
    await expectProved();
  });

  it('[PAY-5.3.3-b] is of the account from which a release was booked, also when the programme is paid from another now', async () => {
    const params = { sourceId: programme.sourceId, programmeId: 'moving' };
    const body = { name: 'Moving', currency: 'USD', fundingAccount: 'US00TREASURY04' };
    await t.admin.putProgramme({ params, body });
    await t.admin.releaseBudget({ params, body: { reference: 'm-1', amount: '70.00', currency: 'USD' } });
    const old = bankOf('US00TREASURY04');
    const { accountId } = await take(t.node, old.statement([]));
    await t.admin.putProgramme({ params, body: { ...body, fundingAccount: 'US00TREASURY05' } });
    const proof = async () => (await proofs(t.node)).find((one) => one.accountId === accountId);
    expect(await proof()).toMatchObject({ releasesNotSeen: '70.00', difference: '0.00' });
    await take(t.node, old.statement([credit(7_000n, 'm-1')]));
    expect(await proof()).toMatchObject({ releasesNotSeen: '0.00', difference: '0.00', creditsOpen: '0.00' });
    await expectProved();
  });

  it("[PAY-6.8-b] of another account with a rail's reference is about no payment: rails count on their own", async () => {
    const { ids } = await paid(1, '24.00');
    const reference = { railReference: `B-${ids[0].slice(-12)}` };
    const other = await take(
      t.node,
      bankOf('US00TREASURY05').statement([debit(2400n, undefined, reference)], { id: 'other-rail' }),
    );
    expect(await classesOf(t.node, other.statementId)).toEqual(['missing-here']);
    const own = await take(t.node, bank.statement([debit(2400n, undefined, reference)]));
    expect(await classesOf(t.node, own.statementId)).toEqual(['matched']);
    await expectProved();
  });

  it('[PAY-5.3.1-k] is preceded by a notification that settles an unknown outcome early and books nothing', async () => {
    t.bank.fate = () => 'silent';
    t.bank.answersQuestions = false;
    const silent = await handOver(t.node, await atBank(1), { amount: '23.00' });
    await approve(t.node, silent);
    const state = async () => (await instructionsOf(t.node, silent)).map((row) => row.state);
    await expect.poll(state).toEqual(['unknown']);
    const [open] = await instructionsOf(t.node, silent);
    t.bank.fate = () => 'completed';
    const before = await balancesOf(t.admin, 'funding');
    await take(t.node, notification('early', 'DBIT', '23.00', open?.instructionId as string), 'camt.054');
    t.bank.answersQuestions = true;
    expect(await state()).toEqual(['completed']);
    expect(await balancesOf(t.admin, 'funding')).toEqual(before);
    const { statementId } = await take(t.node, bank.statement([debit(2300n, open?.instructionId)]));
    expect(await classesOf(t.node, statementId)).toEqual(['matched']);
    await expectProved();
  });

  it('[PAY-5.3.3-b] that does not fit what came before leaves a difference that nothing explains, and a case', async () => {
    const gap = bankOf('EU00TREASURY02', 'EUR');
    await take(t.node, gap.statement([], { opening: 91_000n, id: 'gap' }));
    const proof = (await proofs(t.node)).find((one) => one.currency === 'EUR');
    expect(proof).toMatchObject({ difference: '-10.00', balances: false });
    const { items } = (await t.admin.listCases({ query: { state: 'open' } })).body;
    expect(items.filter((one) => one.kind === 'proof-does-not-balance')).toHaveLength(1);
    // The statement in between explains it.
    const between = bankOf('EU00TREASURY02', 'EUR');
    const file = between.statement([credit(1_000n, 'x')], { opening: 90_000n, id: 'between' });
    await take(t.node, onTheFirstDay(file));
    expect((await proofs(t.node)).find((one) => one.currency === 'EUR')).toMatchObject({
      difference: '0.00',
    });
    await expectProved();
  });
});

describe('what does not explain itself', () => {
  it('[PAY-5.3.1-k][PAY-6.9-i] is given to somebody, and decided by two', async () => {
    const { ids } = await paid(2, '31.00');
    const [whole, less] = ids as unknown as [string, string];
    await take(t.node, bank.statement([debit(3100n), debit(3000n, less)]));
    const line = (await worklist(t.node)).find(
      (one) => one.amount === '31.00' && one.class === 'missing-here',
    );
    const itemId = line?.itemId as string;
    const owned = await recon.assignItem({
      params: { itemId },
      body: { owner: 'treasurer-1' },
      personToken: await treasurer(t.node),
    });
    expect(owned.body.owner).toBe('treasurer-1');
    expect((await recon.getWorklistItem({ params: { itemId } })).body).toEqual(owned.body);
    expect((await refusal(recon.getWorklistItem({ params: { itemId: randomUUID() } }))).status).toBe(404);
    // Amount, account and day point to a payment; only people make a match of it.
    const { items } = (await recon.getSuggestions({ params: { itemId } })).body;
    expect(items).toContainEqual(expect.objectContaining({ kind: 'payment', paymentId: whole }));
    const proposed = await propose(itemId, { resolution: 'match', paymentId: whole });
    expect(proposed).toMatchObject({ state: 'proposed', proposedBy: 'treasurer-1' });
    expect((await refusal(accept(itemId, 'treasurer-1'))).status).toBe(403);
    expect((await refusal(propose(itemId, { resolution: 'match', paymentId: whole }))).status).toBe(409);
    expect(await accept(itemId)).toMatchObject({ state: 'resolved', resolution: 'match' });
    expect((await refusal(accept(itemId))).status).toBe(409);
    expect(
      (await worklist(t.node)).some((one) => one.paymentId === whole && one.class !== 'missing-at-bank'),
    ).toBe(false);
    // The bank took a dollar less: what is over lies in suspense.
    const differs = (await worklist(t.node)).find(
      (one) => one.paymentId === less && one.class === 'amount-differs',
    );
    await propose(differs?.itemId as string, { resolution: 'accept' });
    await accept(differs?.itemId as string);
    const held = (await recon.listSuspense({ query: {} })).body.items;
    expect(held).toContainEqual(
      expect.objectContaining({ kind: 'difference', amount: '1.00', state: 'held' }),
    );
    await expectProved();
  });

  it('[PAY-5.3.1-k] by one person up to a limit; into suspense and out of it, or borne by a programme', async () => {
    await recon.putSingleDecisionLimit({
      params: { currency: 'USD' },
      body: { amount: '50.00' },
      personToken: await treasurer(t.node, 'setter'),
    });
    const items = await worklist(t.node);
    const of = (itemClass: string, amount: string) =>
      items.find((one) => one.class === itemClass && one.amount === amount)?.itemId as string;
    const gift = of('deposit', '42.00');
    expect((await refusal(propose(gift, { resolution: 'loss', programme }))).status).toBe(409);
    expect(await propose(gift, { resolution: 'suspense' })).toMatchObject({ state: 'resolved' });
    const unknown = of('missing-here', '7.77');
    expect((await refusal(propose(unknown, { resolution: 'loss' }))).status).toBe(400);
    expect(await propose(unknown, { resolution: 'loss', programme })).toMatchObject({ state: 'resolved' });
    const entry = (await recon.listSuspense({ query: {} })).body.items.find((one) => one.amount === '42.00');
    const release = async (body: object) =>
      (
        await recon.releaseSuspense({
          params: { entryId: entry?.entryId as string },
          body: { note: 'Ours', ...body },
          personToken: await treasurer(t.node),
        })
      ).body;
    expect((await refusal(release({}))).status).toBe(400);
    expect((await refusal(release({ ...programme, programmeId: 'euro' }))).status).toBe(400);
    expect(await release(programme)).toMatchObject({ state: 'released' });
    expect((await refusal(release(programme))).status).toBe(409);
    await expectProved();
  });

  it('[PAY-5.3.1-k] is a transfer between two accounts of the treasury, when both statements show it', async () => {
    const float = bankOf('FLOAT-1');
    await take(t.node, bank.statement([debit(50_000n)]));
    await take(t.node, float.statement([credit(50_000n)]));
    const [out, into] = ['missing-here', 'deposit'].map(async (itemClass) => {
      const items = await worklist(t.node);
      return items.find((one) => one.class === itemClass && one.amount === '500.00');
    });
    const [item, other] = [await out, await into];
    const { items } = (await recon.getSuggestions({ params: { itemId: item?.itemId as string } })).body;
    expect(items).toContainEqual(expect.objectContaining({ kind: 'line', lineId: other?.lineId }));
    await propose(item?.itemId as string, { resolution: 'transfer', lineId: other?.lineId });
    await accept(item?.itemId as string);
    expect((await balancesOf(t.admin, 'funding'))['FLOAT-1']).toBe('500.00');
    await expectProved();
  });

  it('[PAY-5.3.1-k] a payment missing at the bank is decided, its run then closed; what comes later is a duplicate', async () => {
    const { batchId, ids } = await paid(2, '33.00');
    const [seen, never] = ids as unknown as [string, string];
    await take(t.node, bank.statement([debit(3300n, seen)]));
    const item = await itemOf(never);
    expect(item).toMatchObject({ class: 'missing-at-bank', ageDays: 0, batchId });
    await propose(item.itemId, { resolution: 'not-executed' });
    expect((await instructionsOf(t.node, batchId)).map((row) => row.state).sort()).toEqual([
      'completed',
      'returned',
    ]);
    await proofs(t.node);
    expect(await counters(batchId)).toMatchObject({
      reconciled: { count: 1 },
      decided: { count: 1, amount: '33.00' },
      open: { count: 0 },
      closedAt: expect.any(String),
    });
    const { statementId } = await take(t.node, bank.statement([debit(3300n, never)]));
    expect(await classesOf(t.node, statementId)).toEqual(['duplicate-at-bank']);
    await expectProved();
  });

  it('[PAY-5.3.1-k] one that a later statement shows leaves the worklist by itself', async () => {
    const { batchId, ids } = await paid(1, '34.00');
    await take(t.node, bank.statement([]));
    expect((await itemOf(ids[0])).class).toBe('missing-at-bank');
    await take(t.node, bank.statement([debit(3400n, ids[0])]));
    expect((await worklist(t.node)).some((one) => one.paymentId === ids[0])).toBe(false);
    expect((await counters(batchId)).closedAt).toBeDefined();
    await expectProved();
  });

  it('[PAY-5.3.1-k] a payment debited twice of which one comes back stays paid: told early, in any order, or borne already', async () => {
    const { batchId, ids } = await paid(3, '36.00');
    const [early, mixed, borne] = ids as unknown as [string, string, string];
    const first = await take(
      t.node,
      bank.statement([
        ...[early, early, borne, borne].map((id) => debit(3600n, id)),
        credit(3600n, mixed),
        debit(3600n, mixed),
        debit(3600n, mixed),
      ]),
    );
    expect(await classesOf(t.node, first.statementId)).toEqual([
      'matched',
      'duplicate-at-bank',
      'matched',
      'duplicate-at-bank',
      'reversal',
      'matched',
      'duplicate-at-bank',
    ]);
    const loss = await propose((await itemOf(borne)).itemId, { resolution: 'loss', programme });
    if (loss.state === 'proposed') await accept(loss.itemId);
    await take(t.node, notification('given-back', 'CRDT', '36.00', early), 'camt.054');
    const second = await take(t.node, bank.statement([credit(3600n, early), credit(3600n, borne)]));
    expect(await classesOf(t.node, second.statementId)).toEqual(['reversal', 'reversal']);
    // The debit that nobody had decided about is gone; the one that was borne waits for who gets the money.
    const items = await worklist(t.node);
    expect(items.filter((one) => ids.includes(one.paymentId as string))).toMatchObject([
      { class: 'duplicate-at-bank', paymentId: borne, amount: '36.00' },
    ]);
    await expectProved();
    const back = await propose((await itemOf(borne)).itemId, { resolution: 'suspense' });
    if (back.state === 'proposed') await accept(back.itemId);
    // What comes back now is the payment.
    const third = await take(t.node, bank.statement([credit(3600n, borne)]));
    expect(await classesOf(t.node, third.statementId)).toEqual(['return']);
    const states = (await instructionsOf(t.node, batchId)).map((row) => [row.instructionId, row.state]);
    expect(Object.fromEntries(states)).toEqual({
      [early]: 'completed',
      [mixed]: 'completed',
      [borne]: 'returned',
    });
    await expectProved();
  });

  it('[PAY-5.3.1-k] a payment debited twice stays paid, too, when what comes back is on a statement that comes too early', async () => {
    const { batchId, ids } = await paid(1, '37.00');
    const missing = onTheFirstDay(bank.statement([debit(3700n, ids[0]), debit(3700n, ids[0])]));
    const early = await take(t.node, bank.statement([credit(3700n, ids[0])]));
    expect(await classesOf(t.node, early.statementId)).toEqual(['missing-here']);
    const late = await take(t.node, missing);
    expect(await classesOf(t.node, late.statementId)).toEqual(['matched', 'reversal']);
    expect((await instructionsOf(t.node, batchId)).map((row) => row.state)).toEqual(['completed']);
    expect((await worklist(t.node)).some((one) => one.paymentId === ids[0])).toBe(false);
    await expectProved();
  });

  it('is decided by officers of the treasury only', async () => {
    const [item] = await worklist(t.node);
    const params = { itemId: item?.itemId as string };
    const personToken = await t.node.token({ id: 'x', roles: ['administrator'], agency: 'TEST/GOV/MSP' });
    const body = { resolution: 'acknowledged' as const, note: 'x' };
    expect((await refusal(recon.proposeResolution({ params, body, personToken }))).status).toBe(403);
  });
});

it('[PAY-5.3.1-k][PAY-5.3.3-b] whatever a bank writes, every line is in exactly one class and the books stay right', async () => {
  const runs = 8;
  const { batchId, ids } = await paid(4 * runs, '10.00');
  const known = fc.nat(3);
  const line = fc.oneof(
    { weight: 5, arbitrary: fc.record({ of: known, kind: fc.constant('debit' as const) }) },
    { weight: 2, arbitrary: fc.record({ of: known, kind: fc.constant('altered' as const) }) },
    { weight: 3, arbitrary: fc.record({ of: known, kind: fc.constant('credit' as const) }) },
    { weight: 1, arbitrary: fc.record({ of: known, kind: fc.constantFrom('stranger', 'gift', 'charge') }) },
  );
  const cases = fc.array(fc.array(line, { maxLength: 9 }), { minLength: 1, maxLength: 2 });
  let used = 0;
  await fc.assert(
    fc.asyncProperty(cases, async (statements) => {
      const own = ids.slice(used, used + 4);
      used = (used + 4) % ids.length;
      const returned = async () =>
        (await instructionsOf(t.node, batchId)).filter((row) => row.state === 'returned');
      for (const [index, lines] of statements.entries()) {
        const stated = lines.map(({ of, kind }): StatedLine => {
          const id = own[of] as string;
          if (kind === 'debit') return debit(1000n, id);
          if (kind === 'altered') return debit(900n, id);
          if (kind === 'credit') return credit(1000n, id);
          if (kind === 'charge') return debit(5n, undefined, { type: 'charge' });
          return kind === 'gift' ? credit(321n, 'gift') : debit(123n, 'stranger');
        });
        const statement = await take(t.node, bank.statement(stated));
        const classed = statement.classes.reduce((sum, one) => sum + one.count, 0);
        expect(classed).toBe(stated.length);
        expect(
          statement.classes.reduce(
            (sum, one) => sum + (one.direction === 'credit' ? minor(one.amount) : -minor(one.amount)),
            0n,
          ),
        ).toBe(minor(statement.closing) - minor(statement.opening));
        for (const one of await linesOf(t.node, statement.statementId)) {
          // What is settled is off the worklist, and nothing else is.
          const waits = (await worklist(t.node)).some((item) => item.lineId === one.lineId);
          expect(waits).toBe(!one.settled);
        }
        // What was taken more often than it came back stays paid.
        const kept = own.filter((id) => {
          const whole = stated.filter((one) => one.endToEndId === id && one.amount === 1000n);
          return index === 0 && sumOf(whole) < 0n;
        });
        expect((await returned()).filter((row) => kept.includes(row.instructionId))).toEqual([]);
      }
      await expectProved();
    }),
    { numRuns: runs, endOnFailure: true },
  );
});

describe('records of reconciliation', () => {
  it.each([
    ['what a bank said', 'update statement_line set amount = amount + 1'],
    ['a line', 'delete from statement_line'],
    ['a statement', 'delete from bank_statement'],
    ['a proof', 'update reconciliation_proof set difference = 0'],
    ['an item of the worklist', 'delete from reconciliation_item'],
    ['money in suspense', 'update suspense_entry set amount = 1'],
    ['money that was given back', "update suspense_entry set state = 'held' where state = 'released'"],
  ])('[PAY-6.12-h] %s cannot be changed or removed: %s', async (_what, statement) => {
    const db = t.node.database('payments') as unknown as Db;
    await expect(sql.raw(statement).execute(db)).rejects.toMatchObject({ code: '23001' });
  });

  it('[PAY-6.14-c] of a run are shown to its source, and to no other', async () => {
    const { batchId } = await paid(1, '35.00');
    const own = reconciliationOf(t.node, source);
    expect((await own.getRunReconciliation({ params: { batchId } })).body).toMatchObject({
      shipped: { count: 1, amount: '35.00' },
      open: { count: 1 },
    });
    const other = reconciliationOf(t.node, 'TEST/GOV/OTHER/payroll');
    expect((await refusal(other.getRunReconciliation({ params: { batchId } }))).status).toBe(404);
    expect((await refusal(own.listWorklist({ query: {} }))).status).toBe(403);
  });
});

describe('figures', () => {
  it('[PAY-6.1-k][PAY-5.1.16-b] of successful credits come by payment type and currency, with their further way and timing', async () => {
    const query = {
      from: new Date(Date.now() - 3_600_000).toISOString(),
      to: new Date(Date.now() + 3_600_000).toISOString(),
    };
    const { items } = (await recon.getCreditsReport({ query: { ...query, currency: 'USD' } })).body;
    expect(items).toHaveLength(1);
    const [line] = items;
    expect(line).toMatchObject({
      railId: 'bank',
      modality: '00',
      currency: 'USD',
      programmeId: 'cash-transfer',
    });
    expect(line?.paid.count).toBeGreaterThan(40);
    expect(line?.reconciled.count).toBeGreaterThan(5);
    expect(line?.returned.count).toBeGreaterThan(1);
    expect(line?.secondsToCredit).toBeGreaterThanOrEqual(0);
    expect(line?.daysToStatement).toBe(0);
    expect((await recon.getCreditsReport({ query: { ...query, currency: 'EUR' } })).body.items).toEqual([]);
  });

  it('[PAY-5.1.12-a][PAY-5.1.12-b] of a day say what each rail is owed, gross and net, in the currency of the payments', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const { items } = (await recon.getSettlementFigures({ query: { day: today } })).body;
    const [usd] = items;
    expect(items).toHaveLength(1);
    expect(usd).toMatchObject({ railId: 'bank', currency: 'USD', fees: '0.00' });
    expect(minor(usd?.net ?? '')).toBe(minor(usd?.grossPaid ?? '') - minor(usd?.grossReturned ?? ''));
    const ledger = await balancesOf(t.admin, 'suspense');
    expect(usd?.returnedCount).toBeGreaterThan(1);
    expect(ledger.bank).toBeDefined();
    // A day that is not over cannot be closed.
    const body = { railId: 'bank', currency: 'USD', day: today };
    expect((await refusal(recon.closeSettlementDay({ body }))).status).toBe(400);
  });
});
