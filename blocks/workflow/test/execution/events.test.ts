import { describe, expect, it } from 'vitest';
import { chain, compile, el, extensions, flow, output, service, timerOf } from './bpmn.ts';
import { type Drive, drive } from './drive.ts';

const errorOf = (ref: string): string => `<errorEventDefinition errorRef="${ref}"/>`;
const refused = '<error id="refused" errorCode="refused"/>';

describe('timers', () => {
  it('waits at an intermediate timer for its duration', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><intermediateCatchEvent id="t">${timerOf('P1M')}
      </intermediateCatchEvent><endEvent id="e"/>${chain('s', 't', 'e')}`),
    );
    expect([...run.timers.values()][0]?.dueAt).toBe('2026-02-01T00:00:00Z');
    run.fire('t');
    expect(run.state.status).toBe('completed');
  });

  it('waits until a computed date', async () => {
    const model = await compile(`<startEvent id="s"/><intermediateCatchEvent id="t"><timerEventDefinition>
      <timeDate>= payday</timeDate></timerEventDefinition></intermediateCatchEvent><endEvent id="e"/>
      ${chain('s', 't', 'e')}`);
    expect([...drive(model, { payday: '2026-03-01' }).timers.values()][0]?.dueAt).toBe(
      '2026-03-01T00:00:00Z',
    );
    expect([...drive(model, {}).incidents.values()][0]?.message).toContain('not a date and time');
  });

  const bounded = (cancel: string): string => `<startEvent id="s"/>${service('t')}
    <boundaryEvent id="late" attachedToRef="t" cancelActivity="${cancel}">${timerOf('PT1H')}</boundaryEvent>
    <endEvent id="e"/><endEvent id="escalated"/>${chain('s', 't', 'e')}${flow('late', 'escalated')}`;

  it('cancels the activity when an interrupting boundary timer is due', async () => {
    const run = drive(await compile(bounded('true')));
    run.fire('late');
    expect(run.jobs.size).toBe(0);
    expect(run.completed).toEqual(['s', 'late', 'escalated']);
    expect(run.state.status).toBe('completed');
  });

  it('lets the activity go on beside a non-interrupting boundary timer', async () => {
    const run = drive(await compile(bounded('false')));
    run.fire('late');
    expect(run.jobs.size).toBe(1);
    expect(run.state.status).toBe('running');
    run.answer('t');
    expect(run.completed).toEqual(['s', 'late', 'escalated', 't', 'e']);
    expect(run.state.status).toBe('completed');
  });

  const repeating = (cycle: string, cancel = 'false'): string =>
    bounded(cancel).replace('<timeDuration>PT1H</timeDuration>', `<timeCycle>${cycle}</timeCycle>`);
  const dueOf = (run: Drive): (string | undefined)[] => [...run.timers.values()].map((timer) => timer.dueAt);

  it('comes again and again on a boundary that does not interrupt, as often as the cycle says', async () => {
    const run = drive(await compile(repeating('= "R3/PT" + hours + "H"')), { hours: '1' });
    for (const hour of ['01', '02', '03']) {
      expect(dueOf(run)).toEqual([`2026-01-01T${hour}:00:00Z`]);
      run.now = `2026-01-01T${hour}:00:01Z`;
      run.fire('late');
    }
    expect(run.timers.size).toBe(0);
    run.answer('t');
    expect(run.completed.filter((id) => id === 'escalated')).toHaveLength(3);
    expect(run.state.status).toBe('completed');
  });

  it('leaves out occurrences that passed unnoticed, and ends the cycle with its activity', async () => {
    const run = drive(await compile(repeating('R/PT1H')));
    run.now = '2026-01-02T05:30:00Z';
    run.fire('late');
    expect(dueOf(run)).toEqual(['2026-01-02T06:00:00Z']);
    run.answer('t');
    expect(run.timers.size).toBe(0);
    expect(run.completed.filter((id) => id === 'escalated')).toHaveLength(1);
  });

  it('does not come twice at one occurrence when the clock is set back', async () => {
    const run = drive(await compile(repeating('R/PT1H')));
    run.now = '2026-01-01T00:59:00Z';
    run.fire('late');
    expect(dueOf(run)).toEqual(['2026-01-01T02:00:00Z']);
  });

  it('takes the first occurrence of a cycle where one is enough, and refuses one without any', async () => {
    const run = drive(await compile(repeating('R3/PT1H', 'true')));
    run.fire('late');
    expect(run.timers.size).toBe(0);
    expect(run.state.status).toBe('completed');
    const over = drive(await compile(repeating('R1/2025-01-01T00:00:00Z/PT1H')));
    expect([...over.incidents.values()][0]?.message).toContain('over before it begins');
    const bad = drive(await compile(repeating('= "hourly"')));
    expect([...bad.incidents.values()][0]?.message).toContain('is not a cycle');
  });

  it('forgets the boundary timer when the activity is done first', async () => {
    const run = drive(await compile(bounded('true')));
    const [timerId = ''] = run.timers.keys();
    run.answer('t');
    expect(run.timers.size).toBe(0);
    expect(run.send({ type: 'triggered', subscriptionId: timerId, payload: null }).taken).toBe(false);
  });

  it('still escalates while the activity is stopped by an incident', async () => {
    const run = drive(await compile(bounded('true')));
    run.answer('t', {}, 400);
    expect(run.incidents.size).toBe(1);
    run.fire('late');
    expect(run.incidents.size).toBe(0);
    expect(run.jobs.size).toBe(0);
    expect(run.state.status).toBe('completed');
  });
});

describe('messages', () => {
  it('waits in a receive task for the message with its key and takes over what it brings', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/>${el(
          'receiveTask',
          't',
          { messageRef: 'm', 'govstack:correlationKey': '= process.businessKey' },
          extensions(output('= message.amount', 'paid')),
        )}<endEvent id="e"/>${chain('s', 't', 'e')}`,
        { roots: '<message id="m" name="paid"/>' },
      ),
    );
    expect([...run.subscriptions.values()][0]).toMatchObject({ message: 'paid', correlationKey: 'key-1' });
    run.fire('t', { amount: 5 });
    expect(run.variables().paid).toBe(5);
    expect(run.state.status).toBe('completed');
  });
});

