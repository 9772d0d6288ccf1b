import { badRequest, conflict, notFound, transaction } from '@govstack/platform';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import { findEventType } from './rooms.ts';
import type { openSchemas } from './schemas.ts';

export interface Publication {
  readonly room: string;
  readonly eventType: string;
  readonly publisher: string;
  /** Given by the publisher, so that it can repeat the request; made here otherwise. */
  readonly id: string;
  readonly event: Record<string, unknown>;
}

/** The value to which a JSON Pointer leads. */
function at(document: unknown, pointer: string): unknown {
  let found = document;
  for (const part of pointer.split('/').slice(1)) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return found;
}

const longestKey = 200;

/** The key that keeps the order: what the schema's `x-govstack-key` points to, one for the whole type otherwise. */
function keyOf(schema: Record<string, unknown>, event: unknown): string {
  const pointer = schema['x-govstack-key'];
  if (typeof pointer !== 'string') return '';
  const value = at(event, pointer);
  if (typeof value !== 'string' && typeof value !== 'number')
    throw badRequest('The event has no key', [
      { in: 'body', pointer: `/event${pointer}`, detail: 'is the key of the event type' },
    ]);
  return String(value).slice(0, longestKey);
}

/** One delivery for each subscription; a subscriber whose queue is full loses the event to its dead letters. */
const fanOut = (
  trx: Transaction<MediatorTables>,
  { room, eventType, id }: Publication,
  key: string,
): Promise<unknown> =>
  sql`
    insert into delivery (source, event_id, event_type, subscriber, ordering_key, pulled, expires_at, state, last_error)
    select ${room}, ${id}, ${eventType}, s.subscriber, case when s.fifo then ${`${room} ${eventType} ${key}`} end,
      s.delivery = 'PULL', now() + make_interval(secs => coalesce(s.ttl_seconds, 3600)),
      case when waiting.full then 'dead' else 'waiting' end,
      case when waiting.full then 'the queue of the subscriber is full' end
    from subscription s, lateral (
      select s.max_queue is not null and s.max_queue <= (
        select count(*)
        from delivery d
        where d.subscriber = s.subscriber and d.source = s.source and d.event_type = s.event_type
          and d.state = 'waiting'
      ) as full
    ) waiting
    where s.source = ${room} and s.event_type = ${eventType} and s.room`.execute(trx);

/**
 * Takes an event into a room: checked against the newest schema, numbered, stored and fanned out in one transaction
 * before it is acknowledged (IM-6.5-e, g, r). The same event again is the same answer and nothing more.
 */
export async function publishEvent(
  db: Kysely<MediatorTables>,
  check: ReturnType<typeof openSchemas>,
  publication: Publication,
): Promise<void> {
  const { room, eventType, publisher, id, event } = publication;
  const type = await findEventType(db, room, eventType);
  if (!type) throw notFound('This event type');
  const errors = check(`${room} ${eventType} ${type.version}`, type.schema, event);
  if (errors.length > 0) throw badRequest('The event does not match the schema of its type', errors);
  const key = keyOf(type.schema, event);
  const document = JSON.stringify(event);
  await transaction(db, async (trx) => {
    const stored = await sql`
      insert into event (source, id, type, document, publisher, key)
      values (${room}, ${id}, ${eventType}, ${document}::json, ${publisher}, ${key})
      on conflict on constraint event_pkey do nothing`.execute(trx);
    if (stored.numAffectedRows !== 1n) {
      const known = await trx
        .selectFrom('event')
        .select(sql<boolean>`document::jsonb = ${document}::jsonb`.as('same'))
        .where('source', '=', room)
        .where('id', '=', id)
        .where('publisher', '=', publisher)
        .where('type', '=', eventType)
        .executeTakeFirst();
      if (!known?.same) throw conflict('There is another event under this id');
      return;
    }
    // Holds the key until the deliveries stand, so that their order is that of the numbers.
    await sql`
      with number as (
        insert into event_sequence as known (room, type, key, last)
        values (${room}, ${eventType}, ${key}, 1)
        on conflict on constraint event_sequence_pkey do update
        set last = known.last + 1
        returning last
      )
      update event
      set sequence = (select last from number)
      where source = ${room} and id = ${id}`.execute(trx);
    await fanOut(trx, publication, key);
  });
}

/** An event of a room with the state of its deliveries. */
export async function findEvent(db: Kysely<MediatorTables>, room: string, eventType: string, id: string) {
  const event = await db
    .selectFrom('event')
    .selectAll()
    .where('source', '=', room)
    .where('type', '=', eventType)
    .where('id', '=', id)
    .executeTakeFirst();
  if (!event) return undefined;
  const deliveries = await db
    .selectFrom('delivery')
    .select(['subscriber', 'state', 'attempts', 'last_error', 'delivered_at'])
    .where('source', '=', room)
    .where('event_id', '=', id)
    .orderBy('seq')
    .execute();
  return { event, deliveries };
}

/** Delivers nothing more of an event (IM-8.3.3-a). */
export async function stopEvent(db: Kysely<MediatorTables>, room: string, id: string): Promise<void> {
  await transaction(db, async (trx) => {
    await sql`
      update event
      set stopped_at = coalesce(stopped_at, now())
      where source = ${room} and id = ${id}`.execute(trx);
    await sql`
      update delivery
      set state = 'stopped', last_error = 'the publisher stopped it'
      where source = ${room} and event_id = ${id} and state = 'waiting'`.execute(trx);
  });
}
