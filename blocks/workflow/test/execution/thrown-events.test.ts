import { describe, expect, it } from 'vitest';
import { chain, compile, el, extensions, flow, input, output, script, service } from './bpmn.ts';
import { drive } from './drive.ts';

describe('links', () => {
  const link = (name: string): string => `<linkEventDefinition name="${name}"/>`;

  it('[WF-6.1-c] go on at the catch event of the same name, from wherever they are thrown', async () => {
    const model = await compile(`<startEvent id="s"/><exclusiveGateway id="x" default="x-b"/>
      <intermediateThrowEvent id="a">${link('pay')}</intermediateThrowEvent>${script('n', '1', 'n')}
      <intermediateThrowEvent id="b">${link('pay')}</intermediateThrowEvent>
      <intermediateCatchEvent id="c">${link('pay')}</intermediateCatchEvent><endEvent id="e"/>
      ${flow('s', 'x')}${flow('x', 'n', { condition: 'short' })}${flow('n', 'a')}${flow('x', 'b')}${flow('c', 'e')}`);
    expect(drive(model, { short: true }).completed).toEqual(['s', 'x', 'n', 'a', 'c', 'e']);
    expect(drive(model, { short: false }).completed).toEqual(['s', 'x', 'b', 'c', 'e']);
  });

  it('lead to a join like flows do', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><inclusiveGateway id="x"/>${service('a')}
      <intermediateThrowEvent id="out">${link('on')}</intermediateThrowEvent>
      <intermediateCatchEvent id="in">${link('on')}</intermediateCatchEvent>
      <task id="b"/><inclusiveGateway id="j"/><endEvent id="e"/>${flow('s', 'x')}
      ${flow('x', 'a', { condition: 'true' })}${flow('x', 'b', { condition: 'true' })}
      ${chain('a', 'out')}${chain('in', 'j')}${chain('b', 'j', 'e')}`),
    );
    expect(run.completed).not.toContain('j');
    run.answer('a');
    expect(run.completed.filter((id) => id === 'e')).toHaveLength(1);
    expect(run.state.status).toBe('completed');
  });
});

describe('signals', () => {
  const signal = '<signalEventDefinition signalRef="sig"/>';
  const roots = '<signal id="sig" name="flood"/>';
  const bounded = (cancel: boolean): string => `<startEvent id="s"/>${service('t')}
    ${el('boundaryEvent', 'b', { attachedToRef: 't', cancelActivity: String(cancel) }, signal)}
    <endEvent id="e"/><endEvent id="warned"/>${chain('s', 't', 'e')}${flow('b', 'warned')}`;

  it('[WF-6.1-c] reach what waits in the same instance at once and are passed on with what they bring', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/><parallelGateway id="f"/>
        ${el('intermediateCatchEvent', 'c', {}, `${extensions(output('= signal.level', 'level'))}${signal}`)}
        <endEvent id="e"/>${service('t')}
        ${el('intermediateThrowEvent', 'throw', {}, `${extensions(input('level', '= 2 + 1'))}${signal}`)}
        <endEvent id="e2"/>${chain('s', 'f', 'c', 'e')}${chain('f', 't', 'throw', 'e2')}`,
        { roots },
      ),
    );
    expect([...run.signals.values()]).toMatchObject([{ elementId: 'c', signal: 'flood' }]);
    run.answer('t');
    expect(run.commands).toContainEqual({ type: 'throwSignal', signal: 'flood', payload: { level: 3 } });
    expect(run.variables()).toEqual({ level: 3 });
    expect(run.signals.size).toBe(0);
    expect(run.state.status).toBe('completed');
  });

  it('do not reach what begins to wait after they were thrown', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/>${el('intermediateThrowEvent', 'throw', {}, signal)}
        ${el('intermediateCatchEvent', 'c', {}, signal)}<endEvent id="e"/>${chain('s', 'throw', 'c', 'e')}`,
        { roots },
      ),
    );
    expect(run.state.status).toBe('running');
    expect(run.signals.size).toBe(1);
  });

  it('interrupt an activity in the same step, their own thrower too', async () => {
    const cut = drive(await compile(bounded(true), { roots }));
    cut.fire('b');
    expect([cut.jobs.size, cut.signals.size]).toEqual([0, 0]);
    expect(cut.completed).toEqual(['s', 'b', 'warned']);
    const own = drive(
      await compile(
        `<startEvent id="s"/><subProcess id="sub"><startEvent id="s2"/><parallelGateway id="f"/>${service('t')}
        ${el('endEvent', 'throw', {}, signal)}${chain('s2', 'f', 'throw')}${flow('f', 't')}</subProcess>
        ${el('boundaryEvent', 'b', { attachedToRef: 'sub' }, signal)}<endEvent id="e"/>
        <endEvent id="warned"/>${chain('s', 'sub', 'e')}${flow('b', 'warned')}`,
        { roots },
      ),
    );
    expect(own.completed).toEqual(['s', 's2', 'f', 'throw', 'b', 'warned']);
    expect([own.jobs.size, own.state.tokens.size, own.state.status]).toEqual([0, 0, 'completed']);
  });

  it('happen beside an activity as often as they are thrown, until it is done', async () => {
    const run = drive(await compile(bounded(false), { roots }));
    run.fire('b');
    run.fire('b');
    expect([run.jobs.size, run.signals.size]).toEqual([1, 1]);
    run.answer('t');
    expect(run.completed).toEqual(['s', 'b', 'warned', 'b', 'warned', 't', 'e']);
    expect([run.signals.size, run.state.status]).toEqual([0, 'completed']);
  });
});

describe('escalations', () => {
  const escalation = '<escalationEventDefinition escalationRef="esc"/>';
  const roots =
    '<escalation id="esc" escalationCode="late"/><escalation id="other" escalationCode="costly"/>';
  const escalating = (
    boundary: string,
  ): string => `<startEvent id="s"/><subProcess id="sub"><startEvent id="s2"/>
    ${el('intermediateThrowEvent', 'throw', {}, escalation)}${service('t')}<endEvent id="e2"/>
    ${chain('s2', 'throw', 't', 'e2')}</subProcess>${boundary}<endEvent id="e"/><endEvent id="told"/>
    ${chain('s', 'sub', 'e')}`;
  const boundary = (id: string, cancel: boolean, definition: string): string =>
    `${el('boundaryEvent', id, { attachedToRef: 'sub', cancelActivity: String(cancel) }, definition)}${flow(id, 'told')}`;

  it('[WF-6.1-c] are told beside the sub-process, which goes on', async () => {
    const content = escalating(
      boundary('b', false, `${extensions(output('= escalation.code', 'why'))}${escalation}`),
    );
    const run = drive(await compile(content, { roots }));
    expect(run.completed).toEqual(['s', 's2', 'throw', 'b', 'told']);
    expect(run.variables()).toEqual({ why: 'late' });
    run.answer('t');
    expect(run.completed.slice(-3)).toEqual(['e2', 'sub', 'e']);
    expect(run.state.status).toBe('completed');
  });

  it('interrupt the sub-process in the same step, by their code before any other', async () => {
    const any = boundary('any', false, '<escalationEventDefinition/>');
    const content = escalating(any + boundary('b', true, escalation));
    const run = drive(await compile(content, { roots }));
    expect(run.completed).toEqual(['s', 's2', 'throw', 'b', 'told']);
    expect([run.jobs.size, run.state.scopes.size, run.state.status]).toEqual([0, 1, 'completed']);
  });

  it('go outwards from an end event to whatever catches every code', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/><subProcess id="sub"><startEvent id="s2"/><subProcess id="in"><startEvent id="s3"/>
        ${el('endEvent', 'throw', {}, escalation)}${flow('s3', 'throw')}</subProcess>
        ${el('boundaryEvent', 'x', { attachedToRef: 'in' }, '<escalationEventDefinition escalationRef="other"/>')}
        <endEvent id="no"/>${flow('x', 'no')}<endEvent id="e2"/>${chain('s2', 'in', 'e2')}</subProcess>
        ${boundary('b', false, '<escalationEventDefinition/>')}<endEvent id="told"/><endEvent id="e"/>
        ${chain('s', 'sub', 'e')}`,
        { roots },
      ),
    );
    expect(run.completed).toContain('b');
    expect(run.completed).not.toContain('x');
    expect(run.completed).toContain('e');
    expect(run.state.status).toBe('completed');
  });

  it('are recorded where nothing catches them, and everything goes on', async () => {
    const content = escalating(boundary('b', true, '<escalationEventDefinition escalationRef="other"/>'));
    const run = drive(await compile(content, { roots }));
    expect(run.history).toContainEqual(
      expect.objectContaining({
        event: 'escalated',
        elementId: 'throw',
        detail: 'late: nothing catches it',
      }),
    );
    run.answer('t');
    expect(run.completed.at(-1)).toBe('e');
    expect(run.state.status).toBe('completed');
  });
});

