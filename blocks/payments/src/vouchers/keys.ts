import { createHmac, randomBytes } from 'node:crypto';
import { conflict, forbidden, type Person, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, Trx } from '../tables.ts';
import { installationKeys } from '../vault/key-provider.ts';
import { createVault, type Vault } from '../vault/vault.ts';

/** A key for voucher numbers: what it sealed only it opens, what it hashed only it finds. */
export interface VoucherKey {
  readonly id: number;
  readonly vault: Vault;
}

export const numberToken = (key: VoucherKey, number: string): Buffer =>
  key.vault.token(number, 'voucher-number');

const vaultOf = (material: Buffer): Vault =>
  createVault(installationKeys((purpose) => createHmac('sha256', material).update(purpose).digest()));

async function addKey(payments: Payments, trx: Trx, id: number, actor: string): Promise<boolean> {
  const material = randomBytes(32).toString('base64');
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('voucher_key')
    .values({ id, wrapped: payments.keyVault.seal(material, `voucher-key/${id}`), created_by: actor })
    .onConflict((clash) => clash.column('id').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/**
 * The keys, newest first; the first is made when there is none. A database alone holds no usable key: each is wrapped
 * by one that derives from the installation's secret (PAY-6.2.5-e).
 */
export async function voucherKeys(
  payments: Payments,
  trx: Trx,
): Promise<[newest: VoucherKey, ...older: VoucherKey[]]> {
  const read = () => trx.selectFrom('voucher_key').select(['id', 'wrapped']).orderBy('id', 'desc').execute();
  let rows = await read();
  if (rows.length === 0) {
    await addKey(payments, trx, 1, 'payments');
    rows = await read();
  }
  const keys = rows.map(({ id, wrapped }) => ({
    id,
    vault: vaultOf(Buffer.from(payments.keyVault.open(wrapped, `voucher-key/${id}`), 'base64')),
  }));
  return keys as [VoucherKey, ...VoucherKey[]];
}

/**
 * The keys of voucher numbers are kept by somebody of the treasury with an office for just that: neither an
 * administrator nor one of vouchers (PAY-6.2.5-e).
 */
export function assertVoucherKeyCustodian(payments: Payments, person: Person): void {
  const { keyCustodianRole, voucherAdministratorRole } = payments.config;
  const elsewhere = ['administrator', voucherAdministratorRole].some((role) => person.roles.includes(role));
  if (person.agency !== payments.treasury || !person.roles.includes(keyCustodianRole) || elsewhere)
    throw forbidden('Voucher keys are kept by a key custodian of the treasury who administers nothing else');
}

/** A new key for what is sealed from now on; what lies in stock is sealed anew with it in the background. */
export async function rotateVoucherKey(
  payments: Payments,
  actor: string,
  replaces: number | undefined,
): Promise<number> {
  const id = await transaction(payments.db, async (trx) => {
    const [newest] = await voucherKeys(payments, trx);
    if (replaces !== undefined && replaces < newest.id) return newest.id;
    const next = newest.id + 1;
    if (!(await addKey(payments, trx, next, actor))) throw conflict('Somebody else is changing the key');
    await audit(trx, { component: 'vouchers', action: 'rotate-key', subject: `voucher-key/${next}`, actor });
    return next;
  });
  payments.wake();
  return id;
}

export interface VoucherKeyUse {
  readonly id: number;
  readonly created_by: string;
  readonly created_at: string;
  /** Vouchers found by this key, counted up to `mostCounted`. */
  readonly vouchers: number;
  /** Of these, such whose number can still be read back. */
  readonly sealed: number;
}

/** So many vouchers of a key are counted, and no more. */
export const mostCounted = 100_000;

/** The keys with how much depends on each; never their material. */
export async function listVoucherKeys(db: Db): Promise<VoucherKeyUse[]> {
  const { rows } = await sql<VoucherKeyUse>`
    select k.id, k.created_by, k.created_at, used.vouchers, stock.sealed
    from voucher_key k
    cross join lateral (
      select count(*)::integer as vouchers
      from (select from voucher v where v.key_id = k.id limit ${mostCounted}) v
    ) used
    cross join lateral (
      select count(*)::integer as sealed
      from (select from voucher v where v.key_id = k.id and v.number_cipher is not null limit ${mostCounted}) v
    ) stock
    order by k.id desc
    limit 1000`.execute(db);
  return rows;
}

const most = 500;

/**
 * Seals numbers that an older key sealed with the newest one, some at a time. Numbers that were given out and dropped
 * stay findable by the key they were hashed with. Answers whether there were any.
 */
export async function resealNext(payments: Payments): Promise<boolean> {
  return transaction(payments.db, async (trx) => {
    const [newest, ...older] = await voucherKeys(payments, trx);
    if (older.length === 0) return false;
    const { rows } = await sql<{ id: string; key_id: number; number_cipher: Buffer }>`
      select id, key_id, number_cipher
      from voucher
      where number_cipher is not null
        and key_id = any (${older.map((key) => key.id)}::integer[])
      order by id
      limit ${most}
      for update skip locked`.execute(trx);
    if (rows.length === 0) return false;
    const sealed = rows.map((row) => {
      const key = older.find((one) => one.id === row.key_id) as VoucherKey;
      const number = key.vault.open(row.number_cipher, `voucher/${row.id}`);
      return { token: numberToken(newest, number), cipher: newest.vault.seal(number, `voucher/${row.id}`) };
    });
    await sql`
      update voucher v
      set key_id = ${newest.id}, number_token = r.token, number_cipher = r.cipher
      from unnest(
        ${rows.map((row) => row.id)}::uuid[],
        ${sealed.map((one) => one.token)}::bytea[],
        ${sealed.map((one) => one.cipher)}::bytea[]
      ) as r (id, token, cipher)
      where v.id = r.id`.execute(trx);
    return true;
  });
}
