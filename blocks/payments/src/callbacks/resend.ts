import { conflict, notFound, transaction } from '@govstack/platform';
import { audit } from '../audit/audit.ts';
import type { Payments } from '../payments-context.ts';

/**
 * Sends a message that was given up again, under the same id, to where its recipient is registered now; it is tried for as
 * long as a new one. Throws 409 for a message that is delivered or still waits, and for one of which nothing is kept: it
 * held voucher numbers, which its source asks for.
 */
export async function resend(payments: Payments, id: string, actor: string): Promise<void> {
  await transaction(payments.db, async (trx) => {
    const found = await trx
      .selectFrom('callback')
      .select(['state', 'body_cipher'])
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (!found) throw notFound('Message');
    if (found.state !== 'dead')
      throw conflict(`The message is ${found.state}; only one that was given up is sent again`);
    if (found.body_cipher.length === 0)
      throw conflict('Nothing is kept of the message; its source asks for the vouchers by its request id');
    const now = payments.ctx.now();
    await trx
      .updateTable('callback')
      .set({ state: 'waiting', next_at: now, resent_at: now })
      .where('id', '=', id)
      .execute();
    await audit(trx, { component: 'notices', action: 'resend', subject: `callback/${id}`, actor });
  });
  payments.wake();
}
