import type { TestNode } from '@govstack/platform/testing';
import { startTestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { workflow } from '../../src/block.ts';

let node: TestNode;
let url: string;
beforeAll(async () => {
  node = await startTestNode({ blocks: [{ block: workflow }], node: { profile: 'compliance' } });
  url = await node.listen({ port: 0, all: 'workflow' });
});
afterAll(() => node.stop());

const definitionFields = [
  'name',
  'type',
  'version',
  'isExecutable',
  'isClosed',
  'description',
  'processBody',
];
const instanceFields = ['id', 'processRef', 'initTime', 'state', 'lastChangeTime'];
const startFields = ['id', 'processRef', 'suspended', 'ended', 'state'];

type Found = Record<string, unknown> & { readonly id: string };

const get = async (path: string) => {
  const response = await fetch(`${url}${path}`);
  return { status: response.status, body: (await response.json()) as unknown };
};
const listed = async (path: string): Promise<Found> => {
  const { status, body } = await get(path);
  expect(status).toBe(200);
  return (body as Found[])[0] as Found;
};
const post = async (path: string) => {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Test' }),
  });
  return { status: response.status, body: (await response.json()) as Found };
};

it('[WF-8.1-a] [WF-8.1-b] answers what the suite asks of processes', async () => {
  const process = await listed('/processes');
  for (const field of definitionFields) expect(process).toHaveProperty(field);
  const one = await get(`/processes/${process.id}`);
  expect(one.status).toBe(200);
  for (const field of definitionFields) expect(one.body).toHaveProperty(field);
});

it('[WF-8.2-a] [WF-8.2-b] answers what the suite asks of instances', async () => {
  const instance = await listed('/instances');
  for (const field of instanceFields) expect(instance).toHaveProperty(field);
  const one = await get(`/instances/${instance.id}`);
  expect(one.status).toBe(200);
  for (const field of instanceFields) expect(one.body).toHaveProperty(field);
});

it('[WF-8.1-c] [WF-8.2-c] starts with 200 and stops by process with 201', async () => {
  const { id } = await listed('/processes');
  const started = await post(`/processes/${id}/start`);
  expect(started.status).toBe(200);
  for (const field of startFields) expect(started.body).toHaveProperty(field);
  const stopped = await post(`/processes/${id}/stop`);
  expect(stopped.status).toBe(201);
  expect(stopped.body).toEqual({ ...started.body, ended: true, state: 'stopped' });
});

it('is not there in the standard profile', async () => {
  const standard = await startTestNode({ blocks: [{ block: workflow }] });
  const base = await standard.listen({ port: 0, all: 'workflow' });
  expect((await fetch(`${base}/processes`)).status).toBe(404);
  await standard.stop();
});
