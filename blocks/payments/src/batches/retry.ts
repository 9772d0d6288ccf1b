import { badRequest, conflict } from '@govstack/platform';
import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import { type Programme, readProgramme } from '../sources/programme.ts';
import { readSource, type Source } from '../sources/source.ts';
import type { Trx } from '../tables.ts';
import type { CheckedInstruction } from './instruction-input.ts';
import { handOver } from './intake.ts';
import { type Batch, readBatch } from './read.ts';

interface Failed {
  id: string;
  client_id: string;
  payee_token: Buffer;
  state: string;
}

interface Unpaid {
  id: string;
  client_id: string;
  payee_cipher: Buffer;
  amount: string;
  currency: string;
  narration: string | null;
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

/** Batches that paid failed instructions of this one anew, newest first. */
async function earlierRetries(payments: Payments, batch: Batch): Promise<string[]> {
  const own = batch.client_batch_id;
  const { rows } = await sql<{ id: string }>`
    select id
    from batch
    where source_id = ${batch.source_id}
      and purpose = 'payment'
      and left(client_batch_id, ${own.length}) = ${own}
      and substr(client_batch_id, ${own.length + 1}) ~ '^[.]R[0-9]+$'
    order by id desc`.execute(payments.db);
  return rows.map((row) => row.id);
}

/**
 * Makes a new batch of the failed instructions of a finished one that no other is paying anew. It goes the whole way
 * again: validation, approval by a person other than the ones who asked and who made it first, payment. What is rejected or withdrawn there can
 * be asked for once more. Asking twice answers the same batch.
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
  const earlier = await earlierRetries(payments, batch);
  const { rows: failed } = await sql<Unpaid>`
    select i.id, i.client_id, i.payee_cipher, i.amount, i.currency, i.narration
    from instruction i
    where i.batch_id = ${batchId}
      and i.state in ('failed', 'returned')
      and not exists (
        select
        from instruction r
        where r.retry_of = i.id and r.state not in ('rejected', 'cancelled')
      )
    order by i.position`.execute(payments.db);
  if (failed.length === 0) {
    const [latest] = earlier;
    if (latest === undefined) throw conflict('The batch has no failed instruction that is not paid anew');
    return { id: latest, repeated: true };
  }
  const suffix = `.R${earlier.length + 1}`;
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
