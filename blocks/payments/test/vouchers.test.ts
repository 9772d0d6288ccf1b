import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { compactDecrypt, compactVerify, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { voucherStates } from '../src/vouchers/states.ts';
import {
  available,
  brokenBooks,
  ministry,
  oversightOf,
  programme,
  refusal,
  source,
  startTreasury,
  type Treasury,
  treasury,
} from './fixtures/treasury.ts';
import {
  activate,
  active,
  cancel,
  type Issued,
  liability,
  look,
  merchantApplication,
  nextId,
  order,
  redeem,
  setUpVouchers,
  stateOf,
  voucherAdminOf,
  voucherOfficer,
  vouchersOf,
} from './fixtures/vouchers.ts';

let t: Treasury;
beforeAll(async () => {
  t = await startTreasury();
  await setUpVouchers(t.node);
  await limit({});
});
afterAll(async () => {
  expect(await brokenBooks(t.node)).toEqual([]);
  await t.stop();
});

/** Settings of the programme with or without a ceiling for a single payment. */
const limit = (ceiling: { maximumInstructionAmount?: string }) =>
  t.admin.putProgramme({
    params: programme,
    body: {
      name: 'Cash transfer',
      agency: ministry,
      currency: 'USD',
      fundingAccount: 'US00TREASURY01',
      payerRail: 'bank',
      ...ceiling,
    },
  });
const group = (groupCode: string) => ({ sourceId: programme.sourceId, groupCode });
const because = { body: { reason: 'asked for' } };
const of = (serialNumber: string) => ({ params: { serialNumber }, ...because });
const provision = (reference: string, denomination: string, count: number) =>
  voucherAdminOf(t.node).provisionVouchers({
    params: group('FOD'),
    body: { reference, denomination, count },
  });
const create = (body: object, headers: object = {}) =>
  vouchersOf(t.node).postVouchers({ query: {}, headers, body: body as Record<string, unknown> });
const instruction = (instructionID: string, more: object = {}) => ({
  instructionID,
  groupCode: 'ANY',
  currency: 'USD',
  amount: '10.00',
  ...more,
});
const bankAccount = async () => Number(await available(t.node));

describe('an order', () => {
  it('[PAY-6.2.4-a][PAY-6.1-s][PAY-6.1-z] sets the value of its vouchers aside and returns number, serial number and expiry', async () => {
    const before = await bankAccount();
    const [voucher] = await order(t.node, 1, { amount: '37.50', payee: 'P-9' });
    expect(voucher?.number).toMatch(/^[1-8][0-9]{15}$/);
    expect(voucher?.serial).toMatch(/^[0-9]{16}$/);
    expect(await bankAccount()).toBeCloseTo(before - 37.5, 2);
    const seen = await look(t.node, voucher?.serial as string);
    expect(seen).toMatchObject({ state: 'pre-activated', amount: '37.50', currency: 'USD', named: true });
    expect(Date.parse(seen.reservedUntil ?? '')).toBeGreaterThan(Date.now());
  });

  it('[PAY-5.1.9][PAY-6.1-s] beyond the budget creates no voucher, and can be repeated when there is more', async () => {
    const before = await bankAccount();
    const body = {
      requestID: nextId(),
      voucherInstructions: [
        instruction('rich-1', { amount: '99999.00' }),
        instruction('rich-2', { amount: '5000.00' }),
      ],
    };
    const refused = await refusal(create(body));
    expect(refused).toMatchObject({ status: 409, responseBody: { ResponseCode: '01' } });
    expect(await bankAccount()).toBe(before);
    expect(
      (await refusal(vouchersOf(t.node).getVoucherDetails({ params: { requestID: body.requestID } }))).status,
    ).toBe(404);
    await t.admin.releaseBudget({
      params: programme,
      body: { reference: 'b-rich', amount: '200000.00', currency: 'USD' },
    });
    expect(await create(body)).toMatchObject({ status: 200, body: { ResponseCode: '00' } });
    expect(await bankAccount()).toBeCloseTo(before + 200_000 - 104_999, 2);
  });

  it('[PAY-8.2.1] said again changes nothing; other content under its id, or an instruction again, is refused', async () => {
    const one = instruction('again-1');
    const body = { requestID: nextId(), batchID: 'batch-again', voucherInstructions: [one] };
    await create(body);
    const before = await bankAccount();
    expect((await create(body)).body).toMatchObject({ ResponseCode: '00' });
    const other = { ...body, voucherInstructions: [instruction('again-2')] };
    expect((await refusal(create(other))).status).toBe(409);
    expect((await refusal(create({ ...other, requestID: nextId() }))).status).toBe(409);
    const repeated = { requestID: nextId(), voucherInstructions: [one] };
    expect((await refusal(create(repeated))).status).toBe(409);
    expect((await refusal(create({ ...repeated, voucherInstructions: [one, one] }))).status).toBe(400);
    expect(await bankAccount()).toBe(before);
  });

  it.each([
    ['amount', { amount: '10.001' }],
    ['amount', { amount: 0 }],
    ['amount', { amount: '1e3' }],
    ['currency', { currency: 'XXX' }],
    ['currency', { currency: 'EUR' }],
    ['groupCode', { groupCode: 'NO' }],
    ['amount', { groupCode: 'FOD', amount: '11.00' }],
    ['amount', { amount: '500.01' }],
  ])('with a bad %s is refused, naming it, and creates nothing: %j', async (field, bad) => {
    await limit(
      (bad as { amount?: string }).amount === '500.01' ? { maximumInstructionAmount: '500.00' } : {},
    );
    const before = await bankAccount();
    const body = {
      requestID: nextId(),
      voucherInstructions: [instruction(nextId()), instruction(nextId(), bad)],
    };
    const refused = await refusal(create(body));
    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.responseBody)).toContain(`/voucherInstructions/1/${field}`);
    expect(await bankAccount()).toBe(before);
    await limit({});
  });

  it('[PAY-6.2.1-c] may name any amount in a group that allows it; elsewhere only its denominations', async () => {
    const body = (groupCode: string) => ({
      requestID: nextId(),
      voucherInstructions: [instruction(nextId(), { groupCode, amount: '12.34' })],
    });
    expect((await create(body('ANY'))).status).toBe(200);
    expect((await refusal(create(body('FOD')))).status).toBe(400);
    const settings = {
      programmeId: programme.programmeId,
      name: 'x',
      validitySeconds: 60,
      variableAmounts: true,
    };
    const put = voucherAdminOf(t.node).putVoucherGroup({ params: group('BAD'), body: settings });
    expect((await refusal(put)).status).toBe(400);
  });

  it('[PAY-6.2.1-a] in another currency goes on with the serial numbers, and keeps the books apart', async () => {
    const params = { sourceId: programme.sourceId, programmeId: 'euro' };
    await t.admin.putProgramme({
      params,
      body: { name: 'Euro', currency: 'EUR', fundingAccount: 'EU00TREASURY01' },
    });
    await t.admin.releaseBudget({ params, body: { reference: 'e', amount: '100.00', currency: 'EUR' } });
    await voucherAdminOf(t.node).putVoucherGroup({
      params: group('EUR'),
      body: { programmeId: 'euro', name: 'Euro', validitySeconds: 60, onDemand: true, variableAmounts: true },
    });
    const [before] = (await order(t.node)) as [Issued];
    const dollars = await bankAccount();
    const requestID = nextId();
    await create({
      requestID,
      voucherInstructions: [instruction(requestID, { groupCode: 'EUR', currency: 'EUR' })],
    });
    const [euro] = (await vouchersOf(t.node).getVoucherDetails({ params: { requestID } })).body
      .voucherInstructions;
    expect(Number(euro?.serialNumber.slice(0, -1))).toBe(Number(before.serial.slice(0, -1)) + 1);
    expect(await look(t.node, euro?.serialNumber ?? '')).toMatchObject({ amount: '10.00', currency: 'EUR' });
    expect(await bankAccount()).toBe(dollars);
    expect((await t.admin.getProgramme({ params })).body.available).toBe('90.00');
  });

  it('[PAY-5.3.2-a] of many vouchers is one request; numbers and serials are unique', async () => {
    const issued = await order(t.node, 300, { amount: '1.00' });
    expect(new Set(issued.map((one) => one.number)).size).toBe(300);
    const serials = issued.map((one) => Number(one.serial.slice(0, -1)));
    expect(new Set(serials).size).toBe(300);
    expect(Math.max(...serials) - Math.min(...serials)).toBe(299);
  });
});

