import { createHash } from 'node:crypto';
import { Refusal } from '../http/operation.ts';
import type { Book } from './book.ts';
import type { Order } from './records.ts';

/** What makes an order this order: everything but the batch it came in. */
export const fingerprintOf = ({
  debtor,
  creditor,
  institution = '',
  amount,
  currency,
  narration = '',
}: Order): string =>
  createHash('sha256')
    .update(JSON.stringify([debtor, creditor, institution, amount, currency, narration]))
    .digest('base64url');

const mostErrors = 50;

/** Refuses orders of which one has the reference of another order, known or in the same batch (409). */
export function refuseConflicts(orders: readonly Order[], book: Book): void {
  const seen = new Map<string, string>();
  const errors = orders.flatMap((order, at) => {
    const fingerprint = fingerprintOf(order);
    const known = book.transfer(order.reference)?.fingerprint ?? seen.get(order.reference);
    seen.set(order.reference, fingerprint);
    return known === undefined || known === fingerprint
      ? []
      : [{ pointer: `/transfers/${at}/reference`, detail: 'stands for another transfer' }];
  });
  if (errors.length === 0) return;
  throw new Refusal(409, 'A reference was used for another transfer; nothing was executed', {
    errors: errors.slice(0, mostErrors),
  });
}
