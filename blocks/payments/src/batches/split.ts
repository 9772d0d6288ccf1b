import { transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { firstTurn } from '../dispatch/claim.ts';
import { derivedId } from '../ledger/derived-id.ts';
import type { Payments } from '../payments-context.ts';
import { listRails } from '../rails/registry.ts';
import type { Trx } from '../tables.ts';
import { reportChangedContent } from './approval.ts';
import { claimBatch, stillOurs } from './claim.ts';
import { contentHash } from './content-hash.ts';
import { engineActor, moveBatch } from './move.ts';
import type { Batch } from './read.ts';

/**
 * Splits a run into sub-batches by rail and size (PAY-5.3.4-g, PAY-6.9-a), combined payments together, and puts off what
 * is not to leave at once (PAY-6.1-f). Their ids follow from batch, rail and position: splitting again would give the same
 * ones. Every approved instruction ends up in exactly one.
 */
async function split(payments: Payments, trx: Trx, batch: Batch): Promise<void> {
  const together = batch.combine_payments;
  const led = together ? sql`left join combined_instruction k on k.instruction_id = i.id` : sql``;
  const leader = together ? sql`coalesce(k.leader_id, i.id)` : sql`i.id`;
  for (const rail of await listRails(trx)) {
    const { rows } = await sql<{ count: string }>`
      select count(*) as count
      from instruction i
      ${led}
      where i.batch_id = ${batch.id} and i.state = 'validated' and i.rail_id = ${rail.id} and ${leader} = i.id`.execute(
      trx,
    );
    const count = Number(rows[0]?.count ?? 0);
    if (count === 0) continue;
    const step = Math.min(batch.stagger_payees ?? count, count);
    const size = Math.min(rail.batch_size, payments.config.subBatchSize, step);
    const partsOfStep = Math.ceil(step / size);
    const parts = Math.ceil(count / step) * partsOfStep;
    const ids = Array.from({ length: parts }, (_, index) => derivedId('sub-batch', batch.id, rail.id, index));
    await sql`
      with ranked as (
        select
          i.id,
          i.position,
          i.amount,
          ${together ? sql`dense_rank() over (order by ${leader})` : sql`row_number() over (order by i.position)`}
            - 1 as place
        from instruction i
        ${led}
        where i.batch_id = ${batch.id} and i.state = 'validated' and i.rail_id = ${rail.id}
      ),
      placed as materialized (
        select
          id,
          position,
          amount,
          (place / ${step}::integer * ${partsOfStep}::integer + place % ${step}::integer / ${size}::integer)::integer
            as part
        from ranked
      ),
      parts as (
        insert into sub_batch
          (id, batch_id, rail_id, position, instruction_count, total_amount, first_position, last_position, state, turn,
           next_at)
        select
          (${ids}::uuid[])[part + 1], ${batch.id}, ${rail.id}, part, count(*), sum(amount), min(position),
          max(position), 'queued', part + ${firstTurn(rail.id)},
          now() + make_interval(secs => part / ${partsOfStep}::integer * ${batch.stagger_seconds ?? 0}::float8)
        from placed
        group by part
      )
      update instruction i
      set state = 'queued', sub_batch_id = (${ids}::uuid[])[placed.part + 1], updated_at = now()
      from placed
      where i.id = placed.id`.execute(trx);
  }
}

/**
 * Prepares the next authorised run for sending, when its time has come. The content is held against the approval once
 * more: a run that was changed since is held and reported, and nothing of it leaves.
 */
export async function splitNext(payments: Payments): Promise<boolean> {
  const claimed = await claimBatch(payments, 'authorised');
  if (!claimed) return false;
  const { batch } = claimed;
  const changed = await transaction(payments.db, async (trx) => {
    if (!(await stillOurs(trx, claimed))) return false;
    const approval = await trx
      .selectFrom('approval')
      .select(['decision', 'content_hash'])
      .where('batch_id', '=', batch.id)
      .executeTakeFirst();
    if (approval?.decision !== 'approved' || approval.content_hash !== (await contentHash(trx, batch.id))) {
      await moveBatch(trx, batch.id, 'held', {
        actor: engineActor,
        reason: 'content-changed-after-approval',
      });
      return true;
    }
    await split(payments, trx, batch);
    await moveBatch(trx, batch.id, 'processing', { actor: engineActor });
    return false;
  });
  if (changed) await reportChangedContent(payments, batch.id);
  payments.wake();
  return true;
}
