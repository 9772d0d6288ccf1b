import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../src/tables.ts';
import { cipherPlaces, underOtherKeys } from '../src/vault/reseal.ts';
import * as bills from './fixtures/bills.ts';
import { officers } from './fixtures/officers.ts';
import { bankOf, credit, take } from './fixtures/statement.ts';
import {
  apiOf,
  brokenBooks,
  instructionsOf,
  oversightOf,
  pay,
  payees,
  startTreasury,
  type Treasury,
  treasury,
} from './fixtures/treasury.ts';
import { activate, active, type Issued, redeem, setUpVouchers } from './fixtures/vouchers.ts';

let t: Treasury;
let people: ReturnType<typeof officers>;
let folder: string;
const putKey = (name: string, key = randomBytes(32)) =>
  writeFile(join(folder, `${name}.key`), key.toString('base64'));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vault-keys-'));
  await putKey('vault-token-1');
  await putKey('vault-encryption-1');
  t = await startTreasury({ keyDirectory: folder });
  people = officers(t.node);
});
afterAll(() => t.stop());

const portal = 'TEST/GOV/DGA/portal';
const custody = async (personToken?: string) => ({
  personToken: personToken ?? (await people.custodian()),
});
const rotate = async (personToken?: string) =>
  oversightOf(t.node, portal).rotateVaultKey({
    body: { reason: 'Yearly' },
    ...(await custody(personToken)),
  });
const keys = async () => (await oversightOf(t.node, portal).listVaultKeys(await custody())).body.items;

describe('the keys of the vault', () => {
  it('[PAY-6.15] are in the hands of a custodian who administers nothing else', async () => {
    for (const token of [
      await people.administrator(),
      await people.auditor(),
      await t.node.token({ id: 'both', roles: ['key-custodian', 'administrator'], agency: treasury }),
      await t.node.token({ id: 'foreign', roles: ['key-custodian'], agency: 'TEST/GOV/OTHER' }),
    ])
      await expect(rotate(token)).rejects.toMatchObject({ status: 403 });
    expect(await keys()).toMatchObject([{ number: 1, provider: 'folder', inUse: true }]);
    await expect(t.admin.listAccounts({ query: {}, ...(await custody()) })).rejects.toMatchObject({
      status: 403,
    });
  });

  it('[PAY-6.15] come from a key service outside the database; without its next key nothing changes', async () => {
    await expect(rotate()).rejects.toMatchObject({ status: 409 });
    expect(await keys()).toHaveLength(1);
    const db = t.node.database('payments');
    const { rows } = await sql<{ text: string }>`select k::text as text from vault_key k`.execute(db);
    const key = Buffer.from(await readFile(join(folder, 'vault-encryption-1.key'), 'utf8'), 'base64');
    for (const { text } of rows)
      for (const form of ['hex', 'base64'] as const) expect(text).not.toContain(key.toString(form));
  });

  it('[PAY-6.15][PAY-6.3-b] are exchanged while payments go on: old values stay readable and are sealed anew', async () => {
    const before = await payees(t.node, 4);
    const first = await pay(t.node, before, { amount: '2.00' });
    await putKey('vault-encryption-2');
    const [{ body }] = await Promise.all([rotate(), pay(t.node, before, { amount: '3.00' })]);
    expect(body.number).toBe(2);
    await expect
      .poll(
        async () =>
          (await keys())
            .filter((key) => key.number === 1)
            .flatMap((key) => key.sealed.map((one) => one.place))
            .sort(),
        { timeout: 30_000 },
      )
      .toEqual(['approval_signature.token_cipher', 'audit_entry.sealed', 'instruction.payee_cipher']);
    const [, second] = await keys();
    expect(second?.inUse).toBe(true);
    expect(second?.sealed.find((one) => one.place === 'mapper_version.address_cipher')?.count).toBe(4);
    const rows = await instructionsOf(t.node, first.batchId);
    expect(rows.map((row) => row.payeeIdentity).sort()).toEqual([...before].sort());
    const { body: found } = await apiOf(t.node).listBeneficiaries({
      headers: {},
      body: { requestId: 'q', payeePartyIds: before },
    });
    expect(found.paymentModalityList).toHaveLength(4);
    const again = await pay(t.node, before, { amount: '4.00' });
    expect(again.state).toBe('completed');
    const credited = [...t.bank.credited.values(), ...t.wallets.credited.values()];
    for (const amount of ['2.00', '3.00', '4.00'])
      expect(credited.filter((one) => one.amount === amount)).toHaveLength(4);
    const { items } = (await oversightOf(t.node).listAuditEntries({ query: { component: 'keys' } })).body;
    expect(items.map((one) => one.action)).toEqual(expect.arrayContaining(['resealed', 'rotate']));
    expect(await brokenBooks(t.node)).toEqual([]);
  });

  it('[PAY-6.15] sealing anew is the only way an account’s record is touched, and it changes nothing else', async () => {
    const db = t.node.database('payments') as unknown as Db;
    for (const statement of [
      "update mapper_version set address_cipher = '\\x00'",
      "update mapper_version set modality = '01'",
    ])
      await expect(sql.raw(statement).execute(db)).rejects.toMatchObject({ code: '23001' });
    const within = db.transaction().execute(async (trx) => {
      await sql`select set_config('vault.resealing', 'on', true)`.execute(trx);
      await sql`update mapper_version set institution_code = 'MINE'`.execute(trx);
    });
    await expect(within).rejects.toMatchObject({ code: '23001' });
    await expect(sql`delete from vault_key`.execute(db)).rejects.toMatchObject({ code: '23001' });
  });

  it('[PAY-6.15] exchanged for others under the same number stop the start', async () => {
    await putKey('vault-encryption-2');
    const again = startTreasury({ keyDirectory: folder }, { databasePrefix: t.node.databasePrefix });
    await expect(again).rejects.toThrow(/another one than before/);
  });
});

