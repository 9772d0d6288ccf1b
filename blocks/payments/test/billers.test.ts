import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  adminOf,
  type BillCountry,
  bank,
  bill,
  biller,
  billerService,
  inquire,
  officer,
  onboard,
  outsideTheContract,
  p2gOf,
  pay,
  revenue,
  settings,
  startBillCountry,
  statusOf,
  told,
  wallet,
} from './fixtures/bills.ts';
import { brokenBooks, refusal, treasury } from './fixtures/treasury.ts';

let c: BillCountry;
const aggregator = 'TEST/COM/AGGREGATOR/bills';
beforeAll(async () => {
  c = await startBillCountry();
});
afterAll(async () => {
  expect(await brokenBooks(c.node)).toEqual([]);
  expect(outsideTheContract(c)).toEqual([]);
  await c.stop();
});

const admin = (as?: string) => adminOf(c.node, as);
const propose = async (maker: Promise<string>, more: object = {}) =>
  (await admin().proposeBiller({ body: { ...settings, ...more }, personToken: await maker })).body;
const approve = async (proposalId: string, checker: Promise<string>) =>
  (await admin().approveBillerProposal({ params: { proposalId }, personToken: await checker })).body;
const day = () => ({
  from: new Date(Date.now() - 3_600_000).toISOString(),
  to: new Date(Date.now() + 3_600_000).toISOString(),
});

