import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Calendar } from '../src/api/admin/calendar.ts';
import { claim } from '../src/dispatch/claim.ts';
import { isOpen } from '../src/rails/calendar.ts';
import type { Db } from '../src/tables.ts';
import { forward } from './fixtures/forward.ts';
import {
  approve,
  bankService,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  pay,
  payees,
  quick,
  reaches,
  refusal,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
beforeAll(async () => {
  t = await startTreasury({ subBatchSize: 5, dispatchWorkers: 2, railRestSeconds: 1 });
});
afterAll(() => t.stop());

type RailBody = Parameters<Treasury['admin']['putRail']>[0]['body'];
const bank: RailBody = {
  adapter: 'bank',
  service: bankService,
  name: 'Bank',
  modalities: ['00'],
  currencies: ['USD'],
  isDefault: true,
  batchSize: 5,
  concurrency: 2,
};
const putBank = (more: Partial<RailBody> = {}) =>
  t.admin.putRail({ params: { railId: 'bank' }, body: { ...bank, ...more } });
/** Payees with a bank account. */
const bankPayees = async (count: number): Promise<string[]> =>
  (await payees(t.node, count * 2)).filter((_, index) => index % 2 === 0);
const traffic = async (railId = 'bank') => {
  const { items } = (await t.admin.listRailTraffic({})).body;
  const found = items.find((one) => one.railId === railId);
  if (!found) throw new Error(`no traffic of ${railId}`);
  return found;
};
const everyDay = [1, 2, 3, 4, 5, 6, 7];
const atNight: Calendar = {
  timeZone: 'UTC',
  windows: [{ days: everyDay, from: '00:00', to: '24:00' }],
  holidays: [-1, 0, 1].map((days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)),
};

describe('the calendar of a rail', () => {
  const calendar: Calendar = {
    timeZone: 'America/New_York',
    windows: [{ days: [1, 2, 3, 4, 5], from: '09:00', to: '16:30' }],
    holidays: ['2026-07-03'],
  };
  it.each([
    ['before it opens', '2026-03-06T13:59:00Z', false],
    ['when it opens', '2026-03-06T14:00:00Z', true],
    ['just before its cut-off', '2026-03-06T21:29:00Z', true],
    ['at its cut-off', '2026-03-06T21:30:00Z', false],
    ['on a Saturday', '2026-03-07T15:00:00Z', false],
    ['after the clocks changed, an hour earlier by UTC', '2026-03-09T13:00:00Z', true],
    ['on a holiday', '2026-07-03T15:00:00Z', false],
    ['when it is another day there already', '2026-07-06T03:00:00Z', false],
  ])('[PAY-6.10] counts %s in its own time zone', (_, at, open) => {
    expect(isOpen(calendar, new Date(at))).toBe(open);
  });

  it('[PAY-6.10][PAY-5.3.1-h] keeps payments until the rail opens; nothing leaves before', async () => {
    await putBank({ calendar: atNight });
    const batchId = await handOver(t.node, await bankPayees(3), { amount: '3.10' });
    await approve(t.node, batchId);
    await reaches(t.node, batchId, 'processing');
    await expect.poll(async () => (await traffic()).waiting).toBe(3);
    expect(await traffic()).toMatchObject({ open: false, active: true, out: 0 });
    // A payment by wallet leaves meanwhile.
    const wallets = (await payees(t.node, 2)).filter((_, index) => index % 2 === 1);
    expect((await pay(t.node, wallets, { amount: '3.20' })).state).toBe('completed');
    expect((await reaches(t.node, batchId, 'processing')).totals.map((one) => one.state)).toEqual(['queued']);
    await putBank();
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    expect(await traffic()).toMatchObject({ open: true, waiting: 0 });
  });

  it('with a time zone nobody knows, or a window that ends before it begins, is refused and changes nothing', async () => {
    const windows = [{ days: [1], from: '18:00', to: '06:00' }];
    for (const calendar of [
      { ...atNight, timeZone: 'Moon/Crater' },
      { timeZone: 'UTC', windows },
    ])
      expect((await refusal(putBank({ calendar, name: 'Changed' }))).status).toBe(400);
    const { items } = (await t.admin.listRails({})).body;
    expect(items.find((one) => one.railId === 'bank')?.name).toBe('Bank');
  });
});

it('[PAY-6.1-i] a rail gets no more transfers per second than it takes, over all workers', async () => {
  await putBank({ transfersPerSecond: 5 });
  const times: number[] = [];
  t.bank.fate = () => {
    times.push(Date.now());
    return 'completed';
  };
  const run = await pay(t.node, await bankPayees(15), { amount: '4.10' });
  t.bank.fate = () => 'completed';
  await putBank();
  expect(run.state).toBe('completed');
  expect(times).toHaveLength(15);
  // Three calls of five: the second and the third each a second after the one before. The first may be long on its way.
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1500);
});

