import type { TestNode } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { chain, el, extensions, flow, input, service, timerOf } from '../execution/bpmn.ts';
import { apiOf, bodyOf, civilRegistry, definition, ended, json, startWorkflow } from './node.ts';

const registry = civilRegistry((request) => json(200, { n: bodyOf(request).n }));
let first: TestNode;
let second: TestNode;
beforeAll(async () => {
  first = await startWorkflow(registry.providers, { config: { concurrency: 4, pollMs: 10 } });
  second = await startWorkflow(registry.providers, {
    databasePrefix: first.databasePrefix,
    config: { concurrency: 4, pollMs: 10 },
  });
});
afterAll(async () => {
  await first.stop();
  await second.stop();
});

const ask = (id: string): string => service(id, extensions(input('body.n', '= n'), input('body.step', id)));

it('[WF-5.1.4-a] [WF-5.1.4-b] [WF-4.4-b] [WF-6.5-c] two nodes share the work of many instances and do nothing twice', async () => {
  await apiOf(first).addProcess({
    body: definition(
      `<startEvent id="s"/><parallelGateway id="f"/>${ask('a')}${ask('b')}<parallelGateway id="j"/>
       <intermediateCatchEvent id="t">${timerOf('PT0.02S')}</intermediateCatchEvent>${ask('c')}${el('endEvent', 'e')}
       ${chain('s', 'f', 'a', 'j', 't', 'c', 'e')}${flow('f', 'b')}${flow('b', 'j')}`,
      { key: 'shared' },
    ),
  });
  const nodes = [first, second];
  const ids = await Promise.all(
    Array.from({ length: 60 }, async (_, n) => {
      const node = nodes[n % 2] as TestNode;
      const { body } = await apiOf(node).start({
        params: { processId: 'shared' },
        body: { variables: { n } },
      });
      return body.id;
    }),
  );
  const instances = await Promise.all(ids.map((id) => ended(second, id)));
  expect(instances.map((one) => one.variables?.n)).toEqual(ids.map((_, n) => n));
  expect(new Set(instances.map((one) => one.state))).toEqual(new Set(['completed']));
  const asked = registry.requests.map((request) => `${bodyOf(request).n} ${bodyOf(request).step}`).sort();
  expect(asked).toEqual(ids.flatMap((_, n) => ['a', 'b', 'c'].map((step) => `${n} ${step}`)).sort());
  const workers = nodes.map((node) => node.exchanges.filter((one) => one.path === '/read').length);
  expect(Math.min(...workers)).toBeGreaterThan(0);
});

it('[WF-5.1.4-b] two nodes deliver each signal once to each instance that waits', async () => {
  const roots = '<signal id="sig" name="flood"/>';
  const signal = '<signalEventDefinition signalRef="sig"/>';
  const counts = `<startEvent id="s"/>${el('userTask', 't')}
    ${el('boundaryEvent', 'b', { attachedToRef: 't', cancelActivity: 'false' }, signal)}<endEvent id="e"/>
    <endEvent id="told"/>${chain('s', 't', 'e')}${flow('b', 'told')}`;
  const throws = `<startEvent id="s"/>${el('endEvent', 'e', {}, signal)}${flow('s', 'e')}`;
  await apiOf(first).addProcess({ body: definition(counts, { key: 'counts', roots }) });
  await apiOf(first).addProcess({ body: definition(throws, { key: 'throws', roots }) });
  const start = async (processId: string, node: TestNode): Promise<string> =>
    (await apiOf(node).start({ params: { processId }, body: {} })).body.id;
  const ids = await Promise.all(Array.from({ length: 20 }, () => start('counts', first)));
  await Promise.all(Array.from({ length: 6 }, (_, n) => start('throws', n % 2 ? first : second)));
  const onTheWay = () => sql`select id from signal_delivery`.execute(first.database('workflow'));
  await expect.poll(async () => (await onTheWay()).rows).toEqual([]);
  const told = await Promise.all(
    ids.map(async (instanceId) => {
      const { body } = await apiOf(second).getInstance({ params: { instanceId } });
      return body.log?.filter((line) => line.elementId === 'told').length;
    }),
  );
  expect(told).toEqual(ids.map(() => 6));
});

it('gives the calls of a node that stops back to the others', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let served = 0;
  const slow = civilRegistry(async () => {
    served += 1;
    if (served === 1) await held;
    return json(200, {});
  });
  const leaving = await startWorkflow(slow.providers, { config: { concurrency: 1 } });
  await apiOf(leaving).addProcess({
    body: definition(`<startEvent id="s"/>${ask('a')}<endEvent id="e"/>${chain('s', 'a', 'e')}`, {
      key: 'left',
    }),
  });
  const ids = await Promise.all(
    [1, 2, 3].map(async (n) => {
      const start = { params: { processId: 'left' }, body: { variables: { n } } };
      return (await apiOf(leaving).start(start)).body.id;
    }),
  );
  const staying = await startWorkflow(slow.providers, { databasePrefix: leaving.databasePrefix });
  const left = leaving.stop();
  release();
  await left;
  for (const id of ids) expect((await ended(staying, id)).state).toBe('completed');
  expect(slow.requests).toHaveLength(3);
  await staying.stop();
});

it('[WF-5.1.4-b] a call that waited in its worker until its lease was over is left to who took it up', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const asked: unknown[] = [];
  const slow = civilRegistry(async (request) => {
    const { n } = bodyOf(request);
    asked.push(n);
    if (asked.length === 1) await held;
    return json(200, {});
  });
  const crowded = await startWorkflow(slow.providers, { config: { concurrency: 1 } });
  await apiOf(crowded).addProcess({
    body: definition(`<startEvent id="s"/>${ask('a')}<endEvent id="e"/>${chain('s', 'a', 'e')}`, {
      key: 'waiting',
    }),
  });
  const start = async (n: number): Promise<string> =>
    (await apiOf(crowded).start({ params: { processId: 'waiting' }, body: { variables: { n } } })).body.id;
  const ids = [await start(1)];
  await expect.poll(() => asked).toEqual([1]);
  ids.push(await start(2));
  const leased = sql<{ n: string }>`select count(*) as n from job where locked_by is not null`;
  await expect
    .poll(async () => (await leased.execute(crowded.database('workflow'))).rows)
    .toEqual([{ n: '2' }]);
  const idle = await startWorkflow(slow.providers, { databasePrefix: crowded.databasePrefix });
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 700_000 });
  try {
    for (const id of ids) expect((await ended(idle, id)).state).toBe('completed');
    release();
    // What comes later comes after it.
    expect((await ended(crowded, await start(3))).state).toBe('completed');
  } finally {
    vi.useRealTimers();
  }
  expect(asked.sort()).toEqual([1, 1, 2, 3]);
  await crowded.stop();
  await idle.stop();
});
