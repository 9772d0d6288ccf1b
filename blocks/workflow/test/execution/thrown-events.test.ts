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
