import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { officers } from './fixtures/officers.ts';
import {
  apiOf,
  application,
  approve,
  brokenBooks,
  handOver,
  over,
  oversightOf,
  payees,
  reaches,
  startTreasury,
  type Treasury,
} from './fixtures/treasury.ts';
import { active, type Issued, redeem, setUpVouchers, stateOf, voucherAdminOf } from './fixtures/vouchers.ts';

const north = { code: 'NORTHUS1', member: 'TEST/COM/NORTH' };
const south = { code: 'SOUTHUS1', member: 'TEST/COM/SOUTH' };
const portal = 'TEST/GOV/DGA/portal';

let t: Treasury;
let people: ReturnType<typeof officers>;
/** A run of three customers of the north, two of the south, and one of a bank that answers itself. */
let batchId: string;
beforeAll(async () => {
  t = await startTreasury();
  people = officers(t.node);
  await t.admin.putRail({
    params: { railId: 'files' },
    body: {
      adapter: 'by-hand',
      service: `${application}/payments-oversight-v1`,
      name: 'Institutions that fetch files',
      modalities: ['00'],
      institutions: [north.code, south.code],
      currencies: ['USD'],
    },
  });
  for (const { code, member } of [north, south])
    await oversightOf(t.node).putInstitution({ params: { code }, body: { name: code, member } });
  await apiOf(t.node).registerBeneficiary({
    headers: {},
    body: {
      requestID: 'customers',
      beneficiaries: ['n-1', 'n-2', 'n-3', 's-1', 's-2'].map((payeeIdentity, index) => ({
        payeeIdentity,
        paymentModality: '00',
        bankingInstitutionCode: payeeIdentity.startsWith('n') ? north.code : south.code,
        financialAddress: `55550000000${index}`,
      })),
    },
  });
  const [other = ''] = await payees(t.node, 1);
  batchId = await handOver(t.node, ['n-1', 'n-2', 'n-3', 's-1', 's-2', other], { amount: '20.00' });
});
afterAll(() => t.stop());

const as = (application = portal) => oversightOf(t.node, application);
const officerOf = (member: string) => people.fspOfficer(member);
const listOf = async ({ code, member }: typeof north, query: object = {}) =>
  (await as().listCustomerPayments({ params: { code }, query, personToken: await officerOf(member) })).body
    .items;
const subBatchesOf = async ({ code, member }: typeof north) =>
  (await as().listCustomerSubBatches({ params: { code }, query: {}, personToken: await officerOf(member) }))
    .body.items;

