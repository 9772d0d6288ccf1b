import { CallFailed, eventsSurface, newId } from '@govstack/platform';
import type { TestNode } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { chain, el, extensions, flow, input, output, script, service } from '../execution/bpmn.ts';
import { adminOf, apiOf, civilRegistry, definition, json, startWorkflow } from './node.ts';

// The clock of both nodes; it only goes forward.
const clock = (instant: string): void => void vi.setSystemTime(instant);

let answer = (): void => undefined;
const registry = civilRegistry(async () => {
  await new Promise<void>((resolve) => {
    answer = resolve;
  });
  return json(200, { found: true });
});
let first: TestNode;
let second: TestNode;
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2027-01-01T09:00:00Z') });
  first = await startWorkflow(registry.providers);
  second = await startWorkflow(registry.providers, { databasePrefix: first.databasePrefix });
});
afterAll(async () => {
  vi.useRealTimers();
  await first.stop();
  await second.stop();
});

const cycle = (text: string, attributes = ''): string =>
  `<timerEventDefinition ${attributes}><timeCycle>${text}</timeCycle></timerEventDefinition>`;
const date = (text: string): string =>
  `<timerEventDefinition><timeDate>${text}</timeDate></timerEventDefinition>`;
const after = (text: string): string =>
  `<timerEventDefinition><timeDuration>${text}</timeDuration></timerEventDefinition>`;

const startedBy = (timer: string, task = 'a'): string =>
  `<startEvent id="s">${extensions(output('=occurrence', 'occurrence'))}${timer}</startEvent>
   <task id="${task}"/><endEvent id="e"/>${chain('s', task, 'e')}`;

const deploy = async (key: string, content: string, roots = ''): Promise<string> =>
  (await apiOf(first).addProcess({ body: definition(content, { key, roots }) })).body.id;

const instances = async (key: string) =>
  (await apiOf(second).getInstances({ query: { processId: key, limit: 500 } })).body;
const count = async (key: string): Promise<number> => (await instances(key)).length;

/** Occurrences that started an instance, oldest first. */
const occurrences = async (key: string): Promise<unknown[]> => {
  const found = await instances(key);
  const read = found.map(async ({ id }) => {
    const { body } = await apiOf(first).getInstance({ params: { instanceId: id } });
    return body.variables?.occurrence;
  });
  return (await Promise.all(read)).sort();
};

/** When a process starts next by itself: null, never; undefined, it has no schedule. */
const next = async (key: string): Promise<string | null | undefined> => {
  const { schedules } = (await adminOf(first).listSchedules({})).body;
  const found = schedules.find((one) => one.processKey === key);
  return found?.next ? new Date(found.next).toISOString() : found?.next;
};

const refused = async (call: Promise<unknown>): Promise<CallFailed> => {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};