describe('conditional events', () => {
  const when = (condition: string): string =>
    `<conditionalEventDefinition><condition>${condition}</condition></conditionalEventDefinition>`;

  it('[WF-6.1-c] pass at once what is true already, and what becomes true when variables change', async () => {
    const model = await compile(`<startEvent id="s"/><parallelGateway id="f"/>
      ${el('intermediateCatchEvent', 'c', {}, when('level > 2'))}<endEvent id="e"/>
      ${service('t', extensions(output('= response.body', 'level')))}${service('u', extensions(output('= response.body', 'level')))}
      <endEvent id="e2"/>${chain('s', 'f', 'c', 'e')}${chain('f', 't', 'u', 'e2')}`);
    const ready = drive(model, { level: 3 });
    expect(ready.completed).toContain('e');
    const run = drive(model);
    run.answer('t', 2);
    expect(run.completed).not.toContain('c');
    run.answer('u', 5);
    expect(run.completed).toContain('c');
    expect(run.state.status).toBe('completed');
  });

  const bounded = (
    cancel: boolean,
  ): string => `<startEvent id="s"/><parallelGateway id="f"/>${el('userTask', 't')}
    ${el('boundaryEvent', 'b', { attachedToRef: 't', cancelActivity: String(cancel) }, when('= level &gt; 2'))}
    <endEvent id="warned"/><endEvent id="e"/>${el('userTask', 'measure', {}, extensions(output('= level', 'level')))}
    <exclusiveGateway id="again"/>${chain('s', 'f', 't', 'e')}${chain('f', 'again', 'measure', 'again')}${flow('b', 'warned')}`;

  it('interrupt an activity in the step that makes them true', async () => {
    const run = drive(await compile(bounded(true)), { level: 0 });
    run.complete('measure', { level: 4 });
    expect([...run.tasks.values()].map((task) => task.elementId)).toEqual(['measure']);
    expect(run.completed.filter((id) => id === 'warned')).toHaveLength(1);
  });

  it('happen beside an activity each time they become true, not for as long as they are', async () => {
    const run = drive(await compile(bounded(false)), { level: 0 });
    const warnings: number[] = [];
    for (const level of [4, 5, 1, 3]) {
      run.complete('measure', { level });
      warnings.push(run.completed.filter((id) => id === 'warned').length);
    }
    expect(warnings).toEqual([1, 1, 1, 2]);
    run.complete('t');
    run.complete('measure', { level: 9 });
    expect(run.completed.filter((id) => id === 'warned')).toHaveLength(2);
  });

  it('leave an incident when they are neither true nor false', async () => {
    const model = await compile(`<startEvent id="s"/>${el('intermediateCatchEvent', 'c', {}, when('level'))}
      <endEvent id="e"/>${chain('s', 'c', 'e')}`);
    expect([...drive(model, { level: 1 }).incidents.values()][0]?.message).toContain(
      'neither true nor false',
    );
    expect(drive(model).incidents.size).toBe(0);
  });
});