describe('an institution', () => {
  it('[PAY-6.6-g] is registered by the treasury alone; nobody unregistered or switched off gets anything', async () => {
    const put = (application: string) =>
      oversightOf(t.node, application).putInstitution({
        params: { code: 'MINE' },
        body: { name: 'Mine', member: 'TEST/COM/MINE' },
      });
    await expect(put('TEST/COM/MINE/app')).rejects.toMatchObject({ status: 403 });
    const look = (application: string) =>
      oversightOf(t.node, application).listCustomerPayments({ params: { code: 'MINE' }, query: {} });
    await expect(look('TEST/COM/MINE/app')).rejects.toMatchObject({ status: 404 });
    await put(application);
    expect((await look('TEST/COM/MINE/app')).body.items).toEqual([]);
    await oversightOf(t.node).putInstitution({
      params: { code: 'MINE' },
      body: { name: 'Mine', member: 'TEST/COM/MINE', active: false },
    });
    await expect(look('TEST/COM/MINE/app')).rejects.toMatchObject({ status: 404 });
    expect((await as(application).listInstitutions({})).body.items.map((one) => one.code)).toEqual([
      'MINE',
      north.code,
      south.code,
    ]);
  });

  it('[PAY-6.6-h] is shown to its own officers, others not', async () => {
    const { items } = (await as().listInstitutions({ personToken: await officerOf(north.member) })).body;
    expect(items).toEqual([{ code: north.code, name: north.code, member: north.member, active: true }]);
    for (const personToken of [await people.citizen('nobody'), await people.auditor()])
      await expect(as().listInstitutions({ personToken })).rejects.toMatchObject({ status: 403 });
  });

  it('[PAY-6.6-h] sees nothing of a run before it is approved, and then its own customers only', async () => {
    await reaches(t.node, batchId, 'awaiting-approval');
    expect(await listOf(north)).toEqual([]);
    await approve(t.node, batchId);
    await expect.poll(async () => (await listOf(north, { state: 'submitted' })).length).toBe(3);
    expect(await listOf(south)).toHaveLength(2);
    for (const row of await listOf(north))
      expect(row).toMatchObject({ rail: 'files', byHand: true, amount: '20.00' });
    const [mine] = await subBatchesOf(north);
    expect(mine).toMatchObject({
      railName: 'Institutions that fetch files',
      count: 3,
      open: 3,
      amount: '60.00',
    });
    expect(await subBatchesOf(south)).toMatchObject([
      { subBatchId: mine?.subBatchId, count: 2, amount: '40.00' },
    ]);
  });

  it('[PAY-6.6-h] lets in its officers and applications, and no others', async () => {
    const params = { code: north.code };
    for (const personToken of [
      await people.fspOfficer(south.member),
      await people.citizen('nobody'),
      await t.node.token({ id: 'clerk', roles: ['clerk'], agency: north.member }),
      await people.auditor(),
    ]) {
      const look = as().listCustomerPayments({ params, query: {}, personToken });
      await expect(look).rejects.toMatchObject({ status: 404 });
    }
    expect(
      (await as(`${north.member}/core`).listCustomerPayments({ params, query: {} })).body.items,
    ).toHaveLength(3);
    const other = as(`${south.member}/core`).listCustomerPayments({ params, query: {} });
    await expect(other).rejects.toMatchObject({ status: 404 });
  });

  it('[PAY-6.16.1-b] fetches what it has to credit as a file, with accounts of its own customers only; that is on record', async () => {
    const [{ subBatchId = '' } = {}] = await subBatchesOf(north);
    const params = { code: north.code, subBatchId };
    const personToken = await officerOf(north.member);
    const { body } = await as().getCustomerFile({ params, personToken });
    const [information] = body.CstmrCdtTrfInitn.PmtInf;
    const accounts = information?.CdtTrfTxInf.map((one) => one.CdtrAcct.Id.Othr.Id);
    expect(accounts?.sort()).toEqual(['555500000000', '555500000001', '555500000002']);
    expect(body.CstmrCdtTrfInitn.GrpHdr.NbOfTxs).toBe('3');
    const table = (await as().getCustomerTable({ params, personToken })).body as unknown as string;
    const rows = parse(table, { columns: true }) as Record<string, string>[];
    expect(rows.map((row) => row.account).sort()).toEqual(accounts);
    expect(rows[0]).toMatchObject({
      institution: north.code,
      amount: '20.00',
      currency: 'USD',
      state: 'submitted',
    });
    const { items } = (
      await oversightOf(t.node).listAuditEntries({ query: { component: 'institutions', action: 'fetch' } })
    ).body;
    expect(items).toMatchObject([
      { detail: { institution: north.code, form: 'table', payments: 3 } },
      { detail: { form: 'initiation' } },
    ]);
    expect(JSON.stringify(items)).not.toContain('5555');
  });

  it('[PAY-6.6-h][PAY-6.16.1-b] reports results of its own payments; anything else in the upload refuses it whole', async () => {
    const [mine, ...more] = await listOf(north);
    const [foreign] = await listOf(south);
    const report = async (
      uploadId: string,
      references: (string | undefined)[],
      status: 'completed' | 'failed',
    ) =>
      as().reportCustomerResults({
        params: { code: north.code },
        body: { uploadId, results: references.map((one) => ({ reference: one as string, status })) },
        personToken: await officerOf(north.member),
      });
    await expect(
      report('u-1', [mine?.instructionId, foreign?.instructionId], 'completed'),
    ).rejects.toMatchObject({
      status: 400,
      problem: { errors: [{ pointer: '/results/1/reference' }] },
    });
    expect((await listOf(north)).every((row) => row.state === 'submitted')).toBe(true);
    const results = [mine?.instructionId, more[0]?.instructionId];
    const answers = await Promise.all([1, 2, 3].map(() => report('u-2', results, 'completed')));
    expect(answers.filter((one) => !one.body.repeated)).toHaveLength(1);
    await expect(report('u-2', results.slice(1), 'completed')).rejects.toMatchObject({ status: 409 });
    await report('u-3', [more[1]?.instructionId], 'failed');
    expect((await listOf(north)).map((row) => row.state).sort()).toEqual([
      'completed',
      'completed',
      'failed',
    ]);
    expect((await listOf(south)).map((row) => row.state)).toEqual(['submitted', 'submitted']);
    // What is over is not in the file any more, so nobody credits it again.
    const [sub] = await subBatchesOf(north);
    expect(sub).toMatchObject({ count: 3, open: 0 });
    const left = { params: { code: north.code, subBatchId: sub?.subBatchId ?? '' } };
    const personToken = await officerOf(north.member);
    await expect(as().getCustomerFile({ ...left, personToken })).rejects.toMatchObject({ status: 404 });
    await expect(as().getCustomerTable({ ...left, personToken })).rejects.toMatchObject({ status: 404 });
    // A final result is not overwritten; saying otherwise is a case.
    await report('u-4', [more[1]?.instructionId], 'completed');
    expect((await listOf(north, { state: 'failed' })).map((row) => row.instructionId)).toEqual([
      more[1]?.instructionId,
    ]);
    const { items } = (await t.admin.listCases({ query: { batchId } })).body;
    expect(items.map((one) => one.kind)).toEqual(['contradiction']);
  });

  it('[PAY-6.6-h] cannot report on what a rail itself answers for', async () => {
    await oversightOf(t.node).putInstitution({
      params: { code: 'TESTUS33' },
      body: { name: 'Test bank', member: 'TEST/COM/BANK' },
    });
    const own = as('TEST/COM/BANK/core');
    const params = { code: 'TESTUS33' };
    const [row] = (await own.listCustomerPayments({ params, query: {} })).body.items;
    expect(row).toMatchObject({ rail: 'bank', state: 'completed' });
    const file = own.getCustomerFile({ params: { ...params, subBatchId: row?.subBatchId ?? '' } });
    await expect(file).rejects.toMatchObject({ status: 404 });
    expect((await own.listCustomerSubBatches({ params, query: {} })).body.items).toEqual([]);
    const body = {
      uploadId: 'u-1',
      results: [{ reference: row?.instructionId as string, status: 'failed' as const }],
    };
    await expect(own.reportCustomerResults({ params, body })).rejects.toMatchObject({ status: 400 });
  });

  it('[PAY-6.16.1-b][PAY-6.5-c] ends the run when all have reported; each payment was booked once', async () => {
    const results = (await listOf(south)).map((row) => ({
      reference: row.instructionId,
      status: 'completed' as const,
      institutionReference: `S-${row.instructionId.slice(-6)}`,
    }));
    await as().reportCustomerResults({
      params: { code: south.code },
      body: { uploadId: 'all', results },
      personToken: await officerOf(south.member),
    });
    const run = await reaches(t.node, batchId, ...over);
    expect(run.totals.map((one) => [one.state, one.count])).toEqual([
      ['completed', 5],
      ['failed', 1],
    ]);
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});

describe('a voucher of a merchant whose institution processes payments by hand', () => {
  const shopAt = (merchantId: string, bankingInstitutionCode: string) =>
    voucherAdminOf(t.node).putMerchant({
      params: { merchantId },
      body: {
        name: merchantId,
        application: 'TEST/COM/SHOPS/tills',
        paymentModality: '00',
        bankingInstitutionCode,
        financialAddress: '777700000001',
      },
    });
  beforeAll(async () => {
    await setUpVouchers(t.node);
    await shopAt('shop-n', north.code);
  });

  it('[PAY-6.6-h][PAY-6.16.1-b] is seen and reported by that institution and no other, and ends as reported', async () => {
    const vouchers = await active(t.node, 2, { amount: '13.00' });
    for (const voucher of vouchers)
      expect(await redeem(t.node, voucher, { agentID: 'shop-n' })).toMatchObject({ http: 202 });
    const out = await listOf(north, { state: 'submitted' });
    expect(out.map((one) => one.narration).sort()).toEqual(
      vouchers.map((one) => `Voucher ${one.serial}`).sort(),
    );
    expect(await listOf(south, { state: 'submitted' })).toEqual([]);
    const references = vouchers.map(
      ({ serial }) => out.find((one) => one.narration?.endsWith(serial))?.instructionId as string,
    );
    expect(await subBatchesOf(north)).toEqual(
      expect.arrayContaining(
        references.map((subBatchId) => expect.objectContaining({ subBatchId, open: 1, amount: '13.00' })),
      ),
    );
    const params = { code: north.code, subBatchId: references[0] as string };
    const personToken = await officerOf(north.member);
    const { body } = await as().getCustomerFile({ params, personToken });
    expect(body.CstmrCdtTrfInitn.PmtInf[0]?.CdtTrfTxInf).toMatchObject([
      { PmtId: { EndToEndId: references[0] }, CdtrAcct: { Id: { Othr: { Id: '777700000001' } } } },
    ]);
    const report = async ({ code, member }: typeof north) =>
      as().reportCustomerResults({
        params: { code },
        body: {
          uploadId: 'vouchers',
          results: references.map((reference, index) => ({
            reference,
            status: index === 0 ? 'completed' : 'failed',
          })),
        },
        personToken: await officerOf(member),
      });
    await expect(report(south)).rejects.toMatchObject({ status: 400 });
    await report(north);
    expect(await Promise.all(vouchers.map((one) => stateOf(t.node, one.serial)))).toEqual([
      'redeemed',
      'activated',
    ]);
    expect(await listOf(north, { state: 'submitted' })).toEqual([]);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('is not redeemed where nobody could report the payment', async () => {
    await t.admin.putRail({
      params: { railId: 'nobody' },
      body: {
        adapter: 'by-hand',
        service: `${application}/payments-oversight-v1`,
        name: 'Nobody',
        modalities: ['00'],
        institutions: ['NOBODY11'],
        currencies: ['USD'],
      },
    });
    await shopAt('shop-o', 'NOBODY11');
    const [voucher] = await active(t.node);
    expect(await redeem(t.node, voucher as Issued, { agentID: 'shop-o' })).toMatchObject({
      status: 0,
      message: 'Institution unknown',
    });
    expect(await stateOf(t.node, (voucher as Issued).serial)).toBe('activated');
  });
});
