import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediatorGateway, mediatorRegistration } from '../src/api/operations.ts';
import { endPlans } from '../src/gateway/plans.ts';
import {
  consumer,
  echoService,
  engine,
  governance,
  type Instance,
  own,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

let instance: Instance;
beforeAll(async () => {
  instance = await startInstance();
  const gateway = instance.node.client(mediatorGateway, {
    as: governance,
    service: `${own}/mediator-gateway-v1`,
  });
  await gateway.putPolicy({
    params: { service: echoService },
    body: {
      plans: [
        { name: 'trial', title: 'Trial', approval: 'auto', limits: [{ requests: 3, per: 'day' }], days: 30 },
        { name: 'full', title: 'Full', approval: 'manual' },
      ],
    },
  });
});
afterAll(() => instance.node.stop());

const requests = (as: string) =>
  instance.node.client(mediatorRegistration, { as, service: `${own}/mediator-registration-v1` });
const ask = async (as: string, plan: string) => {
  const params = { request: randomUUID() };
  await requests(as).putRequest({
    params,
    body: { kind: 'access', consumer: as, service: echoService, plan },
  });
  return { params, ...(await requests(as).submitRequest({ params })).body };
};
const status = (as: string): Promise<number> =>
  instance.say('hello', as).then(
    (answer) => answer.status,
    (error: { status: number }) => error.status,
  );

describe('plans', () => {
  it('are offered in the catalogue; one that needs no approval gives access at once, within its limits', async () => {
    const { items } = (await requests(consumer).listCatalogue({ query: { pageSize: 500 } })).body;
    expect(items.find(({ id }) => id === echoService)?.plans.map(({ name }) => name)).toEqual([
      'trial',
      'full',
    ]);
    expect(await status(consumer)).toBe(403);
    const { params, state } = await ask(consumer, 'trial');
    expect(state).toBe('APPROVED');
    expect((await requests(consumer).submitRequest({ params })).body.state).toBe('APPROVED');
    expect([await status(consumer), await status(consumer), await status(consumer)]).toEqual([200, 200, 200]);
    expect(await status(consumer)).toBe(429);
  });

  it('one that needs approval waits for the provider, and lifts the limits of the one before', async () => {
    const { params, state } = await ask(consumer, 'full');
    expect(state).toBe('SUBMITTED_FOR_APPROVAL');
    expect(await status(consumer)).toBe(429);
    await requests(provider).decideRequest({ params, body: { approve: true } });
    expect(await status(consumer)).toBe(200);
  });

  it('end when their time is over, and the right with them', async () => {
    await ask(engine, 'trial');
    expect(await status(engine)).toBe(200);
    const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);
    expect(await endPlans(instance.db, inDays(29))).toBe(false);
    expect(await endPlans(instance.db, inDays(31))).toBe(true);
    expect((await instance.admin.listRights({ query: { subject: engine } })).body.items).toEqual([]);
    // The other one, without an end, stays.
    expect((await instance.admin.listRights({ query: { subject: consumer } })).body.items).toHaveLength(1);
  });

  it('that are not offered are refused', async () => {
    expect((await refusal(ask(engine, 'gold'))).status).toBe(400);
  });
});
