import { describe, expect, it } from 'vitest';
import { newInstance } from '../../src/execution/state.ts';
import { step } from '../../src/execution/step.ts';
import { chain, compile, el, extensions, flow, input, output, script, service } from './bpmn.ts';
import { drive } from './drive.ts';

const on = (content: string): string =>
  `<startEvent id="s"/>${content}<endEvent id="e"/>${chain('s', 't', 'e')}`;
const io = (inputs: readonly string[], outputs: readonly string[]): string =>
  `<ioSpecification>${inputs.map((id) => `<dataInput id="${id}" name="${id.slice(1)}"/>`).join('')}
  ${outputs.map((id) => `<dataOutput id="${id}" name="${id.slice(1)}"/>`).join('')}<inputSet id="is"/><outputSet id="os"/></ioSpecification>`;
const into = (source: string, target: string, how = ''): string =>
  `<dataInputAssociation id="i-${target}"><sourceRef>${source}</sourceRef><targetRef>${target}</targetRef>${how}</dataInputAssociation>`;
const outOf = (source: string, target: string, how = ''): string =>
  `<dataOutputAssociation id="o-${source}"><sourceRef>${source}</sourceRef><targetRef>${target}</targetRef>${how}</dataOutputAssociation>`;
const objects = `<property id="age" itemSubjectRef="xsd:int"/><dataObject id="d1" name="household"/><dataObject id="d2" name="score"/>
  <dataObjectReference id="r1" name="Household (as applied)" dataObjectRef="d1"/><dataObjectReference id="r2" dataObjectRef="d2"/>
  <dataStoreReference id="store" name="Archive"/>`;

const marker = (attributes: string, content = ''): string =>
  `<multiInstanceLoopCharacteristics ${attributes}>${content}</multiInstanceLoopCharacteristics>`;

describe('multi-instance over data objects', () => {
  it('[WF-6.1-b] takes its items from a data object and collects into another', async () => {
    const data = `<dataObject id="do1" name="amounts" isCollection="true"/><dataObject id="do2" name="doubled" isCollection="true"/>
      <dataObjectReference id="r1" name="List of amounts" dataObjectRef="do1"/><dataObjectReference id="r2" dataObjectRef="do2"/>`;
    const loop = marker(
      '',
      `<loopDataInputRef>in</loopDataInputRef><loopDataOutputRef>r2</loopDataOutputRef>
      <inputDataItem id="i" name="amount"/><outputDataItem id="o" name="twice"/>`,
    );
    const task = `<scriptTask id="t" govstack:resultVariable="twice"><ioSpecification><dataInput id="in"/><inputSet id="is"><dataInputRefs>in</dataInputRefs></inputSet><outputSet id="os"/></ioSpecification>
      <dataInputAssociation id="a"><sourceRef>r1</sourceRef><targetRef>in</targetRef></dataInputAssociation>${loop}<script>2 * amount</script></scriptTask>`;
    const run = drive(await compile(`${data}${on(task)}`), { amounts: [1, 5], twice: 'untouched' });
    expect(run.variables()).toEqual({ amounts: [1, 5], doubled: [2, 10], twice: 'untouched' });
  });
});

describe('data', () => {
  it('[WF-6.1-b] associations bring variables to a user task and take what was entered back', async () => {
    const task = `<userTask id="t">${io(['_Household', '_years'], ['_verdict', '_grade'])}${into('r1', '_Household')}
      ${into('age', '_years', '<transformation>age - 18</transformation>')}${outOf('_verdict', 'r2')}
      ${outOf('_grade', 'age', '<assignment><from>grade * 10</from><to>points</to></assignment>')}</userTask>`;
    const run = drive(await compile(`${objects}${on(task)}`), { household: { size: 4 }, age: 20 });
    expect([...run.tasks.values()]).toMatchObject([{ inputs: { Household: { size: 4 }, years: 2 } }]);
    run.complete('t', { verdict: 'eligible', grade: 3 });
    expect(run.variables()).toEqual({ household: { size: 4 }, age: 20, score: 'eligible', points: 30 });
  });

  it('[WF-6.1-b] associations carry parts of a call and of its answer', async () => {
    const task = service(
      't',
      `<ioSpecification><dataInput id="n" name="body.person"/><dataOutput id="o" name="alive"/><inputSet id="is"/><outputSet id="os"/></ioSpecification>
      ${into('r1', 'n')}${outOf('o', 'r2')}`,
    );
    const run = drive(await compile(`${objects}${on(task)}`), { household: 'H1' });
    expect([...run.jobs.values()]).toMatchObject([{ request: { body: { person: 'H1' } } }]);
    run.answer('t', { alive: true });
    expect(run.variables()).toMatchObject({ score: true });
  });

  it('[WF-6.1-b] results of scripts, messages and decisions go where they are drawn, as a whole or by part', async () => {
    const roots = '<message id="m" name="paid"/>';
    const run = drive(
      await compile(
        `${objects}<startEvent id="s"/>
        <scriptTask id="a">${io(['_base'], ['_sum'])}${into('age', '_base')}${outOf('_sum', 'r2')}<script>base + age</script></scriptTask>
        <intermediateCatchEvent id="c"><dataOutput id="_household" name="household"/>${outOf('_household', 'r1')}
        <messageEventDefinition messageRef="m" govstack:correlationKey="k"/></intermediateCatchEvent><endEvent id="e"/>${chain('s', 'a', 'c', 'e')}`,
        { roots },
      ),
      { age: 20 },
    );
    run.fire('c', { household: 'H2', more: 1 });
    expect(run.variables()).toEqual({ age: 20, score: 40, household: 'H2' });
  });

  it('[WF-6.1-b] what is drawn for readers changes nothing', async () => {
    const drawn = `${objects}${on(`<task id="t"><property id="hold" name="__targetRef_placeholder"/>
      <dataInputAssociation id="i"><sourceRef>r1</sourceRef><targetRef>hold</targetRef></dataInputAssociation>
      <dataOutputAssociation id="o"><targetRef>store</targetRef></dataOutputAssociation></task>`)}
      <textAnnotation id="note"><text>by law</text></textAnnotation><association id="as" sourceRef="t" targetRef="note"/>
      <group id="grp"/>`;
    const run = drive(await compile(drawn), { household: 1 });
    expect([run.state.status, run.variables()]).toEqual(['completed', { household: 1 }]);
  });

  it.each([
    [
      'a data store that a mapping would fill',
      `<userTask id="t">${io([], ['_x'])}${outOf('_x', 'store')}</userTask>`,
      /written by a service task/,
    ],
    [
      'an input of what takes none',
      `<task id="t">${io(['_x'], [])}${into('r1', '_x')}</task>`,
      /input of this element/,
    ],
    [
      'a name that no variable can have',
      `<userTask id="t">${io([], ['_x'])}${outOf('_x', 'r1', '<assignment><from>1</from><to>a b</to></assignment>')}</userTask>`,
      /cannot be the name/,
    ],
    [
      'an association that cannot be read',
      `<userTask id="t">${io(['_x'], [])}${into('r1', '_x', '<transformation>1 +</transformation>')}</userTask>`,
      /syntax error/,
    ],
  ])('refuses %s', async (_what, task, message) => {
    await expect(compile(`${objects}${on(task)}`)).rejects.toThrow(message);
  });
});

