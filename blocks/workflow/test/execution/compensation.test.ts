import { describe, expect, it } from 'vitest';
import { chain, compile, el, flow, script, service } from './bpmn.ts';
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
});
