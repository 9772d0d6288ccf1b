import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adminOf,
  handOver,
  ministry,
  payees,
  programme,
  reaches,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
beforeAll(async () => {
  t = await startTreasury();
});
afterAll(() => t.stop());

describe('who made a run', () => {
  it('[PAY-5.3.1-f][PAY-6.1-p] is who signed in, whatever name the application gives: nobody approves their own run', async () => {
    const [payee = ''] = await payees(t.node, 1);
    const personToken = await t.node.token({ id: 'both', roles: ['payment-approver'], agency: ministry });
    const handOverAs = (id: string, initiator?: string) =>
      t.api.batchTransactions({
        query: {},
        headers: {
          'x-correlationid': id,
          'x-program-id': programme.programmeId,
          ...(initiator === undefined ? {} : { 'x-initiator': initiator }),
        },
        body: [
          {
            requestId: `${id}-1`,
            creditParty: [{ key: 'functionalId', value: payee }],
            amount: '5.00',
            currency: 'USD',
          },
        ],
        personToken,
      });
    await expect(handOverAs('under-another-name', 'somebody-else')).rejects.toMatchObject({ status: 403 });
    await handOverAs('under-the-same-name', 'both');
    const { batchId } = (await handOverAs('under-no-name')).body;
    const { contentHash = '' } = await reaches(t.node, batchId, 'awaiting-approval');
    const own = adminOf(t.node).approveBatch({ params: { batchId }, body: { contentHash }, personToken });
    await expect(own).rejects.toMatchObject({ status: 403 });
  });
});
