import { fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { consentApi } from '@govstack/consent/api';
import { generateHouseholds, type Household, toRow } from '@govstack/country';
import { applications } from '@govstack/country/seed';
import { registryData } from '@govstack/digital-registries/api';
import { mediatorAdmin, mediatorLog } from '@govstack/information-mediator/api';
import { messagingApi } from '@govstack/messaging/api';
import { paymentsAdmin } from '@govstack/payments/api';
import {
  CallFailed,
  clientAssertionHeader,
  httpMediator,
  type Mediation,
  mediationFor,
  signClientAssertion,
} from '@govstack/platform';
import { registrationApi } from '@govstack/registration/api';
import { workflowApi } from '@govstack/workflow/api';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { answersOf } from '../src/demo/apply.ts';
import { staffSignIn } from '../src/demo/sign-in.ts';
import { type Stack, startStack } from '../src/stack/start-stack.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'govstack-journey-'));
chmodSync(dataDir, 0o755);
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const privateJwk = keys.privateKey.export({ format: 'jwk' }) as never;
/** All of them stand in the registers. */
const households = [...generateHouseholds({ count: 100 })];
const service = applications.cashTransfer;

let stack: Stack;
let outside: ReturnType<typeof httpMediator>;
/** The service's application in a process of its own: everything over HTTP, with its key. */
let mediation: Mediation;
let signIn: (login: string, pin: string) => Promise<string>;

const plain = (one: Household): boolean =>
  one.truth.contradiction === undefined && one.truth.badAccount === undefined;
const byWelfare = households
  .filter((one) => plain(one) && one.members[0].phone !== undefined)
  .sort((left, right) => left.truth.welfare - right.truth.welfare);
const poor = byWelfare[2] as Household;
const rich = byWelfare.at(-3) as Household;
const hidingLand = households.find((one) => one.truth.contradiction === 'hidden-land');

beforeAll(async () => {
  stack = await startStack({
    dataDir,
    root: process.cwd(),
    port: 0,
    households: households.length,
    demonstration: true,
    progress: () => undefined,
  });
  const admin = stack
    .as(applications.governance)
    .client(mediatorAdmin, `${applications.mediator}/mediator-admin-v1`);
  const publicKey = keys.publicKey.export({ format: 'jwk' }) as Record<string, unknown>;
  await admin.putApplication({
    params: { application: service },
    body: { name: 'cash-transfer', publicKey },
  });
  outside = httpMediator({ url: stack.url, keys: new Map([[service, privateJwk]]) });
  mediation = mediationFor(service, () => outside);
  signIn = await staffSignIn(stack);
}, 400_000);

afterAll(async () => {
  await outside?.close();
  await stack?.stop();
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

const refusal = async (call: Promise<unknown>): Promise<CallFailed> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CallFailed);
  return error as CallFailed;
};

const registration = () => mediation.client(registrationApi, `${applications.registration}/registration-v1`);
const subjectOf = (token: string): string =>
  JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()).sub;

/** A citizen signs in, agrees, and applies. */
async function apply(
  household: Household,
  token: string,
  idempotencyKey?: string,
  answers: Record<string, unknown> = {},
) {
  const consent = mediation.client(consentApi, `${applications.consent}/consent-v1`);
  const { dataAgreementId, serviceId, eFormId } = stack.service;
  const sub = subjectOf(token);
  const known = (await consent.listIndividuals({ query: { externalId: sub }, personToken: token })).body
    .individuals[0];
  const individual =
    known ??
    (
      await consent.createIndividual({
        body: { individual: { externalId: sub, externalIdType: 'sub' } },
        personToken: token,
      })
    ).body.individual;
  const draft = (
    await consent.draftConsentRecord({
      query: { individualId: individual.id as string, dataAgreementId },
      personToken: token,
    })
  ).body;
  const signature = {
    ...draft.signature,
    verificationMethod: 'authenticated-session',
    verificationSignedBy: sub,
  };
  const given = (
    await consent.createConsentRecord({
      body: { consentRecord: draft.consentRecord, signature },
      personToken: token,
    })
  ).body.consentRecord;
  const body = {
    applicantId: sub,
    consentRecordId: given.id as string,
    formData: { eFormId, data: { ...answersOf(toRow(household)), ...answers } },
  };
  const file = (
    await registration().submitApplication({
      params: { serviceId },
      body,
      personToken: token,
      ...(idempotencyKey ? { idempotencyKey } : {}),
    })
  ).body;
  return { file, consentRecordId: given.id as string };
}

