import {
  CallFailed,
  contextHeaders,
  currentContext,
  defineBlock,
  defineOperation,
  defineSurface,
  implement,
  newContext,
  operationPath,
  Type,
  withContext,
} from '@govstack/platform';
import { jsonResponse, startTestNode, type TestNode } from '@govstack/platform/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** On a busy machine; a condition that holds is seen at once. */
const soon = { timeout: 15_000 };

const Echo = Type.Object({
  id: Type.String(),
  word: Type.Optional(Type.String()),
  words: Type.Optional(Type.Array(Type.String())),
  key: Type.Optional(Type.String()),
  person: Type.Optional(Type.String()),
});

const echo = defineSurface({
  name: 'echo-v1',
  title: 'Echo',
  version: '1.0.0',
  operations: {
    echo: defineOperation({
      id: 'echo',
      method: 'POST',
      path: '/echo/{id}/and/{other}',
      summary: 'Say what was understood',
      access: { caller: 'application', person: 'optional' },
      params: Type.Object({ id: Type.String(), other: Type.String() }),
      query: Type.Object({
        word: Type.Optional(Type.String()),
        words: Type.Optional(Type.Array(Type.String())),
      }),
      headers: Type.Object({ 'x-note': Type.Optional(Type.String()) }),
      idempotent: true,
      responses: { 200: Echo },
    }),
    removeAll: defineOperation({
      id: 'removeAll',
      method: 'DELETE',
      path: '/echo',
      summary: 'What a missing id must never lead to',
      access: { caller: 'application' },
      responses: { 204: null },
    }),
    removeOne: defineOperation({
      id: 'removeOne',
      method: 'DELETE',
      path: '/echo/{id}',
      summary: 'Remove one',
      access: { caller: 'application' },
      params: Type.Object({ id: Type.String() }),
      responses: { 204: null },
    }),
    wait: defineOperation({
      id: 'wait',
      method: 'POST',
      path: '/wait',
      summary: 'Wait until the caller no longer does',
      access: { caller: 'application' },
      responses: { 204: null },
    }),
  },
});

const Left = Type.Object({ left: Type.Integer() });

const relay = defineSurface({
  name: 'relay-v1',
  title: 'Relay',
  version: '1.0.0',
  operations: {
    relay: defineOperation({
      id: 'relay',
      method: 'POST',
      path: '/relay',
      summary: 'Call the echo on behalf of the caller',
      access: { caller: 'application', person: 'optional' },
      query: Type.Object({
        token: Type.Optional(Type.Union([Type.Literal('none'), Type.Literal('own')])),
      }),
      responses: { 200: Type.Object({ person: Type.Optional(Type.String()) }) },
    }),
    waitBehind: defineOperation({
      id: 'waitBehind',
      method: 'POST',
      path: '/wait',
      summary: 'Wait for somebody who waits',
      access: { caller: 'application' },
      responses: { 200: Left },
    }),
  },
});

const echoService = 'TEST/GOV/BLOCKS/echo/echo-v1';
const outside = 'TEST/COM/OUTSIDE/outside/echo-v1';

const seen = { removedAll: 0, deadlines: [] as number[], aborted: 0, waiting: 0 };

const whenAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    const end = (): void => {
      seen.aborted += 1;
      reject(signal.reason);
    };
    seen.waiting += 1;
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });

const echoBlock = defineBlock({
  name: 'echo',
  title: 'Echo',
  version: '0.1.0',
  surfaces: [echo],
  config: Type.Object({}),
  async start() {
    return {
      surfaces: [
        implement(echo, {
          async echo({ params, query, idempotencyKey, person }) {
            return {
              status: 200,
              body: {
                id: `${params.id}|${params.other}`,
                ...query,
                ...(idempotencyKey === undefined ? {} : { key: idempotencyKey }),
                ...(person === undefined ? {} : { person: person.id }),
              },
            };
          },
          async removeAll() {
            seen.removedAll += 1;
            return { status: 204 };
          },
          async removeOne() {
            return { status: 204 };
          },
          async wait({ signal }) {
            seen.deadlines.push(currentContext()?.deadline ?? Number.NaN);
            return whenAborted(signal);
          },
        }),
      ],
    };
  },
});

let ownToken = '';

