import { digitalRegistries } from '@govstack/digital-registries';
import {
  registryAutomation,
  registryData,
  registryDatabase,
  registryEventsSurface,
} from '@govstack/digital-registries/api';
import { informationMediator } from '@govstack/information-mediator';
import { mediatorAdmin, mediatorRooms } from '@govstack/information-mediator/api';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const own = 'T/GOV/DGA/mediator';
const governance = 'T/GOV/DGA/governance';
const registries = 'T/GOV/DGA/digital-registries';
const owner = 'T/GOV/CRA/civil-registry';
const consumer = 'T/GOV/MSP/benefits';
const other = 'T/GOV/LRA/tax';
const code = 'births';
const eventType = `${code}.changes`;
const at = { registryName: code, versionNumber: 'latest' };
const eventually = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 30_000, interval: 100 });

let node: TestNode;
beforeAll(async () => {
  node = await startTestNode({
    blocks: [
      {
        block: informationMediator,
        application: own,
        config: { bootstrap: { governance }, audiences: ['https://m.test'] },
      },
      { block: digitalRegistries, application: registries },
    ],
  });
  const admin = node.client(mediatorAdmin, { as: governance, service: `${own}/mediator-admin-v1` });
  for (const member of ['T/GOV/CRA', 'T/GOV/MSP', 'T/GOV/LRA', 'T/GOV/DGA'])
    await admin.putMember({ params: { member }, body: { name: member } });
  for (const application of [registries, consumer, other])
    await admin.putApplication({ params: { application }, body: { name: application } });
  // The block does for the owner of a registry what it has defined.
  await admin.putApplication({
    params: { application: owner },
    body: { name: 'Civil registry', operators: [registries] },
  });
  for (const surface of [registryData, registryDatabase, registryEventsSurface, registryAutomation]) {
    const service = `${owner}/${surface.name}`;
    await admin.putService({
      params: { service },
      body: { title: surface.title, target: `local:digital-registries/${surface.name}` },
    });
    await admin.putRight({ params: { service, subject: owner }, body: {} });
  }
  await node
    .client(mediatorRooms, { as: governance, service: `${own}/mediator-rooms-v1` })
    .putRoom({ params: { room: owner } });
  for (const [service, path] of [
    ['api', `/v1/subs/${eventType}`],
    ['pull', `/v1/${eventType}**`],
  ])
    await admin.putRight({
      params: { service: `${owner}/${service}`, subject: consumer },
      body: { endpoints: [{ method: '*', path: path as string }] },
    });
});
afterAll(() => node.stop());

const ask = async (client: string, service: string, method: string, path: string, body?: unknown) => {
  const answer = await node.mediator.exchange({
    client,
    service: `${owner}/${service}`,
    method,
    path,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = answer.body.toString();
  return {
    status: answer.status,
    error: answer.headers['x-road-error'],
    body: text === '' ? undefined : JSON.parse(text),
  };
};
describe('a consumer of another agency', () => {
  it('[REG-4.2-b][REG-4.1-f][REG-6.1-5-f] subscribes at the mediator, gets events there and nowhere else, without values', async () => {
    const database = node.client(registryDatabase, { as: owner, service: `${owner}/registry-database-v1` });
    const data = node.client(registryData, { as: owner, service: `${owner}/registry-data-v1` });
    const events = node.client(registryEventsSurface, { as: owner, service: `${owner}/registry-events-v1` });
    const schema = {
      type: 'object',
      properties: { ID: { type: 'string', id: 1 }, Name: { type: 'string', id: 2, personal: true } },
    };
    await database.putDraft({ params: { code }, body: { schema } });
    await database.publishDraft({ params: { code }, body: {} });
    await data.createRecord({ params: at, body: { write: { content: { ID: 'before' } } } });

    // What has its place in the chain before the room is opened is not told in it.
    await eventually(
      async () => (await events.readChanges({ params: at, query: {}, headers: {} })).body.changes.length,
    ).toBe(1);
    const opened = (await events.putRoom({ params: { code }, body: { room: owner } })).body;
    expect(opened).toMatchObject({ eventType, subscribe: `${owner}/api`, path: `/v1/subs/${eventType}` });
    expect((await events.describeEvents({ params: at, headers: {} })).body.room).toMatchObject({ eventType });
    const subscription = { eventType, delivery: 'PULL', options: {} };
    expect((await ask(other, 'api', 'POST', opened.path, subscription)).error).toBeDefined();
    expect((await ask(consumer, 'api', 'POST', opened.path, subscription)).status).toBe(200);

    const { uuid } = (
      await data.createRecord({ params: at, body: { write: { content: { ID: 'a', Name: 'Ana Li' } } } })
    ).body;
    await data.updateRecord({
      params: at,
      headers: {},
      body: { query: { content: { ID: 'a' } }, write: { content: { Name: 'Bo Li' } } },
    });
    await data.deleteRecord({ params: { ...at, id: uuid } });
    // At least once; what was written just before the room was opened may be told in it too.
    const received = new Map<unknown, Record<string, unknown>>();
    await eventually(async () => {
      const next = await ask(consumer, 'pull', 'GET', `/v1/${eventType}`);
      if (next.status === 200) {
        if (JSON.stringify(next.body).includes(uuid))
          received.set(next.body.id ?? next.body.eventId, next.body);
        await ask(
          consumer,
          'pull',
          'DELETE',
          `/v1/${eventType}/${(next.body.id ?? next.body.eventId) as string}`,
        );
      }
      return received.size;
    }).toBe(3);
    const pulled = [...received.values()];
    const said = JSON.stringify(pulled);
    expect(said).not.toMatch(/Ana|Bo Li/);
    for (const [index, action] of ['create', 'update', 'delete'].entries())
      expect(JSON.stringify(pulled[index])).toContain(`"action":"${action}"`);
    expect(said.split(uuid).length - 1).toBeGreaterThanOrEqual(3);
    // Not at the block: its events and its records are the owner's until it gives a right.
    expect(
      (await ask(consumer, 'registry-events-v1', 'GET', `/data/${code}/latest/changes`)).error,
    ).toBeDefined();
    expect((await ask(consumer, 'registry-data-v1', 'GET', `/data/${code}/latest`)).error).toBeDefined();
    // A room that has lost something gets it again, and knows what it has.
    await events.replayRoom({ params: { code }, body: { after: 0 } });
    await eventually(async () => (await ask(consumer, 'pull', 'GET', `/v1/${eventType}`)).status).toBe(200);
  });
});
