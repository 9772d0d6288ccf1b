import { type Kysely, type SqlBool, sql } from 'kysely';
import type { MediatorTables } from '../tables.ts';

export interface DeliveryState {
  readonly sequence: string;
  readonly source: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly subscriber: string;
  readonly state: 'waiting' | 'delivered' | 'dead' | 'expired' | 'stopped';
  readonly attempts: number;
  readonly nextAt: string;
  readonly lastError: string | null;
  readonly deliveredAt: string | null;
}

/** Deliveries, oldest first, one more than `limit` when there are more; `part` limits them to those of a member or application, as source or subscriber. */
export async function listDeliveries(
  db: Kysely<MediatorTables>,
  filter: {
    readonly state: DeliveryState['state'];
    readonly part: string | undefined;
    readonly after: string;
    readonly limit: number;
  },
): Promise<DeliveryState[]> {
  const own =
    filter.part === undefined
      ? sql<SqlBool>`true`
      : sql<SqlBool>`(starts_with(source || '/', ${`${filter.part}/`}) or starts_with(subscriber || '/', ${`${filter.part}/`}))`;
  const rows = await db
    .selectFrom('delivery')
    .selectAll()
    .where('state', '=', filter.state)
    .where('seq', '>', /^[0-9]+$/.test(filter.after) ? filter.after : '0')
    .where(own)
    .orderBy('seq')
    .limit(filter.limit + 1)
    .execute();
  return rows.map((row) => ({
    sequence: row.seq,
    source: row.source,
    eventId: row.event_id,
    eventType: row.event_type,
    subscriber: row.subscriber,
    state: row.state,
    attempts: row.attempts,
    nextAt: row.next_at,
    lastError: row.last_error,
    deliveredAt: row.delivered_at,
  }));
}

/** Gives a dead delivery all its attempts again. Answers whether there was one. */
export async function redeliver(
  db: Kysely<MediatorTables>,
  sequence: string,
  part: string | undefined,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update delivery
    set state = 'waiting', attempts = 0, next_at = now()
    where seq = ${sequence} and state = 'dead'
      and (${part === undefined} or starts_with(source || '/', ${`${part ?? ''}/`})
        or starts_with(subscriber || '/', ${`${part ?? ''}/`}))`.execute(db);
  return numAffectedRows === 1n;
}
