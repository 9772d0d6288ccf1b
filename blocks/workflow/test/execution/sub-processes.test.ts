import { describe, expect, it } from 'vitest';
import { chain, compile, el, extensions, flow, input, output, script, service, timerOf } from './bpmn.ts';
import { drive } from './drive.ts';

describe('embedded sub-process', () => {
  it('[WF-6.1-g] runs inside its parent and sees and changes its data', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><subProcess id="sub"><startEvent id="s2"/>${script('x', 'n + 1', 'n')}
        ${script('y', 'n * 2', 'm')}<endEvent id="e2"/>${chain('s2', 'x', 'y', 'e2')}</subProcess>
        ${script('z', 'n + m', 'total')}<endEvent id="e"/>${chain('s', 'sub', 'z', 'e')}`),
      { n: 1 },
    );
    expect(run.variables()).toEqual({ n: 2, m: 4, total: 6 });
    expect(run.completed).toEqual(['s', 's2', 'x', 'y', 'e2', 'sub', 'z', 'e']);
  });

  it('is cancelled as a whole by an interrupting boundary timer', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><subProcess id="sub"><startEvent id="s2"/><parallelGateway id="f"/>
        ${service('a')}${el('userTask', 'b')}${chain('s2', 'f', 'a')}${flow('f', 'b')}</subProcess>
        <boundaryEvent id="late" attachedToRef="sub">${timerOf('P1D')}</boundaryEvent><endEvent id="e"/>
        <endEvent id="e3"/>${chain('s', 'sub', 'e')}${flow('late', 'e3')}`),
    );
    run.fire('late');
    expect([run.jobs.size, run.tasks.size]).toEqual([0, 0]);
    expect(run.state.scopes.size).toBe(1);
    expect(run.state.status).toBe('completed');
  });
});

describe('multi-instance', () => {
  const loop = (sequential: boolean, more = ''): string =>
    `<multiInstanceLoopCharacteristics isSequential="${sequential}" govstack:collection="= households"
      govstack:elementVariable="household" ${more}/>`;
  const results = 'govstack:resultVariable="amounts" govstack:resultElement="= amount"';
  const households = [{ size: 2 }, { size: 3 }, { size: 4 }];

  it('[WF-10-a] computes a result for every item of a list and collects them in order', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/>
        ${el('scriptTask', 't', { 'govstack:resultVariable': 'amount' }, `<script>household.size * 10</script>${loop(true, results)}`)}
        <endEvent id="e"/>${chain('s', 't', 'e')}`),
      { households },
    );
    expect(run.variables().amounts).toEqual([20, 30, 40]);
    expect(run.variables()).not.toHaveProperty('amount');
    expect(run.state.status).toBe('completed');
  });

  const called = (sequential: boolean): string => `<startEvent id="s"/>${service(
    't',
    `${extensions(input('body.size', '= household.size'), output('= response.body.amount', 'amount'))}
     ${loop(sequential, results)}`,
  )}<boundaryEvent id="late" attachedToRef="t">${timerOf('P1D')}</boundaryEvent><endEvent id="e"/><endEvent id="e2"/>
   ${chain('s', 't', 'e')}${flow('late', 'e2')}`;

  it('[WF-10-a] calls for all items at once when parallel; results keep the order of the list', async () => {
    const run = drive(await compile(called(false)), { households });
    const jobs = [...run.jobs];
    expect(jobs.map(([, job]) => job.request.body)).toEqual(households);
    for (const [jobId, job] of jobs.reverse()) {
      const amount = (job.request.body as { size: number }).size;
      const answer = { status: 200, headers: {}, body: { amount }, temporary: false };
      run.send({ type: 'jobAnswered', jobId, attempt: 1, answer });
    }
    expect(run.variables().amounts).toEqual([2, 3, 4]);
    expect(run.state.status).toBe('completed');
  });

  it('calls for one item after the other when sequential', async () => {
    const run = drive(await compile(called(true)), { households });
    for (const household of households) {
      expect([...run.jobs.values()].map((job) => job.request.body)).toEqual([household]);
      run.answer('t', { amount: household.size });
    }
    expect(run.variables().amounts).toEqual([2, 3, 4]);
    expect(run.timers.size).toBe(0);
  });

  it('cancels every iteration when a boundary event interrupts', async () => {
    const run = drive(await compile(called(false)), { households });
    expect(run.timers.size).toBe(1);
    run.fire('late');
    expect(run.jobs.size).toBe(0);
    expect(run.state.scopes.size).toBe(1);
    expect(run.state.status).toBe('completed');
  });

  it('passes an empty list at once and refuses one that is too long', async () => {
    const model = await compile(called(false));
    expect(drive(model, { households: [] }).state.status).toBe('completed');
    const many = drive(model, { households: Array.from({ length: 101 }, () => ({ size: 1 })) });
    expect([...many.incidents.values()][0]?.message).toContain('at most 100');
  });

  it('repeats a sub-process, each run with its own data', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><subProcess id="sub">${loop(false, results)}<startEvent id="s2"/>
        ${service('a', extensions(output('= response.body', 'amount')))}<endEvent id="e2"/>${chain('s2', 'a', 'e2')}
        </subProcess><endEvent id="e"/>${chain('s', 'sub', 'e')}`),
      { households },
    );
    expect(run.jobs.size).toBe(3);
    for (const amount of [1, 2, 3]) run.answer('a', amount);
    expect(run.variables().amounts).toEqual([1, 2, 3]);
    expect(run.state.status).toBe('completed');
    expect(run.state.scopes.size).toBe(1);
  });
});

