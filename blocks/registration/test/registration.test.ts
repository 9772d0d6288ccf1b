import { CallFailed, type Client } from '@govstack/platform';
import { jsonResponse, startTestNode, type TestNode, type TestProvider } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { registrationApi, registrationDesign } from '../src/api/operations.ts';
import { registration } from '../src/block.ts';
import { form, goodAnswers } from './form.ts';

const owner = 'TEST/GOV/MSP/cash-transfer';
const engine = 'TEST/GOV/DGA/workflow/workflow-v1';

/** What reached the process engine, in another application. */
const started = new Map<
  string,
  { body: Record<string, unknown>; key: string; client: string; correlation: string }
>();
const completed: { taskId: string; body: { variables: Record<string, Record<string, string>> } }[] = [];
const messages: Record<string, unknown>[] = [];
/** Tasks that were asked for. */
const asked: string[] = [];
let engineDown = false;

const processEngine: TestProvider = async (request) => {
  if (engineDown) return jsonResponse(503, { title: 'down' });
  const body = request.body === undefined ? undefined : JSON.parse(String(request.body));
  if (request.path.endsWith('/start')) {
    const key = request.headers['idempotency-key'] as string;
    started.set(key, {
      body,
      key,
      client: request.client,
      correlation: request.headers['x-correlation-id'] as string,
    });
    return jsonResponse(201, { id: `instance-${key}` });
  }
  if (request.path === '/messages') {
    messages.push(body);
    return jsonResponse(202, {});
  }
  const taskId = request.path.split('/')[2] as string;
  if (request.method === 'GET') {
    asked.push(taskId);
    const token = request.headers.authorization?.split('.')[1];
    const person = token && JSON.parse(Buffer.from(token, 'base64url').toString()).sub;
    if (person === 'officer-gone') return jsonResponse(403, { title: 'Rights withdrawn' });
    const [kind, businessKey] = [taskId.slice(0, 4), taskId.slice('task-'.length)];
    return jsonResponse(200, {
      id: taskId,
      name: 'Review',
      businessKey,
      candidateRole: 'officer',
      formRef: kind === 'answ' ? 'answer' : 'decision',
      excludedPersons: ['officer-0'],
      variables: { score: 41 },
    });
  }
  completed.push({ taskId, body });
  return jsonResponse(200, {});
};

let node: TestNode;
let api: Client<typeof registrationApi.operations>;
let serviceId: string;
let eFormId: string;
let officer: string;

const definition = {
  name: { en: 'Benefit' },
  description: { en: 'A benefit' },
  sheet: { whoCanApply: { en: 'Everyone' } },
  eForm: form,
  process: { service: engine, processId: 'benefit' },
  onePerApplicant: true,
  requests: {
    appeal: {
      name: { en: 'Appeal' },
      explanation: { en: 'Say why' },
      message: 'benefit.appeal',
      when: ['REJECTED' as const],
      withinDays: 30,
      once: true,
    },
    complaint: {
      name: { en: 'Complain' },
      explanation: { en: 'Say what went wrong' },
      message: 'benefit.complaint',
      when: ['PENDING' as const, 'REJECTED' as const, 'APPROVED' as const],
    },
  },
};

beforeAll(async () => {
  node = await startTestNode({ blocks: [{ block: registration }], providers: { [engine]: processEngine } });
  api = node.client(registrationApi, { as: owner });
  const design = node.client(registrationDesign, { as: owner });
  const put = await design.putService({ params: { code: 'benefit' }, body: definition });
  ({ serviceId, eFormId } = put.body);
  const again = await design.putService({ params: { code: 'benefit' }, body: definition });
  expect(again.body).toEqual(put.body);
  officer = await node.token({ id: 'officer-1', roles: ['officer'], agency: 'TEST/GOV/MSP' });
});
afterAll(() => node.stop());

const refusal = async (call: Promise<unknown>): Promise<CallFailed> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};

let people = 0;
async function citizen() {
  people += 1;
  const id = `person-${people}`;
  return { id, token: await node.token({ id }) };
}
const submission = (applicantId: string, data: object = goodAnswers) => ({
  applicantId,
  formData: { eFormId, data: data as Record<string, unknown> },
});

async function apply(who: Awaited<ReturnType<typeof citizen>>, idempotencyKey?: string) {
  return api.submitApplication({
    params: { serviceId },
    body: submission(who.id),
    personToken: who.token,
    ...(idempotencyKey ? { idempotencyKey } : {}),
  });
}

