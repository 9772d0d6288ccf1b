import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Db } from '../src/tables.ts';
import { bankOf, credit, debit, reconciliationOf, take, treasurer, worklist } from './fixtures/statement.ts';
import {
  approve,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  pay,
  payees,
  reaches,
  refusal,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';
import { active, type Issued, redeem, setUpVouchers } from './fixtures/vouchers.ts';

let t: Treasury;
let recon: ReturnType<typeof reconciliationOf>;
const bank = bankOf();
beforeAll(async () => {
  t = await startTreasury();
  recon = reconciliationOf(t.node);
});
afterAll(() => t.stop());

it('[PAY-5.1.12-a][PAY-5.3.1-k] a payment that a statement shows, though its rail has refused it for now, counts like any other', async () => {
  t.bank.fate = () => 'busy';
  const [payee = ''] = await payees(t.node, 1);
  const batchId = await handOver(t.node, [payee], { amount: '7.77' });
  await approve(t.node, batchId);
  await reaches(t.node, batchId, 'processing');
  await t.admin.pauseBatch({ params: { batchId }, body: { reason: 'Looked at' } });
  const [row] = await instructionsOf(t.node, batchId);
  const instructionId = row?.instructionId as string;
  const last = async () => (await t.admin.getInstruction({ params: { instructionId } })).body.attempts.at(-1);
  await expect.poll(async () => (await last())?.state).toBe('refused');
  await take(t.node, bank.statement([debit(777n, instructionId)]));
  t.bank.fate = () => 'completed';
  expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
  expect(await last()).toMatchObject({ state: 'succeeded', answeredBy: 'statement' });
  const day = new Date().toISOString().slice(0, 10);
  const { items } = (await recon.getSettlementFigures({ query: { day, railId: 'bank' } })).body;
  expect(items).toMatchObject([{ paidCount: 1, grossPaid: '7.77' }]);
  // The figures of the next test are of another day.
  const db = t.node.database('payments') as unknown as Db;
  await sql`update attempt set answered_at = answered_at - interval '7 days'`.execute(db);
  expect(await brokenBooks(t.node)).toEqual([]);
});

it('[PAY-5.1.12-a][PAY-5.1.12-b] a closed day has its figures for the settlement system, and is settled when statements have shown all of it', async () => {
  await recon.postFeeSchedule({ body: { railId: 'bank', currency: 'USD', bands: [{ flat: '0.25' }] } });
  const ids = await payees(t.node, 8);
  const run = await pay(t.node, ids, { amount: '12.50' });
  const rows = (await instructionsOf(t.node, run.batchId)).filter((row) => row.rail === 'bank');
  const [one = '', two = '', three = '', four = ''] = rows.map((row) => row.instructionId);
  await take(
    t.node,
    bank.statement([credit(10_000_000n, 'b-1'), debit(1250n, one), debit(1250n, two), credit(1250n, two)]),
  );
  // A voucher counts when its merchant is paid.
  await setUpVouchers(t.node);
  const [voucher] = await active(t.node, 1, { amount: '15.00' });
  await redeem(t.node, voucher as Issued);
  const paidOut = [...t.bank.credited.values()].find((transfer) => transfer.amount === '15.00');
  // All of it happened yesterday.
  const db = t.node.database('payments') as unknown as Db;
  for (const table of ['attempt', 'voucher_redemption'])
    await sql`update ${sql.table(table)} set answered_at = answered_at - interval '1 day'`.execute(db);
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const close = async (railId = 'bank', currency = 'USD') =>
    (await recon.closeSettlementDay({ body: { railId, currency, day: yesterday } })).body;
  const closed = await close();
  expect(closed).toMatchObject({
    railId: 'bank',
    currency: 'USD',
    businessDay: yesterday,
    paidCount: 5,
    grossPaid: '65.00',
    fees: '1.00',
  });
  expect(await close()).toEqual(closed);
  expect((await refusal(close('bank', 'EUR'))).status).toBe(409);
  expect((await recon.listSettlements({ query: {} })).body.items).toEqual([closed]);
  const outcome = async () =>
    (await recon.getSettlement({ params: { settlementId: closed.settlementId } })).body;
  expect(await outcome()).toMatchObject({ state: 'open', paidSeen: '25.00' });
  await take(t.node, bank.statement([debit(1250n, three)]));
  expect(await outcome()).toMatchObject({ state: 'open', paidSeen: '37.50' });
  await take(t.node, bank.statement([debit(1500n, paidOut?.reference)]));
  expect(await outcome()).toMatchObject({ state: 'open', paidSeen: '52.50' });
  // One that no statement shows is decided by a person.
  const item = (await worklist(t.node)).find((one) => one.paymentId === four);
  await recon.proposeResolution({
    params: { itemId: item?.itemId as string },
    body: { resolution: 'acknowledged', note: 'The payee has it' },
    personToken: await treasurer(t.node),
  });
  expect(await outcome()).toMatchObject({ state: 'settled', paidSeen: '65.00' });
  expect((await outcome()).settledAt).toBeDefined();
  const file = (await recon.getSettlementFile({ params: { settlementId: closed.settlementId } })).body;
  expect(Buffer.from(file).toString().trim().split('\n')).toEqual([
    'settlementId,railId,currency,businessDay,paidCount,grossPaid,returnedCount,grossReturned,net,fees',
    `${closed.settlementId},bank,USD,${yesterday},5,65.00,0,0.00,65.00,1.00`,
  ]);
  // Figures of a closed day do not change, whatever happens later.
  await expect(sql`update settlement set paid_amount = 1`.execute(db)).rejects.toMatchObject({
    code: '23001',
  });
  expect(await brokenBooks(t.node)).toEqual([]);
});
