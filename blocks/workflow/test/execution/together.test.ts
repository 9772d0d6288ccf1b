import { describe, expect, it } from 'vitest';
import { chain, compile, el, flow, output, script, timerOf } from './bpmn.ts';
import { type Drive, drive } from './drive.ts';

const user = (...ids: string[]): string => ids.map((id) => `<userTask id="${id}"/>`).join('');
const times = (run: Drive, id: string): number => run.completed.filter((one) => one === id).length;
const open = (run: Drive): string[] => [...run.tasks.values()].map((one) => one.elementId);
const messages = (run: Drive): string[] => [...run.incidents.values()].map((one) => one.message);
const retry = (run: Drive, variables?: Record<string, never | string | number | boolean>) => {
  const [incidentId = ''] = run.incidents.keys();
  return run.send({ type: 'retry', incidentId, variables, request: undefined });
};
const extended = (...elements: string[]): string =>
  `<extensionElements>${elements.join('')}</extensionElements>`;
const undone = (id: string): string =>
  `<boundaryEvent id="${id}-undo" attachedToRef="${id}"><compensateEventDefinition/></boundaryEvent>
   <task id="undo-${id}" isForCompensation="true"/><association id="${id}-a" sourceRef="${id}-undo" targetRef="undo-${id}"/>`;

describe('runs that need nobody', () => {
  const loop = (content: string): string =>
    `<multiInstanceLoopCharacteristics${content}</multiInstanceLoopCharacteristics>`;

  it('are counted one after the other though all have begun', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/>${el('task', 'each', {}, loop(' behavior="One" oneBehaviorEventRef="first"><loopCardinality>3</loopCardinality>'))}
         <boundaryEvent id="told" attachedToRef="each" cancelActivity="false"><escalationEventDefinition escalationRef="esc"/></boundaryEvent>
         <task id="hear"/><endEvent id="e"/>${chain('s', 'each', 'e')}${chain('told', 'hear')}`,
        {
          roots:
            '<escalation id="esc" escalationCode="E"/><escalationEventDefinition id="first" escalationRef="esc"/>',
        },
      ),
    );
    expect([times(run, 'hear'), run.state.status]).toEqual([1, 'completed']);
  });

  it('are undone also when others of them were cancelled by the completion condition', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/>${el(
          'subProcess',
          'each',
          {},
          `${loop('><loopCardinality>3</loopCardinality><completionCondition>numberOfCompletedInstances = 2</completionCondition>')}
           <startEvent id="is"/><task id="a"/>${undone('a')}<exclusiveGateway id="x" default="x-ie"/>${user('w')}<endEvent id="ie"/>
           ${chain('is', 'a', 'x')}${flow('x', 'ie')}${flow('x', 'w', { condition: 'loopCounter = 3' })}`,
        )}
         <intermediateThrowEvent id="undo"><compensateEventDefinition/></intermediateThrowEvent><endEvent id="e"/>
         ${chain('s', 'each', 'undo', 'e')}`,
      ),
    );
    expect([run.tasks.size, times(run, 'undo-a'), run.state.status]).toEqual([0, 2, 'completed']);
  });
});

