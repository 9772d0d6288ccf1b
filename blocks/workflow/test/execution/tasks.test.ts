import { describe, expect, it } from 'vitest';
import { chain, compile, el, extensions, input, output, script, service } from './bpmn.ts';
import { drive } from './drive.ts';

const around = (task: string, id = 't'): string =>
  `<startEvent id="s"/>${task}<endEvent id="e"/>${chain('s', id, 'e')}`;

describe('service task', () => {
  const task = service(
    't',
    extensions(
      input('path.registry', 'person'),
      input('query.limit', '= 5'),
      input('header.X-Purpose', '= purpose'),
      input('body.query.nid', '= applicant.nid'),
      input('body.reference', '= process.instanceId'),
      input('body.absent', '= nothing'),
      output('= response.body.household', 'household'),
      output('= response.status', 'status'),
    ),
    { 'govstack:resultVariable': 'answer' },
  );

  it('asks for a job with the request made from the variables', async () => {
    const run = drive(await compile(around(task)), { applicant: { nid: '123' }, purpose: 'check' });
    const [job] = run.jobs.values();
    expect(job?.request).toEqual({
      service: 'TEST/GOV/CRA/civil-registry/registry-data-v1',
      operation: 'read',
      path: { registry: 'person' },
      query: { limit: '5' },
      headers: { 'x-purpose': 'check' },
      body: { query: { nid: '123' }, reference: 'i' },
    });
  });

  it('takes over the answer through its outputs and goes on', async () => {
    const run = drive(await compile(around(task)), { applicant: { nid: '123' }, purpose: 'check' });
    run.answer('t', { household: 'h1' }, 201);
    expect(run.variables()).toMatchObject({ household: 'h1', status: 201, answer: { household: 'h1' } });
    expect(run.state.status).toBe('completed');
    expect(run.jobs.size).toBe(0);
  });

  it('takes an answer once: the same answer again changes nothing', async () => {
    const run = drive(await compile(around(task)), { applicant: { nid: '1' }, purpose: 'x' });
    const [jobId] = run.jobs.keys();
    const answer = { status: 200, headers: {}, body: {}, temporary: false };
    run.answer('t');
    const again = run.send({ type: 'jobAnswered', jobId: jobId ?? '', attempt: 2, answer });
    expect(again.taken).toBe(false);
    expect(again.commands).toEqual([]);
    expect(run.completed).toEqual(['s', 't', 'e']);
  });

  it('tries again after the given pauses while the failure is temporary, then raises an incident', async () => {
    const run = drive(await compile(around(service('t', '', { 'govstack:retries': 'PT5S PT1H' }))));
    const [jobId = ''] = run.jobs.keys();
    const fail = (attempt: number) =>
      run.send({ type: 'jobFailed', jobId, attempt, message: 'no answer', temporary: true }).commands;
    expect(fail(1)).toEqual([{ type: 'retryJob', jobId, dueAt: '2026-01-01T00:00:05Z', attempts: 1 }]);
    expect(fail(2)).toEqual([{ type: 'retryJob', jobId, dueAt: '2026-01-01T01:00:00Z', attempts: 2 }]);
    expect(fail(3).map((one) => one.type)).toEqual(['parkJob', 'raiseIncident']);
  });

  it('raises an incident at once when trying again cannot help, and retries it under the same key', async () => {
    const run = drive(await compile(around(service('t'))));
    const [jobId = ''] = run.jobs.keys();
    run.answer('t', { title: 'Conflict', detail: 'closed' }, 409);
    const [incident] = run.incidents.values();
    expect(incident?.message).toBe('read answered 409: Conflict: closed');
    const request = run.jobs.get(jobId)?.request;
    const again = run.send({
      type: 'retry',
      incidentId: incident?.incidentId ?? '',
      variables: undefined,
      request,
    });
    expect(again.commands).toContainEqual(expect.objectContaining({ type: 'retryJob', jobId, attempts: 0 }));
    run.answer('t');
    expect(run.state.status).toBe('completed');
  });

  it('makes a new call, with a new key, only when a correction changes the request', async () => {
    const model = await compile(around(service('t', extensions(input('body.nid', '= nid')))));
    const run = drive(model, { nid: 'wrong' });
    const [jobId = ''] = run.jobs.keys();
    const retry = (variables: { nid: string }) => {
      run.answer('t', {}, 400);
      const [incidentId = ''] = run.incidents.keys();
      const request = [...run.jobs.values()][0]?.request;
      run.send({ type: 'retry', incidentId, variables, request });
    };
    retry({ nid: 'wrong' });
    expect([...run.jobs.keys()]).toEqual([jobId]);
    retry({ nid: 'right' });
    expect([...run.jobs.keys()]).not.toEqual([jobId]);
    expect([...run.jobs.values()][0]?.request.body).toEqual({ nid: 'right' });
  });

  it('treats accepted statuses as answers', async () => {
    const run = drive(
      await compile(
        around(
          service('t', extensions(output('= response.status', 'status')), { 'govstack:accepts': '404' }),
        ),
      ),
    );
    run.answer('t', { title: 'Not found' }, 404);
    expect(run.variables().status).toBe(404);
    expect(run.state.status).toBe('completed');
  });

  it('stops before calling when a path parameter has no value', async () => {
    const run = drive(await compile(around(service('t', extensions(input('path.id', '= missing'))))));
    expect(run.jobs.size).toBe(0);
    expect([...run.incidents.values()][0]?.message).toBe(
      'path.id has no value; there is no variable missing',
    );
  });

  it('takes the application from a binding or an expression', async () => {
    const bound = await compile(
      around(service('t', '', { 'govstack:application': 'payments', 'govstack:service': 'payments-g2p-v1' })),
      { bindings: { payments: 'TEST/GOV/TRE/payments' } },
    );
    expect([...drive(bound).jobs.values()][0]?.request.service).toBe('TEST/GOV/TRE/payments/payments-g2p-v1');
    const chosen = await compile(around(service('t', '', { 'govstack:application': '= rail' })));
    expect([...drive(chosen, { rail: 'TEST/COM/FNB/rail' }).jobs.values()][0]?.request.service).toBe(
      'TEST/COM/FNB/rail/registry-data-v1',
    );
    expect([...drive(chosen, {}).incidents.values()][0]?.message).toContain('not known');
  });
});

