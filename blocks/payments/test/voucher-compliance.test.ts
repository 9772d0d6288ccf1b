import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { payments } from '../src/block.ts';
import { brokenBooks, quick } from './fixtures/treasury.ts';

let node: TestNode;
let url: string;
beforeAll(async () => {
  node = await startTestNode({
    blocks: [{ block: payments, config: { ...quick } }],
    node: { profile: 'compliance' },
  });
  url = await node.listen({ port: 0, all: 'payments' });
});
afterAll(async () => {
  expect(await brokenBooks(node)).toEqual([]);
  await node.stop();
});

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${url}/vouchers/${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  expect(response.headers.get('content-type')).toContain('application/json');
  const answer = (await response.json()) as Record<string, string>;
  if (response.status !== 200) expect(answer).toEqual({ message: expect.any(String) });
  return { status: response.status, ...answer };
}

const bb = 'bb-digital-registries';
const ordered = {
  voucher_amount: '15.21',
  voucher_currency: 'AED',
  voucher_group: 'string',
  Gov_Stack_BB: 'Gov_Stack_BB',
};
const redemption = {
  voucher_number: 6004,
  Gov_Stack_BB: bb,
  merchant_name: 'Melissa Stephenson',
  merchant_bank_details: 'Citizen Service Banks',
  merchant_voucher_group: 'Payment Voucher',
  override: true,
};

describe('in the dialect of the compliance suite', () => {
  it('[PAY-6.2.4-a] a voucher is ordered, activated, redeemed once, and shown as used', async () => {
    const made = await call('POST', 'voucher_preactivation', { ...ordered, voucher_comment: 'x' });
    expect(made).toMatchObject({ status: 200, voucher_number: expect.stringMatching(/^[0-9]{16}$/) });
    const serial = Number((made as Record<string, unknown>).voucher_serial_number);
    const number = Number((made as Record<string, unknown>).voucher_number);
    expect(Number.isSafeInteger(serial) && Number.isSafeInteger(number)).toBe(true);
    const path = `voucherstatuscheck/${serial}`;
    expect(await call('GET', path)).toEqual({
      status: 200,
      voucher_status: 'Pre-Activated',
      voucher_amount: '15.21',
    });
    const activation = { voucher_serial_number: serial, Gov_Stack_BB: 'Gov_Stack_BB' };
    expect((await call('PATCH', 'voucher_activation', { ...activation, Gov_Stack_BB: bb })).status).toBe(456);
    for (let n = 0; n < 2; n += 1)
      expect(await call('PATCH', 'voucher_activation', activation)).toMatchObject({ status: 200 });
    const at = { ...redemption, Gov_Stack_BB: 'Gov_Stack_BB', voucher_number: number };
    const wrong = { ...at, merchant_bank_details: 'Another bank' };
    expect((await call('POST', 'voucher_redemption', wrong)).status).toBe(463);
    for (const path of ['voucher_redemption', 'voucher_redeemption'])
      expect(await call('POST', path, at)).toMatchObject({ status: 200, result_status: 'Voucher redeemed' });
    const other = {
      merchant_name: 'Haroon Mcintosh',
      merchant_bank_details: 'Paragon Bank Inc.',
    };
    expect((await call('POST', 'voucher_redemption', { ...at, ...other })).status).toBe(458);
    expect((await call('GET', path)).status).toBe(458);
    const cancellation = { voucherserialnumber: String(serial), Gov_Stack_BB: 'Gov_Stack_BB' };
    expect((await call('PATCH', path, cancellation)).status).toBe(463);
  });

  it.each([
    [400, {}],
    [452, { ...ordered, voucher_amount: null }],
    [452, { ...ordered, voucher_amount: 15.21 }],
    [452, { ...ordered, voucher_amount: '0' }],
    [452, { ...ordered, voucher_amount: '1e400' }],
    [452, { ...ordered, voucher_amount: '1.001' }],
    [453, { ...ordered, voucher_currency: '000' }],
    [453, { ...ordered, voucher_currency: 'USD' }],
    [454, { ...ordered, voucher_group: null }],
    [454, { ...ordered, voucher_group: 'none' }],
    [460, { ...ordered, Gov_Stack_BB: 'not_exist' }],
  ])('an order is refused with %i: %j', async (status, body) => {
    expect((await call('POST', 'voucher_preactivation', body)).status).toBe(status);
  });

  it.each([
    [400, undefined],
    [400, {}],
    [460, { ...redemption, Gov_Stack_BB: 'invalid_bb' }],
    [461, { ...redemption, voucher_number: 'notAnumber' }],
    [461, { ...redemption, voucher_number: 999_999 }],
    [462, { ...redemption, merchant_name: 'Ronan Oliver', merchant_bank_details: 'Vigor Bank Group' }],
    [463, { ...redemption, merchant_name: 'Annie Krueger', merchant_bank_details: 'Omega Holding Company' }],
    [463, { ...redemption, merchant_name: 'Nobody' }],
  ])('a redemption is refused with %i: %j', async (status, body) => {
    expect((await call('POST', 'voucher_redemption', body)).status).toBe(status);
  });

  it('the merchant and its funding are looked at before the state of the voucher', async () => {
    for (let n = 0; n < 2; n += 1)
      expect((await call('POST', 'voucher_redemption', redemption)).status).toBe(200);
    const ronan = { merchant_name: 'Ronan Oliver', merchant_bank_details: 'Vigor Bank Group' };
    expect((await call('POST', 'voucher_redemption', { ...redemption, ...ronan })).status).toBe(462);
  });

  it.each([
    ['5555', 200, 'Activated'],
    ['5560', 200, 'Pre-Activated'],
    ['223', 200, 'Not Pre-Activated'],
    ['686886', 200, 'Blocked'],
    ['2134', 200, 'Blocked'],
    ['35678', 200, 'Purged'],
    ['6001', 458, undefined],
    ['6002', 459, undefined],
    ['74558687', 456, undefined],
    ['notAnumber', 456, undefined],
    ['%7B%7D', 400, undefined],
  ])('the seeded voucher %s answers %i %s', async (serial, status, name) => {
    const answer = await call('GET', `voucherstatuscheck/${serial}`);
    expect(answer.status).toBe(status);
    if (name !== undefined) expect(answer).toMatchObject({ voucher_status: name, voucher_amount: '1000.00' });
  });

  it('[PAY-8.2.5] a voucher is cancelled once; what cannot be cancelled is told apart', async () => {
    const cancel = (body?: object) => call('PATCH', 'voucherstatuscheck/60000', body);
    const whole = { voucherserialnumber: '60000', Gov_Stack_BB: bb };
    expect((await cancel()).status).toBe(400);
    expect((await cancel({ Gov_Stack_BB: bb })).status).toBe(400);
    expect((await cancel({ voucherserialnumber: '60000' })).status).toBe(400);
    expect((await cancel({ ...whole, Gov_Stack_BB: 'invalid_bb' })).status).toBe(463);
    expect((await cancel({ ...whole, voucherserialnumber: 'invalid' })).status).toBe(463);
    expect((await cancel(whole)).status).toBe(200);
    expect((await cancel(whole)).status).toBe(464);
  });
});

it('is open under the compliance profile only', async () => {
  const closed = await startTestNode({ blocks: [{ block: payments, config: { ...quick } }] });
  try {
    const base = await closed.listen({ port: 0, all: 'payments' });
    expect((await fetch(`${base}/vouchers/voucherstatuscheck/5555`)).status).toBe(404);
  } finally {
    await closed.stop();
  }
});
