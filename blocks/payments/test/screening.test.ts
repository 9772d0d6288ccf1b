import { jsonResponse, type TestProvider } from '@govstack/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { officers } from './fixtures/officers.ts';
import {
  apiOf,
  approve,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  oversightOf,
  payees,
  programme,
  reaches,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

interface Subject {
  readonly reference: string;
  readonly payeeIdentity: string;
  readonly account?: string;
}

const amlService = 'TEST/GOV/FIU/aml/screening-v1';
const civilService = 'TEST/GOV/CRA/deaths/screening-v1';
const portal = 'TEST/GOV/DGA/portal';

let t: Treasury;
let people: ReturnType<typeof officers>;
/** Payees that each service knows something about. */
const hits = { aml: new Map<string, string>(), deaths: new Map<string, string>() };
const asked = { aml: [] as Subject[], deaths: [] as Subject[] };
/** How the first service answers. */
let aml: 'answers' | 'is-down' | 'leaves-out';

const screener =
  (name: 'aml' | 'deaths'): TestProvider =>
  async ({ body }) => {
    const { subjects } = JSON.parse(String(body)) as { subjects: Subject[] };
    asked[name].push(...subjects);
    if (name === 'aml' && aml === 'is-down') return jsonResponse(503, { title: 'Down' });
    const results = subjects.map(({ reference, payeeIdentity }) => {
      const reasonCode = hits[name].get(payeeIdentity);
      return reasonCode === undefined
        ? { reference, result: 'clear' }
        : { reference, result: 'hit', reasonCode };
    });
    return jsonResponse(200, {
      results: name === 'aml' && aml === 'leaves-out' ? results.slice(1) : results,
    });
  };

beforeAll(async () => {
  t = await startTreasury(
    { coolingOffDays: 3, sharedAccountPayees: 2, phoneCountry: 'CH' },
    { providers: { [amlService]: screener('aml'), [civilService]: screener('deaths') } },
  );
  people = officers(t.node);
  const put = (checkId: string, body: object) =>
    oversightOf(t.node).putScreeningCheck({
      params: { checkId },
      body: { name: checkId, timeoutSeconds: 1, ...body } as never,
    });
  await put('aml', { kind: 'aml', service: amlService, onHit: 'review' });
  await put('deaths', {
    kind: 'deceased',
    service: civilService,
    onHit: 'reject',
    sourceId: programme.sourceId,
    programmeId: programme.programmeId,
    sendsAccount: true,
  });
});
afterAll(() => t.stop());
beforeEach(() => {
  aml = 'answers';
  for (const name of ['aml', 'deaths'] as const) {
    hits[name].clear();
    asked[name].length = 0;
  }
});

const reviewsOf = async (batchId: string, state?: 'open' | 'rejected') =>
  (
    await oversightOf(t.node).listReviews({
      query: { batchId, ...(state === undefined ? {} : { state }) },
    })
  ).body.items;
const decide = async (reviewId: string, decision: 'released' | 'rejected', personToken?: string) =>
  oversightOf(t.node, portal).decideReview({
    params: { reviewId },
    body: { decision, note: 'Looked at' },
    personToken: personToken ?? (await people.manager()),
  });
const stateOf = async (batchId: string) => (await t.admin.getBatch({ params: { batchId } })).body;

describe('a check of payees', () => {
  it('[PAY-5.1.4][PAY-5.1.6][PAY-6.1-h] rejects who is found, tells the source why, and lets the others go on', async () => {
    const [dead = '', alive = ''] = await payees(t.node, 2);
    hits.deaths.set(dead, 'DECEASED');
    const batchId = await handOver(t.node, [dead, alive]);
    const run = await reaches(t.node, batchId, 'awaiting-approval');
    expect(run.validCount).toBe(1);
    const rows = await instructionsOf(t.node, batchId);
    expect(rows.find((row) => row.payeeIdentity === dead)).toMatchObject({
      state: 'rejected',
      reasonCode: 'screening-deaths',
    });
    expect(asked.deaths.map((one) => one.payeeIdentity).sort()).toEqual([dead, alive].sort());
    // Accounts go only to a service that needs them.
    expect(asked.deaths.every((one) => one.account !== undefined)).toBe(true);
    expect(asked.aml.every((one) => one.account === undefined)).toBe(true);
    await approve(t.node, batchId);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('partially-completed');
    expect([...t.bank.credited.values(), ...t.wallets.credited.values()]).toHaveLength(1);
  });

  it.each([
    'is-down',
    'leaves-out',
  ] as const)('[PAY-5.1.4] that %s delays the run, and nothing of it passes', async (how) => {
    aml = how;
    const batchId = await handOver(t.node, await payees(t.node, 2));
    await expect.poll(() => asked.aml.length).toBeGreaterThanOrEqual(4);
    expect((await stateOf(batchId)).state).toBe('received');
    expect((await instructionsOf(t.node, batchId)).map((row) => row.state)).toEqual(['received', 'received']);
    aml = 'answers';
    await reaches(t.node, batchId, 'awaiting-approval');
  });

  it('[PAY-6.1-j][PAY-6.9-i] sends who it doubts to a person, before anybody can approve; release lets pass, rejection not', async () => {
    const [first = '', second = '', third = ''] = await payees(t.node, 3);
    hits.aml.set(first, 'NAME-MATCH');
    hits.aml.set(second, 'NAME-MATCH');
    const batchId = await handOver(t.node, [first, second, third], { initiator: 'programme-manager' });
    await expect.poll(async () => (await reviewsOf(batchId, 'open')).length).toBe(2);
    expect(await stateOf(batchId)).toMatchObject({ state: 'received', reason: 'screening-review' });
    const rows = await instructionsOf(t.node, batchId);
    const held = rows.find((row) => row.payeeIdentity === second)?.instructionId as string;
    const { items: ofPayment } = (await oversightOf(t.node).listReviews({ query: { instructionId: held } }))
      .body;
    expect(ofPayment.map((one) => [one.instructionId, one.check, one.checkName])).toEqual([
      [held, 'aml', 'aml'],
    ]);
    const reviewOf = async (payee: string) => {
      const id = rows.find((row) => row.payeeIdentity === payee)?.instructionId;
      return (await reviewsOf(batchId)).find((one) => one.instructionId === id)?.reviewId as string;
    };
    // The maker of the run, an auditor and a stranger decide nothing.
    await expect(decide(await reviewOf(first), 'released')).rejects.toMatchObject({ status: 403 });
    for (const token of [await people.auditor(), await people.citizen('x')])
      await expect(decide(await reviewOf(first), 'released', token)).rejects.toMatchObject({});
    const approver = await people.approver();
    await decide(await reviewOf(first), 'released', approver);
    expect((await stateOf(batchId)).state).toBe('received');
    const outcomes = await Promise.allSettled([
      decide(await reviewOf(second), 'rejected', approver),
      decide(await reviewOf(second), 'released', await people.approver('other-approver')),
    ]);
    expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    const rejected = outcomes[0]?.status === 'fulfilled';
    const run = await reaches(t.node, batchId, 'awaiting-approval');
    expect(run.validCount).toBe(rejected ? 2 : 3);
    const states = new Map(
      (await instructionsOf(t.node, batchId)).map((row) => [row.payeeIdentity, row.state]),
    );
    expect(states).toEqual(
      new Map([
        [first, 'validated'],
        [second, rejected ? 'rejected' : 'validated'],
        [third, 'validated'],
      ]),
    );
    await expect(decide(await reviewOf(first), 'rejected', approver)).rejects.toMatchObject({ status: 409 });
    const { items } = (await oversightOf(t.node).listAuditEntries({ query: { component: 'screening' } }))
      .body;
    expect(items).toHaveLength(2);
  });

  it('[PAY-6.1-j] is asked only where it is set for, and can be switched off', async () => {
    await oversightOf(t.node).putScreeningCheck({
      params: { checkId: 'elsewhere' },
      body: {
        name: 'Elsewhere',
        kind: 'other',
        service: 'TEST/GOV/NOBODY/x/screening-v1',
        onHit: 'reject',
        active: false,
      },
    });
    await t.admin.putProgramme({
      params: { sourceId: programme.sourceId, programmeId: 'second' },
      body: { name: 'Second', currency: 'USD', fundingAccount: 'US00TREASURY09' },
    });
    const batchId = await handOver(t.node, await payees(t.node, 1), { programmeId: 'second' });
    await reaches(t.node, batchId, 'awaiting-approval');
    expect(asked.aml).toHaveLength(1);
    expect(asked.deaths).toHaveLength(0);
    const { items } = (await oversightOf(t.node).listScreeningChecks({})).body;
    expect(items.map((one) => [one.checkId, one.active])).toEqual([
      ['aml', true],
      ['deaths', true],
      ['elsewhere', false],
    ]);
  });
});

describe('accounts', () => {
  const register = (payeeIdentity: string, financialAddress: string, paymentModality = '00') =>
    apiOf(t.node).registerBeneficiary({
      headers: {},
      body: {
        requestID: `r-${payeeIdentity}`,
        beneficiaries: [{ payeeIdentity, paymentModality, financialAddress }],
      },
    });

  it('[PAY-6.9-g][PAY-6.9-i] changed a short while ago wait for a person', async () => {
    await register('mover', '111100001111');
    await apiOf(t.node).updateBeneficiary({
      headers: {},
      body: {
        requestID: 'moved',
        beneficiaries: [{ payeeIdentity: 'mover', financialAddress: '111100002222' }],
      },
    });
    const batchId = await handOver(t.node, ['mover']);
    await expect
      .poll(() => reviewsOf(batchId))
      .toMatchObject([{ check: 'cooling-off', reasonCode: 'account-changed-recently', state: 'open' }]);
    await decide((await reviewsOf(batchId))[0]?.reviewId as string, 'released');
    await reaches(t.node, batchId, 'awaiting-approval');
  });

  it('[PAY-6.9-g] of more payees than allowed wait for a person, and are reported', async () => {
    for (const one of ['twin-1', 'twin-2', 'twin-3']) await register(one, '222200003333');
    const batchId = await handOver(t.node, ['twin-1']);
    await expect.poll(() => reviewsOf(batchId)).toMatchObject([{ check: 'shared-account' }]);
    const { items } = (await oversightOf(t.node).listSharedAccounts({ query: {} })).body;
    expect(items).toMatchObject([{ account: '••••3333', payees: 3, sources: [programme.sourceId] }]);
    expect(items[0]?.entries).toHaveLength(3);
    await decide((await reviewsOf(batchId))[0]?.reviewId as string, 'rejected');
    expect((await reaches(t.node, batchId, 'failed')).totals).toMatchObject([
      { state: 'rejected', count: 1 },
    ]);
  });

  it('[PAY-6.9-h] are put into the form their rail needs: national phone numbers, spaces, dashes', async () => {
    await register('walker', '078 123 45 67', '01');
    await register('banker', 'CH93 0076 2011 6238 5295 7', '00');
    const batchId = await handOver(t.node, ['walker', 'banker'], { amount: '31.00' });
    await approve(t.node, batchId);
    await reaches(t.node, batchId, 'completed');
    const credited = [...t.wallets.credited.values(), ...t.bank.credited.values()]
      .filter((one) => one.amount === '31.00')
      .map((one) => one.address);
    expect(credited).toEqual(['+41781234567', 'CH9300762011623852957']);
    await register('faulty', 'CH94 0076 2011 6238 5295 7');
    const { body } = await apiOf(t.node).getRegistrationResult({ params: { requestID: 'r-faulty' } });
    expect(body.failedCases[0]?.failureReason).toMatch(/IBAN/);
  });
});

it('the books hold', async () => {
  expect(await brokenBooks(t.node)).toEqual([]);
});
