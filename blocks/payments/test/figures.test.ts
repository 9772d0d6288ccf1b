import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  adminOf,
  handOver,
  ministry,
  pay,
  payees,
  programme,
  reaches,
  refusal,
  source,
  startTreasury,
  type Treasury,
  treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
const now = new Date();
const month = `${now.toISOString().slice(0, 7)}-01`;
beforeAll(async () => {
  t = await startTreasury();
  t.bank.fate = () => ({ rejected: 'AC06' });
  await pay(t.node, await payees(t.node, 4));
});
afterAll(() => t.stop());

const since = { interval: 'month' as const, from: `${month}T00:00:00Z` };
const figures = async (query: object = since, personToken?: string) =>
  (
    await adminOf(t.node, source).readFigures({
      query: query as typeof since,
      ...(personToken === undefined ? {} : { personToken }),
    })
  ).body.items;

it('[PAY-6.6-e][PAY-6.6-j] counts what was paid and what was not by period, programme and rail', async () => {
  const common = { period: month, ...programme, currency: 'USD', count: 2, amount: '25.00' };
  expect(await figures()).toEqual([
    { ...common, rail: 'bank', state: 'failed' },
    { ...common, rail: 'wallets', state: 'completed' },
  ]);
  const [day] = await figures({ ...since, interval: 'day' });
  expect(day?.period).toBe(now.toISOString().slice(0, 10));
  expect(await figures({ ...since, programmeId: 'another' })).toEqual([]);
  expect(await figures({ ...since, to: since.from })).toEqual([]);
});

it('[PAY-6.6-j] says why payments of a run were not made, by reason and rail', async () => {
  const [run] = (await t.admin.listBatches({ query: { limit: 1 } })).body.items;
  const { items } = (await t.admin.readFailures({ params: { batchId: run?.batchId as string } })).body;
  expect(items).toEqual([{ state: 'failed', reasonCode: 'AC06', rail: 'bank', count: 2, amount: '25.00' }]);
});

it('shows figures of their own programmes to people of an agency, of all to the treasury', async () => {
  const manager = await t.node.token({ id: 'm', roles: ['programme-manager'], agency: ministry });
  const other = await t.node.token({ id: 'o', roles: ['programme-manager'], agency: 'TEST/GOV/OTHER' });
  const auditor = await t.node.token({ id: 'a', roles: ['auditor'], agency: treasury });
  expect(await figures(since, manager)).toHaveLength(2);
  expect(await figures(since, auditor)).toHaveLength(2);
  expect(await figures(since, other)).toEqual([]);
  const batchId = await handOver(t.node, await payees(t.node, 1));
  await reaches(t.node, batchId, 'awaiting-approval');
  const refused = t.admin.readFailures({ params: { batchId }, personToken: other });
  expect((await refusal(refused)).status).toBe(404);
});

it('takes no period that is too long or turned round', async () => {
  for (const query of [
    { ...since, from: '2020-01-01T00:00:00Z' },
    { ...since, to: '2020-01-01T00:00:00Z' },
  ])
    expect((await refusal(figures(query))).status).toBe(400);
});
