import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CloudEvent } from '@govstack/platform/operation';
import { startTestNode, testAdminUrl } from '@govstack/platform/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { informationMediator } from '../src/block.ts';
import { eraseOldEvents } from '../src/events/retention.ts';
import { EchoRecord, rang } from './fixtures/echo-block.ts';
import {
  consumer,
  eventually,
  governance,
  grant,
  type Instance,
  own,
  provider,
  refusal,
  startInstance,
  under,
} from './fixtures/instance.ts';

const quick = { delivery: { attempts: 3, delayMs: 20, multiplier: 2, maxDelayMs: 200, leaseMs: 60_000 } };
const subscription = { source: provider, eventType: rang.type, subscriber: provider };
const record = new EchoRecord();

let instance: Instance;
beforeAll(async () => {
  instance = await startInstance({ record, settings: quick });
  await grant(instance);
  await instance.admin.putSubscription({ params: subscription });
});
beforeEach(() => {
  record.whenHeard = async () => {};
});
afterAll(() => instance.node.stop());

const ring = (id: string, subject?: string) =>
  instance.echoAs().ring({ body: { id, ...(subject === undefined ? {} : { subject }) } });

const event = (id: string, over: Partial<CloudEvent> = {}): CloudEvent => ({
  specversion: '1.0',
  id,
  source: provider,
  type: rang.type,
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  correlationid: `of-${id}`,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
  data: { id },
  ...over,
});

const heard = (id: string): number => record.heard.filter((one) => one === id).length;
const deliveriesOf = async (state: 'waiting' | 'delivered' | 'dead', id: string) =>
  (await instance.admin.listDeliveries({ query: { state, pageSize: 500 } })).body.items.filter(
    (delivery) => delivery.eventId === id,
  );

