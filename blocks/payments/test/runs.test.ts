import type { CallFailed } from '@govstack/platform';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../src/tables.ts';
import {
  adminOf,
  apiOf,
  application,
  approve,
  approver,
  available,
  brokenBooks,
  handOver,
  instructionsOf,
  ministry,
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
import { cancel as cancelVouchers, order, voucherAdminOf } from './fixtures/vouchers.ts';

let t: Treasury;
beforeAll(async () => {
  t = await startTreasury({ subBatchSize: 5 });
});
afterAll(() => t.stop());

const errorsOf = (error: CallFailed): { pointer?: string; detail: string }[] =>
  (error.problem as { errors?: { pointer?: string; detail: string }[] }).errors ?? [];

const batches = async (): Promise<number> =>
  (await t.admin.listBatches({ query: { sourceId: programme.sourceId, limit: 500 } })).body.items.length;

describe('a run', () => {
  it('[PAY-5.3.1-i][PAY-5.3.4-a][PAY-5.3.4-g][PAY-8.1.4-a][PAY-9.1.3-a] is split by rail, paid to each account once, and every cent is explained', async () => {
    const ids = await payees(t.node, 12);
    const before = Number(await available(t.node));
    const run = await pay(t.node, ids);
    expect(run.state).toBe('completed');
    expect(run.totals).toEqual([{ state: 'completed', count: 12, amount: '150.00' }]);
    expect(run.subBatches.map((one) => [one.rail, one.railName])).toEqual([
      ['bank', 'Bank'],
      ['wallets', 'Wallets'],
    ]);
    expect(run.subBatches.map((one) => [one.count, one.instructions])).toEqual([
      [2, 6],
      [2, 6],
    ]);
    const rows = await instructionsOf(t.node, run.batchId);
    for (const row of rows) {
      const rail = row.rail === 'bank' ? t.bank : t.wallets;
      expect(rail.credited.get(row.instructionId)).toMatchObject({ amount: '12.50', times: 1 });
    }
    expect(Number(await available(t.node))).toBeCloseTo(before - 150, 2);
    const { content } = (await t.admin.getCertificate({ params: { batchId: run.batchId } })).body;
    expect(content.moneyIn).toBe(content.moneyOut);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-d][PAY-5.3.3-e][PAY-5.3.4-h][PAY-8.1.4-c] tells counts, sums and the ISO 20022 status of each payment', async () => {
    const ids = await payees(t.node, 4);
    const lost = ids[0] as string;
    t.bank.fate = ({ address }) => (address.endsWith(lost.slice(2)) ? { rejected: 'AC04' } : 'completed');
    const { batchId } = await pay(t.node, ids);
    t.bank.fate = () => 'completed';
    const { body: status } = await t.api.getBatchStatus({ query: { batchId } });
    expect(status).toMatchObject({
      TotalTransactions: 4,
      completed: 3,
      failed: 1,
      ongoing: 0,
      completed_amount: 37.5,
      failed_amount: 12.5,
      note: 'partially-completed',
    });
    const { body: details } = await t.api.getBatchDetails({ query: { batchId }, headers: {} });
    expect(details.map((one) => one.statusDetail).sort()).toEqual(['ACCC', 'ACCC', 'ACCC', 'RJCT']);
    expect(details.find((one) => one.payeePartyId === lost)).toMatchObject({ errorInformation: 'AC04' });
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-8.1.4-a] handed over again is the same run, with other content it is refused', async () => {
    const ids = await payees(t.node, 2);
    const first = await handOver(t.node, ids, { id: 'same' });
    const again = await Promise.all([1, 2, 3].map(() => handOver(t.node, ids, { id: 'same' })));
    expect(new Set(again)).toEqual(new Set([first]));
    expect((await refusal(handOver(t.node, ids, { id: 'same', amount: '13.00' }))).status).toBe(409);
  });

  it.each<[string, string, (row: Record<string, unknown>) => object, RegExp]>([
    ['PAY-5.3.1-g', 'an amount of zero', (row) => ({ ...row, amount: '0.00' }), /more than zero/],
    ['PAY-5.3.1-g', 'a fraction of a cent', (row) => ({ ...row, amount: '1.005' }), /more decimals/],
    ['PAY-5.3.1-g', 'a negative amount', (row) => ({ ...row, amount: '-1.00' }), /positive decimal/],
    ['PAY-5.4-b', 'an unknown currency', (row) => ({ ...row, currency: 'ZZZ' }), /one batch per currency/],
    [
      'PAY-5.3.4-f',
      'an account number in place of the payee',
      (row) => ({ ...row, creditParty: [{ key: 'accountId', value: 'US64SVBK1' }] }),
      /functionalId alone/,
    ],
    [
      'PAY-5.3.4-f',
      'an account number beside the payee',
      (row) => ({
        ...row,
        creditParty: [
          { key: 'functionalId', value: 'P-1' },
          { key: 'accountId', value: 'US64SVBK1' },
        ],
      }),
      /functionalId alone/,
    ],
  ])('[%s] with %s is refused as a whole, naming the row', async (_id, _what, spoil, detail) => {
    const ids = await payees(t.node, 2);
    const known = await batches();
    const row = (value: string | undefined) => ({
      requestId: `x-${value}`,
      creditParty: [{ key: 'functionalId', value: value as string }],
      amount: '5.00',
      currency: 'USD',
    });
    const refused = await refusal(
      t.api.batchTransactions({
        query: {},
        headers: { 'x-correlationid': `faulty-${ids[0]}`, 'x-program-id': programme.programmeId },
        body: [row(ids[0]), spoil(row(ids[1])) as never],
      }),
    );
    expect(refused.status).toBe(400);
    expect(errorsOf(refused)[0]?.pointer).toMatch(/^\/1\//);
    expect(errorsOf(refused)[0]?.detail).toMatch(detail);
    expect(await batches()).toBe(known);
  });

  it('[PAY-5.3.4-d] with a payment twice is not processed, and the duplicates are named', async () => {
    const [one = '', two = ''] = await payees(t.node, 2);
    const known = await batches();
    const refused = await refusal(handOver(t.node, [one, two, one]));
    expect(refused.status).toBe(400);
    expect(errorsOf(refused).map((error) => error.pointer)).toEqual(['/2/requestId', '/2']);
    const other = t.api.batchTransactions({
      query: {},
      headers: { 'x-correlationid': 'twice', 'x-program-id': programme.programmeId },
      body: ['a', 'b'].map((requestId) => ({
        requestId,
        creditParty: [{ key: 'functionalId', value: one }],
        amount: '5.00',
        currency: 'USD',
      })),
    });
    expect(errorsOf(await refusal(other))[0]?.detail).toContain('same payee and amount as row 0');
    expect(await batches()).toBe(known);
  });

  it('[PAY-5.1.6][PAY-6.1-h][PAY-6.9-f][PAY-6.9-i] leaves out who is not registered, and whom the bank would refuse, and says so', async () => {
    const ids = await payees(t.node, 4);
    const closed = ids[2] as string;
    t.bank.invalid = (address) => (address.endsWith(closed.slice(2)) ? 'AC04' : undefined);
    const run = await pay(t.node, [...ids, 'nobody']);
    t.bank.invalid = () => undefined;
    const rows = await instructionsOf(t.node, run.batchId);
    const reasons = Object.fromEntries(rows.map((row) => [row.payeeIdentity, row.reasonCode ?? row.state]));
    expect(reasons).toEqual({
      [ids[0] as string]: 'completed',
      [ids[1] as string]: 'completed',
      [closed]: 'AC04',
      [ids[3] as string]: 'completed',
      nobody: 'payee-not-registered',
    });
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-9.1.2] can be checked beforehand without paying anybody', async () => {
    const ids = await payees(t.node, 2);
    const credited = t.bank.credited.size + t.wallets.credited.size;
    await t.api.prepaymentValidation({
      headers: {},
      body: {
        requestID: 'v-1',
        batchID: 'check-1',
        creditInstructions: [...ids, 'nobody'].map((payeeFunctionalID) => ({
          instructionID: `v-${payeeFunctionalID}`,
          payeeFunctionalID,
          amount: '3.00',
          currency: 'USD',
        })),
      },
    });
    await expect
      .poll(async () => (await t.api.getPrepaymentValidation({ params: { batchID: 'check-1' } })).body, {
        timeout: 30_000,
      })
      .toMatchObject({
        state: 'validated',
        failedAccounts: [{ instructionID: 'v-nobody', failureReason: 'payee-not-registered' }],
      });
    expect(t.bank.credited.size + t.wallets.credited.size).toBe(credited);
  });

  it('[PAY-5.3.1-h] can be set for a later time; until then nothing leaves', async () => {
    const ids = await payees(t.node, 2);
    const batchId = await handOver(t.node, ids, { amount: '7.00', notBefore: 1500 });
    await approve(t.node, batchId);
    const waiting = await reaches(t.node, batchId, 'authorised');
    expect(waiting.subBatches).toEqual([]);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
  });

  it('that looks like another recent one waits for an explicit word', async () => {
    const ids = await payees(t.node, 2);
    await pay(t.node, ids, { amount: '9.00' });
    const batchId = await handOver(t.node, ids, { amount: '9.00' });
    const { possibleDuplicates } = await reaches(t.node, batchId, 'awaiting-approval');
    expect(possibleDuplicates).toBe(2);
    expect((await refusal(approve(t.node, batchId))).status).toBe(409);
    await approve(t.node, batchId, true);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
  });
});

