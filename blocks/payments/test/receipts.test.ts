import { testAdminUrl } from '@govstack/platform/testing';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../src/tables.ts';
import { officers } from './fixtures/officers.ts';
import {
  adminOf,
  apiOf,
  approve,
  brokenBooks,
  instructionsOf,
  ministry,
  noticesOf,
  oversightOf,
  pay,
  payees,
  programme,
  source,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
let people: ReturnType<typeof officers>;
beforeAll(async () => {
  t = await startTreasury({ noticeOverdueSeconds: 1 });
  people = officers(t.node);
  await t.admin.putSource({
    params: { sourceId: programme.sourceId },
    body: {
      application: source,
      name: 'Cash transfer',
      institutionId: 'MSP',
      callbackService: `${source}/results-v1`,
      callbackPath: '/results',
    },
  });
});
afterAll(() => t.stop());

const portal = 'TEST/GOV/DGA/portal';
const receiptOf = async (instructionId: string, as = source) =>
  (await oversightOf(t.node, as).getReceipt({ params: { instructionId } })).body;

describe('a receipt', () => {
  it('[PAY-5.3.1-c][PAY-6.7-a] is made for each payment that is completed, and for no other', async () => {
    const ids = await payees(t.node, 6);
    const lost = ids[2] as string;
    t.bank.fate = ({ address }) => (address.endsWith(lost.slice(2)) ? { rejected: 'AC04' } : 'completed');
    const run = await pay(t.node, ids, { amount: '11.25' });
    t.bank.fate = () => 'completed';
    const numbers = new Set<string>();
    for (const row of await instructionsOf(t.node, run.batchId)) {
      if (row.payeeIdentity === lost) {
        await expect(receiptOf(row.instructionId)).rejects.toMatchObject({ status: 404 });
        continue;
      }
      const receipt = await receiptOf(row.instructionId);
      numbers.add(receipt.receiptNumber);
      expect(receipt).toMatchObject({
        transactionId: row.instructionId,
        requestId: row.requestId,
        batchId: run.batchId,
        amount: '11.25',
        currency: 'USD',
        rail: row.rail,
        returned: false,
        payer: {
          sourceId: programme.sourceId,
          programme: 'Cash transfer',
          agency: ministry,
          institution: 'MSP',
        },
      });
      expect(receipt.hash).toMatch(/^[0-9a-f]{64}$/);
      expect(Math.abs(Date.parse(receipt.paidAt) - Date.now())).toBeLessThan(60_000);
    }
    expect(numbers.size).toBe(5);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-c] says what the payment was for, stays when the programme is renamed, and tells when the money came back', async () => {
    const [payee = ''] = await payees(t.node, 1);
    const { body } = await apiOf(t.node).batchTransactions({
      query: {},
      headers: { 'x-correlationid': 'why', 'x-program-id': programme.programmeId, 'x-initiator': 'maker-1' },
      body: [
        {
          requestId: 'why-1',
          creditParty: [{ key: 'functionalId', value: payee }],
          amount: '5.00',
          currency: 'USD',
          descriptionText: 'Child benefit March',
        },
      ],
    });
    await approve(t.node, body.batchId);
    const [row] = await instructionsOf(t.node, body.batchId);
    const instructionId = row?.instructionId as string;
    await expect.poll(() => receiptOf(instructionId).catch(() => undefined)).toBeDefined();
    const before = await receiptOf(instructionId);
    expect(before.reason).toBe('Child benefit March');
    await noticesOf(t.node, 'TEST/COM/BANK/rail').postTransferResults({
      body: {
        eventId: 'back-1',
        results: [{ reference: instructionId, status: 'returned', reasonCode: 'AC04' }],
      },
    });
    const after = await receiptOf(instructionId);
    expect(after).toEqual({ ...before, returned: true });
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-c][PAY-5.3.1-e][PAY-6.1-d] is read by its source, its officers and its payee, and by nobody else', async () => {
    const citizens = ['citizen-a', 'citizen-b'];
    await apiOf(t.node).registerBeneficiary({
      headers: {},
      body: {
        requestID: 'citizens',
        beneficiaries: citizens.map((payeeIdentity, index) => ({
          payeeIdentity,
          paymentModality: '00',
          financialAddress: `77000000000${index}`,
        })),
      },
    });
    const run = await pay(t.node, citizens, { amount: '3.00' });
    const rows = await instructionsOf(t.node, run.batchId);
    const of = (id: string) => rows.find((row) => row.payeeIdentity === id)?.instructionId as string;
    const through = oversightOf(t.node, portal);
    const mine = await people.citizen('citizen-a');
    expect(
      (await through.getReceipt({ params: { instructionId: of('citizen-a') }, personToken: mine })).body
        .amount,
    ).toBe('3.00');
    await expect(
      through.getReceipt({ params: { instructionId: of('citizen-b') }, personToken: mine }),
    ).rejects.toMatchObject({ status: 404 });
    const list = (body: object, as = through, personToken?: string) =>
      as.listPayeeReceipts({
        body: { sourceId: programme.sourceId, ...body },
        ...(personToken === undefined ? {} : { personToken }),
      });
    expect((await list({}, through, mine)).body.items.map((one) => one.transactionId)).toEqual([
      of('citizen-a'),
    ]);
    await expect(list({ payeeIdentity: 'citizen-b' }, through, mine)).rejects.toMatchObject({ status: 404 });
    await expect(list({ payeeIdentity: 'citizen-b' })).rejects.toMatchObject({ status: 404 });
    // The service's application asks for its own payees, as the portal does in its name.
    expect((await list({ payeeIdentity: 'citizen-b' }, oversightOf(t.node, source))).body.items).toHaveLength(
      1,
    );
    const manager = await people.manager();
    expect((await list({ payeeIdentity: 'citizen-b' }, through, manager)).body.items).toHaveLength(1);
    const foreign = await t.node.token({ id: 'x', roles: ['programme-manager'], agency: 'TEST/GOV/OTHER' });
    await expect(list({ payeeIdentity: 'citizen-b' }, through, foreign)).rejects.toMatchObject({
      status: 404,
    });
  });

  it('[PAY-6.14-e][PAY-6.1-d] is acknowledged by each party once, for exactly what it says', async () => {
    const run = await pay(t.node, await payees(t.node, 1), { amount: '4.00' });
    const [row] = await instructionsOf(t.node, run.batchId);
    const params = { instructionId: row?.instructionId as string };
    const { hash } = await receiptOf(params.instructionId);
    const own = oversightOf(t.node, source);
    await expect(own.acknowledgeReceipt({ params, body: { hash: '0'.repeat(64) } })).rejects.toMatchObject({
      status: 409,
    });
    await Promise.all([1, 2].map(() => own.acknowledgeReceipt({ params, body: { hash } })));
    const { body } = await own.acknowledgeReceipt({ params, body: { hash, forPayee: true } });
    expect(body.acknowledgements.map((one) => one.party)).toEqual(['source', 'payee']);
  });

  it('[PAY-5.3.1-c] cannot be changed; one that was shows', async () => {
    const db = t.node.database('payments') as unknown as Db;
    await expect(sql`update receipt set amount = 1`.execute(db)).rejects.toMatchObject({ code: '23001' });
    await expect(sql`delete from receipt`.execute(db)).rejects.toMatchObject({ code: '23001' });
    const url = new URL(testAdminUrl());
    url.pathname = `/${t.node.databasePrefix}payments`;
    const intruder = new pg.Client({ connectionString: url.href });
    await intruder.connect();
    await intruder.query('alter table receipt disable trigger user');
    for (const [change, back] of [
      [
        "payer = jsonb_set(payer, '{agency}', '\"X\"')",
        `payer = jsonb_set(payer, '{agency}', '"${ministry}"')`,
      ],
      ['amount = amount + 1', 'amount = amount - 1'],
    ]) {
      const at = 'where number = (select min(number) from receipt)';
      await intruder.query(`update receipt set ${change} ${at}`);
      expect((await brokenBooks(t.node)).join()).toMatch(/one receipt/);
      await intruder.query(`update receipt set ${back} ${at}`);
    }
    await intruder.query('alter table receipt enable trigger user');
    await intruder.end();
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});

describe('what was sent', () => {
  it('[PAY-6.1-d][PAY-6.1-ac][PAY-6.7-b] is kept as a copy, and who waits for what is seen', async () => {
    const run = await pay(t.node, await payees(t.node, 2), { amount: '2.50' });
    const own = oversightOf(t.node, source);
    const [notice] = (await own.listNotices({ query: { limit: 1 } })).body.items;
    expect(notice).toMatchObject({ sourceId: programme.sourceId, kind: 'batch-status' });
    const { body } = await own.getNotice({ params: { noticeId: notice?.noticeId as string } });
    expect(body.body).toMatchObject({ batchId: run.batchId, completed: 2, completed_amount: 5 });
    expect(Date.parse(body.createdAt)).toBeLessThanOrEqual(Date.now() + 1000);
    // Nobody serves the callback: what is due for longer than configured is overdue.
    await expect
      .poll(
        async () =>
          (await own.listNotices({ query: { overdue: true } })).body.items.map((one) => one.noticeId),
        {
          timeout: 30_000,
        },
      )
      .toContain(notice?.noticeId);
    const { payload } = await t.node.server('payments').inject({ method: 'GET', url: '/metrics' });
    expect(payload).toMatch(/govstack_payments_notices_overdue [1-9]/);
    const stranger = oversightOf(t.node, portal);
    const params = { noticeId: notice?.noticeId as string };
    await expect(
      stranger.getNotice({ params, personToken: await people.citizen('x') }),
    ).rejects.toMatchObject({ status: 404 });
    expect((await stranger.getNotice({ params, personToken: await people.auditor() })).status).toBe(200);
    const { items } = (
      await oversightOf(t.node).listAuditEntries({ query: { component: 'notices', action: 'read' } })
    ).body;
    expect(items).toHaveLength(1);
  });

  it('[PAY-5.3.1-e] a source sees the details of each of its own payments', async () => {
    const run = await pay(t.node, await payees(t.node, 2), { amount: '1.75' });
    const rows = (
      await adminOf(t.node, source).listInstructions({ params: { batchId: run.batchId }, query: {} })
    ).body.items;
    expect(rows).toHaveLength(2);
    for (const row of rows) expect((await receiptOf(row.instructionId)).amount).toBe('1.75');
  });
});