/** What the process engine announces about a task. */
async function announce(
  taskId: string,
  what: 'created' | 'withdrawn',
  businessKey: string,
  correlationid: string,
) {
  const event = {
    specversion: '1.0',
    id: `${what}-${taskId}`,
    source: 'TEST/GOV/DGA/workflow',
    type: `workflow.user-task-${what}.v1`,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    correlationid,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
    data: { taskId, businessKey, candidateRole: 'officer' },
  };
  const delivered = await node.mediator.exchange({
    client: 'TEST/GOV/DGA/workflow',
    service: 'TEST/GOV/BLOCKS/registration/events-v1',
    method: 'POST',
    path: '/events',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  });
  expect(delivered.status).toBe(204);
}

async function withTask(kind = 'task') {
  const who = await citizen();
  const { fileId, correlationId } = (await apply(who)).body;
  const taskId = `${kind}-${fileId}`;
  await announce(taskId, 'created', fileId, correlationId);
  await vi.waitFor(
    async () =>
      expect((await api.listTasks({ query: { fileId }, personToken: officer })).body).toHaveLength(1),
    { timeout: 30_000 },
  );
  return { who, fileId, taskId, correlationId };
}

describe('applying', () => {
  it('stores the file, gives a reference and starts the process once, under the same correlation id', async () => {
    const who = await citizen();
    const file = (await apply(who, 'k-1')).body;
    expect(file.reference).toMatch(/^[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}$/);
    expect(file.status.code).toBe('PENDING');
    expect((await apply(who, 'k-1')).body.fileId).toBe(file.fileId);
    await vi.waitFor(() => expect(started.get(file.fileId)).toBeDefined(), { timeout: 30_000 });
    const start = started.get(file.fileId);
    expect(start).toMatchObject({ client: owner, correlation: file.correlationId });
    expect(start?.body).toMatchObject({
      businessKey: file.fileId,
      variables: { applicantId: who.id, application: { roof: 'thatch' } },
    });
  });

  it('waits for a process engine that is down', async () => {
    engineDown = true;
    const file = (await apply(await citizen())).body;
    engineDown = false;
    await vi.waitFor(() => expect(started.has(file.fileId)).toBe(true), { timeout: 30_000 });
  });

  it('is refused with every defect and leaves nothing behind', async () => {
    const who = await citizen();
    const body = submission(who.id, { ...goodAnswers, roof: 'gold', headNumber: '' });
    const failed = await refusal(
      api.submitApplication({ params: { serviceId }, body, personToken: who.token }),
    );
    expect(failed.status).toBe(400);
    expect(failed.problem?.errors?.map((error) => error.pointer).sort()).toEqual([
      '/formData/data/headNumber',
      '/formData/data/roof',
    ]);
    expect((await api.listApplications({ query: {}, personToken: who.token })).body).toEqual([]);
  });

  it('for somebody else, twice at once, or to a service that is not there is refused', async () => {
    const [who, other] = [await citizen(), await citizen()];
    expect(
      (
        await refusal(
          api.submitApplication({
            params: { serviceId },
            body: submission(other.id),
            personToken: who.token,
          }),
        )
      ).status,
    ).toBe(403);
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => apply(who)));
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    const params = { serviceId: 'no-such-service' };
    expect(
      (await refusal(api.submitApplication({ params, body: submission(who.id), personToken: who.token })))
        .status,
    ).toBe(404);
    const stranger = node.client(registrationApi, { as: 'TEST/GOV/OTHER/app' });
    expect(
      (await refusal(stranger.submitApplication({ params: { serviceId }, body: submission('x') }))).status,
    ).toBe(403);
  });

  it('[RGN-6.1-g] drafts are kept for the person alone', async () => {
    const [who, other] = [await citizen(), await citizen()];
    const params = { serviceId };
    await api.saveDraft({ params, body: { eFormId, data: { roof: 'tiles' } }, personToken: who.token });
    expect((await api.readDraft({ params, personToken: who.token })).body.data).toEqual({ roof: 'tiles' });
    expect((await refusal(api.readDraft({ params, personToken: other.token }))).status).toBe(404);
    expect((await refusal(api.readDraft({ params }))).status).toBe(401);
  });
});

