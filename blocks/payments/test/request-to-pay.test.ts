import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type BillCountry,
  bank,
  bill,
  biller,
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
  await p2gOf(c.node, wallet).putPayerAlias({
    headers: {},
    body: { aliasType: '01', aliasId: '+15550001111', financialAddress: '+15550001111' },
  });
});
afterEach(() => {
  c.biller.advice = async () => 'usual';
});
afterAll(async () => {
  expect(await brokenBooks(c.node)).toEqual([]);
  expect(outsideTheContract(c)).toEqual([]);
  await c.stop();
});

let last = 0;
const nextRtp = (): number => {
  last += 1;
  return last;
};
type Message = Parameters<ReturnType<typeof p2gOf>['rtpRequest']>[0]['body'];
const message = (billId: string, rtpId: number, more: Partial<Message> = {}): Message => ({
  requestId: requestId(),
  rtpId,
  billID: billId,
  requestType: '00',
  payerFiDetails: { payerFIBIC: 'BANKUS33', financialAddress: '0001112223' },
  billDetails: { amount: 125.5 },
  ...more,
});
const ask = (body: Message, headers: Record<string, string> = { 'x-billerid': c.billerId }) =>
  p2gOf(c.node, biller).rtpRequest({ headers, body });
const asked = (billId: string, program = c.bank) =>
  told(program, '/rtpRequest', (one) => (one.billDetails as Record<string, string>)['Bill ID'] === billId);
/** A request that has reached the bank; its TxnID. */
const start = async (billId: string, rtpId: number, more: Partial<Message> = {}): Promise<string> => {
  await ask(message(billId, rtpId, more));
  return (await asked(billId)).TxnID as string;
};
type Answer = { rtpStatus: '00' | '01'; rejectReason?: string; paymentReferenceID?: string };
const answer = (txnId: string, said: Answer, as = bank) =>
  p2gOf(c.node, as).rtpResponse({ headers: {}, body: { RequestId: requestId(), txnId, ...said } });
const statusAt = async (rtpId: number) =>
  (
    await p2gOf(c.node, biller).getTransferRequest({
      params: { transferRequestId: `${rtpId}` },
      query: {},
      headers: { 'x-billerid': c.billerId },
    })
  ).body;
const toldBiller = (rtpId: number, requestStatus: string) =>
  told(c.biller, `/transferRequests/${rtpId}`, (one) => one.requestStatus === requestStatus);
const update = (rtpId: number) => told(c.biller, '/rtpUpdate', (one) => one.rtpId === rtpId);
const cancel = (rtpId: number) =>
  p2gOf(c.node, biller).cancelTransferRequest({
    params: { transferRequestId: `${rtpId}` },
    headers: { 'x-billerid': c.billerId },
  });

