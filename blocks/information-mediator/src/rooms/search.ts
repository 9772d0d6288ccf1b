import { type Kysely, type SqlBool, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';

export interface EventFilter {
  readonly eventType?: string | undefined;
  readonly publisher?: string | undefined;
  readonly eventId?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Events of a room, the newest first, one more than `limit` when there are more; `after`: `time id` of the last one. */
export async function searchEvents(
  db: Kysely<MediatorTables>,
  room: string,
  { eventType, publisher, eventId, from, to }: EventFilter,
  { after, limit }: { readonly after: string; readonly limit: number },
) {
  const [afterTime = '', afterId = ''] = after.split(' ');
  let query = db
    .selectFrom('event')
    .select(['id', 'type', 'publisher', 'sequence', 'received_at'])
    .select(sql<string>`to_char(received_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`.as('place'))
    .where('source', '=', room)
    .where('publisher', 'is not', null)
    .orderBy('received_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (afterTime !== '')
    query = query.where(sql<SqlBool>`(received_at, id) < (${afterTime}::timestamptz, ${afterId})`);
  if (eventType !== undefined) query = query.where('type', '=', eventType);
  if (publisher !== undefined) query = query.where('publisher', '=', publisher);
  if (eventId !== undefined) query = query.where('id', '=', eventId);
  if (from !== undefined) query = query.where('received_at', '>=', from);
  if (to !== undefined) query = query.where('received_at', '<', to);
  const events = await query.execute();
  const deliveries =
    events.length === 0
      ? []
      : await db
          .selectFrom('delivery')
          .select(['event_id', 'subscriber', 'state', 'attempts', 'last_error', 'delivered_at'])
          .where('source', '=', room)
          .where(
            'event_id',
            'in',
            events.map(({ id }) => id),
          )
          .orderBy('seq')
          .execute();
  const byEvent = Map.groupBy(deliveries, ({ event_id }) => event_id);
  return events.map((event) => ({ event, deliveries: byEvent.get(event.id) ?? [] }));
}

/** Attempts to deliver an event, in their order. */
export const attemptsOf = (db: Kysely<MediatorTables>, room: string, eventId: string) =>
  db
    .selectFrom('delivery_attempt')
    .innerJoin('delivery', 'delivery.seq', 'delivery_attempt.delivery')
    .select([
      'delivery.subscriber',
      'delivery_attempt.attempt',
      'delivery_attempt.at',
      'delivery_attempt.status',
      'delivery_attempt.error',
    ])
    .where('delivery.source', '=', room)
    .where('delivery.event_id', '=', eventId)
    .orderBy('delivery_attempt.at')
    .limit(1000)
    .execute();

/** Subscriptions in a room with what waits and what is dead. */
export const roomSubscriptions = (
  db: Kysely<MediatorTables>,
  room: string,
  eventType: string | undefined,
  { after, limit }: { readonly after: string; readonly limit: number },
) => {
  const [afterType = '', afterSubscriber = ''] = after.split(' ');
  const count = (state: 'waiting' | 'dead') =>
    sql<string>`(
      select count(*)
      from delivery d
      where d.source = subscription.source and d.event_type = subscription.event_type
        and d.subscriber = subscription.subscriber and d.state = ${state}
    )`;
  return db
    .selectFrom('subscription')
    .selectAll()
    .select([count('waiting').as('waiting'), count('dead').as('dead')])
    .where('source', '=', room)
    .where(sql<SqlBool>`(event_type, subscriber) > (${afterType}, ${afterSubscriber})`)
    .$if(eventType !== undefined, (query) => query.where('event_type', '=', eventType as string))
    .orderBy('event_type')
    .orderBy('subscriber')
    .limit(limit + 1)
    .execute();
};
