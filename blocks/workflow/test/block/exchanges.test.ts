import type { MediatedRequest, MediatedResponse } from '@govstack/platform';
import type { TestNode } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { workflowApi } from '../../src/api/operations.ts';
import { chain, el, extensions, input, output, script } from '../execution/bpmn.ts';
import { adminOf, apiOf, definition, ended, json, startWorkflow, until } from './node.ts';

const clinic = 'TEST/GOV/HEALTH/clinic';
const forbidden = 'TEST/GOV/HEALTH/archive';
const roots = `<message id="ask" name="ask"/><message id="answer" name="answer"/><signal id="go" name="go"/>
  <signal id="ping" name="ping"/><signal id="next" name="next"/><signal id="echo" name="echo"/><signal id="pong" name="pong"/><escalation id="late" escalationCode="late"/>`;

const signal = (name: string): string => `<signalEventDefinition signalRef="${name}"/>`;
const message = (name: string, more = 'govstack:correlationKey="=number"'): string =>
  `<messageEventDefinition messageRef="${name}" ${more}/>`;
const startedBy = (content: string, source: string, target: string): string =>
  el('startEvent', 's', {}, extensions(output(source, target)) + content);
const taking = (source: string, target: string): string => extensions(output(source, target));

let node: TestNode;
/** Every request that came to the clinic, and whether its answer is lost on the way. */
const came: MediatedRequest[] = [];
let lost = 0;

const described = async (): Promise<MediatedResponse> =>
  json(200, { openapi: '3.1.0', paths: { '/messages': { post: { operationId: 'publishMessage' } } } });

beforeAll(async () => {
  node = await startWorkflow(
    {
      [`${clinic}/getOpenAPI`]: described,
      [`${forbidden}/getOpenAPI`]: described,
      [`${clinic}/workflow-v1`]: async (request, caller) => {
        came.push(request);
        const response = await node.localProviders.dispatch('workflow', 'workflow-v1', request, caller);
        if (lost <= 0) return response as MediatedResponse;
        lost -= 1;
        return json(503, { title: 'The answer was lost' });
      },
      // What a mediator answers where the other organisation has given no right.
      [`${forbidden}/workflow-v1`]: async () => ({
        status: 500,
        headers: { 'x-road-error': 'Server.ServerProxy.AccessDenied' },
        body: Buffer.from('{"type":"Server.ServerProxy.AccessDenied"}'),
      }),
    },
    { config: { maxHops: 4 } },
  );
});
afterAll(() => node.stop());

const deploy = async (key: string, content: string, as?: string): Promise<void> => {
  await apiOf(node, as).addProcess({ body: definition(content, { key, roots }) });
};

const start = async (key: string, variables = {}): Promise<string> => {
  const { body } = await apiOf(node).start({ params: { processId: key }, body: { variables } });
  return body.id;
};

const instancesOf = async (key: string, as?: string) =>
  (await apiOf(node, as).getInstances({ query: { processId: key } })).body;

const variablesOf = async (id: string, as?: string): Promise<unknown> =>
  (await ended(node, id, as)).variables;

it('[WF-6.2-m] processes of two units of one organisation send each other messages', async () => {
  await deploy(
    'payments-unit',
    `${startedBy('<messageEventDefinition messageRef="ask"/>', '=message', 'asked')}${script('sum', 'asked.amount * 2', 'sum')}
     ${el('endEvent', 'e', {}, extensions(input('total', '=sum')) + message('answer', 'govstack:correlationKey="=asked.number"'))}
     ${chain('s', 'sum', 'e')}`,
  );
  await deploy(
    'benefits-unit',
    `<startEvent id="s"/>${el('intermediateThrowEvent', 't', {}, extensions(input('number', '=number'), input('amount', '=21')) + message('ask'))}
     ${el('intermediateCatchEvent', 'c', {}, taking('=message.total', 'total') + message('answer'))}<endEvent id="e"/>${chain('s', 't', 'c', 'e')}`,
  );
  const ids = await Promise.all(['A-1', 'A-2'].map((number) => start('benefits-unit', { number })));
  for (const id of ids) expect(await variablesOf(id)).toMatchObject({ total: 42 });
  const asked = await instancesOf('payments-unit');
  expect(asked.map((one) => one.businessKey).sort()).toEqual(['A-1', 'A-2']);
});

