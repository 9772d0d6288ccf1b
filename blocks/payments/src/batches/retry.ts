import { badRequest, conflict } from '@govstack/platform';
import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import { type Programme, readProgramme } from '../sources/programme.ts';
import { readSource, type Source } from '../sources/source.ts';
import type { Trx } from '../tables.ts';
import type { CheckedInstruction } from './instruction-input.ts';
import { handOver } from './intake.ts';
import { type Batch, readBatch } from './read.ts';
import { type SaidPaid, saidPaid } from './said-paid.ts';

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
  const said = await saidPaid(
    trx,
    rows.map((row) => row.id),
  );
  const paid = rows.filter((row) => said.has(row.id)).map((row) => row.client_id);
  if (paid.length > 0)
    throw conflict(
      `These may have been paid, whatever is known here; a person finds out first: ${paid.slice(0, 10).join(', ')}`,
    );
  return new Map(rows.map((row) => [row.client_id, row.id]));
}

/** The newest batch that pays failed instructions of this one anew, whoever made it. */
async function latestRetry(payments: Payments, batchId: string): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select r.batch_id as id
    from instruction i
    join instruction r on r.retry_of = i.id and r.state not in ('rejected', 'cancelled')
    where i.batch_id = ${batchId}
    order by r.batch_id desc
    limit 1`.execute(payments.db);
  return rows[0]?.id;
}

const suffixOf = (number: number): string => `.R${number}`;

/** The highest suffix under which a batch has this one's id, for which reason ever. */
async function lastSuffix(payments: Payments, batch: Batch): Promise<number> {
  const own = batch.client_batch_id;
  const { rows } = await sql<{ last: number }>`
    select coalesce(max(substr(client_batch_id, ${own.length + 3})::integer), 0) as last
    from batch
    where source_id = ${batch.source_id}
      and purpose = 'payment'
      and left(client_batch_id, ${own.length}) = ${own}
      and substr(client_batch_id, ${own.length + 1}) ~ '^[.]R[1-9][0-9]{0,5}$'`.execute(payments.db);
  return rows[0]?.last ?? 0;
}

/** Whether the source uses an id with this suffix for something else than the failed instruction's retry. */
async function isTaken(
  payments: Payments,
  sourceId: string,
  failed: readonly Unpaid[],
  suffix: string,
): Promise<boolean> {
  const ids = failed.map((row) => `${row.client_id}${suffix}`);
  const { rows } = await sql<{ taken: boolean }>`
    select
      exists (
        select
        from unnest(${ids}::text[], ${failed.map((row) => row.id)}::uuid[]) as r (client_id, id)
        join instruction i
          on i.source_id = ${sourceId} and i.client_id = r.client_id and i.purpose = 'payment'
        where i.retry_of is distinct from r.id
      )
      or exists (
        select
        from submission s
        join submission_row r on r.submission_id = s.id
        where s.source_id = ${sourceId} and s.state = 'received' and r.client_id = any (${ids}::text[])
      ) as taken`.execute(payments.db);
  return rows[0]?.taken === true;
}

export interface LeftOut {
  readonly reason: SaidPaid;
  readonly count: number;
}

/**
 * Makes a new batch of the failed instructions of a finished one that no other is paying anew. It goes the whole way
 * again: validation, approval by a person who neither asked nor made it first, payment. What is rejected or withdrawn
 * there can be asked for once more. Asking twice answers the same batch. What may have been paid after all is left out,
 * and looked at once more when the others are sent.
 */
export async function retryFailed(
  payments: Payments,
  batchId: string,
  by: { readonly application: string; readonly person: string | undefined },
): Promise<{ id: string; repeated: boolean; leftOut: LeftOut[] }> {
  const batch = await readBatch(payments.db, batchId);
  if (!['completed', 'partially-completed', 'failed'].includes(batch.state))
    throw conflict(
      `The batch is ${batch.state}; only failed instructions of a finished batch can be paid anew`,
    );
  // Read before what failed: whoever asks at the same moment finds the same number, or nothing more to pay.
  let number = (await lastSuffix(payments, batch)) + 1;
  const { rows: unpaid } = await sql<Unpaid>`
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
  const said = await saidPaid(
    payments.db,
    unpaid.map((row) => row.id),
  );
  const leftOut = [...Map.groupBy(said.values(), (reason) => reason)].map(
    ([reason, group]): LeftOut => ({ reason, count: group.length }),
  );
  const failed = unpaid.filter((row) => !said.has(row.id));
  if (failed.length === 0) {
    const latest = await latestRetry(payments, batchId);
    if (latest !== undefined) return { id: latest, repeated: true, leftOut };
    const why = leftOut.map(({ reason, count }) => `; ${count} left out: ${reason}`).join('');
    throw conflict(`The batch has no failed instruction that could be paid anew${why}`);
  }
  while (await isTaken(payments, batch.source_id, failed, suffixOf(number))) number += 1;
  const suffix = suffixOf(number);
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
  const made = await handOver(payments, {
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
  return { ...made, leftOut };
}
