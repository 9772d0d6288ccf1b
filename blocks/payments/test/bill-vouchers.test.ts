import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type BillCountry,
  bank,
  bill,
  casesOf,
  inquire,
  onboard,
  p2gOf,
  requestId,
  startBillCountry,
  statusOf,
  told,
  wallet,
} from './fixtures/bills.ts';
import { forward } from './fixtures/forward.ts';
import { type Rail, startRail } from './fixtures/rail.ts';
import { available, bankService, brokenBooks, refusal, setUp } from './fixtures/treasury.ts';
import { activate, active, type Issued, order, setUpVouchers, stateOf } from './fixtures/vouchers.ts';

let rail: Rail;
let c: BillCountry;
beforeAll(async () => {
  rail = await startRail();
  // So long that a request on a busy machine is not taken for one whose process died.
  c = await startBillCountry({ lostAfterSeconds: 20 }, undefined, undefined, {
    [bankService]: (request) => forward(rail.url, request),
  });
  await setUp(c.node);
  await setUpVouchers(c.node);
});
beforeEach(() => {
  rail.fate = () => 'completed';
  rail.answersQuestions = true;
});
afterAll(async () => {
  expect(await brokenBooks(c.node)).toEqual([]);
  await c.stop();
  await rail.stop();
});

const worth = async (amount: string): Promise<Issued> =>
  (await active(c.node, 1, { amount, groupCode: 'ANY' }))[0] as Issued;

/** Presents a number for a bill, as its holder's institution does. */
const present = async (billId: string, number: string, id = requestId(), as = bank) => {
  const billInquiryRequestId = await inquire(c, billId, as);
  return p2gOf(c.node, as).voucherRedemption({
    headers: {},
    body: { requestId: id, billInquiryRequestId, billId, VoucherSecretHash: number },
  });
};
const advised = (billId: string) => c.biller.received.filter((one) => one.body.billId === billId);
const credited = () => [...rail.credited.values()].filter((one) => one.address === '000111222333');
const heard = (id: string) =>
  told(c.bank, '/billTransferRequests', (one) => one.requestId === id && one.status !== undefined);

