import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instructionStates, isoStatus } from '../src/batches/states.ts';
import {
  approve,
  bankService,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
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
  // The rails are asked by hand here: the engine itself asks again only after an hour.
  t = await startTreasury({ statusAfterSeconds: 3600, lostAfterSeconds: 3600 });
});
afterAll(() => t.stop());

const bankPayees = async (count: number): Promise<string[]> =>
  (await payees(t.node, count * 2)).filter((_, index) => index % 2 === 0);
const unknowns = async (railId = 'bank', olderThanSeconds = 0) =>
  (await t.admin.listUnknowns({ query: { railId, olderThanSeconds, limit: 500 } })).body.items;
const ask = (instructionId: string) => t.admin.askRail({ params: { instructionId } });
const decide = async (instructionId: string, outcome: 'paid' | 'not-paid') =>
  t.admin.decideUnknown({
    params: { instructionId },
    body: { outcome, evidence: 'Statement of the bank, page 3' },
    personToken: await t.node.token({ id: 'officer', roles: ['payment-approver'], agency: treasury }),
  });

/** A run whose payments at the bank ended in silence. */
async function silentRun(count: number, amount: string, fate: 'silent' | 'lost' = 'silent') {
  t.bank.fate = () => fate;
  const batchId = await handOver(t.node, await bankPayees(count), { amount });
  await approve(t.node, batchId);
  await expect
    .poll(async () => (await instructionsOf(t.node, batchId)).every((row) => row.state === 'unknown'), {
      timeout: 12_000,
    })
    .toBe(true);
  t.bank.fate = () => 'completed';
  return { batchId, ids: (await instructionsOf(t.node, batchId)).map((row) => row.instructionId) };
}

