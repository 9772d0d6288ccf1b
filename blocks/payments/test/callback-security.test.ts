import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkedConnections, type Resolve } from '@govstack/platform';
import { decodeProtectedHeader, flattenedVerify, importJWK, type JWK } from 'jose';
import { sql } from 'kysely';
import { fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  apiOf,
  approver,
  oversightOf,
  programme,
  source,
  startTreasury,
  type Treasury,
  treasury,
} from './fixtures/treasury.ts';

interface Message {
  readonly path: string;
  readonly requestID: string;
  readonly signature: string;
  readonly id: string;
  readonly text: string;
}

const received: Message[] = [];
let answer: (message: Message, respond: (status: number, headers?: Record<string, string>) => void) => void;
const accept: typeof answer = (_message, respond) => respond(200);
/** What services of the source behind the mediator got, and the status they answer with (200). */
const served: { readonly service: string; readonly id: string }[] = [];
const serviceAnswers: Record<string, number> = {};
const oldService = `${source}/old-v1`;
const newService = `${source}/new-v1`;
let server: Server;
let base: string;
let t: Treasury;
const rival = 'TEST/GOV/OTHER/payroll';

const listen = async (handle: RequestListener): Promise<[Server, string]> => {
  const opened = createServer(handle);
  await new Promise<void>((resolve) => opened.listen(0, '127.0.0.1', resolve));
  return [opened, `http://127.0.0.1:${(opened.address() as AddressInfo).port}`];
};

const registerSource = (
  callbackUrls: string[],
  sourceId: string = programme.sourceId,
  application = source,
) =>
  t.admin.putSource({
    params: { sourceId },
    body: { application, name: 'Source', institutionId: 'MSP', callbackUrls },
  });

beforeAll(async () => {
  answer = accept;
  [server, base] = await listen(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    const message = {
      path: request.url as string,
      requestID: (JSON.parse(text) as { requestID: string }).requestID,
      signature: request.headers['x-jws-signature'] as string,
      id: request.headers['x-callback-id'] as string,
      text,
    };
    received.push(message);
    answer(message, (status, headers = {}) => response.writeHead(status, headers).end());
  });
  const taking = (service: string) => [
    service,
    async ({ headers }: { readonly headers: Readonly<Record<string, string>> }) => {
      served.push({ service, id: headers['x-callback-id'] as string });
      return { status: serviceAnswers[service] ?? 200, headers: {}, body: Buffer.from('{}') };
    },
  ];
  t = await startTreasury(
    { callbackTimeoutSeconds: 0.5, callbackWorkers: 4 },
    { providers: Object.fromEntries([oldService, newService].map(taking)) },
  );
});
afterAll(async () => {
  await t.stop();
  server.closeAllConnections();
  server.close();
});

let requests = 0;
/** A registration of which one record fails: its outcome is the message. */
async function registration(url: string, as = source): Promise<string> {
  requests += 1;
  const requestID = `s-${requests}`;
  await apiOf(t.node, as).registerBeneficiary({
    headers: { 'x-callback-url': url },
    body: { requestID, beneficiaries: [{ payeeIdentity: requestID, paymentModality: '09' }] },
  });
  return requestID;
}
const about = (requestID: string) => received.filter((one) => one.requestID === requestID);
const arrives = (requestID: string, times = 1) =>
  expect.poll(() => about(requestID).length, { timeout: 30_000, interval: 10 }).toBeGreaterThanOrEqual(times);
const callbacks = async () =>
  (
    await sql<{ state: string; attempts: number; last_status: number | null }>`
      select state, attempts, last_status from callback order by id desc limit 1`.execute(
      t.node.database('payments'),
    )
  ).rows[0];
/** Keys of callbacks, newest first. */
const keysOf = async () =>
  ((await t.admin.getSigningKeys({})).body.keys as JWK[]).filter(({ kid }) => kid !== 'decisions');
const verify = async (message: Message, keys: JWK[], header?: string) => {
  const [own = '', , signature = ''] = message.signature.split('.');
  const key = keys.find((one) => one.kid === decodeProtectedHeader(message.signature).kid);
  if (!key) throw new Error('the key is not published');
  return flattenedVerify(
    { protected: header ?? own, payload: Buffer.from(message.text).toString('base64url'), signature },
    await importJWK(key, 'ES256'),
  );
};

