import { describe, expect, it } from 'vitest';
import { chain, compile, el, extensions, output, script, service } from './bpmn.ts';
import { drive } from './drive.ts';

const roots = '<signal id="sig" name="done"/><signalEventDefinition id="done" signalRef="sig"/>';
const marker = (attributes: string, content = ''): string =>
  `<multiInstanceLoopCharacteristics ${attributes}>${content}</multiInstanceLoopCharacteristics>`;
const times = (runs: string): string => `<loopCardinality>${runs}</loopCardinality>`;
const on = (content: string): string =>
  `<startEvent id="s"/>${content}<endEvent id="e"/>${chain('s', 't', 'e')}`;
const watched = (loop: string, cancel = false): string =>
  `${on(el('userTask', 't', {}, `${extensions(output('=answer', 'answer'))}${loop}`))}
  ${el('boundaryEvent', 'b', { attachedToRef: 't', cancelActivity: String(cancel) }, '<signalEventDefinition signalRef="sig"/>')}
  <task id="seen"/>${chain('b', 'seen')}`;
const count = (ids: readonly string[], id: string): number => ids.filter((one) => one === id).length;

describe('multi-instance by number', () => {
  it('[WF-6.1-c] runs an activity as often as loopCardinality says, counted by loopCounter', async () => {
    const loop = marker('govstack:resultVariable="squares" govstack:resultElement="=square"', times('n + 1'));
    const task = script('t', 'loopCounter * loopCounter', 'square').replace('<script>', `${loop}<script>`);
    const model = await compile(on(task));
    expect(drive(model, { n: 2 }).variables()).toEqual({ n: 2, squares: [1, 4, 9] });
    const none = drive(model, { n: -1 });
    expect([none.variables(), none.state.status]).toEqual([{ n: -1, squares: [] }, 'completed']);
    for (const n of [-2, 0.5, 100, 'x']) {
      expect([...drive(model, { n }).incidents.values()]).toMatchObject([
        { message: expect.stringMatching(n === 'x' ? /./ : /not a whole number from 0 to 100/) },
      ]);
    }
  });

  it('[WF-6.1-c] ends as soon as the completion condition holds, and cancels what is left', async () => {
    const condition =
      '<completionCondition>answer = "no" or numberOfCompletedInstances = 3</completionCondition>';
    const loop = marker(
      'govstack:resultVariable="all" govstack:resultElement="=answer"',
      `${times('5')}${condition}`,
    );
    const model = await compile(
      on(el('userTask', 't', {}, `${extensions(output('=answer', 'answer'))}${loop}`)),
    );
    const refused = drive(model);
    refused.complete('t', { answer: 'yes' });
    expect(refused.tasks.size).toBe(4);
    refused.complete('t', { answer: 'no' });
    expect(refused.tasks.size).toBe(0);
    expect(refused.variables()).toEqual({ all: ['yes', 'no', null, null, null] });
    const third = drive(model);
    for (const _ of [1, 2, 3]) third.complete('t', { answer: 'yes' });
    expect([third.state.status, third.tasks.size, third.state.tokens.size]).toEqual(['completed', 0, 0]);
    const inRow = drive(
      await compile(
        on(
          service(
            't',
            marker(
              'isSequential="true"',
              `${times('5')}
      <completionCondition>loopCounter = 2 and numberOfInstances = 5 and numberOfActiveInstances = 0</completionCondition>`,
            ),
          ),
        ),
      ),
    );
    inRow.answer('t');
    inRow.answer('t');
    expect([inRow.state.status, inRow.commands.filter((one) => one.type === 'createJob').length]).toEqual([
      'completed',
      2,
    ]);
  });
});

