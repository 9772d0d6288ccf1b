import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Json, Variables } from '../../src/feel/json.ts';
import { compileProcess } from '../../src/model/compile-process.ts';
import type { ProcessModel } from '../../src/model/model.ts';
import { type Drive, drive } from './drive.ts';

const folder = new URL('../../../../services/cash-transfer/', import.meta.url);
const text = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
const model = (name: string): Promise<ProcessModel> =>
  compileProcess({
    owner: 'LUMORA/GOV/MSP/cash-transfer',
    bpmn: text(`${name}.bpmn`),
    dmn: name === 'application' ? [text('eligibility.dmn')] : [],
  });

it.each(readdirSync(folder).filter((name) => name.endsWith('.bpmn')))('%s can be run', async (name) => {
  expect((await model(name.slice(0, -'.bpmn'.length))).elements.size).toBeGreaterThan(0);
});

/** What an element that calls is about to send. */
const requestOf = (run: Drive, elementId: string) => {
  const job = [...run.jobs.values()].find((one) => one.elementId === elementId);
  if (!job)
    throw new Error(
      `${elementId} calls nothing; open: ${[...run.jobs.values()].map((one) => one.elementId)}`,
    );
  return job.request;
};
const bodyOf = (run: Drive, elementId: string) => requestOf(run, elementId).body as Record<string, Json>;
const dueAt = (run: Drive, elementId: string): string | undefined =>
  [...run.timers.values()].find((one) => one.elementId === elementId)?.dueAt;

/** The process that an element called ends, with these variables. */
function returned(run: Drive, elementId: string, variables: Variables): Variables {
  const call = run.commands.findLast(
    (one) => one.type === 'callProcess' && one.elementId === elementId,
  ) as Extract<Drive['commands'][number], { type: 'callProcess' }>;
  const { instanceId } = call;
  run.send({ type: 'returned', instanceId, status: 'completed', errorCode: undefined, variables });
  return call.variables;
}

const application: Variables = {
  nationalNumber: 'N-1',
  givenName: 'Ana',
  familyName: 'Li',
  email: 'ana@example.org',
  language: 'fr',
  district: 'north',
  village: 'Ouro',
  ...{ householdSize: 2, childrenUnder5: 0, children5to17: 0, adults18to64: 2, elderly65plus: 0 },
  ...{ disabledMembers: 0, pregnantWoman: false, roof: 'concrete', walls: 'cement-blocks', floor: 'tiles' },
  ...{ water: 'piped-home', toilet: 'flush', lighting: 'grid', rooms: 5, transport: 'car' },
  ...{ livestockUnits: 10, landHectares: 10, headEmployment: 'formal', monthlyIncome: '9000.00' },
  ...{ accountKind: 'mobile-wallet', walletNumber: '+999712345678' },
};

/** An application that is refused and told so; with more land than declared an officer decides. */
async function refused(landOwned = 0): Promise<Drive> {
  const run = drive(await model('application'), {
    fileId: 'file-1',
    reference: 'AAAA-BBBB-CCCC',
    applicantId: 'applicant-1',
    assisted: false,
    consentRecordId: 'consent-1',
    application,
  });
  run.answer('civil', { content: { vitalStatus: 'alive' } });
  run.answer('land', { results: [{ content: { hectares: landOwned } }] });
  run.answer('tax', {}, 404);
  run.answer('survey');
  if (landOwned > 0) {
    const decision = { status: 'REJECTED', reason: 'Too much land', by: 'officer-1' };
    const called = returned(run, 'review', { decision });
    expect(called).toMatchObject({ excluded: ['applicant-1'], fileId: 'file-1' });
    expect(called.facts).toMatchObject({ landOwned, contradictions: ['more-land-than-declared'] });
  }
  expect(bodyOf(run, 'rejected')).not.toHaveProperty('requestId');
  run.answer('rejected');
  expect(bodyOf(run, 'tellRejected').template).toBe('rejected');
  run.answer('tellRejected');
  return run;
}
const request = { requestId: 'request-1', kind: 'appeal', text: 'The land is my brother’s' };
const upheld = { decision: { status: 'APPROVED', reason: 'The land was sold', by: 'officer-2' } };

