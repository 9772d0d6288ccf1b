import { sql, type Transaction } from 'kysely';
import type { Json } from '../feel/json.ts';
import type { WorkflowTables } from '../tables.ts';

export interface Delivery {
  readonly subscriptionId: string;
  readonly instanceId: string;
  readonly payload: Json;
  readonly depth: number;
}

/**
 * Takes the oldest waiting message for each of these subscriptions, each message once. The instances behind the
 * subscriptions must be locked by this transaction.
 */
export async function takeWaitingMessages(
  trx: Transaction<WorkflowTables>,
  subscriptionIds: readonly string[],
  now: string,
): Promise<readonly Delivery[]> {
  const deliveries: Delivery[] = [];
  for (const subscriptionId of subscriptionIds) {
    const found = await sql<{ instance_id: string; payload: Json; depth: number }>`
      with taken as (
        select message.id, subscription.instance_id
        from subscription
        join message
          on message.owner = subscription.owner
          and message.name = subscription.message_name
          and message.correlation_key = subscription.correlation_key
        where subscription.id = ${subscriptionId}
          and message.delivered_to is null
          and message.expires_at > ${now}
        order by message.received_at
        limit 1
        for update of message skip locked
      )
      update message
      set delivered_to = taken.instance_id
      from taken
      where message.id = taken.id
      returning taken.instance_id, message.payload, message.depth`.execute(trx);
    const row = found.rows[0];
    if (row) {
      const { instance_id: instanceId, payload, depth } = row;
      deliveries.push({ subscriptionId, instanceId, payload, depth });
    }
  }
  return deliveries;
}
