import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { testAdminUrl } from '@govstack/platform/testing';
import { expect, it } from 'vitest';
import { type BillCountry, bank, bill, p2gOf, requestId, startBillCountry } from './fixtures/bills.ts';
import { brokenBooks } from './fixtures/treasury.ts';

const program = fileURLToPath(new URL('fixtures/bill-worker.ts', import.meta.url));
const secret = randomBytes(32);

/** Works in a process of its own, which is killed as soon as something has happened. */
async function workUntil(c: BillCountry, happened: () => boolean): Promise<void> {
  const child = spawn(
    process.execPath,
    [program, testAdminUrl(), c.node.databasePrefix, secret.toString('hex'), c.biller.url, c.bank.url],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  // A message that was on its way to an institution when its sender died is sent again half a minute later.
  await expect.poll(happened, { timeout: 60_000, interval: 2 }).toBe(true);
  child.kill('SIGKILL');
  await exited;
}

it('[PAY-9.3.3][PAY-8.3.3] a power cut at any moment leaves each payment told, marked once and answered', async () => {
  const c = await startBillCountry({ workers: false }, undefined, secret);
  try {
    const bills = Array.from({ length: 8 }, () => bill(c));
    const inquiries = bills.map(() => requestId());
    for (const [index, billId] of bills.entries())
      await p2gOf(c.node, bank).inquireBill({
        params: { billId },
        query: { requestId: inquiries[index] as string },
        headers: {},
      });
    const answered = () => inquiries.every((id) => c.bank.received.some((one) => one.body.requestId === id));
    // Killed while it asks, then left to finish.
    await workUntil(c, () => c.biller.received.length >= 3);
    await workUntil(c, answered);
    const payments = bills.map(() => requestId());
    for (const [index, billId] of bills.entries())
      await p2gOf(c.node, bank).billTransferRequest({
        headers: {},
        body: {
          requestId: payments[index] as string,
          billInquiryRequestId: inquiries[index] as string,
          billId,
          paymentReferenceID: `CUT-${index}`,
        },
      });
    const told = () => c.biller.received.filter((one) => one.method === 'POST').length;
    for (const more of [1, 3]) {
      const before = told();
      const done = () =>
        payments.every((id) => c.bank.received.some((one) => one.body.requestId === id)) ||
        told() >= before + more;
      await workUntil(c, done);
    }
    const heard = (id: string) => c.bank.received.filter((one) => one.body.requestId === id);
    await workUntil(c, () => payments.every((id) => heard(id).length > 0));
    expect(c.biller.marked.size).toBe(8);
    expect(payments.flatMap(heard).every((one) => one.body.status === 'ACK')).toBe(true);
    expect(await brokenBooks(c.node)).toEqual([]);
  } finally {
    await c.stop();
  }
}, 180_000);
