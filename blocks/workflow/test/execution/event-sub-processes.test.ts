import { describe, expect, it } from 'vitest';
import { newInstance } from '../../src/execution/state.ts';
import { step } from '../../src/execution/step.ts';
import { chain, compile, el, extensions, flow, output, script, service, timerOf } from './bpmn.ts';
import { drive } from './drive.ts';

const message = `<messageEventDefinition messageRef="m" govstack:correlationKey="= process.businessKey"/>`;
const roots = `<message id="m" name="appeal"/><error id="bad" errorCode="bad"/><signal id="sig" name="flood"/>
  <escalation id="esc" escalationCode="late"/>`;

/** An event sub-process with one step, a script unless given. */
const handler = (
  definition: string,
  cancel = true,
  work = script('handle', '1', 'handled'),
  id = 'x',
): string =>
  `<subProcess id="${id}" triggeredByEvent="true"><startEvent id="${id}s" isInterrupting="${cancel}">${definition}
   </startEvent>${work}<endEvent id="${id}e"/>${chain(`${id}s`, 'handle', `${id}e`)}</subProcess>`;

/** A sub-process that waits for a service, with an event sub-process inside. */
const within = (inside: string, first = service('t')): string => `<startEvent id="s"/><subProcess id="sub">
  <startEvent id="s2"/>${first}<endEvent id="e2"/>${chain('s2', 't', 'e2')}${inside}</subProcess><endEvent id="e"/>
  ${chain('s', 'sub', 'e')}`;

