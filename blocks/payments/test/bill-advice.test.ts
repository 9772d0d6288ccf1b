import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { checkInvariants } from '../src/ledger/invariants.ts';
import type { Db } from '../src/tables.ts';
import {
  type BillCountry,
  bank,
  bill,
  biller,
  casesOf,
  inquire,
  onboard,
  outsideTheContract,
  p2gOf,
  pay,
  requestId,
  startBillCountry,
  statusOf,
  told,
  wallet,
} from './fixtures/bills.ts';
import { brokenBooks, refusal } from './fixtures/treasury.ts';

let c: BillCountry;
beforeAll(async () => {
  c = await startBillCountry();
});
afterEach(() => {
  c.biller.advice = async () => 'usual';
});
afterAll(async () => {
  expect(await brokenBooks(c.node)).toEqual([]);
  expect(outsideTheContract(c)).toEqual([]);
  await c.stop();
});

let references = 0;
const reference = (): string => {
  references += 1;
  return `PAY-${references}`;
};
const answerTo = (id: string, program = c.bank) =>
  told(program, '/billTransferRequests', (one) => one.requestId === id);
const advise = (
  billId: string,
  inquiryId: string,
  paymentReferenceID: string,
  more: { as?: string; id?: string; amount?: string | number } = {},
) =>
  p2gOf(c.node, more.as ?? bank).billTransferRequest({
    headers: {},
    body: {
      requestId: more.id ?? requestId(),
      billInquiryRequestId: inquiryId,
      billId,
      paymentReferenceID,
      ...(more.amount === undefined ? {} : { amount: more.amount }),
    },
  });

