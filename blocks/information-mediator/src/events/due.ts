import { type Kysely, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';
import type { RetryPolicy } from './delivery.ts';

/** A delivery that this node holds, with its event and what the subscriber wants. */
export interface Due {
  readonly seq: string;
  readonly source: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly subscriber: string;
  readonly attempts: number;
  readonly document: Record<string, unknown>;
  /** Of an event in a room: who published it, and its number. */
  readonly publisher: string | null;
  readonly sequence: string | null;
  readonly subscription: string | null;
  readonly endpoint: string | null;
  readonly retry: Partial<RetryPolicy> | null;
  readonly secret: Buffer | null;
}

export interface Outcome {
  readonly state: 'delivered' | 'waiting' | 'dead';
  readonly status: number;
  readonly error: string | null;
  /** Milliseconds before the next attempt. */
  readonly delay: number;
  /** The subscriber wants no more events. */
  readonly suspend: boolean;
}

/**
 * Takes due deliveries for this node. Of those with the same ordering key only the first that is not yet delivered or
 * dead is due: the next one waits for it, whichever node delivers it.
 */
export async function lease(
  db: Kysely<MediatorTables>,
  leaseMs: number,
  busySubscribers: readonly string[],
  limit: number,
): Promise<Due[]> {
  const { rows } = await sql<Due>`
    with due as (
      select d.seq, s.id as subscription, s.endpoint, s.retry, s.secret
      from delivery d
      left join subscription s
        on s.source = d.source and s.event_type = d.event_type and s.subscriber = d.subscriber
      where d.state = 'waiting' and d.next_at <= now() and not d.pulled
        and s.suspended_at is null
        and d.subscriber <> all(${[...busySubscribers]}::text[])
        and (d.ordering_key is null or not exists (
          select from delivery earlier
          where earlier.subscriber = d.subscriber and earlier.ordering_key = d.ordering_key
            and earlier.state = 'waiting' and earlier.seq < d.seq
        ))
      order by d.next_at, d.seq
      limit ${limit}
      for update of d skip locked
    )
    update delivery d
    set attempts = d.attempts + 1, next_at = now() + make_interval(secs => ${leaseMs / 1000})
    from due, event e
    where d.seq = due.seq and e.source = d.source and e.id = d.event_id
    returning d.seq, d.source, d.event_id, d.event_type, d.subscriber, d.attempts, e.document, e.publisher,
      e.sequence, due.subscription, due.endpoint, due.retry, due.secret`.execute(db);
  return rows;
}

/** What came of an attempt, with its place in the record of attempts (IM-6.5-q). */
export async function settle(db: Kysely<MediatorTables>, due: Due, outcome: Outcome): Promise<void> {
  const { state, status, error, delay, suspend } = outcome;
  await sql`
    with attempt as (
      insert into delivery_attempt (delivery, attempt, status, error)
      values (${due.seq}, ${due.attempts}, ${status}, ${error})
    ), suspended as (
      update subscription
      set suspended_at = now()
      where id = ${due.subscription} and ${suspend}
    )
    update delivery
    set state = ${state},
      next_at = now() + make_interval(secs => ${delay / 1000}),
      delivered_at = case when ${state === 'delivered'} then now() end,
      last_error = ${error}
    where seq = ${due.seq} and (state = 'waiting' or (state = 'expired' and ${state === 'delivered'}))`.execute(
    db,
  );
}

/** Lets another node, or this one when it is back, begin anew at once. */
export async function giveBack(db: Kysely<MediatorTables>, due: Due): Promise<void> {
  await sql`
    update delivery
    set attempts = attempts - 1, next_at = now()
    where seq = ${due.seq} and state = 'waiting' and attempts = ${due.attempts}`.execute(db);
}

/** Sets aside what its subscriber did not get in time. */
export async function expire(db: Kysely<MediatorTables>): Promise<void> {
  await sql`
    update delivery
    set state = 'expired', last_error = coalesce(last_error, 'not delivered in time')
    where state = 'waiting' and expires_at <= now()`.execute(db);
}

/** What administrators have set as the default of retries, over the settings (IM-6.5-j). */
export async function retryDefault(db: Kysely<MediatorTables>): Promise<Partial<RetryPolicy>> {
  const row = await db.selectFrom('retry_default').select('policy').executeTakeFirst();
  return (row?.policy as Partial<RetryPolicy> | undefined) ?? {};
}