describe('user task', () => {
  const task = el(
    'userTask',
    't',
    {
      name: 'Review',
      'govstack:candidateRole': 'officer',
      'govstack:formRef': 'review-form',
      'govstack:dueDate': '= now() + duration("P5D")',
      'govstack:excludedPersons': '= [clerk]',
    },
    extensions(
      input('score', '= score'),
      output('= form.decision', 'decision'),
      output('= completedBy', 'officer'),
    ),
  );

  it('waits for a person with what the task shows and who may do it', async () => {
    const run = drive(await compile(around(task)), { score: 7, clerk: 'c1' });
    expect([...run.tasks.values()][0]).toMatchObject({
      name: 'Review',
      candidateRole: 'officer',
      formRef: 'review-form',
      dueAt: '2026-01-06T00:00:00Z',
      excludedPersons: ['c1'],
      inputs: { score: 7 },
    });
  });

  it('goes on with what the person entered', async () => {
    const run = drive(await compile(around(task)), { score: 7, clerk: 'c1' });
    run.complete('t', { decision: 'approve' }, 'o1');
    expect(run.variables()).toMatchObject({ decision: 'approve', officer: 'o1' });
    expect(run.state.status).toBe('completed');
  });

  it('refuses a form that its outputs cannot use and leaves the task open', async () => {
    const run = drive(
      await compile(around(el('userTask', 't', {}, extensions(output('= nofn(form.x)', 'x'))))),
    );
    const result = run.complete('t', { x: 1 });
    expect(result.refusal).toContain('function that does not exist');
    expect(run.tasks.size).toBe(1);
    expect(run.state.status).toBe('running');
  });
});

describe('script task', () => {
  it('computes a variable from the others in FEEL', async () => {
    const run = drive(
      await compile(
        around(script('t', '= sum(for m in members return if m.age < 18 then 50 else 20)', 'amount')),
      ),
      { members: [{ age: 5 }, { age: 40 }, { age: 17 }] },
    );
    expect(run.variables().amount).toBe(120);
    expect(run.state.status).toBe('completed');
  });

  it('sees the time of the step, so that replaying gives the same result', async () => {
    const run = drive(await compile(around(script('t', '= string(now())', 'at'))));
    expect(run.variables().at).toBe('2026-01-01T00:00:00Z');
  });
});

describe('business rule task', () => {
  const dmn = `<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="n">
    <decision id="eligible" name="Eligible"><decisionTable hitPolicy="FIRST">
    <input id="i"><inputExpression><text>income</text></inputExpression></input><output id="o" name="ok"/>
    <rule id="poor"><description>low income</description><inputEntry><text>&lt; 100</text></inputEntry>
    <outputEntry><text>true</text></outputEntry></rule>
    <rule id="rest"><inputEntry><text>-</text></inputEntry><outputEntry><text>false</text></outputEntry></rule>
    </decisionTable></decision></definitions>`;
  const task = el(
    'businessRuleTask',
    't',
    { 'govstack:decisionRef': 'eligible', 'govstack:resultVariable': 'eligible' },
    extensions(input('income', '= household.income'), output('= rules.annotation', 'reasons')),
  );

  it('takes the decision and tells which rules led to it', async () => {
    const run = drive(await compile(around(task), { dmn: [dmn] }), { household: { income: 50 } });
    expect(run.variables()).toMatchObject({ eligible: true, reasons: ['low income'] });
    expect(run.state.status).toBe('completed');
  });
});

it('[WF-6.2-a] runs a process from start to end', async () => {
  const run = drive(
    await compile(`<startEvent id="s"/>${el('manualTask', 'a')}${el('task', 'b')}
    <intermediateThrowEvent id="m"/><endEvent id="e"/>${chain('s', 'a', 'b', 'm', 'e')}`),
  );
  expect(run.completed).toEqual(['s', 'a', 'b', 'm', 'e']);
  expect(run.state.tokens.size).toBe(0);
  expect(run.state.status).toBe('completed');
});