describe('by the clock', () => {
  it('[WF-4.2-c] [WF-6.2-g] [WF-6.2-h] starts one instance at each occurrence, however many nodes there are', async () => {
    const keys = Array.from({ length: 6 }, (_, n) => `hourly${n}`);
    for (const key of keys) await deploy(key, startedBy(cycle('R3/2027-01-01T10:00:00Z/PT1H')));
    expect(await next('hourly0')).toBe('2027-01-01T10:00:00.000Z');
    for (const [hour, runs] of [
      ['10', 1],
      ['11', 2],
      ['12', 3],
    ] as const) {
      clock(`2027-01-01T${hour}:00:01Z`);
      for (const key of keys) await expect.poll(() => count(key)).toBe(runs);
    }
    expect(await next('hourly5')).toBeNull();
    expect(await occurrences('hourly5')).toEqual([
      '2027-01-01T10:00:00Z',
      '2027-01-01T11:00:00Z',
      '2027-01-01T12:00:00Z',
    ]);
    clock('2027-01-02T00:00:00Z');
    await deploy('sentinel', startedBy(after('PT1S')));
    clock('2027-01-02T00:00:02Z');
    await expect.poll(() => count('sentinel')).toBe(1);
    for (const key of keys) expect(await count(key)).toBe(3);
  });

  it('starts once at a date or some time after the deployment; what had passed by then starts nothing', async () => {
    clock('2027-01-02T00:10:00Z');
    await deploy('dated', startedBy(date('2027-01-02T10:00:00+01:00')));
    await deploy('past', startedBy(date('2026-01-01T00:00:00Z')));
    await deploy('later', startedBy(after('PT2H')));
    expect(await next('dated')).toBe('2027-01-02T09:00:00.000Z');
    expect(await next('later')).toBe('2027-01-02T02:10:00.000Z');
    expect(await next('past')).toBeNull();
    clock('2027-01-02T09:00:00Z');
    for (const key of ['dated', 'later']) await expect.poll(() => count(key)).toBe(1);
    clock('2027-01-02T09:10:00Z');
    await deploy('later', startedBy(after('PT2H'), 'changed'));
    expect(await next('later')).toBe('2027-01-02T11:10:00.000Z');
    expect(await next('dated')).toBeNull();
    expect(await count('past')).toBe(0);
  });

  it('goes on with the schedule in a newer revision, and not in a disabled or deleted process', async () => {
    clock('2027-01-03T08:00:00Z');
    await deploy('ruled', startedBy(cycle('R/PT1H')));
    clock('2027-01-03T08:30:00Z');
    const newer = await deploy('ruled', startedBy(cycle('R/PT1H'), 'changed'));
    expect(await next('ruled')).toBe('2027-01-03T09:00:00.000Z');
    clock('2027-01-03T09:00:00Z');
    await expect.poll(() => count('ruled')).toBe(1);
    expect((await instances('ruled'))[0]?.processRef).toBe(newer);
    clock('2027-01-03T09:10:00Z');
    const last = await deploy('ruled', startedBy(cycle('R/PT2H'), 'changed'));
    expect(await next('ruled')).toBe('2027-01-03T11:10:00.000Z');
    const params = { processId: last };
    await adminOf(first).disableProcess({ params });
    expect(await next('ruled')).toBe('2027-01-03T09:30:00.000Z');
    await adminOf(first).disableProcess({ params: { processId: newer } });
    await adminOf(first).enableProcess({ params });
    await apiOf(first).deleteProcess({ params });
    expect((await apiOf(first).getProcess({ params: { processId: 'ruled' } })).body.revision).toBe(1);
    await apiOf(first).deleteProcess({ params: { processId: 'ruled' } });
    expect(await next('ruled')).toBeUndefined();
    clock('2027-01-03T20:00:00Z');
    await deploy('sentinel', startedBy(after('PT1S'), 'third'));
    clock('2027-01-03T20:00:02Z');
    await expect.poll(() => count('sentinel')).toBe(2);
    expect(await count('ruled')).toBe(1);
  });

  it('makes up for what an outage missed as the timer says: not, once, or all up to a bound', async () => {
    clock('2027-02-01T07:00:00Z');
    const daily = 'R/2027-02-01T08:00:00Z/P1D';
    await deploy('skips', startedBy(cycle(daily, 'govstack:missed="skip"')));
    await deploy('onces', startedBy(cycle(daily)));
    await deploy('alls', startedBy(cycle(daily, 'govstack:missed="all"')));
    await deploy('bounded', startedBy(cycle('R/2027-02-01T08:00:00Z/PT1M', 'govstack:missed="all"')));
    clock('2027-02-04T12:00:30Z');
    await expect.poll(() => count('alls')).toBe(4);
    await expect.poll(() => count('bounded')).toBe(101);
    await expect.poll(() => next('skips')).toBe('2027-02-05T08:00:00.000Z');
    expect(await occurrences('onces')).toEqual(['2027-02-01T08:00:00Z']);
    expect(await count('skips')).toBe(0);
    clock('2027-02-05T08:00:00Z');
    await expect.poll(() => occurrences('skips')).toEqual(['2027-02-05T08:00:00Z']);
    for (const processId of ['bounded', 'alls']) await apiOf(first).deleteProcess({ params: { processId } });
  });

  it('[WF-6.2-g] [WF-6.2-h] a start by the clock is defined without drawing it, changed and removed', async () => {
    clock('2027-02-05T09:00:00Z');
    const asked = `<startEvent id="s">${extensions('<govstack:variable name="n" type="number" required="true"/>')}
      </startEvent><task id="a"/><endEvent id="e"/>${chain('s', 'a', 'e')}`;
    await deploy('nightly', asked);
    const request = { process: 'nightly', when: 'cycle' as const, at: '0 22 * * *', timeZone: 'Europe/Rome' };
    const define = (more: object) =>
      adminOf(first).defineSchedule({ body: { ...request, ...more } as typeof request });
    expect((await refused(define({}))).status).toBe(400);
    expect((await refused(define({ at: '99 22 * * *', variables: { n: 1 } }))).status).toBe(400);
    expect((await refused(define({ timeZone: undefined, variables: { n: 1 } }))).status).toBe(400);
    expect((await refused(define({ process: 'nowhere' }))).status).toBe(404);
    await define({ variables: { n: 1 } });
    const { body } = await define({ variables: { n: 2 } });
    expect(new Date(body.next ?? '').toISOString()).toBe('2027-02-05T21:00:00.000Z');
    const defined = async () => (await adminOf(second).listSchedules({})).body.defined;
    expect((await defined()).map((one) => one.id)).toEqual([body.id]);
    clock('2027-02-05T21:00:00Z');
    await expect.poll(() => count('nightly')).toBe(1);
    const [started] = await instances('nightly');
    const read = await apiOf(first).getInstance({ params: { instanceId: started?.id ?? '' } });
    expect(read.body.variables).toEqual({ n: 2 });
    await adminOf(first).disableProcess({ params: { processId: 'nightly' } });
    clock('2027-02-06T21:00:00Z');
    await expect.poll(async () => (await defined())[0]?.refusal).toBe('the process cannot be started');
    await adminOf(first).enableProcess({ params: { processId: 'nightly' } });
    const other = adminOf(first, 'TEST/GOV/OTHER/app').removeSchedule({ params: { scheduleId: body.id } });
    expect((await refused(other)).status).toBe(404);
    await adminOf(first).removeSchedule({ params: { scheduleId: body.id } });
    expect(await defined()).toEqual([]);
    clock('2027-02-07T21:00:00Z');
    await deploy('sentinel', startedBy(after('PT1S'), 'fourth'));
    clock('2027-02-07T21:00:30Z');
    await expect.poll(() => count('sentinel')).toBe(3);
    expect(await count('nightly')).toBe(1);
  });

  it.each([
    ['a working day', '0 6 * * MON-FRI', '2027-02-06T00:00:00Z', ['2027-02-08T05:00:00.000Z']],
    ['29 February', '0 0 29 feb ?', '2027-02-06T00:00:00Z', ['2028-02-28T23:00:00.000Z']],
    [
      'either day',
      '0 0 13 * 5',
      '2027-02-06T00:00:00Z',
      ['2027-02-11T23:00:00.000Z', '2027-02-12T23:00:00.000Z'],
    ],
    [
      'the missing hour',
      '30 2 * * *',
      '2027-03-28T00:00:00Z',
      ['2027-03-28T01:30:00.000Z', '2027-03-29T00:30:00.000Z'],
    ],
    [
      'every hour around the missing one',
      '15 * * * *',
      '2027-03-28T00:00:00Z',
      ['2027-03-28T00:15:00.000Z', '2027-03-28T01:15:00.000Z'],
    ],
    [
      'the double hour',
      '30 2 * * *',
      '2027-10-31T00:00:00Z',
      ['2027-10-31T00:30:00.000Z', '2027-11-01T01:30:00.000Z'],
    ],
    [
      'every hour around the double one',
      '*/30 * * * *',
      '2027-10-31T00:15:00Z',
      [
        '2027-10-31T00:30:00.000Z',
        '2027-10-31T01:00:00.000Z',
        '2027-10-31T01:30:00.000Z',
        '2027-10-31T02:00:00.000Z',
      ],
    ],
    [
      'a cycle in local time across a change of the clock',
      'R/2027-10-30T08:00[Europe/Rome]/P1D',
      '2027-10-30T00:00:00Z',
      ['2027-10-30T06:00:00.000Z', '2027-10-31T07:00:00.000Z'],
    ],
    [
      'the last day of every month',
      'R3/2027-01-31T00:00:00Z/P1M',
      '2027-02-06T00:00:00Z',
      ['2027-02-28T00:00:00.000Z', '2027-03-31T00:00:00.000Z', null],
    ],
  ])('knows when it is time: %s', async (_what, text, now, expected) => {
    clock(now);
    const key = `timed${text.length}_${expected.length}`;
    const zone = text.startsWith('R') ? '' : 'govstack:timeZone="Europe/Berlin"';
    const processId = await deploy(key, startedBy(cycle(text, zone)));
    for (const instant of expected) {
      await expect.poll(() => next(key)).toBe(instant);
      if (instant) clock(instant);
    }
    await apiOf(first).deleteProcess({ params: { processId } });
  });

  it('a cycle on a boundary comes again while its task is open, and no longer', async () => {
    clock('2028-03-01T00:00:00Z');
    const reminded = `<startEvent id="s"/><userTask id="t"/><endEvent id="e"/>${chain('s', 't', 'e')}
      <boundaryEvent id="again" attachedToRef="t" cancelActivity="false">${cycle('0 8 * * *', 'govstack:timeZone="UTC"')}
      </boundaryEvent><task id="remind"/><endEvent id="told"/>${chain('again', 'remind', 'told')}`;
    await deploy('reminded', reminded);
    const { body } = await apiOf(first).start({ params: { processId: 'reminded' }, body: {} });
    const reminders = async (): Promise<number> => {
      const { log } = (await apiOf(second).getInstance({ params: { instanceId: body.id } })).body;
      return log?.filter((line) => line.elementId === 'remind').length ?? 0;
    };
    for (const day of [1, 2]) {
      clock(`2028-03-0${day}T08:00:00Z`);
      await expect.poll(reminders).toBe(day);
    }
    const [task] = (await apiOf(first).listUserTasks({ query: { instanceId: body.id } })).body.tasks;
    await apiOf(first).completeUserTask({ params: { taskId: task?.id ?? '' }, body: {} });
    clock('2028-03-09T00:00:00Z');
    const { state } = (await apiOf(first).getInstance({ params: { instanceId: body.id } })).body;
    expect([state, await reminders()]).toEqual(['completed', 2]);
  });

  it('a process without a plain start event cannot be started by hand', async () => {
    await deploy('alone', startedBy(cycle('R/P1D')));
    const error = await refused(apiOf(first).start({ params: { processId: 'alone' }, body: {} }));
    expect(error.status).toBe(409);
    expect(await count('alone')).toBe(0);
  });
});

