import { badRequest, conflict } from '@govstack/platform';
import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import { type Programme, readProgramme } from '../sources/programme.ts';
import { readSource, type Source } from '../sources/source.ts';
import type { Trx } from '../tables.ts';
import type { CheckedInstruction } from './instruction-input.ts';
import { handOver } from './intake.ts';
import { readBatch } from './read.ts';

interface Failed {
  id: string;
  client_id: string;
  payee_token: Buffer;
  state: string;
}

/**
 * The failed instructions that a batch pays anew, by the source's ids. A payee may be paid again only by an instruction
 * that names the failed one, for the same payee, and only when that one is final and unpaid.
 */
export async function retriedInstructions(
  payments: Payments,
  trx: Trx,
  source: Source,
  instructions: readonly CheckedInstruction[],
): Promise<Map<string, string>> {
  const retries = instructions.filter((one) => one.retryOf !== undefined);
  if (retries.length === 0) return new Map();
  const { rows } = await sql<Failed>`
    select id, client_id, payee_token, state
    from instruction
    where source_id = ${source.id}
      and purpose = 'payment'
      and client_id = any (${retries.map((one) => one.retryOf)}::text[])
    order by id
    for share`.execute(trx);
  const known = new Map(rows.map((row) => [row.client_id, row]));
  for (const one of retries) {
    const failed = known.get(one.retryOf as string);
    if (!failed)
      throw badRequest(`${one.clientId} names ${one.retryOf}, which is not an instruction of this source`);
    if (failed.state !== 'failed' && failed.state !== 'returned')
      throw conflict(`${one.clientId} names ${one.retryOf}, which is ${failed.state}, not failed`);
    const token = payments.vault.token(one.payeeIdentity, `payee/${source.id}`);
    if (!token.equals(failed.payee_token))
      throw badRequest(`${one.clientId} names ${one.retryOf}, which is for another payee`);
  }
  return new Map(rows.map((row) => [row.client_id, row.id]));
}

/**
 * Makes a new batch of the failed instructions of a finished one. It goes the whole way again: validation, approval by
 * a person other than the one who asked, payment. Asking twice answers the same batch.
 */
export async function retryFailed(
  payments: Payments,
  batchId: string,
  by: { readonly application: string; readonly person: string | undefined },
): Promise<{ id: string; repeated: boolean }> {
  const batch = await readBatch(payments.db, batchId);
  if (!['completed', 'partially-completed', 'failed'].includes(batch.state))
    throw conflict(
      `The batch is ${batch.state}; only failed instructions of a finished batch can be paid anew`,
    );
  const failed = await payments.db
    .selectFrom('instruction')
    .select(['id', 'client_id', 'payee_cipher', 'amount', 'currency', 'narration'])
    .where('batch_id', '=', batchId)
    .where('state', 'in', ['failed', 'returned'])
    .orderBy('position')
    .execute();
  if (failed.length === 0) throw conflict('The batch has no failed instruction');
  const { rows: spoilt } = await sql<{ count: string }>`
    select count(*) as count
    from batch
    where source_id = ${batch.source_id}
      and purpose = 'payment'
      and client_batch_id like ${`${batch.client_batch_id.replaceAll(/[\\%_]/g, '\\$&')}.R_%`}
      and state in ('rejected', 'cancelled', 'failed')`.execute(payments.db);
  const suffix = `.R${Number(spoilt[0]?.count ?? 0) + 1}`;
  const source = await readSource(payments.db, batch.source_id);
  const programme: Programme = await readProgramme(
    payments.db,
    batch.source_id,
    batch.programme_id as string,
  );
  const instructions = failed.map((row) => ({
    clientId: `${row.client_id}${suffix}`,
    payeeIdentity: payments.vault.open(row.payee_cipher, `instruction/${row.id}`),
    amount: BigInt(row.amount),
    currency: row.currency,
    narration: row.narration ?? undefined,
    retryOf: row.client_id,
  }));
  return handOver(payments, {
    purpose: 'payment',
    source,
    programme,
    clientBatchId: `${batch.client_batch_id}${suffix}`,
    requestId: batch.request_id ?? undefined,
    batch: {
      currency: batch.currency,
      instructions,
      total: instructions.reduce((sum, one) => sum + one.amount, 0n),
    },
    makerApplication: by.application,
    makerPerson: by.person,
    callback: batch.callback_target ?? undefined,
    notBefore: undefined,
  });
}