describe('approval', () => {
  const waiting = async () => {
    const batchId = await handOver(t.node, await payees(t.node, 2));
    return reaches(t.node, batchId, 'awaiting-approval');
  };
  const decide = async (
    run: { readonly batchId: string; readonly contentHash?: string },
    person: { readonly id: string; readonly roles?: string[]; readonly agency?: string },
    contentHash = run.contentHash as string,
  ) =>
    t.admin.approveBatch({
      params: { batchId: run.batchId },
      body: { contentHash },
      personToken: await t.node.token(person),
    });

  it('[PAY-5.3.1-f][PAY-6.1-p] comes from a second person with the role, of the right agency, who saw the content', async () => {
    const run = await waiting();
    const roles = ['payment-approver'];
    expect((await refusal(decide(run, { id: 'maker-1', roles, agency: treasury }))).status).toBe(403);
    expect((await refusal(decide(run, { id: 'a', roles: ['officer'], agency: treasury }))).status).toBe(403);
    expect((await refusal(decide(run, { id: 'a', roles, agency: 'TEST/GOV/OTHER' }))).status).toBe(403);
    expect((await refusal(decide(run, { id: 'a', roles }))).status).toBe(403);
    expect((await refusal(decide(run, { id: 'a', roles, agency: treasury }, '0'.repeat(64)))).status).toBe(
      409,
    );
    expect((await adminOf(t.node).getBatch({ params: { batchId: run.batchId } })).body.state).toBe(
      'awaiting-approval',
    );
    expect((await decide(run, { id: 'a', roles, agency: ministry })).status).toBe(200);
    const done = await reaches(t.node, run.batchId, ...over);
    expect(done.approval).toMatchObject({ decision: 'approved', person: 'a', agency: ministry });
  });

  it('[PAY-5.3.1-f] of two persons at the same moment: one counts, money is reserved once', async () => {
    const run = await waiting();
    const before = Number(await available(t.node));
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c', 'a'].map((id) => decide(run, { id, roles: ['payment-approver'], agency: treasury })),
    );
    const persons = new Set(
      outcomes.flatMap((one, index) => (one.status === 'fulfilled' ? [['a', 'b', 'c', 'a'][index]] : [])),
    );
    expect(persons.size).toBe(1);
    await reaches(t.node, run.batchId, ...over);
    expect(Number(await available(t.node))).toBeCloseTo(before - 25, 2);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('can be refused with a reason; then nothing is paid, nobody can approve, and the source is told', async () => {
    const run = await waiting();
    const personToken = await approver(t.node);
    const body = { contentHash: run.contentHash as string, reason: 'Wrong month' };
    await t.admin.rejectBatch({ params: { batchId: run.batchId }, body, personToken });
    expect((await refusal(approveAgain(run, personToken))).status).toBe(409);
    const rows = await instructionsOf(t.node, run.batchId);
    expect(rows.map((row) => row.state)).toEqual(['cancelled', 'cancelled']);
    await expect
      .poll(() =>
        t.node.published.find(
          (event) => event.type === 'payments.batch-completed.v1' && event.subject === run.batchId,
        ),
      )
      .toMatchObject({ data: { state: 'rejected', completedCount: 0 } });
  });
  const approveAgain = (run: { batchId: string; contentHash?: string }, personToken: string) =>
    t.admin.approveBatch({
      params: { batchId: run.batchId },
      body: { contentHash: run.contentHash as string },
      personToken,
    });

  it('[PAY-6.12-h] what was handed over, decided or booked cannot be changed behind the block’s back', async () => {
    const { batchId } = await pay(t.node, await payees(t.node, 2));
    const db = t.node.database('payments');
    for (const change of [
      sql`update instruction set amount = amount * 100 where batch_id = ${batchId}`,
      sql`delete from instruction where batch_id = ${batchId}`,
      sql`update approval set person = 'somebody' where batch_id = ${batchId}`,
      sql`delete from approval where batch_id = ${batchId}`,
      sql`update ledger_transfer set amount = amount + 1 where batch_id = ${batchId}`,
      sql`delete from ledger_transfer where batch_id = ${batchId}`,
      sql`truncate ledger_transfer cascade`,
      sql`update certificate set content = '{}' where batch_id = ${batchId}`,
      sql`update batch set state = 'awaiting-approval' where id = ${batchId}`,
    ])
      await expect(change.execute(db)).rejects.toThrow();
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});

describe('money', () => {
  it('[PAY-5.1.7][PAY-6.16.1-a] that is not there holds the run; when it is released, the run goes on', async () => {
    const poor = { sourceId: programme.sourceId, programmeId: 'poor' };
    await t.admin.putProgramme({
      params: poor,
      body: { name: 'Poor', agency: ministry, currency: 'USD', fundingAccount: 'US00TREASURY02' },
    });
    const ids = await payees(t.node, 2);
    const batchId = await handOver(t.node, ids, { amount: '10.00', programmeId: poor.programmeId });
    await approve(t.node, batchId);
    expect(await reaches(t.node, batchId, 'held')).toMatchObject({ reason: 'insufficient-budget' });
    const release = { reference: 'r-1', amount: '20.00', currency: 'USD' };
    await t.admin.releaseBudget({ params: poor, body: release });
    await t.admin.releaseBudget({ params: poor, body: release });
    expect(
      (await refusal(t.admin.releaseBudget({ params: poor, body: { ...release, amount: '21.00' } }))).status,
    ).toBe(409);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    const { body: left } = await t.admin.getProgramme({ params: poor });
    expect(left.available).toBe('0.00');
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.1.7] that comes at the moment at which a run is held lets it go on', async () => {
    const params = { sourceId: programme.sourceId, programmeId: 'late' };
    await t.admin.putProgramme({
      params,
      body: { name: 'Late', agency: ministry, currency: 'USD', fundingAccount: 'US00TREASURY02' },
    });
    const batchId = await handOver(t.node, await payees(t.node, 2), {
      amount: '10.00',
      programmeId: params.programmeId,
    });
    await reaches(t.node, batchId, 'awaiting-approval');
    const db = t.node.database('payments') as unknown as Db;
    const waiting = async (lock: ReturnType<typeof sql>) =>
      (
        await sql`
          select
          from pg_locks
          join pg_stat_activity a using (pid)
          where a.datname = current_database() and not granted and ${lock}`.execute(db)
      ).rows.length > 0;
    let released = false;
    const both = await db.transaction().execute(async (other) => {
      // Nobody can write down that a run moves: the approval stops between its look at the money and the holding.
      await sql`lock table batch_event in share mode`.execute(other);
      const approving = approve(t.node, batchId);
      await expect.poll(() => waiting(sql`relation = 'batch_event'::regclass`)).toBe(true);
      const releasing = t.admin
        .releaseBudget({ params, body: { reference: 'r-1', amount: '20.00', currency: 'USD' } })
        .finally(() => {
          released = true;
        });
      await expect
        .poll(async () => released || (await waiting(sql`locktype in ('transactionid', 'tuple')`)))
        .toBe(true);
      return [approving, releasing];
    });
    await Promise.all(both);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.1.7] that another run or a voucher gives back lets a held run go on', async () => {
    const params = { sourceId: programme.sourceId, programmeId: 'shared' };
    await t.admin.putProgramme({
      params,
      body: { name: 'Shared', agency: ministry, currency: 'USD', fundingAccount: 'US00TREASURY02' },
    });
    const release = { reference: 's-1', amount: '20.00', currency: 'USD' };
    await t.admin.releaseBudget({ params, body: release });
    await voucherAdminOf(t.node).putVoucherGroup({
      params: { sourceId: programme.sourceId, groupCode: 'SHA' },
      body: {
        programmeId: 'shared',
        name: 'Shared',
        validitySeconds: 86_400,
        onDemand: true,
        variableAmounts: true,
      },
    });
    const issued = await order(t.node, 1, { groupCode: 'SHA', amount: '20.00' });
    const more = { amount: '10.00', programmeId: params.programmeId };
    const held = async (notBefore?: number) => {
      const ids = await payees(t.node, 2);
      const batchId = await handOver(t.node, ids, { ...more, ...(notBefore ? { notBefore } : {}) });
      await approve(t.node, batchId);
      await reaches(t.node, batchId, 'held');
      return batchId;
    };
    const first = await held(3_600_000);
    await cancelVouchers(t.node, issued);
    await reaches(t.node, first, 'authorised');
    const second = await held();
    await t.admin.cancelBatch({
      params: { batchId: first },
      body: { reason: 'The other one first' },
      personToken: await approver(t.node),
    });
    expect((await reaches(t.node, second, ...over)).state).toBe('completed');
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-9.1.3-a] is asked for at the payer bank; its no holds the run until somebody resumes it', async () => {
    t.bank.covers = () => false;
    const batchId = await handOver(t.node, await payees(t.node, 2));
    await approve(t.node, batchId);
    expect(await reaches(t.node, batchId, 'held')).toMatchObject({ reason: 'refused-by-payer-bank' });
    t.bank.covers = () => true;
    await t.admin.resumeBatch({ params: { batchId }, personToken: await approver(t.node) });
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
  });

  it('[PAY-6.16.1-a] one payment above the programme’s ceiling refuses the run as a whole', async () => {
    const known = await batches();
    const refused = await refusal(handOver(t.node, await payees(t.node, 2), { amount: '500.01' }));
    expect(refused.status).toBe(400);
    expect(await batches()).toBe(known);
    const run = await pay(t.node, await payees(t.node, 2), { amount: '500.00' });
    expect(run.state).toBe('completed');
  });
});

