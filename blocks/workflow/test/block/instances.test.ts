import { CallFailed } from '@govstack/platform';
import type { TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chain, el, extensions, flow, input, output, script, service, timerOf } from '../execution/bpmn.ts';
import {
  adminOf,
  apiOf,
  bodyOf,
  civilRegistry,
  definition,
  ended,
  json,
  owner,
  startWorkflow,
  until,
} from './node.ts';

const registry = civilRegistry(async (request) => {
  const { nid } = bodyOf(request);
  if (nid === 'unknown') return json(404, { title: 'Not found' });
  return json(200, { household: `h-${nid}` });
});
let node: TestNode;
beforeAll(async () => {
  node = await startWorkflow(registry.providers);
});
afterAll(() => node.stop());

const refused = async (call: Promise<unknown>): Promise<CallFailed> => {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};

const deploy = async (key: string, content: string, roots = ''): Promise<void> => {
  await apiOf(node).addProcess({ body: definition(content, { key, roots }) });
};

const lookup = `<startEvent id="s"/>${service(
  'ask',
  extensions(input('body.nid', '= nid'), output('= response.body.household', 'household')),
)}<endEvent id="e"/>${chain('s', 'ask', 'e')}`;

const patient = `<startEvent id="s"/>${el('userTask', 'wait')}<endEvent id="e"/>${chain('s', 'wait', 'e')}`;

describe('starting', () => {
  beforeAll(async () => {
    await deploy('lookup', lookup);
    await deploy('patient', patient);
  });

  it('[WF-4.2-a] [WF-6.2-e] [WF-8.1-c] [WF-6.2-a] answers id, process, and state, and runs to the end', async () => {
    const { status, body } = await apiOf(node).start({
      params: { processId: 'lookup' },
      body: { processStartedBy: 'someone', variables: { nid: '1' } },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ suspended: false, ended: false, state: 'running' });
    expect(body.processRef).toMatch(/^lookup:1:/);
    const instance = await ended(node, body.id);
    expect(instance).toMatchObject({ state: 'completed', variables: { nid: '1', household: 'h-1' } });
  });

  it('[WF-6.2-c] answers before the work is done, with 202 where the client prefers it', async () => {
    const { status, body } = await apiOf(node).start({
      params: { processId: 'patient' },
      headers: { prefer: 'respond-async' },
      body: {},
    });
    expect(status).toBe(202);
    expect(body.ended).toBe(false);
  });

  it('[WF-6.2-f] waits for the end when asked to start synchronously', async () => {
    const { status, body } = await apiOf(node).start({
      params: { processId: 'lookup' },
      body: { variables: { nid: '2' }, synchronous: true },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ ended: true, state: 'completed' });
  });

  it('answers a synchronous start with 202 when the wait is over', async () => {
    const { status, body } = await apiOf(node).start({
      params: { processId: 'patient' },
      headers: { prefer: 'wait=0' },
      body: {},
    });
    expect(status).toBe(202);
    expect(body.state).toBe('running');
  });

  it('[WF-5.1.4-c] makes one instance of one start request, however often it is sent', async () => {
    const request = {
      params: { processId: 'patient' },
      body: { businessKey: 'once' },
      idempotencyKey: 'start-once',
    };
    const answers = await Promise.all(Array.from({ length: 8 }, () => apiOf(node).start(request)));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    const { body } = await apiOf(node).getInstances({ query: { businessKey: 'once' } });
    expect(body).toHaveLength(1);
    const other = apiOf(node).start({ ...request, body: { businessKey: 'twice' } });
    expect((await refused(other)).status).toBe(422);
  });

  it('[WF-7.2.4] [WF-6.2-d] takes the initial state as code and value, in both spellings, and as an object', async () => {
    for (const values of [
      { InstanceValues: [{ code: 'nid', value: '7' }] },
      { instanceValues: [{ code: 'nid', value: '7' }] },
      { variables: { nid: '7' } },
    ]) {
      const { body } = await apiOf(node).start({
        params: { processId: 'lookup' },
        body: { processStartedBy: 'x', ...values, synchronous: true },
      });
      const instance = await apiOf(node).getInstance({ params: { instanceId: body.id } });
      expect(instance.body.variables).toMatchObject({ household: 'h-7' });
    }
  });

  it('[WF-8.1-d] refuses a start without its mandatory variables or with wrong types, naming each', async () => {
    const declared = extensions(
      '<govstack:variable name="nid" type="string" required="true"/>',
      '<govstack:variable name="size" type="integer" required="true"/>',
      '<govstack:variable name="born" type="date"/>',
    );
    await deploy(
      'declared',
      patient.replace('<startEvent id="s"/>', `<startEvent id="s">${declared}</startEvent>`),
    );
    const start = (variables: Record<string, unknown>) =>
      apiOf(node).start({ params: { processId: 'declared' }, body: { variables } });
    const error = await refused(start({ size: 'many', born: 'yesterday', 'not a name': 1 }));
    expect(error.status).toBe(400);
    expect(error.problem?.errors?.map((one) => one.pointer).sort()).toEqual([
      '/variables/born',
      '/variables/nid',
      '/variables/not a name',
      '/variables/size',
    ]);
    expect((await start({ nid: '1', size: 3, born: '2020-02-29' })).status).toBe(201);
    const texts = [
      { code: 'nid', value: '1' },
      { code: 'size', value: '3' },
    ];
    const byText = await apiOf(node).start({
      params: { processId: 'declared' },
      body: { instanceValues: texts },
    });
    const instance = await apiOf(node).getInstance({ params: { instanceId: byText.body.id } });
    expect(instance.body.variables).toEqual({ nid: '1', size: 3 });
  });

  it('refuses what cannot be stored', async () => {
    const error = await refused(
      apiOf(node).start({ params: { processId: 'patient' }, body: { variables: { x: 'a\u0000b' } } }),
    );
    expect(error.status).toBe(400);
  });

  it('answers 404 for an unknown process and refuses one that is not executable', async () => {
    expect((await refused(apiOf(node).start({ params: { processId: 'no:1:x' }, body: {} }))).status).toBe(
      404,
    );
    const still = { ...definition(patient, { key: 'still' }), isExecutable: false };
    await apiOf(node).addProcess({ body: still });
    expect((await refused(apiOf(node).start({ params: { processId: 'still' }, body: {} }))).status).toBe(409);
  });
});

