import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mediatorAdmin } from '../src/api/operations.ts';
import { echo } from './fixtures/echo-block.ts';
import {
  consumer,
  echoService,
  engine,
  eventually,
  type Instance,
  own,
  provider,
  refusal,
  startInstance,
} from './fixtures/instance.ts';

const global = 'T/GLOBALGROUP/payers';
const local = `${provider}/LOCALGROUP/friends`;

let instance: Instance;
let otherNode: Instance;
beforeAll(async () => {
  instance = await startInstance();
  otherNode = await startInstance({ databasePrefix: instance.node.databasePrefix });
});
afterAll(async () => {
  await otherNode.node.stop();
  await instance.node.stop();
});
beforeEach(async () => {
  for (const group of [global, local]) await instance.admin.deleteGroup({ params: { group } });
  for (const subject of [consumer, engine])
    await instance.admin.deleteRight({ params: { service: echoService, subject } });
});

const put = (group: string, members: string[]) =>
  instance.admin.putGroup({ params: { group }, body: { description: 'Of the test', members } });
const lend = (subject: string, endpoints?: { method: string; path: string }[]) =>
  instance.admin.putRight({
    params: { service: echoService, subject },
    body: endpoints ? { endpoints } : {},
  });
const status = (node: Instance, as: string): Promise<number> =>
  node.say('hello', as).then(
    (answer) => answer.status,
    (error: { status: number }) => error.status,
  );

describe('groups', () => {
  it.each([
    global,
    local,
  ])('[IM-6.2-g] %s lends its right to its members, and to nobody else', async (group) => {
    await put(group, [consumer]);
    expect(await status(instance, consumer)).toBe(403);
    await lend(group);
    expect(await status(instance, consumer)).toBe(200);
    expect(await status(instance, engine)).toBe(403);
    await put(group, [engine]);
    expect(await status(instance, consumer)).toBe(403);
    expect(await status(instance, engine)).toBe(200);
    // On another node within a second.
    await eventually(() => status(otherNode, consumer)).toBe(403);
    await eventually(() => status(otherNode, engine)).toBe(200);
    await instance.admin.deleteGroup({ params: { group } });
    expect(await status(instance, engine)).toBe(403);
    // A group of the same name that comes later has none of it.
    await put(group, [engine]);
    expect(await status(instance, engine)).toBe(403);
  });

  it('[IM-6.2-g] lend endpoints as applications have them; the log names the group', async () => {
    await put(global, [consumer]);
    await lend(global, [{ method: 'POST', path: '/say/*' }]);
    const { exchangeId } = (await instance.say('by endpoint')).body;
    const { body } = await instance.log.getExchange({ params: { exchangeId } });
    expect(body.right).toBe(`POST /say/* as one of ${global}`);
    const client = instance.node.client(echo, { as: consumer, service: echoService });
    expect((await refusal(client.ring({ body: { id: '1' } }))).status).toBe(403);
  });

  it('[IM-6.2-g] who may call is listed one by one', async () => {
    await put(global, [consumer, engine]);
    await lend(global, [{ method: 'GET', path: '/wait' }]);
    await lend(consumer);
    const { items } = (await instance.admin.listEntitled({ params: { service: echoService }, query: {} }))
      .body;
    expect(items).toEqual([
      { application: engine, group: global, method: 'GET', path: '/wait' },
      { application: consumer, group: null, method: '*', path: '**' },
      { application: consumer, group: global, method: 'GET', path: '/wait' },
    ]);
  });

  it('members must be registered; a local group has rights to its own application’s services only', async () => {
    expect((await refusal(put(global, ['T/GOV/NONE/none']))).status).toBe(400);
    expect((await refusal(put('T/GOV/NONE/none/LOCALGROUP/x', []))).status).toBe(400);
    expect((await refusal(lend(global))).status).toBe(400);
    const foreign = `${consumer}/LOCALGROUP/theirs`;
    await put(foreign, [engine]);
    expect((await refusal(lend(foreign))).status).toBe(400);
    expect((await instance.admin.listGroups({ query: {} })).body.items.map(({ id }) => id)).toEqual([
      foreign,
    ]);
    await instance.admin.deleteGroup({ params: { group: foreign } });
  });

  it('[IM-6.1-b] are kept by governance, and by the agency of their application', async () => {
    const admin = instance.node.client(mediatorAdmin, { as: provider, service: `${own}/mediator-admin-v1` });
    await instance.admin.putRight({
      params: { service: `${own}/mediator-admin-v1`, subject: provider },
      body: {},
    });
    const personToken = await instance.node.token({ id: 'a', roles: ['administrator'], agency: 'T/GOV/MOH' });
    const body = { description: '', members: [consumer] };
    await admin.putGroup({ params: { group: local }, body, personToken });
    for (const group of [global, `${consumer}/LOCALGROUP/x`])
      expect((await refusal(admin.putGroup({ params: { group }, body, personToken }))).status).toBe(403);
    expect((await admin.listGroups({ query: {}, personToken })).body.items.map(({ id }) => id)).toEqual([
      local,
    ]);
  });
});

