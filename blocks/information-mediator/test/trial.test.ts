import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediatorAdmin, mediatorLog } from '../src/api/operations.ts';
import {
  consumer,
  echoService,
  governance,
  grant,
  type Instance,
  own,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

let instance: Instance;
beforeAll(async () => {
  instance = await startInstance({ settings: { tryOut: true } });
  await instance.admin.putRight({
    params: { service: `${own}/${mediatorAdmin.name}`, subject: consumer },
    body: {},
  });
});
afterAll(() => instance.node.stop());

const call = { method: 'POST', path: '/say/tried', body: JSON.stringify({ text: 'hello' }) };
const administrator = (agency: string, roles = ['administrator']) =>
  instance.node.token({ id: 'officer-7', roles, agency });
async function trial(personToken: string | undefined, application = consumer, body: object = call) {
  const admin = instance.node.client(mediatorAdmin, {
    as: personToken === undefined ? governance : consumer,
    service: `${own}/${mediatorAdmin.name}`,
  });
  const { body: answer } = await admin.tryService({
    params: { service: echoService, application },
    body: body as typeof call,
    ...(personToken === undefined ? {} : { personToken }),
  });
  return answer;
}

describe('trying a service out', () => {
  it('[IM-6.2-h][IM-6.4-b] is an exchange like any other: refused without a right, carried out and on record with one', async () => {
    const token = await administrator('T/GOV/MSP');
    const refused = await trial(token);
    expect(refused.status).toBe(403);
    expect(refused.headers['x-road-error']).toBe('Server.ServerProxy.AccessDenied');
    await grant(instance);
    const answer = await trial(token);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body ?? '')).toMatchObject({ text: 'hello', caller: consumer, operator: '' });
    const { body: exchange } = await instance.log.getExchange({
      params: { exchangeId: answer.exchangeId ?? '' },
    });
    expect(exchange).toMatchObject({
      client: consumer,
      service: echoService,
      method: 'POST',
      path: '/say/tried',
    });
    expect(exchange.request.signatureHolds).toBe(true);
    const { items } = (
      await instance.node
        .client(mediatorLog, { as: governance, service: `${own}/${mediatorLog.name}` })
        .listAdministrativeActs({ query: { operation: 'tryService' } })
    ).body;
    expect(items[0]).toMatchObject({
      person: 'officer-7',
      subject: { service: echoService, application: consumer },
      outcome: 'done',
    });
  });

  it('[IM-6.1-b] speaks for applications of the own agency only, even for who governs the instance', async () => {
    const said = instance.record.said.length;
    const mayNot = async (...args: Parameters<typeof trial>): Promise<void> =>
      expect((await refusal(trial(...args))).status).toBe(403);
    await mayNot(await administrator('T/GOV/MSP'), provider);
    await mayNot(await administrator('T/GOV/DGA'), consumer);
    await mayNot(undefined, consumer);
    await mayNot(await administrator('T/GOV/MSP', ['auditor']), consumer);
    await mayNot(await administrator('T/GOV/MSP', ['administrator:other']), consumer);
    expect(instance.record.said.length).toBe(said);
    expect((await trial(await administrator('T/GOV/MSP', ['administrator:service']))).status).toBe(200);
  });

  it('passes headers on, but none that the mediator alone sets', async () => {
    const { body } = await trial(await administrator('T/GOV/MSP'), consumer, {
      ...call,
      headers: { 'X-Road-Client': provider, 'X-Road-Request-Id': 'forged', 'X-Correlation-Id': 'tried-out' },
    });
    const { headers, caller } = JSON.parse(body ?? '');
    expect(caller).toBe(consumer);
    expect(headers['x-road-client']).toBe(consumer);
    expect(headers['x-road-request-id']).not.toBe('forged');
    expect(headers['x-correlation-id']).toBe('tried-out');
  });

  it('is refused where the setting does not allow it', async () => {
    const strict = await startInstance();
    try {
      const call = strict.node
        .client(mediatorAdmin, { as: governance, service: `${own}/${mediatorAdmin.name}` })
        .tryService({
          params: { service: echoService, application: governance },
          body: { method: 'GET', path: '/' },
        });
      expect((await refusal(call)).status).toBe(403);
    } finally {
      await strict.node.stop();
    }
  });
});