it('[WF-6.2-l] a message to another organisation is called until it is taken, and has its effect once', async () => {
  await deploy(
    'examination',
    `${startedBy('<messageEventDefinition messageRef="ask"/>', '=message.amount', 'amount')}<endEvent id="e"/>${chain('s', 'e')}`,
    clinic,
  );
  const to = (application: string): string =>
    `<startEvent id="s"/>${el('endEvent', 'e', {}, extensions(input('amount', '=3')) + message('ask', `govstack:correlationKey="=number" govstack:application="${application}"`))}${chain('s', 'e')}`;
  await deploy('referral', to('{instance}/GOV/HEALTH/clinic'));
  lost = 1;
  const id = await start('referral', { number: 'B-1' });
  expect((await ended(node, id)).state).toBe('completed');
  expect([came.length, new Set(came.map((one) => one.headers['idempotency-key'])).size]).toEqual([2, 1]);
  const [examination, ...others] = await instancesOf('examination', clinic);
  expect([others.length, examination?.businessKey]).toEqual([0, 'B-1']);
  expect(await variablesOf(examination?.id ?? '', clinic)).toMatchObject({ amount: 3 });
  // Nobody else's processes get it, and who has no right is told.
  expect((await instancesOf('payments-unit')).some((one) => one.businessKey === 'B-1')).toBe(false);
  await deploy('denied', to('{instance}/GOV/HEALTH/archive'));
  const denied = await start('denied', { number: 'B-2' });
  const found = await until(async () => {
    const { body } = await adminOf(node).listIncidents({ query: { instanceId: denied } });
    return body.incidents[0];
  });
  expect(found).toMatchObject({ elementId: 'e', message: expect.stringMatching(/AccessDenied/) });
});

it('one application’s message ids do not stand in the way of another’s', async () => {
  const publish = (as: string, correlationKey: string) =>
    node.client(workflowApi, { as, service: `${clinic}/workflow-v1` }).publishMessage({
      body: { messageId: 'same', name: 'ask', correlationKey, payload: { amount: 1 } },
    });
  const [ours, theirs] = [await publish('TEST/GOV/A/a', 'C-1'), await publish('TEST/GOV/B/b', 'C-2')];
  expect([ours.status, theirs.status]).toEqual([200, 200]);
  expect((await instancesOf('examination', clinic)).length).toBe(3);
});

it('[WF-6.1-c] a signal begins every process that starts with it, once for each throw, from inside and outside', async () => {
  for (const key of ['by-signal-1', 'by-signal-2']) {
    await deploy(
      key,
      `${startedBy(signal('go'), '=signal.from', 'from')}<endEvent id="e"/>${chain('s', 'e')}`,
    );
  }
  await deploy(
    'thrower',
    `<startEvent id="s"/>${el('endEvent', 'e', {}, extensions(input('from', '=1')) + signal('go'))}${chain('s', 'e')}`,
  );
  await start('thrower');
  const begun = async (key: string, count: number) =>
    until(async () => {
      const all = await instancesOf(key);
      return all.length === count && all;
    }, `${count} instances of ${key}`);
  for (const key of ['by-signal-1', 'by-signal-2']) {
    const [one] = await begun(key, 1);
    expect(await variablesOf(one?.id ?? '')).toEqual({ from: 1 });
  }
  const idempotencyKey = 'signal-1';
  const body = { name: 'go', payload: { from: 2 } };
  const [first, again] = [
    await apiOf(node).broadcastSignal({ body, idempotencyKey }),
    await apiOf(node).broadcastSignal({ body, idempotencyKey }),
  ];
  expect([first.status, first.body, again.body]).toEqual([
    202,
    { name: 'go', waits: 0, starts: 2 },
    first.body,
  ]);
  await begun('by-signal-1', 2);
  const other = await apiOf(node, 'TEST/GOV/OTHER/else').broadcastSignal({ body });
  expect(other.body).toEqual({ name: 'go', waits: 0, starts: 0 });
  const [definitionOf] = await instancesOf('by-signal-2');
  await adminOf(node).disableProcess({ params: { processId: definitionOf?.processRef ?? '' } });
  expect((await apiOf(node).broadcastSignal({ body })).body).toMatchObject({ starts: 1 });
  await begun('by-signal-1', 3);
  expect((await instancesOf('by-signal-2')).length).toBe(2);
});

