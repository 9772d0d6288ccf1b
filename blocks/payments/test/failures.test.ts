import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { FlattenedSign } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adminOf,
  approve,
  available,
  brokenBooks,
  handOver,
  instructionsOf,
  noticesOf,
  over,
  pay,
  payees,
  reaches,
  refusal,
  startTreasury,
  type Treasury,
  treasury,
  walletService,
} from './fixtures/treasury.ts';

let t: Treasury;
beforeAll(async () => {
  t = await startTreasury({ escalateAfterSeconds: 0.5 });
});
afterAll(() => t.stop());

const completed = async (batchId: string) =>
  (await instructionsOf(t.node, batchId)).filter((row) => row.state === 'completed');
const works = (): void => {
  t.bank.fate = () => 'completed';
  t.wallets.fate = () => 'completed';
};
/** Each of these transfers was executed once, whatever was sent how often. */
const creditedOnce = async (batchId: string): Promise<void> => {
  const rows = await completed(batchId);
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows) {
    const rail = row.rail === 'bank' ? t.bank : t.wallets;
    expect(rail.credited.get(row.instructionId)?.amount).toBe(row.amount);
  }
};
/** The first time only. */
const once = (fate: 'busy' | 'silent' | 'lost') => {
  const seen = new Set<string>();
  return ({ reference }: { reference: string }) => {
    if (seen.has(reference)) return 'completed' as const;
    seen.add(reference);
    return fate;
  };
};

describe('a rail that', () => {
  it.each([
    'busy',
    'silent',
    'lost',
  ] as const)('[PAY-6.1-c][PAY-5.3.1-k] is %s the first time: everybody is paid in the end, once', async (fate) => {
    t.bank.fate = once(fate);
    t.wallets.fate = once(fate);
    const run = await pay(t.node, await payees(t.node, 8));
    works();
    expect(run.state).toBe('completed');
    await creditedOnce(run.batchId);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-9.1.3-c] refuses a payee: the money goes back to the programme', async () => {
    const ids = await payees(t.node, 4);
    const before = Number(await available(t.node));
    t.bank.fate = () => ({ rejected: 'AC06' });
    const run = await pay(t.node, ids);
    works();
    expect(run.state).toBe('partially-completed');
    expect(Number(await available(t.node))).toBeCloseTo(before - 25, 2);
    expect((await completed(run.batchId)).map((row) => row.rail)).toEqual(['wallets', 'wallets']);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-k][PAY-6.9-i] failed is paid anew by a run of its own, which a second person approves; never twice', async () => {
    const ids = await payees(t.node, 2);
    t.bank.fate = () => ({ rejected: 'AM04' });
    const run = await pay(t.node, ids);
    works();
    const retry = () => t.admin.retryFailedInstructions({ params: { batchId: run.batchId } });
    const [first, second] = await Promise.all([retry(), retry()]);
    expect(first.body.batchId).toBe(second.body.batchId);
    await approve(t.node, first.body.batchId);
    expect((await reaches(t.node, first.body.batchId, ...over)).state).toBe('completed');
    const { items } = (
      await t.admin.listPayeePayments({
        body: { sourceId: 'cash-transfer', payeeIdentity: ids[0] as string },
      })
    ).body;
    expect(items.map((one) => one.state).sort()).toEqual(['completed', 'failed']);
    const again = t.api.batchTransactions({
      query: {},
      headers: { 'x-correlationid': 'again', 'x-program-id': 'cash-transfer' },
      body: [
        {
          requestId: 'again-1',
          creditParty: [{ key: 'functionalId', value: ids[1] as string }],
          amount: '12.50',
          currency: 'USD',
          retryOf: (await completed(run.batchId))[0]?.requestId as string,
        },
      ],
    });
    expect((await refusal(again)).status).toBe(409);
  });

  it('[PAY-5.3.1-k][PAY-6.1-c] cannot say what became of a payment: a person finds out and decides, once', async () => {
    const ids = await payees(t.node, 3);
    t.bank.fate = () => 'silent';
    t.bank.answersQuestions = false;
    const batchId = await handOver(t.node, ids);
    await approve(t.node, batchId);
    const cases = async () =>
      (await t.admin.listCases({ query: { batchId, state: 'open' } })).body.items.filter(
        (one) => one.kind === 'unknown-too-long',
      );
    await expect.poll(async () => (await cases()).length).toBe(2);
    const [first, second] = await cases();
    const personToken = await t.node.token({ id: 'operator', roles: ['payment-approver'], agency: treasury });
    const decide = (caseId: string, outcome: 'paid' | 'not-paid') =>
      t.admin.resolveCase({
        params: { caseId },
        body: { outcome, note: 'Asked the bank by telephone' },
        personToken,
      });
    await decide(first?.caseId as string, 'paid');
    expect((await refusal(decide(first?.caseId as string, 'not-paid'))).status).toBe(409);
    await decide(second?.caseId as string, 'not-paid');
    expect((await reaches(t.node, batchId, ...over)).state).toBe('partially-completed');
    works();
    t.bank.answersQuestions = true;
    const states = (await instructionsOf(t.node, batchId)).map((row) => row.state).sort();
    expect(states).toEqual(['completed', 'completed', 'failed']);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});

