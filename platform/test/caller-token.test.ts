import { type Caller, callerSigner, callerTokenHeader } from '@govstack/platform';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notesBlock } from './fixtures/notes-block/notes.ts';

const own = 'TEST/GOV/BLOCKS/notes';
const service = `${own}/notes-v1`;

interface Pair {
  readonly privateKey: JWK;
  readonly publicKey: JWK;
}
const newPair = async (): Promise<Pair> => {
  const pair = await generateKeyPair('ES256', { extractable: true });
  return { privateKey: await exportJWK(pair.privateKey), publicKey: await exportJWK(pair.publicKey) };
};

let mediator: Pair;
let second: Pair;
let node: TestNode;
let url: string;

beforeAll(async () => {
  mediator = await newPair();
  second = await newPair();
  node = await startTestNode({
    blocks: [{ block: notesBlock, answersAs: [own] }],
    node: { mediatorKeys: [mediator.publicKey, second.publicKey] },
  });
  url = await node.listen({ port: 0, all: 'notes' });
});
afterAll(() => node.stop());

const caller: Caller = {
  application: 'TEST/GOV/MSP/reader',
  service,
  operator: undefined,
  exchangeId: 'exchange-1',
};

const list = async (
  token: string,
  exchange: Record<string, string> = { 'x-road-request-id': 'exchange-1' },
): Promise<{ status: number; caller?: string }> => {
  const answer = await fetch(`${url}/notes-v1/notes`, {
    headers: { [callerTokenHeader]: token, ...exchange },
  });
  const body = (await answer.json()) as { caller?: string };
  return { status: answer.status, ...(body.caller === undefined ? {} : { caller: body.caller }) };
};

const claims = { service };
const forge = async (
  parts: {
    payload?: JWTPayload;
    header?: { alg?: string; typ?: string };
    audience?: string;
    subject?: string;
    issuedAt?: number;
    expires?: number | null;
    key?: JWK;
  } = {},
): Promise<string> => {
  const now = Math.floor(Date.now() / 1000);
  const token = new SignJWT(parts.payload ?? claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'caller+jwt', ...parts.header })
    .setSubject(parts.subject ?? caller.application)
    .setAudience(parts.audience ?? own)
    .setIssuedAt(parts.issuedAt ?? now);
  if (parts.expires !== null) token.setExpirationTime(parts.expires ?? now + 60);
  return token.sign(await importJWK(parts.key ?? mediator.privateKey, 'ES256'));
};

describe('a caller token', () => {
  it('of a trusted mediator brings its caller to the handler', async () => {
    for (const { privateKey } of [mediator, second])
      expect(await list(await callerSigner(privateKey)(caller, own))).toEqual({
        status: 200,
        caller: 'TEST/GOV/MSP/reader',
      });
    expect((await list(await forge())).status).toBe(200);
  });

  it('[CFR-SEC-3] is refused when it is not exactly such a token, now', async () => {
    const now = Math.floor(Date.now() / 1000);
    const stranger = await newPair();
    const good = await forge();
    const [header, payload, signature] = good.split('.') as [string, string, string];
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const other = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: 'TEST/GOV/MSP/boss' };
    const hmac = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'caller+jwt' })
      .setSubject(caller.application)
      .setAudience(own)
      .setExpirationTime('1m')
      .sign(Buffer.from(JSON.stringify(mediator.publicKey)));
    const bad = {
      'another key': await forge({ key: stranger.privateKey }),
      'another audience': await forge({ audience: 'TEST/GOV/BLOCKS/consent' }),
      expired: await forge({ issuedAt: now - 120, expires: now - 60 }),
      'without an end': await forge({ expires: null }),
      'good for days, from yesterday': await forge({ issuedAt: now - 86_400, expires: now + 86_400 }),
      'from tomorrow': await forge({ issuedAt: now + 86_400, expires: now + 86_500 }),
      'another kind of token': await forge({ header: { typ: 'at+jwt' } }),
      'a person as caller': await forge({ subject: 'someone' }),
      'no service': await forge({ payload: {} }),
      'another caller written in': `${header}.${encode(other)}.${signature}`,
      unsigned: `${encode({ alg: 'none', typ: 'caller+jwt' })}.${payload}.`,
      'signed with the public key': hmac,
      'not a token': 'caller',
      empty: '',
    };
    for (const [what, token] of Object.entries(bad)) expect(await list(token), what).toEqual({ status: 401 });
    expect(await list(good, {}), 'no exchange').toEqual({ status: 401 });
  });

  it('[CFR-SEC-3] for another application or another service of the same block is refused', async () => {
    const elsewhere = { ...caller, service: 'TEST/GOV/BLOCKS/consent/notes-v1' };
    expect(
      (await list(await callerSigner(mediator.privateKey)(elsewhere, 'TEST/GOV/BLOCKS/consent'))).status,
    ).toBe(403);
    const otherService = { ...caller, service: `${own}/notes-admin-v1` };
    expect((await list(await callerSigner(mediator.privateKey)(otherService, own))).status).toBe(403);
  });

  it('[CFR-SEC-3] is not needed inside the node, where the path cannot lead out of the addressed service', async () => {
    const dispatch = (surface: string, path: string) =>
      node.localProviders.dispatch('notes', surface, { method: 'GET', path, headers: {} }, caller);
    expect((await dispatch('notes-v1', '/notes'))?.status).toBe(200);
    expect((await dispatch('events-v1', '/../notes-v1/notes'))?.status).toBe(403);
    expect((await dispatch('events-v1', '/%2e%2e/notes-v1/notes'))?.status).toBe(403);
    expect(await dispatch('other-v1', '/notes')).toBeUndefined();
  });
});
