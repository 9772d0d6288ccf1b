import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reconciliationOf } from './fixtures/statement.ts';
import {
  adminOf,
  apiOf,
  available,
  bankService,
  handOver,
  ministry,
  oversightOf,
  pay,
  payees,
  programme,
  reaches,
  source,
  startTreasury,
  type Treasury,
  treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
beforeAll(async () => {
  t = await startTreasury();
});
afterAll(() => t.stop());

describe('who made a run', () => {
  it('[PAY-5.3.1-f][PAY-6.1-p] is who signed in, whatever name the application gives: nobody approves their own run', async () => {
    const [payee = ''] = await payees(t.node, 1);
    const personToken = await t.node.token({ id: 'both', roles: ['payment-approver'], agency: ministry });
    const handOverAs = (id: string, initiator?: string) =>
      t.api.batchTransactions({
        query: {},
        headers: {
          'x-correlationid': id,
          'x-program-id': programme.programmeId,
          ...(initiator === undefined ? {} : { 'x-initiator': initiator }),
        },
        body: [
          {
            requestId: `${id}-1`,
            creditParty: [{ key: 'functionalId', value: payee }],
            amount: '5.00',
            currency: 'USD',
          },
        ],
        personToken,
      });
    await expect(handOverAs('under-another-name', 'somebody-else')).rejects.toMatchObject({ status: 403 });
    await handOverAs('under-the-same-name', 'both');
    const { batchId } = (await handOverAs('under-no-name')).body;
    const { contentHash = '' } = await reaches(t.node, batchId, 'awaiting-approval');
    const own = adminOf(t.node).approveBatch({ params: { batchId }, body: { contentHash }, personToken });
    await expect(own).rejects.toMatchObject({ status: 403 });
  });
});

describe('a run that pays anew what failed', () => {
  it('[PAY-5.3.1-f][PAY-5.3.1-k] is approved neither by who made the first one nor by who asked for it, nor by a limit', async () => {
    const officer = (id: string) =>
      t.node.token({ id, roles: ['payment-approver', 'programme-manager'], agency: ministry });
    const ids = await payees(t.node, 1);
    t.bank.fate = () => ({ rejected: 'AC04' });
    let { batchId } = await pay(t.node, ids, { initiator: 'first-maker' });
    const params = { sourceId: programme.sourceId };
    const personToken = await t.node.token({
      id: 'administrator',
      roles: ['administrator'],
      agency: treasury,
    });
    const limit = (amount: string | null) =>
      t.admin.setAutoApproveLimit({
        params,
        body: { limit: amount, currency: 'USD' },
        personToken,
      });
    const decide = async (id: string) => {
      const { contentHash = '' } = await reaches(t.node, batchId, 'awaiting-approval');
      return t.admin.approveBatch({
        params: { batchId },
        body: { contentHash },
        personToken: await officer(id),
      });
    };
    const admin = adminOf(t.node, 'TEST/GOV/DGA/portal');
    await limit('1000.00');
    const makers = ['first-maker'];
    for (const asker of ['first-asker', 'second-asker']) {
      const asked = { params: { batchId }, personToken: await officer(asker) };
      batchId = (await admin.retryFailedInstructions(asked)).body.batchId;
      makers.push(asker);
      for (const maker of makers) await expect(decide(maker)).rejects.toMatchObject({ status: 403 });
      expect((await decide('approver-9')).status).toBe(200);
      await reaches(t.node, batchId, 'failed');
    }
    t.bank.fate = () => 'completed';
    await limit(null);
  });
});

describe('a person', () => {
  const person = (id: string, roles: string[], agency: string) => t.node.token({ id, roles, agency });

  it('[PAY-6.4-a][PAY-6.14-c] gains no right of the treasury by coming through its application', async () => {
    const before = await available(t.node);
    for (const personToken of [
      await person('stranger', [], 'TEST/GOV/OTHER'),
      await person('foreign-administrator', ['administrator'], 'TEST/GOV/OTHER'),
    ]) {
      const asked = [
        () =>
          t.admin.releaseBudget({
            params: programme,
            body: { reference: 'foreign', amount: '1.00', currency: 'USD' },
            personToken,
          }),
        () =>
          t.admin.putSource({
            params: { sourceId: programme.sourceId },
            body: { application: 'TEST/GOV/OTHER/app', name: 'Mine now', institutionId: 'OTHER' },
            personToken,
          }),
        () => t.admin.listAccounts({ query: {}, personToken }),
        () => t.admin.listCases({ query: {}, personToken }),
      ];
      for (const ask of asked) await expect(ask()).rejects.toMatchObject({ status: 403 });
    }
    expect(await available(t.node)).toBe(before);
    expect((await t.admin.listSources({})).body.items[0]).toMatchObject({ application: source });
  });

  it('[PAY-6.4-a][PAY-6.14-c] of the treasury changes in its application what their role is for, and looks at the rest', async () => {
    const before = await available(t.node);
    const [auditor, approver] = [
      await person('auditor', ['auditor'], treasury),
      await person('approver', ['payment-approver'], treasury),
    ];
    const params = { sourceId: programme.sourceId };
    const changes = (personToken: string): Record<string, () => Promise<unknown>> => ({
      releaseBudget: () =>
        t.admin.releaseBudget({
          params: programme,
          body: { reference: 'not-theirs', amount: '1.00', currency: 'USD' },
          personToken,
        }),
      putSource: () =>
        t.admin.putSource({
          params,
          body: { application: source, name: 'Mine now', institutionId: 'MSP' },
          personToken,
        }),
      putRequestSigning: () =>
        t.admin.putRequestSigning({ params, body: { required: false, keys: [] }, personToken }),
      putInstitution: () =>
        oversightOf(t.node).putInstitution({
          params: { code: 'X' },
          body: { name: 'X', member: 'TEST/COM/X' },
          personToken,
        }),
      postFeeSchedule: () =>
        reconciliationOf(t.node).postFeeSchedule({
          body: { railId: 'bank', currency: 'USD', bands: [{ flat: '1.00' }] },
          personToken,
        }),
    });
    const daily = (personToken: string): Record<string, () => Promise<unknown>> => ({
      askRail: () => t.admin.askRail({ params: { instructionId: randomUUID() }, personToken }),
      makeProofs: () => reconciliationOf(t.node).makeProofs({ personToken }),
      setBatchPriority: () =>
        t.admin.setBatchPriority({
          params: { batchId: randomUUID() },
          body: { priority: 'urgent', reason: 'Flood' },
          personToken,
        }),
    });
    const status = (ask: () => Promise<unknown>) =>
      ask().then(
        () => 200,
        (error: { status: number }) => error.status,
      );
    const refused = [changes(auditor), changes(approver), daily(auditor)].flatMap(
      Object.entries<() => Promise<unknown>>,
    );
    for (const [name, ask] of refused) expect([name, await status(ask)]).toEqual([name, 403]);
    for (const ask of Object.values(daily(approver))) expect(await status(ask)).not.toBe(403);
    expect((await t.admin.listSources({ personToken: auditor })).status).toBe(200);
    expect((await t.admin.listAccounts({ query: {}, personToken: auditor })).status).toBe(200);
    expect(await available(t.node)).toBe(before);
  });

  it('[PAY-6.14-c] sees what is paid to a payee by the programmes of their own agency, and by no others', async () => {
    const [payee = ''] = await payees(t.node, 1);
    const other = 'TEST/GOV/PENSIONS';
    await t.admin.putProgramme({
      params: { ...programme, programmeId: 'pensions' },
      body: { name: 'Pensions', agency: other, currency: 'USD', fundingAccount: 'US00PENSIONS' },
    });
    await handOver(t.node, [payee]);
    await handOver(t.node, [payee], { programmeId: 'pensions', amount: '7.00' });
    const seen = async (agency: string) => {
      const { body } = await adminOf(t.node, 'TEST/GOV/DGA/portal').listPayeePayments({
        body: { sourceId: programme.sourceId, payeeIdentity: payee },
        personToken: await person('m', ['programme-manager'], agency),
      });
      return body.items.map((one) => one.amount);
    };
    expect(await seen(ministry)).toEqual(['12.50']);
    expect(await seen(other)).toEqual(['7.00']);
    expect(await seen(treasury)).toEqual(['7.00', '12.50']);
    await expect(seen('TEST/GOV/OTHER')).rejects.toMatchObject({ status: 404 });
  });

  it('[PAY-6.14-c] who only looks on cannot withdraw a run or take it further; who manages it can', async () => {
    const batchId = await handOver(t.node, await payees(t.node, 1));
    await reaches(t.node, batchId, 'awaiting-approval');
    const attempts = (application: string, personToken: string) => {
      const admin = adminOf(t.node, application);
      const params = { batchId };
      return [
        () => admin.cancelBatch({ params, body: { reason: 'No' }, personToken }),
        () => admin.resumeBatch({ params, personToken }),
        () => admin.retryFailedInstructions({ params, personToken }),
      ];
    };
    const auditor = await person('auditor', ['auditor'], treasury);
    expect((await t.admin.getBatch({ params: { batchId }, personToken: auditor })).status).toBe(200);
    const citizen = await t.node.token({ id: 'citizen' });
    for (const [application, token] of [
      ['TEST/GOV/DGA/portal', auditor],
      [source, citizen],
    ] as const)
      for (const attempt of attempts(application, token))
        await expect(attempt()).rejects.toMatchObject({ status: 403 });
    const personToken = await person('manager', ['programme-manager'], ministry);
    const { body } = await adminOf(t.node, 'TEST/GOV/DGA/portal').cancelBatch({
      params: { batchId },
      body: { reason: 'Wrong month' },
      personToken,
    });
    expect(body).toMatchObject({ state: 'cancelled', reason: 'Wrong month' });
  });
});

describe('a run without a person', () => {
  it('[PAY-5.3.1-f] goes through only up to the limit set for its source, in the currency of the limit', async () => {
    const personToken = await t.node.token({
      id: 'administrator',
      roles: ['administrator'],
      agency: treasury,
    });
    const application = 'TEST/GOV/PAYROLL/salaries';
    const sourceId = 'payroll';
    const params = { sourceId };
    await t.admin.putSource({ params, body: { application, name: 'Payroll', institutionId: 'PAY' } });
    for (const [programmeId, currency] of [
      ['dollars', 'USD'],
      ['yen', 'JPY'],
    ] as const) {
      await t.admin.putProgramme({
        params: { sourceId, programmeId },
        body: { name: programmeId, currency, fundingAccount: `US00${programmeId}` },
      });
    }
    await t.admin.putRail({
      params: { railId: 'yen' },
      body: {
        adapter: 'bank',
        service: bankService,
        name: 'Yen',
        modalities: ['00'],
        currencies: ['JPY'],
        isDefault: true,
      },
    });
    const payee = (payeeIdentity: string) => ({
      payeeIdentity,
      paymentModality: '00',
      financialAddress: '000000007777',
    });
    const api = apiOf(t.node, application);
    await api.registerBeneficiary({
      headers: {},
      body: { requestID: 'r-1', beneficiaries: [payee('clerk')] },
    });
    let runs = 0;
    const stateOf = async (programmeId: string, amount: string, currency: string) => {
      runs += 1;
      const { body } = await api.batchTransactions({
        query: {},
        headers: { 'x-correlationid': `month-${runs}`, 'x-program-id': programmeId },
        body: [
          {
            requestId: `month-${runs}`,
            creditParty: [{ key: 'functionalId', value: 'clerk' }],
            amount,
            currency,
          },
        ],
      });
      const run = await reaches(t.node, body.batchId, 'awaiting-approval', 'held');
      return { state: run.state, by: run.approval?.person };
    };
    const waits = { state: 'awaiting-approval', by: undefined };
    // Without money a run that was let through is held.
    const through = { state: 'held', by: 'auto-approve-limit' };
    expect(await stateOf('dollars', '10.00', 'USD')).toEqual(waits);
    const { body } = await t.admin.setAutoApproveLimit({
      params,
      body: { limit: '2000', currency: 'JPY' },
      personToken,
    });
    expect(body).toMatchObject({ autoApproveLimit: '2000', autoApproveCurrency: 'JPY' });
    expect(await stateOf('dollars', '11.00', 'USD')).toEqual(waits);
    expect(await stateOf('yen', '2001', 'JPY')).toEqual(waits);
    expect(await stateOf('yen', '2000', 'JPY')).toEqual(through);
    await t.admin.setAutoApproveLimit({ params, body: { limit: '12.00', currency: 'USD' }, personToken });
    const { items } = (await t.admin.listSources({})).body;
    expect(items.find((one) => one.sourceId === sourceId)).toMatchObject({ autoApproveLimit: '12.00' });
    expect(await stateOf('dollars', '12.00', 'USD')).toEqual(through);
    await t.admin.setAutoApproveLimit({ params, body: { limit: null, currency: 'USD' }, personToken });
    expect(await stateOf('dollars', '3.00', 'USD')).toEqual(waits);
  });
});

it('of two settings that clash at the same moment the later one is told so', async () => {
  const application = 'TEST/GOV/TWICE/app';
  const db = t.node.database('payments');
  let answer: Promise<unknown> | undefined;
  await db.transaction().execute(async (trx) => {
    await sql`
      insert into source_system (id, application, name, institution_id)
      values ('first', ${application}, 'First', 'X')`.execute(trx);
    answer = t.admin
      .putSource({
        params: { sourceId: 'second' },
        body: { application, name: 'Second', institutionId: 'X' },
      })
      .then(
        () => 200,
        (error: { status: number }) => error.status,
      );
    const waiting = async () =>
      (
        await sql`
          select from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
      ).rows.length;
    await expect.poll(waiting).toBeGreaterThan(0);
  });
  expect(await answer).toBe(409);
});
