import { CallFailed } from '@govstack/platform';
import type { TestNode } from '@govstack/platform/testing';
import type { Kysely } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workflowApi } from '../../src/api/operations.ts';
import type { WorkflowTables } from '../../src/tables.ts';
import { chain, el, extensions, flow, input, output, script, service, timerOf } from '../execution/bpmn.ts';
import {
  adminOf,
  apiOf,
  bodyOf,
  civilRegistry,
  definition,
  ended,
  json,
  startWorkflow,
  until,
} from './node.ts';

let open = false;
let release = (): void => undefined;
const held = new Promise<void>((resolve) => {
  release = resolve;
});
const registry = civilRegistry(async (request) => {
  const { nid } = bodyOf(request);
  if (nid === 'held') await held;
  return nid === 'bad' && !open ? json(400, { title: 'Bad request' }) : json(200, { household: 'h' });
});
let node: TestNode;
beforeAll(async () => {
  node = await startWorkflow(registry.providers);
  await deploy('line', line('PT1H'));
  await deploy('forked', forked);
  await deploy('split', split);
  await deploy('asking', asking);
});
afterAll(() => node.stop());

const database = () => node.database('workflow') as unknown as Kysely<WorkflowTables>;

const refused = async (call: Promise<unknown>): Promise<CallFailed> => {
  const error = await call.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};

const deploy = async (key: string, content: string) =>
  (await apiOf(node).addProcess({ body: definition(content, { key }) })).body;

/** a, with a deadline that leads to `late`, then b. */
const line = (deadline: string): string =>
  `<startEvent id="s"/>${el('userTask', 'a')}${el('userTask', 'b')}<endEvent id="e"/>
   <boundaryEvent id="deadline" attachedToRef="a">${timerOf(deadline)}</boundaryEvent><endEvent id="late"/>
   ${chain('s', 'a', 'b', 'e')}${flow('deadline', 'late')}`;

const fork = `<startEvent id="s"/><parallelGateway id="fork"/>${el('userTask', 'a')}${el('userTask', 'b')}
  ${chain('s', 'fork', 'a')}${flow('fork', 'b')}`;
const forked = `${fork}<parallelGateway id="join"/>${el('userTask', 'after')}<endEvent id="e"/>
  ${chain('a', 'join', 'after', 'e')}${flow('b', 'join')}`;
const split = `${fork}<endEvent id="e1"/><endEvent id="e2"/>${flow('a', 'e1')}${flow('b', 'e2')}`;
const asking = `<startEvent id="s"/><exclusiveGateway id="x" default="x-ask"/>${service(
  'ask',
  extensions(input('body.nid', '= nid'), output('= response.body.household', 'household')),
)}${el('userTask', 'by-hand')}<endEvent id="e"/>${chain('s', 'x', 'ask', 'e')}
  ${flow('x', 'by-hand', { condition: 'false' })}${flow('by-hand', 'e')}`;

const begin = async (processId: string, variables: Record<string, unknown> = {}): Promise<string> =>
  (await apiOf(node).start({ params: { processId }, body: { variables } })).body.id;
const standing = async (instanceId: string) =>
  (await adminOf(node).getInstanceTokens({ params: { instanceId } })).body;
const tokenAt = async (instanceId: string, elementId: string) => {
  const { tokens, revision } = await standing(instanceId);
  const token = tokens.find((one) => one.elementId === elementId);
  if (!token) throw new Error(`no token at ${elementId}`);
  return { params: { instanceId, tokenId: token.id }, revision, token };
};
const move = async (instanceId: string, from: string, elementId: string) => {
  const { params, revision } = await tokenAt(instanceId, from);
  return adminOf(node).moveToken({ params, body: { revision, elementId, reason: 'stuck' } });
};
const drop = async (instanceId: string, at: string) => {
  const { params, revision } = await tokenAt(instanceId, at);
  return adminOf(node).cancelToken({ params, body: { revision, reason: 'not needed' } });
};
const openTasks = async (instanceId: string) =>
  (await apiOf(node).listUserTasks({ query: { instanceId } })).body.tasks;
const finish = async (instanceId: string, elementId: string) => {
  const task = (await openTasks(instanceId)).find((one) => one.elementId === elementId);
  await apiOf(node).completeUserTask({ params: { taskId: task?.id ?? '' }, body: {} });
};
const jobsOf = async (instanceId: string): Promise<number> =>
  (await database().selectFrom('job').selectAll().where('instance_id', '=', instanceId).execute()).length;
const incidentOf = (instanceId: string) =>
  until(async () => (await adminOf(node).listIncidents({ query: { instanceId } })).body.incidents[0]);
const administrator = (agency = 'TEST/GOV/MSP', roles = ['administrator']) =>
  node.token({ id: 'admin-1', roles, agency });

