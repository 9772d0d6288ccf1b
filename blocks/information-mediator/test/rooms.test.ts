import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  consumer,
  echoService,
  eventually,
  governance,
  type Instance,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';
import {
  ask,
  eventType,
  openRoom,
  publish,
  publisher,
  type Receiver,
  room,
  roomsOf,
  schema,
  startReceiver,
  subscribe,
  subscriber,
  unsubscribe,
} from './fixtures/room.ts';

const quick = { delivery: { attempts: 3, delayMs: 20, multiplier: 1, maxDelayMs: 200, leaseMs: 60_000 } };

let receiver: Receiver;
let instance: Instance;
beforeAll(async () => {
  receiver = await startReceiver();
  instance = await startInstance({ settings: quick });
  await openRoom(instance, receiver);
});
afterAll(async () => {
  await instance.node.stop();
  await receiver.stop();
});
beforeEach(() => {
  receiver.received.length = 0;
  receiver.answer = () => ({ status: 204 });
});
afterEach(async () => {
  for (const one of [subscriber, governance]) await unsubscribe(instance, one);
});

const birth = (number: number, place = 'Hill') => ({ place, number });
const status = async (id: string) =>
  (await ask(instance, publisher, 'GET', `/pub/v1/${eventType}/${id}`)).body;
const numbers = () => receiver.received.map(({ event }) => event.number);

describe('a room', () => {
  it('[IM-6.5-a][IM-9.2.1-a][IM-7.3.2-a] is a registered application; one that is not confirmed is none', async () => {
    const rooms = roomsOf(instance);
    expect((await refusal(rooms.putRoom({ params: { room: 'T/GOV/MOH/none' } }))).status).toBe(404);
    expect((await rooms.listRooms({ query: {} })).body.items).toMatchObject([
      { application: room, eventTypes: [eventType] },
    ]);
    await instance.admin.putApplication({
      params: { application: room },
      body: { name: 'Births', status: 'disabled' },
    });
    expect((await publish(instance, birth(1))).error).toBe('Server.ServerProxy.ServiceDisabled');
    await instance.admin.putApplication({
      params: { application: room },
      body: { name: 'Births', status: 'registered' },
    });
    expect((await publish(instance, birth(1))).status).toBe(201);
  });

  it('[IM-6.5-b][IM-6.5-d][IM-8.3.4-a] has event types: created, listed, read, removed, with the published statuses', async () => {
    const path = '/api/v1/eventType';
    const type = { eventType: 'newDeath', schema: { type: 'object' } };
    expect((await ask(instance, room, 'GET', `${path}/newDeath`)).status).toBe(204);
    expect((await ask(instance, room, 'DELETE', `${path}/newDeath`)).status).toBe(404);
    expect(await ask(instance, room, 'POST', path, type)).toMatchObject({
      status: 200,
      body: { version: 1 },
    });
    expect((await ask(instance, room, 'POST', path, type)).status).toBe(409);
    expect((await ask(instance, room, 'GET', path)).body).toEqual([eventType, 'newDeath']);
    expect((await ask(instance, room, 'GET', `${path}/newDeath`)).body).toMatchObject(type);
    expect((await ask(instance, room, 'DELETE', `${path}/newDeath`)).status).toBe(204);
    expect((await ask(instance, room, 'GET', path)).body).toEqual([eventType]);
  });

  it.each([
    ['no schema at all', { type: 'nonsense' }],
    ['a reference to elsewhere', { $ref: 'http://169.254.169.254/schema' }],
    ['too large a schema', { description: 'x'.repeat(70_000) }],
  ])('[IM-6.5-c] refuses %s', async (_, bad) => {
    const answer = await ask(instance, room, 'POST', '/api/v1/eventType', { eventType: 'bad', schema: bad });
    expect(answer.status).toBe(400);
    expect((await ask(instance, room, 'GET', '/api/v1/eventType/bad')).status).toBe(204);
  });

  it('[IM-6.5-c][IM-9.2.2-a] describes each type in the directory as a service with an OpenAPI document', async () => {
    const answer = await instance.node.mediator.exchange({
      client: consumer,
      service: `${room}/getOpenAPI`,
      method: 'GET',
      path: `/?serviceCode=${eventType}`,
      headers: {},
    });
    const document = JSON.parse(answer.body.toString());
    expect(document.paths['/'].post.requestBody.content['application/json'].schema).toEqual(schema);
  });

  it('[IM-9.2.4-a] is used under rights that its owner gives per event type', async () => {
    await ask(instance, room, 'POST', '/api/v1/eventType', {
      eventType: 'other',
      schema: { type: 'object' },
    });
    const denied = 'Server.ServerProxy.AccessDenied';
    const other = { eventType: 'other', event: {} };
    expect((await ask(instance, publisher, 'POST', '/pub/v1/other', other)).error).toBe(denied);
    expect((await ask(instance, subscriber, 'POST', `/pub/v1/${eventType}`, other)).error).toBe(denied);
    expect(
      (await ask(instance, publisher, 'POST', '/api/v1/eventType', { ...other, schema: {} })).error,
    ).toBe(denied);
    expect((await ask(instance, room, 'POST', '/pub/v1/other', other)).status).toBe(201);
    await ask(instance, room, 'DELETE', '/api/v1/eventType/other');
  });
});