it('[PAY-6.1-c][PAY-6.1-i] a rail that does not answer rests, then one sub-batch finds out whether it works again', async () => {
  const ids = await bankPayees(10);
  let silent = true;
  t.bank.fate = () => (silent ? 'silent' : 'completed');
  const batchId = await handOver(t.node, ids, { amount: '5.10' });
  await approve(t.node, batchId);
  await expect.poll(async () => (await traffic()).circuit).toBe('open');
  const { faults, restUntil } = await traffic();
  expect(faults).toBeGreaterThan(0);
  expect(Date.parse(restUntil as string)).toBeGreaterThan(Date.now() - 1000);
  silent = false;
  expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
  const next = await pay(t.node, await bankPayees(1), { amount: '5.20' });
  t.bank.fate = () => 'completed';
  expect(next.state).toBe('completed');
  expect(await traffic()).toMatchObject({ circuit: 'closed', faults: 0, unknown: 0 });
  for (const row of await instructionsOf(t.node, batchId))
    expect(t.bank.credited.get(row.instructionId)?.amount).toBe('5.10');
});

describe('routing', () => {
  const vip: RailBody = { ...bank, name: 'Large payments', batchSize: 1 };
  const route = async (amount: string) => {
    const batchId = await handOver(t.node, await bankPayees(1), { amount });
    await reaches(t.node, batchId, 'awaiting-approval', ...over);
    return (await instructionsOf(t.node, batchId))[0];
  };

  it('[PAY-6.9-a] sends a payment to the rail of its institution, modality, currency and amount that ranks first', async () => {
    await putBank({ maximumAmounts: { USD: '100.00' }, rank: 1 });
    await t.admin.putRail({
      params: { railId: 'a-large' },
      body: { ...vip, rank: 5, maximumAmounts: { USD: '400.00' } },
    });
    expect((await route('100.00'))?.rail).toBe('bank');
    expect((await route('100.01'))?.rail).toBe('a-large');
    expect(await route('400.01')).toMatchObject({ state: 'rejected', reasonCode: 'no-rail-for-account' });
    // An institution's own rail comes before any that takes everything.
    await t.admin.putRail({
      params: { railId: 'own' },
      body: { ...vip, rank: 900, isDefault: false, institutions: ['TESTUS33'] },
    });
    expect((await route('50.00'))?.rail).toBe('own');
    for (const railId of ['own', 'a-large'])
      await t.admin.putRail({ params: { railId }, body: { ...vip, active: false } });
    await putBank();
    expect((await route('401.00'))?.rail).toBe('bank');
  });
});

