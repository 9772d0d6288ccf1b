import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CompactSign, flattenedVerify, importJWK, type JWK } from 'jose';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  approve,
  over,
  payees,
  programme,
  reaches,
  source,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

interface Message {
  readonly path: string;
  readonly id: string;
  readonly signature: string;
  readonly text: string;
}

/** The source's own server outside the mediator: keeps what it gets and answers as it is told. */
const received: Message[] = [];
const accept = async (_message: Message): Promise<number> => 200;
let answer = accept;
let server: Server;
let base: string;
let t: Treasury;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const message = {
      path: request.url as string,
      id: request.headers['x-callback-id'] as string,
      signature: request.headers['x-jws-signature'] as string,
      text: Buffer.concat(parts).toString(),
    };
    received.push(message);
    const status = await answer(message);
    response.writeHead(status, status === 302 ? { location: `${base}/elsewhere` } : {}).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t = await startTreasury({ subBatchSize: 1 });
  await t.admin.putSource({
    params: { sourceId: programme.sourceId },
    body: { application: source, name: 'Cash transfer', institutionId: 'MSP', callbackUrls: [`${base}/in`] },
  });
});
afterEach(() => {
  answer = accept;
  received.length = 0;
});
afterAll(async () => {
  await t.stop();
  server.closeAllConnections();
  server.close();
});

let requests = 0;
/** A registration of which one record fails: its outcome is the message. */
async function registration(path: string): Promise<string> {
  requests += 1;
  const requestID = `c-${requests}`;
  await t.api.registerBeneficiary({
    headers: { 'x-callback-url': `${base}${path}` },
    body: { requestID, beneficiaries: [{ payeeIdentity: `c-${requests}`, paymentModality: '09' }] },
  });
  return requestID;
}
const about = (requestID: string): Message[] =>
  received.filter((one) => (JSON.parse(one.text) as { requestID?: string }).requestID === requestID);
const arrives = (requestID: string, times = 1) =>
  expect.poll(() => about(requestID).length, { timeout: 30_000, interval: 10 }).toBe(times);
const delivered = () =>
  expect
    .poll(
      async () =>
        (
          await sql<{ count: string }>`select count(*) from callback where state = 'waiting'`.execute(
            t.node.database('payments'),
          )
        ).rows[0]?.count,
      { timeout: 30_000, interval: 20 },
    )
    .toBe('0');

describe('a message to a source', () => {
  it('[PAY-8.1.4-b] tells how a run goes, at the end the same as is told when asked', async () => {
    const ids = await payees(t.node, 5);
    const { body } = await t.api.batchTransactions({
      query: {},
      headers: {
        'x-correlationid': 'told',
        'x-program-id': programme.programmeId,
        'x-callback-url': `${base}/in/status`,
      },
      body: ids.map((value) => ({
        requestId: `told-${value}`,
        creditParty: [{ key: 'functionalId', value }],
        amount: '3.00',
        currency: 'USD',
      })),
    });
    await approve(t.node, body.batchId);
    await reaches(t.node, body.batchId, ...over);
    await delivered();
    const told = received.map((one) => JSON.parse(one.text) as { completed: number; note: string });
    expect(told.map((one) => one.completed)).toEqual([...told.map((one) => one.completed)].sort());
    expect(told.length).toBeGreaterThan(1);
    const asked = (await t.api.getBatchStatus({ query: { batchId: body.batchId } })).body;
    expect(told.at(-1)).toEqual({ ...asked, resultGeneratedAt: expect.any(String) });
    expect(received.at(-1)?.path).toBe(`/in/status?batchId=${body.batchId}&X-CorrelationID=told`);
  });

  it('[PAY-6.14-f] is signed: a changed one, or one signed by another, does not pass', async () => {
    const requestID = await registration('/in/results');
    await arrives(requestID);
    const [message] = about(requestID) as [Message];
    const { keys } = (await t.admin.getSigningKeys({})).body;
    expect(keys[0]).not.toHaveProperty('d');
    const key = await importJWK(keys[0] as JWK, 'ES256');
    const verify = (text: string, jws = message.signature) => {
      const [header = '', , signature = ''] = jws.split('.');
      const payload = Buffer.from(text).toString('base64url');
      return flattenedVerify({ protected: header, payload, signature }, key);
    };
    await verify(message.text);
    await expect(
      verify(message.text.replace('"numberFailedCases":1', '"numberFailedCases":0')),
    ).rejects.toThrow();
    const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
    ]);
    const forged = await new CompactSign(Buffer.from(message.text))
      .setProtectedHeader({ alg: 'ES256', kid: 'callbacks' })
      .sign(privateKey);
    await expect(verify(message.text, forged)).rejects.toThrow();
  });

  it('[PAY-8.1.2-b] comes again until it is taken, under the same id; the next one waits for it', async () => {
    let refusals = 3;
    answer = async () => {
      refusals -= 1;
      return refusals >= 0 ? 503 : 200;
    };
    const first = await registration('/in/results');
    const second = await registration('/in/results');
    await arrives(second);
    expect(about(first)).toHaveLength(4);
    expect(new Set(about(first).map((one) => one.id)).size).toBe(1);
    expect(received.at(-1)).toBe(about(second)[0]);
    await delivered();
  });

  it('comes once to a source that takes its time', async () => {
    let open: (() => void) | undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    answer = async (message) => {
      if (message.path === '/in/slow') await opened;
      return 200;
    };
    const slow = await registration('/in/slow');
    const slower = await registration('/in/slow');
    // Others are served meanwhile, again and again, longer than it would take to repeat the slow one.
    for (let n = 0; n < 12; n += 1) await arrives(await registration(`/in/other-${n}`));
    open?.();
    await arrives(slower);
    await delivered();
    expect([about(slow).length, about(slower).length]).toEqual([1, 1]);
  });

  it('nobody wants any more ends as a case; later ones are not held up, and none is led elsewhere', async () => {
    answer = async ({ path }) => (path === '/in/gone' ? 410 : path === '/in/moved' ? 302 : 200);
    await registration('/in/gone');
    const cases = async () =>
      (await t.admin.listCases({ query: { state: 'open' } })).body.items.map((one) => one.kind);
    await expect.poll(cases).toContain('callback-dead');
    const moved = await registration('/in/moved');
    await expect.poll(() => about(moved).length).toBeGreaterThan(0);
    expect(received.some((one) => one.path === '/elsewhere')).toBe(false);
    answer = accept;
    await arrives(await registration('/in/gone'));
    await delivered();
  });

  it('[PAY-6.14-c] goes to allowed addresses only; otherwise the request changes nothing', async () => {
    for (const path of ['/outside', '/in/../outside', '/inside']) {
      await expect(registration(path)).rejects.toMatchObject({ status: 400 });
      const asked = t.api.getRegistrationResult({ params: { requestID: `c-${requests}` } });
      await expect(asked).rejects.toMatchObject({ status: 404 });
    }
    expect(received).toEqual([]);
  });
});

it('a key that could not be read once is read again', async () => {
  const other = await startTreasury();
  try {
    const db = other.node.database('payments');
    await sql`alter table signing_key rename to signing_key_away`.execute(db);
    await expect(other.admin.getSigningKeys({})).rejects.toMatchObject({ status: 500 });
    await sql`alter table signing_key_away rename to signing_key`.execute(db);
    const { keys } = (await other.admin.getSigningKeys({})).body;
    expect(keys.map(({ kid }) => kid)).toEqual(['callbacks', 'decisions']);
  } finally {
    await other.stop();
  }
});
