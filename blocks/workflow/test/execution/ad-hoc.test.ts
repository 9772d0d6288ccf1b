import { describe, expect, it } from 'vitest';
import { chain, compile, el, script, timerOf } from './bpmn.ts';
import { drive } from './drive.ts';

const adHoc = (
  content: string,
  attributes: Readonly<Record<string, string>> = {},
  condition?: string,
): ReturnType<typeof compile> =>
  compile(
    `<startEvent id="s"/>${el(
      'adHocSubProcess',
      'any',
      attributes,
      content + (condition === undefined ? '' : `<completionCondition>${condition}</completionCondition>`),
    )}<task id="after"/><boundaryEvent id="late" attachedToRef="any">${timerOf('P9D')}</boundaryEvent><task id="given-up"/>
    ${chain('s', 'any', 'after')}${chain('late', 'given-up')}`,
  );

const user = (...ids: string[]): string => ids.map((id) => `<userTask id="${id}"/>`).join('');
const open = (run: ReturnType<typeof drive>): string[] => [...run.tasks.values()].map((one) => one.elementId);
const owner = (run: ReturnType<typeof drive>) =>
  [...run.state.tokens.values()].find((one) => one.wait.kind === 'adHoc');
const activate = (run: ReturnType<typeof drive>, elementId: string) =>
  run.send({ type: 'activate', tokenId: owner(run)?.id ?? 'gone', elementId });

describe('ad-hoc sub-processes', () => {
  it('[WF-6.1-c] begin everything to which no flow leads, and end when nothing is under way', async () => {
    const run = drive(await adHoc(`${user('a', 'b', 'c')}${chain('b', 'c')}`));
    expect(open(run)).toEqual(['a', 'b']);
    run.complete('b');
    expect(open(run)).toEqual(['a', 'c']);
    run.complete('a');
    run.complete('c');
    expect([run.completed.slice(-2), run.state.status, run.timers.size]).toEqual([
      ['any', 'after'],
      'completed',
      0,
    ]);
  });

  it('begin one after the other where they are sequential', async () => {
    const run = drive(await adHoc(`${user('a', 'b', 'c')}${chain('a', 'c')}`, { ordering: 'Sequential' }));
    expect(open(run)).toEqual(['a']);
    run.complete('a');
    expect(open(run)).toEqual(['c']);
    run.complete('c');
    expect(open(run)).toEqual(['b']);
    run.complete('b');
    expect(run.state.status).toBe('completed');
  });

  it('begin what is chosen, with an incident for what cannot be', async () => {
    const model = await adHoc(`${user('a', 'b', 'c')}${chain('b', 'c')}`, {
      'govstack:activeElements': '=wanted',
    });
    const run = drive(model, { wanted: ['b', 'b'] });
    expect(open(run)).toEqual(['b', 'b']);
    const none = drive(model, { wanted: [] });
    expect([none.completed.slice(-2), none.state.status]).toEqual([['any', 'after'], 'completed']);
    for (const wanted of [['c'], 'b', [1]]) {
      const wrong = drive(model, { wanted });
      expect([wrong.incidents.size, wrong.tasks.size, wrong.state.scopes.size]).toEqual([1, 0, 1]);
    }
  });

  it('end as soon as their condition holds, cancelling the rest or waiting for it', async () => {
    const tasks = `${script('a', 'true', 'enough')}${user('b', 'c')}<userTask id="d"/>${chain('c', 'a')}${chain('a', 'd')}`;
    const cancelling = drive(await adHoc(tasks, {}, 'enough = true'));
    cancelling.complete('c');
    expect([cancelling.tasks.size, cancelling.completed.slice(-2)]).toEqual([0, ['any', 'after']]);
    const waiting = drive(await adHoc(tasks, { cancelRemainingInstances: 'false' }, 'enough = true'));
    waiting.complete('c');
    expect(open(waiting)).toEqual(['b', 'd']);
    expect(activate(waiting, 'b').refusal).toMatch(/is over/);
    waiting.complete('b');
    waiting.complete('d');
    expect([waiting.state.status, waiting.completed.slice(-2)]).toEqual(['completed', ['any', 'after']]);
  });

  it('wait for an activity to be begun by hand while their condition does not hold', async () => {
    const run = drive(
      await adHoc(`${user('a', 'b', 'c')}${chain('b', 'c')}`, { ordering: 'Sequential' }, 'done = true'),
      {
        done: false,
      },
    );
    for (const id of ['a', 'b', 'c']) run.complete(id);
    expect([run.state.status, run.tasks.size, owner(run)?.elementId]).toEqual(['running', 0, 'any']);
    expect([activate(run, 'c').refusal, activate(run, 'after').refusal]).toEqual([
      'c is no activity that any could begin',
      'after is no activity that any could begin',
    ]);
    activate(run, 'a');
    activate(run, 'b');
    expect(open(run)).toEqual(['a']);
    run.complete('a');
    expect(open(run)).toEqual(['b']);
    run.complete('b');
    run.complete('c');
    run.send({ type: 'setVariables', scopeId: undefined, variables: { done: true } });
    expect([run.state.status, run.completed.slice(-2)]).toEqual(['completed', ['any', 'after']]);
  });

  it('are left by a boundary event with all that is under way, and stop at a condition that says nothing', async () => {
    const model = await adHoc(user('a', 'b'), {}, 'n &gt; 1');
    const run = drive(model);
    run.fire('late');
    expect([run.tasks.size, run.state.status, run.completed.at(-1)]).toEqual([0, 'completed', 'given-up']);
    const unclear = drive(model);
    unclear.complete('a');
    expect([...unclear.incidents.values()]).toMatchObject([
      { elementId: 'a', message: expect.stringMatching(/neither/) },
    ]);
    const [incidentId = ''] = unclear.incidents.keys();
    unclear.send({ type: 'retry', incidentId, variables: { n: 2 }, request: undefined });
    expect([unclear.state.status, unclear.tasks.size, unclear.completed.at(-1)]).toEqual([
      'completed',
      0,
      'after',
    ]);
  });
});