describe('a limit of duration', () => {
  it('[WF-6.5-b] reports an instance that exceeds it, once, and none that ends in time', async () => {
    clock('2028-03-08T00:00:00Z');
    const patient = `<startEvent id="s"/><userTask id="t"/><endEvent id="e"/>${chain('s', 't', 'e')}`;
    const limited = definition(patient, { key: 'limited' });
    const [body] = limited.processBody;
    const value = body?.value.replace('<process ', '<process govstack:maxDuration="P2D" ') ?? '';
    await apiOf(first).addProcess({ body: { ...limited, processBody: [{ code: 'bpmn20xml', value }] } });
    const begin = async () =>
      (await apiOf(first).start({ params: { processId: 'limited' }, body: {} })).body.id;
    const read = async (instanceId: string) =>
      (await apiOf(second).getInstance({ params: { instanceId } })).body;
    const [late, quick] = [await begin(), await begin()];
    await apiOf(first).stop({ params: { instanceId: quick } });
    expect((await read(late)).overdueSince).toBeNull();
    clock('2028-03-10T00:00:01Z');
    await expect.poll(async () => (await read(late)).overdueSince).not.toBeNull();
    expect((await read(late)).state).toBe('running');
    expect((await read(quick)).overdueSince).toBeNull();
    const { events } = (await adminOf(first).getInstanceHistory({ params: { instanceId: late } })).body;
    expect(events.map((one) => one.event)).toEqual(['start', 'overdue']);
    const announced = () =>
      [...first.published, ...second.published]
        .filter((one) => one.type === 'workflow.instance-overdue.v1')
        .map((one) => one.subject);
    await expect.poll(announced).toEqual([late]);
  });
});

