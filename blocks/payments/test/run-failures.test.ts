import { afterAll, beforeAll, expect, it } from 'vitest';
import { ministry, pay, payees, refusal, startTreasury, type Treasury } from './fixtures/treasury.ts';

let t: Treasury;
let batchId: string;
beforeAll(async () => {
  t = await startTreasury();
  t.bank.fate = () => ({ rejected: 'AC06' });
  batchId = (await pay(t.node, await payees(t.node, 4))).batchId;
});
afterAll(() => t.stop());

it('[PAY-6.6-j][PAY-5.3.1-k] says why payments of a run were not made, by reason and rail, to officers of the programme', async () => {
  const personToken = await t.node.token({ id: 'm', roles: ['programme-manager'], agency: ministry });
  const { items } = (await t.admin.readFailures({ params: { batchId }, personToken })).body;
  expect(items).toEqual([{ state: 'failed', reasonCode: 'AC06', rail: 'bank', count: 2, amount: '25.00' }]);
  const other = await t.node.token({ id: 'o', roles: ['programme-manager'], agency: 'TEST/GOV/OTHER' });
  const refused = t.admin.readFailures({ params: { batchId }, personToken: other });
  expect((await refusal(refused)).status).toBe(404);
});
