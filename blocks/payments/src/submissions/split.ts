import { createHash } from 'node:crypto';
import { transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { derivedId } from '../ledger/derived-id.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { discard } from './receive.ts';

interface Waiting {
  id: string;
  source_id: string;
  instruction_count: number;
  part_size: number;
  request_hash: string;
  currency: string;
  correlation_id: string;
  parts: number;
}

/** The next submission to go on with, the one that has waited longest; nobody else has it until the transaction ends. */
async function claim(trx: Trx): Promise<Waiting | undefined> {
  const { rows } = await sql<Waiting>`
    select
      s.id, s.source_id, s.instruction_count, s.part_size, s.request_hash, s.currency, s.correlation_id,
      (select count(*)::integer from batch b where b.submission_id = s.id) as parts
    from submission s
    where s.state = 'received'
    order by s.touched_at, s.id
    limit 1
    for update of s skip locked`.execute(trx);
  return rows[0];
}

/**
 * Moves one part out of the stage into a batch of its own, whose id follows from submission and part: in one
 * transaction, so that every instruction is in the stage or in one batch, whenever somebody looks.
 */
async function movePart(trx: Trx, waiting: Waiting): Promise<void> {
  const { id, parts: part, part_size: size } = waiting;
  const batchId = derivedId('submission-part', id, part);
  const hash = createHash('sha256').update(`${waiting.request_hash}/${part}`).digest('hex');
  await sql`
    insert into batch
      (id, purpose, source_id, programme_id, client_batch_id, request_id, request_hash, currency, instruction_count,
       total_amount, state, maker_application, maker_person, not_before, callback_target, correlation_id,
       submission_id, part, combine_payments, stagger_payees, stagger_seconds)
    select
      ${batchId}, 'payment', s.source_id, s.programme_id, s.id || '.' || ${part}::integer + 1, s.client_id, ${hash},
      s.currency, r.count, r.amount, 'received', s.maker_application, s.maker_person, s.not_before,
      s.callback_target, s.correlation_id, s.id, ${part}, p.combine_payments, p.stagger_payees, p.stagger_seconds
    from submission s
    join programme p on p.source_id = s.source_id and p.id = s.programme_id
    cross join (
      select count(*) as count, sum(amount) as amount
      from submission_row
      where submission_id = ${id} and position >= ${part * size} and position < ${(part + 1) * size}
    ) r
    where s.id = ${id}`.execute(trx);
  await sql`
    with staged as (
      delete from submission_row
      where submission_id = ${id} and position >= ${part * size} and position < ${(part + 1) * size}
      returning position, id, client_id, payee_token, payee_cipher, amount, narration
    )
    insert into instruction
      (id, batch_id, purpose, position, source_id, client_id, payee_token, payee_cipher, amount, currency, narration,
       state, correlation_id)
    select
      r.id, ${batchId}, 'payment', row_number() over (order by r.first, r.position) - 1, ${waiting.source_id}, r.client_id, r.payee_token,
      r.payee_cipher, r.amount, ${waiting.currency}, r.narration, 'received', ${waiting.correlation_id}
    from (
      -- Of a programme that combines payments, those to one payee lie together.
      select s.*, case when b.combine_payments then min(s.position) over (partition by s.payee_token) end as first
      from staged s
      cross join (select combine_payments from batch where id = ${batchId}) b
    ) r`.execute(trx);
  await sql`
    insert into batch_event (batch_id, from_state, to_state, actor)
    select b.id, null, 'received', b.maker_application from batch b where b.id = ${batchId}`.execute(trx);
}

/** Ends the work on a submission whose parts add up to it. */
async function finish(trx: Trx, id: string): Promise<void> {
  const { numAffectedRows = 0n } = await sql`
    update submission s
    set state = 'split', staged_count = 0, touched_at = now()
    from (
      select coalesce(sum(instruction_count), 0) as count, coalesce(sum(total_amount), 0) as amount
      from batch
      where submission_id = ${id}
    ) parts
    where s.id = ${id}
      and parts.count = s.instruction_count
      and parts.amount = s.total_amount
      and not exists (select from submission_row r where r.submission_id = s.id)`.execute(trx);
  if (numAffectedRows === 0n) throw new Error(`the parts of submission ${id} do not add up to it`);
}

/** A sender that has fallen silent, or died, is given up after ten minutes. */
async function clearAbandoned(payments: Payments): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    select id
    from submission
    where state = 'receiving' and touched_at < now() - interval '10 minutes'
    limit 1`.execute(payments.db);
  if (rows[0]) await discard(payments.db, rows[0].id);
  return rows[0] !== undefined;
}

/**
 * Makes the next batch out of a submission (PAY-5.3.4-b), each of at most `maximumInstructions`. Submissions take turns,
 * part by part. Answers whether there was something to do.
 */
export async function splitNextSubmission(payments: Payments): Promise<boolean> {
  let under: string | undefined;
  const did = await transaction(payments.db, async (trx) => {
    const waiting = await claim(trx);
    if (!waiting) return false;
    under = waiting.id;
    await movePart(trx, waiting);
    const done = (waiting.parts + 1) * waiting.part_size >= waiting.instruction_count;
    if (done) await finish(trx, waiting.id);
    else
      await sql`
      update submission
      set touched_at = clock_timestamp(), staged_count = staged_count - ${waiting.part_size}::integer
      where id = ${waiting.id}`.execute(trx);
    return true;
  }).catch(async (error: unknown) => {
    // It does not keep the others from their turn.
    await sql`update submission set touched_at = clock_timestamp() where id = ${under ?? null}`.execute(
      payments.db,
    );
    throw error;
  });
  if (did) payments.wake();
  return did || (await clearAbandoned(payments));
}