describe('an application that was refused', () => {
  it('waits for an appeal until the period is over, and ends by itself', async () => {
    const run = await refused();
    expect(dueAt(run, 'periodOver')).toBe('2026-02-01T00:00:00Z');
    run.fire('periodOver');
    run.answer('underWay', { requests: [{ kind: 'complaint', state: 'open' }] });
    expect(run.state.status).toBe('completed');
    expect(run.completed).toContain('endRejected');
    expect(run.subscriptions.size).toBe(0);
  });

  it('hears an appeal also that was made in time and comes after the period', async () => {
    const run = await refused();
    run.fire('periodOver');
    run.answer('underWay', { requests: [{ kind: 'appeal', state: 'open' }] });
    run.fire('appeal', { request });
    expect(returned(run, 'reviewAppeal', upheld)).toMatchObject({ fileId: 'file-1' });
  });

  it('is not granted on appeal to somebody who has died meanwhile; the household is told', async () => {
    const run = await refused(20);
    run.fire('appeal', { request });
    returned(run, 'reviewAppeal', upheld);
    expect(requestOf(run, 'deaths').headers['x-legal-ground']).toMatch(/Act/);
    run.answer('deaths', { content: { nationalNumber: 'N-1', deathDate: '2026-01-05' } });
    expect(bodyOf(run, 'rejected')).toMatchObject({ reasons: [{ code: 'head-deceased' }] });
    run.answer('rejected');
    expect(bodyOf(run, 'tellRejected').template).toBe('head-deceased');
  });

  it('goes on appeal to somebody who did not decide first, and is granted on it', async () => {
    const run = await refused(20);
    run.fire('appeal', { request });
    expect(dueAt(run, 'periodOver')).toBeUndefined();
    expect(returned(run, 'reviewAppeal', upheld)).toMatchObject({ excluded: ['applicant-1', 'officer-1'] });
    run.answer('deaths', {}, 404);
    run.answer('enrol', {}, 201);
    run.answer('account');
    expect(bodyOf(run, 'approved')).toMatchObject({
      status: 'APPROVED',
      requestId: 'request-1',
      reasons: [{ code: 'appeal', text: { fr: 'The land was sold' } }],
    });
    run.answer('approved');
    run.answer('tellApproved');
    expect(run.completed.at(-1)).toBe('endApproved');
    expect(run.state.status).toBe('completed');
  });

  it('is told the reason when the refusal stands, and cannot appeal again', async () => {
    const run = await refused();
    run.fire('appeal', { request });
    const decision = { status: 'REJECTED', reason: 'Nothing new', by: 'officer-2' };
    expect(returned(run, 'reviewAppeal', { decision })).toMatchObject({ excluded: ['applicant-1'] });
    expect(bodyOf(run, 'rejected')).toMatchObject({ requestId: 'request-1', status: 'REJECTED' });
    expect(bodyOf(run, 'rejected')).not.toHaveProperty('appeal');
    run.answer('rejected');
    expect(bodyOf(run, 'tellRejected')).toMatchObject({ template: 'appeal-dismissed', language: 'fr' });
    run.answer('tellRejected');
    expect(run.completed.at(-1)).toBe('endAppealed');
  });

  it('takes complaints beside everything else, each answered on its own', async () => {
    const run = await refused();
    const complaint = { request: { requestId: 'c-1', kind: 'complaint', text: 'Nobody answers' } };
    run.fire('complaint', complaint);
    run.fire('complaint', complaint);
    expect(returned(run, 'grievance', {})).toMatchObject({ request: complaint.request, fileId: 'file-1' });
    expect(dueAt(run, 'periodOver')).toBeDefined();
    run.fire('periodOver');
    run.answer('underWay', { requests: [] });
    expect(run.state.status).toBe('running');
  });
});

