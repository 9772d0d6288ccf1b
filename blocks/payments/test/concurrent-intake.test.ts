import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../src/tables.ts';
import {
  adminOf,
  apiOf,
  approver,
  brokenBooks,
  handOver,
  instructionsOf,
  ministry,
  payees,
  programme,
  reaches,
  refusal,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

/** Two nodes on one database. */
let nodes: readonly [Treasury, Treasury];
let db: Db;
beforeAll(async () => {
  const first = await startTreasury({ maximumInstructions: 20 });
  const second = await startTreasury(
    { maximumInstructions: 20 },
    { rails: [first.bank, first.wallets], databasePrefix: first.node.databasePrefix },
  );
  nodes = [first, second];
  db = first.node.database('payments') as unknown as Db;
});
afterAll(async () => {
  await nodes[1].stop();
  await nodes[0].stop();
});

const everywhere = <T>(times: number, work: (t: Treasury, index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: times }, (_, index) => work(nodes[index % 2] as Treasury, index)));

describe('the same, handed over fifty times at once at two nodes,', () => {
  it('[PAY-6.1-i] is one batch', async () => {
    const ids = await payees(nodes[0].node, 10);
    const answers = await everywhere(50, (t) => handOver(t.node, ids, { id: 'fifty' }));
    expect(new Set(answers).size).toBe(1);
    expect(await instructionsOf(nodes[0].node, answers[0] as string)).toHaveLength(10);
    expect((await refusal(handOver(nodes[1].node, ids, { id: 'fifty', amount: '1.00' }))).status).toBe(409);
  });

  it('[PAY-5.3.4-b] is one submission, each instruction of it in one batch', async () => {
    const ids = await payees(nodes[0].node, 50);
    const lines = ids
      .map((value, index) =>
        JSON.stringify({
          requestId: `s-${index}`,
          creditParty: [{ key: 'functionalId', value }],
          amount: '3.00',
          currency: 'USD',
        }),
      )
      .join('\n');
    const answers = await everywhere(50, async (t) => {
      const { body } = await apiOf(t.node).submitInstructions({
        headers: { 'x-correlationid': 'fifty', 'x-program-id': programme.programmeId },
        body: Buffer.from(lines),
      });
      return body.submissionId;
    });
    expect(new Set(answers).size).toBe(1);
    const submissionId = answers[0] as string;
    const read = async () => (await nodes[1].api.getSubmission({ params: { submissionId }, query: {} })).body;
    await expect.poll(async () => (await read()).state).toBe('split');
    expect((await read()).batches.map((one) => one.instructionCount)).toEqual([20, 20, 10]);
    const { rows } = await sql<{ all: string; ids: string; left: string }>`
      select count(*) as all, count(distinct client_id) as ids, (select count(*) from submission_row) as left
      from instruction where client_id like 's-%'`.execute(db);
    expect(rows[0]).toEqual({ all: '50', ids: '50', left: '0' });
  });
});

it('one application as two sources, or a programme with two currencies, at the same moment: one of them', async () => {
  const statuses = async (calls: Promise<{ status: number }>[]) =>
    (await Promise.all(calls.map((call) => call.catch((error: { status: number }) => error))))
      .map((one) => one.status)
      .sort();
  for (let n = 0; n < 5; n += 1) {
    const sources = nodes.map((t, index) =>
      t.admin.putSource({
        params: { sourceId: `twin-${n}-${index}` },
        body: { application: `${ministry}/twin-${n}`, name: 'Twin', institutionId: 'MSP' },
      }),
    );
    expect(await statuses(sources)).toEqual([200, 409]);
    const programmes = nodes.map((t, index) =>
      t.admin.putProgramme({
        params: { sourceId: programme.sourceId, programmeId: `twin-${n}` },
        body: { name: 'Twin', currency: index === 0 ? 'USD' : 'EUR', fundingAccount: `US00TWIN0${n}` },
      }),
    );
    expect(await statuses(programmes)).toEqual([200, 409]);
    const rails = nodes.map((t) =>
      t.admin.putRail({
        params: { railId: `twin-${n}` },
        body: {
          adapter: 'bank',
          service: `TEST/COM/TWIN${n}/rail/rail-v1`,
          name: 'Twin',
          modalities: ['04'],
          currencies: ['USD'],
        },
      }),
    );
    expect(await statuses(rails)).toEqual([200, 200]);
  }
});

it('[PAY-9.1.3-a] a hundred runs race for money that is enough for forty: forty are approved, the others held', async () => {
  const admin = adminOf(nodes[0].node);
  const params = { sourceId: programme.sourceId, programmeId: 'scarce' };
  await admin.putProgramme({
    params,
    body: {
      name: 'Scarce',
      agency: ministry,
      currency: 'USD',
      fundingAccount: 'US00SCARCE01',
      payerRail: 'bank',
    },
  });
  await admin.releaseBudget({ params, body: { reference: 's-1', amount: '405.00', currency: 'USD' } });
  const ids = await payees(nodes[0].node, 100);
  const runs: string[] = [];
  for (const id of ids)
    runs.push(
      await handOver(nodes[0].node, [id], { amount: '10.00', programmeId: 'scarce', notBefore: 3_600_000 }),
    );
  const seen = new Map<string, string>();
  for (const batchId of runs)
    seen.set(batchId, (await reaches(nodes[0].node, batchId, 'awaiting-approval')).contentHash ?? '');
  const personToken = await approver(nodes[0].node);
  const states = await everywhere(100, async (t, index) => {
    const batchId = runs[index] as string;
    const { body } = await adminOf(t.node).approveBatch({
      params: { batchId },
      body: { contentHash: seen.get(batchId) as string, acceptPossibleDuplicates: true },
      personToken,
    });
    return body.state;
  });
  expect(states.filter((state) => state === 'held')).toHaveLength(60);
  expect((await admin.getProgramme({ params })).body.available).toBe('5.00');
  expect(await brokenBooks(nodes[0].node)).toEqual([]);
});
