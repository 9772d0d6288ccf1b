import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import { exportJWK, generateKeyPair } from 'jose';
import { type Kysely, sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { voucherAdmin, vouchers } from '../src/api/operations.ts';
import {
  brokenBooks,
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
  merchantApplication,
  nextId,
  order,
  redeem,
  setUpVouchers,
  stateOf,
  voucherAdminOf,
  vouchersOf,
} from './fixtures/vouchers.ts';

/** Everything any node of this test logged. */
let logged = '';
const log = pino(
  { level: 'trace' },
  new Writable({
    write(chunk, _encoding, done) {
      logged += String(chunk);
      done();
    },
  }),
);
/** Every number that was issued, and what else must not be readable anywhere. */
const secrets = new Set<string>(['918273645546', '+15550000002', 'P-SECRET-1']);
const remember = (issued: readonly Issued[]): Issued[] => {
  for (const { number } of issued) secrets.add(number);
  return [...issued];
};
/** Ways in which a secret can be read off a text. */
const readable = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString('hex'),
  Buffer.from(secret).toString('base64').replace(/=+$/, ''),
];
const found = (text: string): string[] => [...secrets].flatMap(readable).filter((one) => text.includes(one));

let t: Treasury;
let db: Kysely<never>;
beforeAll(async () => {
  t = await startTreasury({}, { log });
  db = t.node.database('payments') as unknown as Kysely<never>;
  await setUpVouchers(t.node);
  await voucherAdminOf(t.node).putMerchant({
    params: { merchantId: 'shop-1' },
    body: {
      name: 'shop-1',
      application: merchantApplication,
      voucherGroups: ['grocer'],
      paymentModality: '00',
      financialAddress: '918273645546',
    },
  });
});
afterAll(async () => {
  expect(await brokenBooks(t.node)).toEqual([]);
  await t.stop();
});

