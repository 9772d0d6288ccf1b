import { describe, expect, it } from 'vitest';
import { chain, compile, el, flow, script, service, timerOf } from './bpmn.ts';
import { drive } from './drive.ts';

const fork = `<startEvent id="s"/><parallelGateway id="fork"/><parallelGateway id="join"/><endEvent id="e"/>
  ${service('a')}${service('b')}${chain('s', 'fork', 'a', 'join', 'e')}${chain('fork', 'b', 'join')}`;

describe('exclusive gateway', () => {
  const model = compile(`<startEvent id="s"/><exclusiveGateway id="x" default="x-c"/>
    ${el('task', 'a')}${el('task', 'b')}${el('task', 'c')}<endEvent id="e"/>
    ${flow('s', 'x')}${flow('x', 'a', { condition: '= n > 10' })}${flow('x', 'b', { condition: 'n > 5' })}
    ${flow('x', 'c')}${flow('a', 'e')}${flow('b', 'e')}${flow('c', 'e')}`);

  it.each([
    [20, 'a'],
    [7, 'b'],
    [1, 'c'],
  ])('[WF-6.1-d] takes the first flow whose condition holds, else the default flow (n = %i)', async (n, taken) => {
    const run = drive(await model, { n });
    expect(run.completed).toEqual(['s', 'x', taken, 'e']);
    expect(run.state.status).toBe('completed');
  });

  it('stops with an incident when a condition is neither true nor false, and goes on after a correction', async () => {
    const run = drive(await model, {});
    const [incident] = run.incidents.values();
    expect(incident?.elementId).toBe('x');
    expect(incident?.message).toContain('there is no variable n');
    run.send({
      type: 'retry',
      incidentId: incident?.incidentId ?? '',
      variables: { n: 20 },
      request: undefined,
    });
    expect(run.incidents.size).toBe(0);
    expect(run.state.status).toBe('completed');
  });

  it('stops with an incident when no condition holds and there is no default flow', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><exclusiveGateway id="x"/><endEvent id="a"/><endEvent id="b"/>
        ${flow('s', 'x')}${flow('x', 'a', { condition: 'n = 1' })}${flow('x', 'b', { condition: 'n = 2' })}`),
      { n: 3 },
    );
    expect([...run.incidents.values()].map((one) => one.elementId)).toEqual(['x']);
    expect(run.state.status).toBe('running');
  });
});

describe('parallel gateway', () => {
  it('[WF-6.1-d] waits at a join until a token has come on every flow', async () => {
    const run = drive(await compile(fork));
    expect(run.jobs.size).toBe(2);
    run.answer('a');
    expect(run.state.status).toBe('running');
    run.answer('b');
    expect(run.state.status).toBe('completed');
    expect(run.completed.filter((id) => id === 'join')).toHaveLength(1);
    expect(run.completed.filter((id) => id === 'e')).toHaveLength(1);
  });

  it('does not join two tokens of the same flow: a token that never comes is reported, not invented', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><parallelGateway id="fork"/><exclusiveGateway id="x" default="x-join"/>
        <parallelGateway id="join"/><endEvent id="e"/><endEvent id="other"/>${el('task', 'a')}
        ${flow('s', 'fork')}${flow('fork', 'x')}${flow('fork', 'a')}${flow('a', 'join')}${flow('x', 'join')}
        ${flow('x', 'other', { condition: 'true' })}${flow('join', 'e')}`),
    );
    expect(run.completed).not.toContain('join');
    expect([...run.incidents.values()].map((one) => one.elementId)).toEqual(['join']);
  });
});

