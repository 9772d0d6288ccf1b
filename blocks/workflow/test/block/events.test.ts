import type { TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flow } from '../execution/bpmn.ts';
import { apiOf, definition, startWorkflow } from './node.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startWorkflow();
});
afterAll(() => node.stop());

const deploy = async (key: string, content: string, roots = ''): Promise<void> => {
  await apiOf(node).addProcess({ body: definition(content, { key, roots }) });
};

const start = async (processId: string, variables: Record<string, unknown> = {}): Promise<string> =>
  (await apiOf(node).start({ params: { processId }, body: { variables } })).body.id;

const read = async (instanceId: string) => (await apiOf(node).getInstance({ params: { instanceId } })).body;

describe('links', () => {
  it('[WF-6.1-b] go on where they are caught', async () => {
    await deploy(
      'linked',
      `<startEvent id="s"/><intermediateThrowEvent id="a"><linkEventDefinition name="on"/></intermediateThrowEvent>
       <intermediateCatchEvent id="b"><linkEventDefinition name="on"/></intermediateCatchEvent><endEvent id="e"/>
       ${flow('s', 'a')}${flow('b', 'e')}`,
    );
    const instance = await read(await start('linked'));
    expect(instance.state).toBe('completed');
    expect(instance.log?.map((line) => line.elementId)).toEqual(['s', 'a', 'b', 'e']);
  });
});