describe('a biller', () => {
  it('[PAY-9.3.1][PAY-6.16.3-c] is let in by another officer than proposed it, with an id and prefix of its own', async () => {
    const proposal = await propose(officer(c.node, 'ann', revenue, 'biller-manager'));
    expect(proposal).toMatchObject({ state: 'proposed', proposedBy: 'ann', account: '••••2333' });
    expect(proposal).not.toHaveProperty('prefix');
    const before = (await admin().listBillers({ query: {} })).body.items.length;
    const approved = await approve(proposal.proposalId, officer(c.node, 'ben'));
    const other = await onboard(c.node);
    expect(approved).toMatchObject({ state: 'approved', decidedBy: 'ben' });
    expect(new Set([approved.billerId, other.billerId, c.billerId]).size).toBe(3);
    expect(new Set([approved.prefix, other.prefix, c.prefix]).size).toBe(3);
    expect((await admin().listBillers({ query: {} })).body.items).toHaveLength(before + 2);
    // The same decision again changes nothing; another one is refused.
    expect(await approve(proposal.proposalId, officer(c.node, 'ben'))).toMatchObject({
      billerId: approved.billerId,
    });
    const rejected = admin().rejectBillerProposal({
      params: { proposalId: proposal.proposalId },
      body: { reason: 'late' },
      personToken: await officer(c.node, 'cleo'),
    });
    expect((await refusal(rejected)).status).toBe(409);
  });

  it('[PAY-9.3.1] is not let in by its proposer, by its own agency, or by somebody without the role', async () => {
    const { proposalId } = await propose(officer(c.node, 'dan'));
    for (const checker of [
      officer(c.node, 'dan'),
      officer(c.node, 'eve', revenue),
      officer(c.node, 'fay', treasury, 'auditor'),
      officer(c.node, 'gus', 'TEST/GOV/OTHER'),
    ])
      expect((await refusal(approve(proposalId, checker))).status).toBe(403);
    const db = c.node.database('payments');
    await expect(
      sql`
        update biller_proposal set state = 'approved', decided_by = proposed_by
        where id = ${proposalId}`.execute(db),
    ).rejects.toThrow();
    for (const maker of [officer(c.node, 'hal', 'TEST/GOV/OTHER'), c.node.token({ id: 'citizen' })])
      expect((await refusal(propose(maker))).status).toBe(403);
  });

  it('is approved once, however many officers do so at once', async () => {
    const { proposalId } = await propose(officer(c.node, 'ida'));
    const before = (await admin().listBillers({ query: { limit: 500 } })).body.items.length;
    await Promise.allSettled(
      Array.from({ length: 6 }, (_, index) => approve(proposalId, officer(c.node, `checker-${index}`))),
    );
    expect((await admin().listBillers({ query: { limit: 500 } })).body.items).toHaveLength(before + 1);
  });

  it('rejected, never is one', async () => {
    const { proposalId } = await propose(officer(c.node, 'joe'));
    const { body } = await admin().rejectBillerProposal({
      params: { proposalId },
      body: { reason: 'not a public body' },
      personToken: await officer(c.node, 'kim'),
    });
    expect(body).toMatchObject({ state: 'rejected', reason: 'not a public body' });
    expect((await refusal(approve(proposalId, officer(c.node, 'lea')))).status).toBe(409);
  });

  it('is changed in the same way, but keeps id, prefix and currency', async () => {
    const own = await onboard(c.node);
    const change = { billerId: own.billerId, name: 'Revenue Office', billIdLength: 12 };
    const { proposalId } = await propose(officer(c.node, 'maker-2'), change);
    const get = async () => (await admin().getBiller({ params: { billerId: own.billerId } })).body;
    expect((await get()).name).toBe('Revenue Authority');
    await approve(proposalId, officer(c.node, 'checker-2'));
    expect(await get()).toMatchObject({ name: 'Revenue Office', billIdLength: 12, prefix: own.prefix });
    for (const more of [{ currency: 'EUR' }, { prefix: 'NEW1' }]) {
      const refused = await refusal(propose(officer(c.node, 'maker-2'), { billerId: own.billerId, ...more }));
      expect(refused.status).toBe(409);
    }
    const db = c.node.database('payments');
    await expect(
      sql`update biller set prefix = 'ZZ' where id = ${own.billerId}`.execute(db),
    ).rejects.toThrow();
  });

  it('with settings that cannot be is refused', async () => {
    const taken = { prefix: c.prefix };
    const wrong: [object, number][] = [
      [{ currency: 'XXZ' }, 400],
      [{ service: 'http://biller.example' }, 400],
      [{ application: 'nobody' }, 400],
      [{ aggregatorId: 'nobody', application: undefined, service: undefined }, 400],
      [{ prefix: 'low' }, 400],
      [{ billIdLength: 21 }, 400],
      [{ shortName: 'longer than ten' }, 400],
      [taken, 409],
    ];
    for (const [more, status] of wrong)
      expect((await refusal(propose(officer(c.node, 'maker-3'), more))).status).toBe(status);
  });

  it('[PAY-6.16.3-c] is allotted a prefix that takes no bill ids from another', async () => {
    const ten = await onboard(c.node, { prefix: '10' });
    const next = await onboard(c.node);
    expect(next.prefix.startsWith(ten.prefix)).toBe(false);
    const within = { prefix: `${next.prefix}5`, within: ten.billerId };
    expect((await refusal(propose(officer(c.node, 'maker-3'), within))).status).toBe(409);
    expect(
      (await refusal(propose(officer(c.node, 'maker-3'), { prefix: 'QQ', within: ten.billerId }))).status,
    ).toBe(409);
  });

  it('leaves who did what in the audit log, without its account', async () => {
    const own = await onboard(c.node);
    await admin().suspendBiller({ params: { billerId: own.billerId }, body: { reason: 'fraud' } });
    const { rows } = await sql<{ action: string; actor: string; text: string }>`
      select action, actor, row_to_json(a)::text as text
      from audit_entry a
      where component = 'billers'
      order by at desc
      limit 3`.execute(c.node.database('payments'));
    expect(rows.map((row) => row.action)).toEqual(['suspend', 'approve', 'propose']);
    expect(rows[1]?.actor).toContain('checker-1');
    for (const row of rows) expect(row.text).not.toContain(settings.account);
    const dump = await sql<{ text: string }>`
      select string_agg(row_to_json(b)::text, '') as text from biller b`.execute(c.node.database('payments'));
    expect(dump.rows[0]?.text).not.toContain(settings.account);
  });
});

describe('the billers table', () => {
  it('[PAY-6.16.3-b] is given to payer institutions with prefixes and accounts, page by page, and to nobody else', async () => {
    const { items } = (await admin(bank).getBillerTable({ query: { limit: 500 } })).body;
    expect(items.find((one) => one.billerId === c.billerId)).toMatchObject({
      prefix: c.prefix,
      institution: settings.institution,
      account: settings.account,
      currency: 'USD',
      active: true,
    });
    const paged: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = (
        await admin(bank).getBillerTable({ query: { limit: 2, ...(after === undefined ? {} : { after }) } })
      ).body.items;
      if (page.length === 0) break;
      paged.push(...page.map((one) => one.billerId));
      after = paged.at(-1);
    }
    expect(paged).toEqual(items.map((one) => one.billerId));
    for (const as of [biller, 'TEST/GOV/OTHER/app'])
      expect((await refusal(admin(as).getBillerTable({ query: {} }))).status).toBe(403);
  });

  it('is closed to an institution that is not active any more, and so is the rest', async () => {
    const body = { application: wallet, name: 'WALLET', bic: 'MOBIUS33', service: `${wallet}/payer-fi-v1` };
    await admin().putPayerInstitution({ params: { payerId: 'WALLET' }, body: { ...body, active: false } });
    expect((await refusal(admin(wallet).getBillerTable({ query: {} }))).status).toBe(403);
    const ask = p2gOf(c.node, wallet).inquireBill({
      params: { billId: bill(c) },
      query: { requestId: 'inactive' },
      headers: {},
    });
    expect((await refusal(ask)).status).toBe(403);
    await admin().putPayerInstitution({ params: { payerId: 'WALLET' }, body });
    const twice = admin().putPayerInstitution({ params: { payerId: 'OTHER' }, body });
    expect((await refusal(twice)).status).toBe(409);
  });
});

