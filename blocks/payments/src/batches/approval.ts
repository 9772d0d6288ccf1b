import { type Caller, conflict, forbidden, type Person, transaction } from '@govstack/platform';
import { sql } from 'kysely';
import { openCases } from '../cases/cases.ts';
import type { Payments } from '../payments-context.ts';
import { actorOf } from '../sources/access.ts';
import { readProgramme } from '../sources/programme.ts';
import type { Trx } from '../tables.ts';
import { type DecisionSignature, keepSignature, signDecision } from './approval-signature.ts';
import { concludeBatch } from './conclude.ts';
import { contentHash } from './content-hash.ts';
import { engineActor, moveBatch } from './move.ts';
import { type Batch, lockBatch, readBatch } from './read.ts';
import { reserveFunds } from './reserve.ts';

export interface Decision {
  readonly batchId: string;
  readonly caller: Caller;
  readonly person: Person;
  /** Hash of the content the person has seen. */
  readonly contentHash: string;
  readonly reason?: string;
  readonly acceptPossibleDuplicates?: boolean;
}

/** Whether somebody made a run, or one of those whose failed payments it pays anew, however often that was tried. */
async function hasMade(trx: Trx, batchId: string, personId: string): Promise<boolean> {
  const { rows } = await sql`
    with recursive origin (id) as (
      select ${batchId}::uuid
      union
      select failed.batch_id
      from origin o
      join instruction i on i.batch_id = o.id
      join instruction failed on failed.id = i.retry_of
    )
    select
    from origin o
    join batch b on b.id = o.id
    where b.maker_person = ${personId}
    limit 1`.execute(trx);
  return rows.length > 0;
}

/** Whether this officer may decide on runs of the programme at all: role, agency, and not one of those who made the run. */
async function assertMayDecide(payments: Payments, trx: Trx, batch: Batch, person: Person): Promise<void> {
  const { approverRole, approverAgencies } = payments.config;
  if (!person.roles.includes(approverRole)) throw forbidden(`Runs are decided by a ${approverRole}`);
  const programme = await readProgramme(trx, batch.source_id, batch.programme_id as string);
  const agencies = approverAgencies.map((one) => (one === 'treasury' ? payments.treasury : programme.agency));
  if (person.agency === undefined || !agencies.includes(person.agency))
    throw forbidden('Only officers of the treasury or of the programme’s agency decide on its runs');
  if (await hasMade(trx, batch.id, person.id))
    throw forbidden('A run is approved by another person than the one who made it');
}

/** The decision that was taken before, if it is the same one again; otherwise 409. */
async function repeatedDecision(
  trx: Trx,
  batch: Batch,
  decision: Decision,
  kind: 'approved' | 'rejected',
): Promise<boolean> {
  const known = await trx
    .selectFrom('approval')
    .select(['decision', 'person', 'content_hash'])
    .where('batch_id', '=', batch.id)
    .executeTakeFirst();
  if (!known) return false;
  if (
    known.decision === kind &&
    known.person === decision.person.id &&
    known.content_hash === decision.contentHash
  )
    return true;
  throw conflict(`The run was ${known.decision} before`);
}

async function assertContent(trx: Trx, batch: Batch, seen: string): Promise<void> {
  if (batch.content_hash !== seen)
    throw conflict('The content of the run is not the one you have seen; look at it again');
  if ((await contentHash(trx, batch.id)) !== batch.content_hash)
    throw conflict('The content of the run was changed after its validation; it cannot be approved');
}

async function keepDecision(
  payments: Payments,
  trx: Trx,
  decision: Decision,
  kind: 'approved' | 'rejected',
  signed: DecisionSignature | undefined,
): Promise<void> {
  await trx
    .insertInto('approval')
    .values({
      batch_id: decision.batchId,
      decision: kind,
      person: decision.person.id,
      agency: decision.person.agency ?? null,
      application: decision.caller.application,
      content_hash: decision.contentHash,
      reason: decision.reason ?? null,
      exchange_id: decision.caller.exchangeId,
    })
    .execute();
  await keepSignature(payments, trx, decision.batchId, signed);
}

async function reserveAndMove(trx: Trx, batch: Batch, actor: string): Promise<void> {
  if (await reserveFunds(trx, batch)) await moveBatch(trx, batch.id, 'approved', { actor });
  else await moveBatch(trx, batch.id, 'held', { actor, reason: 'insufficient-budget' });
}