describe('an institution that closes in mid-run', () => {
  it('[PAY-6.1-c][PAY-6.9-i] keeps its payments waiting until they are failed by hand; paid anew they go another way', async () => {
    const ids = await bankPayees(7);
    await putBank({ calendar: atNight });
    const batchId = await handOver(t.node, ids, { amount: '6.10' });
    await approve(t.node, batchId);
    await reaches(t.node, batchId, 'processing');
    await putBank({ active: false });
    const fail = () =>
      t.admin.failWaitingInstructions({
        params: { batchId },
        body: { railId: 'bank', reason: 'Bank closed' },
      });
    expect(await traffic()).toMatchObject({ active: false, waiting: 7, out: 0 });
    expect((await fail()).body.failed).toBe(7);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('failed');
    expect((await instructionsOf(t.node, batchId)).map((row) => row.reasonCode)).toEqual(
      ids.map(() => 'rail-closed'),
    );
    await t.admin.putRail({ params: { railId: 'other-bank' }, body: { ...bank, name: 'Another bank' } });
    const { body: retry } = await t.admin.retryFailedInstructions({ params: { batchId } });
    await approve(t.node, retry.batchId);
    expect((await reaches(t.node, retry.batchId, ...over)).state).toBe('completed');
    expect((await instructionsOf(t.node, retry.batchId)).map((row) => row.rail)).toEqual(
      ids.map(() => 'other-bank'),
    );
    await t.admin.putRail({ params: { railId: 'other-bank' }, body: { ...bank, active: false } });
    await putBank();
    expect((await refusal(fail())).status).toBe(409);
    const nowhere = t.admin.failWaitingInstructions({
      params: { batchId },
      body: { railId: 'nowhere', reason: 'Bank closed' },
    });
    expect((await refusal(nowhere)).status).toBe(404);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});

describe('whose turn it is', () => {
  /** Order in which runs reached the bank while it takes one call at a time. */
  async function order(big: string, others: readonly (() => Promise<string>)[]): Promise<string[]> {
    const seen: string[] = [];
    const runOf = new Map<string, string>();
    const learn = async (batchId: string) => {
      for (const row of await instructionsOf(t.node, batchId)) runOf.set(row.instructionId, batchId);
    };
    t.bank.fate = ({ reference }) => {
      seen.push(reference);
      return 'completed';
    };
    const ids = [big];
    await approve(t.node, big);
    for (const other of others) ids.push(await other());
    await Promise.all(ids.map((id) => reaches(t.node, id, ...over)));
    t.bank.fate = () => 'completed';
    for (const id of ids) await learn(id);
    return seen.map((reference) => runOf.get(reference) as string);
  }

  it('[PAY-6.9-d][PAY-6.1-i] a small run is not kept waiting by a huge one, nor the huge one by it', async () => {
    await putBank({ concurrency: 1, transfersPerSecond: 40 });
    const big = await handOver(t.node, await bankPayees(90), { amount: '1.10' });
    await reaches(t.node, big, 'awaiting-approval');
    const smallIds = await bankPayees(10);
    let small = '';
    const seen = await order(big, [
      async () => {
        await expect.poll(async () => (await traffic()).waiting).toBeGreaterThan(0);
        small = await handOver(t.node, smallIds, { amount: '1.20' });
        await approve(t.node, small);
        return small;
      },
    ]);
    await putBank();
    const last = seen.lastIndexOf(small);
    const bigAfter = seen.slice(last).filter((id) => id === big).length;
    expect(bigAfter).toBeGreaterThan(20);
    // Its two sub-batches alternate with those of the other.
    const between = seen.slice(seen.indexOf(small), last).filter((id) => id === big).length;
    expect(between).toBeLessThanOrEqual(10);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.1-i] an emergency run goes before all others; only the treasury says which', async () => {
    await putBank({ calendar: atNight });
    const [normal, urgent, low] = [
      await handOver(t.node, await bankPayees(10), { amount: '2.10' }),
      await handOver(t.node, await bankPayees(10), { amount: '2.20' }),
      await handOver(t.node, await bankPayees(5), { amount: '2.30' }),
    ];
    for (const id of [normal, urgent]) await approve(t.node, id);
    const set = (batchId: string, priority: 'urgent' | 'low') =>
      t.admin.setBatchPriority({ params: { batchId }, body: { priority, reason: 'Flood' } });
    expect((await set(urgent, 'urgent')).body.priority).toBe('urgent');
    await set(low, 'low');
    const seen = await order(low, [
      async () => {
        await expect.poll(async () => (await traffic()).waiting).toBe(25);
        await putBank({ concurrency: 1 });
        return urgent;
      },
      async () => normal,
    ]);
    await putBank();
    expect(seen.indexOf(normal)).toBeGreaterThan(seen.lastIndexOf(urgent) - 5);
    expect(seen.indexOf(low)).toBeGreaterThan(seen.indexOf(urgent));
    expect(seen.slice(0, 10).filter((id) => id === urgent).length).toBeGreaterThanOrEqual(5);
    const { history } = await reaches(t.node, urgent, ...over);
    expect(history.some((one) => one.reason === 'urgent priority: Flood')).toBe(true);
    expect((await refusal(set(urgent, 'low'))).status).toBe(409);
  });
});

it('[PAY-6.1-i][PAY-6.9-d] to find what leaves next costs the same however much waits; runs alternate', async () => {
  const runs: string[] = [];
  for (const payee of await bankPayees(3)) runs.push(await handOver(t.node, [payee], { amount: '1.30' }));
  const db = t.node.database('payments') as unknown as Db;
  const claims: string[] = [];
  const looked: number[] = [];
  const undone = db.transaction().execute(async (trx) => {
    await sql`
      insert into sub_batch
        (id, batch_id, rail_id, position, instruction_count, total_amount, first_position, last_position, state, turn)
      select gen_random_uuid(), run, 'bank', n, 1, 1, n, n, 'queued', n
      from unnest(${runs}::uuid[]) as run, generate_series(1, 2000) as n`.execute(trx);
    const rows = async () =>
      (
        await sql<{ count: number }>`
          select (seq_tup_read + idx_tup_fetch)::integer as count
          from pg_stat_xact_user_tables where relname = 'sub_batch'`.execute(trx)
      ).rows[0]?.count ?? 0;
    for (let n = 0; n < 30; n += 1) {
      const before = await rows();
      const claimed = await claim({ ctx: { now: () => new Date() }, config: quick } as never, trx, []);
      claims.push(claimed?.batch_id as string);
      looked.push((await rows()) - before);
    }
    throw new Error('nothing of it stays');
  });
  await expect(undone).rejects.toThrow('nothing of it stays');
  expect(Math.max(...looked)).toBeLessThan(100);
  for (let n = 0; n < 30; n += 3) expect(claims.slice(n, n + 3).sort()).toEqual(runs.toSorted());
});

it('[PAY-6.1-i] a rail is never called more often at the same time than it takes, however many workers there are', async () => {
  const service = 'TEST/COM/NARROW/rail/rail-v1';
  let [underWay, most] = [0, 0];
  const two = Promise.withResolvers<void>();
  const narrow = await startTreasury(
    { subBatchSize: 1, dispatchWorkers: 16 },
    {
      providers: {
        [service]: async (request) => {
          // What is no sending does not count.
          if (request.path !== '/transfer-batches') return forward(narrow.bank.url, request);
          underWay += 1;
          most = Math.max(most, underWay);
          if (underWay === 2) two.resolve();
          try {
            await two.promise;
            return await forward(narrow.bank.url, request);
          } finally {
            underWay -= 1;
          }
        },
      },
    },
  );
  try {
    await narrow.admin.putRail({
      params: { railId: 'bank' },
      body: { ...bank, service, batchSize: 1, concurrency: 2 },
    });
    const ids = (await payees(narrow.node, 80)).filter((_, index) => index % 2 === 0);
    await pay(narrow.node, ids);
    expect(most).toBe(2);
  } finally {
    await narrow.stop();
  }
});