describe('by a message', () => {
  const named = (name: string): string => `<message id="m" name="${name}"/>`;
  const begins = `<startEvent id="s">${extensions(output('=message.amount', 'amount'))}
    <messageEventDefinition messageRef="m"/></startEvent><userTask id="a"/><receiveTask id="more" messageRef="m"
    govstack:correlationKey="=process.businessKey"/><endEvent id="e"/>${chain('s', 'a', 'more', 'e')}`;
  const send = (node: TestNode, name: string, messageId: string, correlationKey = 'case-1') =>
    apiOf(node).publishMessage({ body: { messageId, name, correlationKey, payload: { amount: 7 } } });

  it('starts one instance per message id, and gives it its key and its content', async () => {
    await deploy('claimed', begins, named('claim'));
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => send(n % 2 === 0 ? first : second, 'claim', 'claim-1')),
    );
    const instanceIds = answers.map(({ status, body }) => status === 200 && body.instanceId);
    const [started] = await instances('claimed');
    expect(new Set(instanceIds)).toEqual(new Set([started?.id]));
    expect(await count('claimed')).toBe(1);
    expect(started?.businessKey).toBe('case-1');
    const { variables } = (await apiOf(first).getInstance({ params: { instanceId: started?.id ?? '' } }))
      .body;
    expect(variables).toEqual({ amount: 7 });
  });

  it('an instance that waits comes before a new one', async () => {
    const [waiting] = await instances('claimed');
    const [task] = (await apiOf(first).listUserTasks({ query: { instanceId: waiting?.id ?? '' } })).body
      .tasks;
    await apiOf(first).completeUserTask({ params: { taskId: task?.id ?? '' }, body: {} });
    expect((await send(first, 'claim', 'claim-2')).body).toMatchObject({ instanceId: waiting?.id });
    expect(await count('claimed')).toBe(1);
    expect((await send(first, 'claim', 'claim-3')).status).toBe(200);
    expect(await count('claimed')).toBe(2);
  });

  it('an event that nobody waits for starts a process, once', async () => {
    const hearing = 'TEST/GOV/BLOCKS/workflow';
    const roots = named('registry.birth-recorded.v1');
    await apiOf(first, hearing).addProcess({ body: definition(begins, { key: 'heard', roots }) });
    const source = 'TEST/GOV/CRA/civil-registry';
    const event = {
      specversion: '1.0' as const,
      id: newId(),
      source,
      type: 'registry.birth-recorded.v1',
      subject: 'p-1',
      time: new Date().toISOString(),
      datacontenttype: 'application/json' as const,
      correlationid: newId(),
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      data: { amount: 1 },
    };
    const to = { as: source, service: `${hearing}/events-v1` };
    await first.client(eventsSurface, to).receiveEvent({ body: event });
    await first.client(eventsSurface, to).receiveEvent({ body: event });
    const heard = await apiOf(first, hearing).getInstances({ query: { processId: 'heard' } });
    expect(heard.body.map((one) => one.businessKey)).toEqual(['p-1']);
  });

  it('a message that came before the process starts it; a disabled process is not started', async () => {
    clock('2028-04-09T00:00:00Z');
    expect((await send(first, 'early', 'early-1')).status).toBe(202);
    await deploy('early', begins, named('early'));
    clock('2028-04-09T00:00:10Z');
    await expect.poll(() => count('early')).toBe(1);
    await adminOf(first).disableProcess({ params: { processId: 'claimed' } });
    expect((await send(first, 'claim', 'claim-4')).status).toBe(202);
  });

  it('refuses a second process that begins with the same message', async () => {
    await deploy('single', begins, named('single'));
    const error = await refused(deploy('double', begins, named('single')));
    expect([error.status, error.problem?.detail]).toEqual([409, expect.stringContaining('single')]);
    expect((await refused(apiOf(first).getProcess({ params: { processId: 'double' } }))).status).toBe(404);
  });
});

