import { notFound } from '@govstack/platform';
import type { Selectable } from 'kysely';
import type { Batch } from '../batches/read.ts';
import type { Db, PaymentsTables } from '../tables.ts';

/** A submission that was taken over; one that still comes in is not there yet. */
export async function readSubmission(db: Db, id: string): Promise<Selectable<PaymentsTables['submission']>> {
  const row = await db
    .selectFrom('submission')
    .selectAll()
    .where('id', '=', id)
    .where('state', '<>', 'receiving')
    .executeTakeFirst();
  if (!row) throw notFound('Submission');
  return row;
}

/** Batches of a submission in the order of its instructions, after part `after` (from 1). */
export const partsOf = (db: Db, submissionId: string, after: number, limit: number): Promise<Batch[]> =>
  db
    .selectFrom('batch')
    .selectAll()
    .where('submission_id', '=', submissionId)
    .where('part', '>=', after)
    .orderBy('part')
    .limit(limit)
    .execute();
