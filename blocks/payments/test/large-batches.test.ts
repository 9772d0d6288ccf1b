import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../src/tables.ts';
import {
  approve,
  brokenBooks,
  over,
  payees,
  programme,
  reaches,
  refusal,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
let db: Db;
beforeAll(async () => {
  t = await startTreasury({
    maximumInstructions: 40,
    maximumSubmission: 400,
    maximumStaged: 1000,
    subBatchSize: 20,
  });
  db = t.node.database('payments') as unknown as Db;
});
afterAll(() => t.stop());

interface Row {
  readonly requestId: string;
  readonly payee: string;
  readonly amount: string;
  readonly narration?: string;
}

const json = ({ requestId, payee, amount, narration }: Row) => ({
  requestId,
  creditParty: [{ key: 'functionalId', value: payee }],
  amount,
  currency: 'USD',
  ...(narration === undefined ? {} : { descriptionText: narration }),
});
const forms: Readonly<Record<string, (rows: readonly Row[]) => string>> = {
  'application/json': (rows) => JSON.stringify(rows.map(json), undefined, 1),
  'application/x-ndjson': (rows) => rows.map((row) => JSON.stringify(json(row))).join('\n'),
  'text/csv': (rows) =>
    ['requestId,payeeIdentity,amount,currency,descriptionText']
      .concat(
        rows.map(
          (row) =>
            `${row.requestId},${row.payee},${row.amount},USD,"${(row.narration ?? '').replaceAll('"', '""')}"`,
        ),
      )
      .join('\r\n'),
};

let last = 0;
const newKey = (): string => {
  last += 1;
  return `submission-${last}`;
};
const rowsFor = (key: string, ids: readonly string[]): Row[] =>
  ids.map((payee, index) => ({ requestId: `${key}-${index}`, payee, amount: `${10 + (index % 7)}.25` }));

const submit = (
  key: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
  at: Treasury = t,
) =>
  at.api.submitInstructions({
    body: Buffer.from(body),
    headers: {
      'x-correlationid': key,
      'x-program-id': programme.programmeId,
      'x-initiator': 'maker-1',
      ...headers,
    },
  });

const split = async (submissionId: string, at: Treasury = t) => {
  await expect
    .poll(async () => (await at.api.getSubmission({ params: { submissionId }, query: {} })).body.state, {
      timeout: 30_000,
    })
    .toBe('split');
  return (await at.api.getSubmission({ params: { submissionId }, query: {} })).body;
};
const left = async (): Promise<number> => {
  const { rows } = await sql<{ count: string }>`
    select (select count(*) from submission_row) + (select count(*) from submission where state = 'receiving') as count`.execute(
    db,
  );
  return Number(rows[0]?.count);
};

describe('a submission', () => {
  it('[PAY-5.3.4-b][PAY-6.1-i][PAY-6.9-d] larger than a batch becomes several, every instruction in exactly one, and is paid once', async () => {
    const key = newKey();
    const ids = await payees(t.node, 103);
    const { body } = await submit(key, forms['application/x-ndjson']?.(rowsFor(key, ids)) ?? '', {
      'x-batch-count': '103',
    });
    const parts = (await split(body.submissionId)).batches;
    expect(parts.map((one) => [one.part, one.instructionCount])).toEqual([
      [1, 40],
      [2, 40],
      [3, 23],
    ]);
    for (const { batchId } of parts) {
      await approve(t.node, batchId);
      expect(await reaches(t.node, batchId, ...over)).toMatchObject({ state: 'completed' });
    }
    const { rows } = await sql<{ client_id: string; amount: string }>`
      select i.client_id, i.amount
      from instruction i join batch b on b.id = i.batch_id
      where b.submission_id = ${body.submissionId}
      order by b.part, i.position`.execute(db);
    expect(rows.map((row) => [row.client_id, row.amount])).toEqual(
      rowsFor(key, ids).map((row) => [row.requestId, row.amount.replace('.', '')]),
    );
    const credited = [...t.bank.credited.values(), ...t.wallets.credited.values()];
    expect(credited).toHaveLength(103);
    expect(credited.every((one) => one.times === 1)).toBe(true);
    const total = rowsFor(key, ids).reduce((sum, row) => sum + Math.round(Number(row.amount) * 100), 0);
    expect(parts.reduce((sum, one) => sum + Math.round(Number(one.totalAmount) * 100), 0)).toBe(total);
    expect(await left()).toBe(0);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.4-a] is the same in each of its forms, with any text', async () => {
    const key = newKey();
    const ids = await payees(t.node, 50);
    const rows = rowsFor(key, ids).map((row, index) => ({
      ...row,
      narration: index === 0 ? 'a "b", \\c' : 'é',
    }));
    const answers = [];
    for (const [type, write] of Object.entries(forms))
      answers.push((await submit(key, write(rows), { 'content-type': type })).body.submissionId);
    expect(new Set(answers).size).toBe(1);
    await split(answers[0] ?? '');
    const { rows: kept } = await sql<{ narration: string }>`
      select i.narration from instruction i join batch b on b.id = i.batch_id
      where b.submission_id = ${answers[0]} and i.position = 0 order by b.part limit 1`.execute(db);
    expect(kept[0]?.narration).toBe('a "b", \\c');
    const changed = rows.map((row, index) => (index === 49 ? { ...row, amount: '99.00' } : row));
    expect(
      (await refusal(submit(key, forms['text/csv']?.(changed) ?? '', { 'content-type': 'text/csv' }))).status,
    ).toBe(409);
    expect(await left()).toBe(0);
  });

  const key = 'faulty';
  const good: readonly Row[] = [1, 2, 3].map((n) => ({
    requestId: `${key}-${n}`,
    payee: `P-x${n}`,
    amount: `${n}.00`,
  }));
  const lines = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
  const [first = {}, ...others] = good.map(json);
  it.each([
    ['is cut off', 'application/json', '[{"requestId":"a"', 400, /well-formed/],
    ['is no array', 'application/json', '{"requestId":"a"}', 400, /well-formed/],
    ['has nothing in it', 'application/json', '[]', 400, /at least one/],
    ['has a line that is not JSON', 'application/x-ndjson', `${lines([first])}\n{`, 400, /well-formed/],
    [
      'names an account',
      'application/x-ndjson',
      lines([{ ...first, creditParty: [{ key: 'IBAN', value: 'X' }] }]),
      400,
      /1 of 1/,
    ],
    [
      'has an amount with too many decimals',
      'application/x-ndjson',
      lines([{ ...first, amount: '1.001' }, ...others]),
      400,
      /1 of 3/,
    ],
    [
      'has another currency',
      'application/x-ndjson',
      lines([{ ...first, currency: 'EUR' }, ...others]),
      400,
      /1 of 3/,
    ],
    [
      'is above the limit for one payment',
      'application/x-ndjson',
      lines([{ ...first, amount: '500.01' }, ...others]),
      400,
      /1 of 3/,
    ],
    [
      'repeats an id',
      'application/x-ndjson',
      lines([first, ...others, { ...first, amount: '9.00' }]),
      400,
      /1 duplicates/,
    ],
    [
      'pays somebody twice',
      'application/x-ndjson',
      lines([first, ...others, { ...first, requestId: 'other' }]),
      400,
      /1 duplicates/,
    ],
    ['has a column too few', 'text/csv', 'requestId,amount,currency\nx,1.00,USD', 400, /first line/],
    ['has unequal lines', 'text/csv', 'requestId,payeeIdentity,amount,currency\nx,y,1.00', 400, /CSV/],
    ['is of another type', 'application/octet-stream', 'x', 415, /Send the body/],
  ])('[PAY-6.9-g][PAY-5.3.4-d] that %s is refused as a whole', async (_what, type, body, status, told) => {
    const before = await left();
    const error = await refusal(submit(key, body, { 'content-type': type }));
    expect(error.status).toBe(status);
    expect(error.problem?.detail).toMatch(told);
    expect(await left()).toBe(before);
    expect((await sql`select from submission where client_id = ${key}`.execute(db)).rows).toHaveLength(0);
  });

  it('[PAY-6.9-g] names up to a hundred faulty rows and counts them all', async () => {
    const rows = Array.from({ length: 150 }, (_, n) => ({
      ...json({ requestId: `f-${n}`, payee: 'P', amount: '0' }),
    }));
    const { problem } = await refusal(submit(key, lines(rows)));
    expect(problem?.detail).toMatch(/150 of 150/);
    expect(problem?.errors).toHaveLength(100);
    expect(problem?.errors?.[99]?.pointer).toBe('/99/amount');
  });

  it.each([
    ['count', { 'x-batch-count': '4' }],
    ['sum', { 'x-batch-total': '6.01' }],
  ])('[PAY-6.9-g] that does not have the declared %s is refused', async (_what, headers) => {
    expect((await refusal(submit(key, lines([first, ...others]), headers))).status).toBe(400);
  });

  it('[PAY-5.3.4-b][PAY-6.1-m] above the absolute limit is refused with 413, and one for which there is no room with 503 and when to come again', async () => {
    const many = (count: number, name: string) =>
      lines(
        Array.from({ length: count }, (_, n) =>
          json({ requestId: `${name}-${n}`, payee: `P-${n}`, amount: '1.00' }),
        ),
      );
    expect((await refusal(submit(newKey(), many(401, 'a')))).status).toBe(413);
    const full = await startTreasury({ workers: false, maximumStaged: 250 });
    try {
      await submit('fits', many(200, 'b'), {}, full);
      const response = await full.node.mediator.exchange({
        client: 'TEST/GOV/MSP/cash-transfer',
        service: 'TEST/GOV/BLOCKS/payments/payments-g2p-v1',
        method: 'POST',
        path: '/submissions',
        headers: {
          'content-type': 'application/x-ndjson',
          'x-correlationid': 'too-many',
          'x-program-id': programme.programmeId,
        },
        body: many(100, 'c'),
      });
      expect(response.status).toBe(503);
      expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    } finally {
      await full.stop();
    }
    expect(await left()).toBe(0);
  });

  it('an id of an earlier payment is refused, whichever way that came', async () => {
    const own = newKey();
    const ids = await payees(t.node, 3);
    const { body } = await submit(own, lines(rowsFor(own, ids).map(json)));
    await split(body.submissionId);
    expect((await refusal(submit(newKey(), lines(rowsFor(own, ids).map(json))))).status).toBe(409);
    const again = t.api.batchTransactions({
      query: {},
      headers: { 'x-correlationid': newKey(), 'x-program-id': programme.programmeId },
      body: rowsFor(own, ids).map(json),
    });
    expect((await refusal(again)).status).toBe(409);
  });
});