describe('the signature of a callback', () => {
  it('[PAY-6.14-f] covers who it is for, which message it is, when and how often it was sent', async () => {
    await registerSource([`${base}/in`]);
    let refusals = 2;
    answer = (_message, respond) => {
      refusals -= 1;
      respond(refusals >= 0 ? 503 : 200);
    };
    const requestID = await registration(`${base}/in`);
    await arrives(requestID, 3);
    const keys = await keysOf();
    const envelopes = about(requestID).map((one) => decodeProtectedHeader(one.signature));
    expect(envelopes.map((one) => one.attempt)).toEqual([1, 2, 3]);
    for (const [index, message] of about(requestID).entries()) {
      await verify(message, keys);
      expect(envelopes[index]).toMatchObject({ jti: message.id, aud: programme.sourceId });
      expect(Math.abs((envelopes[index]?.iat as number) - Date.now() / 1000)).toBeLessThan(60);
      const later = { ...envelopes[index], iat: (envelopes[index]?.iat as number) + 86_400 };
      const forged = Buffer.from(JSON.stringify(later)).toString('base64url');
      await expect(verify(message, keys, forged)).rejects.toThrow();
    }
    answer = accept;
  });

  it('[PAY-6.14-b] is made with a new key after the old one was replaced, which stays published', async () => {
    const before = await registration(`${base}/in`);
    await arrives(before);
    const body = { replaces: (await keysOf())[0]?.kid as string };
    await expect(
      t.admin.rotateSigningKey({ body, personToken: await approver(t.node) }),
    ).rejects.toMatchObject({ status: 403 });
    const personToken = await t.node.token({ id: 'admin-1', roles: ['administrator'], agency: treasury });
    const rotated = await Promise.all([1, 2, 3].map(() => t.admin.rotateSigningKey({ body, personToken })));
    for (const { body: answered } of rotated)
      expect(answered.keys.map(({ kid }) => kid)).toEqual(['callbacks-2', 'callbacks', 'decisions']);
    const after = await registration(`${base}/in`);
    await arrives(after);
    const kids = [before, after].map((id) => decodeProtectedHeader((about(id)[0] as Message).signature).kid);
    expect(kids).toEqual((await keysOf()).map((key) => key.kid).reverse());
    for (const id of [before, after]) await verify(about(id)[0] as Message, await keysOf());
    await sql`update signing_key set created_at = now() - interval '8 days'`.execute(
      t.node.database('payments'),
    );
    expect((await keysOf()).map((key) => key.kid)).toEqual([kids[1]]);
  });
});

describe('where a callback goes', () => {
  const connected = async (url: string, answers: readonly string[][], networks: string[] = []) => {
    let asked = 0;
    const resolve: Resolve = (_host, done) => {
      const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
      asked += 1;
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    };
    const agent = checkedConnections({ networks, localByName: true }, resolve);
    try {
      const response = await fetch(url, { dispatcher: agent, signal: AbortSignal.timeout(2000) });
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      return ((error as Error).cause as Error | undefined)?.name ?? (error as Error).name;
    } finally {
      await agent.destroy();
    }
  };

  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    'fe80::1',
    'fc00::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    '::',
  ])('[PAY-6.14-c] never to a name that leads to %s, nor to that address itself', async (address) => {
    const port = new URL(base).port;
    expect(await connected(`http://source.example:${port}/`, [[address]])).toBe('AddressRefused');
    expect(await connected(`http://source.example:${port}/`, [['8.8.8.8', address]])).toBe('AddressRefused');
    if (address === '127.0.0.1' || address === '::1') return;
    const literal = address.includes(':') ? `[${address}]` : address;
    expect(await connected(`http://${literal}:${port}/`, [[address]])).toBe('AddressRefused');
  });

  it('[PAY-6.14-c] is the very address that was checked, however the name answers the next time', async () => {
    const [other, otherBase] = await listen((_request, response) => response.writeHead(204).end());
    const port = new URL(otherBase).port;
    const networks = ['127.0.0.1/32'];
    const url = `http://source.example:${port}/`;
    expect(await connected(url, [['127.0.0.1'], ['127.0.0.2']], networks)).toBe(204);
    expect(await connected(url, [['127.0.0.2'], ['127.0.0.1']], networks)).toBe('AddressRefused');
    other.close();
  });

  it('[PAY-6.14-c] is no address inside, though the treasury allowed it by mistake', async () => {
    await registerSource(['https://10.0.0.1/in', 'https://[::ffff:7f00:1]/in']);
    for (const url of ['https://10.0.0.1/in', 'https://[::ffff:7f00:1]/in']) {
      await registration(url);
      await expect.poll(callbacks).toMatchObject({ last_status: 0, state: 'waiting' });
    }
  });

  it('[PAY-6.14-c] is none the treasury has taken off the list since', async () => {
    answer = (_message, respond) => respond(503);
    await registerSource([`${base}/in`]);
    const requestID = await registration(`${base}/in`);
    await arrives(requestID, 1);
    await registerSource([]);
    await expect.poll(callbacks).toMatchObject({ state: 'dead' });
    answer = accept;
  });
});