describe('service tasks', () => {
  it('call for the application that owns the process, with one idempotency key and the correlation of the start', async () => {
    const before = registry.requests.length;
    const { body, headers } = await apiOf(node).start({
      params: { processId: 'lookup' },
      body: { variables: { nid: '9' }, synchronous: true },
    });
    const [request] = registry.requests.slice(before);
    expect(request).toMatchObject({ client: owner, operator: 'TEST/GOV/BLOCKS/workflow', method: 'POST' });
    expect(request?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
    expect(request?.headers['x-correlation-id']).toBe(headers['x-correlation-id']);
    expect(request?.headers.authorization).toBeUndefined();
    expect(body.ended).toBe(true);
  });

  it('try again under the same key while the failure is temporary, with one effect on the instance', async () => {
    const keys: string[] = [];
    const flaky = civilRegistry((request) => {
      keys.push(request.headers['idempotency-key'] ?? '');
      return keys.length < 3 ? json(503, {}) : json(200, { household: 'h' });
    });
    const own = await startWorkflow(flaky.providers);
    await apiOf(own).addProcess({ body: definition(lookup, { key: 'lookup' }) });
    const { body } = await apiOf(own).start({
      params: { processId: 'lookup' },
      body: { variables: { nid: '1' } },
    });
    expect((await ended(own, body.id)).state).toBe('completed');
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    const { events } = (await adminOf(own).getInstanceHistory({ params: { instanceId: body.id } })).body;
    const entries = events.flatMap((event) => event.entries);
    expect(entries.filter((entry) => entry.event === 'attempt-failed')).toHaveLength(2);
    expect(entries.filter((entry) => entry.event === 'completed' && entry.elementId === 'ask')).toHaveLength(
      1,
    );
    await own.stop();
  });

  it('leave an incident when trying again cannot help; a retry goes on where it stopped', async () => {
    const { body } = await apiOf(node).start({
      params: { processId: 'lookup' },
      body: { variables: { nid: 'unknown' } },
    });
    const incident = await until(async () => {
      const query = { instanceId: body.id };
      return (await adminOf(node).listIncidents({ query })).body.incidents[0];
    });
    expect(incident).toMatchObject({
      elementId: 'ask',
      message: 'read answered 404: Not found',
      resolved: null,
    });
    await until(async () => node.published.some((event) => event.type === 'workflow.incident-raised.v1'));
    await adminOf(node).retryIncident({
      params: { incidentId: incident.id },
      body: { variables: { nid: '5' } },
    });
    expect((await ended(node, body.id)).variables).toMatchObject({ household: 'h-5' });
    const again = adminOf(node).retryIncident({ params: { incidentId: incident.id }, body: {} });
    expect((await refused(again)).status).toBe(409);
  });

  it('are tried again in bulk after the cause is gone', async () => {
    let broken = true;
    const fixed = civilRegistry(() => (broken ? json(400, { title: 'Bad' }) : json(200, {})));
    const own = await startWorkflow(fixed.providers);
    await apiOf(own).addProcess({ body: definition(lookup, { key: 'lookup' }) });
    const ids = await Promise.all(
      [1, 2, 3].map(async (nid) => {
        const start = { params: { processId: 'lookup' }, body: { variables: { nid } } };
        return (await apiOf(own).start(start)).body.id;
      }),
    );
    await until(async () => (await adminOf(own).listIncidents({})).body.incidents.length === 3);
    broken = false;
    const { body } = await adminOf(own).retryIncidents({ body: { processKey: 'lookup' } });
    expect(body.retried).toBe(3);
    for (const id of ids) expect((await ended(own, id)).state).toBe('completed');
    await own.stop();
  });

  it('say what is wrong when the operation or the service is not there', async () => {
    await deploy(
      'gone',
      `<startEvent id="s"/>${service('ask', '', { 'govstack:operation': 'nothing' })}<endEvent id="e"/>
       ${chain('s', 'ask', 'e')}`,
    );
    const { body } = await apiOf(node).start({ params: { processId: 'gone' }, body: {} });
    const incident = await until(async () => {
      return (await adminOf(node).listIncidents({ query: { instanceId: body.id } })).body.incidents[0];
    });
    expect(incident.message).toContain('has no operation nothing');
  });
});

describe('reading instances', () => {
  it('[WF-7.2.3] [WF-8.2-b] answers one with its times, states and log; 404 for an unknown id', async () => {
    await deploy('patient', patient);
    const { body } = await apiOf(node).start({ params: { processId: 'patient' }, body: {} });
    const instance = (await apiOf(node).getInstance({ params: { instanceId: body.id } })).body;
    expect(instance).toMatchObject({
      id: body.id,
      processRef: body.processRef,
      state: 'running',
      lifeCycleState: 'Active',
      log: [
        { event: 'completed', elementId: 's' },
        { event: 'entered', elementId: 'wait' },
      ],
    });
    expect(Date.parse(instance.initTime)).toBeLessThanOrEqual(Date.parse(instance.lastChangeTime));
    for (const instanceId of ['1', 'x:y', '01890000-0000-7000-8000-000000000000']) {
      expect((await refused(apiOf(node).getInstance({ params: { instanceId } }))).status).toBe(404);
    }
  });

  it('[WF-8.2-a] lists them newest first, by process, in pages', async () => {
    await deploy('listed', patient);
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      ids.unshift((await apiOf(node).start({ params: { processId: 'listed' }, body: {} })).body.id);
    }
    const list = async (query: object) =>
      (await apiOf(node).getInstances({ query: { processId: 'listed', ...query } })).body.map(
        (one) => one.id,
      );
    expect(await list({})).toEqual(ids);
    expect(await list({ limit: 2, before: ids[1] })).toEqual(ids.slice(2, 4));
    expect(await list({ state: 'completed' })).toEqual([]);
  });

  it('[WF-5.1.1] gives variables to the owning application only, and nothing at all to others', async () => {
    const secret = { variables: { diagnosis: 'private' } };
    const { body } = await apiOf(node).start({ params: { processId: 'patient' }, body: secret });
    const params = { instanceId: body.id };
    const own = (await apiOf(node).getInstance({ params })).body;
    expect(own.variables).toEqual(secret.variables);
    const personToken = await node.token({ id: 'a', roles: ['administrator'], agency: 'TEST/GOV/MSP' });
    const portal = apiOf(node, 'TEST/GOV/DGA/portal');
    const supervised = (await portal.getInstance({ params, personToken })).body;
    expect(supervised.id).toBe(body.id);
    expect(JSON.stringify(supervised)).not.toContain('private');
    const history = await adminOf(node).getInstanceHistory({ params });
    expect(JSON.stringify(history.body)).not.toContain('private');
    expect((await refused(portal.getInstance({ params }))).status).toBe(404);
    expect((await refused(apiOf(node, 'TEST/GOV/X/y').getInstance({ params }))).status).toBe(404);
  });

  it('[WF-5.1.2-a] [WF-5.1.2-b] tells what happened, when, and who of which organisation caused it', async () => {
    await deploy('told', patient);
    const { body } = await apiOf(node).start({ params: { processId: 'told' }, body: {} });
    const [task] = (await apiOf(node).listUserTasks({ query: { instanceId: body.id } })).body.tasks;
    const personToken = await node.token({ id: 'officer-7', roles: ['officer'], agency: 'TEST/GOV/MSP' });
    await apiOf(node).completeUserTask({ params: { taskId: task?.id ?? '' }, body: {}, personToken });
    const { events } = (await adminOf(node).getInstanceHistory({ params: { instanceId: body.id } })).body;
    expect(events.map(({ event, actor, organisation }) => [event, actor, organisation])).toEqual([
      ['start', owner, 'TEST/GOV/MSP'],
      ['taskCompleted', 'officer-7', 'TEST/GOV/MSP'],
    ]);
    expect(events[1]?.entries.map((entry) => `${entry.event} ${entry.elementId}`)).toEqual([
      'completed wait',
      'completed e',
    ]);
  });

  it('keeps a history that cannot be changed', async () => {
    const { sql } = await import('kysely');
    const db = node.database('workflow');
    await expect(sql`update history set event = 'x'`.execute(db)).rejects.toThrow('only added to');
    await expect(sql`delete from history`.execute(db)).rejects.toThrow('only added to');
  });

  it('[WF-6.5-d] shows where an instance stands, element by element, and the path it took', async () => {
    await deploy(
      'shown',
      `<startEvent id="s"/><exclusiveGateway id="x" default="no"/>${script('a', '1', 'n')}${el('userTask', 'b')}
       <endEvent id="e"/>${chain('s', 'a', 'x')}${flow('x', 'b', { id: 'yes', condition: 'true' })}
       ${flow('x', 'e', { id: 'no' })}${flow('b', 'e')}`,
    );
    const { body } = await apiOf(node).start({ params: { processId: 'shown' }, body: {} });
    const diagram = (await adminOf(node).getInstanceDiagram({ params: { instanceId: body.id } })).body;
    const states = Object.fromEntries(diagram.elements.map((one) => [one.id, one.state]));
    expect(states).toEqual({ s: 'completed', a: 'completed', x: 'completed', b: 'active', e: undefined });
    const passes = Object.fromEntries(diagram.flows.map((one) => [one.id, one.passes]));
    expect(passes).toEqual({ 's-a': 1, 'a-x': 1, yes: 1, no: 0, 'b-e': 0 });
    const outline = (await adminOf(node).getProcessOutline({ params: { processId: 'shown' } })).body;
    expect(outline.elements.find((one) => one.id === 'b')).toMatchObject({ active: 1, incidents: 0 });
    const { processes } = (await adminOf(node).getStatistics({})).body;
    expect(processes.find((one) => one.processKey === 'shown')).toMatchObject({ running: 1, openTasks: 1 });
  });
});

