import { createHash } from 'node:crypto';
import { badRequest, conflict, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import { applyResults } from '../dispatch/apply-results.ts';
import type { Payments } from '../payments-context.ts';
import type { RailResult } from '../rails/port.ts';
import { adaptersByHand } from '../rails/registry.ts';
import type { Trx } from '../tables.ts';
import { isUuid } from '../uuid.ts';

/** Which rail was given each of these payments, all to customers of one institution and processed by hand. */
async function railsOf(
  trx: Trx,
  code: string,
  references: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ id: string; rail_id: string }>`
    select i.id, i.rail_id
    from instruction i
    join mapper_version v on v.id = i.version_id
    join rail r on r.id = i.rail_id
    where i.id = any (${references.filter(isUuid)}::uuid[])
      and i.purpose = 'payment'
      and i.sub_batch_id is not null
      and v.institution_code = ${code}
      and r.adapter = any (${adaptersByHand}::text[])
    union all
    select d.id, d.rail_id
    from voucher_redemption d
    join rail r on r.id = d.rail_id
    where d.id = any (${references.filter(isUuid)}::uuid[])
      and d.institution_code = ${code}
      and r.adapter = any (${adaptersByHand}::text[])`.execute(trx);
  return new Map(rows.map((row) => [row.id, row.rail_id]));
}

/**
 * Takes the results an institution reports of payments to its customers, all or none (PAY-6.6-h). They take effect as any
 * rail's do. A payment that is not its customer's, or that a rail itself answers for, refuses the upload as a whole. The
 * upload's id makes it safe to repeat.
 */
export async function takeUpload(
  payments: Payments,
  code: string,
  upload: { readonly id: string; readonly results: readonly RailResult[]; readonly actor: string },
): Promise<{ readonly repeated: boolean }> {
  const contentHash = createHash('sha256').update(JSON.stringify(upload.results)).digest('hex');
  const repeated = await transaction(payments.db, async (trx) => {
    const inserted = await trx
      .insertInto('institution_upload')
      .values({
        institution_code: code,
        upload_id: upload.id,
        content_hash: contentHash,
        results: upload.results.length,
        actor: upload.actor,
      })
      .onConflict((clash) => clash.constraint('institution_upload_pkey').doNothing())
      .returning('upload_id')
      .executeTakeFirst();
    if (!inserted) {
      const known = await trx
        .selectFrom('institution_upload')
        .select('content_hash')
        .where('institution_code', '=', code)
        .where('upload_id', '=', upload.id)
        .executeTakeFirstOrThrow();
      if (known.content_hash !== contentHash)
        throw conflict('An upload with this id and other content was taken over before');
      return true;
    }
    const rails = await railsOf(
      trx,
      code,
      upload.results.map((one) => one.reference),
    );
    const foreign = upload.results.findIndex((one) => !rails.has(one.reference.toLowerCase()));
    if (foreign !== -1)
      throw badRequest('The request is not valid', [
        {
          in: 'body',
          pointer: `/results/${foreign}/reference`,
          detail: 'is not a payment to a customer of this institution that it processes',
        },
      ]);
    const groups = Map.groupBy(upload.results, (one) => rails.get(one.reference.toLowerCase()) as string);
    for (const [railId, results] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1)))
      await applyResults(payments, railId, results, 'operator', trx);
    await audit(trx, {
      component: 'institutions',
      action: 'results',
      subject: `institution/${code}`,
      actor: upload.actor,
      detail: { upload: upload.id, results: upload.results.length },
    });
    return false;
  });
  payments.wake();
  return { repeated };
}