describe('a decision', () => {
  const begin = async () =>
    drive(await model('decision'), {
      fileId: 'file-1',
      reference: 'AAAA-BBBB-CCCC',
      excluded: ['applicant-1'],
      facts: { assessment: { score: 50 } },
      contact: { channel: 'email', to: 'ana@example.org' },
      name: 'Ana Li',
      language: 'ar',
    });
  const task = (run: Drive) => [...run.tasks.values()][0];

  it('that waits reminds the officers every three days, as often as it takes', async () => {
    const run = await begin();
    expect(task(run)).toMatchObject({ candidateRole: 'officer', excludedPersons: ['applicant-1'] });
    expect(dueAt(run, 'officersWait')).toBe('2026-01-04T00:00:00Z');
    run.now = '2026-01-04T00:00:00Z';
    run.fire('officersWait');
    expect(bodyOf(run, 'remindOfficers')).toMatchObject({
      template: 'task-waiting',
      variables: { reference: 'AAAA-BBBB-CCCC', since: '2026-01-01' },
    });
    expect(dueAt(run, 'officersWait')).toBe('2026-01-07T00:00:00Z');
    run.complete('review', { decision: { status: 'APPROVED', reason: 'Seen' } });
    expect(run.timers.size).toBe(0);
    run.answer('remindOfficers');
    expect(run.state.status).toBe('completed');
    expect(run.variables().decision).toMatchObject({ status: 'APPROVED' });
  });

  it('goes to a manager after the ten days that the service promises; the applicant is told', async () => {
    const run = await begin();
    expect(dueAt(run, 'promiseOver')).toBe('2026-01-11T00:00:00Z');
    run.fire('promiseOver');
    expect(run.tasks.size).toBe(0);
    expect(bodyOf(run, 'tellManagers').template).toBe('task-late');
    run.answer('tellManagers');
    expect(bodyOf(run, 'tellLonger')).toMatchObject({ template: 'taking-longer', language: 'ar' });
    run.answer('tellLonger');
    expect(task(run)).toMatchObject({ candidateRole: 'programme-manager', formRef: 'decision' });
    run.complete('escalated', { decision: { status: 'REJECTED', reason: 'Seen' } });
    expect(run.variables().decision).toMatchObject({ status: 'REJECTED' });
  });
});

describe('a complaint', () => {
  it('is answered by a manager, in the file and to the applicant', async () => {
    const message = {
      request: { requestId: 'c-1', kind: 'complaint', text: 'Paid twice' },
      ...{ fileId: 'file-1', reference: 'AAAA-BBBB-CCCC', applicantId: 'applicant-1', application },
    };
    const run = drive(await model('grievance'), {}, {}, { elementId: 'complained', brought: { message } });
    const task = [...run.tasks.values()][0];
    expect(task).toMatchObject({ candidateRole: 'programme-manager', formRef: 'answer' });
    expect(task?.inputs).toMatchObject({
      complaint: 'Paid twice',
      explanation: { en: expect.stringMatching(/applicant reads/) },
    });
    run.complete('reply', { answer: { text: 'We looked into it', by: 'manager-1' } });
    expect(requestOf(run, 'record').path).toEqual({ fileId: 'file-1', requestId: 'c-1' });
    expect(bodyOf(run, 'record')).toMatchObject({ text: { ar: 'We looked into it' } });
    run.answer('record');
    expect(bodyOf(run, 'tell')).toMatchObject({ template: 'complaint-answered', to: 'ana@example.org' });
    run.answer('tell');
    expect(run.state.status).toBe('completed');
  });
});