describe('files', () => {
  it("[RGN-8.2-a] are seen by the applicant, the service and the agency's officers; to others they are not there", async () => {
    const [who, other] = [await citizen(), await citizen()];
    const { fileId } = (await apply(who)).body;
    const params = { fileId };
    const foreignOfficer = await node.token({ id: 'o2', roles: ['officer'], agency: 'TEST/GOV/TAX' });
    expect((await api.readApplication({ params, personToken: who.token })).status).toBe(200);
    expect((await api.readApplication({ params, personToken: officer })).status).toBe(200);
    expect((await api.readApplication({ params })).status).toBe(200);
    expect((await refusal(api.readApplication({ params, personToken: other.token }))).status).toBe(404);
    expect((await refusal(api.readApplication({ params, personToken: foreignOfficer }))).status).toBe(404);
    const stranger = node.client(registrationApi, { as: 'TEST/GOV/OTHER/app' });
    expect((await refusal(stranger.readApplication({ params }))).status).toBe(404);
    expect((await api.listApplications({ query: {}, personToken: other.token })).body).toEqual([]);
    expect(
      (await refusal(api.readApplication({ params: { fileId: "'; drop table task; --" } }))).status,
    ).toBe(404);
  });

  it('end once, with reasons, by the word of the service only', async () => {
    const who = await citizen();
    const { fileId } = (await apply(who)).body;
    const outcome = {
      status: 'REJECTED' as const,
      reasons: [{ code: 'score', text: { en: 'Above the threshold' } }],
    };
    const stranger = node.client(registrationApi, { as: 'TEST/GOV/OTHER/app' });
    expect((await refusal(stranger.recordOutcome({ params: { fileId }, body: outcome }))).status).toBe(403);
    await api.recordOutcome({ params: { fileId }, body: outcome });
    await api.recordOutcome({ params: { fileId }, body: outcome });
    expect(
      (await refusal(api.recordOutcome({ params: { fileId }, body: { ...outcome, status: 'APPROVED' } })))
        .status,
    ).toBe(409);
    const seen = (await api.readApplication({ params: { fileId }, personToken: who.token })).body;
    expect(seen.outcome?.reasons[0]?.text.en).toBe('Above the threshold');
    expect(seen.history.map((event) => event.kind)).toEqual(['submitted', 'rejected']);
    expect((await apply(who)).status).toBe(200);
  });
});

