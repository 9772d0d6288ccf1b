import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CallFailed,
  type Client,
  httpMediator,
  newContext,
  signClientAssertion,
  withContext,
} from '@govstack/platform';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { mediatorAdmin, mediatorLog } from '../src/api/operations.ts';
import { informationMediator } from '../src/block.ts';
import { createEcho, type EchoRecord, echo, rang } from './echo-block.ts';

const governance = 'T/GOV/DGA/governance';
const provider = 'T/GOV/MOH/echo';
const consumer = 'T/GOV/MSP/service';
const engine = 'T/GOV/DGA/workflow';
const service = `${provider}/echo-v1`;
const audience = 'https://mediator.test';

const record: EchoRecord = { said: [], heard: [], aborted: 0, failDeliveries: 0 };
const consumerKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicJwk = consumerKey.publicKey.export({ format: 'jwk' });
const privateJwk = consumerKey.privateKey.export({ format: 'jwk' });

let node: TestNode;
let admin: Client<typeof mediatorAdmin.operations>;
let log: Client<typeof mediatorLog.operations>;
let url: string;

const startNode = (databasePrefix?: string): Promise<TestNode> =>
  startTestNode({
    ...(databasePrefix ? { databasePrefix } : {}),
    blocks: [
      {
        block: informationMediator,
        application: 'T/GOV/DGA/mediator',
        config: { governance, audiences: [audience] },
      },
      { block: createEcho(record), application: provider },
    ],
  });

const call = (as: string, operator?: string) =>
  node.client(echo, { as, service, ...(operator ? { operator } : {}) });

const refusal = async (promise: Promise<unknown>): Promise<CallFailed> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};

const exchangesUnder = async (correlationId: string) =>
  (await log.listExchanges({ query: { correlationId } })).body.exchanges;

const under = <T>(correlationId: string, work: () => Promise<T>): Promise<T> =>
  withContext(newContext({ correlationId }), work);

beforeAll(async () => {
  node = await startNode();
  admin = node.client(mediatorAdmin, { as: governance, service: 'T/GOV/DGA/mediator/mediator-admin-v1' });
  log = node.client(mediatorLog, { as: governance, service: 'T/GOV/DGA/mediator/mediator-log-v1' });
  for (const id of ['T/GOV/MOH', 'T/GOV/MSP', 'T/GOV/DGA']) await admin.putMember({ body: { id, name: id } });
  await admin.putApplication({ body: { id: provider, name: 'Echo' } });
  await admin.putApplication({ body: { id: engine, name: 'Engine' } });
  await admin.putApplication({
    body: {
      id: consumer,
      name: 'Service',
      operators: [engine],
      publicKey: publicJwk as Record<string, unknown>,
    },
  });
  await admin.putService({
    body: { id: service, title: 'Echo', target: 'local:echo/echo-v1', timeoutMs: 5000 },
  });
  await admin.putService({
    body: { id: `${provider}/events-v1`, title: 'Events', target: 'local:echo/events-v1' },
  });
  await admin.grantRight({ body: { service: `${provider}/events-v1`, subject: provider } });
  url = await node.listen({ port: 0 });
});
afterAll(() => node.stop());

const say = (what: string, as = consumer, operator?: string) =>
  call(as, operator).say({ params: { what }, headers: {}, body: { text: 'hello' } });