const ended = async (fileId: string, token: string) =>
  vi.waitFor(
    async () => {
      const { body } = await registration().readApplication({ params: { fileId }, personToken: token });
      expect(body.status.code).not.toBe('PENDING');
      return body;
    },
    { timeout: 30_000, interval: 100 },
  );

/** The identity authority gives the head of a household a PIN; then they sign in with it. */
async function withPin(household: Household): Promise<string> {
  const { enrolment } = await import('@govstack/identity/api');
  const people = stack
    .as(applications.governance)
    .client(enrolment, `${applications.identity}/identity-enrolment-v1`);
  const head = household.members[0];
  await people.enrolPersons({
    body: {
      persons: [
        {
          aliases: { 'national-number': head.nationalNumber },
          attributes: {
            given_name: head.givenName,
            family_name: head.familyName,
            national_number: head.nationalNumber,
          },
          pin: '1357',
        },
      ],
    },
  });
  return signIn(household.members[0].nationalNumber, '1357');
}

/** What an officer would decide, when the process asks for one. */
async function decideIfAsked(fileId: string, status: 'APPROVED' | 'REJECTED') {
  const token = await signIn('officer', '2468');
  return vi.waitFor(
    async () => {
      const { body: file } = await registration().readApplication({ params: { fileId } });
      if (file.status.code !== 'PENDING') return undefined;
      const [task] = (await registration().listTasks({ query: { fileId }, personToken: token })).body;
      if (!task) throw new Error('neither decided nor with an officer yet');
      await registration().completeTask({
        params: { taskId: task.taskId },
        personToken: token,
        body: { data: { decision: { status, reason: 'Seen and decided' } } },
      });
      return task;
    },
    { timeout: 30_000, interval: 100 },
  );
}

const engine = () => mediation.client(workflowApi, `${applications.workflow}/workflow-v1`);
const treasury = () => mediation.client(paymentsAdmin, `${applications.payments}/payments-admin-v1`);
const patient = { timeout: 30_000, interval: 100 };

/** A list of the month that waits for approval; `number`: the attempt. */
const waitingList = (cycle: string, number = 0) =>
  vi.waitFor(async () => {
    const { items } = (await treasury().listBatches({ query: { sourceId: 'cash-transfer' } })).body;
    const wanted = `cash-transfer-${cycle}${number === 0 ? '' : `-r${number}`}`;
    const batch = items.find((one) => one.clientBatchId === wanted);
    expect(batch?.state).toBe('awaiting-approval');
    return batch as NonNullable<typeof batch>;
  }, patient);

/** The manager of the programme has the list of a month drawn. */
async function startRun(cycle: string) {
  const maker = await signIn('manager', '2468');
  await engine().start({
    params: { processId: 'cash-transfer-payment-run' },
    body: {
      processStartedBy: 'manager',
      businessKey: `cash-transfer-${cycle}`,
      variables: { cycle, initiator: subjectOf(maker), retryAfter: 'PT0.1S' },
    },
  });
  return { maker, payments: treasury(), awaiting: await waitingList(cycle) };
}

const approve = async (batch: { readonly batchId: string; readonly contentHash?: string }) =>
  treasury().approveBatch({
    params: { batchId: batch.batchId },
    body: { contentHash: batch.contentHash as string, acceptPossibleDuplicates: true },
    personToken: await signIn('approver', '2468'),
  });

const processOf = (cycle: string) =>
  vi.waitFor(async () => {
    const query = { businessKey: `cash-transfer-${cycle}` };
    const [instance] = (await engine().getInstances({ query })).body;
    expect(instance?.ended).toBe(true);
    return instance;
  }, patient);

