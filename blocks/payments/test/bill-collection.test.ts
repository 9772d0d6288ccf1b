import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type BillCountry,
  bank,
  bill,
  onboard,
  outsideTheContract,
  p2gOf,
  pay,
  people,
  requestId,
  startBillCountry,
  told,
} from './fixtures/bills.ts';
import { brokenBooks, refusal } from './fixtures/treasury.ts';

let c: BillCountry;
let prefix: string;
const disclaimer = 'A payment to the Revenue Authority cannot be taken back.';
beforeAll(async () => {
  c = await startBillCountry();
  ({ prefix } = await onboard(c.node, { disclaimer }));
});
afterAll(async () => {
  expect(await brokenBooks(c.node)).toEqual([]);
  expect(outsideTheContract(c)).toEqual([]);
  await c.stop();
});

const citizen = (id = 'citizen-1') => c.node.token({ id, acr: 'loa-3' });
const portal = () => people(c.node);

/** A bill as a person sees it when its biller has answered. */
async function lookUp(billId: string, who = 'citizen-1') {
  const personToken = await citizen(who);
  const { body } = await portal().lookUpBill({ body: { billId }, personToken });
  const get = async () =>
    (await portal().getBill({ params: { inquiryId: body.inquiryId }, query: {}, personToken })).body;
  await expect.poll(async () => (await get()).state).not.toBe('asking');
  return get();
}
const start = async (
  seen: { inquiryId: string; consentText?: string | undefined },
  more: { who?: string; approvedText?: string } = {},
) =>
  (
    await portal().startBillPayment({
      body: {
        inquiryId: seen.inquiryId,
        payerInstitutionId: 'BANK',
        financialAddress: '000111222333',
        approvedText: more.approvedText ?? seen.consentText ?? '-',
      },
      personToken: await citizen(more.who),
    })
  ).body;
const outcome = async (paymentId: string, waitSeconds = 0, who = 'citizen-1') =>
  (
    await portal().getBillPayment({
      params: { paymentId },
      query: { waitSeconds },
      personToken: await citizen(who),
    })
  ).body;
const heard = (billId: string) =>
  told(c.bank, '/rtpRequest', (one) => (one.billDetails as Record<string, string>)['Bill ID'] === billId);
const answer = async (
  billId: string,
  said: { rtpStatus: '00' | '01'; rejectReason?: string; paymentReferenceID?: string },
) =>
  p2gOf(c.node, bank).rtpResponse({
    headers: {},
    body: { RequestId: requestId(), txnId: (await heard(billId)).TxnID as string, ...said },
  });

