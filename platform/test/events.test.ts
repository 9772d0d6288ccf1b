import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type CloudEvent, type MediatorPort, newId } from '@govstack/platform';
import { newDatabaseName, startTestNode, type TestNode, testAdminUrl } from '@govstack/platform/testing';
import { type Kysely, sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deliver, directMediator } from './fixtures/direct-mediator.ts';
import { type ListenerTables, listenerBlock, noteHeard } from './fixtures/listener-block/listener.ts';
import { notes, notesBlock, seen } from './fixtures/notes-block/notes.ts';

/** On a busy machine; a condition that holds is seen at once. */
const soon = { timeout: 15_000 };

/** All nodes of a test share databases, so they share the secret that opens them. */
const secret = randomBytes(32).toString('hex');

const nodes: TestNode[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.stop();
});

const started = async (options: Parameters<typeof startTestNode>[0]): Promise<TestNode> => {
  const node = await startTestNode(options);
  nodes.push(node);
  return node;
};

/** Notes and listener with a mediator between them that delivers at once. */
async function startPair(databasePrefix?: string, mediator?: (direct: MediatorPort) => MediatorPort) {
  let node: TestNode;
  const direct = directMediator(() => node);
  node = await started({
    blocks: [{ block: notesBlock }, { block: listenerBlock }],
    ...(databasePrefix === undefined ? {} : { databasePrefix }),
    node: { mediator: mediator ? mediator(direct) : direct, secret: Buffer.from(secret, 'hex') },
  });
  return node;
}

const caller = (id = newId()) => ({
  application: 'TEST/GOV/MSP/writer',
  service: 'TEST/GOV/BLOCKS/notes/notes-v1',
  operator: undefined,
  exchangeId: id,
});

const write = async (node: TestNode, text: string, headers: Record<string, string> = {}) => {
  const answer = await node.localProviders.dispatch(
    'notes',
    'notes-v1',
    {
      method: 'POST',
      path: '/notes',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ text }),
    },
    caller(),
  );
  return { status: answer?.status, id: JSON.parse(answer?.body.toString() ?? '{}').id as string };
};

const heard = (node: TestNode) =>
  (node.database('listener') as Kysely<ListenerTables>)
    .selectFrom('heard')
    .select(['id', 'correlation_id', 'traceparent'])
    .execute();

const waiting = async (node: TestNode, block: string): Promise<number> =>
  (await sql`select 1 from platform.outbox`.execute(node.database(block))).rows.length;

const eventOf = (parts: Partial<CloudEvent>): CloudEvent => ({
  specversion: '1.0',
  id: newId(),
  source: 'TEST/GOV/BLOCKS/notes',
  type: 'notes.written.v1',
  time: new Date().toISOString(),
  datacontenttype: 'application/json',
  correlationid: 'c-1',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  data: { id: 'n1' },
  ...parts,
});

describe('an announced fact', () => {
  it('leaves with the change it tells of, or not at all', async () => {
    const node = await started({ blocks: [{ block: notesBlock }] });
    const api = node.client(notes);
    await expect(api.writeNote({ body: { text: 'crash' } })).rejects.toMatchObject({ status: 500 });
    const written = await api.writeNote({ body: { text: 'stays' } });
    await expect.poll(() => node.published.length, soon).toBe(1);
    expect(node.published[0]).toMatchObject({
      specversion: '1.0',
      source: 'TEST/GOV/BLOCKS/notes',
      type: 'notes.written.v1',
      subject: written.body.id,
      data: { id: written.body.id },
    });
    await expect.poll(() => waiting(node, 'notes'), soon).toBe(0);
    expect(node.published).toHaveLength(1);
  });

  it('[CFR-ARC-11] waits while the mediator is out of order and arrives afterwards', async () => {
    let down = true;
    let refused = 0;
    const node = await startPair(undefined, (direct) => ({
      ...direct,
      publish: (from, event) => {
        if (!down) return direct.publish(from, event);
        refused += 1;
        return Promise.reject(new Error('out of order'));
      },
    }));
    const written = await Promise.all([write(node, 'one'), write(node, 'two')]);
    expect(written.map(({ status }) => status)).toEqual([201, 201]);
    await expect.poll(() => refused, soon).toBeGreaterThan(0);
    expect(await waiting(node, 'notes')).toBe(2);
    down = false;
    const ids = async () => (await heard(node)).map(({ id }) => id).sort();
    await expect.poll(ids, { timeout: 5_000 }).toEqual(written.map(({ id }) => id).sort());
  });

  it('handed over by a relay that dies before it can forget it is handed over again and seen once', async () => {
    let broken = true;
    let handedOver = 0;
    const node = await startPair(undefined, (direct) => ({
      ...direct,
      async publish(from, event) {
        await direct.publish(from, event);
        if (event.type !== 'notes.written.v1') return;
        handedOver += 1;
        if (broken) throw new Error('died after the hand-over');
      },
    }));
    const { id } = await write(node, 'twice on the way');
    await expect.poll(() => handedOver, soon).toBeGreaterThan(0);
    expect(await waiting(node, 'notes')).toBe(1);
    broken = false;
    await expect.poll(() => waiting(node, 'notes'), { timeout: 5_000 }).toBe(0);
    expect(handedOver).toBeGreaterThan(1);
    expect((await heard(node)).map((one) => one.id)).toEqual([id]);
  });

  it('[CFR-ARC-13] carries correlation id and trace to the job, to whoever hears it, and to what follows from that', async () => {
    const events: CloudEvent[] = [];
    const node = await startPair(undefined, (direct) => ({
      ...direct,
      async publish(from, event) {
        events.push(event);
        if (event.type === 'notes.written.v1') await direct.publish(from, event);
      },
    }));
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const { id } = await write(node, 'followed', {
      'x-correlation-id': 'case-4711',
      traceparent: `00-${trace}-b7ad6b7169203331-01`,
    });
    await expect
      .poll(() => events.map(({ type }) => type).sort())
      .toEqual([noteHeard.type, 'notes.written.v1']);
    for (const event of events) {
      expect(event.correlationid, event.type).toBe('case-4711');
      expect(event.traceparent, event.type).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
    }
    expect(await heard(node)).toEqual([
      { id, correlation_id: 'case-4711', traceparent: expect.stringContaining(trace) },
    ]);
    await expect
      .poll(() => seen.contexts.find((one) => one.id === id))
      .toMatchObject({
        correlationId: 'case-4711',
        traceparent: expect.stringContaining(trace),
      });
  });

  it('keeps the order in which one writer announced', async () => {
    const node = await started({ blocks: [{ block: notesBlock }] });
    const ids: string[] = [];
    for (let n = 0; n < 150; n += 1) ids.push((await write(node, `number ${n}`)).id);
    await expect.poll(() => node.published.length, { timeout: 10_000 }).toBe(150);
    expect(node.published.map(({ subject }) => subject)).toEqual(ids);
  });
});

