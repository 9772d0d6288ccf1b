import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { mediatorLog } from '../src/api/operations.ts';
import { type VerificationConfiguration, verifyContainer } from '../src/containers/verify.ts';
import { echo } from './fixtures/echo-block.ts';
import { eventually, refusal } from './fixtures/instance.ts';
import {
  centreMediator,
  centreServer,
  consumer,
  echoService,
  otherMediator,
  otherServer,
  provider,
  startTwoServers,
  type TestServer,
  type TwoServers,
} from './fixtures/two-servers.ts';

let servers: TwoServers;
beforeAll(async () => {
  servers = await startTwoServers();
  await vi.waitFor(async () => expect((await ask('first')).status).toBe(200), {
    timeout: 30_000,
    interval: 50,
  });
});
afterAll(() => servers?.stop());

const ask = (what: string, headers: Record<string, string> = {}) =>
  servers.second.node.mediator.exchange({
    client: consumer,
    service: echoService,
    method: 'POST',
    path: `/say/${what}?a=%20b`,
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"text":"hello"}',
  });
const errorOf = async (what: string): Promise<string | undefined> =>
  (await ask(what)).headers['x-road-error'];

describe('two security servers', () => {
  it('[IM-9.1-a][IM-9.1-b][IM-9.1-d][IM-6.6-b] carry an exchange between them, signed by the members on both sides, on record on both servers', async () => {
    const answer = await ask('across', { 'x-correlation-id': 'across', 'x-road-id': 'own-id' });
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      text: 'hello',
      caller: consumer,
      service: echoService,
    });
    expect(answer.headers).toMatchObject({ 'x-road-id': 'own-id', 'x-road-service': echoService });
    const params = { exchangeId: answer.headers['x-road-request-id'] as string };
    const [here, there] = await Promise.all([
      servers.second.log.getExchange({ params }),
      servers.first.log.getExchange({ params }),
    ]);
    for (const { body } of [here, there]) {
      expect(body).toMatchObject({
        verified: true,
        client: consumer,
        service: echoService,
        status: 200,
        messageId: 'own-id',
        correlationId: 'across',
      });
      expect([body.request.signer, body.response?.signer]).toEqual(['T/GOV/MSP', 'T/GOV/MOH']);
    }
    expect(here.body.request.signature).toBe(there.body.request.signature);
    expect(here.body.response?.signature).toBe(there.body.response?.signature);
    expect(answer.headers['x-road-request-hash']).toBe(here.body.request.hash);
    for (const server of [servers.first, servers.second])
      expect((await server.log.verifyChain({ query: { limit: 100_000 } })).body.broken).toBeNull();
  });

  it('[IM-6.6-c] each side can prove to a third party what the other said, with what its own server holds', async () => {
    // A certificate that was imported stands in signatures within a second.
    let exchangeId = '';
    await eventually(async () => {
      exchangeId = (await ask('proven')).headers['x-road-request-id'] as string;
      return (await servers.second.log.getExchange({ params: { exchangeId } })).body.request.signedAt;
    }).not.toBeNull();
    const believed = await (await fetch(`${servers.first.url}/trust/verification.json`)).json();
    const proof = async (
      server: TestServer,
      mediator: string,
      as: string,
      message: 'request' | 'response',
    ) => {
      const service = `${mediator}/${mediatorLog.name}`;
      await server.admin.putRight({ params: { service, subject: as }, body: {} });
      const log = server.node.client(mediatorLog, { as, service });
      const { body } = await log.getContainer({
        params: { exchangeId },
        body: { message, reason: 'A court has asked for it' },
      });
      return verifyContainer(Buffer.from(body.container, 'base64'), believed as VerificationConfiguration);
    };
    const said = await proof(servers.second, otherMediator, consumer, 'response');
    expect(said.signer).toBe('T/GOV/MOH');
    expect(JSON.parse(said.body.toString())).toMatchObject({ text: 'hello', caller: consumer });
    const asked = await proof(servers.first, centreMediator, provider, 'request');
    expect(asked.signer).toBe('T/GOV/MSP');
    expect(asked.head.toString()).toContain('/say/proven?a=%20b\r\n');
  });

  it('[IM-6.3-d] large bodies pass byte for byte', async () => {
    const text = 'x'.repeat(3 * 1024 * 1024);
    const answer = await servers.second.node.mediator.exchange({
      client: consumer,
      service: echoService,
      method: 'POST',
      path: '/say/large',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
    });
    // The echo itself takes a megabyte: its own refusal comes back as it is.
    expect([answer.status, answer.headers['x-road-error']]).toEqual([413, undefined]);
  });

  it('[IM-4.1-a] the provider’s server decides the right, and its refusal is signed evidence on both', async () => {
    await servers.first.admin.deleteRight({ params: { service: echoService, subject: consumer } });
    const answer = await ask('denied');
    expect(answer.headers['x-road-error']).toBe('Server.ServerProxy.AccessDenied');
    const params = { exchangeId: answer.headers['x-road-request-id'] as string };
    const { body } = await servers.second.log.getExchange({ params });
    expect(body).toMatchObject({ verified: true, error: 'Server.ServerProxy.AccessDenied' });
    expect(body.response?.signer).toBe('T/GOV/DGA');
    expect((await servers.first.log.getExchange({ params })).body.verified).toBe(true);
    await servers.first.admin.putRight({ params: { service: echoService, subject: consumer }, body: {} });
    expect((await ask('allowed')).status).toBe(200);
  });

  it('[IM-8.2.2-a] the directory of an application on the other server is asked for there', async () => {
    const answer = await servers.second.node.mediator.exchange({
      client: consumer,
      service: `${provider}/listMethods`,
      method: 'GET',
      path: '/',
      headers: {},
    });
    expect(answer.body.toString()).toContain('/say/{what}');
  });

  it('an application cannot be used from a server on which it is not registered', async () => {
    const answer = await servers.first.node.mediator.exchange({
      client: consumer,
      service: echoService,
      method: 'POST',
      path: '/say/elsewhere',
      headers: { 'content-type': 'application/json' },
      body: '{"text":"hello"}',
    });
    expect(answer.headers['x-road-error']).toBe('Server.ClientProxy.UnknownMember');
  });

  it('a server can be asked for by name, and one in maintenance mode says so', async () => {
    const byName = (server: string) => ask('named', { 'x-road-security-server': server });
    expect((await byName(centreServer)).status).toBe(200);
    expect((await byName(otherServer)).headers['x-road-error']).toBe('Client.BadRequest');
    const { items } = (await servers.first.centre.listServers({})).body;
    const first = items.find(({ id }) => id === centreServer);
    const [certificate] = (await servers.first.keys.listKeys({ query: {} })).body.items.filter(
      ({ use, state }) => use === 'authentication' && state === 'good',
    );
    const put = (maintenance?: string) =>
      servers.first.centre.putServer({
        params: { server: centreServer },
        body: {
          address: first?.address as string,
          clients: first?.clients as string[],
          certificates: [certificate?.certificate as string],
          ...(maintenance ? { maintenance } : {}),
        },
      });
    await put('Back at 22:00');
    await eventually(async () => {
      const { headers, body } = await ask('maintenance');
      return [headers['x-road-error'], body.toString()];
    }).toEqual(['Server.ClientProxy.MaintenanceMode', expect.stringContaining('Back at 22:00')]);
    await put();
    await eventually(() => errorOf('working')).toBeUndefined();
  });

  it('[IM-9.1-a] a server that was taken out of the instance is not spoken with', async () => {
    const { items } = (await servers.first.centre.listServers({})).body;
    expect(items.map(({ id }) => id)).toEqual([centreServer, otherServer]);
    const second = items[1];
    await servers.first.centre.deleteServer({ params: { server: otherServer } });
    expect(await errorOf('gone')).toBe('Server.ServerProxy.SslAuthenticationFailed');
    const [key] = (await servers.second.keys.listKeys({ query: {} })).body.items.filter(
      ({ use }) => use === 'authentication',
    );
    await servers.first.centre.putServer({
      params: { server: otherServer },
      body: {
        address: second?.address as string,
        clients: second?.clients as string[],
        certificates: [key?.certificate as string],
      },
    });
    expect(await errorOf('back')).toBeUndefined();
  });

  it('[IM-9.1-a] a revoked certificate ends it: the asking member’s, the asking server’s, the answering server’s', async () => {
    const { keyIds, first, second } = servers;
    const calls = second.node.client(echo, { as: consumer, service: echoService });
    await first.centre.revokeCertificate({ params: { keyId: keyIds.consumer } });
    expect(await errorOf('revoked-member')).toBe('Server.ServerProxy.InvalidCertPath');
    await first.centre.revokeCertificate({ params: { keyId: keyIds.secondServer } });
    expect(await errorOf('revoked-asking-server')).toBe('Server.ServerProxy.SslAuthenticationFailed');
    await first.centre.revokeCertificate({ params: { keyId: keyIds.firstServer } });
    expect(await errorOf('revoked-answering-server')).toBe('Server.ClientProxy.SslAuthenticationFailed');
    const said = servers.record.said.filter((what) => what.startsWith('revoked'));
    expect(said).toEqual([]);
    const failed = await refusal(calls.say({ params: { what: 'x' }, headers: {}, body: { text: 'x' } }));
    expect(failed.mediatorError).toBe('Server.ClientProxy.SslAuthenticationFailed');
    const states = (await first.keys.listKeys({ query: {} })).body.items.map(({ state }) => state);
    expect(states).toContain('revoked');
  });
});