describe('rights', () => {
  it('[IM-6.2-g][IM-4.1-a] are refused by default, and the provider is not called', async () => {
    const failed = await refusal(say('denied'));
    expect(failed.status).toBe(403);
    expect(failed.mediatorError).toBe('Server.ServerProxy.AccessDenied');
    expect(record.said).not.toContain('denied');
  });

  it('[IM-6.2-h][IM-6.2-i] count from the moment they are granted until they are withdrawn', async () => {
    await admin.grantRight({ body: { service, subject: consumer } });
    expect((await say('granted')).body.caller).toBe(consumer);
    await admin.withdrawRight({ body: { service, subject: consumer } });
    expect((await refusal(say('withdrawn'))).status).toBe(403);
  });

  it('can be given for single endpoints', async () => {
    await admin.grantRight({ body: { service, subject: consumer, method: 'POST', path: '/say/a*' } });
    expect((await say('apple')).status).toBe(200);
    expect((await refusal(say('pear'))).status).toBe(403);
    expect((await refusal(say('a/b'))).status).toBe(403);
    await admin.grantRight({ body: { service, subject: consumer } });
  });

  it('an operator acts for an application only when the directory lists it', async () => {
    expect((await say('for', consumer, engine)).body.operator).toBe(engine);
    expect((await refusal(say('not', consumer, provider))).mediatorError).toBe(
      'Server.ClientProxy.AccessDenied',
    );
  });

  it('[IM-6.2-d] a disabled service is refused with its notice', async () => {
    const entry = { id: service, title: 'Echo', target: 'local:echo/echo-v1', timeoutMs: 5000 };
    await admin.putService({ body: { ...entry, enabled: false, notice: 'Back on Monday' } });
    const failed = await refusal(say('off'));
    expect(failed.mediatorError).toBe('Server.ServerProxy.ServiceDisabled');
    expect(JSON.stringify(failed.responseBody)).toContain('Back on Monday');
    await admin.putService({ body: entry });
  });

  it('[IM-6.1-e] nobody but the governance application writes the directory, and unknown parties are refused', async () => {
    const foreign = node.client(mediatorAdmin, {
      as: consumer,
      service: 'T/GOV/DGA/mediator/mediator-admin-v1',
    });
    expect((await refusal(foreign.putMember({ body: { id: 'T/GOV/EVIL', name: 'x' } }))).status).toBe(403);
    expect((await refusal(say('x', 'T/GOV/NOBODY/app'))).mediatorError).toBe(
      'Server.ClientProxy.UnknownMember',
    );
    const unknown = node.client(echo, { as: consumer, service: 'T/GOV/MOH/echo/other-v1' });
    const failed = await refusal(unknown.say({ params: { what: 'x' }, headers: {}, body: { text: '' } }));
    expect(failed.mediatorError).toBe('Server.ServerProxy.UnknownService');
  });
});

describe('evidence', () => {
  it('[IM-4.4-a][IM-6.6-d] every exchange and every refusal is on record, signed by both members', async () => {
    await under('case-1', () => say('one'));
    await under('case-1', () =>
      refusal(
        node.client(echo, { as: consumer, service: `${provider}/none-v1` }).ring({ body: { id: '1' } }),
      ),
    );
    const [first, second] = await exchangesUnder('case-1');
    expect(first).toMatchObject({
      client: consumer,
      service,
      method: 'POST',
      path: '/say/one',
      status: 200,
      accessUsed: '* **',
      verified: true,
    });
    expect(second).toMatchObject({
      service: `${provider}/none-v1`,
      status: 404,
      error: 'Server.ServerProxy.UnknownService',
    });
  });

  it('the request is on record before the provider is called, and without record nothing is carried out', async () => {
    const database = node.database('information-mediator');
    await sql`alter table message_log add constraint out_of_order check (path <> '/say/unwritable')`.execute(
      database,
    );
    const failed = await refusal(say('unwritable'));
    expect(failed.mediatorError).toBe('Server.ClientProxy.LoggingFailed');
    expect(record.said).not.toContain('unwritable');
    await sql`alter table message_log drop constraint out_of_order`.execute(database);
    expect((await say('again')).status).toBe(200);
  });

  it('[IM-6.6-a] the chain verifies, refuses changes, and shows a change that was forced', async () => {
    const intact = (await log.verifyLog({ query: {} })).body;
    expect(intact.brokenAt).toBeNull();
    expect(intact.signaturesVerified).toBeGreaterThan(10);
    const database = node.database('information-mediator');
    await expect(sql`update message_log set status = 500`.execute(database)).rejects.toThrow('append-only');
    await expect(sql`delete from message_log`.execute(database)).rejects.toThrow('append-only');
    await sql`alter table message_log disable trigger message_log_append_only`.execute(database);
    await sql`update message_log set path = '/say/forged' where seq = 5`.execute(database);
    expect((await log.verifyLog({ query: {} })).body.brokenAt).toBe('5');
    const { rows } = await sql<{
      path: string;
    }>`select path from message_log where exchange_id = (select exchange_id from message_log where seq = 5) and kind = 'response' limit 1`.execute(
      database,
    );
    const kind = await sql<{ kind: string }>`select kind from message_log where seq = 5`.execute(database);
    const original = kind.rows[0]?.kind === 'request' ? rows[0]?.path : undefined;
    const request = await sql<{
      path: string;
    }>`select path from message_log where exchange_id = (select exchange_id from message_log where seq = 5) and seq <> 5 limit 1`.execute(
      database,
    );
    await sql`update message_log set path = ${original ?? request.rows[0]?.path ?? ''} where seq = 5`.execute(
      database,
    );
    await sql`alter table message_log enable trigger message_log_append_only`.execute(database);
    expect((await log.verifyLog({ query: {} })).body.brokenAt).toBeNull();
  });

  it('two nodes on one database extend one chain', async () => {
    const other = await startNode(node.databasePrefix);
    try {
      const both = [node, other].flatMap((one) =>
        Array.from({ length: 40 }, () =>
          one
            .client(echo, { as: consumer, service })
            .say({ params: { what: 'race' }, headers: {}, body: { text: '' } }),
        ),
      );
      await Promise.all(both);
    } finally {
      await other.stop();
    }
    expect((await log.verifyLog({ query: {} })).body.brokenAt).toBeNull();
  });

  it('[CFR-ARC-13] the correlation id of the caller reaches the provider unchanged', async () => {
    const answer = await under('case-77', () => say('context'));
    expect(answer.body.correlation).toBe('case-77');
  });
});

