import { jsonResponse } from '@govstack/platform/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../src/tables.ts';
import { officers } from './fixtures/officers.ts';
import {
  apiOf,
  brokenBooks,
  instructionsOf,
  noticesOf,
  oversightOf,
  pay,
  payees,
  programme,
  source,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
let people: ReturnType<typeof officers>;
let instructionId: string;
/** What the source was told. */
const heard: Record<string, string>[] = [];
beforeAll(async () => {
  t = await startTreasury(
    {},
    {
      providers: {
        [`${source}/results-v1`]: async ({ body }) => {
          heard.push(JSON.parse(String(body)));
          return jsonResponse(200, {});
        },
      },
    },
  );
  people = officers(t.node);
  await t.admin.putSource({
    params: { sourceId: programme.sourceId },
    body: {
      application: source,
      name: 'Cash transfer',
      institutionId: 'MSP',
      callbackService: `${source}/results-v1`,
      callbackPath: '/results',
    },
  });
  const run = await pay(t.node, await payees(t.node, 1));
  instructionId = (await instructionsOf(t.node, run.batchId))[0]?.instructionId as string;
});
afterAll(() => t.stop());

const portal = 'TEST/GOV/DGA/portal';
const complaint = (clientId: string) =>
  ({ clientId, instructionId, reason: 'not-received', text: 'The payee, P. Example, got nothing' }) as const;
const open = async (clientId: string, as = source, personToken?: string) =>
  (
    await oversightOf(t.node, as).openDispute({
      body: complaint(clientId),
      ...(personToken === undefined ? {} : { personToken }),
    })
  ).body.dispute;

describe('a dispute', () => {
  it('[PAY-5.3.3-c] goes from opening over assignment and answers to an outcome, told to who opened it', async () => {
    const own = oversightOf(t.node, source);
    const opened = await open('d-1');
    expect(opened).toMatchObject({ state: 'open', openedByParty: 'source', overdue: false });
    expect(Date.parse(opened.deadline) - Date.parse(opened.openedAt)).toBeCloseTo(10 * 86_400_000, -5);
    const params = { disputeId: opened.disputeId };
    const as = oversightOf(t.node, portal);
    const personToken = await people.manager();
    expect(
      (await as.assignDispute({ params, body: { assignee: 'clerk-7' }, personToken })).body,
    ).toMatchObject({
      state: 'in-review',
      assignedTo: 'clerk-7',
    });
    await as.moveDispute({ params, body: { to: 'waiting', text: 'Asked the bank' }, personToken });
    await own.commentDispute({ params, body: { text: 'Statement attached', references: ['DOC-88'] } });
    const { body } = await as.moveDispute({
      params,
      body: { to: 'resolved', outcome: 'upheld', text: 'The bank was wrong' },
      personToken,
    });
    expect(body).toMatchObject({ state: 'resolved', outcome: 'upheld' });
    const { entries } = (await own.getDispute({ params })).body;
    expect(entries.map((one) => [one.kind, one.to, one.text])).toEqual([
      ['opened', undefined, 'The payee, P. Example, got nothing'],
      ['assigned', 'in-review', undefined],
      ['moved', 'waiting', 'Asked the bank'],
      ['comment', undefined, 'Statement attached'],
      ['moved', 'resolved', 'The bank was wrong'],
    ]);
    expect(entries[3]?.references).toEqual(['DOC-88']);
    const states = ['open', 'in-review', 'waiting', 'resolved'];
    const told = () => heard.filter((one) => one.disputeId === opened.disputeId).map((one) => one.state);
    await expect.poll(told).toEqual(states);
    await expect
      .poll(() =>
        t.node.published
          .filter(
            (event) => event.type === 'payments.dispute-changed.v1' && event.subject === opened.disputeId,
          )
          .map((event) => (event.data as { state: string }).state),
      )
      .toEqual(states);
    await expect(own.commentDispute({ params, body: { text: 'More' } })).rejects.toMatchObject({
      status: 409,
    });
  });

  it('[PAY-5.3.3-c] moves only along the table, whoever asks; what was said stays', async () => {
    const { disputeId } = await open('d-2');
    const params = { disputeId };
    const as = oversightOf(t.node, portal);
    const personToken = await people.manager();
    for (const body of [{ to: 'resolved', outcome: 'upheld' }, { to: 'waiting' }] as const)
      await expect(as.moveDispute({ params, body, personToken })).rejects.toMatchObject({ status: 409 });
    const db = t.node.database('payments') as unknown as Db;
    for (const statement of [
      `update dispute set state = 'resolved', outcome = 'rejected', closed_at = now() where id = '${disputeId}'`,
      `update dispute set reason = 'other' where id = '${disputeId}'`,
      'delete from dispute',
      'delete from dispute_entry',
      "update dispute_entry set actor = 'nobody'",
    ])
      await expect(sql.raw(statement).execute(db)).rejects.toMatchObject({ code: '23001' });
    await as.moveDispute({ params, body: { to: 'in-review' }, personToken });
    await expect(as.moveDispute({ params, body: { to: 'resolved' }, personToken })).rejects.toMatchObject({
      status: 409,
    });
    const [first, second] = await Promise.allSettled([
      as.moveDispute({ params, body: { to: 'resolved', outcome: 'upheld' }, personToken }),
      as.moveDispute({ params, body: { to: 'resolved', outcome: 'rejected' }, personToken }),
    ]);
    expect([first.status, second.status].sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('[PAY-6.1-n] comes from the payee, signed in or through the source, or from an officer for them', async () => {
    await apiOf(t.node).registerBeneficiary({
      headers: {},
      body: {
        requestID: 'citizen',
        beneficiaries: [
          { payeeIdentity: 'citizen-9', paymentModality: '00', financialAddress: '889000000001' },
        ],
      },
    });
    const run = await pay(t.node, ['citizen-9'], { amount: '8.00' });
    const id = (await instructionsOf(t.node, run.batchId))[0]?.instructionId as string;
    const as = oversightOf(t.node, portal);
    const citizen = await people.citizen('citizen-9');
    const body = { ...complaint('mine'), instructionId: id };
    const mine = (await as.openDispute({ body, personToken: citizen })).body.dispute;
    expect(mine.openedByParty).toBe('payee');
    const other = await people.citizen('citizen-8');
    await expect(as.openDispute({ body, personToken: other })).rejects.toMatchObject({ status: 404 });
    const params = { disputeId: mine.disputeId };
    await expect(as.getDispute({ params, personToken: other })).rejects.toMatchObject({ status: 404 });
    expect((await as.listDisputes({ query: {}, personToken: other })).body.items).toEqual([]);
    expect((await as.listDisputes({ query: {}, personToken: citizen })).body.items).toMatchObject([params]);
    expect((await as.getDispute({ params, personToken: citizen })).body.entries[0]?.text).toBe(body.text);
    await expect(
      as.moveDispute({ params, body: { to: 'in-review' }, personToken: citizen }),
    ).rejects.toMatchObject({ status: 403 });
    expect(
      (await as.moveDispute({ params, body: { to: 'withdrawn' }, personToken: citizen })).body.state,
    ).toBe('withdrawn');
    const through = await oversightOf(t.node, source).openDispute({
      body: { ...complaint('theirs'), instructionId: id, forPayee: true },
    });
    expect(through.body.dispute.openedByParty).toBe('payee');
    const manager = await people.manager();
    const officer = (await as.openDispute({ body: { ...body, clientId: 'desk' }, personToken: manager })).body
      .dispute;
    expect(officer.openedByParty).toBe('officer');
    await as.assignDispute({
      params: { disputeId: officer.disputeId },
      body: { assignee: 'x' },
      personToken: manager,
    });
    await expect(
      as.moveDispute({
        params: { disputeId: officer.disputeId },
        body: { to: 'resolved', outcome: 'upheld' },
        personToken: manager,
      }),
    ).rejects.toMatchObject({ status: 403 });
  });

  it('[PAY-5.3.3-c] belongs to the person who opened it, whatever application they come through', async () => {
    const [one, another] = [oversightOf(t.node, portal), oversightOf(t.node, 'TEST/GOV/DGA/desk')];
    await oversightOf(t.node).putInstitution({
      params: { code: 'TESTUS33' },
      body: { name: 'Test bank', member: 'TEST/COM/SAVINGS' },
    });
    const clerk = await people.fspOfficer('TEST/COM/SAVINGS', 'clerk');
    const theirs = await open('fsp', portal, clerk);
    const params = { disputeId: theirs.disputeId };
    expect(theirs.openedByParty).toBe('institution');
    expect((await another.getDispute({ params, personToken: clerk })).status).toBe(200);
    const { items } = (await another.listDisputes({ query: {}, personToken: clerk })).body;
    expect(items.map((item) => item.disputeId)).toEqual([theirs.disputeId]);
    for (const id of ['x for clerk', 'other']) {
      const personToken = await people.fspOfficer('TEST/COM/SAVINGS', id);
      await expect(one.getDispute({ params, personToken })).rejects.toMatchObject({ status: 404 });
      expect((await one.listDisputes({ query: {}, personToken })).body.items).toEqual([]);
    }
    // Nor does an officer settle what they opened themselves by coming another way.
    const manager = await people.manager();
    const own = { disputeId: (await open('desk-2', portal, manager)).disputeId };
    await one.assignDispute({ params: own, body: { assignee: 'x' }, personToken: manager });
    const resolved = another.moveDispute({
      params: own,
      body: { to: 'resolved', outcome: 'upheld' },
      personToken: manager,
    });
    await expect(resolved).rejects.toMatchObject({ status: 403 });
  });

  it('[PAY-5.3.3-c] comes from the rail that was sent the payment, not from another, and can name a case', async () => {
    expect(await open('rail-1', 'TEST/COM/BANK/rail')).toMatchObject({ openedByParty: 'rail' });
    await expect(open('rail-2', 'TEST/COM/MOBILE/rail')).rejects.toMatchObject({ status: 404 });
    await noticesOf(t.node, 'TEST/COM/BANK/rail').postTransferResults({
      body: { eventId: 'contradiction', results: [{ reference: instructionId, status: 'failed' }] },
    });
    const { items } = (await t.admin.listCases({ query: {} })).body;
    const found = items.find((one) => one.instructionId === instructionId);
    const own = oversightOf(t.node, source);
    const { body } = await own.openDispute({
      body: { ...complaint('with-case'), caseId: found?.caseId as string },
    });
    expect(body.dispute.caseId).toBe(found?.caseId);
    await expect(
      own.openDispute({ body: { ...complaint('bad-case'), caseId: instructionId } }),
    ).rejects.toMatchObject({ status: 400 });
  });

  it('[PAY-5.3.3-c] opened again, also at the same moment, is the same one; with other content it is refused', async () => {
    const own = oversightOf(t.node, source);
    const all = await Promise.all([1, 2, 3].map(() => own.openDispute({ body: complaint('same') })));
    expect(new Set(all.map((one) => one.body.dispute.disputeId)).size).toBe(1);
    expect(all.filter((one) => !one.body.repeated)).toHaveLength(1);
    await expect(
      own.openDispute({ body: { ...complaint('same'), text: 'Something else' } }),
    ).rejects.toMatchObject({ status: 409 });
  });

  it('keeps what people write encrypted', async () => {
    await open('secret');
    const db = t.node.database('payments');
    for (const table of ['dispute', 'dispute_entry', 'audit_entry']) {
      const { rows } = await sql<{ text: string }>`select d::text as text from ${sql.table(table)} d`.execute(
        db,
      );
      for (const { text } of rows) expect(text).not.toContain('P. Example');
    }
  });
});

it('[PAY-5.3.3-c] a dispute past its deadline is seen', async () => {
  const late = await startTreasury({ disputeDays: 0 });
  const run = await pay(late.node, await payees(late.node, 1));
  const [row] = await instructionsOf(late.node, run.batchId);
  const own = oversightOf(late.node, source);
  await own.openDispute({ body: { ...complaint('late'), instructionId: row?.instructionId as string } });
  const { items } = (await oversightOf(late.node).listDisputes({ query: { overdue: true } })).body;
  expect(items).toMatchObject([{ clientId: 'late', overdue: true }]);
  const { payload } = await late.node.server('payments').inject({ method: 'GET', url: '/metrics' });
  expect(payload).toMatch(/govstack_payments_disputes_overdue 1/);
  await late.stop();
});

it('the books hold', async () => {
  expect(await brokenBooks(t.node)).toEqual([]);
});
