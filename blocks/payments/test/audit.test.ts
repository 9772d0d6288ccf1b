import { createHash } from 'node:crypto';
import { testAdminUrl } from '@govstack/platform/testing';
import { compactVerify, importJWK } from 'jose';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sealAudit } from '../src/audit/seal.ts';
import type { Db } from '../src/tables.ts';
import { officers } from './fixtures/officers.ts';
import {
  adminOf,
  apiOf,
  approve,
  brokenBooks,
  handOver,
  instructionsOf,
  ministry,
  over,
  oversightOf,
  pay,
  payees,
  programme,
  reaches,
  source,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';

let t: Treasury;
let db: Db;
let people: ReturnType<typeof officers>;
/** Someone who may do anything with the database. */
let intruder: pg.Client;
beforeAll(async () => {
  t = await startTreasury();
  db = t.node.database('payments') as unknown as Db;
  people = officers(t.node);
  const url = new URL(testAdminUrl());
  url.pathname = `/${t.node.databasePrefix}payments`;
  intruder = new pg.Client({ connectionString: url.href });
  await intruder.connect();
});
afterAll(async () => {
  await intruder.end();
  await t.stop();
});

const portal = 'TEST/GOV/DGA/portal';
const entries = async (query: Parameters<ReturnType<typeof oversightOf>['listAuditEntries']>[0]['query']) =>
  (await oversightOf(t.node).listAuditEntries({ query: { limit: 500, ...query } })).body.items;

describe('the audit log', () => {
  it('[PAY-6.12-a][PAY-6.1-e][PAY-6.12-c][PAY-6.12-d] has every way a run is made, decided and ended, with who did it and why', async () => {
    const clock = async () =>
      (await sql<{ at: string }>`select clock_timestamp() as at`.execute(db)).rows[0]?.at as string;
    const began = await clock();
    const ids = await payees(t.node, 2);
    const paid = await pay(t.node, ids, { amount: '1.00' });
    const withdrawn = await handOver(t.node, ids, { amount: '2.00' });
    await reaches(t.node, withdrawn, 'awaiting-approval');
    await adminOf(t.node, portal).cancelBatch({
      params: { batchId: withdrawn },
      body: { reason: 'Wrong month' },
      personToken: await people.manager(),
    });
    const refused = await handOver(t.node, ids, { amount: '3.00' });
    const { contentHash = '' } = await reaches(t.node, refused, 'awaiting-approval');
    await t.admin.rejectBatch({
      params: { batchId: refused },
      body: { contentHash, reason: 'Not this one' },
      personToken: await people.approver(),
    });
    const steps = async (batchId: string) =>
      (await entries({ component: 'runs', subject: `batch/${batchId}` })).map((one) => one.action).reverse();
    expect(await steps(paid.batchId)).toEqual([
      'received',
      'awaiting-approval',
      'approved',
      'authorised',
      'processing',
      'completed',
      'certificate',
    ]);
    expect(await steps(refused)).toEqual(['received', 'awaiting-approval', 'rejected', 'certificate']);
    const [last] = await entries({ subject: `batch/${withdrawn}`, action: 'cancelled' });
    expect(last).toMatchObject({
      actor: `${portal} for programme-manager`,
      terminal: portal,
      outcome: 'succeeded',
      detail: { from: 'awaiting-approval', to: 'cancelled', reason: 'Wrong month' },
    });
    // An instant in UTC, from the database's clock.
    expect(last?.at).toMatch(/Z$/);
    const at = Date.parse(last?.at as string);
    expect(at).toBeGreaterThanOrEqual(Date.parse(began));
    expect(at).toBeLessThanOrEqual(Date.parse(await clock()));
  });

  it('[PAY-6.12-g] tells of a run what it was about, who decided on which content, and how every cent ended, without any other table', async () => {
    const [first = '', second = ''] = await payees(t.node, 2);
    t.bank.fate = ({ amount }) => (amount === '7.10' ? { rejected: 'AC04' } : 'completed');
    const { batchId } = await pay(t.node, [first, second], { amount: '7.10', initiator: 'maker-7' });
    t.bank.fate = () => 'completed';
    const own = await entries({ component: 'runs', subject: `batch/${batchId}` });
    const told = (action: string) => own.find((one) => one.action === action);
    expect(told('received')?.detail).toMatchObject({
      source: programme.sourceId,
      programme: programme.programmeId,
      maker: 'maker-7',
      currency: 'USD',
      count: 2,
      amount: '1420',
    });
    const content = told('awaiting-approval')?.detail as { contentHash: string };
    expect(content).toMatchObject({ count: 2, amount: '1420', fees: '0' });
    expect(told('approved')).toMatchObject({
      actor: expect.stringContaining('approver-1'),
      detail: { contentHash: content.contentHash },
    });
    const { content: certificate, hash } = (await t.admin.getCertificate({ params: { batchId } })).body;
    expect(told('certificate')?.detail).toEqual({ ...certificate, hash });
    expect(certificate.byState).toEqual([
      { state: 'completed', count: 1, amount: '7.10' },
      { state: 'failed', count: 1, amount: '7.10' },
    ]);
    expect(certificate.moneyIn).toBe(certificate.moneyOut);
  });

  it('[PAY-6.11-a][PAY-6.12-a] has every request that could change something, and every refusal, with where it came from', async () => {
    const stranger = adminOf(t.node, 'TEST/GOV/STRANGER/app');
    await expect(
      stranger.releaseBudget({
        params: programme,
        body: { reference: 'mine', amount: '1.00', currency: 'USD' },
      }),
    ).rejects.toMatchObject({ status: 403 });
    await expect(stranger.listRails({})).rejects.toMatchObject({ status: 403 });
    await t.admin.releaseBudget({
      params: programme,
      body: { reference: 'more', amount: '1.00', currency: 'USD' },
    });
    const refused = await entries({ actor: 'TEST/GOV/STRANGER/app', outcome: 'refused' });
    expect(refused.map((one) => one.action)).toEqual(['listRails', 'releaseBudget']);
    expect(refused[1]).toMatchObject({
      component: 'payments-admin-v1',
      terminal: 'TEST/GOV/STRANGER/app',
      subject: 'sourceId/cash-transfer programmeId/cash-transfer',
      detail: { status: 403, refusal: 'Only the treasury administers payments' },
    });
    expect(refused[1]?.correlationId).not.toBe('');
    const [request] = await entries({
      component: 'payments-admin-v1',
      action: 'releaseBudget',
      outcome: 'succeeded',
    });
    const [change] = await entries({ component: 'settings', action: 'release-budget' });
    expect(change).toMatchObject({ detail: { reference: 'more', amount: '100' } });
    expect(request?.correlationId).toBe(change?.correlationId);
  });

  it('[PAY-6.12-j][PAY-6.12-f] is queried by days, action, component, actor, subject and outcome, page by page', async () => {
    const all = await entries({ days: 1 });
    expect(all.length).toBeGreaterThan(10);
    const [some] = all.slice(-3);
    for (const name of ['component', 'action', 'actor', 'subject', 'outcome'] as const) {
      const found = await entries({ [name]: some?.[name] });
      expect(found.map((one) => one.entryId)).toContain(some?.entryId);
      expect(new Set(found.map((one) => one[name]))).toEqual(new Set([some?.[name]]));
    }
    const pages: string[] = [];
    let before: string | undefined;
    do {
      const { body } = await oversightOf(t.node).listAuditEntries({
        query: { component: 'runs', limit: 4, ...(before === undefined ? {} : { before }) },
      });
      pages.push(...body.items.map((one) => one.entryId));
      before = body.next;
    } while (before !== undefined);
    const runs = (await entries({ component: 'runs' })).map((one) => one.entryId);
    expect(pages).toEqual(runs);
    await intruder.query('alter table audit_entry disable trigger user');
    await intruder.query("update audit_entry set at = at - interval '3 days' where id = $1", [runs.at(-1)]);
    expect((await entries({ days: 2, component: 'runs' })).map((one) => one.entryId)).not.toContain(
      runs.at(-1),
    );
    expect((await entries({ days: 4, component: 'runs' })).map((one) => one.entryId)).toContain(runs.at(-1));
    await intruder.query("update audit_entry set at = at + interval '3 days' where id = $1", [runs.at(-1)]);
    await intruder.query('alter table audit_entry enable trigger user');
  });

  it('[PAY-6.12-k] is shown to the treasury’s auditors only, and looking into it is on record', async () => {
    const look = (personToken: string) =>
      oversightOf(t.node, portal).listAuditEntries({ query: { component: 'settings' }, personToken });
    for (const token of [
      await people.citizen('nobody'),
      await people.manager(),
      await people.approver(),
      await t.node.token({ id: 'foreign', roles: ['auditor'], agency: ministry }),
    ])
      await expect(look(token)).rejects.toMatchObject({ status: 403 });
    expect((await look(await people.auditor())).status).toBe(200);
    const [own] = await entries({ component: 'audit', action: 'query', actor: `${portal} for auditor` });
    expect(own?.detail).toEqual({ component: 'settings' });
  });

  it('[PAY-6.12-i][PAY-6.12-j] keeps what it must not show encrypted; one person asks for it, another grants it', async () => {
    await apiOf(t.node).registerBeneficiary({
      headers: {},
      body: {
        requestID: 'secret-1',
        beneficiaries: [
          { payeeIdentity: 'Secret-Person', paymentModality: '00', financialAddress: '998877665544' },
        ],
      },
    });
    const [entry] = await entries({ component: 'mapper', action: 'register' });
    expect(entry).toMatchObject({
      keyId: 'vault/1',
      actor: source,
      detail: { requestId: 'secret-1', records: 1, failed: 0 },
    });
    expect(JSON.stringify(entry)).not.toMatch(/Secret-Person|998877665544/);
    const as = oversightOf(t.node, portal);
    const entryId = entry?.entryId as string;
    const personToken = await people.auditor('auditor-1');
    const { body: asked } = await as.requestDisclosure({
      params: { entryId },
      body: { reason: 'Complaint 17' },
      personToken,
    });
    const params = { disclosureId: asked.disclosureId };
    await expect(as.readDisclosure({ params, personToken })).rejects.toMatchObject({ status: 403 });
    const both = await t.node.token({
      id: 'auditor-1',
      roles: ['auditor', 'administrator'],
      agency: 'TEST/GOV/BLOCKS',
    });
    const body = { decision: 'granted' } as const;
    await expect(as.decideDisclosure({ params, body, personToken: both })).rejects.toMatchObject({
      status: 403,
    });
    await as.decideDisclosure({ params, body, personToken: await people.administrator() });
    const again = as.decideDisclosure({
      params,
      body: { decision: 'refused' },
      personToken: await people.administrator(),
    });
    await expect(again).rejects.toMatchObject({ status: 409 });
    const other = await people.auditor('auditor-2');
    await expect(as.readDisclosure({ params, personToken: other })).rejects.toMatchObject({ status: 404 });
    expect((await as.readDisclosure({ params, personToken })).body.content).toMatchObject([
      { payeeIdentity: 'Secret-Person', financialAddress: '998877665544' },
    ]);
    const steps = await entries({ component: 'audit', subject: `audit-entry/${entryId}` });
    expect(steps.map((one) => one.action)).toEqual([
      'disclosure-read',
      'disclosure-granted',
      'disclosure-requested',
    ]);
  });

  it('[PAY-6.11-c] and every other record of what happened holds no account and no payee in clear', async () => {
    const { body } = await apiOf(t.node).batchTransactions({
      query: {},
      headers: { 'x-correlationid': 'sp', 'x-program-id': programme.programmeId },
      body: [
        {
          requestId: 'sp-1',
          creditParty: [{ key: 'functionalId', value: 'Secret-Person' }],
          amount: '4.00',
          currency: 'USD',
        },
      ],
    });
    await approve(t.node, body.batchId);
    expect((await reaches(t.node, body.batchId, ...over)).state).toBe('completed');
    for (const table of [
      'audit_entry',
      'batch_event',
      'instruction_event',
      'receipt',
      'attempt',
      'payment_case',
    ]) {
      const { rows } = await sql<{ text: string }>`select r::text as text from ${sql.table(table)} r`.execute(
        db,
      );
      for (const { text } of rows)
        for (const clear of ['Secret-Person', '998877665544'])
          for (const form of [clear, Buffer.from(clear).toString('hex')]) expect(text).not.toContain(form);
    }
  });

  it('[PAY-6.12-h][PAY-6.12-e] cannot be changed, and nothing of it removed, with the rights of the block', async () => {
    for (const statement of [
      "update audit_entry set outcome = 'failed'",
      'delete from audit_entry',
      'truncate audit_entry cascade',
      'delete from audit_seal',
      "update audit_disclosure set reason = 'x'",
      'delete from audit_disclosure',
    ])
      await expect(sql.raw(statement).execute(db)).rejects.toMatchObject({ code: '23001' });
  });

  it('[PAY-6.12-b] shows when somebody with every right on the database has changed, removed or put in an entry', async () => {
    await sealAudit(db);
    expect(await brokenBooks(t.node)).toEqual([]);
    const changes = [
      [
        "update audit_entry set actor = 'nobody' where id = $1",
        'update audit_entry e set actor = k.actor from kept k where e.id = k.id',
      ],
      [
        "update audit_entry set at = at - interval '1 day' where id = $1",
        'update audit_entry e set at = k.at from kept k where e.id = k.id',
      ],
      [
        'delete from audit_entry where id = $1',
        'insert into audit_entry overriding system value select * from kept',
      ],
    ] as const;
    for (const [change, back] of changes) {
      const [victim] = await entries({ component: 'runs', action: 'approved' });
      await intruder.query('alter table audit_entry disable trigger user');
      await intruder.query('create table kept as select * from audit_entry where id = $1', [victim?.entryId]);
      await intruder.query(change, [victim?.entryId]);
      await intruder.query('alter table audit_entry enable trigger user');
      expect((await brokenBooks(t.node)).join()).toMatch(/seal/);
      await intruder.query('alter table audit_entry disable trigger user');
      await intruder.query(back);
      await intruder.query('drop table kept');
      await intruder.query('alter table audit_entry enable trigger user');
      expect(await brokenBooks(t.node)).toEqual([]);
    }
  });
});

describe('a payment', () => {
  it('[PAY-5.3.1-l][PAY-6.1-g][PAY-6.1-ab][PAY-6.11-b][PAY-6.11-d] has a record of its own of every change, sending and answer', async () => {
    t.bank.fate = () => ({ rejected: 'AC04' });
    const run = await pay(t.node, await payees(t.node, 2), { amount: '6.00' });
    t.bank.fate = () => 'completed';
    const rows = await instructionsOf(t.node, run.batchId);
    for (const row of rows) {
      const { body } = await t.admin.getInstruction({ params: { instructionId: row.instructionId } });
      const end = row.rail === 'bank' ? 'failed' : 'completed';
      expect(body.history.map((one) => one.to)).toEqual(['validated', 'queued', 'submitted', end]);
      expect(body.history.every((one) => one.at.endsWith('Z'))).toBe(true);
      expect(body.attempts).toMatchObject([{ number: 1, state: end === 'failed' ? 'failed' : 'succeeded' }]);
      if (end === 'failed') expect(body.history.at(-1)).toMatchObject({ reasonCode: 'AC04' });
    }
    expect(run.history.map((one) => one.to)).toEqual([
      'received',
      'awaiting-approval',
      'approved',
      'authorised',
      'processing',
      'partially-completed',
    ]);
  });

  it('[PAY-6.1-af][PAY-6.8-a][PAY-6.8-b][PAY-6.8-d] is found by any id it has: ours, the source’s, the rail’s, its payee’s', async () => {
    const [payee = ''] = await payees(t.node, 1);
    const run = await pay(t.node, [payee], { amount: '7.00', id: 'find-me' });
    const [row] = await instructionsOf(t.node, run.batchId);
    const find = async (body: { reference?: string; payeeIdentity?: string }) =>
      (await oversightOf(t.node).searchRecords({ body })).body.items;
    const instruction = expect.objectContaining({
      kind: 'instruction',
      id: row?.instructionId,
      batchId: run.batchId,
      state: 'completed',
    });
    for (const reference of [row?.instructionId, row?.requestId, row?.railReference])
      expect(await find({ reference: reference as string })).toContainEqual(instruction);
    expect(await find({ payeeIdentity: payee })).toContainEqual(instruction);
    expect((await find({ payeeIdentity: payee })).map((one) => one.kind)).toContain('payee');
    const batch = expect.objectContaining({ kind: 'batch', id: run.batchId });
    const [entry] = await entries({ subject: `batch/${run.batchId}`, limit: 1 });
    for (const reference of [run.batchId, 'find-me', entry?.correlationId as string])
      expect(await find({ reference })).toContainEqual(batch);
    const { receiptNumber } = (
      await oversightOf(t.node).getReceipt({ params: { instructionId: row?.instructionId as string } })
    ).body;
    expect(await find({ reference: receiptNumber })).toContainEqual(
      expect.objectContaining({ kind: 'receipt', id: row?.instructionId }),
    );
    expect(await find({ reference: 'no-such-thing' })).toEqual([]);
    // Ids begin with the time they were made at.
    const made = Number.parseInt((row?.instructionId as string).replaceAll('-', '').slice(0, 12), 16);
    expect(Math.abs(Date.now() - made)).toBeLessThan(60_000);
  });
});

describe('the decision on a run', () => {
  it('[PAY-5.3.4-e][PAY-6.14-d] is bound to the person, their sign-in and the content by a signature', async () => {
    const batchId = await handOver(t.node, await payees(t.node, 2), { amount: '9.00' });
    const { contentHash = '' } = await reaches(t.node, batchId, 'awaiting-approval');
    const personToken = await people.approver('signer');
    await t.admin.approveBatch({ params: { batchId }, body: { contentHash }, personToken });
    const { body } = await oversightOf(t.node).getApprovalSignature({ params: { batchId } });
    const { keys } = (await t.admin.getSigningKeys({})).body;
    const key = await importJWK(keys.find(({ kid }) => kid === 'decisions') as never, 'ES256');
    const { payload } = await compactVerify(body.signature, key);
    const tokenHash = createHash('sha256').update(personToken).digest('hex');
    expect(JSON.parse(new TextDecoder().decode(payload))).toMatchObject({
      batchId,
      decision: 'approved',
      contentHash,
      person: 'signer',
      tokenHash,
    });
    expect(body).toMatchObject({ tokenHash, claims: { sub: 'signer', roles: ['payment-approver'] } });
    const [header, content, signature = ''] = body.signature.split('.');
    const forged = `${header}.${Buffer.from(JSON.stringify({ batchId, person: 'other' })).toString('base64url')}.${signature}`;
    expect(content).not.toBe('');
    await expect(compactVerify(forged, key)).rejects.toThrow();
    await expect(sql`update approval_signature set signature = 'x'`.execute(db)).rejects.toMatchObject({
      code: '23001',
    });
    await reaches(t.node, batchId, ...over);
  });
});

it('[PAY-6.8-c] a node whose clock is not its database’s is not ready', async () => {
  const ready = async () =>
    (await t.node.server('payments').inject({ method: 'GET', url: '/health/ready' })).statusCode;
  expect(await ready()).toBe(200);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
  try {
    expect(await ready()).toBe(503);
  } finally {
    vi.useRealTimers();
  }
  expect(await ready()).toBe(200);
});

it('the books hold', async () => {
  const run = await handOver(t.node, await payees(t.node, 2));
  await approve(t.node, run);
  await reaches(t.node, run, ...over);
  expect(await brokenBooks(t.node)).toEqual([]);
});