describe('stock', () => {
  it('[PAY-6.1-r][PAY-6.1-w][PAY-9.2.1] is provisioned in batches, costs nothing, is used up, and asks for more', async () => {
    const before = await bankAccount();
    expect((await provision('s-1', '10.00', 3)).body).toEqual({ provisioned: true, stock: 3 });
    expect((await provision('s-1', '10.00', 3)).body).toEqual({ provisioned: false, stock: 3 });
    expect((await refusal(provision('s-1', '10.00', 4))).status).toBe(409);
    expect((await refusal(provision('s-2', '11.00', 4))).status).toBe(400);
    expect(await bankAccount()).toBe(before);
    const line = async () =>
      (await voucherAdminOf(t.node).voucherReport({ query: {} })).body.lines.find(
        (one) => one.groupCode === 'FOD' && one.denomination === '10.00',
      );
    expect(await line()).toMatchObject({ stock: 3, low: false });
    const [taken] = await order(t.node, 2, { groupCode: 'FOD' });
    expect(await line()).toMatchObject({
      stock: 1,
      low: true,
      states: [
        { state: 'pre-activated', count: 2, value: '20.00' },
        { state: 'provisioned', count: 1, value: '10.00' },
      ],
    });
    expect((await look(t.node, taken?.serial as string)).history.map((one) => one.to)).toEqual([
      'provisioned',
      'pre-activated',
    ]);
    const alarms = () => t.node.published.filter((one) => one.type === 'payments.voucher-stock-low.v1');
    await expect.poll(alarms).toHaveLength(1);
    expect(alarms()[0]?.data).toMatchObject({
      groupCode: 'FOD',
      denomination: '10.00',
      stock: 1,
      threshold: 2,
    });
    await order(t.node, 1, { groupCode: 'FOD' });
    const exhausted = await refusal(order(t.node, 1, { groupCode: 'FOD' }));
    expect(exhausted).toMatchObject({ status: 409 });
    const cases = (await t.admin.listCases({ query: {} })).body.items;
    expect(cases.filter((one) => one.kind === 'voucher-stock-low')).toHaveLength(1);
    await provision('s-3', '10.00', 3);
    await order(t.node, 2, { groupCode: 'FOD' });
    await expect.poll(alarms).toHaveLength(2);
  });

  it('never goes to two orders at once', async () => {
    await provision('s-race', '25.00', 10);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 16 }, () => order(t.node, 1, { groupCode: 'FOD', amount: '25.00' })),
    );
    const serials = outcomes
      .flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
      .map((one) => one.serial);
    expect(serials).toHaveLength(10);
    expect(new Set(serials).size).toBe(10);
  });
});