describe('a request-to-pay', () => {
  it('[PAY-8.3.4][PAY-9.3.5] of type 00 goes to the named institution; paid, its biller is told and can ask', async () => {
    const billId = bill(c);
    const rtpId = nextRtp();
    const { body } = await ask(message(billId, rtpId), {
      'x-billerid': c.billerId,
      'x-correlationid': 'rtp-corr',
      'x-platform-tenantid': 'lumora',
    });
    expect(body.responseCode).toBe('00');
    const heard = await asked(billId);
    expect(heard).toMatchObject({
      rTPID: rtpId,
      billDetails: { 'Bill ID': billId, 'Biller Name': 'Revenue', Amount: 125.5, Currency: 'USD' },
      payerFiDetails: { financialAddress: '0001112223' },
    });
    expect(await statusAt(rtpId)).toMatchObject({ requestStatus: 'PND', rtpId });
    await answer(heard.TxnID as string, { rtpStatus: '00' });
    expect(await update(rtpId)).toMatchObject({ billId, rtpStatus: '00' });
    // That the payer said yes is not a payment.
    expect(await statusAt(rtpId)).toMatchObject({ requestStatus: 'PND' });
    await p2gOf(c.node, bank).billTransferRequest({
      headers: {},
      body: {
        requestId: requestId(),
        billInquiryRequestId: heard.TxnID as string,
        billId,
        paymentReferenceID: `RTP-${rtpId}`,
      },
    });
    expect(await toldBiller(rtpId, 'COM')).toMatchObject({ rtpId, PaymentReferenceID: `RTP-${rtpId}` });
    expect(c.biller.received.at(-1)?.headers['x-correlationid']).toBeDefined();
    await expect.poll(() => c.biller.marked.has(`RTP-${rtpId}`)).toBe(true);
  });

  it('[PAY-8.3.6] can be asked about at any time; what is answered is posted too', async () => {
    const rtpId = nextRtp();
    await start(bill(c), rtpId);
    const { body, status } = await p2gOf(c.node, biller).getTransferRequest({
      params: { transferRequestId: `${rtpId}` },
      query: { requestId: 'status-1' },
      headers: { 'x-biller-id': c.billerId },
    });
    expect([status, body]).toMatchObject([202, { requestId: 'status-1', requestStatus: 'PND' }]);
    expect(await toldBiller(rtpId, 'PND')).toMatchObject({ rtpId, lastUpdateDate: expect.any(Number) });
    const nobodys = p2gOf(c.node, biller).getTransferRequest({
      params: { transferRequestId: '999999' },
      query: {},
      headers: { 'x-billerid': c.billerId },
    });
    expect((await refusal(nobodys)).status).toBe(404);
  });

  it('[PAY-9.3.5] of type 01 goes where the alias leads; an unknown alias changes nothing', async () => {
    const billId = bill(c);
    const rtpId = nextRtp();
    const byAlias = (aliasId: string) =>
      ask({
        requestId: requestId(),
        rtpId,
        billID: billId,
        requestType: '01',
        alias: { aliasType: '01', aliasId },
        billDetails: { amount: '125.50' },
      });
    expect((await refusal(byAlias('+15559999999'))).status).toBe(400);
    await byAlias('+15550001111');
    expect(await asked(billId, c.wallet)).toMatchObject({
      payerFiDetails: { financialAddress: '+15550001111' },
    });
    const { rows } = await sql<{ text: string }>`
      select row_to_json(r)::text as text from request_to_pay r where bill_id = ${billId}`.execute(
      c.node.database('payments'),
    );
    expect(rows[0]?.text).not.toContain('15550001111');
  });

  it('an alias is one institution’s until it lets it go', async () => {
    const put = (as: string, financialAddress: string | null) =>
      p2gOf(c.node, as).putPayerAlias({
        headers: {},
        body: { aliasType: '00', aliasId: 'jane', financialAddress },
      });
    await put(bank, '111122223333');
    expect((await refusal(put(wallet, '+15550002222'))).status).toBe(409);
    expect((await refusal(put(wallet, null))).status).toBe(409);
    await put(bank, null);
    await put(wallet, '+15550002222');
  });

  it('may be rejected by the payer, and that is its end', async () => {
    const rtpId = nextRtp();
    const txnId = await start(bill(c), rtpId);
    await answer(txnId, { rtpStatus: '01', rejectReason: 'AM04' });
    await answer(txnId, { rtpStatus: '01', rejectReason: 'AM04' });
    expect(await update(rtpId)).toMatchObject({ rtpStatus: '01', rejectReason: 'R' });
    await toldBiller(rtpId, 'RJC');
    expect((await refusal(answer(txnId, { rtpStatus: '00' }))).status).toBe(409);
    expect((await refusal(cancel(rtpId))).status).toBe(409);
    expect(await statusAt(rtpId)).toMatchObject({ requestStatus: 'RJC' });
  });

  it('expires by itself; a payment that comes later still counts for the bill', async () => {
    const billId = bill(c);
    const rtpId = nextRtp();
    const txnId = await start(billId, rtpId, { expiresAt: new Date(Date.now() + 1500).toISOString() });
    expect(await update(rtpId)).toMatchObject({ rtpStatus: '01', rejectReason: 'E' });
    await toldBiller(rtpId, 'EXP');
    expect(await told(c.bank, '/rtpUpdate', (one) => one.TxnID === txnId)).toMatchObject({
      rejectReason: 'E',
    });
    expect((await refusal(answer(txnId, { rtpStatus: '00' }))).status).toBe(409);
    await answer(txnId, { rtpStatus: '00', paymentReferenceID: 'LATE-1' });
    await expect.poll(() => c.biller.marked.has('LATE-1')).toBe(true);
    expect(await statusAt(rtpId)).toMatchObject({ requestStatus: 'EXP' });
  });

  it('is taken back by its biller before it is accepted, and not after', async () => {
    const [rtpId, accepted] = [nextRtp(), nextRtp()];
    const txnId = await start(bill(c), rtpId);
    expect((await cancel(rtpId)).body).toMatchObject({ requestStatus: 'CAN' });
    expect((await cancel(rtpId)).body).toMatchObject({ requestStatus: 'CAN' });
    expect(await told(c.bank, '/rtpUpdate', (one) => one.TxnID === txnId)).toMatchObject({
      rejectReason: 'W',
    });
    expect((await refusal(answer(txnId, { rtpStatus: '00' }))).status).toBe(409);
    await answer(await start(bill(c), accepted), { rtpStatus: '00' });
    expect((await refusal(cancel(accepted))).status).toBe(409);
  });

  it('and its payment can be told in one message', async () => {
    const rtpId = nextRtp();
    const txnId = await start(bill(c), rtpId);
    const said = { rtpStatus: '00', paymentReferenceID: 'ONE-1' } as const;
    await answer(txnId, said);
    await answer(txnId, said);
    await toldBiller(rtpId, 'COM');
    expect((await refusal(answer(txnId, { ...said, paymentReferenceID: 'ONE-2' }))).status).toBe(409);
    expect(await statusOf(c, 'ONE-1')).toMatchObject({ amount: '125.50' });
  });

  it('is one, however often it is sent; other content under its id is refused', async () => {
    const billId = bill(c);
    const rtpId = nextRtp();
    const body = message(billId, rtpId);
    await Promise.all(Array.from({ length: 20 }, () => ask(body)));
    await asked(billId);
    const heard = c.bank.received.filter(
      (one) => (one.body.billDetails as Record<string, string> | undefined)?.['Bill ID'] === billId,
    );
    expect(heard).toHaveLength(1);
    expect((await refusal(ask({ ...body, billDetails: { amount: 125 } }))).status).toBe(409);
    // And there is one open for a bill and institution.
    expect((await refusal(ask(message(billId, nextRtp())))).status).toBe(409);
    await ask(message(billId, nextRtp(), { payerFiDetails: { payerFIBIC: 'MOBIUS33' } }));
  });

  it('ends when the bill is paid otherwise', async () => {
    const billId = bill(c);
    const [here, there] = [nextRtp(), nextRtp()];
    await start(billId, here);
    await ask(message(billId, there, { payerFiDetails: { payerFIBIC: 'MOBIUS33' } }));
    await pay(c, billId, 'ELSE-1', wallet);
    await toldBiller(here, 'CAN');
    expect(await toldBiller(there, 'COM')).toMatchObject({ PaymentReferenceID: 'ELSE-1' });
    expect((await refusal(ask(message(billId, nextRtp())))).status).toBe(409);
  });

  it('accepted at one institution while the bill is paid at another ends there with a refund', async () => {
    const billId = bill(c);
    const rtpId = nextRtp();
    const txnId = await start(billId, rtpId);
    await answer(txnId, { rtpStatus: '00' });
    await pay(c, billId, 'FAST-1', wallet);
    await answer(txnId, { rtpStatus: '00', paymentReferenceID: 'SLOW-1' });
    await toldBiller(rtpId, 'RJC');
    expect(await statusOf(c, 'SLOW-1')).toMatchObject({ status: 'RJC', rejectReason: 'Dup' });
  });

  it('raced by acceptance, payment, withdrawal and rejection ends once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const rtpId = nextRtp();
      const txnId = await start(bill(c), rtpId);
      await Promise.allSettled([
        cancel(rtpId),
        answer(txnId, { rtpStatus: '01', rejectReason: 'R' }),
        answer(txnId, { rtpStatus: '00', paymentReferenceID: `RACE-${round}` }),
        answer(txnId, { rtpStatus: '00' }),
      ]);
      const ends = await sql<{ count: string }>`
        select count(*)
        from request_to_pay_event e
        join request_to_pay r on r.id = e.request_to_pay_id
        where r.txn_id = ${txnId} and e.from_state = 'PND'`.execute(c.node.database('payments'));
      expect(ends.rows[0]?.count).toBe('1');
    }
  });

  it('is refused with everything that is wrong with it, and changes nothing', async () => {
    const billId = bill(c);
    const other = await onboard(c.node);
    const wrong: [Partial<Message>, number][] = [
      [{ billID: bill(c, {}, other.prefix) }, 400],
      [{ billID: 'ZZ00000001' }, 400],
      [{ payerFiDetails: { payerFIBIC: 'NOBODY00' } }, 400],
      [{ requestType: '01' }, 400],
      [{ requestType: '02' as '01' }, 400],
      [{ billDetails: { amount: 1.005 } }, 400],
      [{ billDetails: { amount: 0 } }, 400],
      [{ billDetails: { amount: 1, currency: 'EUR' } }, 400],
      [{ expiresAt: '2020-01-01T00:00:00Z' }, 400],
    ];
    for (const [more, status] of wrong)
      expect((await refusal(ask(message(billId, nextRtp(), more)))).status).toBe(status);
    expect((await refusal(ask(message(billId, nextRtp()), { 'x-billerid': 'B99999' }))).status).toBe(403);
    const stranger = p2gOf(c.node, wallet).rtpRequest({ headers: {}, body: message(billId, nextRtp()) });
    expect((await refusal(stranger)).status).toBe(403);
    const { rows } = await sql<{ count: string }>`
      select count(*) from request_to_pay where bill_id = ${billId}`.execute(c.node.database('payments'));
    expect(rows[0]?.count).toBe('0');
  });

  it('is nobody else’s: another institution cannot answer it', async () => {
    const txnId = await start(bill(c), nextRtp());
    expect((await refusal(answer(txnId, { rtpStatus: '00' }, wallet))).status).toBe(404);
  });

  it('moves only forward, whoever writes to the database', async () => {
    const rtpId = nextRtp();
    const txnId = await start(bill(c), rtpId);
    const db = c.node.database('payments');
    await answer(txnId, { rtpStatus: '01' });
    for (const statement of [
      sql`update request_to_pay set state = 'PND' where txn_id = ${txnId}`,
      sql`update request_to_pay set state = 'COM', payment_reference = 'x' where txn_id = ${txnId}`,
      sql`update request_to_pay set amount = 1 where txn_id = ${txnId}`,
      sql`delete from request_to_pay where txn_id = ${txnId}`,
    ])
      await expect(statement.execute(db)).rejects.toThrow();
  });

  it('of a bill nobody asked about leaves the inquiry free', async () => {
    const billId = bill(c);
    await start(billId, nextRtp());
    const id = await inquire(c, billId);
    const { body } = await p2gOf(c.node, bank).getBillInquiry({ params: { requestId: id }, headers: {} });
    expect(body.reason).toBe('unpaid');
  });
});