describe('[WF-6.1-h] by a call activity', () => {
  const call = (id: string, process: string, content = '', revision?: string): string =>
    el(
      'callActivity',
      id,
      { calledElement: process, ...(revision === undefined ? {} : { 'govstack:revision': revision }) },
      content,
    );
  const line = (content: string, ...ids: string[]): string =>
    `<startEvent id="s"/>${content}<endEvent id="e"/>${chain('s', ...ids, 'e')}`;
  const start = async (key: string, variables: Record<string, unknown> = {}) =>
    (await apiOf(first).start({ params: { processId: key }, body: { variables, businessKey: 'case-9' } }))
      .body;
  const read = async (instanceId: string) =>
    (await apiOf(second).getInstance({ params: { instanceId } })).body;
  const tasksOf = async (key: string) =>
    (await apiOf(second).listUserTasks({ query: { processKey: key } })).body.tasks;
  const complete = async (key: string, variables = {}): Promise<void> => {
    const [task] = await tasksOf(key);
    await apiOf(second).completeUserTask({ params: { taskId: task?.id ?? '' }, body: { variables } });
  };
  const incident = async (instanceId: string) =>
    (await adminOf(first).listIncidents({ query: { instanceId } })).body.incidents[0];

  it('two processes share one that is modelled on its own; data goes in and out by mapping only', async () => {
    const sum = `<startEvent id="s">${extensions('<govstack:variable name="a" type="number" required="true"/>')}
      </startEvent>${script('add', 'if secret = null then a + 1 else 0', 'b')}<endEvent id="e"/>${chain('s', 'add', 'e')}`;
    await deploy('sum', sum);
    const mapped = extensions(input('a', '= n'), output('= result.b', 'answer'));
    for (const key of ['caller1', 'caller2']) {
      await deploy(key, line(call('c', 'sum', mapped), 'c'));
      const { id } = await start(key, { n: 41, secret: 'x' });
      await expect.poll(async () => (await read(id)).state).toBe('completed');
      expect((await read(id)).variables).toEqual({ n: 41, secret: 'x', answer: 42 });
      const [called] = await instances('sum');
      expect(called).toMatchObject({ parentInstanceId: id, businessKey: 'case-9', state: 'completed' });
    }
    expect(await count('sum')).toBe(2);
  });

  it('takes the newest enabled revision, or the one that is named', async () => {
    const waits = (task: string): string => line(el('userTask', task), task);
    const [one, two] = [await deploy('versions', waits('one')), await deploy('versions', waits('two'))];
    await deploy('fixed', line(call('c', 'versions', '', '1'), 'c'));
    await deploy('newest', line(call('c', 'versions'), 'c'));
    const calledBy = async (key: string) => {
      const { id } = await start(key);
      return (await instances('versions')).find((instance) => instance.parentInstanceId === id)?.processRef;
    };
    expect(await calledBy('fixed')).toBe(one);
    expect(await calledBy('newest')).toBe(two);
    await adminOf(first).disableProcess({ params: { processId: two } });
    expect(await calledBy('newest')).toBe(one);
  });

  it('calls once for each item of a list, and collects what came back', async () => {
    const each = `<multiInstanceLoopCharacteristics govstack:collection="= list" govstack:resultVariable="all"
      govstack:resultElement="= x"/>`;
    const mapped = extensions(input('a', '= item'), output('= result.b', 'x'));
    await deploy('many', line(call('c', 'sum', `${mapped}${each}`), 'c'));
    const { id } = await start('many', { list: [3, 1, 2] });
    await expect.poll(async () => (await read(id)).state).toBe('completed');
    expect((await read(id)).variables).toEqual({ list: [3, 1, 2], all: [4, 2, 3] });
  });

  const errors = '<error id="no" errorCode="refused"/>';
  const asks =
    `<startEvent id="s"/><userTask id="ask"/><exclusiveGateway id="x" default="fine"/><endEvent id="e"/>
    <endEvent id="bad"><errorEventDefinition errorRef="no"/></endEvent>${chain('s', 'ask', 'x')}
    ${flow('x', 'e', { id: 'fine' })}${flow('x', 'bad', { condition: 'ok = false' })}`.replace(
      '<userTask id="ask"/>',
      el('userTask', 'ask', {}, extensions(output('= form.ok', 'ok'))),
    );
  const guarded = (process: string): string => `${line(call('c', process), 'c')}
    <boundaryEvent id="caught" attachedToRef="c">${extensions(output('= error.code', 'why'))}
    <errorEventDefinition errorRef="no"/></boundaryEvent><endEvent id="refusedEnd"/>${flow('caught', 'refusedEnd')}`;

  it('an error that nobody catches in the called process is raised at the call', async () => {
    await deploy('asks', asks, errors);
    await deploy('guarded', guarded('asks'), errors);
    await deploy('unguarded', line(call('c', 'asks'), 'c'));
    const { id } = await start('guarded');
    await complete('asks', { ok: false });
    await expect.poll(async () => (await read(id)).state).toBe('completed');
    expect((await read(id)).variables).toEqual({ why: 'refused' });
    const plain = await start('unguarded');
    await complete('asks', { ok: false });
    await expect.poll(async () => (await read(plain.id)).state).toBe('failed');
    expect((await read(plain.id)).errorCode).toBe('refused');
  });

  it('stops what it called when it is cancelled itself', async () => {
    await deploy('asks', asks, errors);
    await deploy('outer', line(call('c', 'guarded'), 'c'));
    const { id } = await start('outer');
    expect(await tasksOf('asks')).toHaveLength(1);
    await apiOf(first).stop({ params: { instanceId: id } });
    await expect.poll(() => tasksOf('asks')).toEqual([]);
    const [called] = await instances('asks');
    expect(called?.state).toBe('stopped');
    expect((await instances('guarded'))[0]).toMatchObject({ state: 'stopped', parentInstanceId: id });
  });

  it('waits with an incident when the called instance is stopped or cannot begin; a retry calls again', async () => {
    await deploy('hopeful', line(call('c', 'coming'), 'c'));
    const { id } = await start('hopeful');
    expect((await incident(id))?.message).toBe('there is no enabled process coming');
    await deploy('coming', line(el('userTask', 'come'), 'come'));
    await adminOf(first).retryIncident({
      params: { incidentId: (await incident(id))?.id ?? '' },
      body: {},
    });
    const [called] = await instances('coming');
    await apiOf(first).stop({ params: { instanceId: called?.id ?? '' } });
    await expect
      .poll(async () => (await incident(id))?.message)
      .toBe('the called process coming was stopped');
    await adminOf(first).retryIncident({
      params: { incidentId: (await incident(id))?.id ?? '' },
      body: {},
    });
    await complete('coming');
    await expect.poll(async () => (await read(id)).state).toBe('completed');
    expect(await count('coming')).toBe(2);
  });

  it('refuses start variables that the called process does not take', async () => {
    await deploy('strict', line(call('c', 'sum', extensions(input('a', '= "text"'))), 'c'));
    const { id } = await start('strict');
    expect((await incident(id))?.message).toBe(
      'the process sum does not take /variables/a: must be of type number',
    );
  });

  it('begins no more instances at once than a list may have items', async () => {
    const own = await startWorkflow({}, { config: { maxIterations: 3 } });
    const add = (key: string, content: string) =>
      apiOf(own).addProcess({ body: definition(content, { key }) });
    const two = '<multiInstanceLoopCharacteristics govstack:collection="= [1, 2]"/>';
    await add('wide', line('<userTask id="t"/>', 't'));
    await add(
      'wider',
      `<startEvent id="s"/><parallelGateway id="f"/>${call('c', 'wide', two)}${call('d', 'wide', two)}
       <endEvent id="e"/>${chain('s', 'f', 'c', 'e')}${flow('f', 'd')}${flow('d', 'e')}`,
    );
    await add('first', line('<task id="t"/>', 't'));
    for (const target of ['one', 'two', 'three']) {
      await add(target, line('<task id="t"/>', 't'));
      await adminOf(own).defineFlowTrigger({
        body: { source: 'first', on: 'completed', target, variables: [] },
      });
    }
    await apiOf(own).start({ params: { processId: 'wider' }, body: {} });
    const { incidents } = (await adminOf(own).listIncidents({})).body;
    expect(incidents.map((one) => one.message)).toEqual(['more than 3 instances would begin at once']);
    await apiOf(own).start({ params: { processId: 'first' }, body: {} });
    const { triggers } = (await adminOf(own).listFlowTriggers({})).body;
    expect(triggers.map((one) => one.refusal)).toEqual([
      null,
      null,
      'more than 3 instances would begin at once',
    ]);
    await own.stop();
  });

  it('stops a process that calls itself without end', async () => {
    await deploy('endless', line(call('c', 'endless'), 'c'));
    await start('endless');
    const found = (await adminOf(first).listIncidents({ query: { processKey: 'endless' } })).body.incidents;
    expect(found.map((one) => one.message)).toEqual(['more than 10 processes call one another']);
    expect(await count('endless')).toBe(11);
  });
});

