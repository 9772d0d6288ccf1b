import { CallFailed, eventsSurface } from '@govstack/platform';
import type { TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chain, el, extensions, input, output } from '../execution/bpmn.ts';
import { adminOf, apiOf, definition, ended, owner, startWorkflow, until } from './node.ts';

let node: TestNode;
beforeAll(async () => {
  node = await startWorkflow();
  const review = el(
    'userTask',
    'review',
    {
      name: 'Review',
      'govstack:candidateRole': 'officer',
      'govstack:formRef': 'decision',
      'govstack:excludedPersons': '= [clerk]',
    },
    extensions(input('score', '= score'), output('= decision', 'decision'), output('= completedBy', 'by')),
  );
  await apiOf(node).addProcess({
    body: definition(`<startEvent id="s"/>${review}<endEvent id="e"/>${chain('s', 'review', 'e')}`, {
      key: 'reviewing',
    }),
  });
  await apiOf(node).addProcess({
    body: definition(
      `<startEvent id="s"/>${el(
        'receiveTask',
        'paid',
        { messageRef: 'm', 'govstack:correlationKey': '= process.businessKey' },
        extensions(output('= message.amount', 'amount')),
      )}<endEvent id="e"/>${chain('s', 'paid', 'e')}`,
      { key: 'payment', roots: '<message id="m" name="paid"/>' },
    ),
  });
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

let cases = 0;
const opened = async () => {
  cases += 1;
  const businessKey = `case-${cases}`;
  const { body } = await apiOf(node).start({
    params: { processId: 'reviewing' },
    body: { businessKey, variables: { score: 55, clerk: 'clerk-1' } },
  });
  const { tasks } = (await apiOf(node).listUserTasks({ query: { businessKey } })).body;
  return { instanceId: body.id, businessKey, task: tasks[0] as NonNullable<(typeof tasks)[0]> };
};
const portal = () => apiOf(node, 'TEST/GOV/DGA/portal');
const officer = (id = 'officer-1', roles = ['officer'], agency = 'TEST/GOV/MSP') =>
  node.token({ id, roles, agency });

describe('user tasks', () => {
  it('show what has to be done, for whom, and are announced', async () => {
    const { task, instanceId, businessKey } = await opened();
    expect(task).toMatchObject({
      name: 'Review',
      state: 'open',
      instanceId,
      businessKey,
      candidateRole: 'officer',
      formRef: 'decision',
      excludedPersons: ['clerk-1'],
      variables: { score: 55 },
    });
    const announced = await until(async () =>
      node.published.find(
        (event) => event.type === 'workflow.user-task-created.v1' && event.subject === task.id,
      ),
    );
    expect(announced.data).toMatchObject({ taskId: task.id, businessKey, candidateRole: 'officer' });
  });

  it('are announced as withdrawn when the process no longer waits for them, and not when they are done', async () => {
    const done = await opened();
    const params = { taskId: done.task.id };
    await apiOf(node).completeUserTask({ params, body: { variables: { decision: 'yes' } } });
    const { task, instanceId, businessKey } = await opened();
    await apiOf(node).stop({ params: { instanceId } });
    const withdrawn = await until(async () =>
      node.published.find((event) => event.type === 'workflow.user-task-withdrawn.v1'),
    );
    expect(withdrawn.data).toMatchObject({ taskId: task.id, instanceId, businessKey });
  });

  it('are seen by officers of the agency with the role, through any application, and by nobody else', async () => {
    const { task } = await opened();
    const params = { taskId: task.id };
    const read = async (token: Promise<string>) =>
      portal().readUserTask({ params, personToken: await token });
    expect((await read(officer())).body.id).toBe(task.id);
    expect((await refused(read(officer('o', ['clerk'])))).status).toBe(403);
    expect((await refused(read(officer('o', ['officer'], 'TEST/GOV/NLA')))).status).toBe(404);
    expect((await refused(read(officer('clerk-1')))).status).toBe(403);
    expect((await refused(read(node.token({ id: 'citizen' })))).status).toBe(404);
    expect((await refused(portal().readUserTask({ params }))).status).toBe(404);
    expect((await refused(portal().readUserTask({ params: { taskId: 'x' } }))).status).toBe(404);
    const listed = async (token: Promise<string>) =>
      (await portal().listUserTasks({ query: { limit: 500 }, personToken: await token })).body.tasks.map(
        (one) => one.id,
      );
    expect(await listed(officer())).toContain(task.id);
    expect(await listed(officer('clerk-1'))).not.toContain(task.id);
    expect(await listed(officer('o', []))).not.toContain(task.id);
    expect(await listed(node.token({ id: 'citizen' }))).toEqual([]);
  });

  it('are taken by one officer, who can give them back', async () => {
    const { task } = await opened();
    const params = { taskId: task.id };
    const first = await officer('o1');
    const second = await officer('o2');
    await portal().claimUserTask({ params, body: {}, personToken: first });
    expect((await refused(portal().claimUserTask({ params, body: {}, personToken: second }))).status).toBe(
      409,
    );
    expect((await refused(portal().completeUserTask({ params, body: {}, personToken: second }))).status).toBe(
      409,
    );
    await portal().releaseUserTask({ params, personToken: first });
    const { body } = await portal().claimUserTask({ params, body: {}, personToken: second });
    expect(body.assignee).toBe('o2');
  });

  it('[WF-6.2-a] let the process go on with what the officer entered', async () => {
    const { task, instanceId } = await opened();
    const { body } = await portal().completeUserTask({
      params: { taskId: task.id },
      body: { variables: { decision: 'approve' } },
      personToken: await officer('o3'),
    });
    expect(body).toMatchObject({ state: 'completed', completedBy: 'o3' });
    expect((await ended(node, instanceId)).variables).toMatchObject({ decision: 'approve', by: 'o3' });
  });

  it('are completed once: the same request again gets the same answer, another is a conflict', async () => {
    const { task } = await opened();
    const complete = (idempotencyKey: string, decision: string) =>
      apiOf(node).completeUserTask({
        params: { taskId: task.id },
        body: { variables: { decision } },
        idempotencyKey,
      });
    const answers = await Promise.all([complete('k', 'a'), complete('k', 'a'), complete('k', 'a')]);
    expect(answers.map(({ body }) => body.state)).toEqual(['completed', 'completed', 'completed']);
    expect((await refused(complete('other', 'b'))).status).toBe(409);
  });

  it('are done by one of two officers who are equally quick', async () => {
    const { task, instanceId } = await opened();
    const results = await Promise.allSettled(
      ['o4', 'o5', 'o6'].map(async (id) =>
        portal().completeUserTask({
          params: { taskId: task.id },
          body: { variables: { decision: id } },
          personToken: await officer(id),
        }),
      ),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    const { variables } = await ended(node, instanceId);
    expect(variables?.decision).toBe(variables?.by);
  });

  it('record the person for whom the owning application vouches, and keep out whoever is excluded', async () => {
    const { task } = await opened();
    const params = { taskId: task.id };
    const byClerk = apiOf(node).completeUserTask({ params, body: { completedBy: 'clerk-1' } });
    expect((await refused(byClerk)).status).toBe(403);
    const { body } = await apiOf(node).completeUserTask({ params, body: { completedBy: 'o9' } });
    expect(body.completedBy).toBe('o9');
    expect(owner).toBe('TEST/GOV/MSP/cash-transfer');
  });
});

describe('work on tasks', () => {
  const historyOf = async (instanceId: string) =>
    (await adminOf(node).getInstanceHistory({ params: { instanceId } })).body.events;

  it('is handed to another person by whoever holds it, never to one who is excluded, and is on record', async () => {
    const { task, instanceId } = await opened();
    const params = { taskId: task.id };
    const holder = await officer('o1');
    const delegate = (to: string, personToken: string) =>
      portal().delegateUserTask({ params, body: { to, reason: 'on leave' }, personToken });
    await portal().claimUserTask({ params, body: {}, personToken: holder });
    expect((await refused(delegate('o2', await officer('o2')))).status).toBe(409);
    expect((await refused(delegate('clerk-1', holder))).status).toBe(403);
    expect((await refused(delegate('o2', await officer('o', ['clerk'])))).status).toBe(403);
    expect((await refused(delegate('o2', await node.token({ id: 'citizen' })))).status).toBe(404);
    expect((await delegate('o2', holder)).body.assignee).toBe('o2');
    expect((await refused(portal().completeUserTask({ params, body: {}, personToken: holder }))).status).toBe(
      409,
    );
    const told = (await historyOf(instanceId)).filter((one) => one.event === 'task-delegated');
    expect(told).toMatchObject([
      {
        actor: 'o1',
        organisation: 'TEST/GOV/MSP',
        reason: 'on leave',
        entries: [{ elementId: 'review', detail: 'to o2' }],
      },
    ]);
    const supervisor = (agency: string) => node.token({ id: 'chief', roles: ['administrator'], agency });
    expect((await refused(delegate('o3', await supervisor('TEST/GOV/NLA')))).status).toBe(404);
    expect((await refused(delegate('clerk-1', await supervisor('TEST/GOV/MSP')))).status).toBe(403);
    expect((await delegate('o3', await supervisor('TEST/GOV/MSP'))).body.assignee).toBe('o3');
    const personToken = await officer('o3');
    await portal().completeUserTask({ params, body: { variables: { decision: 'a' } }, personToken });
    expect((await refused(delegate('o4', personToken))).status).toBe(409);
  });

  it('has a day when it is due and one to look at it again, by which it is found', async () => {
    const { task, businessKey } = await opened();
    const params = { taskId: task.id };
    const personToken = await officer('o1');
    const set = (body: { dueDate?: string | null; followUpDate?: string | null }, token = personToken) =>
      portal().scheduleUserTask({ params, body, personToken: token });
    const dates = { dueDate: '2031-03-01T12:00:00.000Z', followUpDate: '2031-02-01T12:00:00.000Z' };
    expect((await set(dates)).body).toMatchObject(dates);
    const found = async (query: object) =>
      (await portal().listUserTasks({ query: { businessKey, ...query }, personToken })).body.tasks.length;
    expect(await found({ dueBefore: '2031-03-02T00:00:00Z', dueAfter: '2031-03-01T00:00:00Z' })).toBe(1);
    expect(await found({ dueBefore: '2031-03-01T00:00:00Z' })).toBe(0);
    expect(
      await found({ followUpBefore: '2031-02-02T00:00:00Z', followUpAfter: '2031-02-01T00:00:00Z' }),
    ).toBe(1);
    expect(await found({ followUpAfter: '2031-02-02T00:00:00Z' })).toBe(0);
    expect((await set({ followUpDate: null })).body).toMatchObject({ ...dates, followUpDate: null });
    expect((await refused(set({ dueDate: 'soon' }))).status).toBe(400);
    expect((await refused(set({}))).status).toBe(400);
    await portal().claimUserTask({ params, body: {}, personToken });
    expect((await refused(set(dates, await officer('o2')))).status).toBe(409);
  });

  it('is commented for all who may work on it, once per request; the history keeps who, not the words', async () => {
    const { task, instanceId } = await opened();
    const params = { taskId: task.id };
    const personToken = await officer('o1');
    const say = (text: string, idempotencyKey: string, token = personToken) =>
      portal().commentUserTask({ params, body: { text }, personToken: token, idempotencyKey });
    const first = (await say('Called her: papers follow', 'c1')).body;
    expect((await say('Called her: papers follow', 'c1')).body).toEqual(first);
    await say('Came today', 'c2', await officer('o2'));
    expect((await refused(say(' ', 'c3'))).status).toBe(400);
    const list = async (token: string, query = {}) =>
      (await portal().listTaskComments({ params, query, personToken: token })).body;
    expect((await list(await officer('o3'))).comments).toMatchObject([
      { text: 'Called her: papers follow', author: 'o1', organisation: 'TEST/GOV/MSP' },
      { text: 'Came today', author: 'o2' },
    ]);
    expect(await list(personToken, { limit: 1 })).toEqual({ comments: [first], next: first.id });
    expect((await refused(list(await officer('o', ['officer'], 'TEST/GOV/NLA')))).status).toBe(404);
    expect((await refused(say('x', 'c4', await officer('clerk-1')))).status).toBe(403);
    const events = await historyOf(instanceId);
    expect(events.filter((one) => one.event === 'task-commented').map((one) => one.actor)).toEqual([
      'o1',
      'o2',
    ]);
    expect(JSON.stringify(events)).not.toContain('papers');
  });
});

describe('messages', () => {
  const send = (messageId: string, correlationKey: string, amount = 5) =>
    apiOf(node).publishMessage({ body: { messageId, name: 'paid', correlationKey, payload: { amount } } });
  const waiting = async (businessKey: string) =>
    (await apiOf(node).start({ params: { processId: 'payment' }, body: { businessKey } })).body.id;

  it('reach the instance that waits for their name and key', async () => {
    const [one, two] = [await waiting('m-1'), await waiting('m-2')];
    const { status, body } = await send('msg-1', 'm-2', 7);
    expect(status).toBe(200);
    expect(body).toMatchObject({ instanceId: two });
    expect((await ended(node, two)).variables).toEqual({ amount: 7 });
    expect((await apiOf(node).getInstance({ params: { instanceId: one } })).body.ended).toBe(false);
  });

  it('wait for an instance that is not there yet', async () => {
    expect((await send('msg-2', 'm-3')).status).toBe(202);
    const instance = await waiting('m-3');
    expect((await ended(node, instance)).variables).toEqual({ amount: 5 });
  });

  it('count once, however often they are sent', async () => {
    const [one, two] = [await waiting('m-4'), await waiting('m-4')];
    await Promise.all([send('msg-3', 'm-4'), send('msg-3', 'm-4'), send('msg-3', 'm-4')]);
    await ended(node, one);
    expect((await apiOf(node).getInstance({ params: { instanceId: two } })).body.ended).toBe(false);
    expect((await refused(send('msg-3', 'm-4', 6))).status).toBe(422);
  });

  it('reach every instance when both come at the same moment', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const [instance] = await Promise.all([waiting(`r-${n}`), send(`race-${n}`, `r-${n}`)]);
        return instance;
      }),
    );
    for (const id of ids) expect((await ended(node, id)).state).toBe('completed');
  });

  it('do not reach processes of other applications', async () => {
    const instance = await waiting('m-5');
    const body = { messageId: 'x', name: 'paid', correlationKey: 'm-5', payload: {} };
    expect((await apiOf(node, 'TEST/GOV/OTHER/app').publishMessage({ body })).status).toBe(202);
    expect((await apiOf(node).getInstance({ params: { instanceId: instance } })).body.ended).toBe(false);
  });
});

