import { describe, expect, it } from 'vitest';
import { chain, compile, el, extensions, flow, input, script, service, timerOf } from './bpmn.ts';
import { drive } from './drive.ts';

/** What compensates for an activity: a service, unless given. */
const undo = (activity: string, handler = `undo-${activity}`, content = service(handler)): string =>
  `<boundaryEvent id="c-${activity}" attachedToRef="${activity}"><compensateEventDefinition/></boundaryEvent>
   ${content.replace('<serviceTask ', '<serviceTask isForCompensation="true" ').replace('<scriptTask ', '<scriptTask isForCompensation="true" ')}
   <association id="as-${activity}" sourceRef="c-${activity}" targetRef="${handler}"/>`;

const compensates = (id: string, ref?: string, type = 'intermediateThrowEvent'): string =>
  el(type, id, {}, `<compensateEventDefinition${ref === undefined ? '' : ` activityRef="${ref}"`}/>`);

const jobsOf = (run: ReturnType<typeof drive>): string[] =>
  [...run.jobs.values()].map((job) => job.elementId);

describe('compensation', () => {
  it('[WF-6.1-c] undoes what was done in reverse order, one after the other, before it goes on', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><task id="a"/>${undo('a')}<task id="b"/>${undo('b')}<task id="c"/>
        ${compensates('back')}${script('after', '1', 'n')}<endEvent id="e"/>${chain('s', 'a', 'b', 'c', 'back', 'after', 'e')}`),
    );
    expect(jobsOf(run)).toEqual(['undo-b']);
    run.answer('undo-b');
    expect(jobsOf(run)).toEqual(['undo-a']);
    expect(run.completed).not.toContain('back');
    run.answer('undo-a');
    expect(run.completed.slice(-5)).toEqual(['undo-b', 'undo-a', 'back', 'after', 'e']);
    expect([run.state.status, run.state.scopes.size, run.state.tokens.size]).toEqual(['completed', 1, 0]);
  });

  it('undoes one activity that is named, and nothing twice', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><task id="a"/>${undo('a')}<task id="b"/>${undo('b')}
        ${compensates('one', 'a')}${compensates('again', 'a')}${compensates('rest', undefined, 'endEvent')}
        ${chain('s', 'a', 'b', 'one', 'again', 'rest')}`),
    );
    expect(jobsOf(run)).toEqual(['undo-a']);
    run.answer('undo-a');
    expect(jobsOf(run)).toEqual(['undo-b']);
    run.answer('undo-b');
    expect(run.completed.slice(-1)).toEqual(['rest']);
    expect(run.state.status).toBe('completed');
  });

  it('leaves alone what was never done', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><exclusiveGateway id="x" default="x-back"/><task id="a"/>${undo('a')}
        ${compensates('back')}<endEvent id="e"/>${flow('s', 'x')}${flow('x', 'a', { condition: 'false' })}
        ${flow('x', 'back')}${flow('a', 'back')}${flow('back', 'e')}`),
    );
    expect(run.completed).toEqual(['s', 'x', 'back', 'e']);
  });

  it('undoes what a sub-process did with the sub-process', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><subProcess id="sub"><startEvent id="s2"/><task id="a"/>${undo('a')}
        <task id="b"/>${undo('b')}<endEvent id="e2"/>${chain('s2', 'a', 'b', 'e2')}</subProcess><task id="c"/>
        ${undo('c')}${compensates('back', 'sub')}<endEvent id="e"/>${chain('s', 'sub', 'c', 'back', 'e')}`),
    );
    run.answer('undo-b');
    run.answer('undo-a');
    expect(run.completed.slice(-4)).toEqual(['undo-b', 'undo-a', 'back', 'e']);
    expect(run.state.status).toBe('completed');
  });

  it('is part of what an event sub-process does about an error', async () => {
    const error = '<errorEventDefinition errorRef="bad"/>';
    const run = drive(
      await compile(
        `<startEvent id="s"/><task id="a"/>${undo('a')}<endEvent id="e">${error}</endEvent>${chain('s', 'a', 'e')}
         <subProcess id="x" triggeredByEvent="true"><startEvent id="xs">${error}</startEvent>${compensates('back')}
         <endEvent id="xe"/>${chain('xs', 'back', 'xe')}</subProcess>`,
        { roots: '<error id="bad" errorCode="bad"/>' },
      ),
    );
    expect(jobsOf(run)).toEqual(['undo-a']);
    run.answer('undo-a');
    expect(run.completed).toEqual(['s', 'a', 'xs', 'undo-a', 'back', 'xe', 'x']);
    expect([run.state.status, run.state.errorCode]).toEqual(['completed', undefined]);
  });

  it('stops with its instance', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><task id="a"/>${undo('a')}${compensates('back')}<endEvent id="e"/>
        ${chain('s', 'a', 'back', 'e')}`),
    );
    run.send({ type: 'stop' });
    expect([run.jobs.size, run.state.tokens.size, run.state.scopes.size]).toEqual([0, 0, 1]);
  });

  it('[WF-6.1-c] undoes every run of what is repeated, the last first, each with what it had', async () => {
    const refund = service(
      'refund',
      extensions(input('body.who', '=member'), input('body.nth', '=loopCounter')),
    );
    const run = drive(
      await compile(`<startEvent id="s"/><subProcess id="sub"><multiInstanceLoopCharacteristics
          govstack:collection="=members" govstack:elementVariable="member"/><startEvent id="s2"/><task id="pay"/>
          ${undo('pay', 'refund', refund)}${chain('s2', 'pay')}</subProcess>${compensates('back')}<endEvent id="e"/>
        ${chain('s', 'sub', 'back', 'e')}`),
      { members: ['Ana', 'Ben'] },
    );
    const asked = (): unknown => [...run.jobs.values()].map((job) => job.request.body);
    expect(asked()).toEqual([{ who: 'Ben', nth: 2 }]);
    run.answer('refund');
    expect(asked()).toEqual([{ who: 'Ana', nth: 1 }]);
    run.answer('refund');
    expect([run.state.status, run.completed.slice(-2)]).toEqual(['completed', ['back', 'e']]);
  });

  it('undoes the runs that were done when the activity itself is interrupted', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/><userTask id="ask"><standardLoopCharacteristics loopMaximum="3"/></userTask>${undo('ask')}
         <boundaryEvent id="late" attachedToRef="ask">${timerOf('P1D')}</boundaryEvent><task id="on"/>
         ${compensates('back', 'ask')}<endEvent id="e"/>${chain('s', 'ask', 'on')}${chain('late', 'back', 'e')}`,
      ),
    );
    run.complete('ask');
    run.fire('late');
    expect([run.tasks.size, jobsOf(run)]).toEqual([0, ['undo-ask']]);
    run.answer('undo-ask');
    expect(run.state.status).toBe('completed');
  });

  it('undoes what an event sub-process did, in it and with it', async () => {
    const noticed = (inner: string): string =>
      `<startEvent id="s"/><userTask id="t"/>${compensates('back', undefined, 'endEvent')}${chain('s', 't', 'back')}
       <subProcess id="x" triggeredByEvent="true"><startEvent id="xs" isInterrupting="false">${timerOf('P1D')}</startEvent>
       <task id="a"/>${undo('a')}${inner}</subProcess>`;
    const outside = drive(await compile(noticed(chain('xs', 'a'))));
    outside.fire('x');
    outside.complete('t');
    expect(jobsOf(outside)).toEqual(['undo-a']);
    outside.answer('undo-a');
    expect(outside.state.status).toBe('completed');
    const inside = drive(
      await compile(noticed(`${compensates('own', 'a', 'endEvent')}${chain('xs', 'a', 'own')}`)),
    );
    inside.fire('x');
    expect(jobsOf(inside)).toEqual(['undo-a']);
    inside.answer('undo-a');
    inside.complete('t');
    expect([inside.state.status, inside.jobs.size]).toEqual(['completed', 0]);
  });

  it('[WF-6.1-c] leaves it to the event sub-process of a sub-process how it is undone', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><subProcess id="sub"><startEvent id="s2"/><task id="a"/>${undo('a')}
        <task id="b"/>${undo('b')}${chain('s2', 'a', 'b')}<subProcess id="x" triggeredByEvent="true">
        <startEvent id="xs"><compensateEventDefinition/></startEvent>${compensates('first', 'a')}<task id="note"/>
        ${compensates('rest', undefined, 'endEvent')}${chain('xs', 'first', 'note', 'rest')}</subProcess></subProcess>
        ${compensates('back', 'sub')}<endEvent id="e"/>${chain('s', 'sub', 'back', 'e')}`),
    );
    expect([jobsOf(run), run.completed.includes('note')]).toEqual([['undo-a'], false]);
    run.answer('undo-a');
    expect([jobsOf(run), run.completed.includes('note')]).toEqual([['undo-b'], true]);
    run.answer('undo-b');
    expect(run.completed.slice(-3)).toEqual(['x', 'back', 'e']);
    expect([run.state.status, run.state.scopes.size, run.state.tokens.size]).toEqual(['completed', 1, 0]);
  });

  it('goes on beside what is undone where nothing waits for it', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><task id="a"/>${undo('a')}${el('intermediateThrowEvent', 'back', {}, '<compensateEventDefinition waitForCompletion="false"/>')}
        ${script('after', '1', 'n')}<endEvent id="e"/>${chain('s', 'a', 'back', 'after', 'e')}`),
    );
    expect([run.completed.slice(-3), jobsOf(run), run.state.status]).toEqual([
      ['back', 'after', 'e'],
      ['undo-a'],
      'running',
    ]);
    run.answer('undo-a');
    expect([run.state.status, run.completed.filter((id) => id === 'back').length]).toEqual(['completed', 1]);
  });
});