describe('loops', () => {
  const loop = (attributes: string, condition?: string): string =>
    `<standardLoopCharacteristics ${attributes}>${condition === undefined ? '' : `<loopCondition>${condition}</loopCondition>`}
     </standardLoopCharacteristics>`;
  const counting = (marker: string): string =>
    `<startEvent id="s"/>${el('scriptTask', 't', { 'govstack:resultVariable': 'n' }, `${marker}<script>n + 1</script>`)}
     <endEvent id="e"/>${chain('s', 't', 'e')}`;
  const counted = async (marker: string, n: number): Promise<unknown> => {
    const run = drive(await compile(counting(marker)), { n });
    expect([run.state.status, run.state.scopes.size]).toEqual(['completed', 1]);
    return run.variables().n;
  };

  it('[WF-6.1-c] repeat an activity while their condition holds, tested before or after each run', async () => {
    expect(await counted(loop('testBefore="true"', 'n &lt; 3'), 0)).toBe(3);
    expect(await counted(loop('testBefore="true"', 'n &lt; 3'), 7)).toBe(7);
    expect(await counted(loop('', 'n &lt; 3'), 7)).toBe(8);
    expect(await counted(loop('', 'loopCounter &lt; 3'), 10)).toBe(13);
  });

  it('repeat at most as often as their maximum says', async () => {
    expect(await counted(loop('loopMaximum="4"'), 0)).toBe(4);
    expect(await counted(loop('loopMaximum="2" testBefore="true"', 'true'), 0)).toBe(2);
  });

  it('repeat a sub-process with its waits, under one boundary event, until it is interrupted', async () => {
    const run = drive(
      await compile(`<startEvent id="s"/><subProcess id="sub">${loop('', 'not(done)')}<startEvent id="s2"/>
        ${service('a', extensions(output('= response.body', 'done')))}<endEvent id="e2"/>${chain('s2', 'a', 'e2')}
        </subProcess><boundaryEvent id="late" attachedToRef="sub">${timerOf('P1D')}</boundaryEvent><endEvent id="e"/>
        <endEvent id="e3"/>${chain('s', 'sub', 'e')}${flow('late', 'e3')}`),
    );
    const [timer] = run.timers.keys();
    run.answer('a', false);
    run.answer('a', false);
    expect([...run.timers.keys()]).toEqual([timer]);
    expect([run.jobs.size, run.variables().done]).toEqual([1, false]);
    run.fire('late');
    expect([run.jobs.size, run.state.scopes.size, run.state.status]).toEqual([0, 1, 'completed']);
  });

  it('leave an incident where their condition cannot be told, or they go on for too long', async () => {
    const run = drive(await compile(counting(loop('', 'more'))), { n: 0 });
    const [incident] = run.incidents.values();
    expect(incident?.message).toContain('neither true nor false');
    const retry = { incidentId: incident?.incidentId ?? '', variables: { more: false }, request: undefined };
    run.send({ type: 'retry', ...retry });
    expect(run.variables()).toEqual({ n: 1, more: false });
    expect(run.state.status).toBe('completed');
    const endless = drive(await compile(counting(loop('', 'true'))), { n: 0 }, { maxIterations: 5 });
    expect([...endless.incidents.values()][0]?.message).toContain('repeated 5 times');
  });
});
