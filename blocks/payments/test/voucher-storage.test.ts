import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type GuardedPostgres, startGuardedPostgres } from './fixtures/own-postgres.ts';
import { brokenBooks, programme, startTreasury, type Treasury } from './fixtures/treasury.ts';
import {
  active,
  creditedTo,
  type Issued,
  look,
  redeem,
  setUpVouchers,
  stateOf,
  voucherAdminOf,
} from './fixtures/vouchers.ts';

let postgres: GuardedPostgres;
let t: Treasury;
beforeAll(async () => {
  postgres = await startGuardedPostgres();
  t = await startTreasury({}, { adminUrl: postgres.adminUrl });
  await setUpVouchers(t.node);
});
afterAll(async () => {
  await t.stop();
  await postgres.stop();
});

const db = () => t.node.database('payments');

/** How often vouchers were read from one end to the other, and by an index. Sessions count when they end. */
async function scans(): Promise<{ whole: number; byIndex: number }> {
  await sql`
    select pg_terminate_backend(pid, 10_000)
    from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`.execute(db());
  const { rows } = await sql<{ whole: string; by_index: string }>`
    select seq_scan as whole, idx_scan as by_index
    from pg_stat_user_tables
    where relname = 'voucher'`.execute(db());
  return { whole: Number(rows[0]?.whole), byIndex: Number(rows[0]?.by_index) };
}

it('[PAY-6.2.5-a] vouchers are read and written through an index only, more often read than written', async () => {
  const { sourceId } = programme;
  await voucherAdminOf(t.node).provisionVouchers({
    params: { sourceId, groupCode: 'FOD' },
    body: { reference: 'many', denomination: '10.00', count: 5000 },
  });
  await sql`vacuum analyze voucher`.execute(db());
  const before = await scans();
  const issued = await active(t.node, 10, { amount: '4.00' });
  for (const voucher of issued) {
    expect((await look(t.node, voucher.serial)).state).toBe('activated');
    expect((await redeem(t.node, voucher)).status).toBe(1);
    expect((await look(t.node, voucher.serial)).state).toBe('redeemed');
  }
  const after = await scans();
  expect(after.byIndex - before.byIndex).toBeGreaterThan(40);
  // A check of the books, which reads everything, may fall into this time.
  expect(after.whole - before.whole).toBeLessThan(issued.length);
});

it('[PAY-5.3.2-d] vouchers outlive the server that keeps them: what was cashed in stays so, the rest goes on, each is paid once', async () => {
  const issued = await active(t.node, 12, { amount: '5.00' });
  const cashed: string[] = [];
  const present = (voucher: Issued) => redeem(t.node, voucher, { requestID: `till-${voucher.serial}` });
  const queue = async (): Promise<void> => {
    for (const voucher of issued) {
      expect((await present(voucher)).status).toBe(1);
      cashed.push(voucher.serial);
    }
  };
  const standing = queue().catch(() => undefined);
  await expect.poll(() => cashed.length, { interval: 1 }).toBeGreaterThan(3);
  await postgres.failOver();
  await standing;
  await expect
    .poll(() =>
      t.node.ready().then(
        () => 'ready',
        () => 'not ready',
      ),
    )
    .toBe('ready');
  const before = [...cashed];
  expect(before.length).toBeLessThan(issued.length);
  for (const serial of before) expect(await stateOf(t.node, serial)).toBe('redeemed');
  // Of the one that was being paid nobody can tell at once.
  for (const voucher of issued.slice(before.length))
    await expect.poll(async () => (await present(voucher)).status).toBe(1);
  expect(creditedTo(t, '000000000001').filter((one) => one.amount === '5.00')).toHaveLength(issued.length);
  for (const { serial } of issued) expect(await stateOf(t.node, serial)).toBe('redeemed');
  const [more] = await active(t.node, 1, { amount: '5.00' });
  expect(await stateOf(t.node, more?.serial as string)).toBe('activated');
  expect(await brokenBooks(t.node)).toEqual([]);
});