describe('a person with a bill', () => {
  it('[PAY-6.1-ad] sees amount and disclaimers, and approves exactly that before anything goes to the bank', async () => {
    const billId = bill(c, {}, prefix);
    const seen = await lookUp(billId);
    expect(seen).toMatchObject({ state: 'unpaid', amountDue: '125.50', currency: 'USD', disclaimer });
    expect(seen.consentText).toContain('125.50 USD');
    expect(seen.consentText).toContain(billId);
    expect(seen.consentText).toContain(disclaimer);
    for (const approvedText of ['yes', seen.consentText?.replace('125.50', '1.00') ?? ''])
      expect((await refusal(start(seen, { approvedText }))).status).toBe(409);
    expect(c.bank.received.some((one) => JSON.stringify(one.body).includes(billId))).toBe(false);
    const payment = await start(seen);
    expect(payment).toMatchObject({ outcome: 'awaiting-confirmation', approvedText: seen.consentText });
    expect((await start(seen)).paymentId).toBe(payment.paymentId);
  });

  it('[PAY-6.1-ad] reads and approves the same in their own language', async () => {
    const personToken = await citizen();
    for (const language of ['fr', 'ar'] as const) {
      const { inquiryId } = await lookUp(bill(c, {}, prefix));
      const { body } = await portal().getBill({ params: { inquiryId }, query: { language }, personToken });
      expect(body.consentText).toMatch(/125\.50 USD[\s\S]*A payment to the Revenue Authority/);
      expect(body.consentText).not.toContain('I order');
      expect((await start(body)).outcome).toBe('awaiting-confirmation');
    }
  });

  it('[PAY-6.1-ae][PAY-6.1-aa][PAY-5.3.1-e] has approval, id and payment sent to the bank, and hears its confirmation', async () => {
    const billId = bill(c, {}, prefix);
    const { paymentId } = await start(await lookUp(billId));
    expect(await heard(billId)).toMatchObject({
      billDetails: { Amount: 125.5, Currency: 'USD' },
      payerFiDetails: { financialAddress: '000111222333' },
      approval: {
        userId: 'citizen-1',
        acr: 'loa-3',
        textHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        at: expect.any(String),
      },
    });
    const waiting = outcome(paymentId, 15);
    await answer(billId, { rtpStatus: '00', paymentReferenceID: 'COL-1' });
    expect(await waiting).toMatchObject({
      outcome: 'confirmed',
      accepted: true,
      paymentReference: 'COL-1',
      amount: '125.50',
      billerName: 'Revenue Authority',
    });
    await expect.poll(async () => (await outcome(paymentId)).billerAnswer).toBe('acknowledged');
    const { items } = (await portal().listOwnBillPayments({ query: {}, personToken: await citizen() })).body;
    expect(items.map((one) => one.paymentId)).toContain(paymentId);
  });

  it.each([
    ['AM04', 'insufficient-balance'],
    ['CRED', 'credential-mismatch'],
    ['R', 'declined'],
    ['MS03', 'transfer-failed'],
  ])('[PAY-6.1-aa] is told what the bank’s %s means: %s', async (rejectReason, meaning) => {
    const billId = bill(c, {}, prefix);
    const { paymentId } = await start(await lookUp(billId));
    await answer(billId, { rtpStatus: '01', rejectReason });
    expect((await outcome(paymentId)).outcome).toBe(meaning);
  });

  it('may take the payment back before it is accepted', async () => {
    const billId = bill(c, {}, prefix);
    const { paymentId } = await start(await lookUp(billId));
    const { body } = await portal().cancelBillPayment({
      params: { paymentId },
      personToken: await citizen(),
    });
    expect(body.outcome).toBe('cancelled');
    expect((await refusal(answer(billId, { rtpStatus: '00' }))).status).toBe(409);
  });

  it('cannot start a payment of a bill that is paid, or that was looked up too long ago', async () => {
    const paid = bill(c, { billStatus: 'Z' }, prefix);
    const seenPaid = await lookUp(paid);
    expect(seenPaid).not.toHaveProperty('consentText');
    expect((await refusal(start(seenPaid))).status).toBe(409);
    const elsewhere = bill(c, {}, prefix);
    const seen = await lookUp(elsewhere);
    await pay(c, elsewhere, 'COL-2');
    expect((await refusal(start(seen))).status).toBe(409);
    const old = await lookUp(bill(c, {}, prefix));
    await sql`
      update bill_inquiry set valid_until = now() - interval '1 second' where id = ${old.inquiryId}`.execute(
      c.node.database('payments'),
    );
    expect((await refusal(start(old))).status).toBe(409);
  });

  it('sees nobody else’s bills and payments', async () => {
    const seen = await lookUp(bill(c, {}, prefix));
    const { paymentId } = await start(seen);
    expect((await refusal(start(seen, { who: 'citizen-2' }))).status).toBe(404);
    expect((await refusal(outcome(paymentId, 0, 'citizen-2'))).status).toBe(404);
    const personToken = await citizen('citizen-2');
    const cancelled = portal().cancelBillPayment({ params: { paymentId }, personToken });
    expect((await refusal(cancelled)).status).toBe(404);
    expect((await portal().listOwnBillPayments({ query: {}, personToken })).body.items).toEqual([]);
    const stranger = people(c.node, 'TEST/GOV/OTHER/app').lookUpBill({
      body: { billId: bill(c, {}, prefix) },
      personToken,
    });
    expect((await refusal(stranger)).status).toBe(403);
  });

  it('chooses among the institutions that take requests', async () => {
    const { items } = (await portal().listPaymentInstitutions({ personToken: await citizen() })).body;
    expect(items).toEqual([
      { payerInstitutionId: 'BANK', name: 'BANK' },
      { payerInstitutionId: 'WALLET', name: 'WALLET' },
    ]);
  });
});