describe('multi-instance behaviour', () => {
  it.each([
    ['None', 'noneBehaviorEventRef="done"', 3],
    ['One', 'oneBehaviorEventRef="done"', 1],
    ['All', '', 0],
  ])('[WF-6.1-c] %s throws its event at the boundary as runs end', async (behaviour, ref, seen) => {
    const loop = marker(`behavior="${behaviour}" ${ref}`, times('3'));
    const run = drive(await compile(watched(loop), { roots }));
    for (const _ of [1, 2, 3]) run.complete('t', { answer: 1 });
    expect(count(run.completed, 'seen')).toBe(seen);
    expect(run.state.status).toBe('completed');
  });

  it('Complex throws as its conditions say, with the numbers of the runs', async () => {
    const loop = marker(
      'behavior="Complex"',
      `${times('3')}<complexBehaviorDefinition>
      <condition>answer &gt; 1 and numberOfCompletedInstances = 2</condition>
      <event id="ev"><signalEventDefinition signalRef="sig"/></event></complexBehaviorDefinition>`,
    );
    const run = drive(await compile(watched(loop), { roots }));
    for (const answer of [2, 2, 2]) run.complete('t', { answer });
    expect(count(run.completed, 'seen')).toBe(1);
    expect(run.commands).toContainEqual({
      type: 'throwSignal',
      signal: 'done',
      payload: {
        loopCounter: 2,
        numberOfInstances: 3,
        numberOfActiveInstances: 1,
        numberOfCompletedInstances: 2,
      },
    });
  });

  it('is over when its event interrupts', async () => {
    const run = drive(
      await compile(watched(marker('behavior="One" oneBehaviorEventRef="done"', times('3')), true), {
        roots,
      }),
    );
    run.complete('t', { answer: 1 });
    expect(run.completed.slice(-2)).toEqual(['b', 'seen']);
    expect([run.tasks.size, run.state.status, run.completed.includes('e')]).toEqual([0, 'completed', false]);
  });

  it('needs the event that it throws', async () => {
    await expect(compile(on(el('task', 't', {}, marker('behavior="None"', times('2')))))).rejects.toThrow(
      /needs noneBehaviorEventRef/,
    );
  });
});

describe('token quantities', () => {
  it('[WF-6.1-c] leave an activity several times, and begin one once enough have come', async () => {
    const model =
      await compile(`<startEvent id="s"/><task id="send" completionQuantity="4"/>${service('work')}
      ${el('userTask', 'take', { startQuantity: '2' })}<endEvent id="e"/>${chain('s', 'send', 'work', 'take', 'e')}`);
    const run = drive(model);
    expect(run.jobs.size).toBe(4);
    run.answer('work');
    expect(run.tasks.size).toBe(0);
    for (const _ of [1, 2, 3]) run.answer('work');
    expect(run.tasks.size).toBe(2);
    run.complete('take');
    run.complete('take');
    expect([run.state.status, count(run.completed, 'take'), run.state.tokens.size]).toEqual([
      'completed',
      2,
      0,
    ]);
  });

  it('that can never be reached are an incident; one that failed to begin needs no more tokens to be retried', async () => {
    const one = drive(
      await compile(`<startEvent id="s"/><task id="t" startQuantity="2"/>${chain('s', 't')}`),
    );
    expect([...one.incidents.values()]).toMatchObject([{ elementId: 't' }]);
    const failing = el('userTask', 't', { startQuantity: '2', 'govstack:dueDate': '=due' });
    const run = drive(
      await compile(
        `<startEvent id="s"/><task id="a" completionQuantity="2"/>${failing}${chain('s', 'a', 't')}`,
      ),
      { due: 'never' },
    );
    const [incidentId] = run.incidents.keys();
    run.send({
      type: 'retry',
      incidentId: incidentId as string,
      variables: { due: null },
      request: undefined,
    });
    expect([run.tasks.size, run.incidents.size, run.state.tokens.size]).toEqual([1, 0, 1]);
  });

  it('are whole numbers from 1', async () => {
    await expect(compile(on(el('task', 't', { startQuantity: '0' })))).rejects.toThrow(/whole number from 1/);
  });
});