it('[PAY-6.15] without a key service they follow from the installation’s secret', async () => {
  const own = await startTreasury();
  const { number } = (
    await oversightOf(own.node, portal).rotateVaultKey({
      body: { reason: 'First' },
      personToken: await officers(own.node).custodian(),
    })
  ).body;
  expect(number).toBe(2);
  const again = {
    body: { reason: 'First', replaces: 1 },
    personToken: await officers(own.node).custodian(),
  };
  expect((await oversightOf(own.node, portal).rotateVaultKey(again)).body).toEqual({ number: 2 });
  expect((await pay(own.node, await payees(own.node, 2))).state).toBe('completed');
  await own.stop();
});

describe('what is sealed', () => {
  const placeOf = (one: { readonly table: string; readonly column: string }) => `${one.table}.${one.column}`;

  it('[PAY-6.15] is known by its columns: each is sealed anew, kept for a reason, or under another key', async () => {
    const { rows } = await sql<{ place: string }>`
      select table_name || '.' || column_name as place
      from information_schema.columns
      where table_schema in (current_schema(), 'reporting')
        and data_type = 'bytea'
        and column_name not like '%\\_token'`.execute(t.node.database('payments'));
    expect(rows.map((row) => row.place).sort()).toEqual(
      [...cipherPlaces.map(placeOf), ...underOtherKeys].sort(),
    );
    for (const { kept } of cipherPlaces) expect(kept).not.toBe('');
  });

  it('[PAY-6.15][PAY-6.3-b] is sealed anew wherever it lies, and stays in use', async () => {
    const own = await startTreasury();
    const { node } = own;
    const register = (payeeIdentity: string) =>
      apiOf(node).registerBeneficiary({
        headers: {},
        body: {
          requestID: `again-${payeeIdentity}`,
          beneficiaries: [{ payeeIdentity, paymentModality: '00', financialAddress: '111122223333' }],
        },
      });
    const [payee = ''] = await payees(node, 1);
    await register(payee);
    await own.admin.getSigningKeys({});
    await setUpVouchers(node);
    const [voucher, another] = await active(node, 2, { payee });
    expect(await redeem(node, voucher as Issued)).toMatchObject({ status: 1 });
    await activate(node, [{ serial: '123456', number: '' }]);
    await bills.adminOf(node).putPayerInstitution({
      params: { payerId: 'BANK' },
      body: { application: bills.bank, name: 'Bank', bic: 'BANKUS33', service: `${bills.bank}/payer-fi-v1` },
    });
    await bills.p2gOf(node, bills.bank).putPayerAlias({
      headers: {},
      body: { aliasType: '01', aliasId: '+15550001111', financialAddress: '0001112223' },
    });
    const { billerId, prefix } = await bills.onboard(node);
    const ask = (rtpId: number) =>
      bills.p2gOf(node, bills.biller).rtpRequest({
        headers: { 'x-billerid': billerId },
        body: {
          requestId: `r-${rtpId}`,
          rtpId,
          billID: `${prefix}${rtpId.toString().padStart(10 - prefix.length, '0')}`,
          requestType: '01',
          alias: { aliasType: '01', aliasId: '+15550001111' },
          billDetails: { amount: '5.00' },
        },
      });
    await ask(1);
    await take(node, bankOf().statement([credit(500n, undefined, { description: 'From somebody' })]));

    const personToken = await officers(node).custodian();
    await oversightOf(node, portal).rotateVaultKey({ body: { reason: 'Test' }, personToken });
    const anew = cipherPlaces.filter((one) => one.kept === undefined).map(placeOf);
    const placesUnder = async (number: number) => {
      const { items } = (await oversightOf(node, portal).listVaultKeys({ personToken })).body;
      return items.find((key) => key.number === number)?.sealed.map((one) => one.place) ?? [];
    };
    await expect.poll(async () => (await placesUnder(1)).filter((place) => anew.includes(place))).toEqual([]);
    expect(await placesUnder(2)).toEqual(expect.arrayContaining(anew));
    expect(await redeem(node, another as Issued)).toMatchObject({ status: 1 });
    await ask(2);
    await own.stop();
  });
});