const paymentsOf = async (payeeIdentity: string): Promise<string[]> =>
  (await treasury().listPayeePayments({ body: { payeeIdentity } })).body.items.map((one) => one.state);

/** What the bank and mobile money do wrong from now on. */
const setFaults = async (faults: object): Promise<void> => {
  for (const { controlUrl } of [stack.parties.bank, stack.parties.mobileMoney]) {
    const { status } = await fetch(`${controlUrl}/control/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(faults),
    });
    expect(status).toBe(200);
  }
};
const refusing = (reason: string) => ({ transfers: { rejected: { share: 1, reasonCodes: [reason] } } });

/** Of the household that the first test enrolled. */
let enrolledReference: string;
let enrolledFile: string;

/** The task that a person finds for a file. */
const taskOf = (fileId: string, personToken: string) =>
  vi.waitFor(async () => {
    const [task] = (await registration().listTasks({ query: { fileId }, personToken })).body;
    expect(task).toBeDefined();
    return task as NonNullable<typeof task>;
  }, patient);

const beneficiary = async (beneficiaryNumber: string) => {
  const social = mediation.client(registryData, `${applications.socialRegistries}/registry-data-v1`);
  const { body } = await social.readRecord({
    params: { registryName: 'beneficiary-registry', versionNumber: 'latest' },
    headers: { 'x-purpose': 'Test' },
    body: { query: { content: { beneficiaryNumber } } },
  });
  return body.content;
};

describe('a household, over HTTP', () => {
  it('[PAY-6.16.2] applies, is verified by three registries under its consent, enrolled, told and paid; everybody can see who spoke to whom', async () => {
    const token = await withPin(poor);
    const { file, consentRecordId } = await apply(poor, token, 'first');
    expect((await apply(poor, token, 'first')).file.fileId).toBe(file.fileId);
    await decideIfAsked(file.fileId, 'APPROVED');
    const decided = await ended(file.fileId, token);
    expect(decided.status.code).toBe('APPROVED');
    expect(decided.outcome?.reasons).toHaveLength(1);

    const log = stack.as(applications.portal).client(mediatorLog, `${applications.mediator}/mediator-log-v1`);
    await vi.waitFor(async () => {
      const { exchanges } = (await log.listExchanges({ query: { correlationId: file.correlationId } })).body;
      const providers = exchanges.map((one) => one.service.split('/').slice(2, 4).join('/'));
      for (const provider of [
        'CRA/civil-registry',
        'NLA/land-registry',
        'LRA/tax-registry',
        'MSP/social-registries',
        'TRE/payments',
        'DGA/messaging',
        'DGA/workflow',
      ]) {
        expect(providers).toContain(provider);
      }
      expect(exchanges.every((one) => one.verified)).toBe(true);
    }, 30_000);

    const civil = stack
      .as(applications.civilRegistry)
      .client(registryData, `${applications.civilRegistry}/registry-data-v1`);
    const uses = (await civil.queryUsage({ body: { identifier: poor.members[0].nationalNumber } })).body;
    expect(uses[0]).toMatchObject({ readerApplication: service, consentReference: consentRecordId });

    const messaging = mediation.client(messagingApi, `${applications.messaging}/messaging-v1`);
    await vi.waitFor(
      async () => {
        const { messages } = (await messaging.listMessages({ query: { reference: file.fileId } })).body;
        expect(messages.map((message) => message.state)).toEqual(['delivered']);
      },
      { timeout: 40_000, interval: 200 },
    );

    const { maker, payments, awaiting } = await startRun('2020-10');
    const params = { batchId: awaiting.batchId };
    const body = { contentHash: awaiting.contentHash as string };
    expect((await refusal(payments.approveBatch({ params, body, personToken: maker }))).status).toBe(403);
    expect((await refusal(payments.approveBatch({ params, body, personToken: token }))).status).toBe(403);
    const approver = await signIn('approver', '2468');
    const twice = await Promise.allSettled([
      payments.approveBatch({ params, body, personToken: approver }),
      payments.approveBatch({ params, body, personToken: approver }),
    ]);
    expect(twice.some((outcome) => outcome.status === 'fulfilled')).toBe(true);
    await vi.waitFor(async () => expect((await payments.getBatch({ params })).body.state).toBe('completed'), {
      timeout: 30_000,
      interval: 100,
    });
    expect(await paymentsOf(file.reference)).toEqual(['completed']);
    await vi.waitFor(
      async () => {
        const { messages } = (await messaging.listMessages({ query: { reference: file.fileId } })).body;
        expect(messages).toHaveLength(2);
        expect(messages[0]?.body).toMatch(/2020-10/);
        expect(messages[0]?.body).toContain(file.reference);
      },
      { timeout: 30_000, interval: 200 },
    );
    expect(await processOf('2020-10')).toMatchObject({ ended: true, state: 'completed' });
    enrolledReference = file.reference;
    enrolledFile = file.fileId;
    const totals = await Promise.all(
      [stack.parties.bank, stack.parties.mobileMoney].map(
        async (party) =>
          (await (await fetch(`${party.controlUrl}/control/totals`)).json()) as {
            transfers: Record<string, number>;
          },
      ),
    );
    expect(
      totals.reduce(
        (sum, one) => sum + Object.values(one.transfers).reduce((all, count) => all + count, 0),
        0,
      ),
    ).toBe(1);
  }, 400_000);

  it('that could not be paid for a reason that passes is paid by a second list, which is approved again', async () => {
    await setFaults(refusing('AM04'));
    const { awaiting } = await startRun('2020-11');
    await approve(awaiting);
    const again = await waitingList('2020-11', 1);
    await setFaults({});
    await approve(again);
    await processOf('2020-11');
    expect((await paymentsOf(enrolledReference)).sort()).toEqual(['completed', 'completed', 'failed']);
  }, 400_000);

  it('that cannot be paid is handed to the manager of the programme, who says what was done', async () => {
    await setFaults(refusing('AC06'));
    const { awaiting } = await startRun('2020-12');
    await approve(awaiting);
    const personToken = await signIn('manager', '2468');
    const query = { businessKey: 'cash-transfer-2020-12' };
    const task = await vi.waitFor(async () => {
      const [open] = (await engine().listUserTasks({ query, personToken })).body.tasks;
      expect(open).toBeDefined();
      return open as NonNullable<typeof open>;
    }, patient);
    await setFaults({});
    const { unpaid } = task.variables as { unpaid: { reference: string; reason: string }[] };
    expect(unpaid.map((one) => one.reference)).toContain(enrolledReference);
    const params = { taskId: task.id };
    const body = { variables: { note: 'The account was unblocked' } };
    const officer = await signIn('officer', '2468');
    expect((await refusal(engine().completeUserTask({ params, body, personToken: officer }))).status).toBe(
      403,
    );
    await engine().completeUserTask({ params, body, personToken });
    await processOf('2020-12');
  }, 400_000);

  it('that is better off is told that it is not eligible, why, and how to appeal', async () => {
    const token = await withPin(rich);
    const { file } = await apply(rich, token);
    await decideIfAsked(file.fileId, 'REJECTED');
    const decided = await ended(file.fileId, token);
    expect(decided.status.code).toBe('REJECTED');
    expect(decided.outcome?.appeal?.en).toContain('appeal');
  }, 400_000);

  it('that has no mark of poverty at all has no points, and is decided all the same', async () => {
    const household = byWelfare.at(-4) as Household;
    const token = await withPin(household);
    const { file } = await apply(household, token, undefined, {
      ...{ householdSize: 2, childrenUnder5: 0, children5to17: 0, adults18to64: 2, elderly65plus: 0 },
      ...{
        disabledMembers: 0,
        pregnantWoman: false,
        roof: 'concrete',
        walls: 'cement-blocks',
        floor: 'tiles',
      },
      ...{ water: 'piped-home', toilet: 'flush', lighting: 'grid', rooms: 5, transport: 'car' },
      ...{ livestockUnits: 10, landHectares: 10, headEmployment: 'formal', schoolAttendance: undefined },
      monthlyIncome: '9000.00',
    });
    await decideIfAsked(file.fileId, 'REJECTED');
    const { status, outcome } = await ended(file.fileId, token);
    expect(status.code).toBe('REJECTED');
    expect(outcome?.facts).toMatchObject({ score: 0, points: [] });
  }, 400_000);

  it('that owns more land than it said is decided by an officer, who sees the contradiction', async () => {
    if (!hidingLand) throw new Error('the population has nobody who hides land');
    const token = await withPin(hidingLand);
    const { file } = await apply(hidingLand, token);
    const task = await decideIfAsked(file.fileId, 'REJECTED');
    expect(task?.roleId).toBe('officer');
    expect((await ended(file.fileId, token)).status.code).toBe('REJECTED');

    const params = { fileId: file.fileId };
    const ask = () =>
      registration().makeRequest({
        params,
        personToken: token,
        body: { kind: 'appeal', text: 'The land was my mother’s and is sold' },
      });
    await ask();
    expect((await refusal(ask())).problem?.type).toBe('urn:govstack:registration:request-open');
    const second = await signIn('second-officer', '2468');
    const appeal = await taskOf(file.fileId, second);
    const first = await signIn('officer', '2468');
    expect((await registration().listTasks({ query: params, personToken: first })).body).toEqual([]);
    const decide = (personToken: string) =>
      registration().completeTask({
        params: { taskId: appeal.taskId },
        personToken,
        body: { data: { decision: { status: 'APPROVED', reason: 'The sale is proven' } } },
      });
    expect((await refusal(decide(first))).status).toBe(403);
    await decide(second);
    await vi.waitFor(async () => {
      const { body } = await registration().readApplication({ params, personToken: token });
      expect(body).toMatchObject({
        status: { code: 'APPROVED' },
        requests: [{ kind: 'appeal', state: 'upheld', answer: { en: 'The sale is proven' } }],
      });
    }, patient);
    expect(await beneficiary(file.reference)).toMatchObject({ status: 'active' });
  }, 400_000);

  it('that complains is answered by a manager, in its file', async () => {
    const params = { fileId: enrolledFile };
    const token = await withPin(poor);
    await registration().makeRequest({
      params,
      personToken: token,
      body: { kind: 'complaint', text: 'The agent asked for a share' },
    });
    const personToken = await signIn('manager', '2468');
    const { taskId } = await taskOf(enrolledFile, personToken);
    await registration().completeTask({
      params: { taskId },
      personToken,
      body: { data: { answer: { text: 'Nobody may. The agent is suspended.' } } },
    });
    await vi.waitFor(async () => {
      const { requests } = (await registration().readApplication({ params, personToken: token })).body;
      expect(requests).toMatchObject([
        { state: 'answered', answer: { en: expect.stringMatching(/suspended/) } },
      ]);
    }, patient);
  }, 400_000);

  it('whose head has died leaves the programme when the civil registry announces it; payments since are looked at', async () => {
    const owner = applications.civilRegistry;
    const civil = stack.as(owner).client(registryData, `${owner}/registry-data-v1`);
    const { nationalNumber } = poor.members[0];
    await civil.createRecord({
      params: { registryName: 'deaths', versionNumber: 'latest' },
      body: { write: { content: { deathRegistration: 'D-1', nationalNumber, deathDate: '2026-01-05' } } },
    });
    await vi.waitFor(async () => {
      expect(await beneficiary(enrolledReference)).toMatchObject({
        status: 'ended',
        endedOn: '2026-01-05',
        endReason: 'death',
      });
      const person = await civil.readRecord({
        params: { registryName: 'persons', versionNumber: 'latest' },
        headers: {},
        body: { query: { content: { nationalNumber } } },
      });
      expect(person.body.content).toMatchObject({ vitalStatus: 'deceased', deathDate: '2026-01-05' });
    }, patient);
    const messaging = mediation.client(messagingApi, `${applications.messaging}/messaging-v1`);
    await vi.waitFor(async () => {
      const { messages } = (await messaging.listMessages({ query: { reference: enrolledFile } })).body;
      expect(messages[0]?.body).toMatch(/condoléances/i);
    }, patient);
    const personToken = await signIn('manager', '2468');
    const { taskId } = await taskOf(enrolledFile, personToken);
    const { data } = (await registration().readTask({ params: { taskId }, personToken })).body;
    expect(data).toMatchObject({ endedOn: '2026-01-05', payments: [{ state: 'completed' }, {}] });
    const stranger = mediation.client(registryData, `${owner}/registry-data-v1`);
    const read = { params: { registryName: 'deaths', versionNumber: 'latest' }, headers: {} };
    const query = { content: { nationalNumber } };
    expect((await refusal(stranger.readRecord({ ...read, body: { query } }))).status).toBe(403);
    // What is announced together is found in the feed.
    const payload = { owner, registry: 'deaths', count: 200, after: 0, upTo: 1_000_000 };
    const { body: told } = await engine().publishMessage({
      body: { messageId: 'm-1', name: 'registries.records-changed.v1', correlationKey: 'm', payload },
    });
    await vi.waitFor(async () => {
      const { body } = await engine().getInstance({
        params: { instanceId: (told as { instanceId: string }).instanceId },
      });
      expect(body).toMatchObject({ state: 'completed' });
      expect(JSON.stringify(body)).toContain('"notOurs"');
    }, patient);
  }, 400_000);

  it('is paid by the clock for the month that begins, once, whoever begins it by hand too; without those who left', async () => {
    const workflow = stack.node.database('workflow');
    const month = new Date().toISOString().slice(0, 7);
    await sql`update schedule set due_at = now() where process_key = 'cash-transfer-payment-cycle'`.execute(
      workflow,
    );
    const list = await waitingList(month);
    const { items } = (await treasury().listInstructions({ params: { batchId: list.batchId }, query: {} }))
      .body;
    expect(items.length).toBeGreaterThan(0);
    expect(items.map((one) => one.payeeIdentity)).not.toContain(enrolledReference);
    const { body: byHand } = await engine().start({
      params: { processId: 'cash-transfer-payment-run' },
      body: {
        processStartedBy: 'manager',
        businessKey: `cash-transfer-${month}`,
        variables: { cycle: month, initiator: 'manager' },
      },
    });
    await vi.waitFor(async () => {
      const { body } = await engine().getInstance({ params: { instanceId: byHand.id } });
      expect(body).toMatchObject({ ended: true, state: 'failed' });
    }, patient);
    await sql`update schedule set due_at = now() where process_key = 'cash-transfer-payment-cycle'`.execute(
      workflow,
    );
    await vi.waitFor(async () => {
      const query = { processId: 'cash-transfer-payment-cycle', state: 'completed' as const };
      expect((await engine().getInstances({ query })).body).toHaveLength(2);
    }, patient);
    expect(
      (await engine().getInstances({ query: { businessKey: `cash-transfer-${month}` } })).body,
    ).toHaveLength(2);
    const lists = (await treasury().listBatches({ query: { sourceId: 'cash-transfer' } })).body.items;
    expect(lists.filter((one) => one.clientBatchId === `cash-transfer-${month}`)).toHaveLength(1);
  }, 400_000);
});

describe('what must be refused', () => {
  it('another citizen’s application, an officer of another agency, a forged token, a second open application', async () => {
    const first = byWelfare[5] as Household;
    const second = byWelfare[6] as Household;
    const token = await withPin(first);
    const other = await withPin(second);
    const { file } = await apply(first, token);
    const params = { fileId: file.fileId };
    expect((await refusal(registration().readApplication({ params, personToken: other }))).status).toBe(404);
    const approver = await signIn('approver', '2468');
    expect((await refusal(registration().readApplication({ params, personToken: approver }))).status).toBe(
      404,
    );
    expect(
      (
        await refusal(
          registration().readApplication({ params, personToken: `${token.slice(0, -8)}AAAAAAAA` }),
        )
      ).status,
    ).toBe(401);
    expect((await refusal(registration().listTasks({ query: {}, personToken: token }))).status).toBe(403);
  }, 400_000);

  it('a registry read without consent, under a withdrawn one, or by an application without a right', async () => {
    const household = byWelfare[8] as Household;
    const token = await withPin(household);
    const { consentRecordId } = await apply(household, token);
    const civil = mediation.client(registryData, `${applications.civilRegistry}/registry-data-v1`);
    const read = (headers: object) =>
      civil.readRecord({
        params: { registryName: 'persons', versionNumber: 'latest' },
        headers,
        body: { query: { content: { nationalNumber: household.members[0].nationalNumber } } },
      });
    expect((await refusal(read({}))).status).toBe(403);
    expect((await read({ 'x-consent-reference': consentRecordId })).body.content).not.toHaveProperty(
      'maritalStatus',
    );
    const consent = mediation.client(consentApi, `${applications.consent}/consent-v1`);
    const { consentRecord } = (await consent.verifyConsentRecord({ params: { consentRecordId } })).body;
    await consent.updateConsentRecord({
      params: { consentRecordId },
      body: { consentRecord: { ...consentRecord, optIn: false } },
      personToken: token,
    });
    await vi.waitFor(
      async () => expect((await refusal(read({ 'x-consent-reference': consentRecordId }))).status).toBe(403),
      { timeout: 30_000, interval: 200 },
    );
    const stranger = stack
      .as(applications.messaging)
      .client(registryData, `${applications.civilRegistry}/registry-data-v1`);
    const refused = await refusal(stranger.queryUsage({ body: { identifier: 'x' } }));
    expect(refused.mediatorError).toContain('AccessDenied');
  }, 400_000);

  it('a forged caller: a client header without its key, a key for another application, a caller token of one’s own', async () => {
    const url = `${stack.url}/r1/${applications.registration}/registration-v1/services`;
    const call = (headers: Record<string, string>) => fetch(url, { headers });
    expect((await call({})).status).toBe(400);
    expect((await call({ 'x-road-client': service })).status).toBe(401);
    const foreign = await signClientAssertion(service, privateJwk, stack.url);
    expect(
      (await call({ 'x-road-client': applications.payments, [clientAssertionHeader]: foreign })).status,
    ).toBe(403);
    expect((await call({ 'x-road-client': service, 'x-govstack-caller': 'a.b.c' })).status).toBe(401);
    const good = await signClientAssertion(service, privateJwk, stack.url);
    expect((await call({ 'x-road-client': service, [clientAssertionHeader]: good })).status).toBe(200);
  });
});

describe('another product in place of a block', () => {
  it('is one change of the directory: the household is told by it, and nothing else was touched', async () => {
    const product = fork(new URL('./fixtures/other-messaging.ts', import.meta.url), [
      stack.url,
      applications.messaging,
    ]);
    try {
      const [port] = (await once(product, 'message')) as [number];
      const messagingService = `${applications.messaging}/messaging-v1`;
      const admin = stack
        .as(applications.governance)
        .client(mediatorAdmin, `${applications.mediator}/mediator-admin-v1`);
      const pointTo = (target: string) =>
        admin.putService({ params: { service: messagingService }, body: { title: 'Messaging', target } });
      const ourMessages = async () => {
        const { rows } = await sql<{ count: string }>`select count(*) from message`.execute(
          stack.node.database('messaging'),
        );
        return rows[0]?.count;
      };
      const before = await ourMessages();
      await pointTo(`http://127.0.0.1:${port}`);
      // The texts of the service are installed again: they go where the directory says.
      await stack.install();

      const household = byWelfare[3] as Household;
      const token = await withPin(household);
      const { file } = await apply(household, token);
      await decideIfAsked(file.fileId, 'APPROVED');
      expect((await ended(file.fileId, token)).status.code).toBe('APPROVED');
      const messaging = mediation.client(messagingApi, messagingService);
      await vi.waitFor(async () => {
        const { messages } = (await messaging.listMessages({ query: { reference: file.fileId } })).body;
        expect(messages).toHaveLength(1);
        expect(messages[0]?.body).toContain(file.reference);
      }, patient);
      expect(await ourMessages()).toBe(before);
      await pointTo('local:messaging/messaging-v1');
      const { messages } = (await messaging.listMessages({ query: { reference: file.fileId } })).body;
      expect(messages).toEqual([]);
    } finally {
      product.kill();
    }
  }, 400_000);
});
