import { createHash } from 'node:crypto';
import { conflict, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import type { Db } from '../tables.ts';
import type { KeyProvider } from './key-provider.ts';
import { cipherPlaces, resealJob } from './reseal.ts';
import type { Vault } from './vault.ts';

const fingerprintOf = (provider: KeyProvider, number: number): string =>
  createHash('sha256')
    .update('fingerprint\0')
    .update(provider.key(`vault/encryption/${number}`))
    .digest('hex')
    .slice(0, 16);

/**
 * Takes the key in use from the table of keys, as another process may have changed it. A key whose fingerprint is not the
 * one it had stops the start: with it nothing could be opened.
 */
export async function loadKeys(db: Db, provider: KeyProvider, vault: Vault): Promise<void> {
  const rows = await db.selectFrom('vault_key').select(['number', 'fingerprint']).orderBy('number').execute();
  for (const { number, fingerprint } of rows) {
    const found = fingerprintOf(provider, number);
    if (fingerprint === null)
      await db
        .updateTable('vault_key')
        .set({ fingerprint: found, provider: provider.name })
        .where('number', '=', number)
        .where('fingerprint', 'is', null)
        .execute();
    else if (fingerprint !== found) throw new Error(`key ${number} of the vault is another one than before`);
  }
  const latest = rows.at(-1)?.number;
  if (latest !== undefined && latest !== vault.keyNumber) vault.use(latest);
}

/** Takes the next key into use; what was sealed before stays readable and is sealed anew by a job (PAY-6.15). */
export async function rotateKey(
  payments: Payments,
  by: { readonly actor: string; readonly reason: string; readonly replaces?: number | undefined },
): Promise<number> {
  const number = await transaction(payments.db, async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtext('payments/vault-keys'))`.execute(trx);
    const { latest } = await trx
      .selectFrom('vault_key')
      .select((of) => of.fn.max('number').as('latest'))
      .executeTakeFirstOrThrow();
    if (by.replaces !== undefined && by.replaces < latest) return latest;
    const next = latest + 1;
    let fingerprint: string;
    try {
      fingerprint = fingerprintOf(payments.keys, next);
    } catch (error) {
      payments.ctx.log.warn({ err: error }, 'there is no next key');
      throw conflict(`The key service has no key number ${next}`);
    }
    await trx
      .insertInto('vault_key')
      .values({
        number: next,
        provider: payments.keys.name,
        fingerprint,
        created_by: by.actor,
        reason: by.reason,
      })
      .execute();
    await audit(trx, {
      component: 'keys',
      action: 'rotate',
      subject: `vault-key/${next}`,
      actor: by.actor,
      detail: { reason: by.reason, provider: payments.keys.name },
    });
    await payments.ctx.jobs.send(trx, resealJob, {}, { singletonKey: resealJob });
    return next;
  });
  payments.vault.use(number);
  return number;
}

export interface VaultKey {
  readonly number: number;
  readonly provider: string;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly inUse: boolean;
  /** Values sealed with it, by table. */
  readonly sealed: readonly { readonly place: string; readonly count: number }[];
}

/** Keys of the vault, and how much is sealed with each. */
export async function listKeys(db: Db): Promise<VaultKey[]> {
  const rows = await db
    .selectFrom('vault_key')
    .select(['number', 'provider', 'created_by', 'created_at'])
    .orderBy('number')
    .execute();
  const counts = new Map<number, { place: string; count: number }[]>();
  for (const { table, column } of cipherPlaces) {
    const found = await sql<{ number: number; count: string }>`
      select get_byte(${sql.ref(column)}, 0) as number, count(*) as count
      from ${sql.table(table)}
      where octet_length(${sql.ref(column)}) > 0
      group by 1`.execute(db);
    for (const { number, count } of found.rows)
      counts.set(number, [
        ...(counts.get(number) ?? []),
        { place: `${table}.${column}`, count: Number(count) },
      ]);
  }
  return rows.map((row, index) => ({
    number: row.number,
    provider: row.provider,
    createdBy: row.created_by,
    createdAt: row.created_at,
    inUse: index === rows.length - 1,
    sealed: counts.get(row.number) ?? [],
  }));
}