describe('tasks', () => {
  it('[RGN-8.2-c] of a process come to the officers of the agency, who decide once with a reason', async () => {
    const { taskId, fileId } = await withTask();
    const task = (await api.readTask({ params: { taskId }, personToken: officer })).body;
    expect(task).toMatchObject({ fileId, data: { score: 41 }, formVariables: { roof: 'thatch' } });
    const body = { data: { decision: { status: 'APPROVED' as const, reason: 'Visited the house' } } };
    expect(
      (
        await refusal(
          api.completeTask({
            params: { taskId },
            body: { data: { decision: { status: 'APPROVED', reason: '' } } },
            personToken: officer,
          }),
        )
      ).status,
    ).toBe(400);
    await api.completeTask({ params: { taskId }, body, personToken: officer });
    await api.completeTask({ params: { taskId }, body, personToken: officer });
    const turned = { data: { decision: { status: 'REJECTED' as const, reason: 'Changed my mind' } } };
    expect(
      (await refusal(api.completeTask({ params: { taskId }, body: turned, personToken: officer }))).status,
    ).toBe(409);
    await vi.waitFor(() => expect(completed.filter((one) => one.taskId === taskId)).toHaveLength(1), {
      timeout: 30_000,
    });
    expect(completed.find((one) => one.taskId === taskId)?.body.variables.decision?.status).toBe('APPROVED');
    expect((await api.listTasks({ query: { fileId }, personToken: officer })).body).toEqual([]);
  });

  it('[RGN-6.2-a][RGN-6.2-d] are out of reach of citizens, other agencies, other roles, and of a second officer once claimed', async () => {
    const { taskId, who } = await withTask();
    const params = { taskId };
    expect((await refusal(api.readTask({ params, personToken: who.token }))).status).toBe(403);
    const foreign = await node.token({ id: 'f', roles: ['officer'], agency: 'TEST/GOV/TAX' });
    expect((await refusal(api.readTask({ params, personToken: foreign }))).status).toBe(404);
    const manager = await node.token({ id: 'm', roles: ['programme-manager'], agency: 'TEST/GOV/MSP' });
    expect((await refusal(api.claimTask({ params, personToken: manager }))).status).toBe(403);
    await api.claimTask({ params, personToken: officer });
    const second = await node.token({ id: 'officer-2', roles: ['officer'], agency: 'TEST/GOV/MSP' });
    expect((await refusal(api.claimTask({ params, personToken: second }))).status).toBe(409);
    const body = { data: { decision: { status: 'APPROVED' as const, reason: 'I want to' } } };
    expect((await refusal(api.completeTask({ params, body, personToken: second }))).status).toBe(409);
  });

  it('that ask for words take words; those who decided before are kept out, and what is withdrawn is gone', async () => {
    const { taskId, fileId, correlationId } = await withTask('answ');
    const params = { taskId };
    const earlier = await node.token({ id: 'officer-0', roles: ['officer'], agency: 'TEST/GOV/MSP' });
    expect((await api.listTasks({ query: { fileId }, personToken: earlier })).body).toEqual([]);
    expect((await refusal(api.readTask({ params, personToken: earlier }))).status).toBe(403);
    const body = { data: { answer: { text: 'We paid it anew' } } };
    expect((await refusal(api.completeTask({ params, body, personToken: earlier }))).status).toBe(403);
    const gone = await node.token({ id: 'officer-gone', roles: ['officer'], agency: 'TEST/GOV/MSP' });
    for (const call of [api.readTask, api.claimTask])
      expect((await refusal(call({ params, personToken: gone }))).status).toBe(403);
    expect((await refusal(api.completeTask({ params, body, personToken: gone }))).status).toBe(403);
    expect((await api.readTask({ params, personToken: officer })).body.form).toBe('answer');
    const decided = { data: { decision: { status: 'APPROVED' as const, reason: 'Not asked' } } };
    expect((await refusal(api.completeTask({ params, body: decided, personToken: officer }))).status).toBe(
      400,
    );
    const broken = { data: { answer: { text: 'Half a \ud800' } } };
    expect((await refusal(api.completeTask({ params, body: broken, personToken: officer }))).status).toBe(
      400,
    );
    await api.completeTask({ params, body, personToken: officer });
    await vi.waitFor(() => expect(completed.some((one) => one.taskId === taskId)).toBe(true), {
      timeout: 30_000,
    });
    expect(completed.find((one) => one.taskId === taskId)?.body.variables).toEqual({
      answer: { text: 'We paid it anew', by: 'officer-1' },
    });
    const file = (await api.readApplication({ params: { fileId }, personToken: officer })).body;
    expect(file.history.at(-1)?.kind).toBe('officer-answered');
    const taken = await withTask();
    await announce(taken.taskId, 'withdrawn', taken.fileId, correlationId);
    expect((await api.listTasks({ query: { fileId: taken.fileId }, personToken: officer })).body).toEqual([]);
    const late = api.completeTask({
      params: { taskId: taken.taskId },
      body: decided,
      personToken: officer,
    });
    expect((await refusal(late)).status).toBe(409);
    const who = await citizen();
    const early = (await apply(who)).body;
    const id = `task-${early.fileId}`;
    await announce(id, 'withdrawn', early.fileId, early.correlationId);
    await announce(id, 'created', early.fileId, early.correlationId);
    await vi.waitFor(() => expect(asked).toContain(id), { timeout: 30_000 });
    await vi.waitFor(async () => {
      const { rows } = await sql<{ open: number }>`
        select count(*)::integer as open from jobs.job where state in ('created', 'retry', 'active')
        and data::text like ${`%${id}%`}`.execute(node.database('registration'));
      expect(rows[0]?.open).toBe(0);
    });
    const open = await api.listTasks({ query: { fileId: early.fileId }, personToken: officer });
    expect(open.body).toEqual([]);
  });

  it('two officers deciding at the same moment: one decision', async () => {
    const { taskId } = await withTask();
    const tokens = await Promise.all(
      ['a', 'b', 'c', 'd'].map((id) => node.token({ id, roles: ['officer'], agency: 'TEST/GOV/MSP' })),
    );
    const outcomes = await Promise.allSettled(
      tokens.map((personToken, index) =>
        api.completeTask({
          params: { taskId },
          body: { data: { decision: { status: index % 2 ? 'APPROVED' : 'REJECTED', reason: 'Because' } } },
          personToken,
        }),
      ),
    );
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
  });
});

