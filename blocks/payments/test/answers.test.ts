import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FlattenedSign } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Rail, startRail } from './fixtures/rail.ts';
import {
  adminOf,
  approve,
  available,
  brokenBooks,
  handOver,
  instructionsOf,
  noticesOf,
  over,
  payees,
  reaches,
  startTreasury,
  type Treasury,
  walletService,
} from './fixtures/treasury.ts';

/** Stands before a bank and, when told to, says of each transfer also the opposite of what the bank said. */
async function startDoubleTongue(
  bank: Rail,
): Promise<{ rail: Rail; says: { both: boolean }; server: Server }> {
  const says = { both: false };
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const answer = await fetch(`${bank.url}${request.url}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      ...(parts.length === 0 ? {} : { body: Buffer.concat(parts) }),
    });
    const body = (await answer.json()) as { results?: { reference: string; status: string }[] };
    if (says.both && body.results)
      body.results.push(...body.results.map((one) => ({ ...one, status: 'rejected', reasonCode: 'XX' })));
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const rail = Object.create(bank, {
    url: { value: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
  }) as Rail;
  return { rail, says, server };
}

let t: Treasury;
let bank: Rail;
let wallets: Rail;
let tongue: Awaited<ReturnType<typeof startDoubleTongue>>;
beforeAll(async () => {
  [bank, wallets] = await Promise.all([startRail(), startRail()]);
  tongue = await startDoubleTongue(bank);
  t = await startTreasury({}, { rails: [tongue.rail, wallets] });
});
afterAll(async () => {
  await t.stop();
  tongue.server.close();
  await Promise.all([bank.stop(), wallets.stop()]);
});

const provider = walletService.split('/').slice(0, 4).join('/');
type Result = { reference: string; status: 'completed' | 'failed' | 'returned'; reasonCode?: string };
const report = (...results: Result[]) =>
  noticesOf(t.node, provider).postTransferResults({ body: { eventId: randomUUID(), results } });
const stateOf = async (instructionId: string) =>
  (await adminOf(t.node).getInstruction({ params: { instructionId } })).body.state;
const casesOf = async (batchId: string) =>
  (await t.admin.listCases({ query: { batchId } })).body.items.map((one) => one.kind);

/** A payment to a wallet of which nobody has heard anything yet, though it was executed. */
async function unanswered() {
  wallets.fate = () => 'silent';
  wallets.answersQuestions = false;
  const [, payee = ''] = await payees(t.node, 2);
  const batchId = await handOver(t.node, [payee]);
  await approve(t.node, batchId);
  const found = async () => (await instructionsOf(t.node, batchId))[0];
  await expect.poll(async () => (await found())?.state).toBe('unknown');
  return { batchId, reference: (await found())?.instructionId as string };
}
const answersAgain = (): void => {
  wallets.fate = () => 'completed';
  wallets.answersQuestions = true;
};

describe('a rail that', () => {
  it('[PAY-6.5-c][PAY-6.1-c] answers late, and twice, is heard once', async () => {
    const before = Number(await available(t.node));
    const { batchId, reference } = await unanswered();
    await Promise.all([1, 2, 3].map(() => report({ reference, status: 'completed' })));
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    await report({ reference, status: 'completed' });
    answersAgain();
    expect(wallets.credited.get(reference)?.times).toBe(1);
    expect(Number(await available(t.node))).toBeCloseTo(before - 12.5, 2);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-k] says both in one notice is believed first and disputed then: a person looks', async () => {
    const { batchId, reference } = await unanswered();
    await report(
      { reference, status: 'completed' },
      { reference, status: 'completed' },
      { reference, status: 'failed', reasonCode: 'XX' },
    );
    answersAgain();
    expect(await stateOf(reference)).toBe('completed');
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    expect(await casesOf(batchId)).toContain('contradiction');
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-5.3.1-k] says both in one answer is believed first and disputed then: a person looks', async () => {
    const [payee = ''] = await payees(t.node, 1);
    tongue.says.both = true;
    const batchId = await handOver(t.node, [payee]);
    await approve(t.node, batchId);
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    tongue.says.both = false;
    expect(await casesOf(batchId)).toContain('contradiction');
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.5-c] is one of several of its operator is told apart by the payment', async () => {
    await t.admin.putRail({
      params: { railId: 'a-second-one' },
      body: {
        adapter: 'mobile-money',
        service: walletService,
        name: 'Second rail of the same operator',
        modalities: ['03'],
        currencies: ['USD'],
        debtorAccount: 'FLOAT-2',
      },
    });
    const { batchId, reference } = await unanswered();
    await report({ reference, status: 'completed' });
    answersAgain();
    expect((await reaches(t.node, batchId, ...over)).state).toBe('completed');
    const { items } = (await t.admin.listCases({ query: { state: 'open' } })).body;
    expect(items.map((one) => one.kind)).not.toContain('unknown-reference');
  });

  it('[PAY-6.14-f] is one of several of its operator signs with the key of any of them, and must sign', async () => {
    const pairs = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
    for (const [index, { publicKey }] of pairs.entries())
      await t.admin.putRail({
        params: { railId: `signed-${index}` },
        body: {
          adapter: 'bank',
          service: 'TEST/COM/SIGNED/rail/rail-v1',
          name: 'Signed',
          modalities: ['04'],
          currencies: ['USD'],
          publicKey: { ...publicKey.export({ format: 'jwk' }), alg: 'ES256' },
        },
      });
    const notices = noticesOf(t.node, 'TEST/COM/SIGNED/rail');
    const send = async (privateKey: KeyObject) => {
      const notice = {
        eventId: randomUUID(),
        results: [{ reference: randomUUID(), status: 'completed' as const }],
      };
      const signed = await new FlattenedSign(Buffer.from(JSON.stringify(notice)))
        .setProtectedHeader({ alg: 'ES256' })
        .sign(privateKey);
      return notices.postTransferResults({
        body: { ...signed, protected: signed.protected as string },
      });
    };
    for (const { privateKey } of pairs) expect((await send(privateKey)).body.repeated).toBe(false);
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await expect(send(privateKey)).rejects.toMatchObject({ status: 401 });
    const plain = notices.postTransferResults({
      body: { eventId: randomUUID(), results: [{ reference: randomUUID(), status: 'completed' }] },
    });
    await expect(plain).rejects.toMatchObject({ status: 401 });
  });

  it('[PAY-5.3.1-k] reports what was never sent to it changes nothing; a person looks', async () => {
    const strange = async () =>
      (await t.admin.listCases({ query: { state: 'open' } })).body.items.filter(
        (one) => one.kind === 'unknown-reference',
      ).length;
    const before = await strange();
    const reference = randomUUID();
    await report({ reference, status: 'completed' });
    await report({ reference, status: 'completed' });
    expect(await strange()).toBe(before + 1);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});
