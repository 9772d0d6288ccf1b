import { type JobSpec, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';

interface CipherPlace {
  readonly table: string;
  readonly column: string;
  /** Context of a row's value, before its id. */
  readonly context: string;
  /** Whether what is there may be sealed anew; the content of a payment never changes, not even its seal. */
  readonly resealed: boolean;
  readonly idType?: 'text';
}

/** Every column that holds what the vault has sealed. */
export const cipherPlaces: readonly CipherPlace[] = [
  { table: 'mapper_entry', column: 'payee_cipher', context: 'payee/', resealed: true },
  { table: 'mapper_version', column: 'address_cipher', context: 'address/', resealed: true },
  { table: 'mapper_request', column: 'failures_cipher', context: 'failures/', resealed: true },
  { table: 'callback', column: 'body_cipher', context: 'callback/', resealed: true },
  { table: 'signing_key', column: 'private_cipher', context: 'signing-key/', resealed: true, idType: 'text' },
  { table: 'instruction', column: 'payee_cipher', context: 'instruction/', resealed: false },
  { table: 'dispute_entry', column: 'text_cipher', context: 'dispute-entry/', resealed: false },
];

export const resealJob = 'reseal';
const chunk = 500;

async function resealChunk(
  payments: Payments,
  place: CipherPlace,
  after: string | undefined,
): Promise<string | undefined> {
  const { vault, db } = payments;
  return transaction(db, async (trx) => {
    await sql`select set_config('vault.resealing', 'on', true)`.execute(trx);
    const { rows } = await sql<{ id: string; sealed: Buffer }>`
      select id::text as id, ${sql.ref(place.column)} as sealed
      from ${sql.table(place.table)}
      where case when octet_length(${sql.ref(place.column)}) > 0
          then get_byte(${sql.ref(place.column)}, 0) <> ${vault.keyNumber} end
        ${after === undefined ? sql`` : sql`and id > ${after}`}
      order by id
      limit ${chunk}
      for update`.execute(trx);
    if (rows.length === 0) return undefined;
    const anew = rows.map((row) => {
      const context = `${place.context}${row.id}`;
      return vault.seal(vault.open(row.sealed, context), context);
    });
    await sql`
      update ${sql.table(place.table)} t
      set ${sql.ref(place.column)} = r.sealed
      from unnest(${rows.map((row) => row.id)}::${sql.raw(place.idType ?? 'uuid')}[], ${anew}::bytea[]) as r (id, sealed)
      where t.id = r.id`.execute(trx);
    return rows.at(-1)?.id;
  });
}

/** Seals everything that may be under the key in use. It can end at any moment and begin again. */
export const resealing = (payments: Payments): JobSpec => ({
  name: resealJob,
  retryLimit: 10,
  async handle(_data, signal) {
    for (const place of cipherPlaces.filter((one) => one.resealed)) {
      let after: string | undefined;
      do {
        signal.throwIfAborted();
        after = await resealChunk(payments, place, after);
      } while (after !== undefined);
    }
    await audit(payments.db, {
      component: 'keys',
      action: 'resealed',
      subject: `vault-key/${payments.vault.keyNumber}`,
      actor: 'payments',
    });
  },
});