describe('event sub-processes', () => {
  it.each([
    ['a message', message],
    ['a timer', timerOf('P1D')],
    ['a signal', '<signalEventDefinition signalRef="sig"/>'],
  ])('[WF-6.1-c] begin instead of everything in their scope when %s interrupts', async (_what, definition) => {
    const run = drive(await compile(within(handler(definition)), { roots }));
    expect(run.timers.size + run.subscriptions.size + run.signals.size).toBe(1);
    run.fire('x');
    expect(run.jobs.size).toBe(0);
    expect(run.completed).toEqual(['s', 's2', 'xs', 'handle', 'xe', 'x', 'sub', 'e']);
    expect([run.timers.size, run.subscriptions.size, run.signals.size]).toEqual([0, 0, 0]);
    expect([run.state.status, run.state.tokens.size, run.state.scopes.size]).toEqual(['completed', 0, 1]);
  });

  it('interrupt a whole process, whose other events no longer happen', async () => {
    const run = drive(
      await compile(
        `<startEvent id="s"/><parallelGateway id="f"/>${service('t')}${el('userTask', 'u')}${chain('s', 'f', 't')}
        ${flow('f', 'u')}${handler(message, true, el('userTask', 'handle'))}
        <subProcess id="y" triggeredByEvent="true"><startEvent id="ys">${timerOf('P1D')}</startEvent>
        <endEvent id="ye"/>${flow('ys', 'ye')}</subProcess>`,
        { roots },
      ),
    );
    run.fire('x');
    expect([run.jobs.size, run.timers.size, run.subscriptions.size]).toEqual([0, 0, 0]);
    expect([...run.tasks.values()].map((task) => task.elementId)).toEqual(['handle']);
    expect(run.state.status).toBe('running');
    run.complete('handle');
    expect(run.state.status).toBe('completed');
  });

  it('run beside their scope as often as the message comes, and keep it open until they end', async () => {
    const content = within(
      handler(`${extensions(output('= message.why', 'why'))}${message}`, false, el('userTask', 'handle')),
    );
    const run = drive(await compile(content, { roots }));
    run.fire('x', { why: 'first' });
    run.fire('x', { why: 'second' });
    expect([run.jobs.size, run.tasks.size, run.subscriptions.size]).toEqual([1, 2, 1]);
    expect(run.variables()).toEqual({ why: 'second' });
    run.answer('t');
    expect(run.completed).not.toContain('sub');
    run.complete('handle');
    run.complete('handle');
    expect(run.completed.slice(-2)).toEqual(['sub', 'e']);
    expect([run.subscriptions.size, run.state.status]).toEqual([0, 'completed']);
  });

  it('happen once at a time when they do not interrupt', async () => {
    const run = drive(await compile(within(handler(timerOf('PT1H'), false)), { roots }));
    run.fire('x');
    expect([run.timers.size, run.jobs.size]).toEqual([0, 1]);
    run.answer('t');
    expect(run.state.status).toBe('completed');
  });

  it('happen as often as their cycle says when they do not interrupt', async () => {
    const cycle = '<timerEventDefinition><timeCycle>R3/PT1H</timeCycle></timerEventDefinition>';
    const run = drive(await compile(within(handler(cycle, false)), { roots }));
    const left = [1, 2, 3].map(() => {
      run.fire('x');
      return run.timers.size;
    });
    expect(left).toEqual([1, 1, 0]);
  });

  it('wait once, also when an operator begins their scope again', async () => {
    const run = drive(await compile(within(handler(message)), { roots }));
    const [before] = run.subscriptions.keys();
    const token = [...run.state.tokens.values()].find((one) => one.elementId === 't');
    run.send({ type: 'moveToken', tokenId: token?.id ?? '', elementId: 's2' });
    expect(run.subscriptions.size).toBe(1);
    expect(run.subscriptions.has(before ?? '')).toBe(false);
  });

  it('wait for what the event has brought that begins their process', async () => {
    const bringing = `<startEvent id="s">${extensions(output('= message.order', 'order'))}
      <messageEventDefinition messageRef="m"/></startEvent>${service('t')}<endEvent id="e"/>${chain('s', 't', 'e')}`;
    const content = bringing + handler(message.replace('process.businessKey', 'order'));
    let ids = 0;
    const { commands } = step(
      await compile(content, { roots }),
      newInstance('i', '2026-01-01T00:00:00Z', undefined),
      { type: 'start', variables: {}, at: { elementId: 's', brought: { message: { order: 'o-7' } } } },
      {
        now: '2026-01-01T00:00:00Z',
        maxMoves: 1000,
        maxIterations: 1000,
        retries: [],
        newId: () => {
          ids += 1;
          return `id-${ids}`;
        },
      },
    );
    expect(commands.filter((one) => one.type === 'subscribe')).toMatchObject([{ correlationKey: 'o-7' }]);
  });

  it('are forgotten when their scope ends first, or is cancelled', async () => {
    const model = await compile(
      `${within(handler(timerOf('PT1H')))}<boundaryEvent id="b" attachedToRef="sub">${timerOf('PT2H')}</boundaryEvent>
       <endEvent id="late"/>${flow('b', 'late')}`,
    );
    const done = drive(model);
    done.answer('t');
    expect([done.timers.size, done.state.status]).toEqual([0, 'completed']);
    const cut = drive(model);
    cut.fire('b');
    expect([cut.timers.size, cut.state.status]).toEqual([0, 'completed']);
    const stopped = drive(model);
    stopped.send({ type: 'stop' });
    expect([stopped.timers.size, stopped.state.tokens.size]).toEqual([0, 0]);
  });

  const failing = service(
    't',
    '<extensionElements><govstack:error status="409" code="bad"/></extensionElements>',
  );
  const error = '<errorEventDefinition errorRef="bad"/>';

  it('catch the errors of their scope before those around it do', async () => {
    const run = drive(
      await compile(
        `${within(handler(`${extensions(output('= error.code', 'code'))}${error}`), failing)}
         <boundaryEvent id="b" attachedToRef="sub">${error}</boundaryEvent><endEvent id="no"/>${flow('b', 'no')}`,
        { roots },
      ),
    );
    run.answer('t', {}, 409);
    expect(run.completed).toEqual(['s', 's2', 'xs', 'handle', 'xe', 'x', 'sub', 'e']);
    expect(run.variables().code).toBe('bad');
    expect([run.jobs.size, run.state.status]).toEqual([0, 'completed']);
  });

  it('do not catch their own errors, nor do others of the scope they took over: those go on outwards', async () => {
    const bad = `<endEvent id="xbad">${error}</endEvent>`;
    const handlers = `<subProcess id="x" triggeredByEvent="true"><startEvent id="xs">${error}</startEvent>${bad}
      ${flow('xs', 'xbad')}</subProcess><subProcess id="y" triggeredByEvent="true"><startEvent id="ys">
      <errorEventDefinition/></startEvent><endEvent id="ye"/>${flow('ys', 'ye')}</subProcess>`;
    const run = drive(
      await compile(
        `${within(handlers, failing)}<boundaryEvent id="b" attachedToRef="sub">${error}</boundaryEvent>
         <endEvent id="no"/>${flow('b', 'no')}`,
        { roots },
      ),
    );
    run.answer('t', {}, 409);
    expect(run.completed).toEqual(['s', 's2', 'xs', 'b', 'no']);
    expect([run.state.status, run.state.scopes.size, run.state.tokens.size]).toEqual(['completed', 1, 0]);
  });

  it('are told of escalations, beside the work that goes on', async () => {
    const escalation = '<escalationEventDefinition escalationRef="esc"/>';
    const first = `${el('intermediateThrowEvent', 't', {}, escalation)}${service('after')}`;
    const content = within(handler(escalation, false), first).replace(
      chain('t', 'e2'),
      chain('t', 'after', 'e2'),
    );
    const run = drive(await compile(content, { roots }));
    expect(run.completed).toContain('handle');
    expect(run.jobs.size).toBe(1);
    run.answer('after');
    expect(run.state.status).toBe('completed');
  });

  it('begin when a condition becomes true', async () => {
    const condition =
      '<conditionalEventDefinition><condition>= level &gt; 2</condition></conditionalEventDefinition>';
    const measured = service('t', extensions(output('= response.body', 'level')));
    const content = within(handler(condition), `${measured}${service('u')}`).replace(
      chain('t', 'e2'),
      chain('t', 'u', 'e2'),
    );
    const low = drive(await compile(content, { roots }));
    low.answer('t', 1);
    low.answer('u');
    expect(low.completed).not.toContain('handle');
    expect(low.state.status).toBe('completed');
    const high = drive(await compile(content, { roots }));
    high.answer('t', 3);
    expect(high.jobs.size).toBe(0);
    expect(high.completed.slice(-4)).toEqual(['xe', 'x', 'sub', 'e']);
  });

  it('leave an incident at the start of their scope when they cannot wait, and wait after a retry', async () => {
    const run = drive(
      await compile(within(handler(message.replace('process.businessKey', 'key'))), { roots }),
    );
    const [incident] = run.incidents.values();
    expect(incident).toMatchObject({ elementId: 's2', message: expect.stringContaining('correlation key') });
    const retry = { incidentId: incident?.incidentId ?? '', variables: { key: 'k' }, request: undefined };
    run.send({ type: 'retry', ...retry });
    expect([run.incidents.size, run.subscriptions.size, run.jobs.size]).toEqual([0, 1, 1]);
  });
});

it('ends a sub-process alone at a terminate end event inside it', async () => {
  const run = drive(
    await compile(`<startEvent id="s"/><parallelGateway id="f"/>${service('a')}<subProcess id="sub">
      <startEvent id="s2"/><parallelGateway id="f2"/>${service('b')}
      <endEvent id="stop"><terminateEventDefinition/></endEvent>${chain('s2', 'f2', 'stop')}${flow('f2', 'b')}
      </subProcess><endEvent id="e"/>${chain('s', 'f', 'sub', 'e')}${flow('f', 'a')}`),
  );
  expect([...run.jobs.values()].map((job) => job.elementId)).toEqual(['a']);
  expect(run.completed.slice(-3)).toEqual(['stop', 'sub', 'e']);
  expect(run.state.status).toBe('running');
});