describe('an ad-hoc sub-process', () => {
  const adHoc = (content: string, attributes: Record<string, string> = {}): string =>
    el('adHocSubProcess', 'any', attributes, content);
  const interrupting = `<subProcess id="stop" triggeredByEvent="true"><startEvent id="stop-s"><messageEventDefinition
    messageRef="m" govstack:correlationKey="k"/></startEvent>${user('stopped')}${chain('stop-s', 'stopped')}</subProcess>`;
  const roots = '<message id="m" name="stop"/>';

  it.each([
    ['sequential', { ordering: 'Sequential' }, ''],
    ['with a condition', {}, '<completionCondition>false</completionCondition>'],
  ])('%s begins nothing any more once an event sub-process has taken its place', async (_, attributes, condition) => {
    const run = drive(
      await compile(
        `<startEvent id="s"/>${adHoc(user('a', 'b') + interrupting + condition, attributes)}<task id="after"/>${chain('s', 'any', 'after')}`,
        { roots },
      ),
    );
    run.fire('stop');
    expect(open(run)).toEqual(['stopped']);
    const owner = [...run.state.tokens.values()].find((one) => one.wait.kind === 'adHoc');
    const begun = run.send({ type: 'activate', tokenId: owner?.id ?? '', elementId: 'a' });
    expect(begun.refusal).toMatch(/is over/);
    run.complete('stopped');
    expect([run.state.status, run.completed.slice(-2)]).toEqual(['completed', ['any', 'after']]);
  });

  it('hears of variables that change in the step in which it begins', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/><parallelGateway id="fork"/>${adHoc('<task id="a"/><completionCondition>done = true</completionCondition>')}
         <subProcess id="sub"><startEvent id="is"/><task id="t"/>${chain('is', 't')}</subProcess>${script('set', 'true', 'done')}${user('wait')}
         ${chain('s', 'fork', 'any')}${chain('fork', 'sub', 'set', 'wait')}`,
      ),
      { done: false },
    );
    expect(times(run, 'any')).toBe(1);
  });
});

describe('what compensates', () => {
  it('is done once though the flow behind the activity had to be corrected', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/><task id="a"/>${undone('a')}<intermediateThrowEvent id="undo"><compensateEventDefinition/></intermediateThrowEvent>
         <endEvent id="e"/>${chain('s', 'a')}${flow('a', 'undo', { id: 'on', condition: 'ok' })}${chain('undo', 'e')}`,
      ),
    );
    expect([run.incidents.size, times(run, 'a')]).toEqual([1, 0]);
    retry(run, { ok: true });
    expect([times(run, 'a'), times(run, 'undo-a'), run.state.status]).toEqual([1, 1, 'completed']);
  });

  it('does not hold up a join when the flow goes on beside it', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/><task id="a"/><boundaryEvent id="a-undo" attachedToRef="a"><compensateEventDefinition/></boundaryEvent>
         <userTask id="undo-a" isForCompensation="true"/><association id="aa" sourceRef="a-undo" targetRef="undo-a"/>
         <intermediateThrowEvent id="undo"><compensateEventDefinition waitForCompletion="false"/></intermediateThrowEvent>
         <inclusiveGateway id="split"/><inclusiveGateway id="join"/>${user('b', 'on')}
         ${chain('s', 'a', 'split')}${flow('split', 'undo', { condition: 'true' })}${flow('split', 'b', { condition: 'true' })}
         ${chain('undo', 'x1', 'join')}${chain('b', 'join', 'on')}<exclusiveGateway id="x1" default="x1-join"/>${flow('x1', 'gone', { condition: 'true' })}<endEvent id="gone"/>`,
      ),
    );
    run.complete('b');
    expect(open(run)).toEqual(['undo-a', 'on']);
  });

  it('and escalates on the way out of a transaction leaves nothing behind', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/><transaction id="t"><startEvent id="ts"/><task id="a"/>
           <boundaryEvent id="a-undo" attachedToRef="a"><compensateEventDefinition/></boundaryEvent>
           <subProcess id="undo-a" isForCompensation="true"><startEvent id="us"/><endEvent id="ue"><escalationEventDefinition escalationRef="esc"/></endEvent>${chain('us', 'ue')}</subProcess>
           <association id="aa" sourceRef="a-undo" targetRef="undo-a"/>
           <subProcess id="heard" triggeredByEvent="true"><startEvent id="hs" isInterrupting="false"><escalationEventDefinition escalationRef="esc"/></startEvent>${user('hear')}${chain('hs', 'hear')}</subProcess>
           <endEvent id="te"><cancelEventDefinition/></endEvent>${chain('ts', 'a', 'te')}</transaction>
         <boundaryEvent id="out" attachedToRef="t"><cancelEventDefinition/></boundaryEvent><task id="after"/>${chain('s', 't')}${chain('out', 'after')}`,
        { roots: '<escalation id="esc" escalationCode="E"/>' },
      ),
    );
    expect([run.tasks.size, run.state.tokens.size, run.state.status]).toEqual([0, 0, 'completed']);
  });
});

