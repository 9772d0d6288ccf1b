import { jsonResponse } from '@govstack/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OwnPostgres, startOwnPostgres } from './fixtures/own-postgres.ts';
import { type Rail, startRail } from './fixtures/rail.ts';
import {
  adminOf,
  approve,
  brokenBooks,
  handOver,
  over,
  pay,
  payees,
  programme,
  reaches,
  source,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

const callbackService = `${source}/results-v1`;
let postgres: OwnPostgres;
let rails: readonly [Rail, Rail];
/** Whether the source takes messages, and those it took. */
const receiver = { up: false, got: [] as string[] };
beforeAll(async () => {
  postgres = await startOwnPostgres();
  rails = await Promise.all([startRail(), startRail()]);
});
afterAll(async () => {
  await Promise.all(rails.map((rail) => rail.stop()));
  await postgres.stop();
});

const open = (databasePrefix?: string): Promise<Treasury> =>
  startTreasury(
    { subBatchSize: 5 },
    {
      rails,
      adminUrl: postgres.adminUrl,
      providers: {
        [callbackService]: async (request) => {
          if (!receiver.up) return jsonResponse(503, {});
          receiver.got.push(request.headers['x-callback-id'] ?? '');
          return jsonResponse(200, {});
        },
      },
      ...(databasePrefix === undefined ? {} : { databasePrefix }),
    },
  );

const credits = () =>
  rails.flatMap((rail) => [...rail.credited.values()].map((one) => `${one.reference} ${one.address}`));

it('[PAY-5.3.1-k] after a restore from a backup everything is said again and nothing is paid again', async () => {
  const first = await open();
  const { databasePrefix } = first.node;
  await first.admin.putSource({
    params: { sourceId: programme.sourceId },
    body: {
      application: source,
      name: 'Cash transfer',
      institutionId: 'MSP',
      callbackService,
      callbackPath: '/r',
    },
  });
  const paid = await pay(first.node, await payees(first.node, 12));
  // Half of the second run is paid when the backup is made, the other half after it.
  const halfway = rails[1];
  halfway.fate = () => 'busy';
  const run = await handOver(first.node, await payees(first.node, 20));
  await approve(first.node, run);
  const [bank] = rails;
  await expect.poll(() => bank.credited.size).toBe(16);
  await first.stop();
  await postgres.backUp();

  halfway.fate = () => 'completed';
  receiver.up = true;
  const second = await open(databasePrefix);
  await reaches(second.node, run, ...over);
  await expect.poll(() => receiver.got.length).toBeGreaterThan(0);
  await second.stop();
  const [before, heard] = [credits(), new Set(receiver.got)];
  expect(before).toHaveLength(32);

  await postgres.restore();
  receiver.got.length = 0;
  const third = await open(databasePrefix);
  try {
    expect(await reaches(third.node, paid.batchId, ...over)).toMatchObject({ state: 'completed' });
    expect(await reaches(third.node, run, ...over)).toMatchObject({ state: 'completed' });
    await expect.poll(() => receiver.got.some((id) => heard.has(id))).toBe(true);
    expect(credits().sort()).toEqual(before.sort());
    expect((await adminOf(third.node).listCases({ query: {} })).body.items).toEqual([]);
    expect(await brokenBooks(third.node)).toEqual([]);
  } finally {
    await third.stop();
  }
}, 120_000);