describe('after another process', () => {
  const decides = `<startEvent id="s"/>${el('userTask', 'ask', {}, extensions(output('= form.ok', 'ok')))}
    <exclusiveGateway id="x" default="fine"/><endEvent id="e"/>
    <endEvent id="bad"><errorEventDefinition errorRef="no"/></endEvent>${chain('s', 'ask', 'x')}
    ${flow('x', 'e', { id: 'fine' })}${flow('x', 'bad', { condition: 'ok = false' })}`;
  const short = `<startEvent id="s"/><task id="t"/><endEvent id="e"/>${chain('s', 't', 'e')}`;
  const trigger = (on: 'completed' | 'failed', source: string, target: string, variables: object[] = []) =>
    adminOf(first).defineFlowTrigger({ body: { source, on, target, variables: variables as never } });
  const run = async (ok: boolean): Promise<string> => {
    const { body } = await apiOf(first).start({
      params: { processId: 'decides' },
      body: { businessKey: 'case-7', variables: { amount: 5 } },
    });
    const query = { instanceId: body.id };
    const [task] = (await apiOf(second).listUserTasks({ query })).body.tasks;
    const completion = {
      params: { taskId: task?.id ?? '' },
      body: { variables: { ok } },
      idempotencyKey: body.id,
    };
    await Promise.all([first, second].map((node) => apiOf(node).completeUserTask(completion)));
    return body.id;
  };
  beforeAll(async () => {
    await deploy('decides', decides, '<error id="no" errorCode="refused"/>');
    for (const key of ['pays', 'mourns']) await deploy(key, short);
  });

  it('[WF-6.2-i] [WF-6.2-j] starts a process once when the one before completes, another when it fails', async () => {
    const mapping = [{ target: 'sum', source: '= amount * 2' }];
    const { body } = await trigger('completed', 'decides', 'pays', mapping);
    await trigger('failed', 'decides', 'mourns', [{ target: 'why', source: '= error.code' }]);
    expect(body).toMatchObject({ source: 'decides', on: 'completed', target: 'pays', variables: mapping });
    await run(true);
    const [paid] = await instances('pays');
    expect(paid?.businessKey).toBe('case-7');
    const read = async (id = '') =>
      (await apiOf(second).getInstance({ params: { instanceId: id } })).body.variables;
    expect(await read(paid?.id)).toEqual({ sum: 10 });
    expect(await count('mourns')).toBe(0);
    await run(false);
    expect(await read((await instances('mourns'))[0]?.id)).toEqual({ why: 'refused' });
    expect([await count('pays'), await count('mourns')]).toEqual([1, 1]);
  });

  it('starts nothing after an instance that was stopped, nor after the trigger is removed', async () => {
    const { body } = await apiOf(first).start({ params: { processId: 'decides' }, body: {} });
    await apiOf(first).stop({ params: { instanceId: body.id } });
    expect([await count('pays'), await count('mourns')]).toEqual([1, 1]);
    const { triggers } = (await adminOf(first).listFlowTriggers({})).body;
    const triggerId = triggers.find((one) => one.target === 'mourns')?.id ?? '';
    await adminOf(first).removeFlowTrigger({ params: { triggerId } });
    await run(false);
    expect(await count('mourns')).toBe(1);
    const again = refused(adminOf(first).removeFlowTrigger({ params: { triggerId } }));
    expect((await again).status).toBe(404);
  });

  it('replaces the mapping, and notes what could not begin without holding up the first process', async () => {
    const { body } = await trigger('completed', 'decides', 'pays', [
      { target: 'sum', source: '= amount + 1' },
    ]);
    const { triggers } = (await adminOf(first).listFlowTriggers({})).body;
    expect(triggers.filter((one) => one.target === 'pays').map((one) => one.id)).toEqual([body.id]);
    await adminOf(first).disableProcess({ params: { processId: 'pays' } });
    const id = await run(true);
    expect((await apiOf(first).getInstance({ params: { instanceId: id } })).body.state).toBe('completed');
    const noted = (await adminOf(first).listFlowTriggers({})).body.triggers;
    expect(noted.find((one) => one.target === 'pays')?.refusal).toBe('there is no enabled process pays');
    expect(await count('pays')).toBe(1);
  });

  it('refuses unknown processes, mappings that cannot work, and circles', async () => {
    expect((await refused(trigger('completed', 'decides', 'nowhere'))).status).toBe(404);
    const broken = [
      { target: 'if', source: 'a' },
      { target: 'a', source: '= (' },
    ];
    const error = await refused(trigger('completed', 'decides', 'mourns', broken));
    expect(error.status).toBe(400);
    expect(error.problem?.errors).toHaveLength(2);
    expect((await refused(trigger('completed', 'pays', 'decides'))).status).toBe(422);
    expect((await refused(trigger('failed', 'decides', 'decides'))).status).toBe(422);
    const stranger = 'TEST/GOV/OTHER/service';
    const theirs = adminOf(first, stranger).defineFlowTrigger({
      body: { source: 'decides', on: 'completed', target: 'mourns', variables: [] },
    });
    expect((await refused(theirs)).status).toBe(404);
    expect((await adminOf(first, stranger).listFlowTriggers({})).body.triggers).toEqual([]);
  });
});