describe('inclusive gateway', () => {
  const model = compile(`<startEvent id="s"/><inclusiveGateway id="split" default="split-c"/>
    <inclusiveGateway id="join"/><endEvent id="e"/>${service('a')}${service('b')}${service('c')}
    ${flow('s', 'split')}${flow('split', 'a', { condition: 'x' })}${flow('split', 'b', { condition: 'y' })}
    ${flow('split', 'c')}${flow('a', 'join')}${flow('b', 'join')}${flow('c', 'join')}${flow('join', 'e')}`);

  it.each([
    [true, true, ['a', 'b']],
    [true, false, ['a']],
    [false, false, ['c']],
  ])('[WF-6.1-d] takes every flow that holds and joins exactly those (%s, %s)', async (x, y, taken) => {
    const run = drive(await model, { x, y });
    expect([...run.jobs.values()].map((job) => job.elementId)).toEqual(taken);
    for (const id of taken) {
      expect(run.state.status).toBe('running');
      run.answer(id);
    }
    expect(run.state.status).toBe('completed');
    expect(run.completed.filter((id) => id === 'e')).toHaveLength(1);
  });
});

describe('event-based gateway', () => {
  const model = compile(
    `<startEvent id="s"/><eventBasedGateway id="g"/><endEvent id="paid"/><endEvent id="late"/>
    <intermediateCatchEvent id="message"><messageEventDefinition messageRef="m" govstack:correlationKey="= key"/>
    </intermediateCatchEvent><intermediateCatchEvent id="timer">${timerOf('P1D')}</intermediateCatchEvent>
    ${chain('s', 'g', 'message', 'paid')}${chain('g', 'timer', 'late')}`,
    { roots: '<message id="m" name="payment-done"/>' },
  );

  it('[WF-6.1-d] goes on with the event that happens first and forgets the others', async () => {
    const run = drive(await model, { key: 'k' });
    expect(run.timers.size).toBe(1);
    run.fire('message', { ok: true });
    expect(run.completed).toEqual(['s', 'g', 'message', 'paid']);
    expect(run.timers.size).toBe(0);
    expect(run.state.status).toBe('completed');
  });

  it('ignores an event that comes after another has been taken', async () => {
    const run = drive(await model, { key: 'k' });
    const [subscription] = run.subscriptions.keys();
    run.fire('timer');
    expect(run.send({ type: 'triggered', subscriptionId: subscription ?? '', payload: null }).taken).toBe(
      false,
    );
    expect(run.completed).toEqual(['s', 'g', 'timer', 'late']);
  });
});

it('follows conditional flows of an activity and its default flow', async () => {
  const model = await compile(`<startEvent id="s"/>
    <task id="t" default="t-c"/><endEvent id="a"/><endEvent id="c"/>${flow('s', 't')}
    ${flow('t', 'a', { condition: 'x' })}${flow('t', 'c')}`);
  expect(drive(model, { x: true }).completed).toEqual(['s', 't', 'a']);
  expect(drive(model, { x: false }).completed).toEqual(['s', 't', 'c']);
});

it('splits over several unconditional flows, and a merge without a gateway passes each token', async () => {
  const run = drive(
    await compile(`<startEvent id="s"/>${el('task', 'a')}${el('task', 'b')}${el('task', 'c')}<endEvent id="e"/>
      ${flow('s', 'a')}${flow('a', 'b')}${flow('a', 'c')}${flow('b', 'e')}${flow('c', 'e')}`),
  );
  expect(run.completed.filter((id) => id === 'e')).toHaveLength(2);
  expect(run.state.status).toBe('completed');
});

it('stops a loop without a wait state with an incident', async () => {
  const model = await compile(`<startEvent id="s"/><exclusiveGateway id="again" default="again-t"/>
    ${script('t', '= n + 1', 'n')}<endEvent id="e"/>
    ${flow('s', 't')}${flow('t', 'again')}${flow('again', 't')}${flow('again', 'e', { condition: 'n >= limit' })}`);
  expect(drive(model, { n: 0, limit: 50 }).state.status).toBe('completed');
  const endless = drive(model, { n: 0, limit: 100_000 });
  expect([...endless.incidents.values()][0]?.message).toContain('moves without waiting');
  expect(endless.state.status).toBe('running');
});

const complex = (condition: string): string =>
  `<complexGateway id="c"><activationCondition>${condition}</activationCondition></complexGateway>`;

