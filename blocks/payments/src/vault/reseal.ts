import { type JobSpec, transaction } from '@govstack/platform';
import { type RawBuilder, sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';

interface CipherPlace {
  readonly table: string;
  readonly column: string;
  /** Context of a row's value, before its id. */
  readonly context: string;
  /** Column and type of the id; a `bytea` stands in the context in hexadecimal. */
  readonly id?: string;
  readonly idType?: 'text' | 'bytea';
  /** Why a value keeps the seal it was given; absent: it is sealed anew under the key in use. */
  readonly kept?: string;
}

/** Every column that holds what the vault has sealed: as long as one names a key, the key is needed. */
export const cipherPlaces: readonly CipherPlace[] = [
  { table: 'mapper_entry', column: 'payee_cipher', context: 'payee/' },
  { table: 'mapper_version', column: 'address_cipher', context: 'address/' },
  { table: 'mapper_request', column: 'failures_cipher', context: 'failures/' },
  { table: 'callback', column: 'body_cipher', context: 'callback/' },
  { table: 'signing_key', column: 'private_cipher', context: 'signing-key/', idType: 'text' },
  { table: 'merchant', column: 'address_cipher', context: 'merchant/', idType: 'text' },
  { table: 'voucher', column: 'payee_cipher', context: 'voucher-payee/' },
  { table: 'voucher_request', column: 'failures_cipher', context: 'voucher-request/' },
  { table: 'voucher_redemption', column: 'address_cipher', context: 'redemption/' },
  { table: 'biller', column: 'account_cipher', context: 'biller/', idType: 'text' },
  { table: 'payer_alias', column: 'address_cipher', context: 'alias/', id: 'alias_token', idType: 'bytea' },
  { table: 'request_to_pay', column: 'address_cipher', context: 'request-to-pay/' },
  { table: 'statement_line', column: 'description_cipher', context: 'statement-line/' },
  {
    table: 'instruction',
    column: 'payee_cipher',
    context: 'instruction/',
    kept: 'the content of a payment never changes',
  },
  {
    table: 'submission_row',
    column: 'payee_cipher',
    context: 'instruction/',
    kept: 'it is in the stage until it is an instruction',
  },
  {
    table: 'approval_signature',
    column: 'token_cipher',
    context: 'approval-token/',
    id: 'batch_id',
    kept: 'what proves an approval never changes',
  },
  { table: 'rail_file', column: 'content_cipher', context: 'rail-file/', kept: 'a file never changes' },
  {
    table: 'biller_proposal',
    column: 'account_cipher',
    context: 'biller-proposal/',
    kept: 'a proposal never changes',
  },
  {
    table: 'dispute_entry',
    column: 'text_cipher',
    context: 'dispute-entry/',
    kept: 'what was said in a dispute never changes',
  },
  {
    table: 'audit_entry',
    column: 'sealed',
    context: 'audit/',
    id: 'subject',
    kept: 'the audit log never changes',
  },
];

/** Ciphertext that other keys than the vault's open. */
export const underOtherKeys: readonly string[] = [
  // A voucher key; it has its own list and is sealed anew on its own.
  'voucher.number_cipher',
  // The installation's secret, which has no numbers.
  'voucher_key.wrapped',
];

export const resealJob = 'reseal';
const chunk = 500;

async function resealChunk(
  payments: Payments,
  place: CipherPlace,
  after: string | undefined,
): Promise<string | undefined> {
  const { vault, db } = payments;
  const { id = 'id', idType = 'uuid' } = place;
  const binary = idType === 'bytea';
  const idOf = (text: RawBuilder<unknown>): RawBuilder<unknown> =>
    binary ? sql`decode(${text}, 'hex')` : sql`${text}::${sql.raw(idType)}`;
  return transaction(db, async (trx) => {
    await sql`select set_config('vault.resealing', 'on', true)`.execute(trx);
    const { rows } = await sql<{ id: string; sealed: Buffer }>`
      select
        ${binary ? sql`encode(${sql.ref(id)}, 'hex')` : sql`${sql.ref(id)}::text`} as id,
        ${sql.ref(place.column)} as sealed
      from ${sql.table(place.table)} t
      where case when octet_length(${sql.ref(place.column)}) > 0
          then get_byte(${sql.ref(place.column)}, 0) <> ${vault.keyNumber} end
        ${after === undefined ? sql`` : sql`and t.${sql.ref(id)} > ${idOf(sql`${after}::text`)}`}
      order by t.${sql.ref(id)}
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
      from unnest(${rows.map((row) => row.id)}::text[], ${anew}::bytea[]) as r (id, sealed)
      where t.${sql.ref(id)} = ${idOf(sql`r.id`)}`.execute(trx);
    return rows.at(-1)?.id;
  });
}

/** Seals everything that may be under the key in use. It can end at any moment and begin again. */
export const resealing = (payments: Payments): JobSpec => ({
  name: resealJob,
  retryLimit: 10,
  async handle(_data, signal) {
    for (const place of cipherPlaces.filter((one) => one.kept === undefined)) {
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
