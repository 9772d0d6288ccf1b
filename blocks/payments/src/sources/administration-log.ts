import { newId } from '@govstack/platform';
import type { Trx } from '../tables.ts';

/** Keeps who set what, append-only, in the transaction of the change (PAY-6.12-d). */
export async function recordChange(
  trx: Trx,
  subject: string,
  action: string,
  actor: string,
  detail: object,
): Promise<void> {
  await trx
    .insertInto('administration_log')
    .values({ id: newId(), subject, action, actor, detail: JSON.stringify(detail) })
    .execute();
}