describe('repairing an instance', () => {
  it('[WF-5.1.2-a] [WF-5.1.2-b] sets variables in the revision that was seen; the log says who and why, not the values', async () => {
    const instanceId = await begin('line', { nid: 'old' });
    const { revision } = await standing(instanceId);
    const set = async (
      body: { revision: number; variables: Record<string, unknown> },
      idempotencyKey?: string,
    ) =>
      adminOf(node, 'TEST/GOV/DGA/portal').setInstanceVariables({
        params: { instanceId },
        body: { ...body, reason: 'typing error' },
        personToken: await administrator(),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      });
    const first = await set({ revision, variables: { nid: 'secret-9' } }, 'set-1');
    expect(first.body).toMatchObject({ state: 'running', revision: revision + 1 });
    expect(await set({ revision, variables: { nid: 'secret-9' } }, 'set-1')).toMatchObject({
      body: first.body,
    });
    expect((await refused(set({ revision, variables: { nid: 'late' } }))).status).toBe(409);
    expect((await refused(set({ revision: revision + 1, variables: { 'no name': 1 } }))).status).toBe(400);
    expect((await apiOf(node).getInstance({ params: { instanceId } })).body.variables).toEqual({
      nid: 'secret-9',
    });
    const { events } = (await adminOf(node).getInstanceHistory({ params: { instanceId } })).body;
    expect(events.at(-1)).toMatchObject({
      event: 'setVariables',
      actor: 'admin-1',
      organisation: 'TEST/GOV/MSP',
      reason: 'typing error',
      entries: [{ event: 'changed', detail: 'nid' }],
    });
    expect(JSON.stringify(events)).not.toContain('secret-9');
  });

  it('is for the owner and the administrators of its agency only', async () => {
    const instanceId = await begin('line');
    const cancel = async (token?: Promise<string>) =>
      adminOf(node, 'TEST/GOV/DGA/portal').cancelInstance({
        params: { instanceId },
        body: { reason: 'x' },
        ...(token ? { personToken: await token } : {}),
      });
    expect((await refused(cancel())).status).toBe(404);
    expect((await refused(cancel(administrator('TEST/GOV/OTHER')))).status).toBe(404);
    expect((await refused(cancel(administrator('TEST/GOV/MSP', ['officer'])))).status).toBe(404);
    expect(
      (await refused(adminOf(node, 'TEST/GOV/X/y').getInstanceTokens({ params: { instanceId } }))).status,
    ).toBe(404);
    expect((await cancel(administrator())).body.state).toBe('stopped');
  });

  it('moves a token; task, deadline, incident and parked call of the element it leaves go with it', async () => {
    const instanceId = await begin('line');
    expect((await tokenAt(instanceId, 'a')).token.timers).toMatchObject([{ elementId: 'deadline' }]);
    await move(instanceId, 'a', 'b');
    expect((await openTasks(instanceId)).map((one) => one.elementId)).toEqual(['b']);
    expect(await jobsOf(instanceId)).toBe(0);
    await finish(instanceId, 'b');
    expect((await ended(node, instanceId)).state).toBe('completed');

    const stuck = await begin('asking', { nid: 'bad' });
    await incidentOf(stuck);
    await move(stuck, 'ask', 'by-hand');
    expect((await adminOf(node).listIncidents({ query: { instanceId: stuck } })).body.incidents).toEqual([]);
    expect(await jobsOf(stuck)).toBe(0);
    await finish(stuck, 'by-hand');
    expect((await ended(node, stuck)).state).toBe('completed');
  });

  it('drops the answer of a call whose token was moved while it was under way', async () => {
    const before = registry.requests.length;
    const instanceId = await begin('asking', { nid: 'held' });
    await expect.poll(() => registry.requests.length).toBe(before + 1);
    await move(instanceId, 'ask', 'by-hand');
    release();
    const log = async () => (await apiOf(node).getInstance({ params: { instanceId } })).body.log ?? [];
    await expect.poll(async () => (await log()).map((line) => line.event)).toContain('ignored');
    expect((await openTasks(instanceId)).map((one) => one.elementId)).toEqual(['by-hand']);
    expect((await apiOf(node).getInstance({ params: { instanceId } })).body.variables).toEqual({
      nid: 'held',
    });
  });

  it('refuses a move that leaves a join waiting, or to where no token can stand, and changes nothing', async () => {
    const instanceId = await begin('forked');
    const before = await standing(instanceId);
    for (const [element, word] of [
      ['after', 'join'],
      ['b', 'join'],
      ['join', 'at a join'],
      ['nowhere', 'own scope'],
    ] as const) {
      const error = await refused(move(instanceId, 'a', element));
      expect([element, error.status]).toEqual([element, 422]);
      expect(error.problem?.detail).toContain(word);
    }
    const line = await begin('line');
    expect((await refused(move(line, 'a', 'deadline'))).status).toBe(422);
    expect(await standing(instanceId)).toEqual(before);
    await finish(instanceId, 'a');
    await finish(instanceId, 'b');
    expect((await openTasks(instanceId)).map((one) => one.elementId)).toEqual(['after']);
  });

  it('moves tokens inside a sub-process and restarts a repeated activity, within their scope only', async () => {
    const each = `<multiInstanceLoopCharacteristics isSequential="false" govstack:collection="= list"
      govstack:elementVariable="one"/>`;
    await deploy(
      'nested',
      `<startEvent id="s"/><subProcess id="sub"><startEvent id="in"/>${el('userTask', 'first')}
       ${el('userTask', 'second', {}, each)}<endEvent id="out"/>${chain('in', 'first', 'second', 'out')}</subProcess>
       ${el('userTask', 'last')}<endEvent id="e"/>${chain('s', 'sub', 'last', 'e')}`,
    );
    const instanceId = await begin('nested', { list: [1, 2] });
    expect((await refused(move(instanceId, 'first', 'last'))).status).toBe(422);
    expect((await refused(move(instanceId, 'sub', 'second'))).status).toBe(422);
    await move(instanceId, 'first', 'second');
    const iterations = await openTasks(instanceId);
    expect(iterations.map((one) => one.elementId)).toEqual(['second', 'second']);
    const { tokens, scopes, revision } = await standing(instanceId);
    const inner = scopes.find((one) => one.index === 0);
    const token = tokens.find((one) => one.scopeId === inner?.id);
    const params = { instanceId, tokenId: token?.id ?? '' };
    const again = (elementId: string) =>
      adminOf(node).moveToken({ params, body: { revision, elementId, reason: 'again' } });
    expect((await refused(again('first'))).status).toBe(422);
    await again('second');
    expect((await openTasks(instanceId)).map((one) => one.id)).not.toContain(iterations[0]?.id);
    await finish(instanceId, 'second');
    await finish(instanceId, 'second');
    expect((await openTasks(instanceId)).map((one) => one.elementId)).toEqual(['last']);
    await move(instanceId, 'last', 'sub');
    expect((await openTasks(instanceId)).map((one) => one.elementId)).toEqual(['first']);
    await move(instanceId, 'sub', 'last');
    expect((await standing(instanceId)).scopes.map((one) => one.kind)).toEqual(['process']);
    await finish(instanceId, 'last');
    expect((await ended(node, instanceId)).state).toBe('completed');
  });

  it('starts an element again when its token is moved to where it stands', async () => {
    const instanceId = await begin('forked');
    const [first] = await openTasks(instanceId);
    await move(instanceId, 'a', 'a');
    const tasks = await openTasks(instanceId);
    expect(tasks.map((one) => one.elementId).sort()).toEqual(['a', 'b']);
    expect(tasks.map((one) => one.id)).not.toContain(first?.id);
  });

  it('cancels a token, never the last of its scope and never one that a join waits for', async () => {
    const instanceId = await begin('split');
    await drop(instanceId, 'a');
    expect((await openTasks(instanceId)).map((one) => one.elementId)).toEqual(['b']);
    expect((await refused(drop(instanceId, 'b'))).status).toBe(422);
    await finish(instanceId, 'b');
    expect((await ended(node, instanceId)).state).toBe('completed');
    const joined = await begin('forked');
    expect((await refused(drop(joined, 'a'))).status).toBe(422);
    await finish(joined, 'a');
    expect((await refused(drop(joined, 'b'))).status).toBe(422);
    const { params, revision } = await tokenAt(joined, 'b');
    const body = { revision, reason: 'x' };
    const unknown = { ...params, tokenId: '01890000-0000-7000-8000-000000000000' };
    expect((await refused(adminOf(node).cancelToken({ params: unknown, body }))).status).toBe(404);
    const stale = { ...body, revision: revision - 1 };
    expect((await refused(adminOf(node).cancelToken({ params, body: stale }))).status).toBe(409);
  });

  it('cancels an instance with a reason, once', async () => {
    const instanceId = await begin('line');
    const cancel = (reason: string, idempotencyKey: string) =>
      adminOf(node).cancelInstance({ params: { instanceId }, body: { reason }, idempotencyKey });
    expect((await refused(cancel(' ', 'c-0'))).status).toBe(400);
    const { body } = await cancel('filed twice', 'c-1');
    expect(body).toMatchObject({ ended: true, state: 'stopped' });
    expect((await cancel('filed twice', 'c-1')).body).toEqual(body);
    expect((await refused(cancel('again', 'c-2'))).status).toBe(409);
    expect(await openTasks(instanceId)).toEqual([]);
    expect(await jobsOf(instanceId)).toBe(0);
    const { events } = (await adminOf(node).getInstanceHistory({ params: { instanceId } })).body;
    expect(events.at(-1)).toMatchObject({ event: 'stop', reason: 'filed twice' });
  });
});

