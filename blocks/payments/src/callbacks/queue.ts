import { currentContext, newContext, newId } from '@govstack/platform';
import type { Payments } from '../payments-context.ts';
import type { Trx } from '../tables.ts';
import type { CallbackTarget } from './target.ts';

/**
 * Queues a message in the transaction of what it tells of: to a source, or to another party (`biller/B00001`). The body
 * is kept sealed.
 */
export async function enqueueCallback(
  payments: Payments,
  trx: Trx,
  message: ({ readonly sourceId: string } | { readonly party: string }) & {
    readonly kind: string;
    readonly target: CallbackTarget;
    readonly body: unknown;
    readonly correlationId?: string;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<string> {
  const id = newId();
  await trx
    .insertInto('callback')
    .values({
      id,
      source_id: 'sourceId' in message ? message.sourceId : null,
      party: 'party' in message ? message.party : null,
      headers: message.headers === undefined ? null : JSON.stringify(message.headers),
      kind: message.kind,
      target: JSON.stringify(message.target),
      body_cipher: payments.vault.seal(JSON.stringify(message.body), `callback/${id}`),
      last_status: null,
      correlation_id: message.correlationId ?? (currentContext() ?? newContext()).correlationId,
      delivered_at: null,
    })
    .execute();
  return id;
}
