import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';

interface Details {
  readonly voucherInstructions: readonly { readonly serialNumber: string; readonly voucherNumber?: string }[];
}

/**
 * Takes the numbers of vouchers out of messages that still wait to be delivered, in the transaction from which on these
 * numbers are not kept: what arrives later says what asking for it says.
 */
export async function forgetNumbers(
  payments: Payments,
  trx: Trx,
  vouchers: readonly { readonly serial: string; readonly source_id: string }[],
): Promise<void> {
  const sources = [...new Set(vouchers.map((one) => `source/${one.source_id}`))];
  const { rows: waiting } = await sql<{ id: string; body_cipher: Buffer }>`
    select id, body_cipher
    from callback
    where state = 'waiting' and recipient = any (${sources}::text[]) and kind = 'voucher-details'
      and octet_length(body_cipher) > 0
    order by id
    for update`.execute(trx);
  const serials = new Set(vouchers.map((one) => one.serial));
  for (const { id, body_cipher } of waiting) {
    const body = JSON.parse(payments.vault.open(body_cipher, `callback/${id}`)) as Details;
    if (!body.voucherInstructions.some((one) => serials.has(one.serialNumber))) continue;
    const voucherInstructions = body.voucherInstructions.map(({ voucherNumber, ...one }) =>
      voucherNumber === undefined || serials.has(one.serialNumber) ? one : { ...one, voucherNumber },
    );
    await trx
      .updateTable('callback')
      .set({
        body_cipher: payments.vault.seal(JSON.stringify({ ...body, voucherInstructions }), `callback/${id}`),
      })
      .where('id', '=', id)
      .execute();
  }
}