describe('stopping', () => {
  it('[WF-8.2-c] ends a running instance; an ended one is a conflict, an unknown one 404', async () => {
    await deploy('patient', patient);
    const { body } = await apiOf(node).start({ params: { processId: 'patient' }, body: {} });
    const params = { instanceId: body.id };
    const stopped = await apiOf(node).stop({ params });
    expect(stopped.status).toBe(201);
    expect(stopped.body).toEqual({ ...body, ended: true, state: 'stopped' });
    expect((await apiOf(node).getInstance({ params })).body).toMatchObject({
      state: 'stopped',
      lifeCycleState: 'Terminated',
    });
    expect((await apiOf(node).listUserTasks({ query: { instanceId: body.id } })).body.tasks).toEqual([]);
    expect((await refused(apiOf(node).stop({ params }))).status).toBe(409);
    expect((await refused(apiOf(node).stop({ params: { instanceId: 'x' } }))).status).toBe(404);
  });

  it('drops the answer of a call that was under way', async () => {
    let release = (): void => undefined;
    const slow = civilRegistry(async () => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return json(200, { household: 'late' });
    });
    const own = await startWorkflow(slow.providers);
    await apiOf(own).addProcess({ body: definition(lookup, { key: 'lookup' }) });
    const { body } = await apiOf(own).start({
      params: { processId: 'lookup' },
      body: { variables: { nid: 1 } },
    });
    await until(async () => slow.requests.length === 1);
    await apiOf(own).stop({ params: { instanceId: body.id } });
    release();
    const instance = await until(async () => {
      const read = (await apiOf(own).getInstance({ params: { instanceId: body.id } })).body;
      return read.log?.some((line) => line.event === 'ignored') ? read : undefined;
    });
    expect(instance.state).toBe('stopped');
    expect(instance.variables).not.toHaveProperty('household');
    await own.stop();
  });
});

