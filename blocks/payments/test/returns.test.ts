import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  balancesOf,
  bankOf,
  credit,
  debit,
  proofs,
  reconciliationOf,
  take,
  treasurer,
} from './fixtures/statement.ts';
import {
  approve,
  available,
  bankService,
  brokenBooks,
  instructionsOf,
  noticesOf,
  over,
  payees,
  programme,
  reaches,
  refusal,
  source,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

const rail = bankService.split('/').slice(0, 4).join('/');
let t: Treasury;
let recon: ReturnType<typeof reconciliationOf>;
let server: Server;
let base: string;
/** What the source was told: path and body. */
const told: { path: string; body: Record<string, unknown> }[] = [];
beforeAll(async () => {
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    told.push({ path: request.url ?? '', body: JSON.parse(Buffer.concat(parts).toString()) });
    response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t = await startTreasury();
  recon = reconciliationOf(t.node);
  await t.admin.putSource({
    params: { sourceId: programme.sourceId },
    body: { application: source, name: 'Cash transfer', institutionId: 'MSP', callbackUrls: [base] },
  });
});
afterAll(async () => {
  await t.stop();
  server.closeAllConnections();
  server.close();
});

let runs = 0;
/** A run of one payment by the bank, made and confirmed. */
async function paidOne(amount: string, payee?: string) {
  runs += 1;
  const [first = ''] = payee === undefined ? await payees(t.node, 1) : [payee];
  const { body } = await t.api.batchTransactions({
    query: {},
    headers: {
      'x-correlationid': `ret-${runs}`,
      'x-initiator': 'maker-1',
      'x-callback-url': `${base}/status`,
    },
    body: [
      {
        requestId: `ret-${runs}-1`,
        creditParty: [{ key: 'functionalId', value: first }],
        amount,
        currency: 'USD',
      },
    ],
  });
  await approve(t.node, body.batchId);
  await reaches(t.node, body.batchId, ...over);
  const [row] = await instructionsOf(t.node, body.batchId);
  return { batchId: body.batchId, instructionId: row?.instructionId as string, payee: first };
}
const comesBack = (reference: string) =>
  noticesOf(t.node, rail).postTransferResults({
    body: { eventId: randomUUID(), results: [{ reference, status: 'returned', reasonCode: 'AC04' }] },
  });
const heldFor = async (instructionId: string) => {
  const { items } = (await recon.listSuspense({ query: { limit: 500 } })).body;
  return items.find((one) => one.instructionId === instructionId);
};
const propose = async (entryId: string, id = 'treasurer-1') =>
  (
    await recon.releaseSuspense({
      params: { entryId },
      body: { note: 'The account is closed' },
      personToken: await treasurer(t.node, id),
    })
  ).body;
const accept = async (entryId: string, id = 'treasurer-2') =>
  (await recon.acceptRelease({ params: { entryId }, body: {}, personToken: await treasurer(t.node, id) }))
    .body;
const toldOf = (batchId: string, note: string) =>
  told.filter((one) => one.path.includes(batchId) && one.body.note === note);
const announced = (type: string, subject: string) =>
  t.node.published.filter((event) => event.type === type && event.subject === subject);

describe('a payment that comes back', () => {
  it('[PAY-9.1.3-c][PAY-6.9-i] lies in suspense, seen and told of, until two people give it back to its programme', async () => {
    const before = Number(await available(t.node));
    const { batchId, instructionId } = await paidOne('40.00');
    expect(Number(await available(t.node))).toBeCloseTo(before - 40, 2);
    await comesBack(instructionId);
    await comesBack(instructionId);
    const entry = await heldFor(instructionId);
    expect(entry).toMatchObject({
      kind: 'return',
      state: 'held',
      amount: '40.00',
      reasonCode: 'AC04',
      ageDays: 0,
    });
    await expect.poll(() => toldOf(batchId, 'returned').length).toBe(1);
    expect(toldOf(batchId, 'returned')[0]?.body).toMatchObject({
      batchId,
      failed: 1,
      completed: 0,
      failed_amount: 40,
    });
    await expect.poll(() => announced('payments.payment-returned.v1', instructionId).length).toBe(1);

    const entryId = entry?.entryId as string;
    expect(await propose(entryId)).toMatchObject({ state: 'proposed', proposedBy: 'treasurer-1' });
    expect(Number(await available(t.node))).toBeCloseTo(before - 40, 2);
    expect((await refusal(accept(entryId, 'treasurer-1'))).status).toBe(403);
    const outcomes = await Promise.allSettled([
      accept(entryId),
      accept(entryId, 'treasurer-3'),
      accept(entryId),
    ]);
    expect(outcomes.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    expect(await available(t.node)).toBe(before.toFixed(2));
    expect(await heldFor(instructionId)).toBeUndefined();
    await expect.poll(() => toldOf(batchId, 'return-released').length).toBe(1);
    await expect.poll(() => announced('payments.return-released.v1', instructionId).length).toBe(1);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-9.1.3-c] stays in suspense when the second person declines', async () => {
    const { instructionId } = await paidOne('41.00');
    await comesBack(instructionId);
    const entryId = (await heldFor(instructionId))?.entryId as string;
    await propose(entryId);
    const personToken = await treasurer(t.node, 'treasurer-2');
    const { body } = await recon.declineRelease({
      params: { entryId },
      body: { note: 'Not yet' },
      personToken,
    });
    expect(body).toMatchObject({ state: 'held', note: 'Not yet' });
    expect((await refusal(accept(entryId))).status).toBe(409);
    expect(await propose(entryId, 'treasurer-2')).toMatchObject({ state: 'proposed' });
    expect(await accept(entryId, 'treasurer-1')).toMatchObject({ state: 'released' });
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-9.1.3-c][PAY-6.8-b] is on the statement too, before or after the rail told of it: it is taken once', async () => {
    const bank = bankOf();
    await take(t.node, bank.statement([credit(10_000_000n, 'b-1')]));
    const [early, late, silent] = [await paidOne('42.00'), await paidOne('43.00'), await paidOne('44.00')];
    // The rail tells first, and the statement then shows both ways.
    await comesBack(early.instructionId);
    await take(
      t.node,
      bank.statement([
        debit(4200n, early.instructionId),
        credit(4200n, early.instructionId, { type: 'return' }),
        debit(4300n, late.instructionId),
        debit(4400n, silent.instructionId),
      ]),
    );
    // The payment left the bank before the rail tells that it came back, and the money is not there yet: a case after days.
    await comesBack(late.instructionId);
    expect((await proofs(t.node))[0]).toMatchObject({ difference: '0.00' });
    const { items } = (await t.admin.listCases({ query: { limit: 500 } })).body;
    const missing = items.filter((one) => one.kind === 'return-missing-at-bank');
    expect(missing.map((one) => one.instructionId)).toContain(late.instructionId);
    expect(missing.map((one) => one.instructionId)).not.toContain(early.instructionId);
    expect(await brokenBooks(t.node)).toEqual([]);
    await take(
      t.node,
      bank.statement([credit(4300n, late.instructionId), credit(4400n, silent.instructionId)]),
    );
    for (const { instructionId } of [early, late, silent]) {
      const { body } = await t.admin.getInstruction({ params: { instructionId } });
      expect(body.state).toBe('returned');
      expect(await heldFor(instructionId)).toMatchObject({ state: 'held' });
    }
    await comesBack(silent.instructionId);
    expect((await balancesOf(t.admin, 'suspense')).bank).toBe('129.00');
    expect((await proofs(t.node))[0]).toMatchObject({
      difference: '0.00',
      creditsOpen: '0.00',
      debitsOpen: '0.00',
    });
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-9.1.3-c][PAY-5.3.1-k] is paid anew only by an instruction that names it', async () => {
    const { batchId, instructionId, payee } = await paidOne('45.00');
    await comesBack(instructionId);
    const retried = (await t.admin.retryFailedInstructions({ params: { batchId } })).body;
    expect(retried.repeated).toBe(false);
    await approve(t.node, retried.batchId);
    expect((await reaches(t.node, retried.batchId, ...over)).state).toBe('completed');
    const [row] = await instructionsOf(t.node, retried.batchId);
    const { body: first } = await t.admin.getInstruction({ params: { instructionId } });
    expect(row).toMatchObject({ payeeIdentity: payee, retryOf: first.requestId, state: 'completed' });
    expect((await t.admin.retryFailedInstructions({ params: { batchId } })).body).toEqual({
      batchId: retried.batchId,
      repeated: true,
      leftOut: [],
    });
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-9.1.3-c] is given back by one person up to the limit that another person of the treasury set', async () => {
    const limit = async (amount: string | null, token = treasurer(t.node, 'setter')) =>
      recon.putSingleDecisionLimit({
        params: { currency: 'USD' },
        body: { amount },
        personToken: await token,
      });
    await limit('10.00');
    expect((await recon.listSingleDecisionLimits({})).body.items).toEqual([
      { currency: 'USD', amount: '10.00' },
    ]);
    const [small, large, own] = [await paidOne('10.00'), await paidOne('10.01'), await paidOne('1.00')];
    for (const { instructionId } of [small, large, own]) await comesBack(instructionId);
    expect(await propose((await heldFor(small.instructionId))?.entryId as string)).toMatchObject({
      state: 'released',
    });
    expect(await propose((await heldFor(large.instructionId))?.entryId as string)).toMatchObject({
      state: 'proposed',
    });
    expect(await propose((await heldFor(own.instructionId))?.entryId as string, 'setter')).toMatchObject({
      state: 'proposed',
    });
    const stranger = t.node.token({ id: 'm', roles: ['administrator'], agency: 'TEST/GOV/MSP' });
    expect((await refusal(limit('99.00', stranger))).status).toBe(403);
    await limit(null);
    expect((await recon.listSingleDecisionLimits({})).body.items).toEqual([]);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});
