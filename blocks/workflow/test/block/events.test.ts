import type { TestNode } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chain, el, extensions, flow, input, output, timerOf } from '../execution/bpmn.ts';
import { adminOf, apiOf, definition, ended, owner, startWorkflow } from './node.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startWorkflow();
});
afterAll(() => node.stop());

const deploy = async (key: string, content: string, roots = '', as = owner): Promise<void> => {
  await apiOf(node, as).addProcess({ body: definition(content, { key, roots }) });
};

const start = async (
  processId: string,
  variables: Record<string, unknown> = {},
  as = owner,
): Promise<string> => (await apiOf(node, as).start({ params: { processId }, body: { variables } })).body.id;

const read = async (instanceId: string) => (await apiOf(node).getInstance({ params: { instanceId } })).body;

describe('links', () => {
  it('go on where they are caught', async () => {
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

describe('signals', () => {
  const roots = '<signal id="sig" name="flood"/>';
  const signal = '<signalEventDefinition signalRef="sig"/>';
  const waits = `<startEvent id="s"/>
    ${el('intermediateCatchEvent', 'c', {}, `${extensions(output('= signal.level', 'level'))}${signal}`)}
    <endEvent id="e"/>${chain('s', 'c', 'e')}`;
  const throws = `<startEvent id="s"/>
    ${el('endEvent', 'e', {}, `${extensions(input('level', '= level'))}${signal}`)}${flow('s', 'e')}`;
  const counts = `<startEvent id="s"/>${el('userTask', 't')}
    ${el('boundaryEvent', 'b', { attachedToRef: 't', cancelActivity: 'false' }, signal)}
    <endEvent id="e"/><endEvent id="warned"/>${chain('s', 't', 'e')}${flow('b', 'warned')}`;

  it('[WF-6.1-c] reach every waiting instance of the same application, each wait once, and no other application', async () => {
    const other = 'TEST/GOV/MOH/vaccination';
    await deploy('waits', waits, roots);
    await deploy('throws', throws, roots);
    await deploy('counts', counts, roots);
    await deploy('waits', waits, roots, other);
    // More than one transaction delivers.
    const waiting = await Promise.all(Array.from({ length: 60 }, () => start('waits')));
    const counting = await start('counts');
    const foreign = await start('waits', {}, other);
    await Promise.all([start('throws', { level: 3 }), start('throws', { level: 3 })]);
    for (const id of waiting) {
      expect(await ended(node, id)).toMatchObject({ state: 'completed', variables: { level: 3 } });
    }
    const passes = async (): Promise<number> =>
      ((await read(counting)).log ?? []).filter((line) => line.elementId === 'warned').length;
    await expect.poll(passes).toBe(2);
    const late = await start('waits');
    const onTheWay = () => sql`select id from signal_delivery`.execute(node.database('workflow'));
    await expect.poll(async () => (await onTheWay()).rows).toEqual([]);
    expect(await passes()).toBe(2);
    expect((await read(late)).state).toBe('running');
    const params = { instanceId: foreign };
    expect((await apiOf(node, other).getInstance({ params })).body.state).toBe('running');
  });

  it('no longer reach an instance that was stopped', async () => {
    await deploy('counts', counts, roots);
    const id = await start('counts');
    await apiOf(node).stop({ params: { instanceId: id } });
    const left = await sql`select id from signal_subscription where instance_id = ${id}`.execute(
      node.database('workflow'),
    );
    expect(left.rows).toEqual([]);
  });
});

it('[WF-6.1-c] an escalation is told beside the work that goes on, and stands in the history', async () => {
  const escalation = '<escalationEventDefinition escalationRef="esc"/>';
  await deploy(
    'escalates',
    `<startEvent id="s"/><subProcess id="sub"><startEvent id="s2"/>
     ${el('intermediateThrowEvent', 'throw', {}, escalation)}${el('userTask', 'decide')}<endEvent id="e2"/>
     ${chain('s2', 'throw', 'decide', 'e2')}</subProcess>
     ${el('boundaryEvent', 'b', { attachedToRef: 'sub', cancelActivity: 'false' }, escalation)}
     ${el('userTask', 'inform')}<endEvent id="e"/>${chain('s', 'sub', 'e')}${chain('b', 'inform', 'e')}`,
    '<escalation id="esc" escalationCode="late"/>',
  );
  const id = await start('escalates');
  const { tasks } = (await apiOf(node).listUserTasks({ query: { instanceId: id } })).body;
  expect(tasks.map((task) => task.elementId).sort()).toEqual(['decide', 'inform']);
  const { events } = (await adminOf(node).getInstanceHistory({ params: { instanceId: id } })).body;
  expect(events.flatMap((event) => event.entries)).toContainEqual(
    expect.objectContaining({ event: 'escalated', elementId: 'throw', detail: 'late' }),
  );
});

it('[WF-6.1-c] a conditional event happens in the transaction that makes it true', async () => {
  const condition =
    '<conditionalEventDefinition><condition>= approved</condition></conditionalEventDefinition>';
  await deploy(
    'conditional',
    `<startEvent id="s"/><parallelGateway id="f"/>${el('intermediateCatchEvent', 'c', {}, condition)}
     <endEvent id="e"/>${el('userTask', 'approve', {}, extensions(output('= ok', 'approved')))}
     <endEvent id="e2"/>${chain('s', 'f', 'c', 'e')}${chain('f', 'approve', 'e2')}`,
  );
  const id = await start('conditional');
  const [task] = (await apiOf(node).listUserTasks({ query: { instanceId: id } })).body.tasks;
  const params = { taskId: task?.id ?? '' };
  await apiOf(node).completeUserTask({ params, body: { variables: { ok: true } } });
  expect((await read(id)).state).toBe('completed');
});

describe('event sub-processes', () => {
  const patient = (
    handler: string,
  ): string => `<startEvent id="s"/>${el('userTask', 'work')}<endEvent id="e"/>
    ${chain('s', 'work', 'e')}<subProcess id="x" triggeredByEvent="true">${handler}<endEvent id="xe"/>
    ${flow('xs', 'xe')}</subProcess>`;
  const openTasks = async (instanceId: string): Promise<number> =>
    (await apiOf(node).listUserTasks({ query: { instanceId } })).body.tasks.length;

  it('[WF-6.1-c] interrupt their process with the message that begins them, and with a timer', async () => {
    const message =
      '<messageEventDefinition messageRef="m" govstack:correlationKey="= process.businessKey"/>';
    await deploy(
      'appealed',
      patient(`<startEvent id="xs">${extensions(output('= message.why', 'why'))}${message}</startEvent>`),
      '<message id="m" name="withdrawn"/>',
    );
    const { body } = await apiOf(node).start({
      params: { processId: 'appealed' },
      body: { businessKey: 'case-1' },
    });
    expect(await openTasks(body.id)).toBe(1);
    const { status } = await apiOf(node).publishMessage({
      body: { messageId: 'w1', name: 'withdrawn', correlationKey: 'case-1', payload: { why: 'moved' } },
    });
    expect(status).toBe(200);
    expect(await read(body.id)).toMatchObject({ state: 'completed', variables: { why: 'moved' } });
    expect(await openTasks(body.id)).toBe(0);
    await deploy('overdue', patient(`<startEvent id="xs">${timerOf('PT0.05S')}</startEvent>`));
    expect(await ended(node, await start('overdue'))).toMatchObject({ state: 'completed' });
  });

  it('take every buffered message when they do not interrupt', async () => {
    const message =
      '<messageEventDefinition messageRef="m" govstack:correlationKey="= process.businessKey"/>';
    await deploy(
      'noted',
      patient(`<startEvent id="xs" isInterrupting="false">${message}</startEvent>`),
      '<message id="m" name="note"/>',
    );
    const send = (messageId: string) =>
      apiOf(node).publishMessage({
        body: { messageId, name: 'note', correlationKey: 'case-2', payload: null },
      });
    await send('n1');
    await send('n2');
    const { body } = await apiOf(node).start({
      params: { processId: 'noted' },
      body: { businessKey: 'case-2' },
    });
    await send('n3');
    const instance = await read(body.id);
    expect(instance.log?.filter((line) => line.elementId === 'xe')).toHaveLength(3);
    expect(await openTasks(body.id)).toBe(1);
  });
});

it('[WF-6.1-c] a loop marker repeats a task for a person until the condition is met', async () => {
  await deploy(
    'looped',
    `<startEvent id="s"/>${el(
      'userTask',
      'correct',
      {},
      `${extensions(output('= ok', 'ok'))}<standardLoopCharacteristics><loopCondition>not(ok)</loopCondition>
       </standardLoopCharacteristics>`,
    )}<endEvent id="e"/>${chain('s', 'correct', 'e')}`,
  );
  const id = await start('looped');
  for (const ok of [false, false, true]) {
    const { tasks } = (await apiOf(node).listUserTasks({ query: { instanceId: id } })).body;
    expect(tasks).toHaveLength(1);
    const params = { taskId: tasks[0]?.id ?? '' };
    await apiOf(node).completeUserTask({ params, body: { variables: { ok } } });
  }
  expect(await read(id)).toMatchObject({ state: 'completed', variables: { ok: true } });
});

it('[WF-6.1-c] compensation undoes over several transactions what was done, last first', async () => {
  const undo = (activity: string): string => `<boundaryEvent id="c-${activity}" attachedToRef="${activity}">
    <compensateEventDefinition/></boundaryEvent>${el('userTask', `undo-${activity}`, { isForCompensation: 'true' })}
    <association id="as-${activity}" sourceRef="c-${activity}" targetRef="undo-${activity}"/>`;
  await deploy(
    'undone',
    `<startEvent id="s"/>${el('userTask', 'a')}${undo('a')}${el('userTask', 'b')}${undo('b')}
     <endEvent id="e"><compensateEventDefinition/></endEvent>${chain('s', 'a', 'b', 'e')}`,
  );
  const id = await start('undone');
  for (const elementId of ['a', 'b', 'undo-b', 'undo-a']) {
    const { tasks } = (await apiOf(node).listUserTasks({ query: { instanceId: id } })).body;
    expect(tasks.map((task) => task.elementId)).toEqual([elementId]);
    await apiOf(node).completeUserTask({ params: { taskId: tasks[0]?.id ?? '' }, body: {} });
  }
  expect((await read(id)).state).toBe('completed');
});