describe('incidents in bulk', () => {
  it('are tried again by element and words, so many at a time, telling how many and whether more are left', async () => {
    const ids = await Promise.all([1, 2, 3].map(() => begin('asking', { nid: 'bad' })));
    for (const id of ids) expect((await incidentOf(id)).message).toBe('read answered 400: Bad request');
    const retry = async (more: object) =>
      (
        await adminOf(node).retryIncidents({
          body: { processKey: 'asking', reason: 'registry mended', ...more },
        })
      ).body;
    open = true;
    const none = { retried: 0, failed: 0, more: false };
    expect(await retry({ message: 'Bad key' })).toEqual(none);
    expect(await retry({ elementId: 'by-hand' })).toEqual(none);
    expect(await retry({ message: 'Bad request', limit: 2 })).toEqual({ retried: 2, failed: 0, more: true });
    expect(await retry({ message: 'Bad request', elementId: 'ask', limit: 2 })).toEqual({
      ...none,
      retried: 1,
    });
    for (const instanceId of ids) {
      expect((await ended(node, instanceId)).state).toBe('completed');
      const { events } = (await adminOf(node).getInstanceHistory({ params: { instanceId } })).body;
      expect(events.find((one) => one.event === 'retry')).toMatchObject({ reason: 'registry mended' });
    }
    expect(await retry({})).toEqual(none);
    open = false;
  });
});