describe('complex gateways', () => {
  const three = (gateway: string, after: string): string =>
    `<startEvent id="s"/><parallelGateway id="split"/>${['a', 'b', 'd'].map((id) => `<userTask id="${id}"/>${chain('split', id, 'c')}`).join('')}
     ${chain('s', 'split')}${gateway}${after}`;

  it('[WF-6.1-d] go on once when enough has arrived, whatever comes later, and begin anew then', async () => {
    const run = drive(
      await compile(
        three(
          complex('activationCount &gt;= 2'),
          `<task id="on"/><endEvent id="e"/>${chain('c', 'on', 'e')}`,
        ),
      ),
    );
    run.complete('a');
    expect([run.completed.includes('on'), run.state.status]).toEqual([false, 'running']);
    run.complete('b');
    expect([run.completed.includes('on'), run.state.status]).toEqual([true, 'running']);
    run.complete('d');
    expect([run.completed.filter((id) => id === 'on').length, run.state.status]).toEqual([1, 'completed']);
  });

  it('send what their conditions ask for when they start, and when everything has come', async () => {
    const on = (id: string, condition: string): string => `<task id="${id}"/>${flow('c', id, { condition })}`;
    const run = drive(
      await compile(
        three(
          complex('activationCount &gt;= 1'),
          on('first', 'waitingForStart') +
            on('last', 'not(waitingForStart)') +
            on('never', 'waitingForStart and false'),
        ),
      ),
    );
    run.complete('d');
    expect(run.completed.slice(-2)).toEqual(['c', 'first']);
    run.complete('a');
    run.complete('b');
    expect(run.completed.filter((id) => ['first', 'last', 'never'].includes(id))).toEqual(['first', 'last']);
    expect(run.state.status).toBe('completed');
  });

  it('do not wait for what can no longer come, and pass again in a loop', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/><inclusiveGateway id="split"/><userTask id="a"/><userTask id="b"/>${flow('split', 'a', { condition: 'true' })}
         ${flow('split', 'b', { condition: 'both' })}${chain('s', 'split')}${chain('a', 'c')}${chain('b', 'c')}
         ${complex('activationCount &gt;= 1')}<userTask id="on"/><exclusiveGateway id="x" default="x-e"/><endEvent id="e"/>
         ${chain('c', 'on', 'x')}${flow('x', 'split', { condition: 'again' })}${flow('x', 'e')}`,
      ),
      { both: false, again: true },
    );
    run.complete('a');
    run.complete('on');
    run.send({ type: 'setVariables', scopeId: undefined, variables: { again: false } });
    run.complete('a');
    run.complete('on');
    expect([run.state.status, run.completed.filter((id) => id === 'c').length]).toEqual(['completed', 2]);
  });

  it('tell the flows apart, split as an inclusive gateway does, and report what can never come', async () => {
    const run = drive(
      await compile(
        three(complex('get value(activationCounts, "a-c") = 1'), `<task id="on"/>${chain('c', 'on')}`),
      ),
    );
    run.complete('b');
    run.complete('d');
    expect(run.completed).not.toContain('on');
    run.complete('a');
    expect([run.completed.at(-1), run.state.status]).toEqual(['on', 'completed']);
    const split = drive(
      await compile(
        `<startEvent id="s"/><complexGateway id="c" default="c-z"/><task id="y"/><task id="z"/>${chain('s', 'c')}${flow('c', 'y', { condition: 'n = 1' })}${flow('c', 'z')}`,
      ),
      { n: 2 },
    );
    expect(split.completed).toEqual(['s', 'c', 'z']);
    const stuck = drive(
      await compile(three(complex('activationCount &gt; 3'), `<task id="on"/>${chain('c', 'on')}`)),
    );
    for (const id of ['a', 'b', 'd']) stuck.complete(id);
    expect([...stuck.incidents.values()]).toMatchObject([
      { message: expect.stringMatching(/can no longer come/) },
    ]);
  });
});