const relayBlock = defineBlock({
  name: 'relay',
  title: 'Relay',
  version: '0.1.0',
  surfaces: [relay],
  config: Type.Object({}),
  async start(ctx) {
    const client = ctx.mediation.client(echo, echoService);
    return {
      surfaces: [
        implement(relay, {
          async relay({ query }) {
            const answer = await client.echo({
              params: { id: 'a', other: 'b' },
              ...(query.token === 'none' ? { personToken: null } : {}),
              ...(query.token === 'own' ? { personToken: ownToken } : {}),
            });
            return { status: 200, body: answer.body.person ? { person: answer.body.person } : {} };
          },
          async waitBehind() {
            await client.wait({ timeout: 60_000 });
            return { status: 200, body: { left: 0 } };
          },
        }),
      ],
    };
  },
});

let node: TestNode;

beforeAll(async () => {
  node = await startTestNode({
    blocks: [{ block: echoBlock }, { block: relayBlock }],
    providers: {
      [outside]: async (request) => {
        if (request.path.startsWith('/echo/refused'))
          return jsonResponse(409, { type: 'about:blank', title: 'Conflict', status: 409, detail: 'no' });
        if (request.path.startsWith('/echo/busy')) return jsonResponse(503, {});
        if (request.path.startsWith('/echo/garbled'))
          return { status: 502, headers: {}, body: Buffer.from('<html>gateway</html>') };
        if (request.path.startsWith('/echo/mediator'))
          return {
            status: 500,
            headers: { 'x-road-error': 'Server.ServerProxy.AccessDenied' },
            body: Buffer.from('{"type":"Server.ServerProxy.AccessDenied","message":"no right"}'),
          };
        return jsonResponse(200, { id: 'x' });
      },
    },
  });
  ownToken = await node.token({ id: 'explicit' });
});
afterAll(() => node.stop());

const failure = async (call: Promise<unknown>): Promise<CallFailed> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};

/** Any text that UTF-8 can carry and a path segment can hold. */
/** Any text but U+0000, which no operation takes. */
const text = fc.string({ unit: 'binary', maxLength: 60 }).filter((value) => !value.includes('\0'));
const segment = text.filter((value) => value !== '' && value !== '.' && value !== '..');

describe('the typed client', () => {
  it('carries any text in path and query unchanged', async () => {
    const api = node.client(echo);
    await fc.assert(
      fc.asyncProperty(
        segment,
        segment,
        text,
        fc.array(text, { minLength: 1 }),
        async (id, other, word, words) => {
          const answer = await api.echo({ params: { id, other }, query: { word, words } });
          expect(answer.body).toEqual({ id: `${id}|${other}`, word, words });
        },
      ),
      {
        numRuns: 150,
        examples: [
          ['../x', '%2e%2e', 'a+b &c=d#e', ['']],
          ['a/b?c#d', '$&', '', [',', 'ä']],
        ],
      },
    );
  });

  it('is refused the character U+0000 anywhere', async () => {
    const api = node.client(echo);
    const words = ['x'];
    for (const call of [
      api.echo({ params: { id: 'a\0', other: 'x' }, query: { word: 'x', words } }),
      api.echo({ params: { id: 'a', other: 'x' }, query: { word: '\0', words } }),
    ])
      await expect(call).rejects.toMatchObject({ status: 400 });
  });

  it('refuses to send what a path segment cannot hold, rather than call another operation', async () => {
    const api = node.client(echo);
    for (const id of ['', '.', '..', '\ud800', undefined as unknown as string]) {
      await expect(api.removeOne({ params: { id } }), JSON.stringify(id)).rejects.toThrow(/id/);
      expect(() => operationPath(echo.operations.removeOne, { id })).toThrow(/removeOne.*id/);
    }
    expect(seen.removedAll).toBe(0);
  });

  it('sends the idempotency key and the declared headers', async () => {
    const sent = node.exchanges.length;
    const answer = await node
      .client(echo)
      .echo({ params: { id: 'a', other: 'b' }, idempotencyKey: 'key 1', headers: { 'x-note': 'n' } });
    expect(answer.body.key).toBe('key 1');
    expect(node.exchanges[sent]?.headers).toMatchObject({ 'idempotency-key': 'key 1', 'x-note': 'n' });
  });

  it('throws what the other side refused, with its problem and whether it may pass', async () => {
    const api = node.client(echo, { service: outside });
    const refused = await failure(api.removeOne({ params: { id: 'refused' } }));
    expect(refused).toMatchObject({
      operation: 'removeOne',
      service: outside,
      status: 409,
      problem: { detail: 'no' },
      mediatorError: undefined,
      temporary: false,
    });
    expect((await failure(api.removeOne({ params: { id: 'busy' } }))).temporary).toBe(true);
    expect(await failure(api.removeOne({ params: { id: 'garbled' } }))).toMatchObject({
      status: 502,
      problem: undefined,
      temporary: true,
    });
    expect(await failure(api.removeOne({ params: { id: 'mediator' } }))).toMatchObject({
      mediatorError: 'Server.ServerProxy.AccessDenied',
      temporary: false,
    });
  });

  it('does not take a status that the operation does not declare for an answer', async () => {
    const api = node.client(echo, { service: outside });
    expect((await failure(api.removeOne({ params: { id: 'something' } }))).status).toBe(200);
  });
});

