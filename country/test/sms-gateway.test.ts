import { type FlattenedJWSInput, flattenedVerify, importJWK, type JWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  call,
  type Program,
  type Received,
  startProgram,
  startReceiver,
  temporaryFolder,
  until,
} from './party.ts';

const key = 'a key of the test';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let gateway: Program;
let shared: Program;
/** Telephone and references of a test, so that tests can share a gateway. */
let to = '';
let prefix = '';
let tests = 0;
const args = (path: string): string[] => ['--data', path, '--callback-url', `${receiver.url}/receipts`];
const start = (path: string): Promise<Program> =>
  startProgram('sms-gateway', args(path), { SMS_GATEWAY_KEY: key });

beforeAll(async () => {
  folder = await temporaryFolder();
  receiver = await startReceiver();
  shared = await start(folder.path);
});
beforeEach(async () => {
  gateway = shared;
  to = `+99971234567${++tests}`;
  prefix = `t${tests}-`;
  receiver.received.length = 0;
  await setFaults({});
});
afterAll(async () => {
  await shared.kill('SIGKILL');
  await receiver.stop();
  await folder.remove();
});

const send = (reference: string, more: object = {}, authorization = `Bearer ${key}`) =>
  call<{ id: string; segments: number }>(
    'POST',
    `${gateway.url}/messages`,
    { to, text: 'Your money is on its way', reference: prefix + reference, ...more },
    { authorization },
  );
const received = async () =>
  (
    await call<{ messages: { text: string; status: string; reference: string }[] }>(
      'GET',
      `${gateway.url}/messages?to=${encodeURIComponent(to)}`,
    )
  ).body.messages.map((message) => ({ ...message, reference: message.reference.slice(prefix.length) }));
const setFaults = (faults: object) => call('POST', `${gateway.controlUrl}/control/faults`, faults);
const receipt = ({ body }: Received): { reference: string; status: string; code?: string } => {
  const content = JSON.parse(body);
  return { ...content, reference: content.reference.slice(prefix.length) };
};

describe('the SMS gateway', () => {
  it('carries a message to the telephone and sends a signed receipt', async () => {
    const { status, body } = await send('m1', { text: 'Bonjour, votre paiement est prêt. مرحبا' });
    expect(status).toBe(202);
    await until(() => receiver.received.length === 1);
    const posted = receiver.received[0] as Received;
    expect(receipt(posted)).toMatchObject({ id: body.id, reference: 'm1', status: 'delivered' });
    const [header, , signature] = String(posted.headers['x-jws-signature']).split('.');
    const jws = { protected: header, payload: Buffer.from(posted.body).toString('base64url'), signature };
    const { body: jwks } = await call<{ keys: JWK[] }>('GET', `${gateway.url}/.well-known/jwks.json`);
    await flattenedVerify(jws as FlattenedJWSInput, await importJWK(jwks.keys[0] as JWK, 'ES256'));
    expect(await received()).toMatchObject([
      { text: 'Bonjour, votre paiement est prêt. مرحبا', status: 'delivered', reference: 'm1' },
    ]);
    const fate = await call('GET', `${gateway.url}/messages/${body.id}`, undefined, {
      authorization: `Bearer ${key}`,
    });
    expect(fate.body).toMatchObject({ status: 'delivered' });
  });

  it('takes a reference once under 50 identical requests, and refuses another text under it', async () => {
    const replies = await Promise.all(Array.from({ length: 50 }, () => send('m1')));
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(1);
    expect((await send('m1', { text: 'Another text' })).status).toBe(409);
    expect(await received()).toHaveLength(1);
  });

  it('needs the key for sending and for asking', async () => {
    expect((await send('m1', {}, 'Bearer another')).status).toBe(401);
    expect((await call('GET', `${gateway.url}/messages/x`)).status).toBe(401);
    expect(await received()).toEqual([]);
  });

  it('refuses what is no message', async () => {
    expect((await send('m1', { to: '0712345678' })).status).toBe(422);
    expect((await send('m2', { text: '' })).status).toBe(422);
    expect((await send('m3', { text: 'م'.repeat(700) })).status).toBe(422);
    expect(await received()).toEqual([]);
  });

  it('keeps after a kill what it took, delivers it and sends the receipt', async () => {
    const own = await temporaryFolder();
    gateway = await start(own.path);
    await setFaults({ late: { share: 1, delayMs: 60_000 } });
    const { body } = await send('m1');
    await gateway.kill('SIGKILL');
    gateway = await start(own.path);
    await until(() => receiver.received.some((one) => receipt(one).status === 'delivered'));
    expect((await send('m1')).body.id).toBe(body.id);
    expect(await received()).toMatchObject([{ reference: 'm1', status: 'delivered' }]);
    await gateway.kill('SIGKILL');
    await own.remove();
  });

  it('fails as it is told: for good, for now, later, without an answer', async () => {
    await setFaults({ refused: ['+99971'] });
    expect((await send('m1')).status).toBe(422);
    await setFaults({ busy: { share: 1, times: 2 } });
    const busy = await send('m2');
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '1']);
    expect([(await send('m2')).status, (await send('m2')).status]).toEqual([503, 202]);
    await setFaults({ timeout: { share: 1, holdMs: 10 } });
    await expect(send('m3')).rejects.toThrow();
    expect((await send('m3')).status).toBe(202);
    await setFaults({ undeliverable: { share: 1 } });
    await send('m4');
    await until(() =>
      receiver.received
        .map(receipt)
        .some(({ reference, status }) => reference === 'm4' && status === 'failed'),
    );
    expect((await received()).map(({ reference }) => reference)).toEqual(['m4', 'm3', 'm2']);
  });

  it('repeats a receipt, or sends none, when told to', async () => {
    await setFaults({ unreceipted: { share: 1 } });
    await send('m1');
    await until(async () => (await received())[0]?.status === 'delivered');
    await setFaults({ receiptRepeated: { share: 1 } });
    await send('m2');
    await until(() => receiver.received.length === 2);
    expect(receiver.received.map((one) => receipt(one).reference)).toEqual(['m2', 'm2']);
  });

  it('shows telephones as pages', async () => {
    await send('m1', { text: '<b>& "مرحبا"' });
    const list = await (await fetch(`${gateway.url}/`)).text();
    expect(list).toContain(`href="/phones/${encodeURIComponent(to)}"`);
    const response = await fetch(`${gateway.url}/phones?number=${encodeURIComponent(to)}`);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await response.text();
    expect(page).toContain('&lt;b&gt;&amp; &quot;مرحبا&quot;');
    expect(page).toMatch(/<html lang="en">[\s\S]*<main[\s\S]*<h1>/);
  });
});
