import { type Kysely, type SqlBool, sql } from 'kysely';
import { change } from '../directory/change.ts';
import type { MediatorTables } from '../tables.ts';

export interface Subscription {
  /** Application that announces the events. */
  readonly source: string;
  readonly eventType: string;
  /** Application whose `events-v1` takes delivery. */
  readonly subscriber: string;
}

/** From now on, events of this type go to the subscriber; the subscription is also the right to deliver them. */
export const putSubscription = (
  db: Kysely<MediatorTables>,
  { source, eventType, subscriber }: Subscription,
  grantedBy: string,
): Promise<boolean> =>
  change(db, [
    sql`
      insert into subscription (source, event_type, subscriber, granted_by)
      values (${source}, ${eventType}, ${subscriber}, ${grantedBy})
      on conflict on constraint subscription_pkey do nothing`,
  ]);

/** Ends a subscription and what still waits to be delivered under it. */
export const deleteSubscription = (
  db: Kysely<MediatorTables>,
  { source, eventType, subscriber }: Subscription,
): Promise<boolean> =>
  change(db, [
    sql`
      delete from subscription
      where source = ${source} and event_type = ${eventType} and subscriber = ${subscriber}`,
    sql`
      update delivery
      set state = 'dead', last_error = 'the subscription was ended'
      where source = ${source} and event_type = ${eventType} and subscriber = ${subscriber} and state = 'waiting'`,
  ]);

/** Subscriptions in the order of source, type and subscriber, one more than `limit` when there are more. */
export async function listSubscriptions(
  db: Kysely<MediatorTables>,
  filter: {
    readonly source: string | undefined;
    /** As source or subscriber; undefined: all. */
    readonly part: string | undefined;
    /** `source eventType subscriber` of the last one of the page before. */
    readonly after: string;
    readonly limit: number;
  },
): Promise<(Subscription & { readonly grantedBy: string })[]> {
  const [afterSource = '', afterType = '', afterSubscriber = ''] = filter.after.split(' ');
  const prefix = `${filter.part ?? ''}/`;
  const rows = await db
    .selectFrom('subscription')
    .select(['source', 'event_type', 'subscriber', 'granted_by'])
    .where(
      sql<SqlBool>`(source, event_type, subscriber) > (${afterSource}, ${afterType}, ${afterSubscriber})`,
    )
    .where(sql<SqlBool>`(${filter.part === undefined} or starts_with(source || '/', ${prefix})
      or starts_with(subscriber || '/', ${prefix}))`)
    .$if(filter.source !== undefined, (query) => query.where('source', '=', filter.source as string))
    .orderBy('source')
    .orderBy('event_type')
    .orderBy('subscriber')
    .limit(filter.limit + 1)
    .execute();
  return rows.map((row) => ({
    source: row.source,
    eventType: row.event_type,
    subscriber: row.subscriber,
    grantedBy: row.granted_by,
  }));
}
