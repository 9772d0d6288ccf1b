import { createHash } from 'node:crypto';
import { conflict, currentContext, newContext, newId, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import type { CallbackTarget } from '../callbacks/target.ts';
import type { Payments } from '../payments-context.ts';
import type { Programme } from '../sources/programme.ts';
import type { Source } from '../sources/source.ts';
import type { Trx } from '../tables.ts';
import type { CheckedBatch, CheckedInstruction } from './instruction-input.ts';
import { assertLimits } from './limits.ts';
import { retriedInstructions } from './retry.ts';
import { assertUnusedIds } from './used-ids.ts';

export interface HandOver {
  readonly purpose: 'payment' | 'validation';
  readonly source: Source;
  readonly programme: Programme | undefined;
  /** The source's own id of the batch: X-CorrelationID or BatchID. The same id is the same batch for ever. */
  readonly clientBatchId: string;
  readonly requestId: string | undefined;
  readonly batch: CheckedBatch;
  readonly makerApplication: string;
  /** Person who made the run, as far as known; may not approve it. */
  readonly makerPerson: string | undefined;
  readonly callback: CallbackTarget | undefined;
  readonly notBefore: Date | undefined;
}

/** Small enough for other requests to have their turn between two. */
const chunkSize = 1_000;

const requestHash = ({ programme, batch, notBefore }: HandOver): string => {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([programme?.id, batch.currency, notBefore?.toISOString()]));
  for (const one of batch.instructions)
    hash.update(
      JSON.stringify([
        one.clientId,
        one.payeeIdentity,
        one.amount.toString(),
        one.currency,
        one.narration,
        one.retryOf,
      ]),
    );
  return hash.digest('hex');
};

async function storeInstructions(
  payments: Payments,
  trx: Trx,
  handOver: HandOver,
  batchId: string,
  correlationId: string,
  instructions: readonly CheckedInstruction[],
  retried: ReadonlyMap<string, string>,
): Promise<void> {
  const { vault } = payments;
  const { source, purpose } = handOver;
  for (let from = 0; from < instructions.length; from += chunkSize) {
    const rows = instructions.slice(from, from + chunkSize).map((one, index) => {
      const id = newId();
      return {
        id,
        position: from + index,
        clientId: one.clientId,
        token: vault.token(one.payeeIdentity, `payee/${source.id}`),
        cipher: vault.seal(one.payeeIdentity, `instruction/${id}`),
        amount: one.amount.toString(),
        narration: one.narration ?? null,
        retryOf: one.retryOf === undefined ? null : (retried.get(one.retryOf) ?? null),
      };
    });
    await sql`
      insert into instruction
        (id, batch_id, purpose, position, source_id, client_id, payee_token, payee_cipher, amount, currency,
         narration, retry_of, state, correlation_id)
      select
        r.id, ${batchId}, ${purpose}, r.position, ${source.id}, r.client_id, r.payee_token, r.payee_cipher, r.amount,
        ${handOver.batch.currency}, r.narration, r.retry_of, 'received', ${correlationId}
      from unnest(
        ${rows.map((row) => row.id)}::uuid[],
        ${rows.map((row) => row.position)}::integer[],
        ${rows.map((row) => row.clientId)}::text[],
        ${rows.map((row) => row.token)}::bytea[],
        ${rows.map((row) => row.cipher)}::bytea[],
        ${rows.map((row) => row.amount)}::bigint[],
        ${rows.map((row) => row.narration)}::text[],
        ${rows.map((row) => row.retryOf)}::uuid[]
      ) as r (id, position, client_id, payee_token, payee_cipher, amount, narration, retry_of)`.execute(trx);
  }
}

/** Payments to one payee one after the other: what leaves as one lies together. */
const byPayee = (instructions: readonly CheckedInstruction[]): CheckedInstruction[] =>
  [...Map.groupBy(instructions, (one) => one.payeeIdentity).values()].flat();

/**
 * Takes over a batch: durable when it returns. The source's batch id makes it safe to repeat, also at the same
 * moment: the same content answers the same batch, other content is refused with 409.
 */
export async function handOver(
  payments: Payments,
  request: HandOver,
): Promise<{ id: string; repeated: boolean }> {
  const { source, programme, purpose, batch, clientBatchId } = request;
  const hash = requestHash(request);
  const correlationId = (currentContext() ?? newContext()).correlationId;
  const result = await transaction(payments.db, async (trx) => {
    const id = newId();
    const inserted = await trx
      .insertInto('batch')
      .values({
        id,
        purpose,
        source_id: source.id,
        programme_id: programme?.id ?? null,
        client_batch_id: clientBatchId,
        request_id: request.requestId ?? null,
        request_hash: hash,
        currency: batch.currency,
        instruction_count: batch.instructions.length,
        total_amount: batch.total.toString(),
        valid_count: null,
        valid_amount: null,
        content_hash: null,
        state: 'received',
        reason: null,
        maker_application: request.makerApplication,
        maker_person: request.makerPerson ?? null,
        not_before: request.notBefore ?? null,
        ...(programme && {
          combine_payments: programme.combine_payments,
          stagger_payees: programme.stagger_payees,
          stagger_seconds: programme.stagger_seconds,
        }),
        callback_target: request.callback ? JSON.stringify(request.callback) : null,
        funds_authorised_at: null,
        dispatch_paused_at: null,
        correlation_id: correlationId,
        lease_token: null,
        lease_until: null,
        completed_at: null,
      })
      .onConflict((clash) => clash.constraint('batch_client_key').doNothing())
      .returning('id')
      .executeTakeFirst();
    if (!inserted) {
      const known = await trx
        .selectFrom('batch')
        .select(['id', 'request_hash'])
        .where('source_id', '=', source.id)
        .where('purpose', '=', purpose)
        .where('client_batch_id', '=', clientBatchId)
        .executeTakeFirstOrThrow();
      if (known.request_hash !== hash)
        throw conflict('A batch with this id and other content was handed over before');
      return { id: known.id, repeated: true };
    }
    // Only now: what was taken over once is answered again, also when a limit was lowered since.
    if (programme) assertLimits(payments, programme, batch);
    if (purpose === 'payment')
      await assertUnusedIds(
        trx,
        source.id,
        batch.instructions.map((one) => one.clientId),
      );
    const retried = await retriedInstructions(payments, trx, source, batch.instructions);
    const inOrder = programme?.combine_payments ? byPayee(batch.instructions) : batch.instructions;
    await storeInstructions(payments, trx, request, id, correlationId, inOrder, retried);
    await sql`
      insert into batch_event (batch_id, from_state, to_state, actor)
      values (${id}, null, 'received', ${request.makerApplication})`.execute(trx);
    return { id, repeated: false };
  }).catch((error: unknown) => {
    const { code, constraint } = error as { code?: string; constraint?: string };
    if (code === '23505' && constraint === 'instruction_once')
      throw conflict('An instruction id of this batch was used in another batch');
    if (code === '23505' && constraint === 'instruction_retried_once')
      throw conflict('A failed instruction named in this batch is being paid anew already');
    throw error;
  });
  payments.wake();
  return result;
}
