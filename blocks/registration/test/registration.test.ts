import { CallFailed, type Client } from '@govstack/platform';
import { jsonResponse, startTestNode, type TestNode, type TestProvider } from '@govstack/platform/testing';
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
const completed: { taskId: string; body: { variables: { decision: { status: string } } } }[] = [];
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
  const taskId = request.path.split('/')[2] as string;
  if (request.method === 'GET') {
    const businessKey = taskId.slice('task-'.length);
    return jsonResponse(200, {
      id: taskId,
      name: 'Review',
      businessKey,
      candidateRole: 'officer',
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

async function withTask() {
  const who = await citizen();
  const { fileId, correlationId } = (await apply(who)).body;
  const taskId = `task-${fileId}`;
  const event = {
    specversion: '1.0',
    id: `event-${taskId}`,
    source: 'TEST/GOV/DGA/workflow',
    type: 'workflow.user-task-created.v1',
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    correlationid: correlationId,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
    data: { taskId, businessKey: fileId, candidateRole: 'officer' },
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
  await vi.waitFor(
    async () =>
      expect((await api.listTasks({ query: { fileId }, personToken: officer })).body).toHaveLength(1),
    { timeout: 30_000 },
  );
  return { who, fileId, taskId };
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
    expect(completed.find((one) => one.taskId === taskId)?.body.variables.decision.status).toBe('APPROVED');
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

it('figures tell outcomes, to the service and its officers', async () => {
  const figures = (await api.readStatistics({ query: { serviceId: 'benefit' }, personToken: officer }))
    .body[0];
  expect(figures?.rejected).toBeGreaterThanOrEqual(1);
  const who = await citizen();
  expect(
    (await refusal(api.readStatistics({ query: { serviceId: 'benefit' }, personToken: who.token }))).status,
  ).toBe(404);
});