describe('events', () => {
  it('[IM-6.5-f][IM-9.2.3-b] a fact announced in a transaction reaches its subscriber as an exchange of its own', async () => {
    await under('case-bell', () => ring('bell-1'));
    await eventually(() => heard('bell-1')).toBe(1);
    await eventually(async () => {
      const { body } = await instance.log.listExchanges({ query: { correlationId: 'case-bell' } });
      return body.exchanges.map(({ service, right, status }) => [service, right, status]);
    }).toContainEqual([`${provider}/events-v1`, `subscription ${rang.type}`, 204]);
  });

  it('[IM-6.5-i] a failed delivery is tried again, with growing delay', async () => {
    let failures = 2;
    const times: number[] = [];
    record.whenHeard = async () => {
      times.push(performance.now());
      failures -= 1;
      if (failures >= 0) throw new Error('not now');
    };
    await instance.node.mediator.publish(provider, event('retried'));
    await eventually(() => heard('retried')).toBe(1);
    expect(times).toHaveLength(3);
    const [first, second, third] = times as [number, number, number];
    expect(second - first).toBeGreaterThanOrEqual(19);
    expect(third - second).toBeGreaterThanOrEqual(39);
  });

  it('[IM-6.5-k] after the last attempt it is dead, can be seen, and can be delivered again', async () => {
    record.whenHeard = async (id) => {
      if (id === 'dead') throw new Error('never');
    };
    await instance.node.mediator.publish(provider, event('dead'));
    await eventually(async () => (await deliveriesOf('dead', 'dead')).length).toBe(1);
    const [delivery] = await deliveriesOf('dead', 'dead');
    expect(delivery).toMatchObject({ attempts: 3, lastError: '500', subscriber: provider });
    record.whenHeard = async () => {};
    await instance.admin.redeliver({ params: { sequence: delivery?.sequence ?? '' } });
    await eventually(() => heard('dead')).toBe(1);
    await eventually(async () => (await deliveriesOf('delivered', 'dead')).length).toBe(1);
    expect(
      (await refusal(instance.admin.redeliver({ params: { sequence: delivery?.sequence ?? '' } }))).status,
    ).toBe(404);
  });

  it('published twice under one id is one event, also at the same time', async () => {
    await Promise.all(
      Array.from({ length: 8 }, () => instance.node.mediator.publish(provider, event('once'))),
    );
    await eventually(() => heard('once')).toBe(1);
    await eventually(() => deliveriesOf('delivered', 'once')).toHaveLength(1);
    expect(heard('once')).toBe(1);
  });

  it('keep their order about one subject; another subject does not wait', async () => {
    const before = record.heard.length;
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    record.whenHeard = async (id) => {
      if (id === 'a1') await held;
    };
    for (const [id, subject] of [
      ['a1', 'a'],
      ['a2', 'a'],
      ['b1', 'b'],
      ['a3', 'a'],
    ] as const)
      await instance.node.mediator.publish(provider, event(id, { subject }));
    await eventually(() => heard('b1')).toBe(1);
    expect(heard('a2') + heard('a3')).toBe(0);
    release();
    await eventually(() => heard('a3')).toBe(1);
    expect(record.heard.slice(before).filter((id) => id.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
  });

  it('nobody announces in another name, and a stranger announces nothing', async () => {
    await expect(instance.node.mediator.publish(consumer, event('foreign'))).rejects.toThrow('only its own');
    const stranger = 'T/GOV/NOBODY/app';
    await expect(
      instance.node.mediator.publish(stranger, event('stranger', { source: stranger })),
    ).rejects.toThrow('not registered');
  });

  it('the subscription is a right to deliver, not one the announcing application could use itself', async () => {
    const answer = await instance.node.mediator.exchange({
      client: provider,
      service: `${provider}/events-v1`,
      method: 'POST',
      path: '/events',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(event('smuggled', { source: consumer })),
    });
    expect(answer.headers['x-road-error']).toBe('Server.ServerProxy.AccessDenied');
    expect(heard('smuggled')).toBe(0);
  });

  it('are erased after their time when everybody has them; what waits or is dead stays', async () => {
    record.whenHeard = async (id) => {
      if (id === 'stays') throw new Error('never');
    };
    await instance.node.mediator.publish(provider, event('goes'));
    await instance.node.mediator.publish(provider, event('stays'));
    await eventually(async () => (await deliveriesOf('dead', 'stays')).length).toBe(1);
    await eventually(async () => (await deliveriesOf('delivered', 'goes')).length).toBe(1);
    const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);
    expect(await eraseOldEvents(instance.db, 30, inDays(29))).toBe(0);
    expect(await eraseOldEvents(instance.db, 30, inDays(31))).toBeGreaterThan(0);
    const left = await instance.db.selectFrom('event').select('id').execute();
    expect(left.map(({ id }) => id)).toContain('stays');
    expect(left.map(({ id }) => id)).not.toContain('goes');
  });

  it('an ended subscription gets nothing more', async () => {
    await instance.admin.deleteSubscription({ params: subscription });
    await instance.node.mediator.publish(provider, event('unheard'));
    await instance.admin.putSubscription({ params: subscription });
    await instance.node.mediator.publish(provider, event('heard again'));
    await eventually(() => heard('heard again')).toBe(1);
    expect(heard('unheard')).toBe(0);
    const { items } = (await instance.admin.listSubscriptions({ query: {} })).body;
    expect(items).toMatchObject([subscription]);
  });
});

describe('events over HTTP', () => {
  it('[IM-6.5-g] are accepted from an authenticated application about itself, and stored before they are', async () => {
    const url = await instance.node.listen({ port: 0 });
    const send = async (one: unknown, headers: Record<string, string> = {}) =>
      fetch(`${url}/node/events`, {
        method: 'POST',
        headers: {
          'content-type': 'application/cloudevents+json',
          'x-road-client': consumer,
          'x-govstack-client-assertion': await instance.assertion(),
          ...headers,
        },
        body: JSON.stringify(one),
      });
    expect((await send(event('remote', { source: consumer }))).status).toBe(204);
    const stored = await instance.db
      .selectFrom('event')
      .select('source')
      .where('id', '=', 'remote')
      .execute();
    expect(stored).toEqual([{ source: consumer }]);
    expect((await send(event('remote-foreign'))).status).toBe(400);
    expect((await send({ id: 'x' })).status).toBe(400);
    expect(
      (await send(event('x', { source: consumer }), { 'x-govstack-client-assertion': 'x.y.z' })).status,
    ).toBe(401);
  });
});

describe('a crash', () => {
  it('[IM-6.5-g] of the process that was delivering loses nothing: another one delivers it', async () => {
    const settings = { delivery: { ...quick.delivery, attempts: 20, leaseMs: 500 } };
    const secret = randomBytes(32);
    const before = await startInstance({ settings, secret });
    const { databasePrefix } = before.node;
    await before.admin.putSubscription({ params: subscription });
    await before.node.stop();

    const doomed = spawn(
      process.execPath,
      [fileURLToPath(new URL('fixtures/doomed-node.ts', import.meta.url))],
      {
        env: {
          ...process.env,
          ADMIN_URL: testAdminUrl(),
          DATABASE_PREFIX: databasePrefix,
          SECRET: secret.toString('hex'),
          OWN: own,
          PROVIDER: provider,
          SETTINGS: JSON.stringify({ bootstrap: { governance }, ...settings }),
          EVENT: JSON.stringify(event('survivor')),
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(doomed.stdout, 'data');
    doomed.kill('SIGKILL');
    await once(doomed, 'exit');

    const after = await startInstance({ settings, secret, databasePrefix });
    try {
      await eventually(() => after.record.heard).toEqual(['survivor']);
      await eventually(
        async () => (await after.db.selectFrom('delivery').select('state').execute())[0]?.state,
      ).toBe('delivered');
      expect((await after.log.verifyChain({ query: {} })).body.broken).toBeNull();
    } finally {
      await after.node.stop();
    }
  });

  it('before anything was delivered loses nothing either: it is stored, and delivered after the next start', async () => {
    const { state, databasePrefix } = await publishWithoutReceiver();
    expect(state).toBe('waiting');
    const after = await startInstance({ settings: quick, databasePrefix });
    try {
      await eventually(() => after.record.heard).toContain('later');
    } finally {
      await after.node.stop();
    }
  });
});

/** The mediator alone: the subscriber of its event is not there. */
async function publishWithoutReceiver() {
  const settings = { delivery: { ...quick.delivery, attempts: 1000 } };
  const whole = await startInstance({ settings });
  const { databasePrefix } = whole.node;
  await whole.admin.putSubscription({ params: subscription });
  await whole.node.stop();
  const alone = await startTestNode({
    databasePrefix,
    blocks: [
      {
        block: informationMediator,
        application: own,
        config: { bootstrap: { governance }, ...settings },
      },
    ],
  });
  await alone.mediator.publish(provider, event('later'));
  const db = alone.database('information-mediator') as Instance['db'];
  const { state } = await db.selectFrom('delivery').select('state').executeTakeFirstOrThrow();
  await alone.stop();
  return { state, databasePrefix };
}