describe('errors', () => {
  const mapped = `<extensionElements><govstack:error status="409" code="refused"/></extensionElements>`;

  it('catches an error that an answer stands for', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/>${service('t', mapped)}<boundaryEvent id="no" attachedToRef="t">
        ${extensions(output('= error.code', 'code'))}${errorOf('refused')}</boundaryEvent>
        <endEvent id="e"/><endEvent id="bad"/>${chain('s', 't', 'e')}${flow('no', 'bad')}`,
        { roots: refused },
      ),
    );
    run.answer('t', {}, 409);
    expect(run.completed).toEqual(['s', 'no', 'bad']);
    expect(run.variables().code).toBe('refused');
    expect(run.jobs.size).toBe(0);
    expect(run.state.status).toBe('completed');
  });

  it('passes an error outwards to the sub-process that catches it, cancelling what runs there', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/><subProcess id="sub"><startEvent id="s2"/><parallelGateway id="f"/>${service('a')}
        ${service('b', mapped)}${chain('s2', 'f', 'a')}${flow('f', 'b')}</subProcess>
        <boundaryEvent id="no" attachedToRef="sub">${errorOf('refused')}</boundaryEvent>
        <endEvent id="e"/><endEvent id="bad"/>${chain('s', 'sub', 'e')}${flow('no', 'bad')}`,
        { roots: refused },
      ),
    );
    run.answer('b', {}, 409);
    expect(run.jobs.size).toBe(0);
    expect(run.completed).toEqual(['s', 's2', 'f', 'no', 'bad']);
    expect(run.state.status).toBe('completed');
    expect(run.state.tokens.size).toBe(0);
  });

  it('fails the instance when nothing catches the error', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/><parallelGateway id="f"/>${service('a')}${service('b')}
        <endEvent id="bad">${errorOf('refused')}</endEvent>${chain('s', 'f', 'a', 'bad')}${flow('f', 'b')}`,
        { roots: refused },
      ),
    );
    run.answer('a');
    expect(run.state.status).toBe('failed');
    expect(run.state.errorCode).toBe('refused');
    expect(run.state.tokens.size).toBe(0);
    expect(run.jobs.size).toBe(0);
  });
});

it('ends everything in its scope at a terminate end event', async () => {
  const run = drive(
    await compile(`<startEvent id="s"/><parallelGateway id="f"/>${service('a')}${service('b')}
      <endEvent id="stop"><terminateEventDefinition/></endEvent>${chain('s', 'f', 'a', 'stop')}${flow('f', 'b')}`),
  );
  run.answer('a');
  expect(run.jobs.size).toBe(0);
  expect(run.state.status).toBe('completed');
});

it('[WF-8.2-c] stops an instance: every job, task and timer ends, and a late answer is dropped', async () => {
  const run = drive(
    await compile(`<startEvent id="s"/><parallelGateway id="f"/>${service('a')}${el('userTask', 'b')}
      <intermediateCatchEvent id="c">${timerOf('P1D')}</intermediateCatchEvent><endEvent id="e"/>
      ${chain('s', 'f', 'a')}${flow('f', 'b')}${chain('f', 'c', 'e')}`),
  );
  const [jobId = ''] = run.jobs.keys();
  run.send({ type: 'stop' });
  expect([run.jobs.size, run.tasks.size, run.timers.size]).toEqual([0, 0, 0]);
  expect(run.state.status).toBe('stopped');
  const late = run.send({
    type: 'jobAnswered',
    jobId,
    attempt: 1,
    answer: { status: 200, headers: {}, body: {}, temporary: false },
  });
  expect(late.taken).toBe(false);
  expect(late.history).toMatchObject([{ event: 'ignored' }]);
});