describe('a biller behind an aggregator', () => {
  const proposed = async (more: { active?: boolean; service?: string } = {}, by = 'maker-1') =>
    (
      await admin().proposeAggregator({
        body: {
          aggregatorId: 'utilities',
          name: 'Utilities',
          application: aggregator,
          service: billerService,
          ...more,
        },
        personToken: await officer(c.node, by),
      })
    ).body;
  const approved = async ({ proposalId }: { readonly proposalId: string }, by = 'checker-1') =>
    (
      await admin().approveAggregatorProposal({
        params: { proposalId },
        personToken: await officer(c.node, by),
      })
    ).body;
  const inForce = async () => (await admin().listAggregators({})).body.items;

  it('[PAY-6.16.3-c][PAY-9.3.1] has one that another officer of the treasury let in than proposed it', async () => {
    const proposal = await proposed();
    expect(await inForce()).toEqual([]);
    expect((await refusal(approved(proposal, 'maker-1'))).status).toBe(403);
    const stranger = admin().approveAggregatorProposal({
      params: { proposalId: proposal.proposalId },
      personToken: await officer(c.node, 'checker-9', settings.agency),
    });
    expect((await refusal(stranger)).status).toBe(403);
    expect(await approved(proposal)).toMatchObject({ state: 'approved', decidedBy: 'checker-1' });
    expect(await approved(proposal)).toMatchObject({ state: 'approved' });
    expect(await inForce()).toMatchObject([
      { aggregatorId: 'utilities', service: billerService, active: true },
    ]);
    const { proposalId } = await proposed({ service: `${aggregator}/elsewhere-v1` });
    await admin().rejectAggregatorProposal({
      params: { proposalId },
      body: { reason: 'Nobody knows this service' },
      personToken: await officer(c.node, 'checker-1'),
    });
    expect((await refusal(approved({ proposalId }))).status).toBe(409);
    expect(await inForce()).toMatchObject([{ service: billerService }]);
    const { items } = (
      await admin().listAggregatorProposals({ query: {}, personToken: await officer(c.node, 'maker-1') })
    ).body;
    expect(items.map((one) => one.state)).toEqual(['rejected', 'approved']);
  });

  it('is not asked, and asks nobody, while its aggregator is not active', async () => {
    const gas = await onboard(c.node, { aggregatorId: 'utilities', name: 'Gas' });
    const waiting = await propose(officer(c.node, 'maker-1'), {
      application: undefined,
      service: undefined,
      aggregatorId: 'utilities',
      name: 'Heat',
    });
    await approved(await proposed({ active: false }));
    const billId = bill(c, {}, gas.prefix);
    const refused = await refusal(
      p2gOf(c.node, bank).inquireBill({
        params: { billId },
        query: { fields: 'inquiry', requestId: 'agg-closed' },
        headers: {},
      }),
    );
    expect([refused.status, refused.problem?.detail]).toEqual([
      400,
      'The aggregator of this biller is not active',
    ]);
    const letIn = approve(waiting.proposalId, officer(c.node, 'checker-1'));
    expect((await refusal(letIn)).status).toBe(409);
    await approved(await proposed({ active: true }));
    await inquire(c, billId);
  });

  it('[PAY-6.16.3-c] is reached where the aggregator is, which speaks for all of its own', async () => {
    await approved(await proposed());
    const [water, power] = [
      await onboard(c.node, { aggregatorId: 'utilities', name: 'Water' }),
      await onboard(c.node, { aggregatorId: 'utilities', name: 'Power' }),
    ];
    const billId = bill(c, {}, water.prefix);
    await inquire(c, billId);
    const ask = (headers: Record<string, string>) =>
      p2gOf(c.node, aggregator).rtpRequest({
        headers,
        body: {
          requestId: 'agg-1',
          rtpId: 1,
          billID: billId,
          requestType: '00',
          payerFiDetails: { payerFIBIC: 'BANKUS33' },
          billDetails: { amount: 125.5 },
        },
      });
    // It must say for which of its billers.
    expect((await refusal(ask({}))).status).toBe(400);
    expect((await refusal(ask({ 'x-billerid': power.billerId }))).status).toBe(400);
    expect((await refusal(ask({ 'x-billerid': c.billerId }))).status).toBe(403);
    await ask({ 'x-billerid': water.billerId });
    await pay(c, billId, 'AGG-1');
    await told(c.biller, '/transferRequests/1', (one) => one.requestStatus === 'COM');
    const { lines } = (
      await admin(aggregator).reportBillPayments({ query: { ...day(), aggregatorId: 'utilities' } })
    ).body;
    expect(lines.map((line) => [line.billerId, line.aggregatorId])).toEqual([[water.billerId, 'utilities']]);
  });
});

