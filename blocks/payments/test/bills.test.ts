import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  adminOf,
  type BillCountry,
  bank,
  bill,
  biller,
  inquire,
  onboard,
  outsideTheContract,
  p2gOf,
  requestId,
  startBillCountry,
  told,
  wallet,
} from './fixtures/bills.ts';
import { brokenBooks, refusal } from './fixtures/treasury.ts';

let c: BillCountry;
beforeAll(async () => {
  c = await startBillCountry();
});
afterEach(() => {
  c.biller.inquiry = async () => 'usual';
});
afterAll(async () => {
  expect(await brokenBooks(c.node)).toEqual([]);
  expect(outsideTheContract(c)).toEqual([]);
  await c.stop();
});

const api = (as = bank) => p2gOf(c.node, as);
const polled = async (id: string, as = bank) =>
  (await api(as).getBillInquiry({ params: { requestId: id }, headers: {} })).body;
const answered = (billId: string, id: string) =>
  told(c.bank, `/bills/${billId}`, (one) => one.requestId === id);

describe('a bill inquiry', () => {
  it('[PAY-8.3.1][PAY-6.16.3-e] is taken over at once and answered to the institution; polled, it says the same', async () => {
    const billId = bill(c);
    let open: (() => void) | undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    c.biller.inquiry = async () => {
      await opened;
      return 'usual';
    };
    const id = requestId();
    const { status, body } = await api().inquireBill({
      params: { billId },
      query: { fields: 'inquiry', requestId: id },
      headers: { 'x-correlationid': 'corr-1', 'platform-tenantid': 'lumora', 'payerfi-id': 'BANK' },
    });
    expect([status, body]).toEqual([202, { responseCode: '00', reason: expect.any(String), requestId: id }]);
    expect(await polled(id)).toMatchObject({ code: 1, reason: 'asking' });
    open?.();
    const answer = await answered(billId, id);
    expect(answer).toEqual({
      requestId: id,
      code: 0,
      reason: 'unpaid',
      billId,
      billDetails: {
        billerId: c.billerId,
        billerName: 'Revenue',
        billStatus: 'UNPAID',
        dueDate: Date.parse('2099-01-01T00:00:00Z') / 1000,
        amountonDueDate: 125.5,
        amountAfterDueDate: 150.75,
        currency: 'USD',
      },
      amountDue: '125.50',
      validUntil: expect.any(String),
    });
    expect(await polled(id)).toEqual(answer);
    expect(c.bank.received.find((one) => one.body.requestId === id)?.headers).toMatchObject({
      'x-correlationid': 'corr-1',
      'platform-tenantid': 'lumora',
      'payerfi-id': 'BANK',
    });
  });

  it.each([
    ['unpaid', { billStatus: 'A' }],
    ['paid', { billStatus: 'Z' }],
    ['expired', { billStatus: 'X' }],
    ['unknown', { billStatus: 'N' }],
  ])('[PAY-6.16.3-f] is answered %s from the biller’s own code', async (reason, more) => {
    const billId = bill(c, more);
    const id = await inquire(c, billId);
    expect(await polled(id)).toMatchObject({ reason, code: reason === 'unpaid' ? 0 : 1 });
  });

  it('of a bill its biller does not know is answered unknown', async () => {
    const billId = bill(c);
    c.biller.bills.delete(billId);
    expect(await polled(await inquire(c, billId))).toMatchObject({ reason: 'unknown', code: 1 });
  });

  it('is asked once more when nothing comes in time, and then answered biller-down', async () => {
    const billId = bill(c);
    c.biller.inquiry = async () => undefined;
    expect(await polled(await inquire(c, billId))).toMatchObject({ reason: 'biller-down', code: 1 });
    const asked = c.biller.received.filter((one) => one.path.startsWith(`/bills/${billId}?`));
    expect(asked).toHaveLength(2);
    expect(asked[0]?.path).toBe(asked[1]?.path);
  });

  it('gets through when the biller answers the second time', async () => {
    const billId = bill(c);
    let first = true;
    c.biller.inquiry = async () => {
      const reply = first ? { status: 503 } : ('usual' as const);
      first = false;
      return reply;
    };
    expect(await polled(await inquire(c, billId))).toMatchObject({ reason: 'unpaid' });
  });

  it.each([
    ['no amount', { amountonDueDate: undefined }],
    ['a fraction of a cent', { amountonDueDate: 12.345 }],
    ['another currency', { currency: 'EUR' }],
    ['a status nobody knows', { billStatus: 'hm' }],
  ])('answered with %s is no answer', async (_, more) => {
    expect(await polled(await inquire(c, bill(c, more as object)))).toMatchObject({ reason: 'biller-down' });
  });

  it('is answered by the biller in its own time, by POST, in any spelling; the first answer counts', async () => {
    const billId = bill(c);
    c.biller.inquiry = async () => ({ status: 202, body: { responseCode: '00' } });
    const id = requestId();
    await api().inquireBill({ params: { billId }, query: { requestId: id }, headers: {} });
    const asked = () => c.biller.received.find((one) => one.path.startsWith(`/bills/${billId}?`));
    await expect.poll(asked).toBeDefined();
    const own = new URL(`http://x${asked()?.path}`).searchParams.get('requestId') as string;
    const say = (amount: number, as = biller) =>
      p2gOf(c.node, as).postBill({
        params: { billId },
        query: {},
        headers: {},
        body: {
          RequestID: own,
          Code: '00',
          billID: billId,
          BillDetails: { billStatus: 'open', amountOnDueDate: amount },
        } as never,
      });
    expect((await refusal(say(1, bank))).status).toBe(403);
    await say(7);
    await say(9);
    expect(await answered(billId, id)).toMatchObject({ reason: 'unpaid', amountDue: '7.00' });
    expect(await polled(id)).toMatchObject({ amountDue: '7.00' });
  });

  it('asks for the due-date amount until the due date, and for the other one later', async () => {
    const late = bill(c, { dueDate: '2020-05-01' });
    const today = bill(c, { dueDate: new Date().toISOString().slice(0, 10) });
    expect(await polled(await inquire(c, late))).toMatchObject({ amountDue: '150.75' });
    expect(await polled(await inquire(c, today))).toMatchObject({ amountDue: '125.50' });
  });

  it('is one, however often it is sent; with another bill it is refused', async () => {
    const billId = bill(c);
    const id = await inquire(c, billId);
    const ask = (one: string) =>
      api().inquireBill({ params: { billId: one }, query: { requestId: id }, headers: {} });
    await Promise.all(Array.from({ length: 10 }, () => ask(billId)));
    const asked = c.biller.received.filter((one) => one.path.startsWith(`/bills/${billId}?`));
    expect(asked).toHaveLength(1);
    expect((await refusal(ask(bill(c)))).status).toBe(409);
  });

  it('may name its request in X-CorrelationID, or be posted with a body', async () => {
    const billId = bill(c);
    await api().inquireBill({ params: { billId }, query: {}, headers: { 'x-correlationid': 'only-this' } });
    expect(await answered(billId, 'only-this')).toMatchObject({ reason: 'unpaid' });
    const id = requestId();
    await api().postBill({
      params: { billId },
      query: { fields: 'inquiry' },
      headers: {},
      body: { RequestId: id, BillId: billId } as never,
    });
    expect(await answered(billId, id)).toMatchObject({ reason: 'unpaid' });
    const none = await refusal(api().inquireBill({ params: { billId }, query: {}, headers: {} }));
    expect(none.status).toBe(400);
  });

  it('[PAY-6.16.3-b] goes to the biller with the longest prefix, and to none when that one is suspended', async () => {
    const longer = `${c.prefix}77`;
    const unsaid = await refusal(onboard(c.node, { prefix: longer }));
    expect([unsaid.status, unsaid.problem?.detail]).toEqual([409, expect.stringContaining(c.billerId)]);
    const other = await onboard(c.node, { prefix: longer, within: c.billerId });
    expect(other.prefix).toBe(longer);
    const billId = bill(c, {}, longer);
    expect((await polled(await inquire(c, billId))).billDetails?.billerId).toBe(other.billerId);
    const reason = { reason: 'under review' };
    await adminOf(c.node).suspendBiller({ params: { billerId: other.billerId }, body: reason });
    const refused = await refusal(
      api().inquireBill({ params: { billId }, query: { requestId: requestId() }, headers: {} }),
    );
    expect([refused.status, refused.problem?.detail]).toEqual([400, 'The biller of this bill is suspended']);
    expect(refused.responseBody).toMatchObject({ responseCode: '01', reason: expect.any(String) });
    await adminOf(c.node).resumeBiller({ params: { billerId: other.billerId }, body: reason });
    expect((await polled(await inquire(c, billId))).reason).toBe('unpaid');
  });

  it('with a bill id that leads nowhere, or has wrong check digits, asks nobody', async () => {
    await onboard(c.node, { prefix: 'LU', billIdCheck: 'luhn' });
    await onboard(c.node, { prefix: 'MO', billIdCheck: 'mod97' });
    const ask = (billId: string) =>
      api().inquireBill({ params: { billId }, query: { requestId: requestId() }, headers: {} });
    for (const billId of ['ZZ00000001', `${c.prefix}1`, 'LU12345678', 'MO12345678'])
      expect((await refusal(ask(billId))).status).toBe(400);
    for (const billId of ['LU12345674', 'MO12345676']) {
      c.biller.bills.set(billId, { billStatus: 'A', amountonDueDate: 1 });
      await ask(billId);
    }
  });

  it('is nobody else’s: another institution does not find it, and names no other than itself', async () => {
    const id = await inquire(c, bill(c));
    expect((await refusal(polled(id, wallet))).status).toBe(404);
    const named = api(wallet).getBillInquiry({
      params: { requestId: id },
      headers: { 'payerfi-id': 'BANK' },
    });
    expect((await refusal(named)).status).toBe(403);
  });
});