describe('messages that are sent', () => {
  const roots = '<message id="m" name="asked"/>';
  const message = (attributes = 'govstack:correlationKey="=case"', inputs = ''): string =>
    `${inputs}<messageEventDefinition messageRef="m" ${attributes}/>`;

  it('[WF-6.1-c] leave a throw event, an end event and a send task, for a process of the same application', async () => {
    const model = await compile(
      `<startEvent id="s"/>${el('intermediateThrowEvent', 't', {}, message(undefined, extensions(input('amount', '=n'))))}
       ${el('sendTask', 'send', { messageRef: 'm', 'govstack:correlationKey': '7', 'govstack:timeToLive': 'PT1H' })}
       ${el('endEvent', 'e', {}, message())}${chain('s', 't', 'send', 'e')}`,
      { roots },
    );
    const run = drive(model, { case: 12, n: 5 });
    const sent = run.commands.filter((one) => one.type === 'sendMessage');
    expect(sent).toMatchObject([
      { name: 'asked', correlationKey: '12', payload: { amount: 5 }, timeToLive: 86_400 },
      { name: 'asked', correlationKey: '7', payload: {}, timeToLive: 3600 },
      { name: 'asked', correlationKey: '12', payload: {} },
    ]);
    expect([new Set(sent.map((one) => one.messageId)).size, run.state.status]).toEqual([3, 'completed']);
    const [incident] = drive(model).incidents.values();
    expect(incident).toMatchObject({ elementId: 't', message: 'the correlation key case has no value' });
  });

  it('are calls where they go to another application: under one key, until they are taken', async () => {
    const to =
      'govstack:correlationKey="=case" govstack:application="{instance}/GOV/HEALTH/clinic" govstack:retries="PT1S"';
    const run = drive(
      await compile(
        `<startEvent id="s"/>${el('intermediateThrowEvent', 't', {}, message(to, extensions(input('amount', '=n'))))}
         ${el('endEvent', 'e', {}, message(to))}${chain('s', 't', 'e')}`,
        { roots },
      ),
      { case: 12, n: 5 },
    );
    const [[jobId, job] = []] = run.jobs;
    expect(job?.request).toMatchObject({
      service: 'TEST/GOV/HEALTH/clinic/workflow-v1',
      operation: 'publishMessage',
      body: {
        messageId: jobId,
        name: 'asked',
        correlationKey: '12',
        timeToLive: 86_400,
        payload: { amount: 5 },
      },
    });
    run.answer('t', { detail: 'no' }, 403);
    const [incidentId = ''] = run.incidents.keys();
    run.send({ type: 'retry', incidentId, variables: undefined, request: job?.request });
    expect([...run.jobs.keys()]).toEqual([jobId]);
    run.answer('t', {}, 202);
    run.answer('e', {}, 200);
    expect([run.state.status, run.completed]).toEqual(['completed', ['s', 't', 'e']]);
  });

  it('and signals that would follow from too many others stop where they are sent', async () => {
    const signal = el('endEvent', 'e', {}, '<signalEventDefinition signalRef="x"/>');
    const model = await compile(
      `<startEvent id="s"/>${el('intermediateThrowEvent', 't', {}, message())}${signal}${chain('s', 't', 'e')}`,
      { roots: `${roots}<signal id="x" name="x"/>` },
    );
    const run = drive(model, { case: 1 }, { hopsLeft: 0 });
    expect([...run.incidents.values()]).toMatchObject([
      { elementId: 't', message: expect.stringMatching(/answer each other for ever/) },
    ]);
    expect(drive(model, { case: 1 }, { hopsLeft: 1 }).state.status).toBe('completed');
  });
});