describe('suspended', () => {
  const busy = `<startEvent id="s"/><parallelGateway id="f"/>${service('ask', extensions(output('= response.body.found', 'found')))}
    <intermediateCatchEvent id="hour">${after('PT1H')}</intermediateCatchEvent><userTask id="t"/>
    <receiveTask id="r" messageRef="m" govstack:correlationKey="=process.businessKey"/>
    <parallelGateway id="j"/><endEvent id="e"/>${chain('s', 'f', 'ask', 'j', 'e')}
    ${['hour', 't', 'r'].map((id) => flow('f', id) + flow(id, 'j')).join('')}`;
  const hourly = `<startEvent id="s"/><intermediateCatchEvent id="hour">${after('PT1H')}
    </intermediateCatchEvent><endEvent id="e"/>${chain('s', 'hour', 'e')}`;
  const begin = async (key: string): Promise<string> =>
    (await apiOf(first).start({ params: { processId: key }, body: { businessKey: 'case-8' } })).body.id;
  const stateOf = async (id: string) =>
    (await apiOf(second).getInstance({ params: { instanceId: id } })).body;
  const kept = async (id: string): Promise<number> => {
    const found = await sql`select from kept_event where instance_id = ${id}`.execute(
      first.database('workflow'),
    );
    return found.rows.length;
  };

  it('an instance does not move; answers, timers and messages are there when it goes on', async () => {
    clock('2028-05-01T00:00:00Z');
    await deploy('busy', busy, '<message id="m" name="nudge"/>');
    await deploy('other', hourly);
    const instanceId = await begin('busy');
    const other = await begin('other');
    await expect.poll(() => registry.requests.length).toBe(1);
    const suspended = (await adminOf(first).suspendInstance({ params: { instanceId }, body: {} })).body;
    expect(suspended).toMatchObject({ suspended: true, ended: false, state: 'suspended' });
    await adminOf(second).suspendInstance({ params: { instanceId }, body: {} });
    answer();
    await expect.poll(() => kept(instanceId)).toBe(1);
    const body = { messageId: 'nudge-1', name: 'nudge', correlationKey: 'case-8', timeToLive: 86_400 };
    expect((await apiOf(first).publishMessage({ body })).status).toBe(202);
    const [task] = (await apiOf(first).listUserTasks({ query: { instanceId } })).body.tasks;
    const complete = () => apiOf(second).completeUserTask({ params: { taskId: task?.id ?? '' }, body: {} });
    expect((await refused(complete())).status).toBe(409);
    clock('2028-05-01T02:00:00Z');
    await expect.poll(async () => (await stateOf(other)).state).toBe('completed');
    const still = await stateOf(instanceId);
    expect(still.log?.filter((line) => line.event === 'completed').map((line) => line.elementId)).toEqual([
      's',
      'f',
    ]);
    expect(still.variables).toEqual({});
    const { body: resumed } = await adminOf(second).resumeInstance({ params: { instanceId }, body: {} });
    expect(resumed).toMatchObject({ suspended: false, state: 'running' });
    expect((await stateOf(instanceId)).variables).toEqual({ found: true });
    await complete();
    clock('2028-05-01T02:00:10Z');
    await expect.poll(async () => (await stateOf(instanceId)).state).toBe('completed');
    expect(registry.requests).toHaveLength(1);
    const { events } = (await adminOf(first).getInstanceHistory({ params: { instanceId } })).body;
    const names = events.map((one) => one.event);
    expect(names.slice(0, 4)).toEqual(['start', 'suspended', 'resumed', 'jobAnswered']);
    expect((await refused(adminOf(first).resumeInstance({ params: { instanceId }, body: {} }))).status).toBe(
      409,
    );
  });

  it('a revision with its instances starts nothing and stands still until it is resumed', async () => {
    const processId = await deploy('still', hourly);
    const ids = [await begin('still'), await begin('still'), await begin('still')];
    const [one = ''] = ids;
    const params = { processId };
    expect(
      (await refused(adminOf(first).suspendProcess({ params: { processId: 'still' }, body: {} }))).status,
    ).toBe(400);
    const answered = (await adminOf(first).suspendProcess({ params, body: {} })).body;
    expect(answered).toEqual({ processRef: processId, instances: 3, more: false, failed: [] });
    expect((await refused(begin('still'))).status).toBe(409);
    const query = { processId, state: 'suspended' as const };
    expect((await apiOf(first).getInstances({ query })).body).toHaveLength(3);
    await apiOf(first).stop({ params: { instanceId: one } });
    expect((await stateOf(one)).state).toBe('stopped');
    const again = (await adminOf(first).resumeProcess({ params, body: {} })).body;
    expect(again).toEqual({ processRef: processId, instances: 2, more: false, failed: [] });
    clock('2028-05-02T00:00:00Z');
    for (const id of ids.slice(1)) await expect.poll(async () => (await stateOf(id)).state).toBe('completed');
  });
});
