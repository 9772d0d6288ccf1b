import { generateKeyPairSync } from 'node:crypto';
import { informationMediator } from '@govstack/information-mediator';
import { mediatorAdmin, mediatorGateway, mediatorLog } from '@govstack/information-mediator/api';
import { payments } from '@govstack/payments';
import { g2p, paymentsAdmin } from '@govstack/payments/api';
import { signClientAssertion } from '@govstack/platform';
import { selfSigned, startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const governance = 'T/GOV/DGA/governance';
const mediator = 'T/GOV/DGA/mediator';
const treasury = 'T/GOV/TRE/payments';
const source = 'T/GOV/MSP/cash-transfer';
const stranger = 'T/GOV/MOH/clinic';
const service = `${treasury}/${g2p.name}`;
const audience = 'https://mediator.test';
const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    privateKey: privateKey.export({ format: 'jwk' }),
    publicKey: publicKey.export({ format: 'jwk' }) as Record<string, unknown>,
  };
};
const keys: Readonly<Record<string, ReturnType<typeof pair>>> = { [source]: pair(), [stranger]: pair() };

let node: TestNode;
let url: string;
const at = (surface: { readonly name: string }) => ({
  as: governance,
  service: `${mediator}/${surface.name}`,
});

beforeAll(async () => {
  node = await startTestNode({
    blocks: [
      {
        block: informationMediator,
        application: mediator,
        config: { bootstrap: { governance }, audiences: [audience] },
      },
      { block: payments, application: treasury, config: { workers: false } },
    ],
  });
  const admin = node.client(mediatorAdmin, at(mediatorAdmin));
  for (const member of ['T/GOV/DGA', 'T/GOV/TRE', 'T/GOV/MSP', 'T/GOV/MOH'])
    await admin.putMember({ params: { member }, body: { name: member } });
  await admin.putApplication({ params: { application: treasury }, body: { name: 'Payments' } });
  for (const [application, { publicKey }] of Object.entries(keys))
    await admin.putApplication({ params: { application }, body: { name: application, publicKey } });
  for (const [surface, subject] of [
    [g2p.name, source],
    [paymentsAdmin.name, treasury],
  ] as const) {
    const params = { service: `${treasury}/${surface}` };
    await admin.putService({ params, body: { title: surface, target: `local:payments/${surface}` } });
    await admin.putRight({ params: { ...params, subject }, body: {} });
  }
  await node.client(paymentsAdmin, { as: treasury, service: `${treasury}/${paymentsAdmin.name}` }).putSource({
    params: { sourceId: 'cash-transfer' },
    body: { application: source, name: 'Cash transfer', institutionId: 'MSP' },
  });
  url = await node.listen({ port: 0 });
});
afterAll(() => node.stop());

const proof = async (application: string) => ({
  'x-road-client': application,
  'x-govstack-client-assertion': await signClientAssertion(
    application,
    keys[application]?.privateKey as never,
    audience,
  ),
});
let requests = 0;
const register = (headers: Record<string, string>, payee = 'P-1') => {
  requests += 1;
  return fetch(`${url}/r1/${service}/identityAccountMapper/beneficiary`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      RequestID: `g-${requests}`,
      Beneficiaries: [{ payeeIdentity: payee, PaymentModality: '00', FinancialAddress: '12345678' }],
    }),
  });
};

describe('payments behind the mediator', () => {
  it('[PAY-6.17.1-a][PAY-6.4-a] lets nobody in who has not proved who they are and has no right', async () => {
    expect((await register({})).status).toBe(400);
    expect((await register({ 'x-road-client': source })).status).toBe(401);
    const forged = { ...(await proof(stranger)), 'x-road-client': source };
    expect((await register(forged)).status).toBe(403);
    expect((await register(await proof(stranger))).status).toBe(403);
    expect((await register(await proof(source))).status).toBe(200);
    const status = `${url}/r1/${service}/api/v1/batch?batchId=00000000-0000-7000-8000-000000000000`;
    const asNobody = { ...(await proof(source)), authorization: 'Bearer forged' };
    expect((await fetch(status, { headers: asNobody })).status).toBe(401);
    expect((await fetch(status, { headers: await proof(source) })).status).toBe(404);
    const direct = await fetch(`${url}/${g2p.name}/identityAccountMapper/beneficiary`, { method: 'POST' });
    expect(direct.status).toBe(404);
  });

  it('[PAY-6.17.1-d] keeps each call, signed, the refused ones as well', async () => {
    const correlation = `logged-${Date.now()}`;
    await register({ ...(await proof(source)), 'x-correlation-id': correlation }, 'P-logged');
    await register({ ...(await proof(stranger)), 'x-correlation-id': `${correlation}-no` });
    const log = node.client(mediatorLog, at(mediatorLog));
    const entry = async (correlationId: string) =>
      (await log.listExchanges({ query: { correlationId } })).body.exchanges.find(
        (one) => one.service === service,
      );
    await expect
      .poll(() => entry(correlation))
      .toMatchObject({
        client: source,
        service,
        method: 'POST',
        status: 200,
        verified: true,
      });
    await expect.poll(() => entry(`${correlation}-no`)).toMatchObject({ client: stranger });
    expect(JSON.stringify(await entry(correlation))).not.toContain('P-logged');
  });

  it('[PAY-6.17.1-c] holds callers to the limits that the provider sets, each on its own', async () => {
    const gateway = node.client(mediatorGateway, at(mediatorGateway));
    await gateway.putPolicy({ params: { service }, body: { limits: [{ requests: 2, per: 'minute' }] } });
    const answers = [];
    for (let n = 0; n < 4; n += 1) answers.push((await register(await proof(source), `L-${n}`)).status);
    expect(answers.filter((status) => status === 429).length).toBeGreaterThanOrEqual(2);
  });

  it('[PAY-5.3.1-a][PAY-6.14-a] is served under TLS, and not at all in plain text beyond this machine', async () => {
    await expect(node.listen({ host: '0.0.0.0', port: 0 })).rejects.toThrow(/TLS/);
    const { certificate, key } = selfSigned('payments.test');
    const secure = await node.listen({ host: '0.0.0.0', port: 0, tls: { certificate, key } });
    expect(secure.startsWith('https://')).toBe(true);
    const { port } = new URL(secure);
    await expect(fetch(`http://127.0.0.1:${port}/r1/${service}/beneficiary`)).rejects.toThrow();
  });
});