describe('the advice of a payment', () => {
  it('[PAY-8.3.3][PAY-6.16.3-a][PAY-6.16.3-f] reaches the biller, and its answer the institution', async () => {
    const billId = bill(c);
    const paid = reference();
    const id = await pay(c, billId, paid);
    expect(await answerTo(id)).toEqual({ requestId: id, billId, status: 'ACK' });
    expect(c.biller.marked.get(paid)).toEqual({ billId, times: 1 });
    expect(await statusOf(c, paid)).toMatchObject({ status: 'ACK', amount: '125.50', currency: 'USD' });
  });

  it('[PAY-8.5] of a business is taken in the same way, in any published spelling', async () => {
    const billId = bill(c, { amountonDueDate: '90000.01' });
    const inquiryId = await inquire(c, billId);
    const paid = reference();
    await p2gOf(c.node, bank).billTransferRequest({
      headers: { 'x-correlationid': 'b2g', 'x-platform-tenantid': 'lumora', 'x-payerfi-id': 'BANK' },
      body: {
        requestID: requestId(),
        BillInquiryRequestID: inquiryId,
        'Bill ID': billId,
        PaymentReferenceID: paid,
      } as never,
    });
    await expect.poll(async () => (await statusOf(c, paid)).status).toBe('ACK');
    expect(await statusOf(c, paid)).toMatchObject({ amount: '90000.01' });
  });

  it('[PAY-9.3.3] is repeated until the biller answers; the institution is told once, then', async () => {
    const billId = bill(c);
    let refusals = 4;
    c.biller.advice = async () => {
      refusals -= 1;
      return refusals >= 0 ? (refusals % 2 === 0 ? undefined : { status: 503 }) : 'usual';
    };
    const paid = reference();
    const id = await pay(c, billId, paid);
    await answerTo(id);
    expect(c.biller.marked.get(paid)?.times).toBe(1);
    const sent = c.biller.received.filter((one) => one.body.PaymentReferenceID === paid);
    expect(sent).toHaveLength(5);
    expect(new Set(sent.map((one) => one.body.requestID)).size).toBe(1);
    expect(c.bank.received.filter((one) => one.body.requestId === id)).toHaveLength(1);
  });

  it('[PAY-9.3.3] survives the end of the process that took it over', async () => {
    const first = await startBillCountry();
    const billId = bill(first);
    first.biller.advice = async () => undefined;
    const paid = reference();
    const id = await pay(first, billId, paid);
    await expect
      .poll(() => first.biller.received.some((one) => one.body.PaymentReferenceID === paid))
      .toBe(true);
    await first.node.stop();
    first.biller.advice = async () => 'usual';
    const second = await startBillCountry({}, first);
    try {
      expect(await told(second.bank, '/billTransferRequests', (one) => one.requestId === id)).toMatchObject({
        status: 'ACK',
      });
      expect(await brokenBooks(second.node)).toEqual([]);
    } finally {
      await second.stop();
    }
  });

  it('answered later by POST is answered once; a second ACK is harmless, an RJC after it a case', async () => {
    const billId = bill(c);
    c.biller.advice = async () => ({ status: 202, body: { responseCode: '00' } });
    const paid = reference();
    const id = await pay(c, billId, paid);
    const asked = () => c.biller.received.find((one) => one.body.PaymentReferenceID === paid);
    await expect.poll(asked).toBeDefined();
    const own = asked()?.body.requestID as string;
    const say = (status: 'ACK' | 'RJC', as = biller) =>
      p2gOf(c.node, as).billTransferRequest({ headers: {}, body: { requestId: own, billId, status } });
    expect((await refusal(say('ACK', bank))).status).toBe(403);
    await say('ACK');
    await say('ACK');
    await say('RJC');
    expect(await answerTo(id)).toMatchObject({ status: 'ACK' });
    expect(await statusOf(c, paid)).toMatchObject({ status: 'ACK' });
    expect(c.bank.received.filter((one) => one.body.requestId === id)).toHaveLength(1);
    expect((await casesOf(c)).some((one) => one.kind === 'contradiction' && one.detail.includes(paid))).toBe(
      true,
    );
  });

  it.each([
    'Def',
    'Dup',
    'Und',
  ])('rejected with %s is told so, and a case for the refund', async (rejectReason) => {
    const billId = bill(c);
    c.biller.advice = async (message) => ({
      status: rejectReason === 'Und' ? 400 : 200,
      body: { requestId: message.body.requestID, billId, status: 'RJC', rejectReason },
    });
    const paid = reference();
    const id = await pay(c, billId, paid);
    expect(await answerTo(id)).toEqual({ requestId: id, billId, status: 'RJC', rejectReason });
    const open = (await casesOf(c)).filter((one) => one.kind === 'bill-refund');
    expect(open.filter((one) => one.detail.includes(`${paid} `))).toHaveLength(1);
    // The bill is still to be paid.
    c.biller.advice = async () => 'usual';
    expect(await answerTo(await pay(c, billId, reference()))).toMatchObject({ status: 'ACK' });
  });

  it('sent fifty times at once is one payment', async () => {
    const billId = bill(c);
    const inquiryId = await inquire(c, billId);
    const paid = reference();
    const id = requestId();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => advise(billId, inquiryId, paid, { id })),
    );
    expect(new Set(answers.map((one) => one.status))).toEqual(new Set([202]));
    await answerTo(id);
    expect(c.biller.marked.get(paid)).toEqual({ billId, times: 1 });
    const { rows } = await sql<{ count: string }>`
      select count(*) from bill_payment where payment_reference = ${paid}`.execute(
      c.node.database('payments'),
    );
    expect(rows[0]?.count).toBe('1');
  });

  it('of a bill two institutions paid counts once; the other gives the money back', async () => {
    const billId = bill(c);
    const [one, other] = await Promise.all([inquire(c, billId, bank), inquire(c, billId, wallet)]);
    const paid = reference();
    const again = reference();
    const ids = [requestId(), requestId()] as const;
    await Promise.all([
      advise(billId, one, paid, { id: ids[0] }),
      advise(billId, other, again, { as: wallet, id: ids[1] }),
    ]);
    const answers = await Promise.all([answerTo(ids[0]), answerTo(ids[1], c.wallet)]);
    expect(answers.map((answer) => answer.status).sort()).toEqual(['ACK', 'RJC']);
    expect(answers.find((answer) => answer.status === 'RJC')?.rejectReason).toBe('Dup');
    const told = [paid, again].filter((one) => c.biller.marked.has(one));
    expect(told).toHaveLength(1);
    const lost = told[0] === paid ? again : paid;
    expect((await casesOf(c)).filter((one) => one.detail.includes(`${lost} `))).toHaveLength(1);
  });

  it('under a reference or request id of another payment is refused and changes nothing', async () => {
    const billId = bill(c);
    const other = bill(c);
    const paid = reference();
    const id = await pay(c, billId, paid);
    const inquiryId = await inquire(c, other);
    expect((await refusal(advise(other, inquiryId, paid))).status).toBe(409);
    expect((await refusal(advise(other, inquiryId, reference(), { id }))).status).toBe(409);
    const same = await inquire(c, billId);
    expect((await refusal(advise(billId, same, paid, { amount: '1.00' }))).status).toBe(409);
    const { rows } = await sql<{ count: string }>`
      select count(*) from bill_payment where bill_id = ${other}`.execute(c.node.database('payments'));
    expect(rows[0]?.count).toBe('0');
  });

  it('that does not fit its inquiry is refused, naming what is wrong', async () => {
    const billId = bill(c);
    const inquiryId = await inquire(c, billId);
    const paidBill = bill(c, { billStatus: 'Z' });
    expect((await refusal(advise(bill(c), inquiryId, reference()))).status).toBe(400);
    expect((await refusal(advise(billId, 'no-such', reference()))).status).toBe(400);
    expect((await refusal(advise(billId, inquiryId, reference(), { as: wallet }))).status).toBe(400);
    expect((await refusal(advise(paidBill, await inquire(c, paidBill), reference()))).status).toBe(409);
    for (const amount of ['125.49', '125.51', '0', 1e21, '125.501'])
      expect((await refusal(advise(billId, inquiryId, reference(), { amount }))).status).toBe(400);
    const empty = await refusal(
      p2gOf(c.node, bank).billTransferRequest({ headers: {}, body: { requestId: 'x' } as never }),
    );
    expect(empty.problem?.errors).toContainEqual({ in: 'body', pointer: '/billId', detail: 'is required' });
    const twice = await refusal(
      p2gOf(c.node, bank).billTransferRequest({
        headers: {},
        body: { requestId: 'x', billId, billID: `${billId}0` } as never,
      }),
    );
    expect(twice.status).toBe(400);
  });

  it('in parts adds up at a biller that allows it', async () => {
    const parts = await onboard(c.node, { allowsPartPayment: true });
    const billId = bill(c, {}, parts.prefix);
    const inquiryId = await inquire(c, billId);
    const [one, other] = [requestId(), requestId()];
    await advise(billId, inquiryId, reference(), { amount: '25.50', id: one });
    await advise(billId, inquiryId, reference(), { amount: 100, id: other });
    expect(await answerTo(one)).toMatchObject({ status: 'ACK' });
    expect(await answerTo(other)).toMatchObject({ status: 'ACK' });
    expect((await refusal(advise(billId, inquiryId, reference(), { amount: '126' }))).status).toBe(400);
  });

  it('a silent biller becomes a case, and is told further on', async () => {
    const quiet = await startBillCountry({ adviceEscalateAfterSeconds: 0.2 });
    try {
      quiet.biller.advice = async () => ({ status: 503 });
      const paid = reference();
      const id = await pay(quiet, bill(quiet), paid);
      const silent = async () => (await casesOf(quiet)).filter((one) => one.kind === 'biller-silent');
      await expect.poll(async () => (await silent()).length).toBe(1);
      quiet.biller.advice = async () => 'usual';
      await told(quiet.bank, '/billTransferRequests', (one) => one.requestId === id);
    } finally {
      await quiet.stop();
    }
  });
});

describe('the database', () => {
  it('lets no payment go back, change or vanish', async () => {
    const db = c.node.database('payments');
    const paid = reference();
    await answerTo(await pay(c, bill(c), paid));
    for (const statement of [
      sql`update bill_payment set state = 'pending' where payment_reference = ${paid}`,
      sql`update bill_payment set amount = 1 where payment_reference = ${paid}`,
      sql`delete from bill_payment where payment_reference = ${paid}`,
      sql`delete from bill_payment_event`,
    ])
      await expect(statement.execute(db)).rejects.toThrow();
  });

  it('shows it when its guards are switched off', async () => {
    const db = c.node.database('payments') as unknown as Db;
    await sql`alter table bill_payment disable trigger bill_payment_moved`.execute(db);
    const broken = (await checkInvariants(db)).filter((one) => !one.holds).map((one) => one.id);
    await sql`alter table bill_payment enable trigger bill_payment_moved`.execute(db);
    expect(broken).toEqual(['I7']);
  });
});
