import { testAdminUrl } from '@govstack/platform/testing';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finalBatchStates } from '../src/batches/states.ts';
import { forward } from './fixtures/forward.ts';
import { officers } from './fixtures/officers.ts';
import { startRail } from './fixtures/rail.ts';
import {
  adminOf,
  apiOf,
  application,
  approve,
  bankService,
  brokenBooks,
  handOver,
  instructionsOf,
  ministry,
  noticesOf,
  over,
  oversightOf,
  pay,
  payees,
  programme,
  reaches,
  source,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
let people: ReturnType<typeof officers>;
const portal = 'TEST/GOV/DGA/portal';

beforeAll(async () => {
  t = await startTreasury({ turnaroundSeconds: 600 });
  people = officers(t.node);
});
afterAll(() => t.stop());

type Query = Parameters<ReturnType<typeof oversightOf>['reportPayments']>[0]['query'];
const report = async (query: Query, as = application, personToken?: string) =>
  (
    await oversightOf(t.node, as).reportPayments({
      ...(query === undefined ? {} : { query }),
      ...(personToken === undefined ? {} : { personToken }),
    })
  ).body.items;

describe('reports', () => {
  it('[PAY-6.6-e][PAY-6.6-j][PAY-5.1.16-b][PAY-4.16][PAY-6.1-k] tell what was paid and what failed, by programme, rail, reason and month, per currency', async () => {
    const yen = { sourceId: programme.sourceId, programmeId: 'yen' };
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
    await t.admin.putProgramme({
      params: yen,
      body: { name: 'Yen', agency: 'TEST/GOV/ELSEWHERE', currency: 'JPY', fundingAccount: 'US00YEN' },
    });
    await t.admin.releaseBudget({ params: yen, body: { reference: 'y', amount: '5000', currency: 'JPY' } });
    const ids = await payees(t.node, 4);
    const lost = ids[0] as string;
    t.bank.fate = ({ address }) => (address.endsWith(lost.slice(2)) ? { rejected: 'AC04' } : 'completed');
    await pay(t.node, ids, { amount: '10.50' });
    t.bank.fate = () => 'completed';
    const { body } = await apiOf(t.node).batchTransactions({
      query: {},
      headers: { 'x-correlationid': 'yen-run', 'x-program-id': 'yen', 'x-initiator': 'maker-1' },
      body: [
        {
          requestId: 'yen-1',
          creditParty: [{ key: 'functionalId', value: lost }],
          amount: '700',
          currency: 'JPY',
        },
      ],
    });
    await approve(t.node, body.batchId);
    await reaches(t.node, body.batchId, ...over);

    const month = new Date().toISOString().slice(0, 7);
    expect(await report({ by: 'programme,month' })).toMatchObject([
      {
        by: { programme: 'cash-transfer/yen', month },
        currency: 'JPY',
        payments: 1,
        amount: '700',
        completed: 1,
        successShare: 1,
      },
      {
        by: { programme: 'cash-transfer/cash-transfer', month },
        currency: 'USD',
        payments: 4,
        amount: '42.00',
        completed: 3,
        completedAmount: '31.50',
        failed: 1,
        open: 0,
        successShare: 0.75,
      },
    ]);
    const byReason = await report({ by: 'state,reason', currency: 'USD' });
    expect(byReason.map((one) => [one.by.state, one.by.reason, one.payments])).toEqual([
      ['completed', '', 3],
      ['failed', 'AC04', 1],
    ]);
    const byRail = await report({ by: 'rail,institution' });
    expect(byRail.map((one) => [one.by.rail, one.by.institution, one.currency, one.payments])).toEqual([
      ['yen', 'TESTUS33', 'JPY', 1],
      ['bank', 'TESTUS33', 'USD', 2],
      ['wallets', 'TESTUS33', 'USD', 2],
    ]);
    const today = new Date().toISOString().slice(0, 10);
    expect(await report({ from: today, to: today, sourceId: programme.sourceId })).toHaveLength(2);
    expect(await report({ to: '2020-01-01' })).toEqual([]);
    await expect(report({ by: 'payee' })).rejects.toMatchObject({ status: 400 });
  });

  it('[PAY-6.6-e] show everybody what is theirs: a source, an agency, the treasury', async () => {
    expect(await report({}, source)).toHaveLength(2);
    expect((await report({}, portal, await people.manager())).map((one) => one.currency)).toEqual(['USD']);
    expect(await report({}, portal, await people.auditor())).toHaveLength(2);
    await expect(report({}, portal, await people.citizen('x'))).rejects.toMatchObject({ status: 403 });
    await expect(report({ sourceId: 'other' }, source)).rejects.toMatchObject({ status: 403 });
  });

  it('[PAY-6.6-e] tell what one payee was paid over programmes, and follow money that comes back', async () => {
    const [payee = ''] = await payees(t.node, 1);
    const run = await pay(t.node, [payee], { amount: '4.00' });
    await pay(t.node, [payee], { amount: '6.00' });
    const of = async () =>
      (await oversightOf(t.node).reportPayee({ body: { payeeIdentity: payee } })).body.items.map((one) => [
        one.programmeId,
        one.state,
        one.payments,
        one.amount,
      ]);
    expect(await of()).toEqual([['cash-transfer', 'completed', 2, '10.00']]);
    const [row] = await instructionsOf(t.node, run.batchId);
    const before = (await report({ by: 'state', currency: 'USD' })).find(
      (one) => one.by.state === 'completed',
    );
    await noticesOf(t.node, 'TEST/COM/BANK/rail').postTransferResults({
      body: { eventId: 'r', results: [{ reference: row?.instructionId as string, status: 'returned' }] },
    });
    expect(await of()).toEqual([
      ['cash-transfer', 'completed', 1, '6.00'],
      ['cash-transfer', 'returned', 1, '4.00'],
    ]);
    const after = await report({ by: 'state', currency: 'USD' });
    expect(after.find((one) => one.by.state === 'completed')?.payments).toBe((before?.payments ?? 0) - 1);
    expect(after.find((one) => one.by.state === 'returned')).toMatchObject({ payments: 1, amount: '4.00' });
  });

  it('[PAY-6.13-a][PAY-6.13-b][PAY-6.13-c] lie in a store of their own, which others read and cannot write', async () => {
    await report({});
    const url = new URL(testAdminUrl());
    const name = `${t.node.databasePrefix}payments`;
    url.pathname = `/${name}`;
    const outside = new pg.Client({ connectionString: url.href });
    await outside.connect();
    await outside.query(`set role "${name}_reader"`);
    const { rows } = await outside.query(
      'select r.programme_name, s.state, s.amount from reporting.result s join reporting.run r using (batch_id)',
    );
    expect(rows.length).toBeGreaterThan(3);
    for (const statement of [
      'delete from reporting.run',
      'insert into reporting.result select * from reporting.result',
      "update reporting.run set state = 'x'",
      'select * from instruction',
      'select * from public.receipt',
    ])
      await expect(outside.query(statement)).rejects.toMatchObject({ code: '42501' });
    await outside.end();
    // The model holds no payee.
    const { rows: columns } = await sql<{ column_name: string }>`
      select column_name from information_schema.columns where table_schema = 'reporting'`.execute(
      t.node.database('payments'),
    );
    expect(columns.map((one) => one.column_name).join()).not.toMatch(/payee|account|address/);
  });
});

describe('turnaround', () => {
  it('[PAY-5.1.5] is measured for each payment; what took longer than configured is seen', async () => {
    const [line] = await report({ currency: 'USD' });
    expect(line?.longestTurnaroundSeconds).toBeGreaterThan(0);
    expect(line?.averageTurnaroundSeconds).toBeLessThanOrEqual(line?.longestTurnaroundSeconds as number);
    expect(line?.turnaroundBreaches).toBe(0);
    const strict = await startTreasury({ turnaroundSeconds: 0.001 });
    await pay(strict.node, await payees(strict.node, 2));
    const { items } = (await oversightOf(strict.node).reportPayments({ query: { by: 'rail' } })).body;
    expect(items.map((one) => one.turnaroundBreaches)).toEqual([1, 1]);
    const { payload } = await strict.node.server('payments').inject({ method: 'GET', url: '/metrics' });
    expect(payload).toMatch(/govstack_payments_turnaround_breaches_total{rail="bank"} 1/);
    expect(payload).toMatch(/govstack_payments_turnaround_seconds_count{rail="wallets"} 1/);
    await strict.stop();
  });
});

describe('officers, through the portal’s application', () => {
  it('[PAY-6.6-a][PAY-6.6-d][PAY-6.6-f] see a run made by one of them through several institutions, approve it, and follow it to its end', async () => {
    const ids = await payees(t.node, 4);
    const maker = await t.node.token({ id: 'maker-9', roles: ['programme-manager'], agency: ministry });
    const { body } = await apiOf(t.node).batchTransactions({
      query: {},
      headers: { 'x-correlationid': 'by-hand', 'x-program-id': programme.programmeId },
      body: ids.map((value) => ({
        requestId: `by-hand-${value}`,
        creditParty: [{ key: 'functionalId', value }],
        amount: '2.25',
        currency: 'USD',
      })),
      personToken: maker,
    });
    const own = adminOf(t.node, portal);
    const params = { batchId: body.batchId };
    const personToken = await t.node.token({
      id: 'checker-9',
      roles: ['payment-approver'],
      agency: ministry,
    });
    const { contentHash = '' } = await reaches(t.node, body.batchId, 'awaiting-approval');
    const waiting = (await own.listBatches({ query: { state: 'awaiting-approval' }, personToken })).body
      .items;
    expect(waiting.map((one) => one.batchId)).toContain(body.batchId);
    await own.approveBatch({ params, body: { contentHash }, personToken });
    await reaches(t.node, body.batchId, 'completed');
    const run = (await own.getBatch({ params, personToken: maker })).body;
    expect(run).toMatchObject({
      makerPerson: 'maker-9',
      approval: { decision: 'approved', person: 'checker-9', agency: ministry },
    });
    expect(run.subBatches.map((one) => one.rail)).toEqual(['bank', 'wallets']);
    expect(run.history.map((one) => one.to)).toEqual([
      'received',
      'awaiting-approval',
      'approved',
      'authorised',
      'processing',
      'completed',
    ]);
  });

  it('[PAY-6.6-c][PAY-6.9-a] link agencies with the institutions that send and receive; payments go where the rules say', async () => {
    await t.admin.putRail({
      params: { railId: 'north' },
      body: {
        adapter: 'bank',
        service: bankService,
        name: 'North',
        modalities: ['00'],
        institutions: ['NORTHUS1'],
        currencies: ['USD'],
        batchSize: 2,
      },
    });
    await oversightOf(t.node).putInstitution({
      params: { code: 'NORTHUS1' },
      body: { name: 'North', member: 'TEST/COM/NORTH' },
    });
    await apiOf(t.node).registerBeneficiary({
      headers: {},
      body: {
        requestID: 'north',
        beneficiaries: [1, 2, 3, 4].map((index) => ({
          payeeIdentity: `north-${index}`,
          paymentModality: '00',
          bankingInstitutionCode: index < 4 ? 'NORTHUS1' : 'OTHERUS1',
          financialAddress: `66660000000${index}`,
        })),
      },
    });
    const run = await pay(t.node, ['north-1', 'north-2', 'north-3', 'north-4'], { amount: '1.10' });
    expect(run.subBatches.map((one) => [one.rail, one.count, one.instructions])).toEqual([
      ['bank', 1, 1],
      ['north', 2, 3],
    ]);
    const { body } = await t.admin.getProgramme({ params: programme });
    expect(body).toMatchObject({ agency: ministry, payerRail: 'bank' });
    const { items } = (await t.admin.listRails({})).body;
    expect(items.find((one) => one.railId === 'north')?.institutions).toEqual(['NORTHUS1']);
  });
});

describe('the way of a run', () => {
  it('[PAY-6.1-a][PAY-6.1-c] is written down as a table: from everywhere it leads to an end, and no end leads on', async () => {
    const db = t.node.database('payments');
    const { rows } = await sql<{ from_state: string; to_state: string }>`
      select from_state, to_state from batch_move`.execute(db);
    const states = new Set(rows.flatMap((row) => [row.from_state, row.to_state]));
    const ends: readonly string[] = finalBatchStates;
    const leadsToEnd = (state: string, seen: readonly string[] = []): boolean =>
      ends.includes(state) ||
      rows.some(
        (row) =>
          row.from_state === state &&
          !seen.includes(row.to_state) &&
          leadsToEnd(row.to_state, [...seen, state]),
      );
    for (const state of states) {
      expect(leadsToEnd(state), state).toBe(true);
      if (ends.includes(state)) expect(rows.filter((row) => row.from_state === state)).toEqual([]);
    }
    const allowed = new Set(rows.map((row) => `${row.from_state} ${row.to_state}`));
    const { batchId } = await pay(t.node, await payees(t.node, 1), { amount: '0.50' });
    for (const state of states) {
      if (state === 'completed' || allowed.has(`completed ${state}`)) continue;
      const move = sql`update batch set state = ${state} where id = ${batchId}`.execute(db);
      await expect(move).rejects.toMatchObject({ code: '23001' });
    }
  });

  it('[PAY-6.1-b][PAY-6.10] shows where it is stuck, and each step waits for the one before', async () => {
    t.bank.fate = () => 'lost';
    t.bank.answersQuestions = false;
    const batchId = await handOver(t.node, await payees(t.node, 4), { amount: '2.75' });
    await approve(t.node, batchId);
    await reaches(t.node, batchId, 'processing');
    const stuck = async () =>
      (await instructionsOf(t.node, batchId)).filter((row) => row.state === 'unknown');
    await expect.poll(async () => (await stuck()).length).toBe(2);
    await expect
      .poll(async () => (await t.admin.getBatch({ params: { batchId } })).body.subBatches)
      .toEqual([
        { rail: 'bank', railName: 'Bank', count: 1, settled: 0, instructions: 2 },
        { rail: 'wallets', railName: 'Wallets', count: 1, settled: 1, instructions: 2 },
      ]);
    const [row] = await stuck();
    const { body } = await t.admin.getInstruction({
      params: { instructionId: row?.instructionId as string },
    });
    expect(body.attempts).toMatchObject([{ number: 1, state: 'unknown' }]);
    t.bank.fate = () => 'completed';
    t.bank.answersQuestions = true;
    const run = await reaches(t.node, batchId, ...over);
    expect(run.state).toBe('completed');
    const at = new Map(run.history.map((one) => [one.to, Date.parse(one.at)]));
    const order = ['received', 'awaiting-approval', 'approved', 'authorised', 'processing'].map((one) =>
      at.get(one),
    );
    expect(order).toEqual([...order].sort());
    expect(Date.parse(body.attempts[0]?.sentAt as string)).toBeGreaterThanOrEqual(
      at.get('processing') as number,
    );
  });

  it('[PAY-6.9-d][PAY-6.1-i] waits in a queue, which no more senders than configured work off, in order', async () => {
    const rail = await startRail();
    let now = 0;
    let most = 0;
    const narrow = await startTreasury(
      { dispatchWorkers: 2 },
      {
        providers: {
          [bankService]: async (request) => {
            const counts = request.path.startsWith('/transfer-batches');
            if (counts) now += 1;
            most = Math.max(most, now);
            const answer = await forward(rail.url, request);
            if (counts) now -= 1;
            return answer;
          },
        },
      },
    );
    await narrow.admin.putRail({
      params: { railId: 'bank' },
      body: {
        adapter: 'bank',
        service: bankService,
        name: 'Bank',
        modalities: ['00'],
        currencies: ['USD'],
        isDefault: true,
        batchSize: 1,
        concurrency: 8,
      },
    });
    const ids = (await payees(narrow.node, 12)).filter((_id, index) => index % 2 === 0);
    const runs = await Promise.all(
      ['1.00', '2.00', '3.00'].map((amount) => handOver(narrow.node, ids, { amount })),
    );
    for (const run of runs) await approve(narrow.node, run);
    for (const run of runs) expect((await reaches(narrow.node, run, ...over)).state).toBe('completed');
    expect(most).toBeLessThanOrEqual(2);
    expect(rail.credited.size).toBe(18);
    expect(await brokenBooks(narrow.node)).toEqual([]);
    await narrow.stop();
    await rail.stop();
  });
});

it('the books hold', async () => {
  expect(await brokenBooks(t.node)).toEqual([]);
});

it('[PAY-6.13-c] a report comes to its end while runs go on changing', async () => {
  const db = t.node.database('payments');
  // Whatever is translated is due again at once.
  await sql`
    create function test_due_again() returns trigger language plpgsql as $$
    begin
      insert into reporting_due (batch_id) values (new.batch_id);
      return null;
    end $$`.execute(db);
  await sql`
    create trigger test_due_again after insert on reporting.run
      for each row execute function test_due_again()`.execute(db);
  try {
    const [payee = ''] = await payees(t.node, 1);
    await pay(t.node, [payee], { amount: '1.25' });
    const [line] = await report({ by: 'source', currency: 'USD' });
    expect(line?.completed).toBeGreaterThan(0);
    const { rows } = await sql`select from reporting_due`.execute(db);
    expect(rows.length).toBeGreaterThan(0);
  } finally {
    await sql`drop trigger test_due_again on reporting.run`.execute(db);
    await sql`drop function test_due_again`.execute(db);
  }
});