describe('reports', () => {
  it('[PAY-6.16.3-d] count and sum each party’s own transactions, by state and currency', async () => {
    const own = await onboard(c.node);
    const [one, two, three] = [bill(c, {}, own.prefix), bill(c, {}, own.prefix), bill(c, {}, own.prefix)];
    await pay(c, one, 'REP-1');
    await pay(c, two, 'REP-2', wallet);
    await pay(c, two, 'REP-3');
    await inquire(c, three);
    await expect.poll(async () => (await statusOf(c, 'REP-1')).status).toBe('ACK');
    await expect.poll(async () => (await statusOf(c, 'REP-2', wallet)).status).toBe('ACK');
    const query = { ...day(), billerId: own.billerId };
    const totals = async (as: string, more: object = {}) =>
      (await admin(as).reportBillPayments({ query: { ...query, ...more } })).body.totals;
    const acknowledged = { state: 'acknowledged', currency: 'USD' };
    const rejected = { state: 'rejected', currency: 'USD', count: 1, amount: '125.50' };
    expect(await totals(biller)).toEqual([{ ...acknowledged, count: 2, amount: '251.00' }, rejected]);
    expect(await totals(bank)).toEqual([{ ...acknowledged, count: 1, amount: '125.50' }, rejected]);
    expect(await totals(wallet)).toEqual([{ ...acknowledged, count: 1, amount: '125.50' }]);
    expect(await totals(biller, { state: 'rejected' })).toEqual([rejected]);
    expect(await totals(biller, { payerId: 'WALLET' })).toEqual([
      { ...acknowledged, count: 1, amount: '125.50' },
    ]);
    expect(await totals(biller, { currency: 'EUR' })).toEqual([]);
    expect(await totals(biller, { from: '2020-01-01T00:00:00Z', to: '2020-02-01T00:00:00Z' })).toEqual([]);
    const list = async (as: string, more: object = {}) =>
      (await admin(as).listBillPayments({ query: { ...query, ...more } })).body.items;
    const all = (await list(biller)).map((item) => item.paymentReference);
    expect(all).toEqual(['REP-3', 'REP-2', 'REP-1']);
    expect((await list(wallet)).map((item) => item.paymentReference)).toEqual(['REP-2']);
    const [first] = await list(biller, { limit: 1 });
    expect((await list(biller, { before: first?.paymentId })).map((item) => item.paymentReference)).toEqual([
      'REP-2',
      'REP-1',
    ]);
    const { lines } = (await admin(biller).reportBillActivity({ query })).body;
    expect(lines).toEqual([
      { activity: 'inquiry', billerId: own.billerId, payerId: 'BANK', result: 'unpaid', count: 3 },
      { activity: 'inquiry', billerId: own.billerId, payerId: 'WALLET', result: 'unpaid', count: 1 },
    ]);
  });

  it('are for officers of the agency and the treasury, of their own', async () => {
    const ask = async (person: Promise<string>) =>
      admin('TEST/GOV/PORTAL/portal').reportBillPayments({ query: day(), personToken: await person });
    const of = async (person: Promise<string>) => (await ask(person)).body.lines.length;
    expect(await of(officer(c.node, 'r1', revenue, 'biller-manager'))).toBeGreaterThan(0);
    expect(await of(officer(c.node, 'r2', treasury, 'auditor'))).toBeGreaterThan(0);
    expect(await of(officer(c.node, 'r3', 'TEST/GOV/OTHER', 'auditor'))).toBe(0);
    expect((await refusal(ask(c.node.token({ id: 'citizen' })))).status).toBe(403);
    const forever = { from: '2020-01-01T00:00:00Z', to: '2030-01-01T00:00:00Z' };
    expect((await refusal(admin(biller).reportBillPayments({ query: forever }))).status).toBe(400);
  });
});