describe('events of other blocks', () => {
  const hearing = 'TEST/GOV/BLOCKS/workflow';
  const treasury = 'TEST/GOV/TRE/payments';
  const deliver = (id: string, subject: string, source = treasury) =>
    node.client(eventsSurface, { as: treasury, service: `${hearing}/events-v1` }).receiveEvent({
      body: {
        specversion: '1.0',
        id,
        source,
        type: 'payments.run-over.v1',
        subject,
        time: '2026-01-31T12:00:00Z',
        datacontenttype: 'application/json',
        correlationid: 'case-7',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        data: { paid: 3 },
      },
    });
  const waiting = async (businessKey: string): Promise<string> => {
    const receive = el(
      'receiveTask',
      'over',
      { messageRef: 'm', 'govstack:correlationKey': '= process.businessKey' },
      extensions(output('= message.paid', 'paid')),
    );
    await apiOf(node, hearing).addProcess({
      body: definition(`<startEvent id="s"/>${receive}<endEvent id="e"/>${chain('s', 'over', 'e')}`, {
        key: 'hearing',
        roots: '<message id="m" name="payments.run-over.v1"/>',
      }),
    });
    return (await apiOf(node, hearing).start({ params: { processId: 'hearing' }, body: { businessKey } }))
      .body.id;
  };

  it('are messages: the type is the name, the subject the key; a repeated delivery counts once', async () => {
    const [one, two] = [await waiting('run-1'), await waiting('run-1')];
    await Promise.all([deliver('e-1', 'run-1'), deliver('e-1', 'run-1')]);
    expect((await ended(node, one, hearing)).variables).toEqual({ paid: 3 });
    expect((await apiOf(node, hearing).getInstance({ params: { instanceId: two } })).body.ended).toBe(false);
    await deliver('e-2', 'run-1');
    await ended(node, two, hearing);
  });

  it('wait for the process that will ask for them', async () => {
    await deliver('e-3', 'run-2');
    await ended(node, await waiting('run-2'), hearing);
  });

  it('are refused from an application that did not announce them, and change nothing', async () => {
    const instance = await waiting('run-3');
    expect((await refused(deliver('e-4', 'run-3', 'TEST/GOV/TRE/other'))).status).toBe(403);
    expect((await apiOf(node, hearing).getInstance({ params: { instanceId: instance } })).body.ended).toBe(
      false,
    );
  });
});