describe('a payment of which nobody can tell', () => {
  it('[PAY-5.3.1-k] that is only out is not decided before its rail was silent for too long, and the list says so', async () => {
    const [, payee = ''] = await payees(t.node, 2);
    const batchId = await handOver(t.node, [payee], { amount: '2.05' });
    await approve(t.node, batchId);
    const listed = async () => (await unknowns('wallets'))[0];
    await expect.poll(async () => (await listed())?.state).toBe('submitted');
    const { instructionId: id = '', decidable } = (await listed()) ?? {};
    expect(decidable).toBe(false);
    expect((await refusal(decide(id, 'paid'))).status).toBe(409);
    const { items } = (await t.admin.listRails({})).body;
    const { railId, ...wallets } = items.find((one) => one.railId === 'wallets') as (typeof items)[number];
    const params = { railId };
    await t.admin.putRail({ params, body: { ...wallets, answerWithinSeconds: 1 } });
    await expect.poll(async () => (await listed())?.decidable).toBe(true);
    await decide(id, 'paid');
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    await t.admin.putRail({ params, body: wallets });
  });

  it('[PAY-6.1-b][PAY-5.3.1-k] stands in a list with its rail, age and number of sendings, and is counted', async () => {
    const { ids } = await silentRun(3, '2.10');
    const items = await unknowns();
    expect(items.map((one) => one.instructionId).sort()).toEqual([...ids].sort());
    expect(items[0]).toMatchObject({
      rail: 'bank',
      amount: '2.10',
      state: 'unknown',
      isoStatus: 'PDNG',
      sends: 1,
      decidable: true,
    });
    expect(await unknowns('bank', 3600)).toEqual([]);
    expect(await unknowns('wallets')).toEqual([]);
    const { items: rails } = (await t.admin.listRailTraffic({})).body;
    expect(rails.find((one) => one.railId === 'bank')).toMatchObject({ unknown: 3, out: 3 });
    const first = await t.admin.listUnknowns({ query: { limit: 2 } });
    const second = await t.admin.listUnknowns({ query: { limit: 2, after: first.body.next as string } });
    expect([...first.body.items, ...second.body.items].map((one) => one.instructionId)).toEqual(
      items.map((one) => one.instructionId),
    );
    for (const id of ids) await ask(id);
    expect(await unknowns()).toEqual([]);
  });

  it('[PAY-5.3.1-k][PAY-6.1-c][PAY-5.3.4-h] can be asked about at once; what the rail says takes effect, once', async () => {
    const { batchId, ids } = await silentRun(2, '2.20');
    const answers = await Promise.all([ids[0], ids[0], ids[1]].map((id) => ask(id as string)));
    expect(answers.map(({ body }) => body.said)).toEqual(['succeeded', 'succeeded', 'succeeded']);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    for (const id of ids) expect(t.bank.credited.get(id)?.times).toBe(1);
    const { body } = await t.admin.getInstruction({ params: { instructionId: ids[0] as string } });
    expect(body.history.map((one) => one.isoStatus)).toEqual(['ACTC', 'ACCP', 'ACSP', 'PDNG', 'ACCC']);
    expect((await refusal(ask(ids[0] as string))).status).toBe(409);
    expect((await refusal(ask(randomUUID()))).status).toBe(404);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-k] and that its rail does not know is sent again under the same reference', async () => {
    const { batchId, ids } = await silentRun(2, '2.30', 'lost');
    for (const id of ids) expect((await ask(id)).body.said).toBe('not-received');
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    for (const id of ids) expect(t.bank.credited.get(id)?.times).toBe(1);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-k][PAY-6.1-c] is decided on evidence by a person, once; a case keeps what was found', async () => {
    t.bank.answersQuestions = false;
    const { batchId, ids } = await silentRun(2, '2.40');
    const [paid = '', not = ''] = ids;
    expect((await ask(paid)).body).toMatchObject({ said: 'unknown', state: 'unknown' });
    await decide(paid, 'paid');
    await decide(not, 'not-paid');
    expect((await reaches(t.node, batchId, ...over)).state).toBe('partially-completed');
    t.bank.answersQuestions = true;
    for (const id of ids) expect((await refusal(decide(id, 'paid'))).status).toBe(409);
    const { items } = (await t.admin.listCases({ query: { batchId } })).body;
    expect(items.map((one) => [one.kind, one.state, one.outcome, one.note]).sort()).toEqual([
      ['unknown-too-long', 'resolved', 'not-paid', 'Statement of the bank, page 3'],
      ['unknown-too-long', 'resolved', 'paid', 'Statement of the bank, page 3'],
    ]);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.1-c] is not decided while it is being sent again; its rail says', async () => {
    const { ids } = await silentRun(1, '2.15', 'lost');
    const [id = ''] = ids;
    let go = () => {};
    t.bank.delay = () =>
      new Promise<void>((resolve) => {
        go = resolve;
      });
    const before = t.bank.requests.length;
    await ask(id);
    await expect
      .poll(() => t.bank.requests.slice(before).some((one) => one.endsWith('/transfer-batches')))
      .toBe(true);
    expect((await refusal(decide(id, 'not-paid'))).status).toBe(409);
    t.bank.delay = async () => undefined;
    go();
    await expect.poll(() => t.bank.credited.has(id)).toBe(true);
    await expect
      .poll(async () => (await t.admin.getInstruction({ params: { instructionId: id } })).body.state)
      .toBe('completed');
  });

  it('[PAY-5.3.1-k] keeps its rail from becoming another one, which would know nothing of it; the rest may change', async () => {
    const { batchId, ids } = await silentRun(2, '2.60');
    const bank = {
      adapter: 'bank',
      service: bankService,
      name: 'Bank',
      modalities: ['00' as const],
      currencies: ['USD'],
      isDefault: true,
    };
    const put = (more: object) => t.admin.putRail({ params: { railId: 'bank' }, body: { ...bank, ...more } });
    for (const more of [
      { service: walletService },
      { adapter: 'mobile-money' },
      { debtorAccount: 'US00ANOTHER01' },
    ]) {
      const refused = await refusal(put(more));
      expect(refused.status).toBe(409);
      expect(JSON.stringify(refused.responseBody)).toContain('2 payments, 0 vouchers');
    }
    expect((await put({ name: 'The bank', rank: 7 })).body).toMatchObject({ service: bankService, rank: 7 });
    for (const id of ids) await ask(id);
    await reaches(t.node, batchId, ...over);
    expect((await put({ debtorAccount: 'US00ANOTHER01' })).body.debtorAccount).toBe('US00ANOTHER01');
    await put({});
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.1-c] at a rail that is closed since is still asked about, and ends', async () => {
    const { batchId, ids } = await silentRun(1, '2.50');
    const bank = {
      adapter: 'bank',
      service: bankService,
      name: 'Bank',
      modalities: ['00' as const],
      currencies: ['USD'],
    };
    await t.admin.putRail({ params: { railId: 'bank' }, body: { ...bank, isDefault: true, active: false } });
    await ask(ids[0] as string);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    await t.admin.putRail({ params: { railId: 'bank' }, body: { ...bank, isDefault: true } });
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});

it('[PAY-5.3.4-h][PAY-5.4-a] every state of a payment has its ISO 20022 payment status', () => {
  expect(instructionStates.map((state) => [state, isoStatus[state]])).toEqual([
    ['received', 'RCVD'],
    ['validated', 'ACTC'],
    ['rejected', 'RJCT'],
    ['queued', 'ACCP'],
    ['submitted', 'ACSP'],
    ['unknown', 'PDNG'],
    ['completed', 'ACCC'],
    ['failed', 'RJCT'],
    ['returned', 'RJCT'],
    ['cancelled', 'CANC'],
  ]);
});