describe('who may ask', () => {
  it('[PAY-6.4-a][PAY-9.1.1-b] an application that is no registered source is refused', async () => {
    const stranger = apiOf(t.node, 'TEST/GOV/OTHER/app');
    const refused = stranger.batchTransactions({
      query: {},
      headers: { 'x-correlationid': 'foreign' },
      body: [
        {
          requestId: '1',
          creditParty: [{ key: 'functionalId', value: 'P-1' }],
          amount: '1.00',
          currency: 'USD',
        },
      ],
    });
    expect((await refusal(refused)).status).toBe(403);
  });

  it('[PAY-6.14-c] runs of another source look as if they did not exist; settings are the treasury’s', async () => {
    const batchId = await handOver(t.node, await payees(t.node, 1));
    const other = 'TEST/GOV/OTHER/payroll';
    await t.admin.putSource({
      params: { sourceId: 'payroll' },
      body: { application: other, name: 'Payroll', institutionId: 'OTHER' },
    });
    expect((await refusal(apiOf(t.node, other).getBatchStatus({ query: { batchId } }))).status).toBe(404);
    expect((await refusal(adminOf(t.node, other).getBatch({ params: { batchId } }))).status).toBe(404);
    expect((await refusal(adminOf(t.node, source).listRails({}))).status).toBe(403);
    expect(
      (
        await refusal(
          adminOf(t.node, source).releaseBudget({
            params: programme,
            body: { reference: 'mine', amount: '1000000.00', currency: 'USD' },
          }),
        )
      ).status,
    ).toBe(403);
    expect(application).toContain('payments');
  });

  it('[PAY-6.4-a] a source acts for its own institution only', async () => {
    const foreign = t.api.getBeneficiary({
      query: { payeeIdentity: 'P-1', requestId: 'q' },
      headers: { 'x-registering-institution-id': 'SOMEBODY' },
    });
    expect((await refusal(foreign)).status).toBe(403);
  });
});
