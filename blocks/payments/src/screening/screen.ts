import { transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { type ClaimedBatch, stillOurs } from '../batches/claim.ts';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import { askCheck } from './ask.ts';
import { checksFor } from './checks.ts';

/** Accounts that were changed a short while ago, and accounts that many payees share: looked at by a person. */
async function checkAccountsHere(payments: Payments, trx: Trx, batchId: string): Promise<void> {
  const { coolingOffDays, sharedAccountPayees } = payments.config;
  if (coolingOffDays > 0)
    await sql`
      insert into screening_result (instruction_id, check_id, version_id, hit, on_hit, reason_code)
      select i.id, 'cooling-off', v.id, true, 'review', 'account-changed-recently'
      from instruction i
      join mapper_version v on v.id = i.version_id
      where i.batch_id = ${batchId}
        and i.state = 'received'
        and v.number > 1
        and exists (
          select
          from mapper_version n
          left join mapper_version p on p.entry_id = n.entry_id and p.number = n.number - 1
          where n.entry_id = v.entry_id
            and n.number between 2 and v.number
            and n.created_at > now() - make_interval(days => ${coolingOffDays})
            and n.address_token is distinct from p.address_token
        )
      on conflict on constraint screening_result_pkey do nothing`.execute(trx);
  if (sharedAccountPayees > 0)
    await sql`
      insert into screening_result (instruction_id, check_id, version_id, hit, on_hit, reason_code)
      select i.id, 'shared-account', v.id, true, 'review', 'account-of-many-payees'
      from instruction i
      join mapper_version v on v.id = i.version_id
      where i.batch_id = ${batchId}
        and i.state = 'received'
        and v.address_token is not null
        and (
          select count(*)
          from mapper_version o
          join mapper_entry e on e.current_version = o.id
          where o.address_token = v.address_token and o.active
        ) > ${sharedAccountPayees}
      on conflict on constraint screening_result_pkey do nothing`.execute(trx);
}

/**
 * Takes over what the checks found: a hit rejects the payment, or waits for a person, who has rejected it perhaps. A
 * validation without payment has nobody to wait for. Answers how many wait.
 */
async function takeOver(trx: Trx, { batch }: ClaimedBatch): Promise<number> {
  const waits = batch.purpose === 'payment';
  if (waits)
    await sql`
      insert into screening_review (id, batch_id, instruction_id, check_id, version_id, reason_code)
      select gen_random_uuid(), i.batch_id, i.id, r.check_id, r.version_id, r.reason_code
      from instruction i
      join screening_result r on r.instruction_id = i.id and r.version_id = i.version_id
      where i.batch_id = ${batch.id}
        and i.state = 'received'
        and r.hit
        and r.on_hit = 'review'
      order by i.position
      on conflict on constraint screening_review_key do nothing`.execute(trx);
  await sql`
    update instruction i
    set state = 'rejected', reason_code = bad.reason_code, updated_at = now()
    from (
      select r.instruction_id, min('screening-' || r.check_id) as reason_code
      from instruction own
      join screening_result r on r.instruction_id = own.id and r.version_id = own.version_id
      left join screening_review w
        on w.instruction_id = r.instruction_id and w.check_id = r.check_id and w.version_id = r.version_id
      where own.batch_id = ${batch.id}
        and own.state = 'received'
        and r.hit
        and (r.on_hit = 'reject' or w.state = 'rejected' or ${!waits})
      group by r.instruction_id
    ) bad
    where i.id = bad.instruction_id`.execute(trx);
  const { rows } = await sql<{ count: string }>`
    select count(*) as count
    from screening_review w
    join instruction i on i.id = w.instruction_id and i.version_id = w.version_id
    where w.batch_id = ${batch.id} and w.state = 'open' and i.state = 'received'`.execute(trx);
  return Number(rows[0]?.count ?? 0);
}

/**
 * Puts the payments of a batch through the checks set for it (PAY-5.1.4). Throws when a check does not answer: the batch
 * is delayed, nothing passes. Answers false when a person has to decide first; the decision wakes the batch.
 */
export async function screen(payments: Payments, claimed: ClaimedBatch): Promise<boolean> {
  const checks = await checksFor(payments.db, claimed.batch);
  for (const check of checks) await askCheck(payments, claimed.batch, check);
  const { coolingOffDays, sharedAccountPayees } = payments.config;
  if (checks.length === 0 && coolingOffDays === 0 && sharedAccountPayees === 0) return true;
  return transaction(payments.db, async (trx) => {
    if (!(await stillOurs(trx, claimed))) return false;
    await checkAccountsHere(payments, trx, claimed.batch.id);
    if ((await takeOver(trx, claimed)) === 0) return true;
    await sql`
      update batch
      set reason = 'screening-review', next_at = 'infinity', lease_token = null, lease_until = null, updated_at = now()
      where id = ${claimed.batch.id}`.execute(trx);
    return false;
  });
}