describe('the payment cycle', () => {
  const monthly = async (occurrence: string) =>
    drive(await model('payment-cycle'), {}, {}, { elementId: 'monthBegins', brought: { occurrence } });

  it('begins the run of the month that is due, also one that was missed, unless somebody has', async () => {
    const { elements } = await model('payment-cycle');
    expect(elements.get('monthBegins')).toMatchObject({ trigger: { text: '0 6 1 * *', missed: 'all' } });
    const due = await monthly('2026-12-01T06:00:00.000Z');
    expect(requestOf(due, 'earlier').query).toMatchObject({ businessKey: 'cash-transfer-2026-12' });
    due.answer('earlier', []);
    expect(bodyOf(due, 'begin')).toMatchObject({
      businessKey: 'cash-transfer-2026-12',
      variables: { cycle: '2026-12' },
    });
    const known = await monthly('2026-12-01T06:00:00.000Z');
    known.answer('earlier', [{ id: 'i', state: 'running' }]);
    expect(known.jobs.size).toBe(0);
    expect(known.completed).toContain('byHand');
  });
});

describe('a payment run', () => {
  const begin = async () => {
    const run = drive(await model('payment-run'), { cycle: '2026-12', initiator: 'manager-1' });
    expect(bodyOf(run, 'open')).toMatchObject({
      write: { content: { list: '2026-12', begunBy: 'manager-1' } },
    });
    return run;
  };
  const beneficiary = { content: { beneficiaryNumber: 'B-1', amount: '45.00', currency: 'XLD' } };

  it('that is begun twice pays once: the second ends before it draws a list', async () => {
    const run = await begin();
    run.answer('open', {}, 409);
    expect(run.jobs.size).toBe(0);
    expect([run.state.status, run.state.errorCode]).toEqual(['failed', 'begun-before']);
  });

  it('reminds the Treasury while its list waits for approval, tells the managers after ten days, then is quiet', async () => {
    const run = await begin();
    run.answer('open', {}, 201);
    run.answer('list', { results: [beneficiary], next: null });
    run.answer('handOver', { batchId: 'batch-1' });
    expect(dueAt(run, 'approvalWaits')).toBe('2026-01-03T00:00:00Z');
    run.now = '2026-01-03T00:00:00Z';
    run.fire('approvalWaits');
    run.answer('lookAtList', { state: 'awaiting-approval' });
    expect(bodyOf(run, 'remindApprovers').template).toBe('list-waiting');
    run.answer('remindApprovers');
    run.fire('approvalLate');
    run.answer('lookAgain', { state: 'awaiting-approval' });
    expect(bodyOf(run, 'tellManagers').template).toBe('list-late');
    run.answer('tellManagers');
    run.now = '2026-01-05T00:00:00Z';
    run.fire('approvalWaits');
    run.answer('lookAtList', { state: 'processing' });
    expect(run.jobs.size).toBe(0);
    run.fire('over', { state: 'completed' });
    expect(run.timers.size).toBe(0);
    expect(requestOf(run, 'read').path).toEqual({ batchId: 'batch-1' });
  });
});