describe('going over to another revision', () => {
  const revisions = async (
    key: string,
    before: string,
    after: string,
  ): Promise<[string, () => Promise<string>]> => [
    (await deploy(key, before)).id,
    async () => (await deploy(key, after)).id,
  ];
  const preview = async (
    processId: string,
    body: { to: string; elements?: Record<string, string>; limit?: number },
  ) => (await adminOf(node).previewMigration({ params: { processId }, body })).body;
  const migrate = async (processId: string, body: { to: string; elements?: Record<string, string> }) =>
    (await adminOf(node).migrateInstances({ params: { processId }, body: { ...body, reason: 'new law' } }))
      .body;

  it('[WF-5.1.2-a] [WF-5.1.2-b] carries tasks and deadlines over, ends what is gone, begins what is new, and says who and why', async () => {
    const renamed = line('PT1H').replaceAll('"a"', '"a2"');
    const reminded = `${renamed}<boundaryEvent id="remind" cancelActivity="false" attachedToRef="a2">${timerOf('PT2H')}
      </boundaryEvent><endEvent id="reminded"/>${flow('remind', 'reminded')}`;
    const [from, next] = await revisions('moving', line('PT1H'), reminded);
    const instanceId = await begin('moving');
    const [task] = await openTasks(instanceId);
    const [deadline] = (await tokenAt(instanceId, 'a')).token.timers;
    const to = await next();
    const blocked = await preview(from, { to });
    expect(blocked.instances).toMatchObject([
      {
        instanceId,
        possible: false,
        obstacles: [{ elementId: 'a', message: 'the other revision has no element a' }],
      },
    ]);
    expect(await migrate(from, { to })).toMatchObject({ migrated: 0, instances: [{ migrated: false }] });
    const elements = { a: 'a2' };
    const possible = await preview(from, { to, elements });
    expect(possible.instances).toMatchObject([
      { instanceId, possible: true, moves: [{ from: 'a', to: 'a2' }], obstacles: [] },
    ]);
    expect((await openTasks(instanceId))[0]?.elementId).toBe('a');
    expect(await migrate(from, { to, elements })).toMatchObject({ migrated: 1 });
    expect((await openTasks(instanceId)).map((one) => [one.id, one.elementId])).toEqual([[task?.id, 'a2']]);
    const { timers } = (await tokenAt(instanceId, 'a2')).token;
    expect(timers.map((one) => one.elementId)).toEqual(['deadline', 'remind']);
    expect(timers[0]).toEqual(deadline);
    const repeated = {
      params: { processId: from },
      body: { to, instanceIds: [instanceId], reason: 'new law' },
    };
    expect((await adminOf(node).migrateInstances(repeated)).body.migrated).toBe(1);
    const { events } = (await adminOf(node).getInstanceHistory({ params: { instanceId } })).body;
    expect(events.filter((one) => one.event === 'migrate')).toMatchObject([
      {
        actor: 'TEST/GOV/MSP/cash-transfer',
        reason: 'new law',
        entries: [{ event: 'migrated', elementId: 'a2' }],
      },
    ]);
    await finish(instanceId, 'a2');
    await finish(instanceId, 'b');
    expect(await ended(node, instanceId)).toMatchObject({ state: 'completed', processRef: to });
    const around = (ms: number): string => new Date(Date.now() + ms).toISOString();
    const query = { from: around(-600_000), to: around(60_000) };
    const { elements: figures } = (
      await adminOf(node).getElementStatistics({ params: { processId: to }, query })
    ).body;
    const visit = figures.find((one) => one.elementId === 'a2');
    expect(visit).toMatchObject({ entered: 1, left: 1, active: 0 });
    expect(visit?.mean).toBeGreaterThan(0);
    expect(await jobsOf(instanceId)).toBe(0);
  });

  it('keeps the idempotency key of an open call', async () => {
    const [from, next] = await revisions('calling', asking, asking.replaceAll('"ask"', '"consult"'));
    const before = registry.requests.length;
    const instanceId = await begin('calling', { nid: 'bad' });
    const incident = await incidentOf(instanceId);
    const to = await next();
    const elements = { ask: 'consult' };
    expect(await migrate(from, { to, elements })).toMatchObject({ migrated: 1 });
    expect((await incidentOf(instanceId)).elementId).toBe('consult');
    open = true;
    await adminOf(node).retryIncident({ params: { incidentId: incident.id }, body: {} });
    expect((await ended(node, instanceId)).variables).toMatchObject({ household: 'h' });
    open = false;
    const keys = registry.requests.slice(before).map((one) => one.headers['idempotency-key']);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  it('does not arm again what has gone off, and hears messages under their new names', async () => {
    const withEvents = (message: string, end: string): string =>
      `<startEvent id="s"/>${el('userTask', 'a')}<endEvent id="e"/>${chain('s', 'a', 'e')}
       <boundaryEvent id="nudge" cancelActivity="false" attachedToRef="a">${timerOf('PT0.05S')}</boundaryEvent>
       <endEvent id="nudged"/>${flow('nudge', 'nudged')}
       <boundaryEvent id="heard" attachedToRef="a">
       <messageEventDefinition messageRef="${message}" govstack:correlationKey="= process.businessKey"/></boundaryEvent>
       <endEvent id="${end}"/>${flow('heard', end)}`;
    const roots = '<message id="m1" name="withdrawn"/><message id="m2" name="recalled"/>';
    const deployed = async (content: string) =>
      (await apiOf(node).addProcess({ body: definition(content, { key: 'hearing', roots }) })).body.id;
    const from = await deployed(withEvents('m1', 'by-message'));
    const businessKey = 'hearing-1';
    const { body } = await apiOf(node).start({ params: { processId: 'hearing' }, body: { businessKey } });
    await expect.poll(async () => (await standing(body.id)).tokens[0]?.timers).toEqual([]);
    expect(await migrate(from, { to: await deployed(withEvents('m2', 'by-recall')) })).toMatchObject({
      migrated: 1,
    });
    expect((await standing(body.id)).tokens).toMatchObject([{ elementId: 'a', timers: [] }]);
    const say = (messageId: string, name: string) =>
      apiOf(node).publishMessage({ body: { messageId, name, correlationKey: businessKey } });
    expect((await say('h-1', 'withdrawn')).status).toBe(202);
    expect((await say('h-2', 'recalled')).status).toBe(200);
    expect(await ended(node, body.id)).toMatchObject({ state: 'completed' });
    expect((await openTasks(body.id)).length).toBe(0);
  });

  it('is refused where an instance would be impossible, instance by instance, and for another process', async () => {
    const other = fork.replace(el('userTask', 'b'), el('task', 'b'));
    const changed = `${other}<parallelGateway id="join"/>${el('userTask', 'after')}<endEvent id="e"/>
      ${chain('a', 'join', 'after', 'e')}${flow('b', 'join')}`;
    const [from, next] = await revisions('joining', forked, changed);
    const one = await begin('joining');
    const two = await begin('joining');
    await finish(two, 'b');
    const to = await next();
    const first = await preview(from, { to, limit: 1 });
    expect(first).toMatchObject({ instances: [{ instanceId: one, possible: false }], next: one });
    expect(first.instances[0]?.obstacles).toEqual([
      { elementId: 'b', message: 'b is a task, not a userTask' },
    ]);
    expect(await migrate(from, { to })).toMatchObject({
      migrated: 1,
      instances: [
        { instanceId: one, migrated: false },
        { instanceId: two, migrated: true },
      ],
    });
    await finish(two, 'a');
    expect((await openTasks(two)).map((task) => task.elementId)).toEqual(['after']);
    const foreign = (await deploy('elsewhere', line('PT1H'))).id;
    expect((await refused(preview(from, { to: foreign }))).status).toBe(400);
    expect((await refused(preview(from, { to, elements: { a: 'nowhere' } }))).status).toBe(400);
    const stranger = adminOf(node, 'TEST/GOV/X/y').previewMigration({
      params: { processId: from },
      body: { to },
    });
    expect((await refused(stranger)).status).toBe(404);
  });
});

describe('figures', () => {
  it('[WF-6.5-d] tell how often elements were entered and left in a span, and how long that took', async () => {
    const { id: definitionId } = await deploy('measured', line('PT1H'));
    const instanceId = await begin('measured');
    const db = database();
    const then = (seconds: number): string => new Date(Date.UTC(2001, 0, 1, 12, 0, seconds)).toISOString();
    const told = (seconds: number, event: string, n: number, elementId = 'a') => ({
      instance_id: instanceId,
      at: then(seconds),
      event: 'x',
      application: 'x',
      actor: null,
      organisation: 'x',
      entries: JSON.stringify([{ event, elementId, tokenId: `t-${n}` }]) as never,
      reason: null,
    });
    await db
      .updateTable('instance')
      .set({ started_at: then(0) })
      .where('id', '=', instanceId)
      .execute();
    const visits = Array.from({ length: 20 }, (_, n) => n + 1);
    await db
      .insertInto('history')
      .values([
        ...visits.map((n) => told(0, 'entered', n)),
        ...visits.map((n) => told(n, n === 20 ? 'cancelled' : 'completed', n)),
        told(30, 'entered', 21),
        told(30, 'completed', 22, 's'),
      ])
      .execute();
    const read = async (from: number, to: number) => {
      const query = { from: then(from), to: then(to) };
      const { body } = await adminOf(node).getElementStatistics({
        params: { processId: definitionId },
        query,
      });
      expect(body.complete).toBe(true);
      return Object.fromEntries(body.elements.map(({ elementId, ...figures }) => [elementId, figures]));
    };
    const whole = await read(0, 60);
    expect(whole.a).toEqual({
      entered: 21,
      left: 20,
      active: 1,
      incidents: 0,
      mean: 10.5,
      p50: 10.5,
      p95: 19.05,
    });
    expect(whole.s).toEqual({ entered: 1, left: 1, active: 0, incidents: 0, mean: 0, p50: 0, p95: 0 });
    expect(whole.b).toEqual({ entered: 0, left: 0, active: 0, incidents: 0 });
    expect((await read(15, 25)).a).toMatchObject({ entered: 0, left: 6, mean: 17.5 });
    const begun = new Date(Date.now() - 60_000).toISOString();
    const failing = await deploy(
      'failing',
      `<startEvent id="s"/>${script('n', 'nothing + ""', 'n')}
      <exclusiveGateway id="x"/><endEvent id="e"/><endEvent id="f"/>${chain('s', 'n', 'x')}
      ${flow('x', 'e', { condition: 'nothing' })}${flow('x', 'f', { condition: 'nothing' })}`,
    );
    await begin('failing');
    const { elements } = (
      await adminOf(node).getElementStatistics({
        params: { processId: failing.id },
        query: { from: begun, to: new Date(Date.now() + 60_000).toISOString() },
      })
    ).body;
    expect(elements.find((one) => one.elementId === 'x')).toEqual({
      elementId: 'x',
      entered: 0,
      left: 0,
      active: 1,
      incidents: 1,
    });
    expect((await refused(read(60, 0))).status).toBe(400);
    expect((await refused(read(0, 367 * 86_400))).status).toBe(400);
    const stranger = adminOf(node, 'TEST/GOV/X/y').getElementStatistics({
      params: { processId: definitionId },
      query: { from: then(0), to: then(60) },
    });
    expect((await refused(stranger)).status).toBe(404);
  });

  it('tell the health of the engine and of the processes that one supervises', async () => {
    const foreign = async () => (await adminOf(node, 'TEST/GOV/HEALTH/app').getHealth({})).body;
    expect(await foreign()).toMatchObject({
      state: 'good',
      workers: 1,
      processes: 0,
      running: 0,
      openTasks: 0,
    });
    const app = apiOf(node, 'TEST/GOV/HEALTH/app');
    await app.addProcess({ body: definition(asking, { key: 'asking' }) });
    await app.addProcess({ body: definition(line('PT1H'), { key: 'line' }) });
    const start = async (processId: string) =>
      (await app.start({ params: { processId }, body: { variables: { nid: 'bad' } } })).body.id;
    await start('asking');
    await start('line');
    await app.stop({ params: { instanceId: await start('line') } });
    await until(async () => (await foreign()).openIncidents === 1);
    expect(await foreign()).toEqual({
      state: 'attention',
      workers: 1,
      processes: 2,
      disabledRevisions: 0,
      running: 2,
      lastDay: { started: 3, completed: 0, failed: 0, stopped: 1 },
      openIncidents: 1,
      openTasks: 1,
      overdueTasks: 0,
      dueJobs: 0,
      lateJobs: 0,
      oldestDue: null,
      suspended: 0,
      overdue: 0,
    });
  });
});

describe('looking into instances', () => {
  const portal = () => adminOf(node, 'TEST/GOV/DGA/portal');

  it('[WF-6.3-b] counts what began and ended by day of a time zone, and each process with what is overdue', async () => {
    const own = 'TEST/GOV/FIGURES/app';
    const app = apiOf(node, own);
    const at = (time: string) => `2026-03-29T${time}Z`;
    await app.addProcess({ body: definition(line('PT1H'), { key: 'line' }) });
    await app.addProcess({ body: definition(line('PT1H'), { key: 'idle' }) });
    const start = async () => (await app.start({ params: { processId: 'line' }, body: {} })).body.id;
    const [early, late] = [await start(), await start()];
    await app.stop({ params: { instanceId: late } });
    const set = (id: string, times: object) =>
      database().updateTable('instance').set(times).where('id', '=', id).execute();
    await set(early, { started_at: at('20:30:00'), overdue_at: at('22:00:00') });
    await set(late, { started_at: at('21:30:00'), ended_at: at('23:30:00') });
    const query = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z', interval: 'day' as const };
    const figures = async (more: object = {}) =>
      (await adminOf(node, own).getInstanceFigures({ query: { ...query, ...more } })).body.intervals;
    expect(await figures({ timeZone: 'Africa/Nairobi' })).toEqual([
      { begin: '2026-03-28T21:00:00.000Z', started: 1, completed: 0, failed: 0, stopped: 0 },
      { begin: '2026-03-29T21:00:00.000Z', started: 1, completed: 0, failed: 0, stopped: 1 },
    ]);
    expect(await figures({ processKey: 'idle' })).toEqual([]);
    for (const wrong of [
      { timeZone: 'Mars/Phobos' },
      { to: query.from },
      { interval: 'hour', to: '2026-05-01T00:00:00Z' },
    ])
      expect((await refused(figures(wrong))).status).toBe(400);
    const counted = (await adminOf(node, own).getStatistics({})).body.processes;
    expect(counted).toMatchObject([
      { processKey: 'idle', owner: own, name: 'Test', running: 0, suspended: 0, overdue: 0 },
      { processKey: 'line', owner: own, running: 1, suspended: 0, overdue: 1, stopped: 1 },
    ]);
    const found = (await app.getInstances({ query: { overdue: true } })).body;
    expect(found.map(({ id }) => id)).toEqual([early]);
  });

  it('[WF-4.3] people who look on see the state of each instance of their agency, and change nothing', async () => {
    const instanceId = await begin('line', { nid: 'secret-1' });
    const params = { instanceId };
    const observer = { personToken: await administrator('TEST/GOV/MSP', ['process-observer']) };
    const sees = node.client(workflowApi, { as: 'TEST/GOV/DGA/portal' });
    const { body } = await sees.getInstance({ params, ...observer });
    expect(body).toMatchObject({ id: instanceId, state: 'running', processKey: 'line' });
    expect([body.variables, body.log]).toEqual([undefined, undefined]);
    const { elements } = (await portal().getInstanceDiagram({ params, ...observer })).body;
    expect(elements.find(({ id }) => id === 'a')).toMatchObject({ state: 'active' });
    const { tasks } = (await portal().listInstanceTasks({ params, ...observer })).body;
    expect(tasks).toMatchObject([{ elementId: 'a', state: 'open', assignee: null }]);
    const { revision, tokens } = (await portal().getInstanceTokens({ params, ...observer })).body;
    const told = { params, body: { reason: 'curious' }, ...observer };
    const at = { params: { instanceId, tokenId: tokens[0]?.id ?? '' }, ...observer };
    for (const call of [
      () => portal().suspendInstance(told),
      () => portal().cancelInstance(told),
      () => portal().getInstanceHistory({ params, ...observer }),
      () => portal().listInstanceVariables({ params, ...observer }),
      () => portal().moveToken({ ...at, body: { revision, elementId: 'b', reason: 'curious' } }),
    ])
      expect((await refused(call())).status).toBe(404);
    const stranger = { personToken: await administrator('TEST/GOV/X', ['process-observer']) };
    expect((await refused(sees.getInstance({ params, ...stranger }))).status).toBe(404);
  });

  it('[WF-5.1.1] who supervises sees the names of variables; their values need another role, a reason, and leave a trace', async () => {
    const instanceId = await begin('line', { nid: 'secret-2', household: ['x'] });
    const params = { instanceId };
    const supervisor = { personToken: await administrator() };
    const { body } = await portal().listInstanceVariables({ params, ...supervisor });
    expect(body.readable).toBe(false);
    expect(body.variables.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'nid string',
      'household list',
    ]);
    expect(JSON.stringify(body)).not.toContain('secret-2');
    const ask = { params, body: { reason: 'complaint 17' } };
    expect((await refused(portal().readInstanceVariables({ ...ask, ...supervisor }))).status).toBe(403);
    const reader = {
      personToken: await administrator('TEST/GOV/MSP', ['administrator', 'process-data-reader']),
    };
    const read = (await portal().readInstanceVariables({ ...ask, ...reader })).body;
    expect(read.scopes[0]?.variables).toEqual({ nid: 'secret-2', household: ['x'] });
    const { events } = (await portal().getInstanceHistory({ params, ...supervisor })).body;
    expect(events.at(-1)).toMatchObject({
      event: 'variablesRead',
      actor: 'admin-1',
      organisation: 'TEST/GOV/MSP',
      reason: 'complaint 17',
    });
    expect(JSON.stringify(events)).not.toContain('secret-2');
  });

  it('[WF-5.1.2-b] why an instance stands still is in its history; anything but a reason is refused', async () => {
    const params = { instanceId: await begin('line') };
    await adminOf(node).suspendInstance({ params, body: { reason: 'the registry is being moved' } });
    await adminOf(node).resumeInstance({ params, body: {} });
    const { events } = (await adminOf(node).getInstanceHistory({ params })).body;
    expect(events.map(({ event, reason }) => [event, reason])).toEqual([
      ['start', undefined],
      ['suspended', 'the registry is being moved'],
      ['resumed', undefined],
    ]);
    for (const body of [{ reason: ' ' }, { reason: 7 }, { other: 'x' }, 'text'])
      expect((await refused(adminOf(node).suspendInstance({ params, body } as never))).status).toBe(400);
  });

  it('[WF-4.3] a process without a drawing gets one, on which instances are shown', async () => {
    const params = { processId: 'forked' };
    const { body } = await adminOf(node).getProcessDrawing({ params });
    expect(body.made).toBe(true);
    expect(body.bpmn).toContain('bpmnElement="join"');
    const { elements, flows } = (await adminOf(node).getProcessOutline({ params })).body;
    expect(elements.every(({ bounds }) => bounds !== undefined)).toBe(true);
    expect(flows.every(({ waypoints }) => (waypoints?.length ?? 0) > 1)).toBe(true);
  });
});

describe('what is kept', () => {
  it('[WF-5.1.2-a] ended instances go when their days are over, with all that belongs to them; a log tells how many', async () => {
    await deploy('kept', line('PT1H'));
    const params = { processId: 'kept' };
    expect((await adminOf(node).getRetention({ params })).body).toEqual({ processKey: 'kept', days: null });
    const [old, young, running] = [await begin('kept'), await begin('kept'), await begin('kept')];
    for (const instanceId of [old, young]) {
      const [task] = await openTasks(instanceId);
      await apiOf(node).commentUserTask({ params: { taskId: task?.id ?? '' }, body: { text: 'seen' } });
      await apiOf(node).stop({ params: { instanceId } });
    }
    const db = database();
    const longAgo = new Date(Date.now() - 31 * 86_400_000).toISOString();
    await db.updateTable('instance').set({ started_at: longAgo }).where('id', 'in', [old, running]).execute();
    await db.updateTable('instance').set({ ended_at: longAgo }).where('id', '=', old).execute();
    const set = { params, body: { days: 30, reason: 'archive act, section 4' } };
    expect((await refused(adminOf(node, 'TEST/GOV/X/y').setRetention(set))).status).toBe(404);
    expect((await adminOf(node).setRetention(set)).body.days).toBe(30);
    await adminOf(node).setRetention(set);
    await expect
      .poll(async () =>
        (await apiOf(node).getInstances({ query: { processId: 'kept' } })).body.map((one) => one.id),
      )
      .toEqual([running, young]);
    for (const table of ['history', 'scope', 'user_task', 'task_comment'] as const) {
      const rows = await db.selectFrom(table).selectAll().where('instance_id', '=', old).execute();
      expect([table, rows]).toEqual([table, []]);
    }
    const { changes } = (await adminOf(node).listChanges({})).body;
    expect(changes.filter((one) => one.processKey === 'kept')).toMatchObject([
      {
        action: 'instances-removed',
        actor: 'TEST/GOV/BLOCKS/workflow',
        detail: expect.stringMatching(/^1 instances/),
      },
      { action: 'retention-set', detail: 'kept for 30 days', reason: 'archive act, section 4' },
    ]);
    expect((await adminOf(node, 'TEST/GOV/X/y').listChanges({})).body.changes).toEqual([]);
  });

  it('[WF-5.1.2-b] variables of an ended instance are erased on demand; the history keeps that they were, and why', async () => {
    const shown = el('userTask', 'a', {}, extensions(input('number', '= nid')));
    await deploy('erased', `<startEvent id="s"/>${shown}<endEvent id="e"/>${chain('s', 'a', 'e')}`);
    const instanceId = await begin('erased', { nid: 'private-7', ward: 'w' });
    const [task] = await openTasks(instanceId);
    const ofTask = { params: { taskId: task?.id ?? '' } };
    expect(task?.variables).toEqual({ number: 'private-7' });
    await apiOf(node).commentUserTask({ ...ofTask, body: { text: 'private-7 called' } });
    const params = { instanceId };
    const erase = async (variables?: string[], idempotencyKey = 'erase-1') =>
      adminOf(node, 'TEST/GOV/DGA/portal').eraseVariables({
        params,
        body: { ...(variables ? { variables } : {}), reason: 'request of the person, article 17' },
        personToken: await administrator(),
        idempotencyKey,
      });
    expect((await refused(erase(['nid']))).status).toBe(409);
    await apiOf(node).stop({ params });
    expect((await refused(erase(['nobody']))).status).toBe(400);
    expect((await erase(['nid'])).body).toEqual({ erased: ['nid'] });
    expect((await erase(['nid'])).body).toEqual({ erased: ['nid'] });
    expect((await apiOf(node).getInstance({ params })).body.variables).toEqual({ ward: 'w' });
    expect((await apiOf(node).readUserTask(ofTask)).body.variables).toEqual({});
    expect((await apiOf(node).listTaskComments(ofTask)).body.comments).toMatchObject([{ text: '' }]);
    expect((await erase(undefined, 'erase-2')).body).toEqual({ erased: ['ward'] });
    expect((await apiOf(node).getInstance({ params })).body.variables).toEqual({});
    const { events } = (await adminOf(node).getInstanceHistory({ params })).body;
    expect(events.filter((one) => one.event === 'erase')).toMatchObject([
      {
        actor: 'admin-1',
        organisation: 'TEST/GOV/MSP',
        reason: 'request of the person, article 17',
        entries: [{ detail: 'nid' }],
      },
      { entries: [{ detail: 'ward' }] },
    ]);
    const db = database();
    await expect(db.deleteFrom('history').where('instance_id', '=', instanceId).execute()).rejects.toThrow(
      'only added to',
    );
  });
});
