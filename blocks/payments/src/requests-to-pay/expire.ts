import { transaction } from '@govstack/platform';
import { sql } from 'kysely';
import type { Payments } from '../payments-context.ts';
import { tellPayerOver, tellResponse, tellStatus } from './notices.ts';
import { moveRequest } from './settle.ts';

/** Ends a request-to-pay whose time is over. Answers whether there was one. */
export async function expireNext(payments: Payments): Promise<boolean> {
  return transaction(payments.db, async (trx) => {
    const { rows } = await sql<{ id: string }>`
      select id
      from request_to_pay
      where state = 'PND' and expires_at <= now()
      order by expires_at
      limit 1
      for update skip locked`.execute(trx);
    if (!rows[0]) return false;
    const moved = await moveRequest(payments, trx, rows[0].id, 'EXP', { reason: 'E' });
    if (!moved) return false;
    await tellPayerOver(payments, trx, moved, 'E');
    await tellResponse(payments, trx, moved, 'E');
    await tellStatus(payments, trx, moved);
    return true;
  });
}