describe('timers', () => {
  it('come due, also when the process that set them is gone', async () => {
    const content = `<startEvent id="s"/><intermediateCatchEvent id="t">${timerOf('PT0.3S')}</intermediateCatchEvent>
      <endEvent id="e"/>${chain('s', 't', 'e')}`;
    await deploy('timed', content);
    const here = await apiOf(node).start({ params: { processId: 'timed' }, body: {} });
    expect((await ended(node, here.body.id)).state).toBe('completed');

    const first = await startWorkflow();
    await apiOf(first).addProcess({ body: definition(content, { key: 'timed' }) });
    const { body } = await apiOf(first).start({ params: { processId: 'timed' }, body: {} });
    await first.stop();
    const second = await startWorkflow({}, { databasePrefix: first.databasePrefix });
    expect((await ended(second, body.id)).state).toBe('completed');
    await second.stop();
  });
});

it('announces ends and tasks without personal data', async () => {
  await deploy('lookup', lookup);
  const { body } = await apiOf(node).start({
    params: { processId: 'lookup' },
    body: { variables: { nid: 'secret-1' }, businessKey: 'bk', synchronous: true },
  });
  const announced = await until(async () =>
    node.published.find((event) => event.type === 'workflow.instance-ended.v1' && event.subject === body.id),
  );
  expect(announced.data).toEqual({
    instanceId: body.id,
    processRef: body.processRef,
    processKey: 'lookup',
    state: 'completed',
  });
});

it('[WF-5.3.2] [WF-5.3.3] describes its interface with OpenAPI and speaks JSON', async () => {
  const url = await node.listen({ port: 0, all: 'workflow' });
  const response = await fetch(`${url}/workflow-v1/openapi.json`);
  expect(response.headers.get('content-type')).toContain('application/json');
  const document = (await response.json()) as {
    openapi: string;
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  expect(document.openapi).toBe('3.1.0');
  expect(document.paths['/processes/{processId}/start']?.post?.operationId).toBe('start');
  expect(document.paths['/instances/{instanceId}/stop']?.post?.operationId).toBe('stop');
  const refusal = await fetch(`${url}/workflow-v1/processes`);
  expect(refusal.status).toBe(401);
});