describe('escalations of called processes', () => {
  it('[WF-6.1-h] reach the call activity, which is interrupted or goes on', async () => {
    const calling = (interrupting: boolean) =>
      compile(
        `<startEvent id="s"/><callActivity id="call" calledElement="other"/><task id="on"/><task id="told"/>
         ${el('boundaryEvent', 'b', { attachedToRef: 'call', cancelActivity: String(interrupting) }, '<escalationEventDefinition escalationRef="late"/>')}
         ${chain('s', 'call', 'on')}${chain('b', 'told')}`,
        { roots: '<escalation id="late" escalationCode="late"/>' },
      );
    const instanceOf = (run: ReturnType<typeof drive>): string =>
      run.commands.find((one) => one.type === 'callProcess')?.instanceId ?? '';
    const beside = drive(await calling(false));
    beside.send({ type: 'escalatedBelow', instanceId: instanceOf(beside), code: 'late' });
    expect([beside.completed, beside.state.status]).toEqual([['s', 'b', 'told'], 'running']);
    const instead = drive(await calling(true));
    instead.send({ type: 'escalatedBelow', instanceId: instanceOf(instead), code: 'other' });
    expect(instead.state.status).toBe('running');
    instead.send({ type: 'escalatedBelow', instanceId: instanceOf(instead), code: 'late' });
    expect([instead.completed, instead.state.status]).toEqual([['s', 'b', 'told'], 'completed']);
    expect(instead.commands).toContainEqual(expect.objectContaining({ type: 'stopCalled' }));
  });
});