describe('publishing', () => {
  it('[IM-6.5-e][IM-8.3.3-a] refuses what does not match the newest schema, and delivers nothing of it', async () => {
    await subscribe(instance);
    const bad = await publish(instance, { place: 'Hill', number: 'secret-7' });
    expect(bad.status).toBe(400);
    expect(bad.body.errors).toMatchObject([{ pointer: '/event/number' }]);
    expect(JSON.stringify(bad.body)).not.toContain('secret-7');
    expect((await publish(instance, birth(1), { eventType: 'another' })).status).toBe(400);
    const path = `/api/v1/eventType/${eventType}`;
    const stricter = {
      ...schema,
      properties: { ...schema.properties, number: { type: 'integer', minimum: 100 } },
    };
    expect((await ask(instance, room, 'PATCH', path, { schema: stricter })).body.version).toBe(2);
    expect((await publish(instance, birth(1))).status).toBe(400);
    expect((await ask(instance, room, 'PATCH', path, { schema })).body.version).toBe(3);
    await publish(instance, birth(2));
    await eventually(numbers).toEqual([2]);
  });

  it('[IM-6.5-r][IM-6.5-o][IM-9.2.4-b] acknowledges with the id, the publisher’s own when it gives one; the same again is the same event', async () => {
    await subscribe(instance);
    const id = randomUUID();
    for (const _ of [1, 2])
      expect(await publish(instance, birth(1), { id })).toMatchObject({ status: 201, body: { id } });
    await Promise.all([1, 2, 3, 4].map(() => publish(instance, birth(1), { id })));
    expect((await publish(instance, birth(2), { id })).status).toBe(409);
    const other = (await publish(instance, birth(3))).body.id;
    expect(other).toMatch(/^[0-9a-f-]{36}$/);
    await eventually(numbers).toEqual([1, 3]);
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([id, other]);
  });

  it('[IM-6.5-f][IM-6.5-s] reaches every subscriber independently of the others; the publisher sees how far it got', async () => {
    await subscribe(instance);
    await subscribe(instance, {}, governance, 'PULL');
    receiver.answer = () => ({ status: 500 });
    const { id } = (await publish(instance, birth(1))).body;
    await eventually(async () =>
      (await status(id)).deliveries.map(({ state }: { state: string }) => state).sort(),
    ).toEqual(['dead', 'waiting']);
    expect((await status(id)).status).toBe('PENDING');
    expect((await ask(instance, governance, 'GET', `/pull/v1/${eventType}`)).body.id).toBe(id);
    await ask(instance, governance, 'DELETE', `/pull/v1/${eventType}/${id}`);
    expect((await status(id)).status).toBe('UNCONSUMED');
  });

  it('[IM-8.3.3-a] can be stopped; events of others are not seen', async () => {
    await subscribe(instance, {}, governance, 'PULL');
    const { id } = (await publish(instance, birth(1))).body;
    expect((await ask(instance, publisher, 'DELETE', `/pub/v1/${eventType}/${id}`)).status).toBe(204);
    expect((await status(id)).status).toBe('STOPPED');
    expect((await ask(instance, governance, 'GET', `/pull/v1/${eventType}`)).status).toBe(404);
    expect((await ask(instance, publisher, 'GET', `/pub/v1/${eventType}/${randomUUID()}`)).status).toBe(404);
  });
});

