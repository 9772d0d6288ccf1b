import { describe, expect, it } from 'vitest';
import { chain, compile, el, extensions, flow, output, service, timerOf } from './bpmn.ts';
import { drive } from './drive.ts';

const roots = `<signal id="one" name="flood"/><signal id="two" name="storm"/><message id="m" name="warning"/>
  <error id="err" errorCode="BROKEN"/><timerEventDefinition id="soon"><timeDuration>PT5S</timeDuration></timerEventDefinition>
  <errorEventDefinition id="broken" errorRef="err"/>`;
const flood = '<signalEventDefinition signalRef="one"/>';
const storm = '<signalEventDefinition signalRef="two"/>';
const warning = '<messageEventDefinition messageRef="m" govstack:correlationKey="k"/>';
const brings = extensions(output('= signal', 'signal'), output('= message', 'message'));

const caught = (definitions: string, parallel = false): string => `<startEvent id="s"/>
  ${el('intermediateCatchEvent', 'c', { parallelMultiple: String(parallel) }, `${brings}${definitions}`)}
  <endEvent id="e"/>${chain('s', 'c', 'e')}`;

const openOf = (run: ReturnType<typeof drive>) => [
  ...run.signals.keys(),
  ...run.subscriptions.keys(),
  ...run.timers.keys(),
];

describe('events with several definitions', () => {
  it('[WF-6.1-c] happen with the first of them, and no longer wait for the others', async () => {
    const model = await compile(caught(`${flood}${warning}${timerOf('PT1H')}`), { roots });
    const run = drive(model);
    expect([run.signals.size, run.subscriptions.size, run.timers.size]).toEqual([1, 1, 1]);
    const [message] = run.subscriptions.keys();
    run.send({ type: 'triggered', subscriptionId: message as string, payload: { level: 2 } });
    expect(run.state.status).toBe('completed');
    expect(run.variables()).toMatchObject({ message: { level: 2 }, signal: null });
    expect(openOf(run)).toEqual([]);
  });

  it('[WF-6.1-c] that are parallel happen once all have come, with what each brought', async () => {
    const run = drive(await compile(caught(`${flood}${warning}`, true), { roots }));
    const [signal] = run.signals.keys();
    run.send({ type: 'triggered', subscriptionId: signal as string, payload: 'high' });
    expect(run.completed).not.toContain('c');
    expect(openOf(run)).toHaveLength(1);
    expect(run.send({ type: 'triggered', subscriptionId: signal as string, payload: 'again' }).taken).toBe(
      false,
    );
    run.fire('c', 'dike');
    expect(run.variables()).toMatchObject({ signal: 'high', message: 'dike' });
    expect(run.state.status).toBe('completed');
    expect(openOf(run)).toEqual([]);
  });

  it('are withdrawn with what they stand on, also those that have come in part', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/>${service('t')}
        ${el('boundaryEvent', 'b', { attachedToRef: 't', parallelMultiple: 'true' }, `${flood}${storm}`)}
        <endEvent id="e"/><endEvent id="f"/>${chain('s', 't', 'e')}${flow('b', 'f')}`,
        { roots },
      ),
    );
    run.fire('b');
    run.answer('t');
    expect(run.completed).toEqual(['s', 't', 'e']);
    expect(openOf(run)).toEqual([]);
  });

  it('interrupt an activity by an error or anything else of theirs', async () => {
    const model = await compile(
      `<startEvent id="s"/><subProcess id="t"><startEvent id="s2"/>${service('u')}
        <endEvent id="bad"><eventDefinitionRef>broken</eventDefinitionRef></endEvent>${chain('s2', 'u', 'bad')}</subProcess>
        ${el('boundaryEvent', 'b', { attachedToRef: 't' }, '<eventDefinitionRef>broken</eventDefinitionRef><eventDefinitionRef>soon</eventDefinitionRef>')}
        <endEvent id="e"/><endEvent id="f"/>${chain('s', 't', 'e')}${flow('b', 'f')}`,
      { roots },
    );
    const failing = drive(model);
    failing.answer('u');
    expect(failing.completed).toEqual(['s', 's2', 'u', 'b', 'f']);
    const late = drive(model);
    expect([...late.timers.values()]).toMatchObject([{ dueAt: '2026-01-01T00:00:05Z' }]);
    late.fire('b');
    expect(late.completed).toEqual(['s', 's2', 'b', 'f']);
    expect(openOf(failing).concat(openOf(late))).toEqual([]);
  });

  it('begin an event sub-process, beside the rest as often as one of them comes', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/>${service('t')}<endEvent id="e"/>${chain('s', 't', 'e')}
        <subProcess id="h" triggeredByEvent="true"><startEvent id="hs" isInterrupting="false">${flood}${storm}</startEvent>
        <endEvent id="he"/>${chain('hs', 'he')}</subProcess>`,
        { roots },
      ),
    );
    for (const id of [...run.signals.keys(), ...run.signals.keys()]) {
      run.send({ type: 'triggered', subscriptionId: id, payload: null });
    }
    expect(run.completed.filter((id) => id === 'he')).toHaveLength(4);
  });

  it('[WF-6.1-c] throw all of them, to branches beside that are on their way to wait', async () => {
    const thrown = await compile(
      `<startEvent id="s"/><parallelGateway id="g"/><intermediateThrowEvent id="throw">${flood}${storm}</intermediateThrowEvent>
      <intermediateCatchEvent id="c1">${flood}</intermediateCatchEvent><intermediateCatchEvent id="c2">${storm}</intermediateCatchEvent>
      <endEvent id="e"/>${chain('s', 'g', 'throw', 'e')}${chain('g', 'c1', 'e')}${chain('g', 'c2', 'e')}`,
      { roots },
    );
    const run = drive(thrown);
    expect(run.completed).toEqual(expect.arrayContaining(['throw', 'c1', 'c2']));
    expect(run.state.status).toBe('completed');
  });
});