describe('a voucher', () => {
  it('[PAY-6.1-t][PAY-6.2.2-a][PAY-6.2.4-b][PAY-8.2.2] cannot be used until it is activated; failures are told', async () => {
    const issued = await order(t.node, 2);
    const [first, second] = issued as [(typeof issued)[number], (typeof issued)[number]];
    expect(await redeem(t.node, first)).toMatchObject({ status: 0, message: 'Not activated' });
    expect(await activate(t.node, [first])).toEqual([]);
    const failed = await activate(t.node, [first, second, { serial: '1', number: '' }]);
    expect(failed).toEqual([
      { serialNumber: first.serial, failureReason: 'Already activated' },
      { serialNumber: '1', failureReason: 'Not existing' },
    ]);
    expect(await stateOf(t.node, second.serial)).toBe('activated');
    expect(await redeem(t.node, first)).toMatchObject({ status: 1 });
  });

  it('[PAY-6.2.1-b][PAY-6.1-u] is valid from activation for as long as its group says', async () => {
    const [one] = await active(t.node);
    const { activatedAt = '', expiresAt = '' } = await look(t.node, one?.serial as string);
    expect(Date.parse(expiresAt) - Date.parse(activatedAt)).toBe(86_400_000);
  });

  it('[PAY-6.2.1-b] that is not used in time expires, and so does one nobody activates; the value goes back', async () => {
    const other = await startTreasury({ voucherReservationSeconds: 1 });
    try {
      await setUpVouchers(other.node, 1);
      const issued = await order(other.node, 2);
      const [used, left] = issued as [(typeof issued)[number], (typeof issued)[number]];
      await activate(other.node, [used]);
      expect(await liability(other.node)).toMatchObject({ outstanding: '20.00' });
      await expect.poll(() => stateOf(other.node, used.serial)).toBe('expired');
      await expect.poll(() => stateOf(other.node, left.serial)).toBe('expired');
      expect(await redeem(other.node, used)).toMatchObject({ status: 0, message: 'Expired' });
      expect(await liability(other.node)).toMatchObject({ outstanding: '0.00' });
      expect(Number(await available(other.node))).toBe(100_000);
      expect(await brokenBooks(other.node)).toEqual([]);
    } finally {
      await other.stop();
    }
  });

  it('[PAY-8.2.5][PAY-9.2.4] is cancelled for good, also when blocked; otherwise its state is reported', async () => {
    const admin = voucherAdminOf(t.node);
    const issued = await active(t.node, 5);
    const [plain, blocked, suspended, used, untouched] = issued as [
      (typeof issued)[number],
      (typeof issued)[number],
      (typeof issued)[number],
      (typeof issued)[number],
      (typeof issued)[number],
    ];
    await admin.blockVoucher(of(blocked.serial));
    await admin.suspendVoucher(of(suspended.serial));
    expect(await redeem(t.node, used)).toMatchObject({ status: 1 });
    const before = await bankAccount();
    expect(await cancel(t.node, [plain, blocked, suspended, used, { serial: '1', number: '' }])).toEqual([
      { serialNumber: suspended.serial, failureReason: 'Suspended' },
      { serialNumber: used.serial, failureReason: 'Already used' },
      { serialNumber: '1', failureReason: 'Not existing' },
    ]);
    expect(await cancel(t.node, [plain])).toEqual([
      { serialNumber: plain.serial, failureReason: 'Already cancelled' },
    ]);
    expect(await bankAccount()).toBeCloseTo(before + 20, 2);
    expect(await redeem(t.node, blocked)).toMatchObject({ status: 0, message: 'Cancelled' });
    expect((await refusal(admin.unblockVoucher(of(blocked.serial)))).status).toBe(409);
    expect(await stateOf(t.node, untouched.serial)).toBe('activated');
  });

  it('[PAY-5.3.2-e] is suspended and comes back by its serial number: by an administrator, and by its source', async () => {
    const [one] = (await active(t.node)) as [Awaited<ReturnType<typeof active>>[number]];
    const admin = voucherAdminOf(t.node);
    await admin.suspendVoucher(of(one.serial));
    expect(await redeem(t.node, one)).toMatchObject({ status: 0, message: 'Suspended' });
    await admin.unsuspendVoucher(of(one.serial));
    const own = (command: 'suspend' | 'reactivate') =>
      vouchersOf(t.node).putVouchers({
        query: { command },
        headers: {},
        body: { requestID: nextId(), voucherInstructions: [{ serialNumber: Number(one.serial) }] },
      });
    expect((await own('suspend')).body).toMatchObject({ numberFailedCases: 0 });
    expect((await own('suspend')).body).toMatchObject({ numberFailedCases: 1 });
    expect((await own('reactivate')).body).toMatchObject({ numberFailedCases: 0 });
    expect(await redeem(t.node, one)).toMatchObject({ status: 1 });
    expect((await look(t.node, one.serial)).history.map((event) => event.to)).toEqual([
      'provisioned',
      'pre-activated',
      'activated',
      'suspended',
      'activated',
      'suspended',
      'activated',
      'redeeming',
      'redeemed',
    ]);
  });

  it('[PAY-8.2.4][PAY-6.2.4-c] shows its status and validity by serial number, or by number and group', async () => {
    const api = vouchersOf(t.node);
    const [one] = (await active(t.node)) as [Awaited<ReturnType<typeof active>>[number]];
    const status = async () =>
      (await api.getVoucherStatus({ params: { serialNumber: one.serial }, query: { fields: 'status' } }))
        .body;
    const valid = async (groupCode = 'ANY') =>
      (await api.checkVoucherValidity({ body: { voucherNumber: one.number, groupCode } })).body.isValid;
    expect(await status()).toEqual({ status: 2, serialNumber: one.serial, value: 10 });
    expect((await api.getVoucher({ params: { serialNumber: one.serial }, query: {} })).body).toEqual(
      await status(),
    );
    expect((await api.getVoucherValidity({ query: { serialNumber: one.serial } })).body).toMatchObject({
      isValid: true,
    });
    expect([await valid(), await valid('FOD')]).toEqual([true, false]);
    await redeem(t.node, one);
    expect(await status()).toMatchObject({ status: 5 });
    expect((await api.getValidity({ query: { serialNumber: one.serial } })).body).toMatchObject({
      isValid: false,
    });
    expect(await valid()).toBe(false);
    const nobody = await api.getVoucherStatus({ params: { serialNumber: '404' }, query: {} });
    expect(nobody).toMatchObject({ status: 400, body: { status: 9, value: 0 } });
  });

  it('[PAY-6.1-ag][PAY-6.2.2-b] is known as genuine without a connection, and a forged one is not', async () => {
    const [one] = (await active(t.node, 1, { amount: '42.00' })) as [
      Awaited<ReturnType<typeof active>>[number],
    ];
    const api = vouchersOf(t.node);
    const { signedSerial, svg } = (await api.getVoucherCode({ params: { serialNumber: one.serial } })).body;
    expect(svg).toMatch(/^<svg /);
    const { keys } = (await api.getVoucherKeys({})).body;
    expect(keys[0]).not.toHaveProperty('d');
    const key = await importJWK(keys[0] as JWK, 'ES256');
    const claims = JSON.parse(new TextDecoder().decode((await compactVerify(signedSerial, key)).payload));
    expect(claims).toMatchObject({ ser: one.serial, val: '42.00', cur: 'USD', grp: 'ANY' });
    expect(JSON.stringify(claims)).not.toContain(one.number);
    const [header, , signature] = signedSerial.split('.');
    const dearer = Buffer.from(JSON.stringify({ ...claims, val: '420.00' })).toString('base64url');
    await expect(compactVerify(`${header}.${dearer}.${signature}`, key)).rejects.toThrow();
    // Taken offline by two shops, brought in later: the first counts.
    expect(await redeem(t.node, one)).toMatchObject({ status: 1 });
    expect(await redeem(t.node, one, { agentID: 'shop-3' })).toMatchObject({
      status: 0,
      message: 'Already used',
    });
  });

  it('[PAY-9.2.1] is purged: what it says of its payee is gone, its serial and history stay', async () => {
    const [one] = (await active(t.node, 1, { payee: 'P-77' })) as [
      Awaited<ReturnType<typeof active>>[number],
    ];
    const admin = voucherAdminOf(t.node);
    expect((await refusal(admin.purgeVoucher(of(one.serial)))).status).toBe(409);
    await redeem(t.node, one);
    expect((await admin.purgeVoucher(of(one.serial))).body).toMatchObject({ state: 'purged', named: false });
    expect(await redeem(t.node, one)).toMatchObject({ status: 0, message: 'Invalid voucher' });
    expect((await look(t.node, one.serial)).history.at(-1)).toMatchObject({ from: 'redeemed', to: 'purged' });
  });

  it('whose time of keeping is over is purged by itself', async () => {
    const other = await startTreasury({ voucherRetentionSeconds: 1 });
    try {
      await setUpVouchers(other.node);
      const issued = await active(other.node);
      await cancel(other.node, issued);
      await expect.poll(() => stateOf(other.node, issued[0]?.serial as string)).toBe('purged');
      expect(await brokenBooks(other.node)).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});

describe('voucher groups', () => {
  it('come in pages, and the report with them: each group once, counted apart', async () => {
    const admin = voucherAdminOf(t.node);
    await order(t.node, 1, { amount: '3.00' });
    const whole = (await admin.voucherReport({ query: {} })).body;
    const codes = [...new Set(whole.lines.map((one) => one.groupCode))];
    expect(codes).toEqual(expect.arrayContaining(['ANY', 'FOD']));
    let after: string | undefined;
    const seen: string[] = [];
    const lines: typeof whole.lines = [];
    do {
      const query = { limit: 1, ...(after === undefined ? {} : { after }) };
      const groups = (await admin.listVoucherGroups({ query })).body;
      const report = (await admin.voucherReport({ query })).body;
      expect(groups.items).toHaveLength(1);
      expect(report.liability).toHaveLength(1);
      expect(report.next).toBe(groups.next);
      seen.push(...groups.items.map((one) => one.groupCode));
      lines.push(...report.lines);
      after = groups.next;
    } while (after !== undefined);
    expect(seen).toEqual(
      (await admin.listVoucherGroups({ query: {} })).body.items.map((one) => one.groupCode),
    );
    expect(lines).toEqual(whole.lines);
    const { items } = (
      await admin.listVoucherGroups({ query: { sourceId: programme.sourceId, groupCode: 'FOD' } })
    ).body;
    expect(items.map((one) => one.groupCode)).toEqual(['FOD']);
  });

  it('[PAY-9.2.1] of another agency are shown neither in the list nor in the report', async () => {
    const admin = voucherAdminOf(t.node, merchantApplication);
    const of = async (agency: string) => {
      const personToken = await voucherOfficer(t.node, ['auditor'], agency);
      const groups = await admin.listVoucherGroups({ query: {}, personToken });
      const report = await admin.voucherReport({ query: {}, personToken });
      return [groups.body.items.length > 0, report.body.lines.length > 0, report.body.liability.length > 0];
    };
    expect(await of(ministry)).toEqual([true, true, true]);
    expect(await of('TEST/GOV/OTHER')).toEqual([false, false, false]);
  });
});

describe('who may', () => {
  it('[PAY-9.2.1] administer vouchers: officers with that office, not those who look on', async () => {
    const admin = voucherAdminOf(t.node, merchantApplication);
    const [one] = (await active(t.node)) as [Awaited<ReturnType<typeof active>>[number]];
    const suspend = async (roles: string[], agency?: string) =>
      admin.suspendVoucher({
        ...of(one.serial),
        personToken: await voucherOfficer(t.node, roles, agency),
      });
    expect((await refusal(suspend(['citizen']))).status).toBe(404);
    expect((await refusal(suspend(['voucher-administrator'], 'TEST/GOV/OTHER'))).status).toBe(404);
    expect((await refusal(suspend(['auditor']))).status).toBe(403);
    expect((await suspend(['voucher-administrator'])).body.state).toBe('suspended');
    const personToken = await voucherOfficer(t.node, ['auditor']);
    expect((await admin.voucherReport({ query: {}, personToken })).status).toBe(200);
    expect(
      (
        await refusal(
          admin.putMerchant({
            params: { merchantId: 'mine' },
            body: { name: 'x', application: source, paymentModality: '00', financialAddress: '12345678' },
            personToken,
          }),
        )
      ).status,
    ).toBe(403);
  });
});

describe('the table of moves', () => {
  /** Moves as the specification has them; everything else is refused. */
  const allowed = new Set([
    'provisioned>pre-activated',
    'provisioned>cancelled',
    'pre-activated>activated',
    'pre-activated>cancelled',
    'pre-activated>expired',
    'activated>suspended',
    'activated>blocked',
    'activated>redeeming',
    'activated>cancelled',
    'activated>expired',
    'suspended>activated',
    'suspended>cancelled',
    'suspended>expired',
    'blocked>activated',
    'blocked>cancelled',
    'blocked>expired',
    'redeeming>redeemed',
    'redeeming>activated',
    'redeemed>purged',
    'cancelled>purged',
    'expired>purged',
  ]);
  const undone = new Error('undone');

  it('[PAY-6.1-r] is kept by the database, whoever moves a voucher, and every move is in the history', async () => {
    const db = t.node.database('payments');
    const [one] = (await order(t.node)) as [Awaited<ReturnType<typeof order>>[number]];
    /** Tries one move of a voucher that is in a state, and takes all back. */
    const attempt = async (from: string, to: string): Promise<string> => {
      let outcome = 'moved';
      await db
        .transaction()
        .execute(async (trx) => {
          // The way into the state is not what is tried here.
          await sql.raw('alter table voucher disable trigger voucher_moved').execute(trx);
          await sql`update voucher set state = ${from} where serial = ${one.serial}`.execute(trx);
          await sql.raw('alter table voucher enable trigger voucher_moved').execute(trx);
          await sql`update voucher set state = ${to}, actor = 'test', reason = 'tried' where serial = ${one.serial}`
            .execute(trx)
            .catch((error: { code?: string }) => {
              outcome = error.code ?? 'failed';
              throw undone;
            });
          const { rows } = await sql<{ to_state: string }>`
            select to_state from voucher_event order by id desc limit 1`.execute(trx);
          if (rows[0]?.to_state !== to) outcome = 'not in the history';
          throw undone;
        })
        .catch((error: unknown) => {
          if (error !== undone) throw error;
        });
      return outcome;
    };
    for (const from of voucherStates)
      for (const to of voucherStates)
        if (from !== to)
          expect([from, to, await attempt(from, to)]).toEqual([
            from,
            to,
            allowed.has(`${from}>${to}`) ? 'moved' : '23001',
          ]);
  });

  it.each([
    ['its value', 'update voucher set amount = amount + 1'],
    ['its serial number', "update voucher set serial = serial || '0'"],
    ['its expiry', "update voucher set expires_at = now() + interval '9 years' where state = 'activated'"],
    ['a voucher', 'delete from voucher'],
    ['its history', "update voucher_event set actor = 'nobody'"],
    ['a redemption', 'delete from voucher_redemption'],
    ['the outcome of a redemption', "update voucher_redemption set state = 'sent' where state = 'succeeded'"],
    ['a key', 'delete from voucher_key'],
  ])('[PAY-5.3.2-c] %s cannot be changed or removed: %s', async (_what, statement) => {
    await expect(sql.raw(statement).execute(t.node.database('payments'))).rejects.toMatchObject({
      code: '23001',
    });
  });

  it.each([
    ['made usable again', "state = 'activated'", "state = 'redeemed'"],
    ['made dearer', 'amount = amount + 100', 'amount = amount - 100'],
  ])('[PAY-5.3.2-c] a voucher that was %s behind the books shows in them', async (_what, change, back) => {
    const [used, usable] = (await active(t.node, 2)) as [Issued, Issued];
    await redeem(t.node, used);
    const serial = change.startsWith('state') ? used.serial : usable.serial;
    const tamper = (set: string) =>
      t.node
        .database('payments')
        .transaction()
        .execute(async (trx) => {
          await sql.raw('alter table voucher disable trigger voucher_moved').execute(trx);
          await sql`update voucher set ${sql.raw(set)} where serial = ${serial}`.execute(trx);
          await sql.raw('alter table voucher enable trigger voucher_moved').execute(trx);
        });
    await tamper(change);
    expect((await brokenBooks(t.node)).join()).toMatch(/liability of each programme/);
    await tamper(back);
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('any sequence of actions leaves the books right and each voucher in one state', async () => {
    const admin = voucherAdminOf(t.node);
    const action = fc.constantFrom(
      'activate',
      'cancel',
      'suspend',
      'unsuspend',
      'block',
      'unblock',
      'redeem',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 8 }), async (actions) => {
        const [one] = (await order(t.node)) as [Awaited<ReturnType<typeof order>>[number]];
        let state = 'pre-activated';
        const next = (from: string[], to: string): void => {
          if (from.includes(state)) state = to;
        };
        for (const name of actions) {
          if (name === 'activate') {
            await activate(t.node, [one]);
            next(['pre-activated'], 'activated');
          } else if (name === 'cancel') {
            await cancel(t.node, [one]);
            next(['pre-activated', 'activated', 'blocked'], 'cancelled');
          } else if (name === 'redeem') {
            await redeem(t.node, one);
            next(['activated'], 'redeemed');
          } else {
            const call = {
              suspend: admin.suspendVoucher,
              unsuspend: admin.unsuspendVoucher,
              block: admin.blockVoucher,
              unblock: admin.unblockVoucher,
            }[name];
            await call(of(one.serial)).catch(() => undefined);
            if (name === 'suspend') next(['activated'], 'suspended');
            if (name === 'unsuspend') next(['suspended'], 'activated');
            if (name === 'block') next(['activated'], 'blocked');
            if (name === 'unblock') next(['blocked'], 'activated');
          }
          expect(await stateOf(t.node, one.serial)).toBe(state);
        }
      }),
      { numRuns: 12 },
    );
    expect(await brokenBooks(t.node)).toEqual([]);
  });
});

// Last: from here on the numbers of this source are encrypted.
describe('what the source gets back', () => {
  let server: Server;
  let base: string;
  const received: Record<string, never>[] = [];
  let answers = 200;
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      received.push(JSON.parse(Buffer.concat(parts).toString()));
      response.writeHead(answers).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
    await allow([base]);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const allow = (callbackUrls: string[]) =>
    t.admin.putSource({
      params: { sourceId: programme.sourceId },
      body: { application: source, name: 'Cash transfer', institutionId: 'MSP', callbackUrls },
    });

  it('[PAY-8.2.1][PAY-6.2.5-b] leaves the mediator only encrypted to its own key', async () => {
    const headers = { 'x-callback-url': `${base}/details` };
    const body = { requestID: nextId(), batchID: nextId(), voucherInstructions: [instruction(nextId())] };
    expect((await refusal(create(body, headers))).status).toBe(400);
    const pair = await generateKeyPair('ECDH-ES', { extractable: true });
    const publicKey = (await exportJWK(pair.publicKey)) as Record<string, unknown>;
    const put = (key: Record<string, unknown>) =>
      voucherAdminOf(t.node, source).putRecipientKey({
        params: { sourceId: programme.sourceId },
        body: { publicKey: key },
      });
    const privateKey = (await exportJWK(pair.privateKey)) as Record<string, unknown>;
    expect((await refusal(put(privateKey))).status).toBe(400);
    expect((await put(publicKey)).body.algorithm).toBe('ECDH-ES');
    await create(body, headers);
    const about = () => received.find((one) => (one as { requestID?: string }).requestID === body.requestID);
    await expect.poll(about).toBeDefined();
    const message = about() as unknown as {
      voucherInstructions: { serialNumber: string; voucherNumber: string }[];
    };
    const [detail] = message.voucherInstructions as [{ serialNumber: string; voucherNumber: string }];
    const open = async (jwe: string) =>
      JSON.parse(new TextDecoder().decode((await compactDecrypt(jwe, pair.privateKey)).plaintext));
    const opened = await open(detail.voucherNumber);
    expect(opened.serialNumber).toBe(detail.serialNumber);
    const polled = (await vouchersOf(t.node).getVoucherDetails({ params: { requestID: body.requestID } }))
      .body;
    expect(await open(polled.voucherInstructions[0]?.voucherNumber ?? '')).toEqual(opened);
    await activate(t.node, [{ serial: detail.serialNumber, number: '' }]);
    const after = (await vouchersOf(t.node).getVoucherDetails({ params: { requestID: body.requestID } }))
      .body;
    expect(after.voucherInstructions[0]).not.toHaveProperty('voucherNumber');
    expect(await redeem(t.node, { serial: detail.serialNumber, number: opened.voucherNumber })).toMatchObject(
      {
        status: 1,
      },
    );
    const { rows } = await sql<{ left: number }>`
      select count(*)::integer as left from callback where kind = 'voucher-details' and body_cipher <> ''`.execute(
      t.node.database('payments'),
    );
    expect(rows[0]?.left).toBe(0);
  });

  it('[PAY-6.2.5-b][PAY-6.1-d] is shown to nobody else, and not kept when the voucher is in use or the message given up', async () => {
    answers = 500;
    const headers = { 'x-callback-url': `${base}/later` };
    const body = { requestID: nextId(), voucherInstructions: [instruction(nextId()), instruction(nextId())] };
    await create(body, headers);
    const own = oversightOf(t.node, source);
    const { items } = (await own.listNotices({ query: { state: 'waiting', limit: 1 } })).body;
    expect(items).toMatchObject([{ kind: 'voucher-details' }]);
    const params = { noticeId: items[0]?.noticeId ?? '' };
    const shown = async () => {
      const { body: notice } = (await own.getNotice({ params })).body as {
        body: { voucherInstructions: { serialNumber: string; voucherNumber?: string }[] } | null;
      };
      return notice?.voucherInstructions;
    };
    const before = await shown();
    expect(before?.map((one) => typeof one.voucherNumber)).toEqual(['string', 'string']);
    const auditor = await t.node.token({ id: 'auditor', roles: ['auditor'], agency: treasury });
    for (const who of [{}, { personToken: auditor }])
      expect((await oversightOf(t.node).getNotice({ params, ...who })).body).toMatchObject({
        kind: 'voucher-details',
        body: null,
      });
    await activate(t.node, [{ serial: before?.[0]?.serialNumber ?? '', number: '' }]);
    expect((await shown())?.map((one) => typeof one.voucherNumber)).toEqual(['undefined', 'string']);
    await allow([]);
    await expect.poll(async () => (await own.getNotice({ params })).body.state).toBe('dead');
    expect(await shown()).toBeUndefined();
    answers = 200;
    await allow([base]);
    // Nothing is left to be sent again, and nothing stands in the way of the other voucher.
    await expect(oversightOf(t.node).resendNotice({ params })).rejects.toMatchObject({ status: 409 });
    expect(await activate(t.node, [{ serial: before?.[1]?.serialNumber ?? '', number: '' }])).toEqual([]);
  });

  it('[PAY-8.2.2][PAY-8.2.5] of activations and cancellations lists what failed', async () => {
    for (const command of ['activate', 'cancel'] as const) {
      const body = { requestID: nextId(), voucherInstructions: [{ serialNumber: '123' }] };
      const headers = { 'x-callbackurl': `${base}/${command}` };
      if (command === 'activate') await vouchersOf(t.node).putVouchers({ query: { command }, headers, body });
      else await vouchersOf(t.node).postVouchers({ query: { command }, headers, body });
      const about = () =>
        received.find((one) => (one as { requestID?: string }).requestID === body.requestID);
      await expect.poll(about).toEqual({
        requestID: body.requestID,
        registerRequestID: body.requestID,
        numberFailedCases: 1,
        failedCases: [{ serialNumber: '123', failureReason: 'Not existing' }],
      });
    }
  });
});