it('two instances that answer each other for ever are stopped, and go on when an operator wishes', async () => {
  const answering = (heard: string, said: string): string =>
    `<startEvent id="s"/><userTask id="wait"/><endEvent id="e"/>${chain('s', 'wait', 'e')}
     <subProcess id="x" triggeredByEvent="true">${el('startEvent', 'xs', { isInterrupting: 'false' }, signal(heard))}
     ${el('endEvent', 'say', {}, signal(said))}${chain('xs', 'say')}</subProcess>`;
  await deploy('pinger', answering('ping', 'pong'));
  await deploy('ponger', answering('pong', 'ping'));
  await start('pinger');
  await start('ponger');
  await apiOf(node).broadcastSignal({ body: { name: 'ping' } });
  const incident = await until(async () =>
    (await adminOf(node).listIncidents({ query: {} })).body.incidents.find((one) => one.elementId === 'say'),
  );
  expect(incident.message).toMatch(/answer each other for ever/);
  const hops = async (): Promise<number> => {
    let count = 0;
    for (const key of ['pinger', 'ponger']) {
      const [one] = await instancesOf(key);
      const { body } = await adminOf(node).getInstanceDiagram({ params: { instanceId: one?.id ?? '' } });
      count += body.elements.find((element) => element.id === 'xs')?.passes ?? 0;
    }
    return count;
  };
  expect(await hops()).toBe(5);
  await adminOf(node).retryIncident({ params: { incidentId: incident.id }, body: {} });
  await until(async () => (await hops()) === 9);
});

it('processes that begin one another are stopped where they do so in one breath, not where time passes', async () => {
  const begun = (key: string, count: number) =>
    until(async () => {
      const all = await instancesOf(key);
      return all.length === count && all;
    }, `${count} instances of ${key}`);
  await deploy(
    'echoing',
    `${el('startEvent', 's', {}, signal('echo'))}${el('endEvent', 'e', {}, signal('echo'))}${chain('s', 'e')}`,
  );
  await apiOf(node).broadcastSignal({ body: { name: 'echo' } });
  const stuck = await until(async () =>
    (await adminOf(node).listIncidents({ query: {} })).body.incidents.find((one) =>
      one.message.includes('echo'),
    ),
  );
  await begun('echoing', 5);
  await adminOf(node).retryIncident({ params: { incidentId: stuck.id }, body: {} });
  await begun('echoing', 9);
  await deploy(
    'relay',
    `${el('startEvent', 's', {}, signal('next'))}<userTask id="t"/>${el('endEvent', 'e', {}, signal('next'))}${chain('s', 't', 'e')}`,
  );
  await apiOf(node).broadcastSignal({ body: { name: 'next' } });
  for (let count = 1; count <= 6; count += 1) {
    const running = (await begun('relay', count)).find((one) => one.state === 'running');
    const { body } = await apiOf(node).listUserTasks({ query: { instanceId: running?.id ?? '' } });
    await apiOf(node).completeUserTask({ params: { taskId: body.tasks[0]?.id ?? '' }, body: {} });
  }
  await begun('relay', 7);
});

