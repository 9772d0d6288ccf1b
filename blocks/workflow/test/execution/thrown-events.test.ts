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