describe('a quantity of tokens', () => {
  it.each([
    [
      'an ad-hoc sub-process',
      `<adHocSubProcess id="any"><userTask id="a" startQuantity="2"/></adHocSubProcess>`,
      'a',
    ],
    [
      'a sequential ad-hoc sub-process',
      `<adHocSubProcess id="any" ordering="Sequential"><userTask id="a" completionQuantity="2"/><task id="b"/>${chain('a', 'b')}</adHocSubProcess>`,
      'a',
    ],
  ])('is refused where nothing could bring it: in %s', async (_, any, id) => {
    await expect(compile(`<startEvent id="s"/>${any}${chain('s', 'any')}`)).rejects.toMatchObject({
      issues: [{ elementId: id }],
    });
  });

  it('is not asked for again when what began with it is tried again', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/><task id="two" completionQuantity="2"/>${el('callActivity', 'call', { calledElement: 'other', startQuantity: '2' })}<endEvent id="e"/>
         ${chain('s', 'two', 'call', 'e')}`,
      ),
    );
    const call = () => run.commands.filter((one) => one.type === 'callProcess').at(-1)?.instanceId ?? '';
    run.send({ type: 'callRefused', instanceId: call(), message: 'no' });
    retry(run);
    run.send({ type: 'callRefused', instanceId: call(), message: 'no' });
    retry(run);
    const [{ id: tokenId = '' } = {}] = run.state.tokens.values();
    run.send({ type: 'moveToken', tokenId, elementId: 'call' });
    run.send({
      type: 'returned',
      instanceId: call(),
      status: 'completed',
      errorCode: undefined,
      variables: {},
    });
    expect([messages(run), run.state.status]).toEqual([[], 'completed']);
  });

  it('does not multiply without end', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/>${['a', 'b', 'c'].map((id) => `<task id="${id}" completionQuantity="50"/>`).join('')}<endEvent id="e"/>${chain('s', 'a', 'b', 'c', 'e')}`,
      ),
    );
    expect(run.state.tokens.size).toBeLessThan(200);
    expect(messages(run)[0]).toMatch(/more than 100 tokens/);
  });

  it('that is lowered by another revision lets those go on that wait, with events that begin then', async () => {
    const revision = (quantity: number, boundary = '') =>
      compile(
        `<startEvent id="s"/><parallelGateway id="fork"/>${user('u')}<task id="two" completionQuantity="2"/>
         ${el('userTask', 'many', { startQuantity: String(quantity) })}${boundary}<endEvent id="e"/>
         ${chain('s', 'fork', 'two', 'many', 'e')}${chain('fork', 'u', 'e')}`,
      );
    const late = `<boundaryEvent id="late" attachedToRef="many">${timerOf('P1D')}</boundaryEvent>${chain('late', 'e')}`;
    const [three, four, two] = [await revision(3), await revision(4, late), await revision(2, late)];
    const run = drive(three);
    run.send({ type: 'migrate', previous: three, elements: new Map() }, four);
    expect(run.timers.size).toBe(0);
    run.send({ type: 'migrate', previous: four, elements: new Map() }, two);
    expect([open(run), run.timers.size]).toEqual([['u', 'many'], 1]);
  });
});

describe('outputs that failed', () => {
  const outputs = extended(output('= if fits then message.n else nofn(1)', 'sum'));
  const roots = '<message id="m" name="go"/>';
  const receives: [string, string, string][] = [
    [
      'a receive task',
      `<startEvent id="s"/>${el('receiveTask', 'r', { messageRef: 'm', 'govstack:correlationKey': 'k' }, outputs)}${user('u')}${chain('s', 'r', 'u')}`,
      'r',
    ],
    [
      'a catch event',
      `<startEvent id="s"/>${el('intermediateCatchEvent', 'r', {}, `${outputs}<messageEventDefinition messageRef="m" govstack:correlationKey="k"/>`)}${user('u')}${chain('s', 'r', 'u')}`,
      'r',
    ],
    [
      'an event sub-process',
      `<startEvent id="s"/>${user('w')}${chain('s', 'w')}<subProcess id="r" triggeredByEvent="true">${el('startEvent', 'rs', {}, `${outputs}<messageEventDefinition messageRef="m" govstack:correlationKey="k"/>`)}${user('u')}${chain('rs', 'u')}</subProcess>`,
      'r',
    ],
  ];

  it.each(receives)('of %s are taken over when it is tried again', async (_, content, id) => {
    const run = drive(await compile(content, { roots }), { fits: false });
    run.fire(id, { n: 2 });
    expect([run.incidents.size, open(run)]).toEqual([1, []]);
    expect(retry(run).refusal).toBeDefined();
    retry(run, { fits: true });
    expect([run.variables().sum, open(run), run.incidents.size]).toEqual([2, ['u'], 0]);
  });
});

describe('complex gateways', () => {
  it('that could send something to one another begin anew when nothing else moves', async () => {
    const gateway = (id: string): string =>
      `<complexGateway id="${id}" default="${id}-e${id}"><activationCondition>activationCount = 1</activationCondition></complexGateway><endEvent id="e${id}"/>
       ${flow(id, `e${id}`)}`;
    const run = drive(
      await compile(
        `<startEvent id="s"/><parallelGateway id="fork"/>${chain('s', 'fork', 'a')}${chain('fork', 'b')}${gateway('a')}${gateway('b')}
         <task id="ab"/><task id="ba"/>${flow('a', 'ab', { condition: 'not(waitingForStart) and false' })}${chain('ab', 'b')}
         ${flow('b', 'ba', { condition: 'not(waitingForStart) and false' })}${chain('ba', 'a')}`,
      ),
    );
    expect([run.state.tokens.size, run.state.status]).toEqual([0, 'completed']);
  });
});
