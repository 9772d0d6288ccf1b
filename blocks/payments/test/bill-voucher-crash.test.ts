import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { testAdminUrl } from '@govstack/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type BillCountry,
  bank,
  bill,
  inquire,
  p2gOf,
  requestId,
  startBillCountry,
  statusOf,
} from './fixtures/bills.ts';
import { forward } from './fixtures/forward.ts';
import { type Rail, startRail } from './fixtures/rail.ts';
import { bankService, brokenBooks, setUp } from './fixtures/treasury.ts';
import { active, setUpVouchers, stateOf } from './fixtures/vouchers.ts';

const program = fileURLToPath(new URL('fixtures/bill-worker.ts', import.meta.url));
const secret = randomBytes(32);
const start = (before?: BillCountry) =>
  startBillCountry({ lostAfterSeconds: 5 }, before, secret, {
    [bankService]: (request) => forward(rail.url, request),
  });

let rail: Rail;
let c: BillCountry;
beforeAll(async () => {
  rail = await startRail();
  c = await start();
  await setUp(c.node);
  await setUpVouchers(c.node);
});
afterAll(async () => {
  await c.stop();
  await rail.stop();
});

/** Vouchers shown for as many bills, as messages of the institution, with their serial numbers. */
async function tenders(count: number) {
  const vouchers = await active(c.node, count, { amount: '125.50' });
  const bodies = [];
  for (const { number, serial } of vouchers) {
    const billId = bill(c);
    const billInquiryRequestId = await inquire(c, billId);
    const body = { requestId: requestId(), billInquiryRequestId, billId, VoucherSecretHash: number };
    bodies.push({ serial, body });
  }
  return bodies;
}
type Tenders = Awaited<ReturnType<typeof tenders>>;

/** Presents them at a node in a process of its own, which is killed as soon as something has happened. */
async function presentUntil(shown: Tenders, happened: () => boolean): Promise<void> {
  await c.node.stop();
  const child = spawn(
    process.execPath,
    [
      program,
      testAdminUrl(),
      c.node.databasePrefix,
      secret.toString('hex'),
      c.biller.url,
      c.bank.url,
      rail.url,
      JSON.stringify(shown.map((one) => one.body)),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  try {
    await expect.poll(happened, { timeout: 30_000, interval: 1 }).toBe(true);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

const asked = (path: string) => rail.requests.filter((one) => one.endsWith(path)).length;
const final = async ({ body }: Tenders[number]) =>
  statusOf(c, `V-${body.requestId}`).then(
    ({ status }) => status,
    // It died before anything was written down.
    () => 'NONE',
  );
const heard = ({ body }: Tenders[number]) =>
  c.bank.received.filter((one) => one.body.requestId === body.requestId).map((one) => one.body.status);

it('[PAY-9.3.6] a power cut while the rail is paying the biller: the redeemed voucher pays the bill, once', async () => {
  const [shown] = (await tenders(1)) as [Tenders[number]];
  let answer = () => {};
  rail.delay = () => new Promise<void>((resolve) => (answer = resolve));
  const before = asked('/transfer-batches');
  await presentUntil([shown], () => asked('/transfer-batches') > before);
  rail.delay = async () => undefined;
  answer();
  c = await start(c);
  await expect.poll(() => heard(shown), { timeout: 60_000 }).toContain('ACK');
  expect(await stateOf(c.node, shown.serial)).toBe('redeemed');
  expect([...rail.credited.values()]).toMatchObject([{ address: '000111222333', amount: '125.50' }]);
  expect(c.biller.marked.get(`V-${shown.body.requestId}`)).toMatchObject({ billId: shown.body.billId });
  expect(await brokenBooks(c.node)).toEqual([]);
}, 180_000);

it('[PAY-9.3.6] a power cut at any moment leaves each bill paid by its voucher once, or the voucher usable', async () => {
  const began = rail.credited.size;
  const all: Tenders = [];
  for (const [path, more] of [
    ['/account-validations', 1],
    ['/fund-authorisations', 3],
    ['/transfer-batches', 2],
    ['/transfer-batches', 6],
  ] as const) {
    const shown = await tenders(6);
    const before = asked(path);
    await presentUntil(shown, () => asked(path) >= before + more);
    all.push(...shown);
    c = await start(c);
  }
  const states = () => Promise.all(all.map(final));
  await expect.poll(states, { timeout: 60_000 }).not.toContain('PND');
  for (const one of all) {
    const status = await final(one);
    expect(await stateOf(c.node, one.serial)).toBe(status === 'ACK' ? 'redeemed' : 'activated');
    if (status === 'ACK') await expect.poll(() => heard(one)).toContain('ACK');
    // Whoever heard no answer asks again: what was decided stays so.
    const again = p2gOf(c.node, bank).voucherRedemption({ headers: {}, body: one.body });
    expect(
      await again.then(
        () => 'taken',
        () => 'refused',
      ),
    ).toBe(status === 'RJC' ? 'refused' : 'taken');
  }
  await expect.poll(states, { timeout: 60_000 }).not.toContain('PND');
  const paid = (await states()).filter((status) => status === 'ACK').length;
  expect(paid).toBeGreaterThan(0);
  expect(rail.credited.size - began).toBe(paid);
  expect(await brokenBooks(c.node)).toEqual([]);
}, 300_000);
