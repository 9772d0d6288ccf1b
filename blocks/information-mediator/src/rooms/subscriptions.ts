import { transaction } from '@govstack/platform';
import { type Kysely, type Selectable, sql } from 'kysely';
import type { RetryPolicy } from '../events/delivery.ts';
import type { MediatorTables, SubscriptionTable } from '../tables.ts';

export type Retry = Partial<Omit<RetryPolicy, 'leaseMs'>>;

export interface RoomSubscription {
  readonly room: string;
  readonly eventType: string;
  readonly subscriber: string;
  readonly delivery: 'PUSH' | 'PULL';
  /** The subscriber's service that takes pushed events. */
  readonly endpoint: string | null;
  readonly ttlSeconds: number;
  readonly fifo: boolean;
  readonly retry: Retry | null;
  /** Waiting events after which further ones are dead letters at once; null: no limit. */
  readonly maxQueue: number | null;
  /** Signs pushes, sealed; null: they are not signed. */
  readonly secret: Buffer | null;
}

const valuesOf = (subscription: RoomSubscription) => ({
  delivery: subscription.delivery,
  endpoint: subscription.endpoint,
  ttl_seconds: subscription.ttlSeconds,
  fifo: subscription.fifo,
  retry: subscription.retry && JSON.stringify(subscription.retry),
  max_queue: subscription.maxQueue,
  secret: subscription.secret,
});

/** Answers whether it is new. */
export async function addSubscription(
  db: Kysely<MediatorTables>,
  subscription: RoomSubscription,
  grantedBy: string,
): Promise<boolean> {
  const { room, eventType, subscriber } = subscription;
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('subscription')
    .values({
      source: room,
      event_type: eventType,
      subscriber,
      granted_by: grantedBy,
      room: true,
      ...valuesOf(subscription),
    })
    .onConflict((found) => found.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** Changes a subscription; one that was suspended goes on. What waits goes the new way too. */
export async function changeSubscription(
  db: Kysely<MediatorTables>,
  subscription: RoomSubscription,
): Promise<void> {
  const { room, eventType, subscriber, delivery } = subscription;
  await transaction(db, async (trx) => {
    await trx
      .updateTable('subscription')
      .set({ ...valuesOf(subscription), suspended_at: null })
      .where('source', '=', subscription.room)
      .where('event_type', '=', subscription.eventType)
      .where('subscriber', '=', subscription.subscriber)
      .execute();
    await trx
      .updateTable('delivery')
      .set({ pulled: delivery === 'PULL' })
      .where('source', '=', room)
      .where('event_type', '=', eventType)
      .where('subscriber', '=', subscriber)
      .where('state', '=', 'waiting')
      .execute();
  });
}

export type SubscriptionRow = Selectable<SubscriptionTable>;

export const findSubscription = (
  db: Kysely<MediatorTables>,
  room: string,
  eventType: string,
  subscriber: string,
): Promise<SubscriptionRow | undefined> =>
  db
    .selectFrom('subscription')
    .selectAll()
    .where('source', '=', room)
    .where('event_type', '=', eventType)
    .where('subscriber', '=', subscriber)
    .executeTakeFirst();

export const subscriptionsOf = (
  db: Kysely<MediatorTables>,
  room: string,
  subscriber: string,
): Promise<SubscriptionRow[]> =>
  db
    .selectFrom('subscription')
    .selectAll()
    .where('source', '=', room)
    .where('subscriber', '=', subscriber)
    .orderBy('event_type')
    .limit(1000)
    .execute();

/** Gives dead and expired deliveries of a subscription all their attempts again. Answers how many. */
export async function replay(
  db: Kysely<MediatorTables>,
  { room, eventType, subscriber }: Pick<RoomSubscription, 'room' | 'eventType' | 'subscriber'>,
  from: string,
): Promise<number> {
  const { numAffectedRows } = await sql`
    update delivery d
    set state = 'waiting', attempts = 0, next_at = now(), last_error = null,
      expires_at = now() + make_interval(secs => coalesce(s.ttl_seconds, 3600))
    from subscription s
    where s.source = d.source and s.event_type = d.event_type and s.subscriber = d.subscriber
      and d.source = ${room} and d.event_type = ${eventType} and d.subscriber = ${subscriber}
      and d.state in ('dead', 'expired') and d.created_at >= ${from}`.execute(db);
  return Number(numAffectedRows ?? 0n);
}