describe('endpoints that are switched off', () => {
  const off = (endpoints: { method: string; path: string; notice: string }[]) =>
    instance.admin.putDisabledEndpoints({ params: { service: echoService }, body: { endpoints } });

  it('[IM-6.2-d] are refused with the stored notice; others of the service are not; all can be switched on again', async () => {
    await lend(consumer);
    await off([{ method: 'POST', path: '/say/{what}', notice: 'Back on Monday' }]);
    const {
      status: refused,
      headers,
      body,
    } = await instance.node.mediator.exchange({
      client: consumer,
      service: echoService,
      method: 'POST',
      path: '/s%61y/it',
      headers: { 'content-type': 'application/json' },
      body: '{"text":"hello"}',
    });
    expect(refused).toBe(503);
    expect(headers['x-road-error']).toBe('Server.ServerProxy.ServiceDisabled');
    expect(JSON.parse(body.toString())).toMatchObject({ message: 'Back on Monday' });
    const client = instance.node.client(echo, { as: consumer, service: echoService });
    expect((await client.ring({ body: { id: '1' } })).status).toBe(204);
    await eventually(() => status(otherNode, consumer)).toBe(503);
    await off([]);
    expect(await status(instance, consumer)).toBe(200);
  });

  it('[IM-6.2-d] say nothing to those who have no right', async () => {
    await off([{ method: '*', path: '**', notice: 'Secret' }]);
    expect(await status(instance, engine)).toBe(403);
    const { items } = (await instance.admin.listServices({ query: { application: provider } })).body;
    expect(items.find(({ id }) => id === echoService)?.disabledEndpoints).toEqual([
      { method: '*', path: '**', notice: 'Secret' },
    ]);
    await off([]);
  });

  it('a service that is not registered has none', async () => {
    const endpoints = [{ method: 'GET', path: '/x', notice: 'n' }];
    const call = instance.admin.putDisabledEndpoints({
      params: { service: `${provider}/none` },
      body: { endpoints },
    });
    expect((await refusal(call)).status).toBe(400);
  });
});

describe('a service', () => {
  it('[IM-7.2.3-a] has a code of its own in its application, a description, an address and a list of who may call it', async () => {
    const service = `${provider}/described-v1`;
    const openapi = { openapi: '3.0.0', info: { title: 'D', version: '1' }, paths: { '/a': { get: {} } } };
    const put = (title: string, target: string) =>
      instance.admin.putService({ params: { service }, body: { title, target, openapi } });
    await put('First', 'https://a.example');
    await put('Second', 'https://b.example/base');
    await instance.admin.putRight({ params: { service, subject: engine }, body: {} });
    const { items } = (await instance.admin.listServices({ query: { application: provider } })).body;
    expect(items.filter(({ id }) => id === service)).toMatchObject([
      { title: 'Second', target: 'https://b.example/base', describedHere: true, enabled: true },
    ]);
    const entitled = await instance.admin.listEntitled({ params: { service }, query: {} });
    expect(entitled.body.items.map(({ application }) => application)).toEqual([engine]);
    const described = await instance.node.mediator.exchange({
      client: consumer,
      service: `${provider}/getOpenAPI`,
      method: 'GET',
      path: '/?serviceCode=described-v1',
      headers: {},
    });
    expect(JSON.parse(described.body.toString())).toMatchObject({ paths: { '/a': { get: {} } } });
  });
});