describe('the person behind a call', () => {
  it('is the one of the request being served, unless another or none is named', async () => {
    const api = node.client(relay);
    const personToken = await node.token({ id: 'ambient' });
    expect((await api.relay({ query: {}, personToken })).body.person).toBe('ambient');
    expect((await api.relay({ query: { token: 'none' }, personToken })).body.person).toBeUndefined();
    expect((await api.relay({ query: { token: 'own' }, personToken })).body.person).toBe('explicit');
    expect((await api.relay({ query: {} })).body.person).toBeUndefined();
  });
});

describe('time and cancellation', () => {
  it('[CFR-ARC-12] a deadline holds for everything behind the call and ends it', async () => {
    const before = { ...seen };
    const sent = node.exchanges.length;
    const begun = Date.now();
    await failure(node.client(relay).waitBehind({ timeout: 400 }));
    expect(Date.now() - begun).toBeLessThan(5_000);
    await expect.poll(() => seen.aborted, soon).toBe(before.aborted + 1);
    expect(seen.deadlines.at(-1)).toBeLessThanOrEqual(begun + 5_000);
    const [first, second] = node.exchanges
      .slice(sent)
      .map(({ headers }) => Number(headers[contextHeaders.timeout]));
    expect(first).toBeLessThanOrEqual(400);
    // The block in between asked for a minute: it gets what is left.
    expect(second).toBeLessThanOrEqual(first as number);
    expect(second).toBeGreaterThan(0);
  });

  it('who no longer waits ends the work at the other side, through every block in between', async () => {
    const before = { ...seen };
    const controller = new AbortController();
    const call = failure(node.client(relay).waitBehind({ signal: controller.signal }));
    await expect.poll(() => seen.waiting, soon).toBe(before.waiting + 1);
    controller.abort();
    await call;
    await expect.poll(() => seen.aborted, soon).toBe(before.aborted + 1);
  });

  it('a call made after its caller gave up is ended at once', async () => {
    const before = { ...seen };
    await failure(node.client(echo).wait({ signal: AbortSignal.abort() }));
    expect(seen.aborted).toBe(before.aborted + 1);
  });

  it('nothing is left of a deadline once the answer is there', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;
    const controller = new AbortController();
    const before = timers();
    for (let n = 0; n < 20; n += 1)
      await withContext(newContext({ deadline: Date.now() + 60_000, signal: controller.signal }), () =>
        node.client(echo).echo({ params: { id: 'a', other: 'b' } }),
      );
    await expect.poll(timers, soon).toBeLessThanOrEqual(before + 2);
  });

  it('a remaining time beyond all measure is not taken for none', async () => {
    const api = node.client(echo);
    const answer = await withContext(newContext({ deadline: Date.now() + 1e13 }), () =>
      api.echo({ params: { id: 'a', other: 'b' } }),
    );
    expect(answer.status).toBe(200);
    const controller = new AbortController();
    const before = { ...seen };
    const call = failure(
      withContext(newContext({ deadline: Date.now() + 1e13 }), () => api.wait({ signal: controller.signal })),
    );
    await expect.poll(() => seen.waiting, soon).toBe(before.waiting + 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen.aborted).toBe(before.aborted);
    controller.abort();
    await call;
  });
});