describe('an account', () => {
  it('that was changed after the approval is not paid silently; a person looks', async () => {
    const [id = ''] = await payees(t.node, 1);
    const batchId = await handOver(t.node, [id], { amount: '8.00', notBefore: 1200 });
    await approve(t.node, batchId);
    await t.api.updateBeneficiary({
      headers: {},
      body: {
        requestID: 'change-account',
        beneficiaries: [{ payeeIdentity: id, paymentModality: '00', financialAddress: '999999999999' }],
      },
    });
    expect((await reaches(t.node, batchId, ...over)).state).toBe('failed');
    const [row] = await instructionsOf(t.node, batchId);
    expect(row).toMatchObject({ state: 'failed', reasonCode: 'address-changed' });
    expect([...t.bank.credited.values()].some((one) => one.address === '999999999999')).toBe(false);
    const { body: cases } = await t.admin.listCases({ query: { batchId } });
    expect(cases.items.map((one) => one.kind)).toEqual(['address-changed']);
  });
});

describe('notices of rails', () => {
  const rail = walletService.split('/').slice(0, 4).join('/');
  const notice = (
    reference: string,
    status: 'completed' | 'failed' | 'returned',
    eventId = randomUUID(),
  ) => ({
    eventId,
    results: [{ reference, status, reasonCode: 'X' }],
  });
  const paidByWallet = async () => {
    const ids = await payees(t.node, 2);
    const { batchId } = await pay(t.node, ids);
    const row = (await completed(batchId)).find((one) => one.rail === 'wallets');
    return { batchId, row: row as NonNullable<typeof row> };
  };
  const stateOf = async (instructionId: string) =>
    (await adminOf(t.node).getInstruction({ params: { instructionId } })).body.state;

  it('[PAY-6.5-c] that come twice, late or contradict never change what is final; a contradiction is a case', async () => {
    const { batchId, row } = await paidByWallet();
    const notices = noticesOf(t.node, rail);
    const same = notice(row.instructionId, 'completed');
    expect((await notices.postTransferResults({ body: same })).body.repeated).toBe(false);
    expect((await notices.postTransferResults({ body: same })).body.repeated).toBe(true);
    await notices.postTransferResults({ body: notice(row.instructionId, 'failed') });
    expect(await stateOf(row.instructionId)).toBe('completed');
    const { body } = await t.admin.listCases({ query: { batchId } });
    expect(body.items.map((one) => one.kind)).toContain('contradiction');
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.5-c] that use an event id again for other results are refused, and a case', async () => {
    const { row } = await paidByWallet();
    const notices = noticesOf(t.node, rail);
    const first = notice(row.instructionId, 'completed');
    await notices.postTransferResults({ body: first });
    const other = notices.postTransferResults({ body: notice(row.instructionId, 'returned', first.eventId) });
    expect((await refusal(other)).status).toBe(409);
    expect(await stateOf(row.instructionId)).toBe('completed');
    const { items } = (await t.admin.listCases({ query: { state: 'open', limit: 500 } })).body;
    expect(items).toContainEqual(
      expect.objectContaining({
        kind: 'contradiction',
        rail: 'wallets',
        detail: expect.stringContaining(first.eventId),
      }),
    );
  });

  it('[PAY-9.1.3-c] that money came back take it into suspense, once', async () => {
    const { row } = await paidByWallet();
    const notices = noticesOf(t.node, rail);
    await Promise.all(
      [1, 2, 3].map(() => notices.postTransferResults({ body: notice(row.instructionId, 'returned') })),
    );
    expect(await stateOf(row.instructionId)).toBe('returned');
    const { items } = (await t.admin.listAccounts({ query: { kind: 'suspense' } })).body;
    expect(items.map((one) => one.balance)).toEqual([row.amount]);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.6-h] about another rail’s payments, or from no rail at all, change nothing', async () => {
    const ids = await payees(t.node, 1);
    const { batchId } = await pay(t.node, ids);
    const [row] = await completed(batchId);
    const foreign = noticesOf(t.node, rail);
    await foreign.postTransferResults({ body: notice(row?.instructionId as string, 'failed') });
    expect(await stateOf(row?.instructionId as string)).toBe('completed');
    const stranger = noticesOf(t.node, 'TEST/GOV/OTHER/app');
    const refused = stranger.postTransferResults({ body: notice(row?.instructionId as string, 'failed') });
    expect((await refusal(refused)).status).toBe(403);
  });

  it('[PAY-6.14-f] of a rail with a key must be signed with it', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const service = 'TEST/COM/SIGNED/rail/rail-v1';
    await t.admin.putRail({
      params: { railId: 'signed' },
      body: {
        adapter: 'bank',
        service,
        name: 'Signed',
        modalities: ['04'],
        currencies: ['USD'],
        publicKey: { ...publicKey.export({ format: 'jwk' }), alg: 'ES256' },
      },
    });
    const notices = noticesOf(t.node, 'TEST/COM/SIGNED/rail');
    const content = notice(randomUUID(), 'completed');
    const sign = (key: typeof privateKey) =>
      new FlattenedSign(new TextEncoder().encode(JSON.stringify(content)))
        .setProtectedHeader({ alg: 'ES256' })
        .sign(createPrivateKey(key.export({ format: 'pem', type: 'pkcs8' })));
    expect((await refusal(notices.postTransferResults({ body: content }))).status).toBe(401);
    const forged = (await sign(other.privateKey)) as {
      protected: string;
      payload: string;
      signature: string;
    };
    expect((await refusal(notices.postTransferResults({ body: forged }))).status).toBe(401);
    const signed = (await sign(privateKey)) as { protected: string; payload: string; signature: string };
    expect((await notices.postTransferResults({ body: signed })).body.repeated).toBe(false);
  });
});