describe('a voucher for a bill', () => {
  it('[PAY-9.3.6] that is worth what is due pays it: its biller is credited, and told as of any payment', async () => {
    const billId = bill(c);
    const voucher = await worth('125.50');
    const id = requestId();
    const before = credited().length;
    await present(billId, voucher.number, id);
    expect(await heard(id)).toMatchObject({ status: 'ACK' });
    expect(await stateOf(c.node, voucher.serial)).toBe('redeemed');
    expect(credited().slice(before)).toMatchObject([{ amount: '125.50', times: 1 }]);
    expect(advised(billId)).toHaveLength(1);
    expect(await statusOf(c, `V-${id}`)).toMatchObject({ status: 'ACK', amount: '125.50' });
  });

  it.each([
    ['less', '125.49'],
    ['more', '125.51'],
  ])('[PAY-9.3.6] that is worth %s is not consumed, and the bill not paid', async (_, amount) => {
    const billId = bill(c);
    const voucher = await worth(amount);
    const id = requestId();
    expect((await refusal(present(billId, voucher.number, id))).status).toBe(409);
    expect(await stateOf(c.node, voucher.serial)).toBe('activated');
    expect(advised(billId)).toEqual([]);
    expect(await statusOf(c, `V-${id}`)).toMatchObject({ status: 'RJC' });
    // The bill is open for the right one.
    const right = requestId();
    await present(billId, (await worth('125.50')).number, right);
    expect(await heard(right)).toMatchObject({ status: 'ACK' });
  });

  it('[PAY-9.3.6] of another currency than the bill is not consumed', async () => {
    const euro = await onboard(c.node, { currency: 'EUR', name: 'Abroad', shortName: 'Abroad' });
    const billId = bill(c, {}, euro.prefix);
    const voucher = await worth('125.50');
    expect((await refusal(present(billId, voucher.number))).status).toBe(409);
    expect(await stateOf(c.node, voucher.serial)).toBe('activated');
    expect(advised(billId)).toEqual([]);
  });

  it('[PAY-9.3.6] that nobody gave out, is not active yet or spent pays nothing', async () => {
    const [inactive] = (await order(c.node, 1, { amount: '125.50' })) as [Issued];
    const spent = await worth('125.50');
    await present(bill(c), spent.number);
    const billId = bill(c);
    for (const [number, status] of [
      ['1111111111111111', 400],
      ['no number at all', 400],
      [inactive.number, 409],
      [spent.number, 409],
    ] as const) {
      const id = requestId();
      expect((await refusal(present(billId, number, id))).status).toBe(status);
      // The same request again gets the same answer.
      expect((await refusal(present(billId, number, id))).status).toBe(status);
    }
    expect(advised(billId)).toEqual([]);
    // What was refused once is presented again under a new request id.
    await activate(c.node, [inactive]);
    const id = requestId();
    await present(billId, inactive.number, id);
    expect(await heard(id)).toMatchObject({ status: 'ACK' });
  });

  it('[PAY-9.3.6] for a bill that is paid already, or being paid, is not consumed', async () => {
    const billId = bill(c);
    const vouchers = [await worth('125.50'), await worth('125.50')];
    const both = await Promise.allSettled(vouchers.map((one) => present(billId, one.number)));
    expect(both.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    const states = await Promise.all(vouchers.map((one) => stateOf(c.node, one.serial)));
    expect(states.sort()).toEqual(['activated', 'redeemed']);
    const [left] = vouchers.filter((_, index) => both[index]?.status === 'rejected');
    expect((await refusal(present(billId, left?.number ?? ''))).status).toBe(409);
    expect(await stateOf(c.node, left?.serial ?? '')).toBe('activated');
    expect(advised(billId).length).toBeLessThanOrEqual(1);
  });

  it('sent twice, also at once, pays once', async () => {
    const billId = bill(c);
    const voucher = await worth('125.50');
    const id = requestId();
    const before = credited().length;
    await Promise.all([present(billId, voucher.number, id), present(billId, voucher.number, id)]);
    await present(billId, voucher.number, id);
    expect(await heard(id)).toMatchObject({ status: 'ACK' });
    expect(credited()).toHaveLength(before + 1);
    expect(advised(billId)).toHaveLength(1);
  });

  it('[PAY-9.3.6] pays one bill only, however many it is shown for at once', async () => {
    const bills = Array.from({ length: 6 }, () => bill(c));
    const voucher = await worth('125.50');
    const before = credited().length;
    const results = await Promise.allSettled(
      bills.map((billId, index) =>
        present(billId, voucher.number, requestId(), index % 2 === 0 ? bank : wallet),
      ),
    );
    expect(results.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    await expect.poll(() => bills.flatMap(advised).length).toBe(1);
    expect(credited()).toHaveLength(before + 1);
  });

  it('[PAY-9.3.6] whose payment the rail refuses is usable again, and the bill open', async () => {
    rail.fate = () => ({ rejected: 'AC04' });
    const billId = bill(c);
    const voucher = await worth('125.50');
    const money = await available(c.node);
    expect((await refusal(present(billId, voucher.number))).status).toBe(409);
    expect(await stateOf(c.node, voucher.serial)).toBe('activated');
    expect(await available(c.node)).toBe(money);
    rail.fate = () => 'completed';
    const id = requestId();
    await present(billId, voucher.number, id);
    expect(await heard(id)).toMatchObject({ status: 'ACK' });
  });

  it('[PAY-9.3.6] whose rail is silent pays the bill when the rail says so; no other payment counts meanwhile', async () => {
    rail.fate = () => 'silent';
    rail.answersQuestions = false;
    const billId = bill(c);
    const voucher = await worth('125.50');
    const id = requestId();
    await present(billId, voucher.number, id);
    expect(await statusOf(c, `V-${id}`)).toMatchObject({ status: 'PND' });
    const advice = p2gOf(c.node, wallet).billTransferRequest({
      headers: {},
      body: {
        requestId: requestId(),
        billInquiryRequestId: await inquire(c, billId, wallet),
        billId,
        paymentReferenceID: `T-${id}`,
      },
    });
    expect((await refusal(advice)).status).toBe(503);
    expect(advised(billId)).toEqual([]);
    rail.answersQuestions = true;
    expect(await heard(id)).toMatchObject({ status: 'ACK' });
    expect(await stateOf(c.node, voucher.serial)).toBe('redeemed');
  });

  it('[PAY-9.3.6] whose payment was lost on the way is told as refused, and usable again', async () => {
    rail.fate = () => 'lost';
    rail.answersQuestions = false;
    const billId = bill(c);
    const voucher = await worth('125.50');
    const id = requestId();
    await present(billId, voucher.number, id);
    // Sent again when the rail knows nothing of it, and refused then.
    rail.fate = () => ({ rejected: 'AC04' });
    rail.answersQuestions = true;
    expect(await heard(id)).toMatchObject({ status: 'RJC' });
    expect(await stateOf(c.node, voucher.serial)).toBe('activated');
    expect((await casesOf(c)).some((one) => one.kind === 'bill-refund' && one.detail.includes(id))).toBe(
      false,
    );
  });

  it('[PAY-9.3.6] is not given back when the biller refuses the payment: somebody has to refund it', async () => {
    const billId = bill(c);
    c.biller.advice = async ({ body }) =>
      body.billId === billId ? { status: 200, body: { status: 'RJC', rejectReason: 'Und' } } : 'usual';
    const voucher = await worth('125.50');
    const id = requestId();
    await present(billId, voucher.number, id);
    expect(await heard(id)).toMatchObject({ status: 'RJC' });
    expect(await stateOf(c.node, voucher.serial)).toBe('redeemed');
    expect((await casesOf(c)).filter((one) => one.detail.includes(`V-${id}`))).toMatchObject([
      { kind: 'bill-refund' },
    ]);
  });

  it('counts wrong numbers for the institution that presents them, not for the biller', async () => {
    const guess = () => refusal(present(bill(c), '1212121212121212', requestId(), wallet));
    const statuses: number[] = [];
    for (let tries = 0; tries < 21; tries += 1) statuses.push((await guess()).status);
    expect(statuses.at(-1)).toBe(429);
    const voucher = await worth('125.50');
    const id = requestId();
    await present(bill(c), voucher.number, id);
    expect(await heard(id)).toMatchObject({ status: 'ACK' });
  });
});