describe('time', () => {
  it('a provider that does not answer is given up on, and told', async () => {
    await admin.putService({
      body: { id: service, title: 'Echo', target: 'local:echo/echo-v1', timeoutMs: 100 },
    });
    const before = record.aborted;
    const failed = await refusal(call(consumer).wait({}));
    expect(failed.mediatorError).toBe('Server.ServerProxy.ServiceFailed.Timeout');
    expect(failed.status).toBe(504);
    await vi.waitFor(() => expect(record.aborted).toBe(before + 1));
    await admin.putService({
      body: { id: service, title: 'Echo', target: 'local:echo/echo-v1', timeoutMs: 5000 },
    });
  });

  it('a caller that gives up stops the provider', async () => {
    const before = record.aborted;
    await expect(call(consumer).wait({ timeout: 50 })).rejects.toThrow();
    await vi.waitFor(() => expect(record.aborted).toBe(before + 1));
  });
});

describe('over HTTP', () => {
  const assertion = (claims: { application?: string; audience?: string } = {}) =>
    signClientAssertion(claims.application ?? consumer, privateJwk as never, claims.audience ?? audience);
  const post = async (
    path: string,
    headers: Record<string, string>,
    body: Uint8Array | string = '{"text":"hi"}',
  ) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: body as string,
    });

  it('[CFR-SEC-3] a client header alone proves nothing; the assertion counts once, for this mediator, for that application', async () => {
    const path = `/r1/${service}/say/http`;
    const client = { 'x-road-client': consumer };
    expect((await post(path, {})).headers.get('x-road-error')).toBe('Client.MissingHeader');
    expect((await post(path, client)).status).toBe(401);
    expect((await post(path, { ...client, 'x-govstack-client-assertion': 'a.b.c' })).status).toBe(401);
    const elsewhere = await assertion({ audience: 'https://other.test' });
    expect((await post(path, { ...client, 'x-govstack-client-assertion': elsewhere })).status).toBe(401);
    const good = await assertion();
    const answer = await post(path, { ...client, 'x-govstack-client-assertion': good });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-road-service')).toBe(service);
    expect((await post(path, { ...client, 'x-govstack-client-assertion': good })).status).toBe(401);
    const foreign = await post(path, {
      'x-road-client': engine,
      'x-govstack-client-assertion': await assertion(),
    });
    expect(foreign.headers.get('x-road-error')).toBe('Server.ClientProxy.AccessDenied');
  });

  it('[IM-4-a][IM-6.3-c][IM-6.3-d] method, path, query, body and answer pass byte for byte to a provider elsewhere', async () => {
    const seen: { url: string; method: string; body: Buffer; headers: Record<string, unknown> }[] = [];
    const bytes = Buffer.from([0, 255, 10, 13, 128, 37]);
    const foreign = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.push({
          url: request.url ?? '',
          method: request.method ?? '',
          body: Buffer.concat(chunks),
          headers: request.headers,
        });
        response.writeHead(418, { 'content-type': 'application/octet-stream', 'x-own': 'kept' }).end(bytes);
      });
    });
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    try {
      const target = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}/base`;
      const id = `${provider}/foreign-v1`;
      await admin.putService({ body: { id, title: 'Foreign', target } });
      await admin.grantRight({ body: { service: id, subject: consumer } });
      const answer = await fetch(`${url}/r1/${id}/a%2Fb/c?x=1&x=%20&y`, {
        method: 'PUT',
        headers: {
          'content-type': 'application/octet-stream',
          'x-road-client': consumer,
          'x-govstack-client-assertion': await assertion(),
          'x-govstack-caller': 'forged',
        },
        body: bytes,
      });
      expect(answer.status).toBe(418);
      expect(answer.headers.get('x-own')).toBe('kept');
      expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
      expect(seen[0]?.url).toBe('/base/a%2Fb/c?x=1&x=%20&y');
      expect(seen[0]?.method).toBe('PUT');
      expect(seen[0]?.body.equals(bytes)).toBe(true);
      expect(seen[0]?.headers['x-govstack-client-assertion']).toBeUndefined();
      expect(seen[0]?.headers['x-govstack-caller']).not.toBe('forged');
      await admin.putService({ body: { id, title: 'Foreign', target: 'http://127.0.0.1:1' } });
      const gone = await fetch(`${url}/r1/${id}/`, {
        headers: { 'x-road-client': consumer, 'x-govstack-client-assertion': await assertion() },
      });
      expect(gone.headers.get('x-road-error')).toBe('Server.ServerProxy.ServiceFailed.NetworkError');
    } finally {
      foreign.close();
    }
  });

  it('[IM-6.4-a] the directory lists clients, services and their OpenAPI documents', async () => {
    const headers = async () => ({
      'x-govstack-client': consumer,
      'x-govstack-client-assertion': await assertion(),
    });
    const clients = (await (await fetch(`${url}/listClients`)).json()) as {
      member: { id: { applicationCode?: string } }[];
    };
    expect(clients.member.some((one) => one.id.applicationCode === 'echo')).toBe(true);
    const methods = (await (
      await fetch(`${url}/r1/${provider}/listMethods`, { headers: await headers() })
    ).json()) as {
      member: { serviceCode: string; endpointList: { member: unknown[] } }[];
    };
    expect(methods.member.find((one) => one.serviceCode === 'echo-v1')?.endpointList.member).toContainEqual({
      method: 'POST',
      path: '/say/{what}',
    });
    const document = (await (
      await fetch(`${url}/r1/${provider}/getOpenAPI?serviceCode=echo-v1`, { headers: await headers() })
    ).json()) as { servers: { url: string }[] };
    expect(document.servers).toEqual([{ url: `/r1/${service}` }]);
    expect((await fetch(`${url}/r1/${provider}/getOpenAPI`, { headers: await headers() })).status).toBe(400);
  });
});

describe('events', () => {
  it('[IM-6.5-f][IM-6.5-g][IM-6.5-i] reach a subscriber once, also when a delivery fails at first', async () => {
    await admin.putSubscription({ body: { eventType: rang.type, subscriber: provider } });
    record.failDeliveries = 1;
    await call(consumer).ring({ body: { id: 'bell-1' } });
    await call(consumer).ring({ body: { id: 'bell-2' } });
    await vi.waitFor(() => expect([...record.heard].sort()).toEqual(['bell-1', 'bell-2']), {
      timeout: 15_000,
    });
  });

  it('published twice under one id are one event', async () => {
    const event = {
      specversion: '1.0',
      id: 'fixed-id',
      source: provider,
      type: rang.type,
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      correlationid: 'c',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
      data: { id: 'bell-3' },
    } as const;
    await node.mediator.publish(provider, event);
    await node.mediator.publish(provider, event);
    await vi.waitFor(() => expect(record.heard).toContain('bell-3'), { timeout: 15_000 });
    expect(record.heard.filter((id) => id === 'bell-3')).toHaveLength(1);
  });
});