describe('a subscription', () => {
  it('[IM-8.3.1-a][IM-8.3.1-b][IM-7.3.2-b] is made, read, changed and ended with the published statuses', async () => {
    const path = `/api/v1/subs/${eventType}`;
    const as = (method: string, body?: unknown) => ask(instance, subscriber, method, path, body);
    expect((await ask(instance, subscriber, 'GET', '/api/v1/subs')).status).toBe(404);
    for (const method of ['GET', 'DELETE']) expect((await as(method)).status).toBe(404);
    expect((await as('PATCH', { eventType })).status).toBe(404);
    const made = await subscribe(instance, { TTL: 60, FIFO: true });
    expect(made).toMatchObject({
      status: 200,
      body: {
        eventType,
        delivery: 'PUSH',
        state: 'ACTIVE',
        subscriberId: { instanceId: 'T', memberClass: 'GOV', memberCode: 'DGA', applicationCode: 'workflow' },
        options: { TTL: 60, FIFO: true, signed: false },
      },
    });
    expect((await subscribe(instance)).status).toBe(409);
    expect((await as('PATCH', { eventType, options: { TTL: 5 } })).status).toBe(201);
    expect((await as('GET')).body).toMatchObject({ id: made.body.id, options: { TTL: 5, FIFO: true } });
    expect((await ask(instance, subscriber, 'GET', '/api/v1/subs')).body).toHaveLength(1);
    expect((await as('DELETE')).status).toBe(204);
  });

  it.each([
    ['a service of somebody else', { endpoint: echoService }],
    ['an address', { endpoint: 'http://169.254.169.254/' }],
    ['a service that is not there', { endpoint: `${subscriber}/none` }],
    ['a time that is none', { TTL: -1 }],
    ['a secret that is none', { secret: 'short' }],
  ])('[IM-8.3.1-b] with %s is refused', async (_, options) => {
    expect((await subscribe(instance, options)).status).toBe(400);
    expect((await ask(instance, subscriber, 'GET', '/api/v1/subs')).status).toBe(404);
  });

  it('[IM-6.5-l][IM-6.5-m] is listed for those who administer the room', async () => {
    await subscribe(instance, { maxQueue: 5 });
    const { items } = (await roomsOf(instance).listRoomSubscriptions({ params: { room }, query: {} })).body;
    expect(items).toMatchObject([
      {
        subscriber,
        eventType,
        delivery: 'PUSH',
        options: { maxQueue: 5, endpoint: `${subscriber}/${eventType}` },
        waiting: 0,
      },
    ]);
  });
});

