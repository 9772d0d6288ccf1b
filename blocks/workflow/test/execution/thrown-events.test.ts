import { describe, expect, it } from 'vitest';
import { chain, compile, el, flow, script, service } from './bpmn.ts';
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