const transaction = (inner: string, around = '', roots = ''): ReturnType<typeof compile> =>
  compile(
    `<startEvent id="s"/><transaction id="t"><startEvent id="s2"/>${inner}</transaction><task id="done"/>
     <boundaryEvent id="cancelled" attachedToRef="t"><cancelEventDefinition/></boundaryEvent><task id="instead"/>
     ${chain('s', 't', 'done')}${chain('cancelled', 'instead')}${around}`,
    { roots },
  );

const cancel = '<endEvent id="no"><cancelEventDefinition/></endEvent>';

describe('transactions', () => {
  it('[WF-6.1-c] undo what was done in them before they are left as cancelled', async () => {
    const run = drive(
      await transaction(`<task id="a"/>${undo('a')}<parallelGateway id="g"/><userTask id="wait"/>
        <subProcess id="sub"><startEvent id="s3"/><task id="b"/>${undo('b')}<userTask id="more"/>${chain('s3', 'b', 'more')}
        </subProcess><userTask id="ask"/>${cancel}<subProcess id="x" triggeredByEvent="true">
        <startEvent id="xs" isInterrupting="false">${timerOf('P1D')}</startEvent><task id="late"/>${chain('xs', 'late')}</subProcess>
        ${chain('s2', 'a', 'g', 'wait')}${chain('g', 'sub')}${chain('g', 'ask', 'no')}`),
    );
    expect([...run.timers.keys()].length).toBe(1);
    run.complete('ask');
    expect([run.tasks.size, run.timers.size, jobsOf(run)]).toEqual([0, 0, ['undo-b']]);
    run.answer('undo-b');
    expect(jobsOf(run)).toEqual(['undo-a']);
    expect(run.completed).not.toContain('instead');
    run.answer('undo-a');
    expect(run.completed.slice(-3)).toEqual(['no', 'cancelled', 'instead']);
    expect(run.completed).not.toContain('done');
    expect([run.state.status, run.state.scopes.size, run.state.tokens.size]).toEqual(['completed', 1, 0]);
  });

  it('are cancelled from inside a sub-process too, and go on when they succeed', async () => {
    const run = drive(
      await transaction(`<task id="a"/>${undo('a')}<subProcess id="sub"><startEvent id="s3"/><exclusiveGateway id="g" default="g-yes"/>
        ${cancel}<endEvent id="yes"/>${chain('s3', 'g')}${flow('g', 'no', { condition: 'bad' })}${flow('g', 'yes')}</subProcess>
        ${chain('s2', 'a', 'sub')}`),
      { bad: true },
    );
    run.answer('undo-a');
    expect(run.completed.slice(-3)).toEqual(['no', 'cancelled', 'instead']);
    const good = drive(await transaction(`<task id="a"/>${undo('a')}${chain('s2', 'a')}`));
    expect([good.state.status, good.completed.slice(-2)]).toEqual(['completed', ['t', 'done']]);
  });

  it('are a hazard when an error leaves them: nothing is undone', async () => {
    const error = '<errorEventDefinition errorRef="bad"/>';
    const run = drive(
      await transaction(
        `<task id="a"/>${undo('a')}<endEvent id="no">${error}</endEvent>${chain('s2', 'a', 'no')}`,
        `<boundaryEvent id="hazard" attachedToRef="t">${error}</boundaryEvent><task id="alarm"/>${chain('hazard', 'alarm')}`,
        '<error id="bad" errorCode="bad"/>',
      ),
    );
    expect([run.state.status, run.completed.slice(-2), run.jobs.size]).toEqual([
      'completed',
      ['hazard', 'alarm'],
      0,
    ]);
  });
});