describe('requests about a file', () => {
  const rejected = {
    status: 'REJECTED' as const,
    reasons: [{ code: 'score', text: { en: 'Too few points' } }],
  };
  const refused = async () => {
    const who = await citizen();
    const { fileId } = (await apply(who)).body;
    await api.recordOutcome({ params: { fileId }, body: rejected });
    const ask = (kind: string, personToken: string | undefined = who.token, text = 'My roof leaks') =>
      api.makeRequest({
        params: { fileId },
        body: { kind, text },
        ...(personToken === undefined ? {} : { personToken }),
      });
    const read = async () => (await api.readApplication({ params: { fileId }, personToken: who.token })).body;
    return { who, fileId, ask, read };
  };

  it('are offered to the applicant alone as the service declares them, and told to the process once', async () => {
    const { fileId, ask, read, who } = await refused();
    expect((await read()).offers.map((one) => one.kind)).toEqual(['appeal', 'complaint']);
    const seen = (await api.readApplication({ params: { fileId }, personToken: officer })).body;
    expect(seen.offers).toEqual([]);
    const other = await citizen();
    expect((await refusal(ask('appeal', other.token))).status).toBe(404);
    expect((await refusal(ask('appeal', officer))).status).toBe(403);
    expect(
      (await refusal(api.makeRequest({ params: { fileId }, body: { kind: 'appeal', text: 'No' } }))).status,
    ).toBe(400);
    expect(
      (await refusal(api.makeRequest({ params: { fileId }, body: { kind: 'appeal', text: 'None' } }))).status,
    ).toBe(403);
    for (const kind of ['holiday', 'constructor']) expect((await refusal(ask(kind))).status).toBe(404);
    expect((await refusal(ask('appeal', who.token, 'Half a \ud800'))).status).toBe(400);
    const { requestId } = (await ask('appeal')).body;
    expect((await refusal(ask('appeal'))).problem?.type).toBe('urn:govstack:registration:request-open');
    await vi.waitFor(() => expect(messages.some((one) => one.messageId === requestId)).toBe(true), {
      timeout: 30_000,
    });
    expect(messages.filter((one) => one.messageId === requestId)).toMatchObject([
      {
        name: 'benefit.appeal',
        correlationKey: fileId,
        payload: { fileId, applicantId: who.id, request: { text: 'My roof leaks', kind: 'appeal' } },
      },
    ]);
    expect((await read()).requests).toMatchObject([{ requestId, text: 'My roof leaks', state: 'open' }]);
  });

  it('change an outcome when they are upheld, once; nothing else does', async () => {
    const { fileId, ask, read } = await refused();
    const params = { fileId };
    const approved = { status: 'APPROVED' as const, reasons: [{ code: 'appeal', text: { en: 'Visited' } }] };
    expect((await refusal(api.recordOutcome({ params, body: approved }))).status).toBe(409);
    const { requestId } = (await ask('appeal')).body;
    const body = { ...approved, requestId };
    await api.recordOutcome({ params, body });
    await api.recordOutcome({ params, body });
    expect(await read()).toMatchObject({
      status: { code: 'APPROVED' },
      requests: [{ state: 'upheld', answer: { en: 'Visited' } }],
      offers: [{ kind: 'complaint' }],
    });
    expect((await read()).history.map((one) => one.kind)).toEqual([
      ...['submitted', 'rejected', 'request-made', 'request-upheld', 'approved'],
    ]);
    expect((await refusal(api.recordOutcome({ params, body: { ...rejected, requestId } }))).status).toBe(409);
  });

  it('that are dismissed leave the outcome; complaints are answered in words, by the service alone', async () => {
    const { fileId, ask, read } = await refused();
    const appeal = (await ask('appeal')).body;
    const body = { ...rejected, requestId: appeal.requestId };
    await api.recordOutcome({ params: { fileId }, body });
    expect((await refusal(ask('appeal'))).problem?.type).toBe(
      'urn:govstack:registration:request-made-before',
    );
    const { requestId } = (await ask('complaint')).body;
    const params = { fileId, requestId };
    const answer = { text: { en: 'We are sorry' } };
    const stranger = node.client(registrationApi, { as: 'TEST/GOV/OTHER/app' });
    expect((await refusal(stranger.answerRequest({ params, body: answer }))).status).toBe(403);
    await api.answerRequest({ params, body: answer });
    await api.answerRequest({ params, body: { text: { en: 'Otherwise' } } });
    expect((await read()).requests).toMatchObject([
      { kind: 'appeal', state: 'dismissed', answer: { en: 'Too few points' } },
      { kind: 'complaint', state: 'answered', answer: { en: 'We are sorry' } },
    ]);
    expect((await read()).status.code).toBe('REJECTED');
    expect((await ask('complaint')).status).toBe(201);
  });

  it('stay bounded in a file that has many: the newest are shown, and what is possible once stays so', async () => {
    const { fileId, ask, read } = await refused();
    const appeal = (await ask('appeal')).body;
    await api.recordOutcome({ params: { fileId }, body: { ...rejected, requestId: appeal.requestId } });
    const many = node.database('registration');
    await sql`
      insert into file_request (id, file_id, kind, content, state, made_at, answered_at)
      select ('ffffffff-ffff-7fff-8fff-' || lpad(to_hex(n), 12, '0'))::uuid, file_id, 'complaint', content,
        case when n = 300 then 'open' else 'answered' end, made_at, made_at
      from file_request, generate_series(1, 300) n where file_id = ${fileId}`.execute(many);
    await sql`
      insert into file_event (id, file_id, at, kind, actor)
      select ('ffffffff-ffff-7fff-8fff-' || lpad(to_hex(n), 12, '0'))::uuid, ${fileId}::uuid, now(),
        case when n = 300 then 'last' else 'request-made' end, 'applicant'
      from generate_series(1, 300) n`.execute(many);
    const file = await read();
    expect(file.requests).toHaveLength(200);
    expect(file.requests.at(-1)?.state).toBe('open');
    expect(file.history.at(-1)?.kind).toBe('last');
    expect(file.offers).toEqual([]);
    const type = async (kind: string) => (await refusal(ask(kind))).problem?.type?.split(':').at(-1);
    expect([await type('appeal'), await type('complaint')]).toEqual(['request-made-before', 'request-open']);
  });

  it('that a process would have to wait for are not offered for files that were sent before it did', async () => {
    const design = node.client(registrationDesign, { as: owner });
    const { requests, ...without } = definition;
    const code = 'older';
    const { body: put } = await design.putService({ params: { code }, body: without });
    const file = async () => {
      const who = await citizen();
      const { body } = await api.submitApplication({
        params: { serviceId: put.serviceId },
        body: { ...submission(who.id), formData: { eFormId: put.eFormId, data: goodAnswers } },
        personToken: who.token,
      });
      const params = { fileId: body.fileId };
      await api.recordOutcome({ params, body: rejected });
      return { params, personToken: who.token };
    };
    const before = await file();
    const offered = { ...requests, appeal: { ...requests.appeal, awaited: true } };
    await design.putService({ params: { code }, body: { ...without, requests: offered } });
    const kinds = async (one: typeof before) =>
      (await api.readApplication(one)).body.offers.map(({ kind }) => kind);
    expect(await kinds(before)).toEqual(['complaint']);
    const asked = api.makeRequest({ ...before, body: { kind: 'appeal', text: 'My roof leaks' } });
    expect((await refusal(asked)).problem?.type).toBe('urn:govstack:registration:request-not-offered');
    expect(await kinds(await file())).toEqual(['appeal', 'complaint']);
  });

  it('are refused when their time is over', async () => {
    const { fileId, ask, read } = await refused();
    await sql`update application_file set ended_at = ended_at - interval '31 days' where id = ${fileId}`.execute(
      node.database('registration'),
    );
    expect((await read()).offers.map((one) => one.kind)).toEqual(['complaint']);
    const late = await refusal(ask('appeal'));
    expect([late.status, late.problem?.type]).toEqual([409, 'urn:govstack:registration:request-too-late']);
  });
});

it('figures tell outcomes, to the service and its officers', async () => {
  const figures = (await api.readStatistics({ query: { serviceId: 'benefit' }, personToken: officer }))
    .body[0];
  expect(figures?.rejected).toBeGreaterThanOrEqual(1);
  const who = await citizen();
  expect(
    (await refusal(api.readStatistics({ query: { serviceId: 'benefit' }, personToken: who.token }))).status,
  ).toBe(404);
});