describe('push', () => {
  it('[IM-6.5-n] goes to the service that the subscriber has named', async () => {
    const other = await startReceiver();
    try {
      const endpoint = `${subscriber}/births-in`;
      const body = { title: 'Births, another way', target: other.url };
      await instance.admin.putService({ params: { service: endpoint }, body });
      expect((await subscribe(instance, { endpoint })).status).toBe(200);
      await publish(instance, birth(1));
      await eventually(() => other.received.map(({ event }) => event.number)).toEqual([1]);
      expect(receiver.received).toHaveLength(0);
    } finally {
      await other.stop();
    }
  });

  it('[IM-9.2.4-h][IM-9.2.4-f] announces what the subscriber fetches from the publisher by the event’s id, under a right of its own', async () => {
    const publishers = await startReceiver();
    try {
      const service = `${publisher}/birth-details`;
      const body = { title: 'Details', target: publishers.url };
      await instance.admin.putService({ params: { service }, body });
      await subscribe(instance);
      const { id } = (await publish(instance, birth(1))).body;
      await eventually(() => receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([id]);
      const details = () =>
        instance.node.mediator.exchange({
          client: subscriber,
          service,
          method: 'POST',
          path: `/births/${id}`,
          headers: { 'content-type': 'application/json' },
          body: '{}',
        });
      expect((await details()).status).toBe(403);
      await instance.admin.putRight({ params: { service, subject: subscriber }, body: {} });
      expect((await details()).status).toBe(204);
      expect(publishers.received).toHaveLength(1);
    } finally {
      await publishers.stop();
    }
  });

  it('[IM-9.2.3-b][IM-9.2.4-d] brings the event unchanged, with publisher and id beside it, signed', async () => {
    const secret = randomBytes(32);
    await subscribe(instance, { secret: `whsec_${secret.toString('base64')}` });
    const { id } = (await publish(instance, { place: 'Ü', number: 1 })).body;
    await eventually(() => receiver.received.length).toBe(1);
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[number]];
    expect(body).toBe('{"place":"Ü","number":1}');
    expect(headers).toMatchObject({
      'webhook-id': id,
      'x-govstack-publisher': publisher,
      'x-govstack-room': room,
      'x-govstack-event-type': eventType,
      'x-govstack-sequence': '1',
    });
    const signed = createHmac('sha256', secret)
      .update(`${id}.${headers['webhook-timestamp']}.${body}`)
      .digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${signed}`);
  });

  it('[IM-6.5-h][IM-6.5-i][IM-6.5-q][IM-5.2-c] is tried again as the subscriber wants; every attempt is on record', async () => {
    await subscribe(instance, { retry: { attempts: 5 } });
    receiver.answer = () => ({ status: receiver.received.length < 5 ? 503 : 200 });
    const { id } = (await publish(instance, birth(1))).body;
    await eventually(async () => (await status(id)).status).toBe('DELIVERED');
    const { items } = (await roomsOf(instance).listAttempts({ params: { room, eventId: id } })).body;
    expect(items.map((one) => [one.attempt, one.status])).toEqual([
      [1, 503],
      [2, 503],
      [3, 503],
      [4, 503],
      [5, 200],
    ]);
  });

  it('[IM-6.5-j][IM-5.2-c] the default is the administrator’s to change', async () => {
    const rooms = roomsOf(instance);
    await subscribe(instance);
    receiver.answer = () => ({ status: 500 });
    await rooms.putRetryDefault({ body: { attempts: 1 } });
    expect((await rooms.getRetryDefault({})).body).toMatchObject({ attempts: 1, delayMs: 20 });
    const { id } = (await publish(instance, birth(1))).body;
    await eventually(async () => (await status(id)).deliveries[0].state).toBe('dead');
    expect(receiver.received).toHaveLength(1);
    await rooms.putRetryDefault({ body: {} });
  });

  it('[IM-6.5-k] what is refused for good is set aside at once and does not hold up those behind it', async () => {
    await subscribe(instance, { FIFO: true, retry: { attempts: 50 } });
    receiver.answer = ({ event }) => ({ status: event.number === 1 ? 422 : 204 });
    const { id } = (await publish(instance, birth(1))).body;
    await publish(instance, birth(2));
    await eventually(numbers).toEqual([1, 2]);
    expect((await status(id)).deliveries).toMatchObject([{ state: 'dead', attempts: 1, lastError: '422' }]);
  });

  it('waits for as long as the subscriber asks for', async () => {
    await subscribe(instance);
    receiver.answer = () => ({
      status: receiver.received.length === 1 ? 429 : 204,
      headers: { 'retry-after': '1' },
    });
    const { id } = (await publish(instance, birth(1))).body;
    await eventually(async () => (await status(id)).status).toBe('DELIVERED');
    const { items } = (await roomsOf(instance).listAttempts({ params: { room, eventId: id } })).body;
    const [first, second] = items.map(({ at }) => Date.parse(at)) as [number, number];
    // Without the wish it were 20 ms.
    expect(second - first).toBeGreaterThanOrEqual(990);
  });

  it('a subscriber that is gone is suspended; a change lets it go on with what it missed', async () => {
    await subscribe(instance);
    receiver.answer = () => ({ status: 410 });
    const { id } = (await publish(instance, birth(1))).body;
    const own = () => ask(instance, subscriber, 'GET', `/api/v1/subs/${eventType}`);
    await eventually(async () => (await own()).body.state).toBe('SUSPENDED');
    const missed = (await publish(instance, birth(2))).body.id;
    expect((await status(missed)).deliveries).toMatchObject([{ state: 'waiting', attempts: 0 }]);
    receiver.answer = () => ({ status: 204 });
    await ask(instance, subscriber, 'PATCH', `/api/v1/subs/${eventType}`, { eventType });
    expect((await own()).body.state).toBe('ACTIVE');
    for (const one of [id, missed])
      await eventually(async () => (await status(one)).status).toBe('DELIVERED');
  });

  it('[IM-9.2.4-g] an event that is not delivered in time has expired; a full queue takes no more', async () => {
    receiver.answer = () => ({ status: 500 });
    await subscribe(instance, { TTL: 1, retry: { attempts: 1000, delayMs: 100, multiplier: 1 } });
    const { id } = (await publish(instance, birth(1))).body;
    await eventually(async () => (await status(id)).deliveries[0].state).toBe('expired');
    await unsubscribe(instance);
    await subscribe(instance, { maxQueue: 2 }, governance, 'PULL');
    const ids: string[] = [];
    for (const number of [1, 2, 3]) ids.push((await publish(instance, birth(number))).body.id);
    const last = await status(ids[2] as string);
    expect(last.deliveries).toMatchObject([
      { state: 'dead', lastError: 'the queue of the subscriber is full' },
    ]);
  });
});

describe('what was set aside', () => {
  it('can be delivered again, from a time on', async () => {
    await subscribe(instance);
    receiver.answer = () => ({ status: 422 });
    const { id } = (await publish(instance, birth(1))).body;
    await eventually(async () => (await status(id)).deliveries[0].state).toBe('dead');
    receiver.answer = () => ({ status: 204 });
    const replay = (from: Date) =>
      roomsOf(instance).replayEvents({
        params: { room },
        body: { eventType, subscriber, from: from.toISOString() },
      });
    expect((await replay(new Date(Date.now() + 60_000))).body.events).toBe(0);
    expect((await replay(new Date(Date.now() - 60_000))).body.events).toBeGreaterThanOrEqual(1);
    await eventually(async () => (await status(id)).status).toBe('DELIVERED');
  });

  it('[IM-6.2-g] without the right nothing is delivered any more', async () => {
    await subscribe(instance);
    const params = { service: `${room}/api`, subject: subscriber };
    await instance.admin.deleteRight({ params });
    try {
      const { id } = (await publish(instance, birth(1))).body;
      await eventually(async () => (await status(id)).deliveries[0].state).toBe('dead');
      expect(receiver.received).toHaveLength(0);
    } finally {
      await instance.admin.putRight({ params, body: { endpoints: [{ method: '*', path: '/v1/subs**' }] } });
    }
  });

  it('[IM-9.2.3-a] a subscription that changes to push is pushed what it has not pulled', async () => {
    await subscribe(instance, {}, subscriber, 'PULL');
    await publish(instance, birth(1));
    const body = { eventType, delivery: 'PUSH' };
    await ask(instance, subscriber, 'PATCH', `/api/v1/subs/${eventType}`, body);
    await eventually(numbers).toEqual([1]);
  });
});

describe('pull', () => {
  it('[IM-8.3.2-a][IM-9.2.3-c] hands out the next event until it is acknowledged', async () => {
    const pull = () => ask(instance, governance, 'GET', `/pull/v1/${eventType}`);
    const confirm = (id: string) => ask(instance, governance, 'DELETE', `/pull/v1/${eventType}/${id}`);
    expect((await pull()).status).toBe(409);
    await subscribe(instance, {}, governance, 'PULL');
    expect((await pull()).status).toBe(404);
    const first = (await publish(instance, birth(1))).body.id;
    await publish(instance, birth(2));
    for (const _ of [1, 2])
      expect((await pull()).body).toMatchObject({
        id: first,
        event: birth(1),
        publisherId: { applicationCode: 'service' },
      });
    expect((await confirm(randomUUID())).status).toBe(404);
    for (const _ of [1, 2]) expect((await confirm(first)).status).toBe(204);
    expect((await pull()).body.event).toEqual(birth(2));
    expect(receiver.received).toHaveLength(0);
  });
});

describe('order', () => {
  it('[IM-9.2.4-c] numbers rise per key, and with FIFO each key keeps its order whatever fails', async () => {
    await subscribe(instance, {
      FIFO: true,
      retry: { attempts: 1000, delayMs: 1, multiplier: 1, maxDelayMs: 5 },
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ place: fc.constantFrom('a', 'b', 'c'), failures: fc.nat(2) }), {
          minLength: 1,
          maxLength: 12,
        }),
        async (births) => {
          receiver.received.length = 0;
          const failing = new Map(births.map(({ failures }, number) => [number, failures]));
          const done: { place: string; number: number; sequence: number }[] = [];
          receiver.answer = ({ event, headers }) => {
            const left = failing.get(event.number) ?? 0;
            failing.set(event.number, left - 1);
            if (left > 0) return { status: 503 };
            done.push({ ...event, sequence: Number(headers['x-govstack-sequence']) });
            return { status: 204 };
          };
          for (const [number, { place }] of births.entries())
            expect((await publish(instance, birth(number, place))).status).toBe(201);
          await eventually(() => done.length).toBe(births.length);
          for (const key of ['a', 'b', 'c']) {
            const ofKey = done.filter(({ place }) => place === key);
            expect(ofKey.map(({ number }) => number)).toEqual(
              ofKey.map(({ number }) => number).sort((x, y) => x - y),
            );
            for (const [index, one] of ofKey.entries())
              expect(one.sequence).toBe((ofKey[0]?.sequence ?? 0) + index);
          }
        },
      ),
      { numRuns: 8 },
    );
  });

  it('[IM-9.2.4-c] a key that is stuck holds up no other', async () => {
    await subscribe(instance, { FIFO: true, retry: { attempts: 1000, delayMs: 50, multiplier: 1 } });
    let stuck = true;
    receiver.answer = ({ event }) => ({ status: stuck && event.place === 'a' ? 503 : 204 });
    await publish(instance, birth(1, 'a'));
    await publish(instance, birth(2, 'a'));
    await publish(instance, birth(3, 'b'));
    await eventually(() => numbers().includes(3)).toBe(true);
    expect(numbers()).not.toContain(2);
    stuck = false;
    await eventually(() => numbers().includes(2)).toBe(true);
  });
});

describe('the record of events', () => {
  it('[IM-6.5-p][IM-6.5-s][IM-9.2.4-e] can be searched by sender, type and time, with each delivery, never the contents', async () => {
    await subscribe(instance);
    const { id } = (await publish(instance, { place: 'Secretville', number: 4711 })).body;
    await eventually(async () => (await status(id)).status).toBe('DELIVERED');
    const search = async (query: Record<string, string>) =>
      (await roomsOf(instance).searchEvents({ params: { room }, query })).body.items;
    const [found] = await search({ publisher, eventType });
    expect(found).toMatchObject({
      id,
      publisher,
      eventType,
      deliveries: [{ state: 'delivered', attempts: 1 }],
    });
    expect(JSON.stringify(found)).not.toContain('Secretville');
    expect(await search({ publisher: provider })).toEqual([]);
    expect(await search({ eventId: id })).toHaveLength(1);
    expect(await search({ to: new Date(0).toISOString() })).toEqual([]);
  });
});

describe('a crash', () => {
  it('[IM-6.5-g] between storing and delivering loses nothing: another node goes on', async () => {
    await subscribe(instance, { FIFO: true });
    let hanging = 0;
    receiver.answer = () => {
      hanging += 1;
      return new Promise(() => {});
    };
    await publish(instance, birth(1));
    await eventually(() => hanging).toBe(1);
    await publish(instance, birth(2));
    // The subscriber never answers: stopping does not wait for it, and gives back what was under way.
    await instance.node.stop();
    receiver.received.length = 0;
    receiver.answer = () => ({ status: 204 });
    instance = await startInstance({ settings: quick, databasePrefix: instance.node.databasePrefix });
    await eventually(numbers).toEqual([1, 2]);
  });
});
