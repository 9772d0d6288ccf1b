import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mediatorLog } from '../src/api/operations.ts';
import { informationMediator } from '../src/block.ts';
import { own } from './fixtures/instance.ts';

let node: TestNode;
let url: string;
const service = `${own}/${mediatorLog.name}`;

beforeAll(async () => {
  node = await startTestNode({
    blocks: [{ block: informationMediator, application: own }],
    node: { processMetrics: true },
  });
  url = await node.listen({ port: 0, all: 'information-mediator' });
});
afterAll(() => node.stop());

const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
const sample = (text: string, start: string): number =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(start))
      ?.split(' ')
      .at(-1),
  );

it('[IM-5.2-a] volume, time, backlog and resources are measured, by registered service only', async () => {
  const log = node.client(mediatorLog, { as: own, service });
  for (let calls = 0; calls < 3; calls += 1) await log.listTraffic({ query: {} });
  await node.mediator.exchange({
    client: own,
    service: `${own}/made-up-by-a-stranger`,
    method: 'GET',
    path: '/',
    headers: {},
  });
  const text = await metrics();
  const labels = `{service="${service}",status="200"}`;
  expect(sample(text, `govstack_exchange_duration_seconds_count${labels}`)).toBe(3);
  expect(sample(text, `govstack_exchange_duration_seconds_sum${labels}`)).toBeGreaterThan(0);
  expect(text).toContain('govstack_exchange_duration_seconds_count{service="unknown",status="404"} 1');
  expect(text).not.toContain('made-up-by-a-stranger');
  expect(sample(text, 'govstack_message_log_batch_records_count')).toBeGreaterThan(0);
  expect(sample(text, 'govstack_message_log_waiting_records')).toBe(0);
  expect(sample(text, 'govstack_event_deliveries{state="dead"}')).toBe(0);
  expect(sample(text, 'process_resident_memory_bytes')).toBeGreaterThan(0);
});