describe('delivery of an event', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await startTestNode({ blocks: [{ block: listenerBlock }] });
  });
  beforeEach(async () => {
    await sql`truncate heard, platform.inbox, platform.outbox`.execute(node.database('listener'));
  });
  afterAll(() => node.stop());

  it('is acknowledged each time and takes effect once, also when it comes several times at once', async () => {
    const event = eventOf({});
    const from = 'TEST/GOV/BLOCKS/mediator';
    const statuses = await Promise.all(Array.from({ length: 8 }, () => deliver(node, from, event)));
    expect(new Set(statuses)).toEqual(new Set([204]));
    expect(await deliver(node, from, event)).toBe(204);
    expect(await heard(node)).toHaveLength(1);
    // Ids are unique per source only.
    expect(await deliver(node, from, { ...event, source: 'TEST/GOV/OTHER/notes' })).toBe(204);
    expect(await heard(node)).toHaveLength(2);
  });

  it('[CFR-ARC-13] runs under the correlation id of the event, not of the delivery', async () => {
    await deliver(node, 'TEST/GOV/BLOCKS/mediator', eventOf({ correlationid: 'the-case' }), {
      'x-correlation-id': 'the-delivery',
    });
    expect((await heard(node))[0]).toMatchObject({
      correlation_id: 'the-case',
      traceparent: expect.stringContaining('0af7651916cd43dd8448eb211c80319c'),
    });
  });

  it('that the listener fails at is not taken as heard, and leaves nothing behind', async () => {
    const event = eventOf({ data: { id: 'unbearable' } });
    expect(await deliver(node, 'TEST/GOV/BLOCKS/mediator', event)).toBe(500);
    expect(await heard(node)).toEqual([]);
    expect(await waiting(node, 'listener')).toBe(0);
    expect(await deliver(node, 'TEST/GOV/BLOCKS/mediator', { ...event, data: { id: 'fine' } })).toBe(204);
    expect(await heard(node)).toHaveLength(1);
  });

  it('[CFR-DAT-5] of an unknown type, with other data than published, or that is no CloudEvent is refused', async () => {
    const from = 'TEST/GOV/BLOCKS/mediator';
    expect(await deliver(node, from, eventOf({ type: 'notes.burnt.v1' }))).toBe(404);
    expect(await deliver(node, from, eventOf({ type: 'notes.written.v2' }))).toBe(404);
    expect(await deliver(node, from, eventOf({ data: { id: 5 } }))).toBe(400);
    expect(await deliver(node, from, eventOf({ data: null }))).toBe(400);
    expect(await deliver(node, from, { data: { id: 'n1' } })).toBe(400);
    expect(await deliver(node, from, eventOf({ time: 'yesterday' }))).toBe(400);
    expect(await heard(node)).toEqual([]);
  });
});

describe('a node killed at any moment', () => {
  it('between writing, announcing, handing over and hearing loses no fact and shows none twice', async () => {
    const databasePrefix = `${newDatabaseName()}_`;
    const program = fileURLToPath(new URL('fixtures/crash/writer.ts', import.meta.url));
    const acknowledged: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const child = spawn(process.execPath, [program, testAdminUrl(), databasePrefix, secret], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      const lines = createInterface({ input: child.stdout });
      const drained = once(lines, 'close');
      const first = once(lines, 'line');
      const wrote = new Promise<void>((resolve) => {
        lines.on('line', (line) => {
          if (line === 'ready') return;
          acknowledged.push(line);
          resolve();
        });
      });
      // The last one writes before it is killed, however slow the machine.
      await Promise.race([round === 2 ? wrote : first, exited]);
      // The moment of the kill is the point of the test, not a wait for something.
      await delay(Math.random() * 400);
      child.kill('SIGKILL');
      await Promise.all([exited, drained]);
    }
    expect(acknowledged.length).toBeGreaterThan(0);

    const node = await startPair(databasePrefix);
    await expect.poll(() => waiting(node, 'notes'), { timeout: 15_000 }).toBe(0);
    const written = await sql<{ id: string }>`select id from note`.execute(node.database('notes'));
    const ids = written.rows.map(({ id }) => id);
    expect(new Set(ids)).toEqual(new Set([...ids, ...acknowledged]));
    expect((await heard(node)).map(({ id }) => id).sort()).toEqual(ids.sort());
  });
});