/**
 * Approves a run (PAY-5.3.1-f): a person with the role, of the treasury or the programme's agency, not its maker, for
 * exactly the content they have seen. Its money is reserved at once; a run the released budget does not cover is held.
 * The same decision again answers the run as it is; another one is refused with 409. Nothing is paid twice.
 */
export async function approveBatch(payments: Payments, decision: Decision): Promise<Batch> {
  const tampered = { yes: false };
  const signed = await signDecision(payments, decision, 'approved');
  const batch = await transaction(payments.db, async (trx) => {
    const found = await lockBatch(trx, decision.batchId);
    await assertMayDecide(payments, trx, found, decision.person);
    if (await repeatedDecision(trx, found, decision, 'approved')) return found;
    if (found.state !== 'awaiting-approval')
      throw conflict(`The run is ${found.state}, not awaiting approval`);
    tampered.yes = found.content_hash === decision.contentHash;
    await assertContent(trx, found, decision.contentHash);
    tampered.yes = false;
    if (found.possible_duplicates > 0 && decision.acceptPossibleDuplicates !== true)
      throw conflict(
        `${found.possible_duplicates} payments look like ones of another recent run; accept them explicitly`,
      );
    await keepDecision(payments, trx, decision, 'approved', signed);
    await reserveAndMove(trx, found, actorOf(decision.caller, decision.person));
    return readBatch(trx, found.id);
  }).catch(async (error: unknown) => {
    if (tampered.yes) await reportChangedContent(payments, decision.batchId);
    throw error;
  });
  payments.wake();
  return batch;
}

/** Refuses a run for good. Its instructions are cancelled; the source is told. */
export async function rejectBatch(payments: Payments, decision: Decision): Promise<Batch> {
  const signed = await signDecision(payments, decision, 'rejected');
  const batch = await transaction(payments.db, async (trx) => {
    const found = await lockBatch(trx, decision.batchId);
    await assertMayDecide(payments, trx, found, decision.person);
    if (await repeatedDecision(trx, found, decision, 'rejected')) return found;
    if (found.state !== 'awaiting-approval')
      throw conflict(`The run is ${found.state}, not awaiting approval`);
    await keepDecision(payments, trx, decision, 'rejected', signed);
    await concludeBatch(payments, trx, found.id, {
      state: 'rejected',
      actor: actorOf(decision.caller, decision.person),
      reason: decision.reason ?? 'rejected-by-approver',
    });
    return readBatch(trx, found.id);
  });
  payments.wake();
  return batch;
}

/** A case for content that no longer is what was validated or approved. */
export const reportChangedContent = (payments: Payments, batchId: string): Promise<void> =>
  openCases(payments.db, [
    {
      kind: 'content-changed',
      key: batchId,
      batchId,
      detail: 'The stored content of a run differs from the one that was validated. It is not paid.',
    },
  ]);

/**
 * Approves a run without a person, only for sources whose runs the treasury lets through up to a limit, and only in the
 * limit's currency. No source has such a limit unless it is set for it. What failed before is never paid anew without a
 * person.
 */
export async function approveAutomatically(payments: Payments, trx: Trx, batchId: string): Promise<void> {
  const batch = await readBatch(trx, batchId);
  const source = await trx
    .selectFrom('source_system')
    .select(['auto_approve_limit', 'auto_approve_currency'])
    .where('id', '=', batch.source_id)
    .executeTakeFirstOrThrow();
  const limit = source.auto_approve_limit;
  if (limit === null || source.auto_approve_currency !== batch.currency) return;
  if (BigInt(batch.valid_amount ?? '0') > BigInt(limit) || batch.possible_duplicates > 0) return;
  const { rows: retries } = await sql`
    select from instruction where batch_id = ${batchId} and retry_of is not null limit 1`.execute(trx);
  if (retries.length > 0) return;
  await trx
    .insertInto('approval')
    .values({
      batch_id: batch.id,
      decision: 'approved',
      person: 'auto-approve-limit',
      agency: payments.treasury,
      application: payments.ctx.application,
      content_hash: batch.content_hash ?? '',
      reason: null,
      exchange_id: batch.id,
    })
    .execute();
  await reserveAndMove(trx, batch, engineActor);
}