it('[WF-6.1-h] an escalation of a called process reaches the call before its end does', async () => {
  await deploy(
    'callee',
    `<startEvent id="s"/>${el('endEvent', 'e', {}, '<escalationEventDefinition escalationRef="late"/>')}${chain('s', 'e')}`,
  );
  await deploy(
    'caller',
    `<startEvent id="s"/><callActivity id="call" calledElement="callee"/>${script('on', '1', 'on')}
     ${el('boundaryEvent', 'b', { attachedToRef: 'call', cancelActivity: 'false' }, '<escalationEventDefinition escalationRef="late"/>')}
     ${script('told', '1', 'told')}${chain('s', 'call', 'on')}${chain('b', 'told')}`,
  );
  const ids = await Promise.all(Array.from({ length: 5 }, () => start('caller')));
  for (const id of ids) expect(await variablesOf(id)).toEqual({ on: 1, told: 1 });
});

it('resuming a process goes on where one of its instances cannot, and says which', async () => {
  await deploy('resumed', `<startEvent id="s"/><userTask id="t"/><endEvent id="e"/>${chain('s', 't', 'e')}`);
  const ids = [await start('resumed'), await start('resumed'), await start('resumed')];
  const [known] = await instancesOf('resumed');
  const params = { processId: known?.processRef ?? '' };
  await adminOf(node).suspendProcess({ params, body: {} });
  await sql`insert into kept_event (instance_id, event) values (${ids[0]}, 'null')`.execute(
    node.database('workflow'),
  );
  const { body } = await adminOf(node).resumeProcess({ params, body: {} });
  expect(body).toMatchObject({ instances: 2, more: false, failed: [{ instanceId: ids[0] }] });
  const states = await Promise.all(
    ids.map(async (instanceId) => (await apiOf(node).getInstance({ params: { instanceId } })).body.suspended),
  );
  expect(states).toEqual([true, false, false]);
});

it('an activity of an ad-hoc sub-process is begun by hand; cancelled, its transaction undoes each run of it', async () => {
  await deploy(
    'by-hand',
    `<startEvent id="s"/><transaction id="t"><startEvent id="s2"/><adHocSubProcess id="any">
     <userTask id="visit">${extensions(output('=ready', 'ready'))}<standardLoopCharacteristics loopMaximum="1"/></userTask>
     <boundaryEvent id="c" attachedToRef="visit"><compensateEventDefinition/></boundaryEvent>
     <scriptTask id="undo" isForCompensation="true" govstack:resultVariable="undone"><script>undone + loopCounter</script></scriptTask>
     <association id="as" sourceRef="c" targetRef="undo"/><completionCondition>ready</completionCondition></adHocSubProcess>
     <endEvent id="no"><cancelEventDefinition/></endEvent>${chain('s2', 'any', 'no')}</transaction>
     <boundaryEvent id="b" attachedToRef="t"><cancelEventDefinition/></boundaryEvent><endEvent id="e"/>${chain('s', 't')}${chain('b', 'e')}`,
  );
  const instanceId = await start('by-hand', { undone: 0 });
  const visit = async (ready: boolean): Promise<void> => {
    const { body } = await apiOf(node).listUserTasks({ query: { instanceId } });
    await apiOf(node).completeUserTask({
      params: { taskId: body.tasks[0]?.id ?? '' },
      body: { variables: { ready }, completedBy: 'officer' },
    });
  };
  await visit(false);
  const { body } = await adminOf(node).getInstanceTokens({ params: { instanceId } });
  const params = { instanceId, tokenId: body.tokens.find((one) => one.waitsFor === 'adHoc')?.id ?? '' };
  const asked = { revision: body.revision, reason: 'a second visit is needed' };
  const refused = adminOf(node).activateElement({ params, body: { ...asked, elementId: 'undo' } });
  await expect(refused).rejects.toMatchObject({ status: 422 });
  await adminOf(node).activateElement({ params, body: { ...asked, elementId: 'visit' } });
  await visit(true);
  const over = await ended(node, instanceId);
  expect([over.state, over.variables]).toEqual(['completed', { ready: true, undone: 2 }]);
});
