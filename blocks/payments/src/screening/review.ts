import { conflict, forbidden, notFound, transaction } from '@govstack/platform';
import { type Selectable, sql } from 'kysely';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';
import type { Db, PaymentsTables } from '../tables.ts';

export type Review = Selectable<PaymentsTables['screening_review']>;

export async function readReview(db: Db, id: string): Promise<Review> {
  const row = await db.selectFrom('screening_review').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw notFound('Review');
  return row;
}

/** What waits for a person or was decided, a page after a review id; of everybody or of one agency's programmes. */
export const listReviews = (
  db: Db,
  filter: {
    readonly state?: Review['state'];
    readonly batchId?: string;
    readonly instructionId?: string;
    readonly agency?: string;
    readonly after?: string;
    readonly limit: number;
  },
): Promise<Review[]> =>
  db
    .selectFrom('screening_review')
    .selectAll()
    .$if(filter.state !== undefined, (query) => query.where('state', '=', filter.state as Review['state']))
    // Of a run that was withdrawn there is nothing left to decide.
    .$if(filter.state === 'open', (query) =>
      query.where(
        sql<boolean>`exists (select from batch b where b.id = screening_review.batch_id and b.state = 'received')`,
      ),
    )
    .$if(filter.batchId !== undefined, (query) => query.where('batch_id', '=', filter.batchId as string))
    .$if(filter.instructionId !== undefined, (query) =>
      query.where('instruction_id', '=', filter.instructionId as string),
    )
    .$if(filter.agency !== undefined, (query) =>
      query.where(
        sql<boolean>`exists (
          select from batch b
          join programme p on p.source_id = b.source_id and p.id = b.programme_id
          where b.id = screening_review.batch_id and p.agency = ${filter.agency as string})`,
      ),
    )
    .$if(filter.after !== undefined, (query) => query.where('id', '>', filter.after as string))
    .orderBy('id')
    .limit(filter.limit)
    .execute();

/** Releases or rejects one payment that a check has stopped; not the one who made the run. The last one wakes the run. */
export async function decideReview(
  payments: Payments,
  id: string,
  by: {
    readonly decision: 'released' | 'rejected';
    readonly note: string;
    readonly person: string;
    readonly actor: string;
  },
): Promise<Review> {
  const review = await transaction(payments.db, async (trx) => {
    const found = await readReview(trx, id);
    const { rows } = await sql<{ state: string; maker_person: string | null }>`
      select state, maker_person from batch where id = ${found.batch_id} for update`.execute(trx);
    if (rows[0]?.maker_person === by.person)
      throw forbidden('A payment is reviewed by another person than the one who made the run');
    const current = await readReview(trx, id);
    if (current.state !== 'open') throw conflict(`The review is ${current.state}`);
    if (rows[0]?.state !== 'received') throw conflict(`The run is ${rows[0]?.state}`);
    const decided = await trx
      .updateTable('screening_review')
      .set({ state: by.decision, decided_by: by.actor, decided_at: payments.ctx.now(), note: by.note })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await audit(trx, {
      component: 'screening',
      action: by.decision,
      subject: `instruction/${found.instruction_id}`,
      actor: by.actor,
      detail: { check: found.check_id, reason: found.reason_code },
    });
    await sql`
      update batch b
      set next_at = now()
      where b.id = ${found.batch_id}
        and not exists (
          select from screening_review w where w.batch_id = b.id and w.state = 'open'
        )`.execute(trx);
    return decided;
  });
  payments.wake();
  return review;
}