/** Every row of every table, as text. */
async function dump(): Promise<string> {
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, tablename) as name
    from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`.execute(db);
  let text = '';
  for (const { name } of tables) {
    const { rows } = await sql<{ row: string }>`select t::text as row from ${sql.raw(name)} t`.execute(db);
    text += `\n${name}\n${rows.map(({ row }) => row).join('\n')}`;
  }
  return text;
}

const token = (id: string, roles: string[], agency = treasury) => t.node.token({ id, roles, agency });
const custodian = () => token('custodian', ['voucher-key-custodian']);

describe('a voucher number', () => {
  it('[PAY-6.2.5-b][PAY-6.2.5-c][PAY-5.3.2-c] is in no log, metric, table or error, whatever happens to the voucher', async () => {
    const admin = voucherAdminOf(t.node);
    await admin.provisionVouchers({
      params: { sourceId: programme.sourceId, groupCode: 'FOD' },
      body: { reference: 'stock', denomination: '10.00', count: 5 },
    });
    remember(await order(t.node, 2, { groupCode: 'FOD', payee: 'P-SECRET-1' }));
    const issued = remember(await active(t.node, 6, { payee: 'P-SECRET-1' }));
    const [paid, refused, silent, blocked, cancelled] = issued as [Issued, Issued, Issued, Issued, Issued];
    const answers: unknown[] = [];
    answers.push(await redeem(t.node, paid), await redeem(t.node, paid, { agentID: 'shop-2' }));
    t.bank.fate = () => ({ rejected: 'AC04' });
    answers.push(await redeem(t.node, refused));
    t.bank.fate = () => 'silent';
    answers.push(await redeem(t.node, silent));
    t.bank.fate = () => 'completed';
    for (let n = 0; n < 4; n += 1) answers.push(await redeem(t.node, { ...blocked, number: paid.number }));
    answers.push(await cancel(t.node, [cancelled]), await redeem(t.node, cancelled));
    const wrongs = [
      { voucherSecretNumber: `${paid.number}x` },
      { voucherSecretNumber: [paid.number] },
      { voucherSecretNumber: paid.number, override: paid.number },
      { voucherSecretNumber: Number(paid.number), agentID: 'nobody' },
    ];
    for (const more of wrongs)
      answers.push(
        await redeem(t.node, paid, { more }).catch((error: { responseBody: unknown }) => error.responseBody),
      );
    const number = paid.number;
    // Numbers where serial numbers should be.
    answers.push((await redeem(t.node, { serial: number, number })).message);
    await activate(t.node, [{ serial: number, number }]);
    await cancel(t.node, [{ serial: number, number }]);
    await vouchersOf(t.node).getVoucherStatus({ params: { serialNumber: number }, query: {} });
    const mistaken = { params: { serialNumber: number } };
    const because = { ...mistaken, body: { reason: 'Lost' } };
    for (const ask of [
      () => vouchersOf(t.node).getVoucherCode(mistaken),
      () => admin.getVoucher(mistaken),
      () => admin.suspendVoucher(because),
      () => admin.cancelVoucher(because),
    ])
      answers.push((await refusal(ask())).problem);
    answers.push(
      (await vouchersOf(t.node).checkVoucherValidity({ body: { voucherNumber: number, groupCode: 'ANY' } }))
        .body,
    );
    answers.push(
      (await admin.validateVoucher({ body: { serialNumber: paid.serial, voucherNumber: number } })).body,
    );
    answers.push(
      (await admin.listVouchers({ query: {} })).body,
      (await admin.voucherReport({ query: {} })).body,
    );
    answers.push((await admin.listMerchants({ query: {} })).body);
    answers.push((await vouchersOf(t.node).getVoucherCode({ params: { serialNumber: paid.serial } })).body);
    await expect.poll(() => stateOf(t.node, silent.serial)).toBe('redeemed');
    const url = await t.node.listen({ port: 0, all: 'payments' });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('postVouchers');
    expect(logged).toContain('answered');
    expect(secrets.size).toBeGreaterThan(8);
    expect(found(JSON.stringify(answers))).toEqual([]);
    expect(found(logged)).toEqual([]);
    expect(found(metrics)).toEqual([]);
    expect(found(await dump())).toEqual([]);
    expect(found(JSON.stringify(t.node.published))).toEqual([]);
  });

  it('the search would find one', async () => {
    const [voucher] = remember(await active(t.node)) as [Issued];
    await sql`update voucher set narration = ${voucher.number} where serial = ${voucher.serial}`.execute(db);
    expect(found(await dump())).toEqual([voucher.number]);
    await sql`update voucher set narration = null where serial = ${voucher.serial}`.execute(db);
  });

  it('is no longer kept once the voucher is in the payee’s hands, and not readable with the database alone', async () => {
    const [waiting] = remember(await order(t.node)) as [Issued];
    const kept = async () =>
      (
        await sql<{ kept: boolean }>`
          select number_cipher is not null as kept from voucher where serial = ${waiting.serial}`.execute(db)
      ).rows[0]?.kept;
    expect(await kept()).toBe(true);
    const thief = startTreasury(
      { workers: false },
      { rails: [t.bank, t.wallets], databasePrefix: t.node.databasePrefix, secret: randomBytes(32), log },
    );
    await expect(thief).rejects.toThrow('another one than before');
    await activate(t.node, [waiting]);
    expect(await kept()).toBe(false);
    expect(await redeem(t.node, waiting)).toMatchObject({ status: 1 });
    expect(found(logged)).toEqual([]);
  });
});

describe('the key of voucher numbers', () => {
  it('[PAY-6.2.5-e][PAY-9.2.1] is changed by a key custodian, who must not be an administrator', async () => {
    const admin = voucherAdminOf(t.node);
    const rotate = async (personToken: Promise<string>) =>
      admin.rotateVoucherKey({ query: {}, personToken: await personToken });
    for (const refused of [
      token('root', ['administrator']),
      token('vouchers', ['voucher-administrator']),
      token('both', ['administrator', 'voucher-key-custodian']),
      token('both', ['voucher-administrator', 'voucher-key-custodian']),
      token('elsewhere', ['voucher-key-custodian'], 'TEST/GOV/MSP'),
    ]) {
      expect((await refusal(rotate(refused))).status).toBe(403);
      expect((await refusal(admin.listVoucherKeys({ personToken: await refused }))).status).toBe(403);
    }
    const [old] = remember(await active(t.node)) as [Issued];
    const waiting = remember(await order(t.node, 3));
    const { keyId } = (await rotate(custodian())).body;
    // Said again of the key that was replaced, it is done already.
    const again = { query: { replaces: keyId - 1 }, personToken: await custodian() };
    expect((await admin.rotateVoucherKey(again)).body).toEqual({ keyId });
    const keys = async () => (await admin.listVoucherKeys({ personToken: await custodian() })).body.items;
    // What can still be read back is sealed anew; what was given out is found by the key it was hashed with.
    await expect.poll(async () => (await keys()).find((one) => one.keyId === keyId - 1)?.sealed).toBe(0);
    expect((await keys())[0]).toMatchObject({ keyId, createdBy: expect.stringContaining('for custodian') });
    const [fresh] = remember(await active(t.node)) as [Issued];
    await activate(t.node, waiting);
    for (const voucher of [old, fresh, ...waiting])
      expect(await redeem(t.node, voucher, { more: { voucherSerialNumber: undefined } })).toMatchObject({
        status: 1,
      });
    expect(found(await dump())).toEqual([]);
    const custodianOnly = await custodian();
    const suspended = admin.suspendVoucher({
      params: { serialNumber: fresh.serial },
      body: { reason: 'x' },
      personToken: custodianOnly,
    });
    expect((await refusal(suspended)).status).toBe(404);
  });
});

it('[PAY-6.2.5-d] every use of every operation on vouchers is kept, also looking at them, with who it was', async () => {
  const admin = voucherAdminOf(t.node);
  const api = vouchersOf(t.node);
  const personToken = await custodian();
  const { sourceId, programmeId } = programme;
  const [voucher] = (await active(t.node)) as [Issued];
  const issuing = await order(t.node);
  const { serial: serialNumber, number: voucherNumber } = voucher;
  const because = { params: { serialNumber }, body: { reason: 'kept' } };
  const serials = () => ({ requestID: nextId(), voucherInstructions: [{ serialNumber }] });
  const [requestID, activation, cancellation] = [nextId(), nextId(), nextId()];
  const instruction = { groupCode: 'ANY', currency: 'USD', amount: '1.00', instructionID: requestID };
  const key = await exportJWK((await generateKeyPair('ECDH-ES', { extractable: true })).publicKey);
  const group = { params: { sourceId, groupCode: 'ONE' } };
  const uses: Record<string, () => Promise<unknown>> = {
    postVouchers: () =>
      api.postVouchers({ query: {}, headers: {}, body: { requestID, voucherInstructions: [instruction] } }),
    putVouchers: () => api.putVouchers({ query: { command: 'suspend' }, headers: {}, body: serials() }),
    getVoucherDetails: () => api.getVoucherDetails({ params: { requestID } }),
    getActivationResult: async () => {
      const body = { ...serials(), requestID: activation };
      await api.putVouchers({ query: { command: 'activate' }, headers: {}, body });
      return api.getActivationResult({ params: { requestID: activation } });
    },
    getCancellationResult: async () => {
      const body = { requestID: cancellation, voucherInstructions: [{ serialNumber: issuing[0]?.serial }] };
      await api.postVouchers({ query: { command: 'cancel' }, headers: {}, body });
      return api.getCancellationResult({ params: { requestID: cancellation } });
    },
    getVoucherStatus: () => api.getVoucherStatus({ params: { serialNumber }, query: {} }),
    'vouchers getVoucher': () => api.getVoucher({ params: { serialNumber }, query: {} }),
    getVoucherValidity: () => api.getVoucherValidity({ query: { serialNumber } }),
    getValidity: () => api.getValidity({ query: { serialNumber } }),
    checkVoucherValidity: () => api.checkVoucherValidity({ body: { voucherNumber, groupCode: 'ANY' } }),
    getVoucherCode: () => api.getVoucherCode({ params: { serialNumber } }),
    putVoucherGroup: () =>
      admin.putVoucherGroup({
        ...group,
        body: { programmeId, name: 'One', validitySeconds: 60, denominations: [{ amount: '1.00' }] },
      }),
    listVoucherGroups: () => admin.listVoucherGroups({ query: {} }),
    provisionVouchers: () =>
      admin.provisionVouchers({ ...group, body: { reference: 'one', denomination: '1.00', count: 1 } }),
    putMerchant: () =>
      admin.putMerchant({
        params: { merchantId: 'shop-5' },
        body: { name: 'Five', application: source, paymentModality: '00', financialAddress: '55555555' },
      }),
    listMerchants: () => admin.listMerchants({ query: {} }),
    listVouchers: () => admin.listVouchers({ query: {} }),
    getVoucher: () => admin.getVoucher({ params: { serialNumber } }),
    unsuspendVoucher: () => admin.unsuspendVoucher(because),
    suspendVoucher: async () => {
      await admin.suspendVoucher(because);
      await admin.unsuspendVoucher(because);
    },
    blockVoucher: () => admin.blockVoucher(because),
    unblockVoucher: () => admin.unblockVoucher(because),
    validateVoucher: () => admin.validateVoucher({ body: { serialNumber, voucherNumber } }),
    cancelVoucher: () => admin.cancelVoucher(because),
    purgeVoucher: () => admin.purgeVoucher(because),
    voucherReport: () => admin.voucherReport({ query: {} }),
    rotateVoucherKey: () => admin.rotateVoucherKey({ query: {}, personToken }),
    listVoucherKeys: () => admin.listVoucherKeys({ personToken }),
    putRecipientKey: () =>
      admin.putRecipientKey({ params: { sourceId }, body: { publicKey: key as Record<string, unknown> } }),
  };
  // Public keys are no voucher data.
  const all = [...Object.keys(vouchers.operations), ...Object.keys(voucherAdmin.operations)];
  expect(
    Object.keys(uses)
      .map((name) => name.replace('vouchers ', ''))
      .sort(),
  ).toEqual(all.filter((name) => name !== 'getVoucherKeys').sort());
  const kept = async () =>
    Number(
      (
        await sql<{ n: string }>`select count(*) as n from audit_entry where component = 'vouchers'`.execute(
          db,
        )
      ).rows[0]?.n,
    );
  for (const [name, use] of Object.entries(uses)) {
    const before = await kept();
    await use();
    expect([name, (await kept()) > before]).toEqual([name, true]);
  }
  const before = await kept();
  await redeem(t.node, { serial: serialNumber, number: '1' }, { as: merchantApplication });
  expect(await kept()).toBeGreaterThan(before);
});
