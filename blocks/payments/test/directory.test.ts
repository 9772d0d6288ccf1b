import type { MediatedRequest, MediatedResponse } from '@govstack/platform';
import { jsonResponse } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approve,
  brokenBooks,
  handOver,
  instructionsOf,
  over,
  programme,
  reaches,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

/** A directory that providers run: accounts by payee, and how often it was asked about whom. */
const service = 'TEST/COM/SWITCH/directory/payee-directory-v1';
const accounts = new Map<string, string>();
const asked: string[][] = [];
let answers = true;
const answer = async (request: MediatedRequest): Promise<MediatedResponse> => {
  const { payees } = JSON.parse(String(request.body)) as { payees: string[] };
  asked.push(payees);
  if (!answers) return jsonResponse(503, { title: 'Unavailable' });
  return jsonResponse(200, {
    payees: payees.flatMap((payeeIdentity) => {
      const financialAddress = accounts.get(payeeIdentity);
      return financialAddress === undefined
        ? []
        : [{ payeeIdentity, paymentModality: '00', financialAddress }];
    }),
  });
};

let t: Treasury;
const params = { sourceId: programme.sourceId };
beforeAll(async () => {
  t = await startTreasury({}, { providers: { [service]: answer } });
  await t.admin.putDirectory({ params, body: { service, validSeconds: 3600 } });
});
afterAll(() => t.stop());

const credited = async (batchId: string) =>
  (await instructionsOf(t.node, batchId)).map((one) => t.bank.credited.get(one.instructionId)?.address);
const expire = () =>
  sql`update directory_answer set valid_until = now()`.execute(t.node.database('payments'));

describe('a source whose payees are in a directory outside', () => {
  it('[PAY-6.3-c][PAY-6.3-a] has them looked up there when a run is validated, and again only when the answer is old', async () => {
    accounts.set('F-1', '11110001').set('F-2', '11110002');
    const first = await handOver(t.node, ['F-1', 'F-2', 'F-unknown']);
    await approve(t.node, first);
    await reaches(t.node, first, ...over);
    expect(await credited(first)).toEqual(['11110001', '11110002', undefined]);
    expect((await instructionsOf(t.node, first))[2]?.reasonCode).toBe('payee-not-registered');
    expect(asked.map((payees) => payees.toSorted())).toEqual([['F-1', 'F-2', 'F-unknown']]);
    accounts.set('F-1', '22220001').delete('F-2');
    const second = await handOver(t.node, ['F-1', 'F-2'], { amount: '1.00' });
    await approve(t.node, second);
    await reaches(t.node, second, ...over);
    expect(await credited(second)).toEqual(['11110001', '11110002']);
    expect(asked).toHaveLength(1);
    await expire();
    const third = await handOver(t.node, ['F-1', 'F-2'], { amount: '2.00' });
    await approve(t.node, third);
    await reaches(t.node, third, ...over);
    expect(await credited(third)).toEqual(['22220001', undefined]);
    expect((await instructionsOf(t.node, third))[1]?.reasonCode).toBe('payee-inactive');
  });

  it('[PAY-6.3-c] waits for a directory that does not answer: nobody is refused for it', async () => {
    accounts.set('F-3', '11110003');
    answers = false;
    const batchId = await handOver(t.node, ['F-3']);
    const before = asked.length;
    await expect.poll(() => asked.length).toBeGreaterThan(before + 1);
    expect((await instructionsOf(t.node, batchId))[0]).toMatchObject({ state: 'received' });
    const lookup = { query: { payeeIdentity: 'F-3', requestId: 'q' }, headers: {} };
    await expect(t.api.getBeneficiary(lookup)).rejects.toMatchObject({ status: 503 });
    answers = true;
    await approve(t.node, batchId);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    const [found] = (await t.api.getBeneficiary(lookup)).body.paymentModalityList;
    expect(found?.financialAddress).toBe('••••0003');
  });

  it('[PAY-6.3-c] may be asked about one of them by two at the same moment: the payee is as the directory says', async () => {
    accounts.set('F-4', '11110004');
    const lookup = () =>
      t.api.getBeneficiary({ query: { payeeIdentity: 'F-4', requestId: 'q' }, headers: {} });
    await lookup();
    accounts.set('F-4', '22220004');
    await expire();
    const db = t.node.database('payments');
    // Both have their answer, and wait for the payee.
    const { both } = await db.transaction().execute(async (trx) => {
      await sql`select from mapper_entry for update`.execute(trx);
      const both = Promise.all([lookup(), lookup()]);
      const waiting = async () =>
        (
          await sql<{ count: number }>`
            select count(*)::integer as count from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
        ).rows[0]?.count;
      await expect.poll(waiting).toBe(2);
      return { both };
    });
    for (const { body } of await both) expect(body.paymentModalityList[0]?.financialAddress).toBe('••••0004');
    const { rows } = await sql`
      select number, active
      from mapper_version
      where entry_id = (select id from mapper_entry order by id desc limit 1)
      order by number`.execute(db);
    expect(rows).toEqual([
      { number: 1, active: true },
      { number: 2, active: true },
    ]);
  });

  it('[PAY-6.3-c] registers none here until the treasury gives it its own mapper back', async () => {
    const register = () =>
      t.api.registerBeneficiary({
        headers: {},
        body: {
          requestID: 'own',
          beneficiaries: [{ payeeIdentity: 'F-own', paymentModality: '00', financialAddress: '33330001' }],
        },
      });
    await expect(register()).rejects.toMatchObject({ status: 409 });
    await expect(t.admin.putDirectory({ params, body: { service: 'nowhere' } })).rejects.toMatchObject({
      status: 400,
    });
    expect((await t.admin.getDirectory({ params })).body).toEqual({ service, validSeconds: 3600 });
    await t.admin.putDirectory({ params, body: { service: null } });
    expect((await register()).status).toBe(200);
    const before = asked.length;
    const batchId = await handOver(t.node, ['F-own']);
    await approve(t.node, batchId);
    await reaches(t.node, batchId, ...over);
    expect(await credited(batchId)).toEqual(['33330001']);
    expect(asked).toHaveLength(before);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});