describe('a message through the mediator', () => {
  const registerService = (callbackService: string | undefined) =>
    t.admin.putSource({
      params: { sourceId: programme.sourceId },
      body: {
        application: source,
        name: 'Source',
        institutionId: 'MSP',
        ...(callbackService === undefined ? {} : { callbackService }),
      },
    });
  const servedBy = (service: string) => served.filter((one) => one.service === service);
  const notice = async () =>
    (await oversightOf(t.node).listNotices({ query: { limit: 1 } })).body.items[0] as {
      noticeId: string;
      state: string;
    };

  it('[PAY-6.14-c] goes to the service that is registered for its source at that moment', async () => {
    serviceAnswers[oldService] = 503;
    await registerService(oldService);
    await registration('/results');
    await expect.poll(() => servedBy(oldService).length).toBeGreaterThan(0);
    const first = await notice();
    await registerService(newService);
    await registration('/results');
    await expect.poll(async () => (await notice()).state).toBe('delivered');
    // In their order, though they were made for different services.
    const ids = new Set(servedBy(newService).map((one) => one.id));
    expect([...ids]).toEqual([first.noticeId, (await notice()).noticeId]);
  });

  it('[PAY-6.7-b] that was given up is sent again when the treasury says so, once, under the same id', async () => {
    serviceAnswers[oldService] = 503;
    await registerService(oldService);
    await registration('/results');
    await registerService(undefined);
    await expect.poll(async () => (await notice()).state).toBe('dead');
    const { noticeId } = await notice();
    const params = { noticeId };
    await expect(oversightOf(t.node, source).resendNotice({ params })).rejects.toMatchObject({ status: 403 });
    const deaths = async () =>
      (await t.admin.listCases({ query: {} })).body.items.filter(
        (one) => one.kind === 'callback-dead' && one.detail.includes(programme.sourceId),
      ).length;
    const before = await deaths();
    await oversightOf(t.node).resendNotice({ params });
    // Its source still has no service: it is for a person once more.
    await expect.poll(deaths).toBe(before + 1);
    await registerService(newService);
    const answers = await Promise.allSettled([1, 2].map(() => oversightOf(t.node).resendNotice({ params })));
    expect(answers.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect.poll(async () => (await notice()).state).toBe('delivered');
    expect(servedBy(newService).some((one) => one.id === noticeId)).toBe(true);
    await expect(oversightOf(t.node).resendNotice({ params })).rejects.toMatchObject({ status: 409 });
    const { items } = (
      await oversightOf(t.node).listAuditEntries({ query: { component: 'notices', action: 'resend' } })
    ).body;
    expect(items.map((one) => one.subject)).toEqual([`callback/${noticeId}`, `callback/${noticeId}`]);
  });
});

describe('a source that is', () => {
  beforeAll(async () => {
    await sql`delete from callback`.execute(t.node.database('payments'));
    await registerSource([`${base}/in`]);
    await registerSource([`${base}/other`], 'payroll', rival);
  });

  it('down for a day gets everything afterwards, in order, and holds up nobody else', async () => {
    answer = (message, respond) => respond(message.path === '/in/down' ? 503 : 200);
    const backlog: string[] = [];
    for (let n = 0; n < 8; n += 1) backlog.push(await registration(`${base}/in/down`));
    await arrives(backlog[0] as string, 2);
    await arrives(await registration(`${base}/other`, rival));
    await sql`
      update callback
      set created_at = created_at - interval '1 day', attempts = attempts + 8
      where state = 'waiting'`.execute(t.node.database('payments'));
    received.length = 0;
    answer = accept;
    await sql`update callback set next_at = now() where state = 'waiting'`.execute(
      t.node.database('payments'),
    );
    await arrives(backlog.at(-1) as string);
    expect(received.filter((one) => backlog.includes(one.requestID)).map((one) => one.requestID)).toEqual(
      backlog,
    );
  });

  it('silent on every address is given up on in time, and holds up nobody else', async () => {
    answer = (message, respond) => {
      if (message.path.startsWith('/other')) respond(200);
    };
    for (let n = 0; n < 8; n += 1) await registration(`${base}/in/silent-${n}`);
    const started = Date.now();
    for (let n = 0; n < 5; n += 1) await arrives(await registration(`${base}/other/${n}`, rival));
    // Eight silent addresses one after the other would take four seconds.
    expect(Date.now() - started).toBeLessThan(3000);
    answer = accept;
  });

  it('leading elsewhere, or answering without end, gets no more than its message', async () => {
    answer = (message, respond) =>
      message.path === '/in/moved' ? respond(307, { location: `${base}/inside` }) : respond(200);
    const moved = await registration(`${base}/in/moved`);
    await arrives(moved, 2);
    expect(received.some((one) => one.path === '/inside')).toBe(false);
    const endless = await listen((_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536))) {}
      };
      response.on('drain', more);
      more();
    });
    await registerSource([`${base}/in`, `${endless[1]}/in`]);
    await registration(`${endless[1]}/in`);
    await expect.poll(callbacks).toMatchObject({ state: 'delivered', last_status: 200 });
    endless[0].closeAllConnections();
    endless[0].close();
    answer = accept;
  });
});