describe('a death', () => {
  const told = async (message: Variables, elementId = 'one') =>
    drive(await model('death'), {}, {}, { elementId, brought: { message } });
  const owner = 'LUMORA/GOV/CRA/civil-registry';

  it('that is announced begins the exit of a beneficiary, and nothing for anybody else', async () => {
    const run = await told({ owner, registry: 'deaths', record: 'r-1' });
    expect(requestOf(run, 'death').headers['x-legal-ground']).toMatch(/Act/);
    run.answer('death', { content: { nationalNumber: 'N-1', deathDate: '2026-01-05' } });
    const content = { beneficiaryNumber: 'B-1', fileId: 'file-1', status: 'active' };
    run.answer('find', { content });
    expect(bodyOf(run, 'exit')).toMatchObject({
      businessKey: 'file-1',
      variables: { beneficiaryNumber: 'B-1', reason: 'death', endedOn: '2026-01-05' },
    });
    run.answer('exit', {}, 201);
    expect(run.state.status).toBe('completed');
    const other = await told({ owner, registry: 'deaths', record: 'r-2' });
    other.answer('death', { content: { nationalNumber: 'N-2', deathDate: '2026-01-05' } });
    other.answer('find', {}, 404);
    expect([other.state.status, other.jobs.size]).toEqual(['completed', 0]);
  });

  it('in another register, or in that of somebody else, is not looked at', async () => {
    for (const message of [
      { owner, registry: 'marriages', record: 'r' },
      { owner: 'LUMORA/GOV/LRA/tax-registry', registry: 'deaths', record: 'r' },
    ]) {
      const run = await told(message);
      expect([run.state.status, run.jobs.size]).toEqual(['completed', 0]);
    }
  });

  it('among many that were entered at once is found in the feed, page by page', async () => {
    const run = await told({ owner, registry: 'deaths', count: 3, after: 10, upTo: 14 }, 'many');
    expect(requestOf(run, 'feed').query).toMatchObject({ after: '10' });
    const change = (position: number, action = 'create') => ({ position, action, record: `r-${position}` });
    run.answer('feed', { changes: [change(11), change(12, 'update')], next: 12, more: true });
    expect(requestOf(run, 'death').path.id).toBe('r-11');
    run.answer('death', {}, 404);
    expect(requestOf(run, 'feed').query).toMatchObject({ after: '12' });
    run.answer('feed', { changes: [change(13), change(14), change(15)], next: 15, more: true });
    expect([...run.jobs.values()].map((job) => job.request.path.id)).toEqual(['r-13', 'r-14']);
    run.answer('death', {}, 404);
    run.answer('death', {}, 404);
    expect(run.state.status).toBe('completed');
  });
});

describe('an exit', () => {
  const begin = async (status: string) => {
    const variables = { beneficiaryNumber: 'B-1', fileId: 'file-1', reason: 'death', endedOn: '2026-01-05' };
    const run = drive(await model('exit'), variables);
    const contact = { channel: 'sms', contact: '+999712345678', language: 'fr' };
    run.answer('read', { content: { status, ...contact } });
    return run;
  };
  const payment = (state: string, at: string) => ({
    ...{ instructionId: `p-${state}-${at}`, state, amount: '45.00', currency: 'XLD' },
    updatedAt: `${at}T08:00:00.000Z`,
  });

  it('ends the entry with reason and day, and tells the household; nobody is asked without a doubt', async () => {
    const run = await begin('active');
    expect(bodyOf(run, 'end')).toMatchObject({
      write: { content: { status: 'ended', endedOn: '2026-01-05', endReason: 'death' } },
    });
    run.answer('end');
    expect(bodyOf(run, 'tell')).toMatchObject({ template: 'ended-death', channel: 'sms', language: 'fr' });
    run.answer('tell');
    run.answer('payments', { items: [payment('completed', '2026-01-02'), payment('failed', '2026-01-20')] });
    expect(run.tasks.size).toBe(0);
    expect(run.state.status).toBe('completed');
  });

  it('asks the managers about payments that are open or were made after the death', async () => {
    const run = await begin('active');
    run.answer('end');
    run.answer('tell');
    const open = payment('sent', '2026-01-04');
    const late = payment('completed', '2026-02-01');
    run.answer('payments', { items: [open, late, payment('completed', '2026-01-01')] });
    const task = [...run.tasks.values()][0];
    expect(task).toMatchObject({ candidateRole: 'programme-manager', formRef: 'answer' });
    expect(task?.inputs.explanation).toMatchObject({
      en: expect.stringContaining(
        '(death). Payments that are open or were made since: 45.00 XLD (open, 2026-01-04); 45.00 XLD (paid,',
      ),
      fr: expect.stringMatching(/décès.*45\.00 XLD \(en cours, 2026-01-04\)/),
    });
    expect(task?.inputs.payments).toMatchObject([
      { payment: open.instructionId },
      { payment: late.instructionId },
    ]);
    run.complete('settle', { answer: { text: 'The bank paid it back', by: 'manager-1' } });
    expect(run.state.status).toBe('completed');
  });

  it('happens once', async () => {
    const run = await begin('ended');
    expect([run.state.status, run.jobs.size]).toEqual(['completed', 0]);
  });
});