describe('a receive task that begins the process', () => {
  it('[WF-6.1-c] takes the message like a start event, and has nothing on its boundary', async () => {
    const roots = '<message id="m" name="applied"/>';
    const first = `<receiveTask id="t" messageRef="m" instantiate="true">${extensions(output('=message.id', 'id'))}</receiveTask>`;
    const model = await compile(`${first}<endEvent id="e"/>${chain('t', 'e')}`, { roots });
    expect(model.elements.get('t')).toMatchObject({ trigger: { kind: 'message', name: 'applied' } });
    const event = {
      type: 'start' as const,
      variables: {},
      at: { elementId: 't', brought: { message: { id: 7 } } },
    };
    const { state } = step(model, newInstance('i', '2026-01-01T00:00:00Z', undefined), event, {
      now: '2026-01-01T00:00:00Z',
      newId: () => crypto.randomUUID(),
      maxMoves: 10,
      maxIterations: 10,
      retries: [],
    });
    expect([state.status, [...state.scopes.values()][0]?.variables]).toEqual(['completed', { id: 7 }]);
    const bounded = `${first}<boundaryEvent id="b" attachedToRef="t"><errorEventDefinition/></boundaryEvent><endEvent id="e"/>${chain('t', 'e')}${flow('b', 'e')}`;
    await expect(compile(bounded, { roots })).rejects.toThrow(/nothing on its boundary/);
  });
});

describe('global tasks', () => {
  const roots = `<globalScriptTask id="twice" name="Twice"><script>2 * n</script></globalScriptTask>
    <globalUserTask id="ask" govstack:candidateRole="officer"/><globalTask id="nothing"/><globalManualTask id="byHand"/>`;
  const call = (id: string, calledElement: string, content = ''): string =>
    el('callActivity', id, { calledElement }, content);

  it('[WF-6.1-c] are called with mapped data only', async () => {
    const inner = extensions(input('n', '=amount'), output('=result', 'doubled'));
    const model = await compile(
      `<startEvent id="s"/>${call('t', 'twice', inner)}${call('q', 'ask', extensions(input('shown', '=doubled'), output('=verdict', 'verdict')))}
      ${call('x', 'nothing')}${call('y', 'byHand')}<endEvent id="e"/>${chain('s', 't', 'q', 'x', 'y', 'e')}`,
      { roots },
    );
    const run = drive(model, { amount: 21, n: 1 });
    expect([...run.tasks.values()]).toMatchObject([{ candidateRole: 'officer', inputs: { shown: 42 } }]);
    run.complete('q', { verdict: 'yes' });
    expect([run.state.status, run.variables()]).toEqual([
      'completed',
      { amount: 21, n: 1, doubled: 42, verdict: 'yes' },
    ]);
    const unmapped = await compile(on(call('t', 'twice', extensions(output('=result', 'doubled')))), {
      roots,
    });
    expect(drive(unmapped, { n: 1 }).variables()).toEqual({ n: 1, doubled: null });
  });

  it('take decisions, and can be repeated and interrupted like any activity', async () => {
    const model = await compile(
      `${on(call('t', 'ask', '<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>'))}
      ${el('boundaryEvent', 'b', { attachedToRef: 't' }, '<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>')}
      ${script('late', '1', 'late')}${flow('b', 'late')}`,
      { roots },
    );
    const run = drive(model);
    expect(run.tasks.size).toBe(2);
    run.fire('b');
    expect([run.tasks.size, run.variables()]).toEqual([0, { late: 1 }]);
  });
});
