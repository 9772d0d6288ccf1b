import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';

interface Pulled {
  readonly event_id: string;
  readonly publisher: string;
  readonly sequence: string;
  readonly document: Record<string, unknown>;
}

/**
 * The next event that a subscriber has not acknowledged, the oldest first: the same one until it is acknowledged or
 * expires (IM-8.3.2-a).
 */
export async function nextEvent(
  db: Kysely<MediatorTables>,
  room: string,
  eventType: string,
  subscriber: string,
): Promise<Pulled | undefined> {
  const { rows } = await sql<Pulled>`
    with next as (
      select d.seq
      from delivery d
      where d.subscriber = ${subscriber} and d.source = ${room} and d.event_type = ${eventType}
        and d.state = 'waiting' and d.pulled and (d.expires_at is null or d.expires_at > now())
      order by d.seq
      limit 1
    ), handed as (
      update delivery d
      set attempts = d.attempts + 1
      from next
      where d.seq = next.seq
      returning d.seq, d.source, d.event_id, d.attempts
    ), logged as (
      insert into delivery_attempt (delivery, attempt, status)
      select seq, attempts, 200 from handed
    )
    select handed.event_id, e.publisher, e.sequence, e.document
    from handed
    join event e on e.source = handed.source and e.id = handed.event_id`.execute(db);
  return rows[0];
}

/** Acknowledges an event that was handed out. Answers whether there was one; again is as good as the first time. */
export async function acknowledge(
  db: Kysely<MediatorTables>,
  room: string,
  eventType: string,
  subscriber: string,
  id: string,
): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    with acknowledged as (
      update delivery
      set state = 'delivered', delivered_at = now()
      where subscriber = ${subscriber} and source = ${room} and event_type = ${eventType} and event_id = ${id}
        and state = 'waiting' and pulled and attempts > 0
      returning seq
    )
    select exists (select from acknowledged) or exists (
      select from delivery
      where subscriber = ${subscriber} and source = ${room} and event_type = ${eventType} and event_id = ${id}
        and state = 'delivered' and pulled
    ) as found`.execute(db);
  return rows[0]?.found === true;
}
