import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RedeemVoucher } from '../src/bills/tender.ts';
import {
  type BillCountry,
  bank,
  bill,
  inquire,
  p2gOf,
  requestId,
  startBillCountry,
  statusOf,
  told,
} from './fixtures/bills.ts';
import { brokenBooks, refusal } from './fixtures/treasury.ts';

/** Vouchers as rows of a table that only these tests have, redeemed as the contract of `RedeemVoucher` says. */
const redeem: RedeemVoucher = async (trx, { secret, amount, currency, reference, payee }) => {
  const { rows } = await sql<{ value: string; currency: string; used_for: string | null }>`
    select * from test_voucher where secret = ${secret} for update`.execute(trx);
  const [voucher] = rows;
  if (!voucher) return { outcome: 'refused', reason: 'unknown-voucher' };
  if (BigInt(voucher.value) !== amount) return { outcome: 'refused', reason: 'other-value' };
  if (voucher.currency !== currency) return { outcome: 'refused', reason: 'other-currency' };
  if (voucher.used_for !== null) return { outcome: 'refused', reason: 'not-usable' };
  await sql`
    update test_voucher
    set used_for = ${reference}, credited = ${payee.account}
    where secret = ${secret}`.execute(trx);
  return { outcome: 'redeemed' };
};
vi.mock('../src/bills/vouchers.ts', () => ({ redeemForBill: () => redeem }));

let c: BillCountry;
beforeAll(async () => {
  c = await startBillCountry();
  await sql`
    create table test_voucher (secret text primary key, value bigint, currency text, used_for text, credited text)`.execute(
    c.node.database('payments'),
  );
});
afterAll(async () => {
  expect(await brokenBooks(c.node)).toEqual([]);
  await c.stop();
});

const voucher = async (secret: string, value: number, currency = 'USD') =>
  sql`insert into test_voucher (secret, value, currency) values (${secret}, ${value}, ${currency})`.execute(
    c.node.database('payments'),
  );
const used = async (secret: string) =>
  (
    await sql<{ used_for: string | null; credited: string | null }>`
      select used_for, credited from test_voucher where secret = ${secret}`.execute(
      c.node.database('payments'),
    )
  ).rows[0];
const payments = async (billId: string) =>
  (
    await sql<{ state: string }>`select state from bill_payment where bill_id = ${billId}`.execute(
      c.node.database('payments'),
    )
  ).rows;
const redeemFor = async (billId: string, secret: string, id = requestId()) => {
  const billInquiryRequestId = await inquire(c, billId);
  return p2gOf(c.node, bank).voucherRedemption({
    headers: {},
    body: { requestId: id, billInquiryRequestId, billId, VoucherSecretHash: secret },
  });
};

describe('a voucher for a bill', () => {
  it('[PAY-9.3.6] that is worth what is due pays it; the biller is told as of any payment', async () => {
    const billId = bill(c);
    await voucher('right', 12_550);
    const id = requestId();
    await redeemFor(billId, 'right', id);
    expect(await told(c.bank, '/billTransferRequests', (one) => one.requestId === id)).toMatchObject({
      status: 'ACK',
    });
    expect(await used('right')).toEqual({ used_for: expect.any(String), credited: '000111222333' });
    expect(await statusOf(c, `V-${id}`)).toMatchObject({ status: 'ACK', amount: '125.50' });
  });

  it.each([
    ['less', 12_549, 'USD'],
    ['more', 12_551, 'USD'],
    ['other', 12_550, 'EUR'],
  ])('[PAY-9.3.6] that is worth something else (%s) is not consumed, and the bill not paid', async (secret, value, currency) => {
    const billId = bill(c);
    await voucher(secret, value, currency);
    expect((await refusal(redeemFor(billId, secret))).status).toBe(409);
    expect((await used(secret))?.used_for).toBeNull();
    expect(await payments(billId)).toEqual([]);
  });

  it('[PAY-9.3.6] for a bill that is paid already is not consumed', async () => {
    const billId = bill(c);
    await voucher('first', 12_550);
    await voucher('second', 12_550);
    const [one, other] = [await inquire(c, billId), await inquire(c, billId)];
    const both = await Promise.allSettled(
      [
        ['first', one],
        ['second', other],
      ].map(([secret = '', billInquiryRequestId = '']) =>
        p2gOf(c.node, bank).voucherRedemption({
          headers: {},
          body: { requestId: requestId(), billInquiryRequestId, billId, VoucherSecretHash: secret },
        }),
      ),
    );
    expect(both.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    const consumed = [await used('first'), await used('second')].filter((one) => one?.used_for !== null);
    expect(consumed).toHaveLength(1);
    expect(await payments(billId)).toHaveLength(1);
  });

  it('sent twice pays once', async () => {
    const billId = bill(c);
    await voucher('twice', 12_550);
    const id = requestId();
    await redeemFor(billId, 'twice', id);
    const before = await used('twice');
    await redeemFor(billId, 'twice', id);
    expect(await used('twice')).toEqual(before);
    expect(await payments(billId)).toHaveLength(1);
  });

  it('pays one bill only, however many it is shown for at once', async () => {
    const bills = [bill(c), bill(c), bill(c)];
    await voucher('once', 12_550);
    const results = await Promise.allSettled(bills.map((billId) => redeemFor(billId, 'once')));
    expect(results.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });
});
